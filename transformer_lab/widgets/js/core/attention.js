// Attention of one query, forward and backward, as in transformer_lab/byhand/attention.py.

import { add, dot, matVec, scale as times, softmax, vecMat, zeros } from "./math.js";

/** scores = k q · scale, pattern = softmax(scores), z = the values weighted by the pattern. */
export function attend(q, k, v, scale) {
  const scores = matVec(k, times(q, scale)), pattern = softmax(scores);
  return { q, k, v, scale, scores, pattern, z: vecMat(pattern, v) };
}

/** Gradients of q, k and v (and of the scores) from the gradient of z. */
export function attendPullback({ q, k, v, scale, pattern }, d_z) {
  const d_pattern = matVec(v, d_z), mean = dot(pattern, d_pattern);
  const d_scores = pattern.map((a, i) => a * (d_pattern[i] - mean));
  return {
    scores: d_scores,
    q: k.reduce((total, row, i) => add(total, times(row, d_scores[i] * scale)), zeros(1, q.length)[0]),
    k: d_scores.map((d) => times(q, d * scale)),
    v: pattern.map((a) => times(d_z, a)),
  };
}
