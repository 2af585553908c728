// The whole transformer of transformer_lab.byhand.transformer, forward, on one sequence: Pre-LN with learned positions,
// ReLU, no mask, read at the last token. The same names, the same equations, held to it by a parity test.

import { attend } from "./attention.js";
import { add, matMul, range, softmax, sum } from "./math.js";

const EPS = 1e-5;
const NORM = (name) => [[`${name}_w`, 1, "d_model"], [`${name}_b`, 1, "d_model"]];
const BLOCK = [...NORM("ln1"), ["W_Q", "d_model", "d_model"], ["W_K", "d_model", "d_model"], ["W_V", "d_model", "d_model"],
  ["W_O", "d_model", "d_model"], ...NORM("ln2"), ["W_in", "d_model", "d_mlp"], ["b_in", 1, "d_mlp"],
  ["W_out", "d_mlp", "d_model"], ["b_out", 1, "d_model"]];

/** Each parameter as a matrix [name, rows, columns], in the order of parameter_shapes; all heads lie side by side. */
const tensors = (config) => [["W_E", "d_vocab", "d_model"], ["W_pos", "n_ctx", "d_model"],
  ...range(config.n_layers).flatMap((layer) => BLOCK.map(([name, ...axes]) => [`blocks.${layer}.${name}`, ...axes])),
  ...NORM("ln_final"), ["W_U", "d_model", "d_vocab"], ["b_U", 1, "d_vocab"]];

/** The weights from float32 bytes, one tensor after the other; vectors are plain arrays. */
export function read(data, config) {
  let at = 0;
  const number = () => data.getFloat32(4 * at++, true);
  return Object.fromEntries(tensors(config).map(([name, rows, columns]) => {
    const matrix = range(config[rows] ?? rows).map(() => range(config[columns]).map(number));
    return [name, rows === 1 ? matrix[0] : matrix];
  }));
}

/** A row with mean 0 and variance 1, then gain and offset. */
export function layerNorm(row, w, b) {
  const mean = sum(row) / row.length, centred = row.map((value) => value - mean);
  const scale = 1 / Math.sqrt(sum(centred.map((value) => value * value)) / row.length + EPS);
  return centred.map((value, i) => value * scale * w[i] + b[i]);
}

const linear = (x, W, b) => matMul(x, W).map((row) => add(row, b));
const added = (x, y) => x.map((row, t) => add(row, y[t]));
const relu = (x) => x.map((row) => row.map((value) => Math.max(value, 0)));

/** Every head of a layer: q, k, v, scores, pattern, z as [head][position], and what they write together. */
function heads(x, p, n_heads) {
  const d_head = x[0].length / n_heads, lines = range(x.length);
  const parts = (W) => { const all = matMul(x, W); return range(n_heads).map((h) => all.map((row) => row.slice(h * d_head, (h + 1) * d_head))); };
  const [q, k, v] = ["W_Q", "W_K", "W_V"].map((name) => parts(p(name)));
  const found = range(n_heads).map((h) => lines.map((t) => attend(q[h][t], k[h], v[h], 1 / Math.sqrt(d_head))));
  const [scores, pattern, z] = ["scores", "pattern", "z"].map((name) => found.map((head) => head.map((one) => one[name])));
  return { q, k, v, scores, pattern, z, attn_out: matMul(lines.map((t) => z.flatMap((head) => head[t])), p("W_O")) };
}

/** The activations of a block by names without its prefix, from the stream that enters it. */
function block(x, p, { n_heads }) {
  const normed = (name, rows) => rows.map((row) => layerNorm(row, p(`${name}_w`), p(`${name}_b`)));
  const ln1 = normed("ln1", x), attention = heads(ln1, p, n_heads), resid_mid = added(x, attention.attn_out);
  const ln2 = normed("ln2", resid_mid), mlp_pre = linear(ln2, p("W_in"), p("b_in")), mlp_post = relu(mlp_pre);
  const mlp_out = linear(mlp_post, p("W_out"), p("b_out"));
  return { resid_pre: x, ln1, ...attention, resid_mid, ln2, mlp_pre, mlp_post, mlp_out, resid_post: added(resid_mid, mlp_out) };
}

/** What the read-out makes of one row of the stream, at any stage. */
export function readOut(params, row) {
  const ln_final = layerNorm(row, params.ln_final_w, params.ln_final_b);
  const logits = linear([ln_final], params.W_U, params.b_U)[0];
  return { ln_final, logits, probs: softmax(logits) };
}

/** Every activation by its full name, for a list of tokens. */
export function forward(params, tokens, config) {
  const embed = tokens.map((token) => params.W_E[token]), pos_embed = params.W_pos.slice(0, tokens.length);
  const acts = { embed, pos_embed };
  let x = added(embed, pos_embed);
  for (const layer of range(config.n_layers)) {
    const prefix = `blocks.${layer}.`, made = block(x, (name) => params[prefix + name], config);
    for (const name in made) acts[prefix + name] = made[name];
    x = made.resid_post;
  }
  return { ...acts, resid_read: x.at(-1), ...readOut(params, x.at(-1)) };
}
