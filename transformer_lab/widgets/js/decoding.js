// Build a nested expression and watch a trained model write its value: at each step the likeliest next tokens, and
// where every head looks.

import { h } from "./core/draw.js";
import { parse, spell, spellTokens, value, written } from "./core/expression.js";
import { fixed, percent } from "./core/format.js";
import { argmax } from "./core/math.js";
import { integers } from "./core/random.js";
import { TOKENS } from "./core/tokens.js";
import { button, choose, explorable, menu, slider } from "./core/ui.js";
import { choices, pressed } from "./decoding/edit.js";
import { modelsOf } from "./decoding/model.js";
import { NARROW, sequence } from "./decoding/picture.js";
import { beyond, compose, reasons } from "./decoding/training.js";

export const EXAMPLES = {
  nested: [["Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )", "two inside one"],
    ["Min ( 7 , Max ( 3 , 5 ) )", "one inside one"], ["Second ( 9 , 3 )", "nothing inside"],
    ["Max ( First ( Min ( 2 , 8 ) , 5 ) , 1 )", "one level deeper"],
    ["Max ( 5 , Last ( 6 , 3 ) )", "an operation it never had"], ["Max ( 4 , 8 , First ( 6 , 9 ) )", "three arguments"],
    ["Max ( Max ( Max ( 1 , 2 ) , 3 ) , Max ( 4 , 5 ) )", "too long"]],
  "two-digits": [["Max ( 5 , 42 , 17 )", "one digit and two"], ["Min ( 30 , 3 , 33 )", "equal digits"],
    ["Last ( 4 , 86 )", "two arguments"], ["First ( 100 , 7 , 12 )", "a number above 99"],
    ["Max ( First ( 7 , 3 ) , 5 )", "one level deeper"]],
  arithmetic: [["Add ( Max ( 3 , 7 ) , Min ( 2 , 9 ) )", "a sum of two"],
    ["Add ( Add ( 9 , 8 ) , Add ( 4 , 9 ) )", "a sum of sums"], ["Add ( 1 , 9 )", "nothing inside"],
    ["Add ( Add ( Add ( 3 , 4 ) , 5 ) , 6 )", "one level deeper"],
    ["Add ( 14 , First ( 3 , 8 ) )", "a number above 9"]],
};

/** How the next token is taken: what the state says of it, and no more. */
const how = ({ pick, temperature, top_k, top_p, draws }) =>
  (pick === "drawn" ? { pick, temperature, top_k, top_p, draws } : { pick, draws: 0 });

export function compute({ model, expression, selected, step, ...state }, data) {
  const { tasks, decoded } = modelsOf(data), task = tasks[model], tree = parse(expression).x, { words, nodes } = written(tree);
  const run = decoded(model, expression, how(state)), last = run.steps.length - 1, at = Math.min(step, last);
  const exact = nodes.map(({ x }) => value(x)), said = spellTokens(run.answer);
  return { tasks, task, tree, words, nodes, exact, run, at, last, said, step: run.steps[at], strange: beyond(tree, task),
    selected: Math.min(selected, nodes.length - 1), done: at >= 0 && at === last,
    right: run.ended && said === String(exact[0]),
    levels: Math.max(...nodes.map(({ x, level }) => (x.name ? level : 0))) };
}

/** What a part of the expression is, in words. */
const role = ({ nodes }, { parent, which }) =>
  (parent < 0 ? "Expression" : `Argument ${which + 1} of ${nodes[parent].x.name}`);

