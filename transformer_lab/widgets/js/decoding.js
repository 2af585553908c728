// Build a nested expression and watch a trained model write its value: at each step the likeliest next tokens, and
// where every head looks.

import { h } from "./core/draw.js";
import { fixed, percent } from "./core/format.js";
import { argmax } from "./core/math.js";
import { integers } from "./core/random.js";
import { button, explorable, menu, slider } from "./core/ui.js";
import { choices, pressed } from "./decoding/edit.js";
import { beyond, compose, parse, spell, spellTokens, value, written } from "./decoding/expression.js";
import { HEADS, MODELS, decoded } from "./decoding/model.js";
import { NARROW, sequence } from "./decoding/picture.js";

export const EXAMPLES = {
  nested: [["Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )", "two inside one"], ["Min ( 7 , Max ( 3 , 5 ) )", "one inside one"],
    ["Second ( 9 , 3 )", "nothing inside"], ["Max ( First ( Min ( 2 , 8 ) , 5 ) , 1 )", "one level deeper"],
    ["Max ( 5 , Last ( 6 , 3 ) )", "an operation it never had"], ["Max ( 4 , 8 , First ( 6 , 9 ) )", "three arguments"],
    ["Max ( Max ( Max ( 1 , 2 ) , 3 ) , Max ( 4 , 5 ) )", "too long"]],
  "two-digits": [["Max ( 5 , 42 , 17 )", "one digit and two"], ["Min ( 30 , 3 , 33 )", "equal digits"],
    ["Last ( 4 , 86 )", "two arguments"], ["First ( 100 , 7 , 12 )", "a number above 99"], ["Max ( First ( 7 , 3 ) , 5 )", "one level deeper"]],
  arithmetic: [["Add ( Max ( 3 , 7 ) , Min ( 2 , 9 ) )", "a sum of two"], ["Add ( Add ( 9 , 8 ) , Add ( 4 , 9 ) )", "a sum of sums"],
    ["Add ( 1 , 9 )", "nothing inside"], ["Add ( Add ( Add ( 3 , 4 ) , 5 ) , 6 )", "one level deeper"],
    ["Add ( 14 , First ( 3 , 8 ) )", "a number above 9"]],
};

export function compute({ model, expression, selected, step }, data) {
  const task = MODELS[model], tree = parse(expression), { words, nodes } = written(tree), run = decoded(data, model, expression);
  const at = Math.min(step, run.steps.length - 1), exact = nodes.map(({ x }) => value(x)), said = spellTokens(run.answer);
  return { task, tree, words, nodes, exact, run, at, said, step: run.steps[at], strange: beyond(tree, task),
    selected: Math.min(selected, nodes.length - 1), done: at >= 0 && at === run.steps.length - 1,
    right: run.ended && said === String(exact[0]), levels: Math.max(...nodes.map(({ x, level }) => (x.name ? level : 0))) };
}

/** What a part of the expression is, in words. */
const role = ({ nodes }, { parent, which }) => (parent < 0 ? "Expression" : `Argument ${which + 1} of ${nodes[parent].x.name}`);

/** Attributes of a number or operation: press it, or change it by keys. */
const operable = (state, now, lab) => (i) => {
  const node = now.nodes[i], number = typeof node.x === "number";
  return { role: "spinbutton", tabindex: i === now.selected ? 0 : -1, "aria-label": role(now, node), "aria-valuenow": now.exact[i],
    "aria-valuetext": (number ? String(node.x) : `${node.x.name}, exactly ${now.exact[i]}`) + (now.strange[i] ? ", not in training" : ""),
    onclick: ({ currentTarget }) => { lab.set({ selected: i }); currentTarget.focus(); },
    onkeydown: (event) => {
      const change = event.ctrlKey || event.metaKey || event.altKey ? null : pressed(state, now, event.key);
      if (!change) return;
      event.preventDefault();
      const picture = event.currentTarget.closest("svg");
      lab.set(change);
      picture.querySelectorAll("[role=spinbutton]")[change.selected ?? now.selected].focus();
    } };
};

/** What can be put in the place of the selected part; the keyboard has its own ways. */
function palette(state, now, lab) {
  const press = ({ text, change, on, strange }) => button(text, () => lab.set(change),
    { class: strange ? "lab-button lab-put strange" : "lab-button lab-put", "aria-pressed": on, tabindex: -1 });
  const chosen = now.nodes[now.selected].x;
  return h("div", { class: "lab-palette", role: "group", "aria-label": "In place of what is selected" },
    h("span", {}, "In place of ", h("code", {}, chosen.name ?? String(chosen)), lab.width < NARROW ? " put" : " put (keys: arrows, digits, first letters, Enter)"),
    choices(state, now).map((row) => h("span", { class: "lab-puts" }, row.map(press))));
}

const view = (state, now, lab) => [palette(state, now, lab), sequence(now, lab, { operate: operable(state, now, lab),
  select: (selected) => lab.set({ selected }), go: (step) => lab.set({ step }) })];

