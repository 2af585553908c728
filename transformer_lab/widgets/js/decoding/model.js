// The models in decode.bin, one after the other, and how they write an answer. chapters.ch08.page
// writes the bytes; a test holds this table to the records' own configurations.

import { range } from "../core/math.js";
import { remember } from "../core/remember.js";
import { TOKENS } from "../core/tokens.js";
import { forward, read } from "../core/transformer.js";
import { parse, written } from "./expression.js";

const EOS = TOKENS.indexOf("[EOS]");
const SIZE = { d_model: 64, n_heads: 4, n_layers: 2, d_mlp: 256, mask: "causal", read_out: "all" };
const SIMPLE = ["First", "Second", "Last", "Max", "Min"];

/** By name: what training had, and the model's size. Weights start at byte `at`. */
export const MODELS = {
  nested: { title: "nested, 0 to 9", at: 0, d_vocab: 20, n_ctx: 17, n_answer: 1,
    operations: ["First", "Second", "Max", "Min"], n_args: 2, high: 9, depth: 2 },
  "two-digits": { title: "0 to 99", at: 206504, d_vocab: 20, n_ctx: 13, n_answer: 2,
    operations: SIMPLE, n_args: 3, high: 99, depth: 1 },
  arithmetic: { title: "arithmetic", at: 412496, d_vocab: 24, n_ctx: 18, n_answer: 2,
    operations: ["Add", "Max", "Min", "First", "Second"], n_args: 2, high: 9, depth: 2 },
};
export const configOf = (name) => ({ ...SIZE, d_vocab: MODELS[name].d_vocab, n_ctx: MODELS[name].n_ctx });
export const HEADS = range(SIZE.n_layers * SIZE.n_heads).map((i) =>
  ({ layer: Math.floor(i / SIZE.n_heads), head: i % SIZE.n_heads }));

const loaded = new WeakMap(); // the page's bytes -> the weights in them, and what was written so far

function weightsOf(data, name) {
  if (!loaded.has(data)) {
    const params = remember((model) => read(data, configOf(model), { at: MODELS[model].at, half: true }));
    loaded.set(data, { params, decoded: remember((model, text) => decode(params(model), model, text)) });
  }
  return loaded.get(data);
}

/** What one step says: the likeliest tokens, and where each head looks from the last token. */
function looked({ logits, probs, ...acts }) {
  const best = range(logits.at(-1).length).sort((a, b) => logits.at(-1)[b] - logits.at(-1)[a]);
  return { logits: logits.at(-1), taken: best[0],
    top: best.slice(0, 5).map((token) => ({ word: TOKENS[token], share: probs.at(-1)[token] })),
    patterns: HEADS.map(({ layer, head }) => acts[`blocks.${layer}.pattern`][head].at(-1)) };
}

/** The answer, token by token, always the likeliest, as transformer_lab.tasks.answers.write does. */
function decode(params, name, text) {
  const { n_ctx, n_answer } = MODELS[name], { tokens } = written(parse(text)), steps = [];
  for (let row = tokens; row.length <= n_ctx && steps.length <= n_answer; row = [...row, steps.at(-1).taken]) {
    steps.push({ row, ...looked(forward(params, row, configOf(name))) });
    if (steps.at(-1).taken === EOS) break;
  }
  const answer = steps.map(({ taken }) => taken).filter((token) => token !== EOS);
  return { steps, answer, ended: steps.at(-1)?.taken === EOS };
}

/** { steps, answer (tokens), ended }: no step where the expression is longer than the model has positions. */
export const decoded = (data, name, text) => weightsOf(data).decoded(name, text);
