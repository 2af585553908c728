// The one-head model of transformer_lab.byhand.one_head, on one pattern: the same names, the same equations, held to
// it by a parity test. Forward and backward stand in one table each, so that a planted error replaces one entry.

import { add, crossEntropy, dot, matVec, oneHot, outer, scale, softmax, transpose, vecMat } from "./math.js";

/** Input rows: the one-hot token, and beside it the one-hot position. */
export const encode = (tokens, d_vocab) =>
  tokens.map((token, t) => [...oneHot(d_vocab, token), ...oneHot(tokens.length, t)]);

/** Every activation, in the order in which they are computed. */
export function forward({ W_QK, W_OV }, x, target) {
  const scores = scale(matVec(x, vecMat(x.at(-1), W_QK)), 1 / Math.sqrt(x[0].length));
  const pattern = softmax(scores);
  const read = vecMat(pattern, x);
  const logits = vecMat(read, W_OV);
  return { x, scores, pattern, read, logits, probs: softmax(logits), loss: crossEntropy(logits, target) };
}

/** (diag(p) - p pᵀ) g: what a softmax with output p makes of the gradient g. */
export const softmaxPullback = (p, g) => { const mean = dot(p, g); return p.map((value, i) => value * (g[i] - mean)); };

// The gradient of each quantity from those before it, last line of `forward` first.
const PULLBACK = {
  W_OV: ({ read }, grads) => outer(read, grads.logits),
  read: (_, grads, { W_OV }) => matVec(W_OV, grads.logits),
  pattern: ({ x }, grads) => matVec(x, grads.read),
  scores: ({ pattern }, grads) => softmaxPullback(pattern, grads.pattern),
  W_QK: ({ x }, grads) => outer(scale(x.at(-1), 1 / Math.sqrt(x[0].length)), vecMat(grads.scores, x)),
};

/** Common mistakes: the gradient of `at` is made by `rule` from the right one. `python` is the same for a NumPy tap. */
export const ERRORS = {
  none: { label: "no error" },
  jacobian: { label: "softmax Jacobian dropped", at: "scores", rule: (_, acts, grads) => grads.pattern,
    python: 'seen["d_pattern"]' },
  half: { label: "half the Jacobian, diag(a)", at: "scores",
    rule: (_, acts, grads) => acts.pattern.map((a, j) => a * grads.pattern[j]),
    python: 'acts["pattern"] * seen["d_pattern"]' },
  sign: { label: "sign flipped, y − p", at: "logits", rule: (right) => scale(right, -1), python: "-value" },
  twice: { label: "last softmax taken twice", at: "logits", rule: (right, { probs }) => softmaxPullback(probs, right),
    python: 'softmax_pullback(acts["probs"], value)' },
  unscaled: { label: "1/√d forgotten", at: "W_QK",
    rule: (right, { x }) => right.map((row) => scale(row, Math.sqrt(x[0].length))), python: "value * config.d_model**0.5" },
  swapped: { label: "query and key swapped", at: "W_QK", rule: (right) => transpose(right), python: "value.T" },
  shifted: { label: "positions off by one", at: "scores", rule: (right) => [right.at(-1), ...right.slice(0, -1)],
    python: "np.roll(value, 1, axis=-1)" },
};

/** Gradients of everything, from the right gradient of the logits, with an error planted. */
export function pullback(params, acts, d_logits, error = "none") {
  const { at, rule } = ERRORS[error], grads = {};
  const enter = (name, right) => { grads[name] = name === at ? rule(right, acts, grads) : right; };
  enter("logits", d_logits);
  for (const name in PULLBACK) enter(name, PULLBACK[name](acts, grads, params));
  return grads;
}

/** Gradients of the loss: p - y, pulled back. */
export const backward = (params, acts, target, error) =>
  pullback(params, acts, add(acts.probs, oneHot(acts.probs.length, target).map((y) => -y)), error);