/** Attributes of a number or operation: press it, or change it by keys. */
const operable = (state, now, lab) => (i) => {
  const node = now.nodes[i], name = node.x.name ? `${node.x.name}, exactly ${now.exact[i]}` : String(node.x);
  return { role: "spinbutton", tabindex: i === now.selected ? 0 : -1, "aria-label": role(now, node),
    "aria-valuenow": now.exact[i], "aria-valuetext": now.strange[i] ? `${name}, not in training` : name,
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
  const press = ({ text, change, on, off, strange }) => button(text, () => lab.set(change), { tabindex: -1,
    class: strange ? "lab-button lab-put strange" : "lab-button lab-put", "aria-pressed": on, disabled: off });
  const chosen = now.nodes[now.selected].x;
  return h("div", { class: "lab-palette", role: "group", "aria-label": "In place of what is selected" },
    h("span", {}, "In place of ", h("code", {}, chosen.name ?? String(chosen)),
      lab.width < NARROW ? " put" : " put (keys: arrows, digits, first letters, Enter)"),
    choices(state, now).map((row) => h("span", { class: "lab-puts" }, row.map(press))));
}

const view = (state, now, lab) => [palette(state, now, lab), sequence(now, lab, { operate: operable(state, now, lab),
  select: (selected) => lab.set({ selected }), go: (step) => lab.set({ step }) })];

/** The n-th random expression of the kind that the model was trained on. */
export function shuffled(task, n) {
  let i = 0;
  return spell(compose(task, (end) => integers(0, "probe", n, end, i++, 1)[0]));
}

/** How it is drawn, where it is drawn; the places stay. */
function drawing({ pick, temperature, top_k, top_p, draws }, { task: { d_vocab } }, lab) {
  const some = Math.min(top_k, d_vocab), put = (key) => (value) => lab.set({ [key]: value, step: 0 });
  return [choose("Next token", [["likeliest", "the likeliest"], ["drawn", "drawn"]], pick, put("pick")),
    ...(pick === "likeliest" ? [null, null, null, null] : [
      slider("Temperature", { min: 0.1, max: 3, step: 0.1, value: temperature, shown: temperature.toFixed(1) }, put("temperature")),
      slider("Top k", { min: 1, max: d_vocab, step: 1, value: some, shown: some === d_vocab ? "all" : some }, (value) =>
        put("top_k")(value === d_vocab ? 24 : value)),
      slider("Top p", { min: 0.05, max: 1, step: 0.05, value: top_p, shown: top_p.toFixed(2) }, put("top_p")),
      button("Draw again", () => lab.set({ draws: draws + 1, step: 0 }))])];
}

function controls(state, now, lab) {
  const { model, expression, draw } = state, { tasks, task, at, last } = now;
  const open = (text, more = {}) => lab.set({ expression: text, selected: 0, step: 0, ...more });
  const models = Object.entries(tasks).map(([name, { title }]) => [name, title]), go = (step) => lab.set({ step });
  const own = EXAMPLES[model].some(([text]) => text === expression) ? [] : [[expression, "your own"]];
  return [
    menu("Model (rounded to float16)", models, model, (name) => open(EXAMPLES[name][0][0], { model: name })),
    menu("Example", [...own, ...EXAMPLES[model]], expression, (text) => open(text)),
    button("Shuffle", () => open(shuffled(task, draw + 1), { draw: draw + 1 })),
    h("span", { class: "lab-field" }, button("Back", () => go(at - 1), { disabled: at < 1 }),
      slider("Step", { min: 1, max: Math.max(1, last + 1), step: 1, value: at + 1,
        shown: last < 0 ? "none" : `${at + 1} of ${last + 1}`, attrs: { disabled: last < 1 } }, (step) => go(step - 1)),
      button("Next", () => go(at + 1), { disabled: at >= last })),
    ...drawing(state, now, lab),
  ];
}

const beyondWords = ({ strange }) => (reasons(strange) ? ` Not in training: ${reasons(strange)}.` : "");

function verdict({ run, said, right, exact }) {
  const wrote = `${said || "nothing"}${run.ended ? "" : " and found no end"}`;
  return ` It wrote ${wrote}. The exact value is ${exact[0]}: ${right ? "right" : "wrong"}.`;
}

/** How the token of a step was taken, in words. */
const takenWords = ({ pick, temperature }, { left }) =>
  (pick === "drawn" ? `, drawn from ${left} at temperature ${temperature.toFixed(1)}` : "");

function describe({ expression, ...state }, now) {
  const { words, task, step, at, last, done } = now;
  if (!step) {
    return `${expression} has ${words.length} tokens. This model has positions for ${task.n_ctx}: it cannot read it. `
      + "Take something out.";
  }
  const { taken: token, shares } = step, most = (shares) => `“${TOKENS[step.row[argmax(shares)]]}”`;
  const looked = step.patterns.slice(task.n_heads * (task.n_layers - 1))
    .map((shares, head) => `${most(shares)} (head ${head}, ${percent(Math.max(...shares))})`);
  return `${expression}, step ${at + 1} of ${last + 1}: the model goes on with ${TOKENS[token]} `
    + `(${percent(shares[token], 2)})${takenWords(state, step)}. `
    + `In layer ${task.n_layers - 1} it looks most at ${looked.join(", ")}.${done ? verdict(now) : ""}${beyondWords(now)}`;
}

function table({ expression }, { task, run, step, at }) {
  const likely = ({ word, share }) => `${word} ${percent(share, 2)}`;
  const next = { caption: `${expression}: the likeliest next tokens`,
    columns: ["step", "1st", "2nd", "3rd", "4th", "5th"],
    rows: run.steps.map(({ top }, i) => [String(i + 1), ...top.map(likely)]) };
  const looks = step && { caption: `Step ${at + 1}: where each head looks from the last token`,
    columns: ["layer, head", ...step.row.map((token) => TOKENS[token])],
    rows: task.heads.map(({ layer, head }, r) => [`${layer}, ${head}`, ...step.patterns[r].map((share) => fixed(share))]) };
  return step ? [next, looks] : next;
}

export function code({ model, expression, pick, temperature, top_k, top_p }, { run, at, step, task }) {
  const before = run.steps.slice(0, Math.max(at, 0)).map(({ taken }) => taken).join(", ");
  const cut = pick === "drawn" ? `, temperature=${temperature}, top_k=${Math.min(top_k, task.d_vocab)}, top_p=${top_p}` : "";
  return `import numpy as np
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.answers import shares
from transformer_lab.tasks.expressions import TOKENS, parse, tokenize
from transformer_lab.widgets import Decoding

# weights as on the page, in half precision
writer = Decoding(model="${model}", expression="${expression}")
row = np.array([tokenize(parse(writer.expression)) + [${before}]])
${step ? "" : "# forward will say that there are not enough positions\n"}logits = forward(writer.params, row, writer.config)["logits"][0, -1:]
probs = shares(logits${cut})[0]
print([(TOKENS[i], float(probs[i])) for i in np.argsort(-logits[0])[:5]])`;
}

export default explorable({
  title: "An expression, decoded",
  instruction: "Press a token, then what to put there. Step through the answer.",
  data: "decode",
  defaults: { model: "nested", expression: EXAMPLES.nested[0][0], selected: 2, step: 0, draw: 0,
    pick: "likeliest", temperature: 1, top_k: 24, top_p: 1, draws: 0 },
  compute, view, controls, describe, table, code,
});
