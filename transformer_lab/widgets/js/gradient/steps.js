// The steps of the gradient graph, and all the numbers that it shows in one state.

import { letter } from "../core/format.js";
import { range, softmaxPullback } from "../core/math.js";
import { backward, encode, forward, pullback } from "../core/one_head.js";
import { remember } from "../core/remember.js";
import { autograd, centralDifferences, complexStep, difference, relative } from "../core/witness.js";
import shipped from "../data/small-head.json" with { type: "json" };

export const head = shipped;
export const T = head.tokens[0].length;
export const V = head.d_vocab;
export const FEATURES = [...range(V).map(letter), ...range(T).map(String)]; // what the columns of x stand for

// name, role, and the equation of each step: seven forward, six backward
export const FORWARD = [
  ["x", "residual", "x: one row a position, its letter and its place, one-hot"],
  ["scores", "query", "scores = x W_QKᵀ x_last / √d: how well the last row fits each row"],
  ["pattern", "query", "pattern a = softmax(scores)"],
  ["read", "value", "read z = xᵀ a: the rows, mixed by the pattern"],
  ["logits", "residual", "logits = W_OVᵀ z"],
  ["probs", "residual", "probs p = softmax(logits)"],
  ["loss", "other", "loss = −ln p of the letter that comes next"],
];
export const BACKWARD = [
  ["logits", "residual", "∂logits = p − y = δ"],
  ["W_OV", "value", "∂W_OV = z δᵀ"],
  ["read", "value", "∂read = W_OV δ"],
  ["pattern", "query", "∂pattern = x ∂read"],
  ["scores", "query", "∂scores = (diag(a) − a aᵀ) ∂pattern"],
  ["W_QK", "query", "∂W_QK = Σ_j ∂scores_j · x_last x_jᵀ / √d"],
];
export const LAST = FORWARD.length + BACKWARD.length - 1;
export const titleOf = (step) => (step < FORWARD.length ? FORWARD[step][0] : `∂${BACKWARD[step - FORWARD.length][0]}`);
export const equationOf = (step) => [...FORWARD, ...BACKWARD][step][2];
export const reached = (step, name) => step >= FORWARD.findIndex(([node]) => node === name);
export const reachedBack = (step, name) => step - FORWARD.length >= BACKWARD.findIndex(([node]) => node === name);

// The slow witnesses depend on weights, pattern and h alone.
const setting = (weights, example) => [head.weights[weights], encode(head.tokens[example], V), head.targets[example]];
const complex = remember((...which) => complexStep(...setting(...which)));
const taped = remember((...which) => autograd(...setting(...which)));
const central = remember((weights, example, log_h) => centralDifferences(...setting(weights, example), 10 ** log_h));

/** Activations, gradients with the planted mistake, and what each witness finds. */
export function compute({ example, weights, mistake, log_h }) {
  const [params, x, target] = setting(weights, example), acts = forward(params, x, target);
  const grads = backward(params, acts, target, mistake), truth = taped(weights, example);
  const onesGrads = pullback(params, acts, softmaxPullback(acts.probs, acts.probs.map(() => 1)), mistake);
  const stepped = complex(weights, example);
  const against = (name, other, pass, measure = relative, mine = grads) => {
    const errors = { W_OV: measure(mine.W_OV, other.W_OV), W_QK: measure(mine.W_QK, other.W_QK) };
    return { name, errors, pass, objects: Math.max(...Object.values(errors)) > pass };
  };
  return {
    params, acts, grads, target, tokens: head.tokens[example],
    wrong: Object.keys(grads).filter((name) => relative(grads[name], truth[name]) > 1e-9),
    witnesses: [
      against("complex step", stepped.loss, 1e-12),
      against("autograd", truth, 1e-10),
      against("central differences", central(weights, example, log_h), 1e-7),
      against("to six decimals", truth, 5e-7, difference),
      against("upstream gradient of ones", stepped.ones, 5e-7, difference, onesGrads),
    ],
  };
}

