// One expression through a trained model, stage by stage: what every activation is, and what would be answered if the
// stream were read out there.

import { cells, label, line } from "./core/chart.js";
import { amount, color, glyph, largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { fixed, percent } from "./core/format.js";
import { argmax, clamp, range } from "./core/math.js";
import { remember } from "./core/remember.js";
import { forward, read, readOut } from "./core/transformer.js";
import { button, explorable, handle, menu, picture } from "./core/ui.js";

const CONFIG = { d_vocab: 20, n_ctx: 8, d_model: 32, n_heads: 4, n_layers: 2, d_mlp: 128 };
export const TOKENS = ["[PAD]", "[EOS]", ..."0123456789", "First", "Second", "Last", "Max", "Min", "(", ")", ","];
const QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 5 , 3 , 9 )", "First ( 5 , 3 , 9 )", "Second ( 5 , 3 , 9 )", "Last ( 5 , 3 , 9 )",
  "Max ( 8 , 8 , 7 )", "Min ( 0 , 1 , 0 )", "Max ( 0 , 1 , 0 )"];
const PARTS = [["ln1", "norm", "residual"], ["pattern", "where heads look", "query"], ["attn_out", "what heads bring", "value"],
  ["resid_mid", "stream + attention", "residual"], ["ln2", "norm", "residual"], ["mlp_out", "feed-forward", "mlp"],
  ["resid_post", "stream + feed-forward", "residual"]];

/** What each stage says: the activation's name, words, a role, and the stream as it is there. */
const STAGES = [
  { name: "embed", words: "tokens become rows", role: "residual", stream: "embed" },
  { name: "blocks.0.resid_pre", words: "rows + places", role: "residual", stream: "blocks.0.resid_pre" },
  ...range(CONFIG.n_layers).flatMap((layer) => PARTS.map(([name, words, role], i) => ({ name: `blocks.${layer}.${name}`, words, role, layer,
    stream: `blocks.${layer}.${i < 3 ? "resid_pre" : i < 6 ? "resid_mid" : "resid_post"}` }))),
  { name: "logits", words: "the answer", role: "residual", stream: "blocks.1.resid_post" },
];

const short = (name) => name.replace(/blocks\.\d+\./, "");
const models = new WeakMap(); // the page's bytes -> the model in them, and what it made of each question

function modelOf(data) {
  if (!models.has(data)) {
    const params = read(data, CONFIG), ask = (question) => QUESTIONS[question].split(" ").map((word) => TOKENS.indexOf(word));
    models.set(data, { params, trace: remember((question) => forward(params, ask(question), CONFIG), QUESTIONS.length) });
  }
  return models.get(data);
}

export function compute({ question, stage }, data) {
  const { params, trace } = modelOf(data), acts = trace(question), at = STAGES[stage], tokens = QUESTIONS[question].split(" ");
  const { probs } = readOut(params, acts[at.stream].at(-1));
  const top = range(CONFIG.d_vocab).sort((a, b) => probs[b] - probs[a]).slice(0, 5).map((token) => ({ token, word: TOKENS[token], share: probs[token] }));
  return { acts, at, tokens, value: acts[at.name], probs, top };
}

const TOP = 96, ROW = 19, LEFT = 62;

