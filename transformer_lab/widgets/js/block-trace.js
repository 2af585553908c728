// One expression through a trained model and back, stage by stage: what every activation is, and what would be answered
// if the stream were read out there; then the gradient of the loss at the same stages, and what it makes of parameters.

import { largest } from "./core/color.js";
import { brief, fixed, percent } from "./core/format.js";
import { argmax, dot, range } from "./core/math.js";
import { button, explorable, menu } from "./core/ui.js";
import { short, view, where } from "./trace/picture.js";
import { LOSS, QUESTIONS, TOKENS, WAY, answer, compute } from "./trace/stages.js";

const mostly = (row, head, tokens) => `${tokens[argmax(row)]} (head ${head}, ${percent(Math.max(...row))})`;

const SAYS = {
  embed: () => "Each token is now its row of the table. Equal tokens have equal rows: look at the commas.",
  resid_pre: () => "Each row has its place added. This is the residual stream: all that follows is added to it.",
  ln1: () => "A copy of the stream, each row brought to mean 0 and variance 1. Attention reads this.",
  pattern: ({ value, tokens }) =>
    `The last token looks most at ${value.map((head, i) => mostly(head.at(-1), i, tokens)).join(", ")}.`,
  attn_out: () => "What the four heads bring to each row, added up.",
  resid_mid: () => "The stream with it added.",
  ln2: () => "A normed copy again, for the feed-forward layer.",
  mlp_out: () => "What the feed-forward layer makes of each row by itself. No position sees another here.",
  resid_post: () => "The stream with it added, as it leaves the block.",
  logits: () => "The row of the last token, normed and multiplied by the unembedding: a score for every token.",
  loss: ({ wanted, loss }) => `The loss is −ln of the probability of ${wanted}: ${brief(loss, 2)} nats. `
    + "On the way back each picture is its slope: how fast the loss grows with each number.",
};

const SAYS_BACK = {
  logits: ({ wanted }) => `Each token's probability, and for ${wanted} 1 less. All slopes add up to 0.`,
  resid_post: ({ at, last }) => (at.layer === last
    ? "Back through the last norm. Only the last token was read out, so only its row has slopes."
    : "Two ways meet here and add up: around the attention above, and through it. It looked at all rows."),
  mlp_out: () => "A sum hands its slopes on to both its parts, unchanged.",
  ln2: () => "Back through the feed-forward layer, each row by itself.",
  resid_mid: () => "Two ways meet and add up: around the feed-forward layer, and through it.",
  attn_out: () => "A sum again: the heads get the slopes of the stream, unchanged.",
  pattern: (now) => `The loss would fall fastest if ${lever(now)}.`,
  ln1: () => "Back through queries, keys and values, added up. A row that was looked at gets slopes, too.",
  resid_pre: () => "The stream as it began. Each row's slopes go to the row of its place.",
  embed: () => "The same slopes go to the row of each token; equal tokens add theirs up.",
};

/** Where a little more attention, taken from all of its row in proportion, lowers the loss most. */
function lever({ acts, at, value, tokens }) {
  const gains = value.flatMap((slopes, head) => slopes.flatMap((row, query) => row.map((slope, key) =>
    ({ gain: dot(acts[at.name][head][query], row) - slope, head, query, key }))));
  const { head, query, key } = gains.reduce((best, one) => (one.gain > best.gain ? one : best));
  return `head ${head} let ${tokens[query]} look more at ${tokens[key]}`;
}

function describe(state, now) {
  const end = now.back
    ? `Target ${now.wanted}, loss ${brief(now.loss, 2)} nats; steepest slope here ${brief(largest(now.value), 2)}.`
    : `Read out here, the model would say ${now.top[0].word} (${percent(now.top[0].share)}).`;
  const says = (now.back ? SAYS_BACK : SAYS)[short(now.at.name)];
  return `${QUESTIONS[state.question]}, ${where(state, now)}. ${says(now)} ${end}`;
}

/** The numbers of the picture; on the way back a second table has the parameters. */
function table(state, { at, tokens, value, probs, logits, losses, back, wanted, sizes }) {
  const caption = `${QUESTIONS[state.question]}: ${back ? `gradient of ${at.name}, target ${wanted}` : at.name}`;
  const row = (name, numbers) => [name, ...numbers.map((number) => (back ? brief(number) : fixed(number)))];
  const shown = at.name.endsWith("pattern") ? { caption, columns: ["head, query", ...tokens],
    rows: value.flatMap((head, i) => head.map((numbers, t) => row(`${i}, ${tokens[t]}`, numbers))) }
    : value[0].length ? { caption, columns: ["token", ...range(value[0].length).map(String)],
      rows: value.map((numbers, t) => row(tokens[t], numbers)) }
      : back ? { caption, columns: ["token", "slope"], rows: TOKENS.map((word, i) => row(word, [value[i]])) }
        : { caption, columns: ["token", "logit", "probability", "loss"], rows: TOKENS.map((word, i) =>
          [word, fixed(logits[i]), percent(probs[i], 1), brief(losses[i])]) };
  if (!back || !at.makers.length) return shown;
  return [shown, { caption: "Length of the gradients of the parameters here", columns: ["parameter", "length"],
    rows: at.makers.map((name) => [name, brief(sizes[name])]) }];
}

const ENDS = {
  forward: ({ at }) => `print(acts["${at.name}"][0].tolist())`,
  loss: ({ wanted }) => `print(float(loss(acts["logits"], np.array([TOKENS.index("${wanted}")]),
                 trace.config)))`,
  back: ({ at, wanted }) => `seen, target = {}, np.array([TOKENS.index("${wanted}")])
grads = backward(trace.params, acts, target, trace.config,
                 tap=lambda name, slopes: seen.setdefault(name, slopes))
print(seen["${at.name.replace(/\w+$/, "d_$&")}"][0].tolist())`,
};

export function code({ question }, now) {
  const kind = now.back ? "back" : now.at.name === "loss" ? "loss" : "forward";
  const uses = { forward: "forward", loss: "forward, loss", back: "backward, forward" }[kind];
  return `import numpy as np
from transformer_lab.byhand.transformer import ${uses}
from transformer_lab.tasks.expressions import ${kind === "forward" ? "" : "TOKENS, "}parse, tokenize
from transformer_lab.widgets import BlockTrace

trace = BlockTrace()   # the model as on the page
tokens = np.array([tokenize(parse("${QUESTIONS[question]}"))])
acts = forward(trace.params, tokens, trace.config)
${ENDS[kind](now)}`;
}

const targets = (question) => [["answer", `${answer(question)}, right`],
  ...range(10).map((digit) => [String(digit), String(digit)])];

export default explorable({
  title: "One expression through the model",
  instruction: "Drag the ring along the stages, to the answer and back, or press Next.",
  data: "block-trace",
  defaults: { question: 0, stage: 3, target: "answer" },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    menu("Ask", QUESTIONS.map((text, i) => [i, text]), state.question, (question) => lab.set({ question })),
    state.stage < LOSS ? null : menu("Target", targets(state.question), state.target, (target) => lab.set({ target })),
    button("Previous", () => lab.set({ stage: state.stage - 1 }), { disabled: state.stage === 0 }),
    button("Next", () => lab.set({ stage: state.stage + 1 }), { disabled: state.stage === WAY.length - 1 }),
  ],
});
