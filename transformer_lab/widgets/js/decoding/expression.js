// Expressions as transformer_lab.tasks.expressions has them: tokens, grammar, exact value; and the place of each token
// and operation in the written row. An expression is a number, or { name, inside: [expressions] }.

import { range, sum } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";

const VALUE = { First: (numbers) => numbers[0], Second: (numbers) => numbers[1], Last: (numbers) => numbers.at(-1),
  Max: (numbers) => Math.max(...numbers), Min: (numbers) => Math.min(...numbers), Add: sum };

/** The exact value. */
export const value = (x) => (typeof x === "number" ? x : VALUE[x.name](x.inside.map(value)));

/** The operations that can be put into an expression of a model: it has a token for each, trained or not. */
export const operations = ({ d_vocab }) => Object.keys(VALUE).filter((name) => TOKENS.indexOf(name) < d_vocab);

export const spell = (x) => (typeof x === "number" ? String(x) : `${x.name} ( ${x.inside.map(spell).join(" , ")} )`);

/** Tokens as text: neighbouring digits are one number. */
export const spellTokens = (tokens) => tokens.map((token) => TOKENS[token]).join(" ").replace(/(?<=\d) (?=\d)/g, "");

/** The expression that a well-formed text means. */
export function parse(text) {
  const words = text.match(/[A-Za-z]+|\d+|[(),]/g);
  const next = () => {
    const name = words.shift();
    if (/^\d/.test(name)) return Number(name);
    const inside = [];
    do { words.shift(); inside.push(next()); } while (words[0] === ",");
    words.shift();
    return { name, inside };
  };
  return next();
}

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

const depth = (x) => (typeof x === "number" ? 0 : 1 + Math.max(...x.inside.map(depth)));

/** Why a number or operation never stood there in training; "" if it did. */
function strange({ x, level }, task, whole) {
  if (typeof x === "number") return x > task.high ? `numbers above ${task.high}` : "";
  if (!task.operations.includes(x.name)) return x.name;
  if (level > task.depth) return `${level} operations inside each other`;
  if (x.inside.length !== task.n_args) return `${x.inside.length} arguments`;
  return level === 1 && depth(whole) < task.depth ? "no operation inside" : "";
}

/** What of an expression training never had: the reason for each node, "" for none. */
export const beyond = (x, task) => written(x).nodes.map((node) => strange(node, task, x));

/** The different reasons, as a reader wants them; "" where there is none. */
export const reasons = (strange) => [...new Set(strange.filter(Boolean))].join("; ");

/** A random expression as training has them; roll(n) is a whole number below n. */
export function compose(task, roll, level = task.depth) {
  const inner = range(task.n_args).map(() => level > 1 && roll(2) === 0);
  if (level > 1 && !inner.includes(true)) inner[roll(task.n_args)] = true;
  return { name: task.operations[roll(task.operations.length)],
    inside: inner.map((deeper) => (deeper ? compose(task, roll, level - 1) : roll(task.high + 1))) };
}
