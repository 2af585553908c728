// Attention, forward and backward, as in transformer_lab/byhand/attention.py; all is [head][position][...].

import { matMul, scale as times, softmax, softmaxPullback, transpose } from "./math.js";

const stretch = (heads, scale) => heads.map((head) => head.map((row) => times(row, scale)));
const usual = (q) => q[0][0].length ** -0.5;
const same = (name, value) => value;

/**
 * scores = q kᵀ · scale (before the mask), pattern = softmax(scores), z = the values weighted by the pattern.
 * see(query, key) says what is visible, lean(head, query, key, n_heads) is added to a score; enter(name, value) sees scores, pattern and z, and may return others.
 */
export function attend(q, k, v, { scale = usual(q), see = () => true, lean, enter = same } = {}) {
  const visible = (row, t) => softmax(row.map((score, key) => (see(t, key) ? score : -Infinity)));
  const dots = stretch(q, scale).map((head, h) => matMul(head, transpose(k[h])));
  const leaned = (h) => (row, t) => row.map((score, key) => score + lean(h, t, key, q.length));
  const scores = enter("scores", lean ? dots.map((head, h) => head.map(leaned(h))) : dots);
  const pattern = enter("pattern", scores.map((head) => head.map(visible)));
  return { q, k, v, scores, pattern, z: enter("z", pattern.map((head, h) => matMul(head, v[h]))) };
}

/** Gradients of q, k and v (and of the scores) from that of z; enter(name, d) sees each one and may return another. */
export function attendPullback({ q, k, v, pattern }, d_z, { scale = usual(q), enter = same } = {}) {
  const d_v = enter("v", pattern.map((head, h) => matMul(transpose(head), d_z[h])));
  const d_pattern = enter("pattern", d_z.map((head, h) => matMul(head, transpose(v[h]))));
  const d_scores = enter("scores",
    pattern.map((head, h) => head.map((row, t) => softmaxPullback(row, d_pattern[h][t]))));
  const d_scaled = stretch(d_scores, scale);
  const d_q = enter("q", d_scaled.map((head, h) => matMul(head, k[h])));
  const d_k = enter("k", d_scaled.map((head, h) => matMul(transpose(head), q[h])));
  return { q: d_q, k: d_k, v: d_v, scores: d_scores };
}
