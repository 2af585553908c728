// What one number was made from: { symbol, equation, terms, from }. `terms` are the numbers that add up, as bars;
// `from` the cells that they stand in, [name, row, column], where null is the whole of it.

import { brief, fixed } from "../core/format.js";
import { sum } from "../core/math.js";
import { short } from "./panels.js";

const two = (value) => fixed(value, 2);
const signed = (value) => (value < 0 ? `(${two(value)})` : two(value));

/** A sum of products, its two largest written out. */
function product(left, right, labels = []) {
  const terms = left.map((value, i) => ({ name: labels[i] ?? String(i), value: value * right[i], left: value, right: right[i] }));
  const most = [...terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 2);
  const written = most.map((one) => `${signed(one.left)}·${signed(one.right)}`).join(" + ");
  return { terms, written: `${written} + … (${terms.length} products)` };
}

const columnOf = (matrix, i) => matrix.map((line) => line[i]);
const ofHead = (W, h, i) => W.map((line) => line[h][i]);

/** A softmax: the scores' powers of e, as shares of their sum. */
function shares(scores, at, labels) {
  const top = Math.max(...scores), powers = scores.map((score) => Math.exp(score - top)), total = sum(powers);
  const all = scores.map((score) => Math.exp(score));
  return { equation: `e^${signed(scores[at])} / sum of the ${scores.length} powers = ${brief(all[at], 4)} / ${brief(sum(all), 4)}`,
    says: "every score's share",
    terms: powers.map((power, i) => ({ name: labels[i], value: power / total })) };
}

function added(names, values, from) {
  return { equation: `${values.map(signed).join(" + ")}`, from,
    terms: values.map((value, i) => ({ name: names[i], value })) };
}

/** What a layer's norm does to one number. */
function normed(stream, w, b, row, column, name) {
  const line = stream[row], mean = sum(line) / line.length;
  const spread = Math.sqrt(sum(line.map((value) => (value - mean) ** 2)) / line.length + 1e-5);
  return { equation: `(${two(line[column])} − ${signed(mean)}) / ${two(spread)} · ${signed(w[column])} + ${signed(b[column])}`,
    terms: [], from: [[name, row, null]] };
}

const linear = (line, W, b, column, from) => {
  const { terms, written } = product(line, columnOf(W, column));
  return { equation: `${written} + ${signed(b[column])}`, from,
    terms: [...terms, { name: "b", value: b[column] }] };
};

const MADE = {
  embed: ({ words, row, column }) => ({ equation: `learned: row ${words[row]} of the table W_E, entry ${column}`, terms: [] }),
  pos_embed: ({ row, column }) => ({ equation: `learned: row ${row} of the table W_pos, entry ${column}`, terms: [] }),
  resid_pre: ({ layer, row, column, all }) => (layer === 0
    ? added(["token", "place"], [all.embed[row][column], all.pos_embed[row][column]],
      [["embed", row, column], ["pos_embed", row, column]])
    : { equation: "as it left layer 0", terms: [], from: [["blocks.0.resid_post", row, column]] }),
  ln1: ({ acts, p, row, column, full }) => normed(acts.resid_pre, p.ln1_w, p.ln1_b, row, column, full("resid_pre")),
  ln2: ({ acts, p, row, column, full }) => normed(acts.resid_mid, p.ln2_w, p.ln2_b, row, column, full("resid_mid")),
  ...Object.fromEntries(["q", "k", "v"].map((name) => [name, ({ acts, p, row, column, head, full }) => {
    const { terms, written } = product(acts.ln1[row], ofHead(p[`W_${name.toUpperCase()}`], head, column));
    return { equation: written, terms, from: [[full("ln1"), row, null]] };
  }])),
  scores({ acts, row, column, head, full }) {
    const { terms, written } = product(acts.q[head][row], acts.k[head][column]);
    return { equation: `(${written}) / √16`, terms: terms.map(({ name, value }) => ({ name, value: value / 4 })),
      from: [[full("q"), row, null], [full("k"), column, null]] };
  },
  pattern: ({ acts, row, column, head, words, full }) =>
    ({ ...shares(acts.scores[head][row], column, words), from: [[full("scores"), row, null]] }),
  z({ acts, row, column, head, words, full }) {
    const { terms, written } = product(acts.pattern[head][row], columnOf(acts.v[head], column), words);
    return { equation: written, terms, from: [[full("pattern"), row, null], [full("v"), null, column]] };
  },
  written({ acts, p, row, column, head, full }) {
    const { terms, written } = product(acts.z[head][row], columnOf(p.W_O[head], column));
    return { equation: written, terms, from: [[full("z"), row, null]] };
  },
  attn_out: ({ acts, row, column, full }) => added(acts.written.map((_, h) => `head ${h}`),
    acts.written.map((head) => head[row][column]), [[full("pattern"), row, null]]),
  resid_mid: ({ acts, row, column, full }) => added(["stream", "heads"],
    [acts.resid_pre[row][column], acts.attn_out[row][column]],
    [[full("resid_pre"), row, column], [full("attn_out"), row, column]]),
  mlp_post({ acts, p, row, column, full }) {
    const { equation, ...rest } = linear(acts.ln2[row], p.W_in, p.b_in, column, [[full("ln2"), row, null]]);
    return { equation: `max(0, ${equation})`, ...rest };
  },
  mlp_out: ({ acts, p, row, column, full }) =>
    linear(acts.mlp_post[row], p.W_out, p.b_out, column, [[full("mlp_post"), row, null]]),
  resid_post: ({ acts, row, column, full }) => added(["stream", "hidden"],
    [acts.resid_mid[row][column], acts.mlp_out[row][column]],
    [[full("resid_mid"), row, column], [full("mlp_out"), row, column]]),
  logits: ({ all, params, column }) => linear(all.ln_final[0], params.W_U, params.b_U, column,
    [["blocks.1.resid_post", 7, null]]),
  probs: ({ all, column, tokens }) => ({ ...shares(all.logits[0], column, tokens), from: [["logits", 0, null]] }),
};

const layerOf = (named, prefix) => Object.fromEntries(Object.entries(named)
  .filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]));

/** What made the number at `row`, `column` of a panel. */
export function made({ at, row, column }, { params }, { acts: all, question: { words } }) {
  const name = short(at.name), prefix = at.name.slice(0, at.name.length - name.length), layer = Number(prefix[7] ?? 0);
  const found = MADE[name]({ row, column, layer, head: at.head, all, params, words, tokens: at.columns,
    acts: layerOf(all, prefix), p: layerOf(params, prefix), full: (other) => prefix + other });
  const there = at.columns ? at.columns[column] : column;
  return { from: [], ...found, value: at.value[row][column], symbol: `${name}[${at.rows[row]}, ${there}]`,
    whose: at.head === undefined ? "" : ` of head ${at.head}` };
}

/** Where each part is explained. */
const CHAPTERS = {
  "04-tokens-and-places": ["Tokens and places", ["embed", "pos_embed"]],
  "01-soft-lookup": ["Attention is a soft lookup", ["q", "k", "v", "scores", "pattern", "z", "written"]],
  "05-the-block": ["The block", ["resid_pre", "ln1", "attn_out", "resid_mid", "ln2", "mlp_post", "mlp_out", "resid_post",
    "logits", "probs"]],
};

/** The chapter behind an activation: its file, without an ending, and its title. */
export function doorOf(name) {
  const [file, [title]] = Object.entries(CHAPTERS).find(([, [, names]]) => names.includes(short(name)));
  return { file, title };
}

