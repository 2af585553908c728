// A whole trained transformer on one question, at three zooms: the model, one of its layers, one head of it. Every cell
// can be asked: it says its name and value, the equation with its numbers, and which cells it was made from. Any number
// can be set, another question be compared with, and one token be followed all the way.

import { h } from "./core/draw.js";
import { brief, fixed, percent } from "./core/format.js";
import { argmax } from "./core/math.js";
import { TOKENS } from "./core/tokens.js";
import { button, choose, entry, explorable } from "./core/ui.js";
import { input, parse } from "./ask/inputs.js";
import { field as setter, otherOf, putOf, setByYou } from "./machine/change.js";
import { doorOf, made } from "./machine/made.js";
import { modelOf } from "./machine/model.js";
import { panels, short } from "./machine/panels.js";
import { draw } from "./machine/picture.js";
import { walk } from "./machine/walk.js";

export function compute(state, data) {
  const model = modelOf(data), { number } = parse(state.expression), put = putOf(state);
  const run = model.ask(number, put ?? undefined), before = put ? model.ask(number) : null;
  const changes = state.show === "changes", versus = state.versus || otherOf(state.expression);
  const base = changes ? before ?? model.ask(parse(versus).number) : null, there = panels(state, run, base);
  const [probs] = run.acts.probs, said = argmax(probs), old = before && argmax(before.acts.probs[0]);
  return { ...there, run, put, before, versus, changes, said, old, share: probs[said], right: said === run.question.answer,
    made: made(there, model, run), steps: walk(run) };
}

/** What was typed last, unless the question has changed since. */
const typed = ({ draft, expression }) => (draft?.of === expression ? draft.text : expression);

const answer = ({ put, said, old, share, right }) => (put
  ? `With your number it answers ${TOKENS[said]} (${percent(share, 1)}); without it, ${TOKENS[old]}.`
  : `The machine answers ${TOKENS[said]} (${percent(share, 1)}), which is ${right ? "right" : "wrong"}.`);

function field(state, now, lab) {
  const value = typed(state), { fault } = parse(value);
  const type = (text) => {
    const { number } = parse(text), expression = number === undefined ? state.expression : input(number).text;
    lab.set({ expression, draft: { text, of: expression } });
  };
  return entry(lab, "Ask", { value, wrong: fault !== undefined, said: fault ?? answer(now) }, type,
    () => { if (fault === undefined) lab.set({ draft: null }); });
}

/** With what is compared: the same question before a number was set, or another question. */
function other(state, { changes, put, versus, run }, lab) {
  if (!changes) return null;
  if (put) return h("p", { class: "lab-head" }, "Shown is what your number changes. Where nothing changes, a cell is empty.");
  const text = state.against ?? versus, { fault } = parse(text);
  const type = (against) => {
    const { number } = parse(against);
    lab.set({ against, ...(number === undefined ? {} : { versus: input(number).text }) });
  };
  return entry({ ...lab, id: `${lab.id}-against` }, "less", { value: text, wrong: fault !== undefined,
    said: fault ?? `Shown are the numbers of ${run.question.text} less those of ${versus}. Where nothing changes, a cell is empty.` },
  type, () => { if (fault === undefined) lab.set({ against: null }); });
}

/** One token's way, a step at a time. */
function followed({ step = -1 }, { steps, run }, lab) {
  const go = (to) => lab.set({ ...steps[to], says: undefined, step: to, show: "numbers" });
  const said = steps[step] ? `${step + 1} of ${steps.length}: ${steps[step].says}`
    : `Follow the ${run.question.words[steps[0].row]} on its way to the answer, in ${steps.length} steps.`;
  return h("div", { class: "lab-entry" },
    lab.id ? button("Back", () => go(step - 1), { disabled: step < 1 }) : null, // a still picture has nothing to press
    lab.id ? button(steps[step] ? "Next" : "Follow", () => go(step + 1), { disabled: step >= steps.length - 1 }) : null,
    h("span", { class: "lab-said", "aria-live": "polite" }, said));
}

/** The page of a chapter; in JupyterLab, its notebook. */
const ending = () => (/\/(lab|notebooks)\b/.test(globalThis.location?.pathname) ? ".ipynb" : ".html");

