// What is shown at each zoom: matrices with a name, words and a role, signs between them, and doors to the next zoom.
// BREAK begins a new line.

import { largest } from "../core/color.js";
import { clamp, range } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";

export const BREAK = "\n";
export const short = (name) => name.replace(/blocks\.\d\./, "");

/** An activation; of what heads have, that of one head. Shares and sizes are amounts, the rest is signed. */
const panel = (name, words, role, head) => ({ name, words, role, head,
  kind: /pattern|probs|mlp_post/.test(name) ? "amount" : "signed" });
const inLayer = (layer) => (name, ...rest) => panel(`blocks.${layer}.${name}`, ...rest);
const door = (words, to) => ({ words, to });

const model = () => [
  panel("embed", "what each token is", "residual"), "+", panel("pos_embed", "where it stands", "residual"), "=",
  panel("blocks.0.resid_pre", "the stream", "residual"), BREAK,
  door("layer 0", { zoom: "block", layer: 0 }), panel("blocks.0.resid_post", "the stream after layer 0", "residual"),
  door("layer 1", { zoom: "block", layer: 1 }), panel("blocks.1.resid_post", "the stream after layer 1", "residual"),
  BREAK, panel("logits", "the last row's score for each token", "residual"), BREAK,
  panel("probs", "their softmax: what is answered", "residual"),
];

const block = (layer) => {
  const inside = inLayer(layer);
  return [
    inside("resid_pre", "the stream comes in", "residual"), "→", inside("ln1", "normed copy", "residual"), BREAK,
    ...range(4).map((head) => ({ ...inside("pattern", `head ${head}`, "query", head), to: { zoom: "head", head } })), BREAK,
    inside("attn_out", "what the heads bring", "value"), "→", inside("resid_mid", "the stream, with it added", "residual"),
    "→", inside("ln2", "normed copy", "residual"), BREAK,
    inside("mlp_post", "256 hidden numbers a row, none below 0", "mlp"), BREAK,
    inside("mlp_out", "what they write", "mlp"), "→", inside("resid_post", "the stream goes on", "residual"),
  ];
};

const head = (layer, h) => {
  const inside = inLayer(layer), own = (name, words, role) => inside(name, words, role, h);
  return [
    inside("ln1", "normed rows", "residual"), "→", own("q", "queries", "query"), own("k", "keys", "key"),
    own("v", "values", "value"), BREAK, own("scores", "q · k / √16", "query"), "→", own("pattern", "softmax", "query"), "→",
    own("z", "what is read", "value"), "→", own("written", "what is written", "value"),
  ];
};

/** What stands at a zoom, with the numbers of each matrix (`drawn`: less those of `base`), and the one that is asked. */
export function panels({ zoom, layer, head: h, asked, row, column }, { acts, question }, base) {
  const items = { model, block, head }[zoom](layer, h).map((item) => (item.name ? filled(item, acts, question, base?.acts) : item));
  const same = (item) => item.name === asked && (item.head === undefined || item.head === h);
  const first = { model: "probs", block: "pattern", head: "pattern" }[zoom];
  const at = items.find(same) ?? items.find((item) => item.name && short(item.name) === first
    && (item.head === undefined || item.head === h));
  return { items, at, row: clamp(row, 0, at.value.length - 1), column: clamp(column, 0, at.value[0].length - 1) };
}

const ofHead = (item, acts) => (item.head === undefined ? acts[item.name] : acts[item.name][item.head]);

function filled(item, acts, { words }, base) {
  const found = ofHead(item, acts), was = base ? ofHead(item, base) : null;
  const rows = found.length === 1 ? [words.at(-1)] : words, n = found[0].length;
  const columns = n === 20 ? TOKENS.slice(0, 20) : n === words.length ? words : null;
  const made = { ...item, value: found, drawn: found, paint: item.kind, rows, columns };
  if (!base) return { ...made, limit: item.kind === "amount" && n < 256 ? 1 : largest(found) };
  const drawn = found.map((line, i) => line.map((value, j) => value - was[i][j]));
  return { ...made, was, drawn, paint: "signed", limit: largest(drawn) };
}
