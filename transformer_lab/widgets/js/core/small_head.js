// transformer_lab.byhand.small_head for distinct letters: how much the last query prefers the positions of the target
// (look), and how strongly what is read is copied to the logits (write). Held to it by a parity test.

import { add, crossEntropy, dot, logSumExp, oneHot, range, scale, softmax, softmaxPullback } from "./math.js";

export const ALPHABET = 26;
export const PERIOD = 5;
const ABSENT = Math.log(ALPHABET - PERIOD); // the letters that a tuple does not have share a logit of 0

/** Attention to each letter of the tuple (the target first), their probabilities, and the mean loss in nats. */
export function forward({ look, write }) {
  const pattern = softmax(range(PERIOD).map((slot) => (slot === 0 ? look : 0)));
  const logits = pattern.map((a) => write * a);
  const total = logSumExp([...logits, ABSENT]);
  return { pattern, probs: logits.map((z) => Math.exp(z - total)), loss: crossEntropy([...logits, ABSENT], 0) };
}

/** The gradient of the loss. The factor `write` in it says: where nothing is written, there is no reason to look. */
export function backward({ look, write }, { pattern, probs } = forward({ look, write })) {
  const d_logits = add(probs, scale(oneHot(PERIOD, 0), -1)), d_pattern = scale(d_logits, write);
  return { look: softmaxPullback(pattern, d_pattern)[0], write: dot(d_logits, pattern) };
}

/** Between two valleys: here neither number has a slope. */
export const SADDLE = { look: Math.log((PERIOD - 1) / (ALPHABET - 1)), write: 0 };

/** Gradient descent: the places visited, each with its loss. `order` says what moves: "joint", or which one first. */
export function descend(start, { order, phase, rate, steps }) {
  const places = [];
  let { look, write } = start;
  for (let step = 0; step <= steps; step++) {
    const now = forward({ look, write }), slope = backward({ look, write }, now), writing = (Math.floor(step / phase) % 2 === 0) === (order === "write");
    const moves = order === "joint" ? "both" : writing ? "write" : "look";
    places.push({ look, write, loss: now.loss, moves });
    if (moves !== "write") look -= rate * slope.look;
    if (moves !== "look") write -= rate * slope.write;
  }
  return places;
}
