// What a model's wrong answers come to, by operation and in all.

import { add, range } from "../core/math.js";

/** The numbers of the inputs that pass a test, a list an operation. */
export const byOperation = (inputs, passes) => range(5).map((operation) =>
  inputs.slice(1000 * operation, 1000 * (operation + 1)).map(({ number }) => number).filter(passes));

/** The scores by [step][operation], and their totals by step: each { trained, heldOut }, as [right, of how many]. */
export function scored(wrong, heldOutOf, heldOut) {
  const scores = wrong.map((lists) => lists.map((list, operation) => score(list, heldOutOf[operation], heldOut)));
  return { scores, totals: scores.map((list) => list.reduce(added)) };
}

function score(wrong, { length }, heldOut) {
  const missed = wrong.filter(heldOut).length;
  return { trained: [1000 - length - (wrong.length - missed), 1000 - length], heldOut: [length - missed, length] };
}

const added = (one, other) => ({ trained: add(one.trained, other.trained), heldOut: add(one.heldOut, other.heldOut) });
