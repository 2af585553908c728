// The model of one head on a stream two wide, as a map of the plane: transformer_lab/analysis/certificates/plane.py, and
// for a sequence every activation. All weights stand in one vector, as pack() lays them out; numbers by position i and
// token in flat arrays of pairs, at 2 * (i * d_vocab + token).

import { range, softmax } from "../core/math.js";

const ROOT = Math.sqrt(2);

/** Where each tensor begins in the vector, and the sizes; `shapes` is a list of [name, shape]. */
export function layoutOf({ n_ctx, d_vocab, d_mlp }, shapes) {
  const start = {}, size = {};
  let length = 0;
  for (const [name, shape] of shapes) {
    [start[name], size[name]] = [length, shape.reduce((product, n) => product * n, 1)];
    length += size[name];
  }
  return { n_ctx, d_vocab, d_mlp, start, size, length, shapes: Object.fromEntries(shapes) };
}

/** The model as a map: the query token's starts and scores, all keys and values, the lines of the hidden units. */
export function planeOf(theta, layout, query) {
  const { n_ctx: T, d_vocab: V, start } = layout, x = new Float64Array(2 * T * V);
  for (let i = 0; i < T; i++) for (let a = 0; a < V; a++) for (let axis = 0; axis < 2; axis++) {
    x[2 * (i * V + a) + axis] = theta[start.W_E + 2 * a + axis] + theta[start.W_pos + 2 * i + axis];
  }
  const [q, k, v] = ["W_Q", "W_K", "W_V"].map((name) => turned(x, theta, start[name]));
  const scores = new Float64Array(T * T * V); // of the query in t with the token in i
  for (let t = 0; t < T; t++) for (let i = 0; i < T; i++) for (let a = 0; a < V; a++) {
    scores[(t * T + i) * V + a] = score(q, k, t * V + query, i * V + a);
  }
  return { layout, query, x, q, k, v, scores, ...readOut(theta, layout) };
}

const score = (q, k, one, other) => (q[2 * one] * k[2 * other] + q[2 * one + 1] * k[2 * other + 1]) / ROOT;

/** All points by a matrix of two rows. */
function turned(x, theta, at) {
  const made = new Float64Array(x.length);
  for (let n = 0; n < x.length; n += 2) {
    made[n] = x[n] * theta[at] + x[n + 1] * theta[at + 2];
    made[n + 1] = x[n] * theta[at + 1] + x[n + 1] * theta[at + 3];
  }
  return made;
}

/** A hidden unit is z · line + offset before its ReLU, and then adds so much to each logit; the stream adds `direct`. */
function readOut(theta, { d_vocab: V, d_mlp: H, start: { W_in, b_in, W_out, b_out, W_U, b_U } }) {
  const lines = new Float64Array(3 * H), hidden = new Float64Array(H * V), direct = new Float64Array(3 * V);
  for (let h = 0; h < H; h++) {
    [lines[3 * h], lines[3 * h + 1], lines[3 * h + 2]] = [theta[W_in + h], theta[W_in + H + h], theta[b_in + h]];
    for (let a = 0; a < V; a++) {
      hidden[h * V + a] = theta[W_out + 2 * h] * theta[W_U + a] + theta[W_out + 2 * h + 1] * theta[W_U + V + a];
    }
  }
  for (let a = 0; a < V; a++) {
    [direct[3 * a], direct[3 * a + 1]] = [theta[W_U + a], theta[W_U + V + a]];
    direct[3 * a + 2] = theta[b_out] * theta[W_U + a] + theta[b_out + 1] * theta[W_U + V + a] + theta[b_U + a];
  }
  return { lines, hidden, direct, written: { W_out: theta.subarray(W_out, W_out + 2 * H), b_out: theta.subarray(b_out, b_out + 2) } };
}

/** The logits at a point of the plane, written into `out`. */
export function logitsAt({ lines, hidden, direct, layout: { d_vocab: V, d_mlp: H } }, x, y, out) {
  for (let a = 0; a < V; a++) out[a] = direct[3 * a] * x + direct[3 * a + 1] * y + direct[3 * a + 2];
  for (let h = 0; h < H; h++) {
    const active = lines[3 * h] * x + lines[3 * h + 1] * y + lines[3 * h + 2];
    if (active > 0) for (let a = 0; a < V; a++) out[a] += active * hidden[h * V + a];
  }
  return out;
}

/** By how much the answer's logit is above the largest other. */
export function leadOf(logits, answer) {
  let top = -Infinity;
  for (let a = 0; a < logits.length; a++) if (a !== answer && logits[a] > top) top = logits[a];
  return logits[answer] - top;
}

/** Where the feed-forward layer takes a point of the stream. */
export function afterMlp({ lines, written: { W_out, b_out } }, [x, y]) {
  const to = [x + b_out[0], y + b_out[1]];
  for (let h = 0; 3 * h < lines.length; h++) {
    const active = Math.max(0, lines[3 * h] * x + lines[3 * h + 1] * y + lines[3 * h + 2]);
    to[0] += active * W_out[2 * h];
    to[1] += active * W_out[2 * h + 1];
  }
  return to;
}

const pair = (points, n) => [points[2 * n], points[2 * n + 1]];

/** Every activation of a sequence, a row a position, by the field's names. */
export function activations(plane, tokens) {
  const { d_vocab: V } = plane.layout, at = tokens.map((token, i) => i * V + token);
  const [resid_pre, q, k, v] = ["x", "q", "k", "v"].map((name) => at.map((n) => pair(plane[name], n)));
  const scores = at.map((one, t) => at.slice(0, t + 1).map((other) => score(plane.q, plane.k, one, other)));
  const pattern = scores.map(softmax);
  const z = pattern.map((row) => [0, 1].map((axis) => row.reduce((sum, share, i) => sum + share * v[i][axis], 0)));
  const resid_mid = z.map((moved, t) => moved.map((value, axis) => resid_pre[t][axis] + value));
  const logits = resid_mid.map(([x, y]) => [...logitsAt(plane, x, y, new Float64Array(V))]);
  return { resid_pre, q, k, v, scores, pattern, z, resid_mid, logits, probs: logits.map(softmax),
    resid_post: resid_mid.map((point) => afterMlp(plane, point)) };
}

/** All points of a kind (x, q, k, v), [position][token] a pair. */
export const every = ({ layout: { n_ctx, d_vocab } }, points) =>
  range(n_ctx).map((i) => range(d_vocab).map((token) => pair(points, i * d_vocab + token)));
