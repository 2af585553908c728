// The parts that a transformer can be made of, as transformer_lab.config names them: a line in a table each.

import { mean, range } from "./math.js";
import { frequencies, sinusoid } from "./sinusoids.js";

/** What a norm takes off a row before it is brought to mean square 1. */
export const NORMS = { layer: mean, rms: () => 0 };

const ROOT = Math.sqrt(2 / Math.PI);
/** The share of a normal distribution below u, by the series of positive terms (Abramowitz and Stegun, 26.2.11). */
function below(u) {
  if (Math.abs(u) > 9) return u > 0 ? 1 : 0;
  let total = u;
  for (let n = 3, term = u; Math.abs(term) > 1e-17 * Math.abs(total); n += 2) total += term *= u * u / n;
  return 0.5 + total * Math.exp(-u * u / 2) / Math.sqrt(2 * Math.PI);
}
const sigmoid = (u) => 1 / (1 + Math.exp(-u));
const inner = (u) => Math.tanh(ROOT * (u + 0.044715 * u ** 3));

/** The function of one number, and its slope. */
export const ACTIVATIONS = {
  relu: [(u) => Math.max(u, 0), (u) => (u > 0 ? 1 : 0)],
  gelu: [(u) => 0.5 * u * (1 + inner(u)),
    (u) => 0.5 * (1 + inner(u)) + 0.5 * u * (1 - inner(u) ** 2) * ROOT * (1 + 3 * 0.044715 * u ** 2)],
  gelu_exact: [(u) => u * below(u), (u) => below(u) + u * Math.exp(-u * u / 2) / Math.sqrt(2 * Math.PI)],
  silu: [(u) => u * sigmoid(u), (u) => sigmoid(u) * (1 + u * (1 - sigmoid(u)))],
  squared_relu: [(u) => Math.max(u, 0) ** 2, (u) => 2 * Math.max(u, 0)],
};

/** The rows that are added to the tokens'. */
export const POSITIONS = {
  learned: ({ W_pos }) => W_pos,
  sinusoidal: (params, { n_ctx, d_model }) => range(n_ctx).map((t) => sinusoid(t, d_model, 10000)),
};

/** What turns queries and keys: the rows of a head, forward (by 1) or back (by -1). */
export const TURNS = {
  rotary: (rows, by) => rows.map((row, t) => frequencies(row.length, 10000).flatMap((w, i) => {
    const [cos, sin, x, y] = [Math.cos(by * t * w), Math.sin(by * t * w), row[2 * i], row[2 * i + 1]];
    return [x * cos - y * sin, x * sin + y * cos];
  })),
};

/** What is added to the score of a query and a key in a head. */
export const LEANS = {
  alibi: (h, query, key, n_heads) => -(2 ** (-8 * (h + 1) / n_heads)) * Math.abs(query - key),
};

/** Whether a query may see a key, both by their places. */
export const MASKS = { bidirectional: () => true, causal: (query, key) => key <= query };

/** How much of each place is read, in a row for each read-out; `n` tokens of `length` places are no padding. */
export const READ_OUTS = {
  all: (n, length) => range(length).map((t) => one(length, t)),
  first: (n, length) => [one(length, 0)],
  last: (n, length) => [one(length, n - 1)],
  mean: (n, length) => [range(length).map((t) => (t < n ? 1 / n : 0))],
};
const one = (length, t) => range(length).map((i) => (i === t ? 1 : 0));
