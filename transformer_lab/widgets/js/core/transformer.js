// The whole transformer of transformer_lab.byhand.transformer on one sequence, forward and backward, for any of its
// configurations: the same names, layouts and equations, held to it by a parity test over all tables of parts. A matrix
// is an array of rows, what heads have is [head][position], and each operation has its pullback beside it.
// `enter(name, value)` keeps a value under its name, and returns what a tap made of it.

import { attend, attendPullback } from "./attention.js";
import { add, columns, crossEntropy, dot, matMul, product, range, scale, softmax, sum, transpose, zeros } from "./math.js";
import { ACTIVATIONS, LEANS, MASKS, NORMS, POSITIONS, READ_OUTS, TURNS } from "./parts.js";

const IGNORED = -100; // the target of a row that does not count
const same = (name, value) => value;
const added = (x, y) => x.map((row, t) => add(row, y[t]));

const linear = (x, W, b) => (b ? matMul(x, W).map((row) => add(row, b)) : matMul(x, W));

/** The gradient of x; those of the parameters that there are go into `grads`, as in all that follow. */
function linearPullback(x, p, W, b, d_y, grads) {
  grads[W] = matMul(transpose(x), d_y);
  if (p[b]) grads[b] = columns(d_y);
  return matMul(d_y, transpose(p[W]));
}

/** A row with its level taken off (see NORMS) and mean square 1, and what it was multiplied by. */
function standard(row, { norm, eps }) {
  const level = NORMS[norm](row), centred = row.map((value) => value - level);
  const size = 1 / Math.sqrt(dot(centred, centred) / row.length + eps);
  return { x_hat: scale(centred, size), size };
}

const placed = (where, { norm, placement }) => norm !== "none" && placement === where;

/** The norm called `ln` of the rows if the configuration places it here, "pre" or "post"; else the rows. */
function normed(where, ln, rows, p, config, enter) {
  if (!placed(where, config)) return rows;
  const gained = (row) => product(standard(row, config).x_hat, p[`${ln}_w`]), offset = p[`${ln}_b`];
  return enter(ln, rows.map((row) => (offset ? add(gained(row), offset) : gained(row))));
}

function normedPullback(where, ln, rows, p, d, config, enter, grads) {
  if (!placed(where, config)) return d;
  const d_y = enter(ln, d), found = rows.map((row) => standard(row, config));
  grads[`${ln}_w`] = columns(found.map(({ x_hat }, t) => product(d_y[t], x_hat)));
  if (p[`${ln}_b`]) grads[`${ln}_b`] = columns(d_y);
  return found.map(({ x_hat, size }, t) => {
    const d_x_hat = product(d_y[t], p[`${ln}_w`]), level = NORMS[config.norm](d_x_hat);
    const stretch = dot(d_x_hat, x_hat) / x_hat.length;
    return d_x_hat.map((value, i) => (value - level - x_hat[i] * stretch) * size);
  });
}

/** What one head has of W (d_model, n_heads, d_head); and W again from what all heads have. */
const ofHead = (W, h) => W.map((row) => row[h]);
const ofHeads = (each) => each[0].map((_, i) => each.map((matrix) => matrix[i]));
const ROLES = { W_Q: ["q", "b_Q"], W_K: ["k", "b_K"], W_V: ["v", "b_V"] };

/** Every head: q, k, v, scores, pattern, z; and what they write together: without W_O, they are laid side by side. */
function attention(x, p, { n_heads, positions }, see, enter) {
  const project = (W) => enter(ROLES[W][0], range(n_heads).map((h) => linear(x, ofHead(p[W], h), p[ROLES[W][1]]?.[h])));
  const [q, k, v] = Object.keys(ROLES).map(project), turn = TURNS[positions];
  const met = (name, heads) => (turn ? enter(`rot_${name}`, heads.map((rows) => turn(rows, 1))) : heads);
  const { z } = attend(met("q", q), met("k", k), v, { see, lean: LEANS[positions], enter });
  if (!p.W_O) return x.map((_, t) => z.flatMap((head) => head[t]));
  const out = z.map((head, h) => matMul(head, p.W_O[h])).reduce(added);
  return p.b_O ? out.map((row) => add(row, p.b_O)) : out;
}