/** A dot a stage, marked by its role; drag along them. */
function rail(state, lab) {
  const x = (i) => 12 + (i / (STAGES.length - 1)) * (lab.width - 24), go = (i) => lab.set({ stage: clamp(Math.round(i), 0, STAGES.length - 1) });
  const at = STAGES[state.stage], layers = range(CONFIG.n_layers).map((layer) => STAGES.findIndex((one) => one.layer === layer));
  return h("g", {}, line(x(0), 34, x(STAGES.length - 1), 34),
    layers.map((i, layer) => [line(x(i), 16, x(i + PARTS.length - 1), 16), label(x(i), 11, `layer ${layer}`, { class: "soft" })]),
    STAGES.map((one, i) => label(x(i), 39, glyph(one.role), { "text-anchor": "middle", fill: color(one.role), style: `fill: ${color(one.role)}` })),
    h("circle", { ...handle(lab, { label: "Stage", value: state.stage, shown: `stage ${state.stage + 1} of ${STAGES.length}, ${at.words}`,
      move: ({ x: place }) => go(((place - 12) / (lab.width - 24)) * (STAGES.length - 1)), nudge: (dx, dy) => go(state.stage + dx + dy) }),
    "aria-valuemin": 0, "aria-valuemax": STAGES.length - 1, cx: x(state.stage), cy: 34, r: 12, fill: "transparent",
    stroke: color("ink"), "stroke-width": 2 }),
    h("text", { x: 0, y: 70, class: "strong" }, at.words, h("tspan", { class: "code", "font-weight": 400, dx: 10 }, short(at.name)),
      at.layer === undefined ? "" : h("tspan", { "font-weight": 400, dx: 10 }, `layer ${at.layer}`)));
}

const names = (tokens, x, y, tall, anchor = "end") =>
  tokens.map((word, t) => label(x, y + (t + 0.5) * tall + 4, word, { class: t === 7 ? "code strong" : "code soft", "text-anchor": anchor }));

/** Rows of 32 numbers, one a token. */
function rows({ tokens, value }, lab, height) {
  const limit = largest(value), tall = (height - 44) / 8;
  return h("g", { "aria-hidden": true }, names(tokens, LEFT - 8, TOP, tall),
    cells(value, { x: LEFT, y: TOP, w: (lab.width - LEFT - 2) / CONFIG.d_model, tall, limit }),
    label(lab.width - 2, TOP + 8 * tall + 16, `32 numbers a token, full colour ±${fixed(limit, 1)}`, { class: "soft", "text-anchor": "end" }));
}

/** Four patterns, a row a query; the last one is read out. */
function patterns({ tokens, value }, lab) {
  const columns = lab.width >= 560 ? 4 : 2, wide = (lab.width - LEFT) / columns, cell = Math.min(ROW, (wide - 12) / 8);
  return h("g", { "aria-hidden": true }, value.map((pattern, head) => {
    const x = LEFT + (head % columns) * wide, y = TOP + 8 + Math.floor(head / columns) * (8 * cell + 44);
    return [head % columns ? null : names(tokens, LEFT - 8, y, cell), cells(pattern, { x, y, w: cell, kind: "amount" }),
      h("rect", { class: "lab-pick", x, y: y + 7 * cell, width: 8 * cell, height: cell }), label(x, y - 5, `head ${head}`, { class: "soft" }),
      tokens.map((word, t) => label(x + (t + 0.5) * cell, y + 8 * cell + 13, word.length > 1 ? word[0] : word, { class: "code tiny soft", "text-anchor": "middle" }))];
  }));
}

/** The scores of all digits, as bars from zero. */
function bars({ acts }, lab, height) {
  const digits = range(10), tall = (height - 44) / 10, top = largest(acts.logits), zero = lab.width / 2, unit = (lab.width / 2 - 70) / top;
  return h("g", { "aria-hidden": true }, digits.map((digit) => {
    const value = acts.logits[digit + 2], y = TOP + digit * tall;
    return [label(LEFT - 8, y + tall / 2 + 4, String(digit), { class: "code", "text-anchor": "end" }),
      h("rect", { x: Math.min(zero, zero + unit * value), y: y + 2, width: Math.abs(unit * value), height: tall - 4, fill: color(value < 0 ? "negative" : "positive") })];
  }), line(zero, TOP, zero, TOP + 10 * tall), label(zero, TOP + 10 * tall + 16, `logits of the digits, longest ${fixed(top, 1)}`, { class: "soft", "text-anchor": "middle" }));
}

