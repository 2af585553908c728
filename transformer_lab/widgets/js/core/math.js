// Linear algebra on plain arrays: a vector is an array of numbers, a matrix an array of rows.

export const range = (n) => Array.from({ length: n }, (_, i) => i);
export const zeros = (rows, columns) => range(rows).map(() => new Array(columns).fill(0));
export const sum = (v) => v.reduce((total, value) => total + value, 0);
export const mean = (v) => sum(v) / v.length;
export const dot = (u, v) => u.reduce((total, value, i) => total + value * v[i], 0);
export const add = (u, v) => u.map((value, i) => value + v[i]);
export const product = (u, v) => u.map((value, i) => value * v[i]); // entry by entry
export const scale = (v, factor) => v.map((value) => value * factor);
export const oneHot = (n, i) => range(n).map((j) => (j === i ? 1 : 0));
export const outer = (u, v) => u.map((value) => scale(v, value));
export const transpose = (m) => m[0].map((_, j) => m.map((row) => row[j]));
export const matVec = (m, v) => m.map((row) => dot(row, v)); // m v
export const vecMat = (v, m) => matMul([v], m)[0]; // v m
export const columns = (m) => vecMat(m.map(() => 1), m); // the sum of each
export const norm = (v) => Math.hypot(...v.flat(Infinity));
export const argmax = (v) => v.indexOf(Math.max(...v));
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** a b: the one loop that takes time, row by row of b as it lies in memory. */
export function matMul(a, b) {
  const n = b[0].length;
  return a.map((row) => {
    const total = new Array(n).fill(0);
    for (let i = 0; i < row.length; i++) {
      const factor = row[i], line = b[i];
      for (let j = 0; j < n; j++) total[j] += factor * line[j];
    }
    return total;
  });
}

/** exp(s - max s), divided by its sum: the largest score never overflows. */
export function softmax(scores) {
  const top = Math.max(...scores), weights = scores.map((s) => Math.exp(s - top)), total = sum(weights);
  return weights.map((w) => w / total);
}

/** (diag(p) - p pᵀ) g: what a softmax with output p makes of the gradient g. */
export function softmaxPullback(p, g) {
  const level = dot(p, g);
  return p.map((value, i) => value * (g[i] - level));
}

/** ln sum exp: softmax's own normaliser. */
export function logSumExp(scores) {
  const top = Math.max(...scores);
  return top + Math.log(sum(scores.map((s) => Math.exp(s - top))));
}

/** -ln softmax(logits)[target], in nats. */
export const crossEntropy = (logits, target) => logSumExp(logits) - logits[target];

/** -sum p ln p, in nats; a probability of zero adds nothing. */
export const entropy = (probs) => -sum(probs.map((p) => (p > 0 ? p * Math.log(p) : 0)));
