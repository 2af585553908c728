// A transformer of one Pre-LN block and one head, read at the last token, forward and backward, with the names of
// transformer_lab.byhand.transformer; a parity test holds it to that.

import { add, crossEntropy, dot, matMul, matVec, outer, scale, softmax, softmaxPullback, sum, transpose, zeros } from "./math.js";

const EPS = 1e-5;
const mean = (v) => sum(v) / v.length;
const times = (u, v) => u.map((value, i) => value * v[i]);
const plus = (a, b) => a.map((row, i) => add(row, b[i]));
const columns = (m) => transpose(m).map(sum);

/** Row by row: mean 0 and variance 1, then gain w and offset b. */
export function layerNorm(x, w, b) {
  const centred = x.map((row) => row.map((value) => value - mean(row)));
  const size = centred.map((row) => 1 / Math.sqrt(mean(times(row, row)) + EPS));
  const x_hat = centred.map((row, i) => scale(row, size[i]));
  return { y: x_hat.map((row) => add(times(row, w), b)), x_hat, size };
}

export function layerNormPullback({ x_hat, size }, w, d_y) {
  const d_x = d_y.map((row, i) => {
    const d = times(row, w), level = mean(d), stretch = mean(times(d, x_hat[i]));
    return d.map((value, j) => (value - level - x_hat[i][j] * stretch) * size[i]);
  });
  return [d_x, columns(d_y.map((row, i) => times(row, x_hat[i]))), columns(d_y)];
}

/** Every activation, in the order in which they are computed. */
export function forward(p, tokens, target) {
  const resid_pre = tokens.map((token, t) => add(p.W_E[token], p.W_pos[t]));
  const ln1 = layerNorm(resid_pre, p.ln1_w, p.ln1_b);
  const [q, k, v] = ["W_Q", "W_K", "W_V"].map((name) => matMul(ln1.y, p[name]));
  const scores = matMul(q, transpose(k)).map((row) => scale(row, q[0].length ** -0.5)), pattern = scores.map(softmax);
  const z = matMul(pattern, v), attn_out = matMul(z, p.W_O), resid_mid = plus(resid_pre, attn_out);
  const ln2 = layerNorm(resid_mid, p.ln2_w, p.ln2_b);
  const mlp_pre = matMul(ln2.y, p.W_in).map((row) => add(row, p.b_in));
  const mlp_post = mlp_pre.map((row) => row.map((u) => Math.max(u, 0)));
  const mlp_out = matMul(mlp_post, p.W_out).map((row) => add(row, p.b_out)), resid_post = plus(resid_mid, mlp_out);
  const last = layerNorm([resid_post.at(-1)], p.ln_final_w, p.ln_final_b);
  const logits = add(matMul(last.y, p.W_U)[0], p.b_U);
  const acts = { resid_pre, ln1: ln1.y, q, k, v, scores, pattern, z, attn_out, resid_mid, ln2: ln2.y, mlp_pre, mlp_post,
    mlp_out, resid_post, ln_final: last.y, logits: [logits] };
  return { acts, norms: { ln1, ln2, last }, loss: crossEntropy(logits, target), tokens, target };
}

/** The gradient of everything; `mistake` is a name in transformer_lab.byhand.planted_transformer, or "right". */
export function backward(p, { acts, norms, tokens, target }, mistake = "right") {
  const g = {}, probs = softmax(acts.logits[0]), wrong = (name) => mistake === name || mistake === "both";
  const error = probs.map((value, i) => value - (i === target));
  g.logits = [wrong("twice") ? softmaxPullback(probs, error) : error];
  [g.W_U, g.b_U] = [outer(acts.ln_final[0], g.logits[0]), g.logits[0]];
  g.ln_final = [matVec(p.W_U, g.logits[0])];
  const [d_last, ...final] = layerNormPullback(norms.last, p.ln_final_w, g.ln_final);
  [g.ln_final_w, g.ln_final_b] = final;
  g.resid_post = [...zeros(tokens.length - 1, p.b_out.length), d_last[0]];
  g.mlp_out = g.resid_post;
  linearPullback(g, acts.mlp_post, p, "mlp_out", "W_out", "b_out", "mlp_post");
  g.mlp_pre = g.mlp_post.map((row, i) => row.map((value, j) => (acts.mlp_pre[i][j] > 0 ? value : 0)));
  linearPullback(g, acts.ln2, p, "mlp_pre", "W_in", "b_in", "ln2");
  let d_x;
  [d_x, g.ln2_w, g.ln2_b] = layerNormPullback(norms.ln2, p.ln2_w, g.ln2);
  g.attn_out = g.resid_mid = plus(g.resid_post, d_x);
  attentionPullback(g, acts, p, wrong("copied"));
  [d_x, g.ln1_w, g.ln1_b] = layerNormPullback(norms.ln1, p.ln1_w, g.ln1);
  g.W_pos = g.resid_pre = plus(g.resid_mid, d_x);
  g.W_E = zeros(p.W_E.length, p.W_E[0].length);
  tokens.forEach((token, t) => { g.W_E[token] = add(g.W_E[token], g.resid_pre[t]); });
  return g;
}

function linearPullback(g, x, p, out, W, b, into) {
  [g[W], g[b], g[into]] = [matMul(transpose(x), g[out]), columns(g[out]), matMul(g[out], transpose(p[W]))];
}

function attentionPullback(g, { ln1, q, k, v, pattern, z }, p, copied) {
  [g.W_O, g.z] = [matMul(transpose(z), g.attn_out), matMul(g.attn_out, transpose(p.W_O))];
  g.v = matMul(transpose(pattern), g.z);
  g.pattern = matMul(g.z, transpose(v));
  g.scores = pattern.map((row, i) => softmaxPullback(row, g.pattern[i]));
  const scaled = g.scores.map((row) => scale(row, q[0].length ** -0.5));
  g.q = copied ? g.v : matMul(scaled, k);
  g.k = copied ? g.v : matMul(transpose(scaled), q);
  const parts = ["q", "k", "v"].map((name) => {
    g[`W_${name.toUpperCase()}`] = matMul(transpose(ln1), g[name]);
    return matMul(g[name], transpose(p[`W_${name.toUpperCase()}`]));
  });
  g.ln1 = parts.reduce(plus);
}

/** The cosine of the angle between two nested arrays; NaN where one is zero. */
export const cosine = (a, b) => {
  const [u, v] = [a, b].map((value) => value.flat(Infinity));
  return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
};