/** The five likeliest tokens, if the stream of the last token were read out at this stage. */
function answers({ top }, y, lab) {
  const wide = lab.width - LEFT - 72;
  return h("g", { "aria-hidden": true }, label(0, y, "read out here, the last token would say", { class: "soft" }),
    top.map(({ word, share }, i) => { const at = y + 8 + i * 20; return [
      label(LEFT - 8, at + 14, word, { class: i ? "code" : "code strong", "text-anchor": "end" }),
      h("rect", { x: LEFT, y: at + 2, width: wide * share, height: 15, ...amount(i ? 0.5 : 1) }), line(LEFT, at, LEFT, at + 20),
      label(LEFT + wide * share + 6, at + 14, percent(share, 1), { class: i ? "soft" : "strong" })];
    }));
}

function view(state, now, lab) {
  const short = lab.width < 560, tall = short ? 2 * (8 * Math.min(ROW, ((lab.width - LEFT) / 2 - 12) / 8) + 44) + 8 : 8 * ROW + 44, y = TOP + tall + 16;
  const draw = now.at.name.endsWith("pattern") ? patterns : now.at.name === "logits" ? bars : rows;
  return picture(lab, y + 112, rail(state, lab), draw(now, lab, tall), answers(now, y, lab));
}

const SAYS = {
  embed: () => "Each token is now its row of the table. Equal tokens have equal rows: look at the commas.",
  resid_pre: () => "Each row has its place added. This is the residual stream: all that follows is added to it.",
  ln1: () => "A copy of the stream, each row brought to mean 0 and variance 1. Attention reads this.",
  pattern: ({ value, tokens }) => "The last token looks most at " + value.map((head, i) => `${tokens[argmax(head.at(-1))]} (head ${i}, ${percent(Math.max(...head.at(-1)))})`).join(", ") + ".",
  attn_out: () => "What the four heads bring to each row, added up.",
  resid_mid: () => "The stream with it added.",
  ln2: () => "A normed copy again, for the feed-forward layer.",
  mlp_out: () => "What the feed-forward layer makes of each row by itself. No position sees another here.",
  resid_post: () => "The stream with it added, as it leaves the block.",
  logits: () => "The row of the last token, normed and multiplied by the unembedding: a score for every token.",
};

const describe = (state, now) => `${QUESTIONS[state.question]}, stage ${state.stage + 1} of ${STAGES.length}. ${SAYS[short(now.at.name)](now)} `
  + `Read out here, the model would say ${now.top[0].word} (${percent(now.top[0].share)}).`;

function table(state, { at, tokens, value, probs, acts }) {
  const caption = `${QUESTIONS[state.question]}: ${at.name}`;
  if (at.name === "logits") return { caption, columns: ["token", "logit", "probability"], rows: TOKENS.map((word, i) => [word, fixed(acts.logits[i]), percent(probs[i], 1)]) };
  if (at.name.endsWith("pattern")) return { caption, columns: ["head, query", ...tokens], rows: value.flatMap((head, i) => head.map((row, t) => [`${i}, ${tokens[t]}`, ...row.map((share) => fixed(share))])) };
  return { caption, columns: ["token", ...range(CONFIG.d_model).map(String)], rows: value.map((row, t) => [tokens[t], ...row.map((entry) => fixed(entry, 2))]) };
}

export const code = ({ question, stage }) => `import numpy as np
from transformer_lab.byhand.transformer import forward
from transformer_lab.studies.ablation import trained
from transformer_lab.tasks.expressions import parse, tokenize

config, params = trained()
tokens = np.array([tokenize(parse("${QUESTIONS[question]}"))])
acts = forward(params, tokens, config)
acts["${STAGES[stage].name}"][0].round(3)`;

export default explorable({
  title: "One expression through the model",
  instruction: "Drag the ring along the stages, or press Next.",
  data: "block-trace",
  defaults: { question: 0, stage: 3 },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    menu("Expression", QUESTIONS.map((text, i) => [i, text]), state.question, (question) => lab.set({ question })),
    button("Back", () => lab.set({ stage: state.stage - 1 }), { disabled: state.stage === 0 }),
    button("Next", () => lab.set({ stage: state.stage + 1 }), { disabled: state.stage === STAGES.length - 1 }),
  ],
});
