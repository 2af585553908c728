// What training had of a model's expressions, and what of an expression it never had.

import { written } from "../core/expression.js";
import { range } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";

const OFFERED = ["First", "Second", "Last", "Max", "Min", "Add"];

/** The operations that can be put into an expression of a model: it has a token for each, trained or not. */
export const operations = ({ d_vocab }) => OFFERED.filter((name) => TOKENS.indexOf(name) < d_vocab);

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
