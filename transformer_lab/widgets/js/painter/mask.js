// Masks of eight tokens: what a query can know of in how many layers, and whose mask it is. The twin in Python is
// transformer_lab/analysis/reach.py.

import { range } from "../core/math.js";

export const N = 8;
export const SOURCE = 4;
const WIDTH = 3;

const PRESETS = {
  causal: (query, key) => key <= query,
  bidirectional: () => true,
  prefix: (query, key) => key <= query || key < WIDTH,
  window: (query, key) => key <= query && query - key < WIDTH,
  "encoder-decoder": (query, key) => key <= query || key < SOURCE,
};
export const NAMES = Object.keys(PRESETS);

const filled = (open) => range(N).map((query) => range(N).map((key) => open(query, key)));

/** The mask of a preset, with the cells that the reader turned. */
export function maskOf({ preset, edits }) {
  const mask = filled(PRESETS[preset]);
  for (const [query, key] of edits) mask[query][key] = !mask[query][key];
  return mask;
}

/** After how many layers a query can know of a key; 0: never. A layer is one step along an open cell. */
export function layersToKnow(mask) {
  const step = mask.map((row, query) => row.map((open, key) => open || query === key));
  const needed = step.map((row) => row.map(Number));
  let known = step;
  for (let layer = 2; layer < N; layer++) {
    const further = known.map((row) => range(N).map((key) => row.some((yes, by) => yes && step[by][key])));
    further.forEach((row, query) => row.forEach((yes, key) => { if (yes && !known[query][key]) needed[query][key] = layer; }));
    known = further;
  }
  return needed;
}

/** Every mask that has a name, the commonest first. */
function named(source) {
  const causal = (query, key) => key <= query, widths = range(N).slice(2);
  return [["causal: GPT", causal], ["full: BERT", () => true],
    ...(source ? [["source seen whole, target causal: T5", (q, k) => causal(q, k) || k < source],
      ["source and target apart: two models", (q, k) => (q < source) === (k < source) && (causal(q, k) || k < source)]] : []),
    ...widths.map((width) => [`prefix of ${width}: prefix LM`, (q, k) => causal(q, k) || k < width]),
    ["each for itself: no attention", (q, k) => q === k],
    ...widths.flatMap((width) => [[`window of ${width}: sparse GPT`, (q, k) => causal(q, k) && q - k < width],
      [`window of ${width} on both sides: sparse BERT`, (q, k) => Math.abs(q - k) < width]]),
    ["causal from the right: GPT read backwards", (q, k) => k >= q]];
}

/** The name of a mask, by whose it is. */
export function familyOf(mask, source = 0) {
  const same = ([, open]) => mask.every((row, query) => row.every((cell, key) => cell === open(query, key)));
  return named(source).find(same)?.[0] ?? "none of these";
}
