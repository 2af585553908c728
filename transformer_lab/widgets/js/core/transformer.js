// The whole transformer of transformer_lab.byhand.transformer on one sequence, forward and backward: Pre-LN, learned
// positions, ReLU. With mask: "causal" a token sees itself and what came before; with read_out: "all" logits are read
// at each token, not at the last one. The same names, the same equations, held to it by a parity test. A matrix is an
// array of rows, what heads have is [head][position], and each operation has its pullback beside it.

import { attend, attendPullback } from "./attention.js";
import { add, columns, crossEntropy, dot, matMul, mean, product, range, scale, softmax, sum, transpose,
  zeros } from "./math.js";

const EPS = 1e-5, IGNORED = -100; // the target of a row that does not count
const NORM = (name) => [[`${name}_w`, 1, "d_model"], [`${name}_b`, 1, "d_model"]];
const BLOCK = [...NORM("ln1"), ...["W_Q", "W_K", "W_V", "W_O"].map((name) => [name, "d_model", "d_model"]),
  ...NORM("ln2"), ["W_in", "d_model", "d_mlp"], ["b_in", 1, "d_mlp"], ["W_out", "d_mlp", "d_model"],
  ["b_out", 1, "d_model"]];

/** Each parameter as a matrix [name, rows, columns], in the order of parameter_shapes; all heads lie side by side. */
const tensors = (config) => [["W_E", "d_vocab", "d_model"], ["W_pos", "n_ctx", "d_model"],
  ...range(config.n_layers).flatMap((layer) => BLOCK.map(([name, ...axes]) => [`blocks.${layer}.${name}`, ...axes])),
  ...NORM("ln_final"), ["W_U", "d_model", "d_vocab"], ["b_U", 1, "d_vocab"]];

/** A finite float16 from its bits. */
const float16 = (bits) => {
  const exponent = (bits >> 10) & 31, size = ((bits & 1023) + (exponent && 1024)) * 2 ** (Math.max(exponent, 1) - 25);
  return bits >> 15 ? -size : size;
};

/** The weights from float32 (`half`: float16) bytes, the first at byte `at`, one tensor after the other. */
export function read(data, config, { at = 0, half = false } = {}) {
  const number = half ? () => float16(data.getUint16((at += 2) - 2, true)) : () => data.getFloat32((at += 4) - 4, true);
  return Object.fromEntries(tensors(config).map(([name, rows, columns]) => {
    const matrix = range(config[rows] ?? rows).map(() => range(config[columns]).map(number));
    return [name, rows === 1 ? matrix[0] : matrix];
  }));
}

/** A row with mean 0 and variance 1, and what it was multiplied by. */
function standard(row) {
  const level = mean(row), centred = row.map((value) => value - level);
  const size = 1 / Math.sqrt(dot(centred, centred) / row.length + EPS);
  return { x_hat: scale(centred, size), size };
}

/** A row with mean 0 and variance 1, then gain and offset. */
export const layerNorm = (row, w, b) => add(product(standard(row).x_hat, w), b);
const normed = (name, rows, p) => rows.map((row) => layerNorm(row, p[`${name}_w`], p[`${name}_b`]));

/** The gradient of the rows; those of gain and offset go into `grads`, as in all that follow. */
function normedPullback(name, rows, p, d_y, grads) {
  const found = rows.map(standard);
  grads[`${name}_w`] = columns(found.map(({ x_hat }, t) => product(d_y[t], x_hat)));
  grads[`${name}_b`] = columns(d_y);
  return found.map(({ x_hat, size }, t) => {
    const d = product(d_y[t], p[`${name}_w`]), level = mean(d), stretch = dot(d, x_hat) / d.length;
    return d.map((value, i) => (value - level - x_hat[i] * stretch) * size);
  });
}

const linear = (x, p, W, b) => matMul(x, p[W]).map((row) => add(row, p[b]));

function linearPullback(x, p, W, d_y, grads, b) {
  grads[W] = matMul(transpose(x), d_y);
  if (b) grads[b] = columns(d_y);
  return matMul(d_y, transpose(p[W]));
}

const relu = (x) => x.map((row) => row.map((value) => Math.max(value, 0)));
const reluPullback = (x, d_y) => d_y.map((row, t) => row.map((value, i) => (x[t][i] > 0 ? value : 0)));

const added = (x, y) => x.map((row, t) => add(row, y[t]));

const split = (x, n_heads) => { // columns to heads
  const wide = x[0].length / n_heads;
  return range(n_heads).map((h) => x.map((row) => row.slice(h * wide, (h + 1) * wide)));
};
const joined = (heads) => heads[0].map((_, t) => heads.flatMap((head) => head[t]));

/** Every head: q, k, v, scores, pattern, z, and what they write together. */
function attention(x, p, { n_heads, mask }) {
  const acts = attend(...["W_Q", "W_K", "W_V"].map((name) => split(matMul(x, p[name]), n_heads)), { mask });
  return { ...acts, attn_out: matMul(joined(acts.z), p.W_O) };
}

function attentionPullback(acts, p, d_attn_out, enter, grads) {
  const d_z = linearPullback(joined(acts.z), p, "W_O", d_attn_out, grads);
  const { q, k, v } = attendPullback(acts, enter("z", split(d_z, acts.z.length)), { enter });
  const back = (W, d) => linearPullback(acts.ln1, p, W, joined(d), grads);
  return [back("W_Q", q), back("W_K", k), back("W_V", v)].reduce(added);
}

