// "Ask any number": its name, its value, and the equation with its numbers. An answer is { equation, total }, where total
// is what the equation comes to (a test holds it to the value), and `from` names what it was made from.

import { h } from "./draw.js";
import { brief, fixed } from "./format.js";
import { sum } from "./math.js";

const two = (value) => fixed(value, 2);
const inner = (value) => (value < 0 ? `(${two(value)})` : two(value));

/** A sum of products, the two largest written out; times `scale`, and `more` added. */
export function products(left, right, from, { scale = 1, divisor = "", more } = {}) {
  const terms = left.map((value, i) => [value, right[i]]), size = ([a, b]) => Math.abs(a * b);
  const most = terms.toSorted((one, other) => size(other) - size(one)).slice(0, 2).map(([a, b]) => `${inner(a)}·${inner(b)}`);
  const rest = terms.length > 2 ? ` + … (${terms.length} products)` : "", all = most.join(" + ") + rest;
  return { from, total: scale * sum(terms.map(([a, b]) => a * b)) + (more ?? 0),
    equation: (divisor ? `(${all}) / ${divisor}` : all) + (more === undefined ? "" : ` + ${inner(more)}`) };
}

/** Numbers that add up, each with what it is. */
export const sums = (named, from) => ({ from, total: sum(Object.values(named)),
  equation: Object.entries(named).map(([name, value]) => `${inner(value)} (${name})`).join(" + ") });

/** A number that needs no more than words. */
export const words = (equation, total, from = []) => ({ equation, total, from });

/** What is shown under the picture. */
export const answer = (name, value, { equation }) =>
  h("p", { class: "lab-asked" }, h("strong", {}, `${name} = ${brief(value)}`), ` = ${equation}`);
