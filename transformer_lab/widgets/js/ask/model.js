// The bytes that chapters.ch07.page writes: weights at some steps of training, and what they answer.

import { add, range } from "../core/math.js";
import { remember } from "../core/remember.js";
import { forward, read } from "../core/transformer.js";
import { input } from "./expression.js";

const CONFIG = { d_vocab: 20, n_ctx: 8, d_model: 64, n_heads: 4, n_layers: 2, d_mlp: 256, read_out: "last" };
const INPUTS = 5000;
export const N_LAYERS = CONFIG.n_layers;
export const N_HEADS = CONFIG.n_heads;

const models = new WeakMap();

/** The model that is in the page's bytes; they are opened once. */
export function modelOf(data) {
  if (!models.has(data)) models.set(data, opened(data));
  return models.get(data);
}

function opened(data) {
  const steps = range(data.getUint16(0, true)).map((i) => data.getUint16(2 + 2 * i, true));
  const first = 2 + 2 * steps.length, bits = data.byteLength - INPUTS / 8, answers = bits - steps.length * INPUTS;
  const each = (answers - first) / steps.length, inputs = range(INPUTS).map(input);
  const heldOut = (number) => ((data.getUint8(bits + (number >> 3)) >> (7 - (number & 7))) & 1) === 1;
  const isWrong = (at, number) => data.getUint8(answers + at * INPUTS + number) !== inputs[number].answer;
  const params = remember((at) => read(data, CONFIG, { at: first + at * each, half: true }), steps.length);
  const heldOutOf = byOperation(inputs, heldOut);
  const wrong = steps.map((_, at) => byOperation(inputs, (number) => isWrong(at, number)));
  const scores = wrong.map((lists) => lists.map((list, operation) => score(list, heldOutOf[operation], heldOut)));
  return { steps, heldOut, heldOutOf, wrong, scores, totals: scores.map((list) => list.reduce(added)),
    ask: (at, tokens) => forward(params(at), tokens, CONFIG) };
}

/** The numbers of the inputs that pass a test, a list an operation. */
const byOperation = (inputs, passes) => range(5).map((operation) =>
  inputs.slice(1000 * operation, 1000 * (operation + 1)).map(({ number }) => number).filter(passes));

/** How many inputs of an operation are answered right, [right, of how many], of those trained on and those held out. */
function score(wrong, { length }, heldOut) {
  const missed = wrong.filter(heldOut).length;
  return { trained: [1000 - length - (wrong.length - missed), 1000 - length], heldOut: [length - missed, length] };
}

const added = (one, other) => ({ trained: add(one.trained, other.trained), heldOut: add(one.heldOut, other.heldOut) });