/** The activations of a block by names without its prefix, from the stream that enters it. */
function block(resid_pre, p, config) {
  const ln1 = normed("ln1", resid_pre, p), heads = attention(ln1, p, config);
  const resid_mid = added(resid_pre, heads.attn_out), ln2 = normed("ln2", resid_mid, p);
  const mlp_pre = linear(ln2, p, "W_in", "b_in"), mlp_post = relu(mlp_pre);
  const mlp_out = linear(mlp_post, p, "W_out", "b_out"), resid_post = added(resid_mid, mlp_out);
  return { resid_pre, ln1, ...heads, resid_mid, ln2, mlp_pre, mlp_post, mlp_out, resid_post };
}

function blockPullback(acts, p, d_resid_post, enter, grads) {
  const d_post = enter("resid_post", d_resid_post), d_mlp_out = enter("mlp_out", d_post);
  const d_mlp_post = enter("mlp_post", linearPullback(acts.mlp_post, p, "W_out", d_mlp_out, grads, "b_out"));
  const d_mlp_pre = enter("mlp_pre", reluPullback(acts.mlp_pre, d_mlp_post));
  const d_ln2 = enter("ln2", linearPullback(acts.ln2, p, "W_in", d_mlp_pre, grads, "b_in"));
  const d_mid = enter("resid_mid", added(d_post, normedPullback("ln2", acts.resid_mid, p, d_ln2, grads)));
  const d_ln1 = enter("ln1", attentionPullback(acts, p, enter("attn_out", d_mid), enter, grads));
  return enter("resid_pre", added(d_mid, normedPullback("ln1", acts.resid_pre, p, d_ln1, grads)));
}

/** What the read-out makes of one row of the stream, at any stage. */
export function readOut(params, resid_read) {
  const [ln_final] = normed("ln_final", [resid_read], params), [logits] = linear([ln_final], params, "W_U", "b_U");
  return { resid_read, ln_final, logits, probs: softmax(logits) };
}

function readOutPullback(resid_read, ln_final, params, d_logits, enter, grads) {
  const d_ln_final = enter("ln_final", linearPullback(ln_final, params, "W_U", d_logits, grads, "b_U"));
  return enter("resid_read", normedPullback("ln_final", resid_read, params, d_ln_final, grads));
}

const rowsOf = (value, { read_out }) => (read_out === "all" ? value : [value]);
const counted = (targets) => targets.filter((target) => target !== IGNORED).length || 1;

/** The mean cross-entropy in nats: `targets` is a token, or where all are read one for each position (-100: none). */
export function loss({ logits }, targets, config) {
  const wanted = rowsOf(targets, config), rows = rowsOf(logits, config);
  return sum(wanted.map((target, t) => (target === IGNORED ? 0 : crossEntropy(rows[t], target)))) / counted(wanted);
}

const lossPullback = (probs, targets) => targets.map((target, t) =>
  probs[t].map((p, i) => (target === IGNORED ? 0 : (p - (i === target)) / counted(targets))));

/** What a layer has of `named`, by names without the prefix; and the names with it again. */
const layerOf = (named, prefix) => Object.fromEntries(Object.entries(named)
  .flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));
const prefixed = (named, prefix) =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [prefix + name, value]));

/** Every activation by its full name, for a list of tokens; what is read out is one row, or one for each position. */
export function forward(params, tokens, config) {
  const embed = tokens.map((token) => params.W_E[token]), pos_embed = params.W_pos.slice(0, tokens.length);
  const acts = { tokens, embed, pos_embed };
  let x = added(embed, pos_embed);
  for (const prefix of range(config.n_layers).map((layer) => `blocks.${layer}.`)) {
    const made = block(x, layerOf(params, prefix), config);
    Object.assign(acts, prefixed(made, prefix));
    x = made.resid_post;
  }
  const all = config.read_out === "all", found = (all ? x : x.slice(-1)).map((row) => readOut(params, row));
  for (const name in found[0]) acts[name] = all ? found.map((one) => one[name]) : found[0][name];
  return acts;
}

/**
 * The gradients of the loss by the same names: activations and parameters. tap(name, gradient, seen) may return another
 * gradient for an activation; `seen` has those before it, in a layer by names without the prefix.
 */
export function backward(params, acts, targets, config, tap = (name, gradient) => gradient) {
  const rows = (value) => rowsOf(value, config), all = config.read_out === "all", grads = {};
  const enter = (name, d) => rows(grads[name] = tap(name, all ? d : d[0], grads));
  const d_logits = enter("logits", lossPullback(rows(acts.probs), rows(targets)));
  const d_read = readOutPullback(rows(acts.resid_read), rows(acts.ln_final), params, d_logits, enter, grads);
  let d_x = [...zeros(acts.tokens.length - d_read.length, d_read[0].length), ...d_read];
  for (const prefix of range(config.n_layers).map((layer) => `blocks.${layer}.`).reverse()) {
    const inner = {}, into = (name, d) => (inner[name] = tap(prefix + name, d, inner));
    d_x = blockPullback(layerOf(acts, prefix), layerOf(params, prefix), d_x, into, inner);
    Object.assign(grads, prefixed(inner, prefix));
  }
  return embedPullback(params, acts.tokens, d_x, grads, tap);
}

/** Each row of the gradient goes to the row of its token and to the row of its place. */
function embedPullback({ W_E, W_pos }, tokens, d_x, grads, tap) {
  for (const name of ["pos_embed", "embed"]) grads[name] = tap(name, d_x, grads);
  grads.W_pos = [...grads.pos_embed, ...zeros(W_pos.length - tokens.length, W_pos[0].length)];
  grads.W_E = zeros(W_E.length, W_E[0].length);
  tokens.forEach((token, t) => { grads.W_E[token] = add(grads.W_E[token], grads.embed[t]); });
  return grads;
}
