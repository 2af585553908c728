// The transformer of patches in the page's bytes, on one drawing: what it says, and what it says without each patch.

import { argmax, range, vecMat, add } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";

export const SIDE = 8;
export const FULL = 16;

/** { examples, digits, run }: drawings as 64 numbers of ink, the digit that each is, and run(pixels, out). */
export const bookOf = opened(({ facts, array, model }) => {
  const { params } = model("model"), config = { ...facts.vit, pad: -1 };
  return { config, examples: array("examples"), digits: array("digits"), across: config.image / config.patch,
    run: remember((pixels, out) => runOf(params, config, pixels, out), 12) };
});

/** The pixels of each patch, row by row from the top (eq-patches). */
export function cut(pixels, { image, patch }) {
  const across = image / patch;
  return range(across ** 2).map((i) => range(patch ** 2).map((j) =>
    pixels[(Math.floor(i / across) * patch + Math.floor(j / patch)) * image + (i % across) * patch + (j % patch)]));
}

/** The class in front of the patches, as rows of the stream. */
const embedded = ({ x_class, W_patch, b_patch }, config, pixels) => [x_class.flat(),
  ...cut(pixels.map((ink) => ink / FULL), config).map((row) => add(vecMat(row, W_patch), b_patch))];

/** One pass; rows of `hidden` patches are read by nobody. */
function pass(params, config, rows, hidden) {
  const hide = (scores) => scores.map((head) => head.map((row) => row.map((score, key) => (hidden.has(key - 1) ? -Infinity : score))));
  return forward({ ...params, W_E: rows }, range(rows.length), config, (name, value) => (name.endsWith("scores") ? hide(value) : value));
}

/** How much of the class each patch is, when patterns are averaged over heads and multiplied through the layers. */
function rollout(acts, { n_layers, n_heads }) {
  let flow = null; // rows of the class alone would not do: each layer needs all
  for (const layer of range(n_layers)) {
    const heads = acts[`blocks.${layer}.pattern`], n = heads[0].length;
    const step = range(n).map((i) => range(n).map((j) => (heads.reduce((total, head) => total + head[i][j], 0) / n_heads + (i === j)) / 2));
    flow = flow ? step.map((row) => vecMat(row, flow)) : step;
  }
  return flow[0].slice(1);
}

const looks = (heads) => heads[0][0].map((_, key) => heads.reduce((total, head) => total + head[0][key], 0) / heads.length).slice(1);

/** A drawing: `probs`, `said` and the maps; `go(ms)` finds out for so long what each patch changes, until `done`. */
function runOf(params, config, pixels, out) {
  const rows = embedded(params, config, pixels), gone = new Set(out), acts = pass(params, config, rows, gone), probs = acts.probs[0];
  const found = { probs, said: argmax(probs), rollout: rollout(acts, config), without: rows.slice(1).map(() => null), done: false,
    layers: range(config.n_layers).map((layer) => looks(acts[`blocks.${layer}.pattern`])),
    go(ms) {
      const until = Date.now() + ms;
      while (!found.done && Date.now() <= until) {
        const next = found.without.indexOf(null);
        if (next >= 0) found.without[next] = gone.has(next) ? probs : pass(params, config, rows, new Set([...gone, next])).probs[0];
        found.done = !found.without.includes(null);
      }
    } };
  return found;
}

/** By how much each patch raises the logarithm of a digit's share; 0 where that is not yet known (eq-alone). */
export const votes = ({ probs, without }, digit) => without.map((less) => (less ? Math.log(probs[digit]) - Math.log(less[digit]) : 0));
