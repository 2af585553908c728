// A small character model that goes on with a text: what it expects in each place, what counting would, where heads look.

import { h } from "./core/draw.js";
import { fixed, percent } from "./core/format.js";
import { clamp, mean, range } from "./core/math.js";
import { button, entry, explorable, menu, slider } from "./core/ui.js";
import { begun, booked, onward } from "./writer/run.js";
import { drawn, sentence, spoken } from "./writer/picture.js";

const LONGEST = 400, MORE = 60; // characters to write; a press more
export const BEGINNINGS = ["ROMEO:\n", "KING RICHARD III:\nNow ", "First Citizen:\nWe are ", "What is the answer? "];
const NEW_LINE = "|"; // in the entry; no character of the text

export function compute(state, data) {
  const book = booked(data), run = begun(book, state), unfinished = onward(book, run, state);
  const length = Math.min(run.given + state.length, run.steps.length + 1, run.tokens.length), tokens = run.tokens.slice(0, length);
  const letters = tokens.map((token) => book.alphabet[token]), at = state.at < 1 ? length - 1 : clamp(state.at, 1, length - 1);
  const p = tokens.map((token, place) => (place ? run.steps[place - 1].p[token] : 1)), surprises = p.map((share) => -Math.log(share));
  const step = run.steps[at - 1], counted = book.ruler(tokens.slice(step.start, at));
  const top = range(step.p.length).sort((a, b) => step.p[b] - step.p[a] || a - b).slice(0, 10)
    .map((token) => ({ letter: book.alphabet[token], share: step.p[token], counted: counted[token] }));
  const own = surprises.slice(run.given);
  return { unfinished, book, letters, at, p, surprises, top, counted, start: step.start, patterns: step.patterns, order: 5,
    n_heads: book.config.n_heads, given: run.given, written: length - run.given, cost: own.length ? mean(own) : 0 };
}

const shown = (text) => text.replaceAll("\n", NEW_LINE);
const typed = ({ draft, text }) => (draft?.of === text ? draft.text : shown(text));

/** What is wrong with a beginning, if anything. */
function fault(text, { alphabet }) {
  const strange = [...text].find((letter) => !alphabet.includes(letter));
  if (strange !== undefined) return `The model has never seen ${strange}; it knows letters, blanks, - ' & $ 3 and . , ; : ! ?`;
  return [...text].length < 2 ? "Give it two characters or more." : undefined;
}

function field(state, now, lab) {
  const value = typed(state), wrong = fault(value.replaceAll(NEW_LINE, "\n"), now.book);
  const type = (draft) => {
    const text = draft.replaceAll(NEW_LINE, "\n"), known = fault(text, now.book) ? state.text : text;
    lab.set({ text: known, at: 0, draft: { text: draft, of: known } });
  };
  return entry(lab, "Beginning", { value, wrong: wrong !== undefined, said: wrong ?? "| stands for a new line." }, type,
    () => { if (!wrong) lab.set({ draft: null }); });
}

const view = (state, now, lab) => [field(state, now, lab), h("div", {}, drawn(now, lab))];

function controls({ text, length, temperature, top_k, top_p, draws }, { book: { config: { d_vocab } } }, lab) {
  const put = (key) => (value) => lab.set({ [key]: value, at: 0 }), some = Math.min(top_k, d_vocab);
  const own = BEGINNINGS.includes(text) ? [] : [[text, "your own"]];
  return [menu("Example", [...own, ...BEGINNINGS.map((one) => [one, shown(one)])], text, (one) => lab.set({ text: one, at: 0 })),
    button("Write on", () => lab.set({ length: Math.min(LONGEST, length + MORE), at: 0 }), { disabled: length >= LONGEST }),
    button("One character", () => lab.set({ length: Math.min(LONGEST, length + 1), at: 0 }), { disabled: length >= LONGEST }),
    button("Draw again", () => lab.set({ draws: draws + 1, at: 0 })),
    slider("Temperature", { min: 0.1, max: 2, step: 0.1, value: temperature, shown: temperature.toFixed(1) }, put("temperature")),
    slider("Top k", { min: 1, max: d_vocab, step: 1, value: some, shown: some === d_vocab ? "all" : some }, put("top_k")),
    slider("Top p", { min: 0.05, max: 1, step: 0.05, value: top_p, shown: top_p.toFixed(2) }, put("top_p"))];
}

function describe(state, now) {
  const { letters, at, top: [first], counted, book, written, cost } = now;
  const own = written ? ` The ${written} characters that it has written cost it ${fixed(cost, 2)} nats each.` : "";
  return `In place ${at + 1} ${sentence(now)}; the likeliest was ${spoken(first.letter)} (${percent(first.share, 1)}). `
    + `Counting would give ${spoken(letters[at])} ${percent(counted[book.alphabet.indexOf(letters[at])], 1)}.${own}`;
}

function table(state, { letters, at, top, p, surprises, order }) {
  return [{ caption: `Place ${at + 1}: the ten likeliest characters`, columns: ["character", "model", `${order}-gram`],
    rows: top.map(({ letter, share, counted }) => [spoken(letter), percent(share, 2), percent(counted, 2)]) },
  { caption: "The text, character by character", columns: ["place", "character", "probability", "nats"],
    rows: letters.slice(1).map((letter, i) => [String(i + 2), spoken(letter), percent(p[i + 1], 2), fixed(surprises[i + 1], 2)]) }];
}

/** A text as Python has it, in pieces that fit a line. */
const quoted = (text) => (text.match(/[^]{1,60}/g) ?? [""]).map((piece) => JSON.stringify(piece)).join("\n        ");

export const code = (state, { letters, at, start }) => `import numpy as np
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward
from transformer_lab.widgets import CharWriter

# weights as on the page, in half precision
writer = CharWriter()
text = (${quoted(letters.slice(start, at).join(""))})
logits = forward(writer.params, writer.encode(text)[None], writer.config)["logits"]
probs = softmax(logits[0, -1])
print([(writer.alphabet[i], float(probs[i])) for i in np.argsort(-probs)[:5]])`;

export default explorable({
  title: "A small writer",
  instruction: "Type a beginning and let it write; press a character to see what else could have stood there.",
  data: "char-writer",
  defaults: { text: BEGINNINGS[0], length: 120, temperature: 0.8, top_k: 65, top_p: 1, draws: 0, at: 0 },
  compute, view, controls, describe, table, code,
});