/** The n-th random expression of the kind that the model was trained on. */
export function shuffled(model, n) {
  let i = 0;
  return spell(compose(MODELS[model], (end) => integers(0, "probe", n, end, i++, 1)[0]));
}

function controls(state, now, lab) {
  const { model, expression, draw } = state, known = EXAMPLES[model].some(([text]) => text === expression);
  const open = (text, more = {}) => lab.set({ expression: text, selected: 0, step: 0, ...more }), last = now.run.steps.length - 1;
  return [
    menu("Model (rounded to float16)", Object.entries(MODELS).map(([name, { title }]) => [name, title]), model, (name) => open(EXAMPLES[name][0][0], { model: name })),
    menu("Example", [...(known ? [] : [[expression, "your own"]]), ...EXAMPLES[model]], expression, (text) => open(text)),
    button("Shuffle", () => open(shuffled(model, draw + 1), { draw: draw + 1 })),
    h("span", { class: "lab-field" }, button("Back", () => lab.set({ step: now.at - 1 }), { disabled: now.at < 1 }),
    slider("Step", { min: 1, max: Math.max(1, last + 1), step: 1, value: now.at + 1, shown: last < 0 ? "none" : `${now.at + 1} of ${last + 1}`,
      attrs: { disabled: last < 1 } }, (step) => lab.set({ step: step - 1 })),
      button("Next", () => lab.set({ step: now.at + 1 }), { disabled: now.at >= last })),
  ];
}

const reasons = (strange) => [...new Set(strange.filter(Boolean))].join("; ");
const beyondWords = ({ strange }) => (reasons(strange) ? ` Not in training: ${reasons(strange)}.` : "");

function verdict({ run, said, right, exact }) {
  const wrote = `It wrote ${said || "nothing"}${run.ended ? "" : " and found no end"}. The exact value is ${exact[0]}: `;
  return wrote + (right ? "right." : "wrong.");
}

function describe({ expression }, now) {
  const { words, task, step, run, at, done } = now;
  if (!step) return `${expression} has ${words.length} tokens. This model has positions for ${task.n_ctx}: it cannot read it. Take something out.`;
  const row = written(parse(expression)).words.map(({ text }) => text).concat(run.answer.map((token) => spellTokens([token])));
  const looked = step.patterns.slice(HEADS.length / 2).map((shares, head) => `${row[argmax(shares)]} (head ${head}, ${percent(Math.max(...shares))})`);
  return `${expression}, step ${at + 1} of ${run.steps.length}: the model goes on with ${step.top[0].word} (${percent(step.top[0].share, 1)}). `
    + `In layer 1 it looks most at ${looked.join(", ")}. ${done ? verdict(now) : ""}${beyondWords(now)}`;
}

function table({ expression }, { run, step, at, words }) {
  const five = ["1st", "2nd", "3rd", "4th", "5th"], row = [...words.map(({ text }) => text), ...run.steps.map(({ top }) => top[0].word)];
  const steps = { caption: `${expression}: the likeliest next tokens`, columns: ["step", ...five],
    rows: run.steps.map(({ top }, i) => [String(i + 1), ...top.map(({ word, share }) => `${word} ${percent(share, 2)}`)]) };
  return step ? [steps, { caption: `Step ${at + 1}: where each head looks from the last token`,
    columns: ["layer, head", ...row.slice(0, step.row.length)],
    rows: step.patterns.map((shares, r) => [`${HEADS[r].layer}, ${HEADS[r].head}`, ...shares.map((share) => fixed(share))]) }] : steps;
}

export function code({ model, expression }, { run, at, step, strange }) {
  const before = run.steps.slice(0, Math.max(at, 0)).map(({ taken }) => taken).join(", ");
  return `import numpy as np
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.expressions import TOKENS, parse, tokenize
from transformer_lab.training.digits import load

model, record = load("data/digits/${model}-0")
expression = parse("${expression}")
${strange.some(Boolean) ? "" : "print(model.said([expression]), model.top(expression))\n"}
rounded = {name: np.asarray(w, np.float16).astype(float)
           for name, w in model.params.items()}  # the page's weights
row = np.array([tokenize(expression) + [${before}]])
${step ? "" : "# forward will say that there are not enough positions\n"}acts = forward(rounded, row, model.run.model)
logits = acts["logits"][0, -1]
probs = np.exp(logits - logits.max())
probs /= probs.sum()
looks = [acts[f"blocks.{layer}.pattern"][0, :, -1] for layer in (0, 1)]
top = [(TOKENS[i], float(probs[i])) for i in np.argsort(-probs)[:5]]
print(top)`;
}

export default explorable({
  title: "An expression, decoded",
  instruction: "Press a token, then what to put there. Step through the answer.",
  data: "decode",
  defaults: { model: "nested", expression: EXAMPLES.nested[0][0], selected: 2, step: 0, draw: 0 },
  compute, view, controls, describe, table, code,
});
