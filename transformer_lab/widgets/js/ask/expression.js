// What a reader types, as one of the 5,000 inputs, or a sentence about what is not.

import { TOKENS } from "../core/tokens.js";

export const OPERATIONS = ["First", "Second", "Last", "Max", "Min"];
const ANSWER = [(a) => a, (a, b) => b, (a, b, c) => c, Math.max, Math.min], LIKE = "Max ( 5 , 3 , 9 )";

/** An input by its number, counted as in transformer_lab.tasks.digits.all_inputs: its words, tokens and answer. */
export function input(number) {
  const operation = Math.floor(number / 1000), digits = [100, 10, 1].map((unit) => Math.floor(number / unit) % 10);
  const [a, b, c] = digits, words = [OPERATIONS[operation], "(", a, ",", b, ",", c, ")"].map(String);
  const tokens = words.map((word) => TOKENS.indexOf(word));
  return { number, operation, digits, words, tokens, text: words.join(" "), answer: 2 + ANSWER[operation](...digits) };
}

/** The { number } of the input that a text means, or a { fault }. Brackets, commas and capitals do not matter. */
export function parse(text) {
  const [first, ...rest] = text.match(/\p{L}[\p{L}-]*|-?\d+(?:\.\d+)?|[^\s(),;]/gu)?.map(brief) ?? [];
  const operation = OPERATIONS.findIndex((name) => name.toLowerCase() === first?.toLowerCase());
  const fault = (came, allowed) => ({ fault: `Got ${came}; ${allowed}.` });
  if (first === undefined) return fault("nothing", `write an operation and three digits, as in ${LIKE}`);
  if (operation < 0 && !/\p{L}/u.test(first)) return fault(first, `an operation comes first, as in ${LIKE}`);
  if (operation < 0) return fault(first, "this model knows First, Second, Last, Max and Min");
  const odd = rest.find((word) => !/^\d$/.test(word)), name = OPERATIONS[operation];
  if (odd !== undefined) return fault(`${odd} inside ${name}`, "this model knows the digits 0 to 9, one by one");
  if (rest.length !== 3) return fault(`${name} of ${count(rest.length)}`, `this model knows three, as in ${LIKE}`);
  return { number: Number([operation, ...rest].join("")) };
}

const brief = (word) => (word.length > 20 ? `${word.slice(0, 20)}…` : word);
const count = (n) => (n === 1 ? "1 digit" : n ? `${n} digits` : "no digits");
