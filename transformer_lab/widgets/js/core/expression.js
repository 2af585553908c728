// Expressions as transformer_lab.tasks.expressions has them, held to it by a test: grammar, exact values, tokens; and
// the place of each part in the written row. An expression is a number, or { name, inside: [expressions] }.

import { sum } from "./math.js";
import { TOKENS } from "./tokens.js";

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);

/** What each operation does with the list of its arguments. */
export const OPERATIONS = {
  First: (numbers) => numbers[0], Second: (numbers) => numbers[1], Last: (numbers) => numbers.at(-1),
  Max: (numbers) => Math.max(...numbers), Min: (numbers) => Math.min(...numbers),
  Median: (numbers) => sorted(numbers)[(numbers.length - 1) >> 1],
  "Second-largest": (numbers) => sorted(numbers).at(-2), Sort: sorted, Add: sum,
};
const NAMES = Object.keys(OPERATIONS), LEAST = { Second: 2, "Second-largest": 2 };
const MOST = { words: 200, number: 1e9 };

class Fault extends Error {}
const fault = (came, allowed) => { throw new Fault(`Got ${came}; allowed is ${allowed}.`); };

/** The exact value: a number, and of Sort the list of numbers. */
export function value(x) {
  if (typeof x === "number") return x;
  const { name, inside } = x, least = LEAST[name] ?? 1;
  if (inside.length < least) fault(`${inside.length} argument of ${name}`, `at least ${least}`);
  const numbers = inside.map(value);
  if (numbers.some(Array.isArray)) fault(`a sorted list inside ${name}`, "numbers and operations that give one");
  return OPERATIONS[name](numbers);
}

/** What a text means, { x }; or where it stops being an expression, { fault: a sentence }. */
export function parse(text) {
  try {
    const x = read(text);
    value(x);
    return { x };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
}

function read(text) {
  const words = [...text.matchAll(/[A-Za-z]+(?:-[A-Za-z]+)*|[0-9]+|\S/gu)].map(({ 0: word, index }) => ({ word, index }));
  if (words.length > MOST.words) fault(`${words.length} words and signs`, `at most ${MOST.words}`);
  const end = { word: "", index: text.length };
  const wrong = (allowed, { word, index } = words[0] ?? end) => fault((word ? `'${word}'` : "the end")
    + (index ? ` after '${text.slice(0, index)}'` : ""), allowed);
  const is = (sign) => words[0]?.word === sign;
  const skip = (sign, allowed = `'${sign}'`) => { if (!is(sign)) wrong(allowed); words.shift(); };
  const argument = () => {
    if (!/^[0-9]/.test(words[0]?.word)) return operation();
    const number = Number(words.shift().word);
    return number > MOST.number ? fault(String(number), `a whole number from 0 to ${MOST.number}`) : number;
  };
  const operation = () => {
    if (!/^\p{L}/u.test(words[0]?.word ?? "")) wrong(`an operation: ${NAMES.join(", ")}`);
    const { word } = words.shift(), name = NAMES.find((known) => known.toLowerCase() === word.toLowerCase());
    if (!name) fault(`'${word}'`, `one of ${NAMES.join(", ")}`);
    skip("(");
    const inside = [argument()];
    while (!is(")")) { skip(",", "',' or ')'"); inside.push(argument()); }
    words.shift();
    return { name, inside };
  };
  const x = operation();
  return words.length ? wrong("nothing more") : x;
}

export const spell = (x) => (typeof x === "number" ? String(x) : `${x.name} ( ${x.inside.map(spell).join(" , ")} )`);

/** Tokens as text: neighbouring digits are one number. */
export const spellTokens = (tokens) => tokens.map((token) => TOKENS[token]).join(" ").replace(/(?<=\d) (?=\d)/g, "");

/**
 * The written row: `words` are its tokens { text, node }, `nodes` the numbers and operations in the order in which they
 * are written: { x, level (1: the outermost), parent, which, first, last } with the first and last of their tokens.
 */
export function written(x) {
  const words = [], nodes = [];
  const put = (text, node) => words.push({ text, node });
  const visit = (part, level, parent, which) => {
    const i = nodes.length, node = { x: part, level, parent, which, first: words.length };
    nodes.push(node);
    if (typeof part === "number") [...String(part)].forEach((digit) => put(digit, i));
    else {
      put(part.name, i);
      part.inside.forEach((argument, n) => { put(n ? "," : "(", i); visit(argument, level + 1, i, n); });
      put(")", i);
    }
    node.last = words.length - 1;
  };
  visit(x, 1, -1, 0);
  return { words, nodes, tokens: words.map(({ text }) => TOKENS.indexOf(text)) };
}

/** The expression with f(part) in the place of its n-th number or operation. */
export function replaced(x, n, f) {
  let i = -1;
  const visit = (part) => {
    i += 1;
    if (i === n) { i += written(part).nodes.length - 1; return f(part); }
    return typeof part === "number" ? part : { ...part, inside: part.inside.map(visit) };
  };
  return visit(x);
}
