// Is the model right on every context? Branch and bound as transformer_lab/analysis/certificates/prove.py, in slices of
// time: first all families are bounded, then those that this does not decide are split.

import { alone, split } from "./families.js";
import { leadOf, logitsAt } from "./model.js";
import { leastLead, lines } from "./leads.js";
import { compass, enclose, shape, support } from "./support.js";

const DIRECTIONS = compass(16);
const MOST = 200_000; // boxes

/** Bounds one box: `least` over its polygon, and, where that does not prove it, the worst context that touches. */
function bound(it, room, box) {
  support(it, box);
  enclose(it);
  const least = leastLead(it.plane, it.corners, box.answer, room);
  return least > 0 ? { least } : { least, ...worst(it, box, room) };
}

function worst({ plane, n, points, contexts }, { t, answer }, { logits }) {
  let margin = Infinity, which = 0;
  for (let d = 0; d < n; d++) {
    const found = leadOf(logitsAt(plane, points[2 * d], points[2 * d + 1], logits), answer);
    if (found < margin) [margin, which] = [found, d];
  }
  const first = which * plane.layout.n_ctx;
  return { margin, context: [...contexts.subarray(first, first + t), plane.query] };
}

/** The smaller of two contexts with their margins; of equal margins the first in order. */
const before = (one, other) => one.margin - other.margin || compare(one.context, other.context);
function compare(one, other) {
  const i = one.findIndex((token, place) => token !== other[place]);
  return i < 0 ? 0 : (one[i] ?? -1) - (other[i] ?? -1);
}

/**
 * A proof under way. `results` has for each family { margin, corners, wrong, open }: the smallest lead that is proved or
 * found, the polygon around all that it reaches, its worst counterexample or null, and how many of its boxes are undecided.
 * go(ms) works for so long; then `done` says whether all is decided, `counterexample` which is the worst so far.
 */
export function proofOf(plane, families) {
  const it = shape(plane, DIRECTIONS), room = lines(plane, it.n), pending = [];
  const proof = { results: [], boxes: 0, wrong: 0, done: false, counterexample: null, margin: Infinity };

  function note(family, { margin, context }) {
    const result = proof.results[family], found = { margin, context };
    proof.wrong++;
    if (!result.wrong || before(found, result.wrong) < 0) result.wrong = found;
    if (!proof.counterexample || before(found, proof.counterexample) < 0) proof.counterexample = found;
    leave(result, margin);
  }
  function leave(result, margin) {
    result.margin = Math.min(result.margin, margin);
    proof.margin = Math.min(proof.margin, margin);
  }
  function decide(box, family) {
    proof.boxes++;
    const result = proof.results[family], found = bound(it, room, box);
    result.corners ??= it.corners.slice();
    if (found.least > 0) leave(result, found.least);
    else if (found.margin <= 0 || alone(box)) note(family, found);
    else {
      result.open++;
      pending.push([box, family]);
    }
  }
  function open() {
    const [box, family] = pending.pop();
    proof.results[family].open--;
    for (const part of split(plane, box, it.a)) decide(part, family);
  }
  for (const [i, box] of families.entries()) {
    proof.results.push({ ...box, margin: Infinity, corners: null, wrong: null, open: 0 });
    decide(box, i);
  }
  proof.go = (ms) => {
    const end = performance.now() + ms;
    while (pending.length && proof.boxes < MOST && performance.now() < end) open();
    proof.done = pending.length === 0;
    proof.given_up = !proof.done && proof.boxes >= MOST;
    return proof;
  };
  proof.done = pending.length === 0;
  return proof;
}