const shown = ({ kind }, value) => (kind === "amount" ? fixed(value) : brief(value));

/** In sight while the picture is: on a phone a press would otherwise be answered below the screen. */
const STAYS = "position: sticky; bottom: 0; background: var(--lab-page); padding-block: 0.4rem";

function asked(state, now, lab) {
  const { at, row, column, put, before, versus, made: { symbol, whose, value, equation } } = now;
  const { file, title } = doorOf(at.name);
  const old = before && (at.head === undefined ? before.acts[at.name] : before.acts[at.name][at.head])[row][column];
  const was = at.was && !put ? `In ${versus} it is ${shown(at, at.was[row][column])}. ` : "";
  return h("div", { style: lab.width < 520 ? STAYS : null },
    lab.width < 520 ? followed(state, now, lab) : null,
    h("p", { class: "lab-head" },
      h("strong", {}, `${symbol}${whose} = ${shown(at, value)}`), setByYou(put, now, old) ?? `= ${equation}. `,
      put && !setByYou(put, now, old) ? `Without your number: ${shown(at, old)}. ` : was,
      h("a", { href: file + ending(), style: "color: var(--lab-link)" }, `Explained in “${title}”`)),
    setter(state, now, lab));
}

const view = (state, now, lab) => [field(state, now, lab), other(state, now, lab),
  lab.width < 520 ? null : followed(state, now, lab), h("div", {}, draw(state, now, lab), asked(state, now, lab))];

const WHERE = { model: () => "The whole model", block: ({ layer }) => `Layer ${layer}`,
  head: ({ layer, head }) => `Head ${head} of layer ${layer}` };

const describe = (state, { at, run: { question }, said, share, put, made: { symbol, whose, value } }) =>
  `${WHERE[state.zoom](state)}, asked ${question.text}: it answers ${TOKENS[said]} (${percent(share, 1)})${
    put ? " with the number that you set" : ""}. The cell that is asked: ${symbol}${whose} is ${shown(at, value)}.`;

const table = (state, { at }) => ({ caption: `${at.words}: ${at.name}`,
  columns: ["row", ...(at.columns ?? at.value[0].map((_, i) => String(i)))],
  rows: at.value.map((numbers, i) => [at.rows[i], ...numbers.map((number) => fixed(number))]) });

const entryOf = ({ at: { name, head, value } }) => {
  const line = value.length === 1 ? "" : head === undefined ? "" : `, ${head}`;
  if (name === "probs") return "softmax(acts[\"logits\"])[0]";
  return short(name) === "written"
    ? `(acts["${name.replace("written", "z")}"][0${line}] @ params["${name.replace("written", "W_O")}"][${head}])`
    : `acts["${name}"][0${line}]`;
};

const code = ({ expression }, now) => `import numpy as np
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.expressions import parse, tokenize
from transformer_lab.widgets import WholeMachine

machine = WholeMachine(expression="${expression}")   # weights in half precision
params = machine.params
tokens = np.array([tokenize(parse(machine.expression))])
acts = forward(params, tokens, machine.config)
print(${entryOf(now)}[${now.at.value.length === 1 ? "" : `${now.row}, `}${now.column}])`;

const ZOOMS = [["model", "model"], ["block", "layer"], ["head", "head"]];

export default explorable({
  title: "The whole machine",
  instruction: "Press any cell to see what it was made from, or set it; open a layer, then a head.",
  data: "whole-machine",
  defaults: { expression: "Max ( 5 , 3 , 9 )", zoom: "model", layer: 0, head: 2, asked: "probs", row: 0, column: 11,
    show: "numbers", versus: "" },
  compute, view, describe, table, code,
  controls: ({ zoom, layer, head, show }, now, lab) => [
    choose("Show", [["numbers", "numbers"], ["changes", "what changes"]], show, (to) => lab.set({ show: to })),
    choose("Zoom", ZOOMS, zoom, (to) => lab.set({ zoom: to })),
    zoom === "model" ? null : choose("Layer", [[0, "0"], [1, "1"]], layer, (to) => lab.set({ layer: to })),
    zoom === "head" ? choose("Head", [0, 1, 2, 3].map((i) => [i, String(i)]), head, (to) => lab.set({ head: to })) : null,
  ],
});
