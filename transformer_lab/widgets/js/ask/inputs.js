// The 5,000 inputs of the digit model, and what a reader types as one of them, or a sentence about what is not.

import { parse as read, spell, value, written } from "../core/expression.js";
import { TOKENS } from "../core/tokens.js";

export const OPERATIONS = ["First", "Second", "Last", "Max", "Min"];
const LIKE = "Max ( 5 , 3 , 9 )", KNOWN = "this model knows First, Second, Last, Max and Min";

/** An input by its number, counted as in transformer_lab.tasks.digits.all_inputs: its words, tokens and answer. */
export function input(number) {
  const operation = Math.floor(number / 1000), digits = [100, 10, 1].map((unit) => Math.floor(number / unit) % 10);
  const x = { name: OPERATIONS[operation], inside: digits }, { words, tokens } = written(x);
  return { number, operation, digits, words: words.map(({ text }) => text), tokens, text: spell(x),
    answer: TOKENS.indexOf(String(value(x))) };
}

/** One operation and its digits, whatever stands between them, as an expression. */
const tidied = (text) => text.replace(/^\s*([A-Za-z-]+)[\s(]*([0-9]+(?:[\s,;]+[0-9]+)*)[\s)]*$/,
  (all, name, digits) => `${name}(${digits.split(/[\s,;]+/)})`);

/** The { number } of the input that a text means, or a { fault }. Brackets, commas and capitals do not matter. */
export function parse(text) {
  const fault = (came, allowed) => ({ fault: `Got ${came}; ${allowed}.` });
  if (!/[^\s(),;]/.test(text)) return fault("nothing", `write an operation and three digits, as in ${LIKE}`);
  const { x, fault: sentence } = read(tidied(text));
  if (!x) return { fault: sentence };
  const operation = OPERATIONS.indexOf(x.name), odd = x.inside.find((one) => !(one <= 9)), n = x.inside.length;
  if (operation < 0) return fault(x.name, KNOWN);
  if (odd !== undefined) return fault(`${odd.name ?? odd} inside ${x.name}`, "this model knows the digits 0 to 9, one by one");
  if (n !== 3) return fault(`${x.name} of ${n} digit${n === 1 ? "" : "s"}`, `this model knows three, as in ${LIKE}`);
  return { number: Number([operation, ...x.inside].join("")) };
}
