// What each number of the backward replay was made from, forward and backward.

import { products, sums, words } from "../core/inspect.js";
import { dot, mean, softmax, sum } from "../core/math.js";
import { fixed } from "../core/format.js";

const column = (rows, j) => rows.map((row) => row[j]);
const two = (value) => fixed(value, 2);
const HALF = { scale: 0.5, divisor: "√4" }; // heads are four wide

function normed(row, w, b, j, name) {
  const middle = mean(row), spread = Math.sqrt(mean(row.map((value) => (value - middle) ** 2)) + 1e-5);
  return words(`(${two(row[j])} − ${two(middle)}) / ${two(spread)}`, ((row[j] - middle) / spread) * w[j] + b[j], [name]);
}

const LEARNED = (V, name, i, j) => words("drawn at random; training changes it", V[name][i][j]);

const FORWARD = {
  resid_pre: (V, i, j, { tokens }) =>
    sums({ token: V.W_E[tokens[i]][j], place: V.W_pos[i][j] }, ["W_E", "W_pos"]),
  ln1: (V, i, j) => normed(V.resid_pre[i], V.ln1_w[0], V.ln1_b[0], j, "resid_pre"),
  q: (V, i, j) => products(V.ln1[i], column(V.W_Q, j), ["ln1", "W_Q"]),
  k: (V, i, j) => products(V.ln1[i], column(V.W_K, j), ["ln1", "W_K"]),
  v: (V, i, j) => products(V.ln1[i], column(V.W_V, j), ["ln1", "W_V"]),
  scores: (V, i, j) => products(V.q[i], V.k[j], ["q", "k"], HALF),
  pattern(V, i, j) {
    const powers = V.scores[i].map(Math.exp), all = sum(powers);
    return words(`e^${two(V.scores[i][j])} / ${two(all)}, its share of the row`, powers[j] / all, ["scores"]);
  },
  z: (V, i, j) => products(V.pattern[i], column(V.v, j), ["pattern", "v"]),
  attn_out: (V, i, j) => products(V.z[i], column(V.W_O, j), ["z", "W_O"]),
  resid_mid: (V, i, j) => sums({ stream: V.resid_pre[i][j], attention: V.attn_out[i][j] }, ["resid_pre", "attn_out"]),
  ln2: (V, i, j) => normed(V.resid_mid[i], V.ln2_w[0], V.ln2_b[0], j, "resid_mid"),
  mlp_pre: (V, i, j) => products(V.ln2[i], column(V.W_in, j), ["ln2", "W_in"], { more: V.b_in[0][j] }),
  mlp_post: (V, i, j) => words(`the larger of 0 and ${two(V.mlp_pre[i][j])}`, Math.max(0, V.mlp_pre[i][j]), ["mlp_pre"]),
  mlp_out: (V, i, j) => products(V.mlp_post[i], column(V.W_out, j), ["mlp_post", "W_out"], { more: V.b_out[0][j] }),
  resid_post: (V, i, j) => sums({ stream: V.resid_mid[i][j], "feed-forward": V.mlp_out[i][j] }, ["resid_mid", "mlp_out"]),
  ln_final: (V, i, j) => normed(V.resid_post.at(-1), V.ln_final_w[0], V.ln_final_b[0], j, "resid_post"),
  logits: (V, i, j) => products(V.ln_final[0], column(V.W_U, j), ["ln_final", "W_U"], { more: V.b_U[0][j] }),
};

/** Around a sublayer and through it: what the stream has at once, and the rest. */
const around = (G, name, i, j, later) =>
  sums({ "around": G[later][i][j], "through the norm": G[name][i][j] - G[later][i][j] }, [later]);
const handedOn = (G, i, j, later) => words(`${two(G[later][i][j])}, which the sum hands on unchanged`, G[later][i][j], [later]);
const copied = (G, name, i, j) => words("the value's gradient, copied: the planted mistake", G[name][i][j], ["v"]);
const outer = (left, right) => (V, G, i, j) => products(column(V[left], i), column(G[right], j), [left, right]);