function attentionPullback(acts, x, p, d_out, { n_heads, d_head, positions }, enter, grads) {
  const d_z = range(n_heads).map((h) => (p.W_O ? matMul(d_out, transpose(p.W_O[h]))
    : d_out.map((row) => row.slice(h * d_head, (h + 1) * d_head))));
  if (p.W_O) grads.W_O = acts.z.map((head) => matMul(transpose(head), d_out));
  if (p.b_O) grads.b_O = columns(d_out);
  const turn = TURNS[positions], met = turn ? { ...acts, q: acts.rot_q, k: acts.rot_k } : acts;
  const back = (name, d) => enter(name, turn && /^[qk]$/.test(name)
    ? enter(`rot_${name}`, d).map((rows) => turn(rows, -1)) : d);
  const d = attendPullback(met, enter("z", d_z), { enter: back });
  return Object.entries(ROLES).flatMap(([W, [name, b]]) => {
    grads[W] = ofHeads(d[name].map((head) => matMul(transpose(x), head)));
    if (p[b]) grads[b] = d[name].map(columns);
    return d[name].map((head, h) => matMul(head, transpose(ofHead(p[W], h))));
  }).reduce(added);
}

const each = (f, x) => x.map((row) => row.map(f));

function feedForward(x, p, { activation }, see, enter) {
  const mlp_pre = enter("mlp_pre", linear(x, p.W_in, p.b_in));
  return linear(enter("mlp_post", each(ACTIVATIONS[activation][0], mlp_pre)), p.W_out, p.b_out);
}

function feedForwardPullback(acts, x, p, d_out, { activation }, enter, grads) {
  const d_post = enter("mlp_post", linearPullback(acts.mlp_post, p, "W_out", "b_out", d_out, grads));
  const slopes = each(ACTIVATIONS[activation][1], acts.mlp_pre);
  return linearPullback(x, p, "W_in", "b_in", enter("mlp_pre", d_post.map((row, t) => product(row, slopes[t]))), grads);
}

/** The two parts of a block: each reads the stream, writes, and is added to it. A norm stands before it or after. */
const PARTS = [
  { ln: "ln1", from: "resid_pre", out: "attn_out", to: "resid_mid", run: attention, back: attentionPullback },
  { ln: "ln2", from: "resid_mid", out: "mlp_out", to: "resid_post", run: feedForward, back: feedForwardPullback },
];
const onto = (stream, out, { residual }) => (residual ? added(stream, out) : out);
const isThere = ({ ln }, { d_mlp }) => ln === "ln1" || d_mlp > 0;

function part(one, acts, p, config, see, enter) {
  const { ln, from, out, to, run } = one;
  if (!isThere(one, config)) return enter(to, acts[from]);
  const written = enter(out, run(normed("pre", ln, acts[from], p, config, enter), p, config, see, enter));
  return enter(to, normed("post", ln, onto(acts[from], written, config), p, config, enter));
}

function partPullback(one, acts, p, d, config, enter, grads) {
  const { ln, from, out, to, back } = one, stream = acts[from], d_to = enter(to, d);
  if (!isThere(one, config)) return d_to;
  const total = onto(stream, acts[out], config), rows = placed("pre", config) ? acts[ln] : stream;
  const d_total = normedPullback("post", ln, total, p, d_to, config, enter, grads);
  const d_rows = back(acts, rows, p, enter(out, d_total), config, enter, grads);
  return onto(d_total, normedPullback("pre", ln, stream, p, d_rows, config, enter, grads), config);
}

/** How many tokens are no padding; what a query may see; and how much of each place is read. */
const real = (tokens, { pad }) => tokens.filter((token) => token !== pad).length;
const visible = (tokens, config) => {
  const n = real(tokens, config);
  return (query, key) => key < n && MASKS[config.mask](query, key);
};
const reads = (tokens, config) => READ_OUTS[config.read_out](real(tokens, config), tokens.length);

const unembedding = ({ W_U, W_E }) => W_U ?? transpose(W_E);

/** What the read-out makes of rows of the stream, at any stage: ln_final, logits, probs. */
export function readOut(params, rows, config, enter = same) {
  const ln_final = normed("pre", "ln_final", rows, params, config, enter);
  const logits = enter("logits", linear(ln_final, unembedding(params), params.b_U));
  return { ln_final, logits, probs: logits.map(softmax) };
}

