// The one-head model of transformer_lab.byhand.one_head, on one pattern: the same names, the same equations, held to
// it by a parity test. Forward and backward stand in one table each, so that a planted mistake replaces one entry.

import { add, crossEntropy, matVec, mean, oneHot, outer, product, scale, softmax, softmaxPullback, transpose,
  vecMat } from "./math.js";

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

// The gradient of each quantity from those before it, last line of `forward` first.
const PULLBACK = {
  W_OV: ({ read }, grads) => outer(read, grads.logits),
  read: (_, grads, { W_OV }) => matVec(W_OV, grads.logits),
  pattern: ({ x }, grads) => matVec(x, grads.read),
  scores: ({ pattern }, grads) => softmaxPullback(pattern, grads.pattern),
  W_QK: ({ x }, grads) => outer(scale(x.at(-1), 1 / Math.sqrt(x[0].length)), vecMat(grads.scores, x)),
};

/**
 * Some mistakes of chapters.ch02.planted, by its names: `rule` makes the wrong gradient of `at`; `python` is the gradient
 * that it replaces in Python, and with what.
 */
export const MISTAKES = {
  none: { label: "no mistake" },
  "no-jacobian": { label: "softmax Jacobian left out", at: "scores", rule: (_, acts, grads) => grads.pattern,
    python: ["d_scores", 'seen["d_pattern"]'] },
  "no-coupling": { label: "only diag(a) of it kept", at: "scores",
    rule: (_, { pattern }, grads) => product(pattern, grads.pattern),
    python: ["d_scores", 'seen["pattern"] * seen["d_pattern"]'] },
  "plain-mean": { label: "plain mean, not weighted", at: "scores",
    rule: (_, { pattern }, grads) => product(pattern, grads.pattern.map((g) => g - mean(grads.pattern))),
    python: ["d_scores", 'seen["pattern"] * (seen["d_pattern"] - seen["d_pattern"].mean())'] },
  uphill: { label: "sign flipped, y − p", at: "logits", rule: (right) => scale(right, -1),
    python: ["d_logits", "-value"] },
  "no-root": { label: "1/√d left out", at: "W_QK",
    rule: (right, { x }) => right.map((row) => scale(row, Math.sqrt(x[0].length))),
    python: ["d_q", "value * value.shape[-1] ** 0.5"] },
  transposed: { label: "query and key swapped", at: "W_QK", rule: (right) => transpose(right),
    python: ["d_W_QK", "value.mT"] },
  "first-row": { label: "first row as the query", at: "W_QK",
    rule: (_, { x }, grads) => outer(scale(x[0], 1 / Math.sqrt(x[0].length)), vecMat(grads.scores, x)),
    python: ["d_W_QK", 'seen["x"][..., 0, :].mT @ seen["d_q"]'] },
  "even-read": { label: "attention forgotten in ∂W_OV", at: "W_OV",
    rule: (_, { x }, grads) => outer(vecMat(x.map(() => 1 / x.length), x), grads.logits),
    python: ["d_W_OV", 'seen["x"].mean(axis=-2).mT @ seen["d_logits"]'] },
};

/** Gradients of everything, from the right gradient of the logits, with a mistake planted. */
export function pullback(params, acts, d_logits, mistake = "none") {
  const { at, rule } = MISTAKES[mistake], grads = {};
  const enter = (name, right) => { grads[name] = name === at ? rule(right, acts, grads) : right; };
  enter("logits", d_logits);
  for (const name in PULLBACK) enter(name, PULLBACK[name](acts, grads, params));
  return grads;
}

/** Gradients of the loss: p - y, pulled back. */
export const backward = (params, acts, target, mistake) =>
  pullback(params, acts, add(acts.probs, oneHot(acts.probs.length, target).map((y) => -y)), mistake);