const BACKWARD = {
  logits(V, G, i, j, { target, gradient }) {
    const [p, y] = [softmax(V.logits[0])[j], j === target ? 1 : 0];
    return gradient === "twice" || gradient === "both"
      ? words("p − y, sent through the softmax's Jacobian: the planted mistake", G.logits[0][j], ["logits"])
      : words(`p − y = ${two(p)} − ${y}`, p - y, ["logits"]);
  },
  ln_final: (V, G, i, j) => products(V.W_U[j], G.logits[0], ["W_U", "logits"]),
  resid_post: (V, G, i, j) => words(i < 2 ? "0: only the last row is read" : "back through the last norm", G.resid_post[i][j],
    ["ln_final"]),
  mlp_out: (V, G, i, j) => handedOn(G, i, j, "resid_post"),
  mlp_post: (V, G, i, j) => products(V.W_out[j], G.mlp_out[i], ["W_out", "mlp_out"]),
  mlp_pre: (V, G, i, j) => words(V.mlp_pre[i][j] > 0 ? `${two(G.mlp_post[i][j])} · 1` : "0: this unit was off",
    V.mlp_pre[i][j] > 0 ? G.mlp_post[i][j] : 0, ["mlp_post"]),
  ln2: (V, G, i, j) => products(V.W_in[j], G.mlp_pre[i], ["W_in", "mlp_pre"]),
  resid_mid: (V, G, i, j) => around(G, "resid_mid", i, j, "resid_post"),
  attn_out: (V, G, i, j) => handedOn(G, i, j, "resid_mid"),
  z: (V, G, i, j) => products(V.W_O[j], G.attn_out[i], ["W_O", "attn_out"]),
  pattern: (V, G, i, j) => products(G.z[i], V.v[j], ["z", "v"]),
  v: (V, G, i, j) => products(column(V.pattern, i), column(G.z, j), ["pattern", "z"]),
  scores(V, G, i, j) {
    const [a, g, all] = [V.pattern[i][j], G.pattern[i][j], dot(V.pattern[i], G.pattern[i])];
    return words(`${two(a)} · (${two(g)} − ${two(all)}): less the mean that the weights take`, a * (g - all), ["pattern"]);
  },
  q: (V, G, i, j, { isCopied }) => (isCopied ? copied(G, "q", i, j)
    : products(G.scores[i], column(V.k, j), ["scores", "k"], HALF)),
  k: (V, G, i, j, { isCopied }) => (isCopied ? copied(G, "k", i, j)
    : products(column(G.scores, i), column(V.q, j), ["scores", "q"], HALF)),
  ln1: (V, G, i, j) => sums({ queries: dot(V.W_Q[j], G.q[i]), keys: dot(V.W_K[j], G.k[i]), values: dot(V.W_V[j], G.v[i]) },
    ["q", "k", "v"]),
  resid_pre: (V, G, i, j) => around(G, "resid_pre", i, j, "resid_mid"),
  W_E: (V, G, i, j, { tokens }) => words(tokens.includes(i) ? "the slopes of the rows with this token, added"
    : "0: this token is not there", sum(tokens.map((token, t) => (token === i ? G.resid_pre[t][j] : 0))), ["resid_pre"]),
  W_pos: (V, G, i, j) => handedOn(G, i, j, "resid_pre"),
  W_Q: outer("ln1", "q"), W_K: outer("ln1", "k"), W_V: outer("ln1", "v"), W_O: outer("z", "attn_out"),
  W_in: outer("ln2", "mlp_pre"), W_out: outer("mlp_post", "mlp_out"), W_U: outer("ln_final", "logits"),
};

/** The answer for one number: `side` is "value" or "gradient". */
export const made = ({ name, side, row, column: j }, { values, grads, ...facts }) => (side === "gradient"
  ? BACKWARD[name](values, grads, row, j, facts)
  : FORWARD[name]?.(values, row, j, facts) ?? LEARNED(values, name, row, j));