function readOutPullback(acts, params, d_logits, config, enter, grads) {
  const rows = placed("pre", config) ? acts.ln_final : acts.resid_read, W = params.W_U ? "W_U" : "W_E";
  const d_rows = linearPullback(rows, { ...params, [W]: unembedding(params) }, W, "b_U", d_logits, grads);
  if (!params.W_U) grads.W_E = transpose(grads.W_E);
  return enter("resid_read", normedPullback("pre", "ln_final", acts.resid_read, params, d_rows, config, enter, grads));
}

/** The mean cross-entropy in nats of targets, one for each row that is read (-100: none). */
export const loss = ({ logits }, targets) =>
  sum(targets.map((target, t) => (target === IGNORED ? 0 : crossEntropy(logits[t], target)))) / counted(targets);
const counted = (targets) => targets.filter((target) => target !== IGNORED).length || 1;

const lossPullback = (probs, targets) => targets.map((target, t) =>
  probs[t].map((p, i) => (target === IGNORED ? 0 : (p - (i === target)) / counted(targets))));

/** What a layer has of `named`, by names without the prefix. */
const layerOf = (named, prefix) => Object.fromEntries(Object.entries(named)
  .flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));
const prefixes = ({ n_layers }) => range(n_layers).map((layer) => `blocks.${layer}.`);
const prefixed = (named, prefix) =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [prefix + name, value]));

/** Every activation by its full name, for a list of tokens; tap(name, value) may return another. */
export function forward(params, tokens, config, tap = same) {
  const acts = { tokens }, enter = (name, value) => (acts[name] = tap(name, value));
  const see = visible(tokens, config);
  let x = embedded(params, tokens, config, enter);
  for (const prefix of prefixes(config)) {
    const inner = {}, into = (name, value) => (inner[name] = tap(prefix + name, value));
    into("resid_pre", x);
    for (const one of PARTS) x = part(one, inner, layerOf(params, prefix), config, see, into);
    Object.assign(acts, prefixed(inner, prefix));
  }
  const { probs } = readOut(params, enter("resid_read", matMul(reads(tokens, config), x)), config, enter);
  return { ...acts, probs };
}

/**
 * The gradients of the loss by the same names: activations and parameters. tap(name, gradient, seen) may return another
 * gradient for an activation; `seen` has those before it, in a layer by names without the prefix.
 */
export function backward(params, acts, targets, config, tap = same) {
  const grads = {}, enter = (name, d) => (grads[name] = tap(name, d, grads));
  const d_logits = enter("logits", lossPullback(acts.probs, targets));
  const d_read = readOutPullback(acts, params, d_logits, config, enter, grads);
  let d_x = matMul(transpose(reads(acts.tokens, config)), d_read);
  for (const prefix of prefixes(config).reverse()) {
    const inner = {}, into = (name, d) => (inner[name] = tap(prefix + name, d, inner));
    const mine = layerOf(acts, prefix), weights = layerOf(params, prefix);
    for (const one of [...PARTS].reverse()) d_x = partPullback(one, mine, weights, d_x, config, into, inner);
    d_x = into("resid_pre", d_x);
    Object.assign(grads, prefixed(inner, prefix));
  }
  return embeddedPullback(params, acts.tokens, config, d_x, enter, grads);
}

/** The start of the stream: each token's row of W_E, and the row of its place. */
function embedded(params, tokens, config, enter) {
  const embed = enter("embed", tokens.map((token) => params.W_E[token]));
  if (!POSITIONS[config.positions]) return embed;
  return added(embed, enter("pos_embed", POSITIONS[config.positions](params, config).slice(0, tokens.length)));
}

/** Each row of the gradient goes to the row of its token and to the row of its place. */
function embeddedPullback({ W_E, W_pos }, tokens, { positions }, d_x, enter, grads) {
  if (POSITIONS[positions]) enter("pos_embed", d_x);
  if (W_pos) grads.W_pos = [...grads.pos_embed, ...zeros(W_pos.length - tokens.length, W_pos[0].length)];
  grads.W_E ??= zeros(W_E.length, W_E[0].length); // a tied one has its share of the read-out
  enter("embed", d_x).forEach((row, t) => { grads.W_E[tokens[t]] = add(grads.W_E[tokens[t]], row); });
  return grads;
}
