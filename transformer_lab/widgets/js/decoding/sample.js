// How the next token is taken: the likeliest, or one that is drawn, as transformer_lab.tasks.answers.sampled draws.

import { range, softmax, sum } from "../core/math.js";
import { integers } from "../core/random.js";

/** The order of the tokens, the likeliest first. */
export const ranked = (logits) => range(logits.length).sort((a, b) => logits[b] - logits[a] || a - b);

/** What is drawn from: softmax of the logits over T, of the top_k likeliest alone, of these the fewest with top_p. */
export function shares(logits, { pick, temperature, top_k, top_p }) {
  if (pick === "likeliest") return softmax(logits);
  const order = ranked(logits), kept = new Set(order.slice(0, top_k)), scaled = logits.map((x) => x / temperature);
  const p = softmax(scaled.map((x, token) => (kept.has(token) ? x : -Infinity)));
  let before = 0;
  const left = p.map(() => 0);
  for (const token of order) {
    if (top_p === 1 || before < top_p) left[token] = p[token];
    before += p[token];
  }
  const total = sum(left);
  return left.map((share) => share / total);
}

/** A number from 0 to 1 for the n-th token of a draw, always the same. */
export const chance = (draws, n) => integers(1, "probe", draws, 256, 3 * n, 3).reduce((at, byte) => (at + byte) / 256, 0);

/** The token that a chance falls on. */
export function taken(logits, p, { pick }, u) {
  const order = ranked(logits);
  if (pick === "likeliest") return order[0];
  let reached = 0;
  return order.find((token) => (reached += p[token]) > u) ?? order.findLast((token) => p[token] > 0);
}
