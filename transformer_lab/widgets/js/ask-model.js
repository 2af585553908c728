// The trained digit model of chapter 8, in full: type an input, scrub through training, and see all that it does with
// it, beside a map of what it answers to all 5,000 inputs.

import { fixed, percent } from "./core/format.js";
import { argmax, range } from "./core/math.js";
import { TOKENS } from "./core/tokens.js";
import { button, entry, explorable, picture } from "./core/ui.js";
import { five, heads, layout, logits } from "./ask/answers.js";
import { OPERATIONS, input, parse } from "./ask/inputs.js";
import { layout as mapLayout, map } from "./ask/map.js";
import { modelOf } from "./ask/model.js";
import { TALL, training } from "./ask/training.js";

export function compute({ expression, step }, data) {
  const model = modelOf(data), index = model.steps.indexOf(step), asked = input(parse(expression).number);
  const acts = model.ask(index, asked.tokens), { probs } = acts;
  const top = range(probs.length).sort((a, b) => probs[b] - probs[a]).slice(0, 5);
  const heldOut = model.heldOut(asked.number), right = top[0] === asked.answer;
  return { model, index, acts, top, input: asked, heldOut, right };
}

/** What is in the field: what was typed last, unless another input was asked in the meantime. */
const typed = ({ draft, expression }) => (draft?.of === expression ? draft.text : expression);

function field(state, { heldOut }, lab) {
  const text = typed(state), { fault } = parse(text);
  const type = (draft) => {
    const { number } = parse(draft), expression = number === undefined ? state.expression : input(number).text;
    lab.set({ expression, draft: { text: draft, of: expression } });
  };
  const said = fault ?? (heldOut ? "Held out: training never saw it." : "One of those that training saw.");
  // What is right is spelt as it should be once the reader has done.
  const leave = () => { if (fault === undefined) lab.set({ draft: null }); };
  return entry(lab, "Ask", { value: text, wrong: fault !== undefined, said }, type, leave);
}

function view(state, now, lab) {
  const at = layout(lab.width, now.acts.patterns), below = mapLayout(lab.width, at.bottom + TALL);
  const ask = (number) => lab.set({ expression: input(number).text });
  return [field(state, now, lab), picture(lab, below.bottom, heads(now, at), five(now, at), logits(now, at),
    training(state, now, at.bottom, lab), map(state, now, below, lab, ask))];
}

const many = (n) => n.toLocaleString("en");

function describe({ step }, { model, index, acts, top, input: { text, words, answer }, heldOut, right }) {
  const { trained, heldOut: fresh } = model.totals[index], layer = acts.patterns.length - 1;
  const seen = acts.patterns[layer].map((head) => words[argmax(head.at(-1))].replace(",", "a comma"));
  return [
    `After ${step} steps the answer to ${text}, ${heldOut ? "held out" : "trained on"}, is ${TOKENS[top[0]]}`,
    `(${percent(acts.probs[top[0]], 1)}), which is ${right ? "right" : `wrong: it is ${TOKENS[answer]}`}.`,
    `The last token's heads in layer ${layer} look most at ${seen.join(", ")}.`,
    `Right on ${trained.map(many).join(" of ")} inputs trained on, ${fresh.map(many).join(" of ")} held out.`,
  ].join(" ");
}

const table = ({ step }, { model, index, acts, top, input: { text, answer } }) => [
  { caption: `${text} after ${step} steps, weights in half precision`,
    columns: ["token", "probability", "logit", "right"], rows: top.map((token) => [TOKENS[token],
      percent(acts.probs[token], 1), fixed(acts.logits[token]), token === answer ? "✓" : "✗"]) },
  { caption: `Right answers after ${step} steps`, columns: ["operation", "trained on", "of", "held out", "of"],
    rows: OPERATIONS.map((name, operation) =>
      [name, ...Object.values(model.scores[index][operation]).flat().map(String)]) },
];

export const code = ({ expression, step }) => `import numpy as np
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.expressions import TOKENS, parse, tokenize
from transformer_lab.widgets import AskModel

# weights as on the page, in half precision
asked = AskModel(expression="${expression}", step=${step})
tokens = np.array([tokenize(parse(asked.expression))])
probs = softmax(forward(asked.params, tokens, asked.config)["logits"][0])
print([(TOKENS[i], float(probs[i])) for i in np.argsort(-probs)[:5]])`;

export default explorable({
  title: "Ask the trained model",
  instruction: "Type another input, drag along training, or press a cell of the map.",
  data: "ask",
  defaults: { expression: "Max ( 5 , 3 , 9 )", step: 50, held_out: false },
  compute, view, describe, table, code,
  controls: ({ held_out }, now, lab) => [
    button("Mark held-out inputs", () => lab.set({ held_out: !held_out }), { "aria-pressed": held_out }),
  ],
});
