// A whole trained transformer on one question, at three zooms: the model, one of its layers, one head of it. Every cell
// can be asked: it says its name and value, the equation with its numbers, and which cells it was made from.

import { h } from "./core/draw.js";
import { brief, fixed, percent } from "./core/format.js";
import { argmax } from "./core/math.js";
import { TOKENS } from "./core/tokens.js";
import { choose, entry, explorable } from "./core/ui.js";
import { input, parse } from "./ask/inputs.js";
import { doorOf, made } from "./machine/made.js";
import { modelOf } from "./machine/model.js";
import { panels, short } from "./machine/panels.js";
import { draw } from "./machine/picture.js";

export function compute(state, data) {
  const model = modelOf(data), run = model.ask(parse(state.expression).number), there = panels(state, run);
  const [probs] = run.acts.probs, said = argmax(probs);
  return { ...there, run, said, share: probs[said], right: said === run.question.answer, made: made(there, model, run) };
}

/** What was typed last, unless the question has changed since. */
const typed = ({ draft, expression }) => (draft?.of === expression ? draft.text : expression);

function field(state, { said, share, right }, lab) {
  const value = typed(state), { fault } = parse(value);
  const type = (text) => {
    const { number } = parse(text), expression = number === undefined ? state.expression : input(number).text;
    lab.set({ expression, draft: { text, of: expression } });
  };
  return entry(lab, "Ask", { value, wrong: fault !== undefined,
    said: fault ?? `The machine answers ${TOKENS[said]} (${percent(share, 1)}), which is ${right ? "right" : "wrong"}.` },
  type, () => { if (fault === undefined) lab.set({ draft: null }); });
}

/** The page of a chapter; in JupyterLab, its notebook. */
const ending = () => (/\/(lab|notebooks)\b/.test(globalThis.location?.pathname) ? ".ipynb" : ".html");

const shown = ({ kind }, value) => (kind === "amount" ? fixed(value) : brief(value));

/** In sight while the picture is: on a phone a press would otherwise be answered below the screen. */
const STAYS = "position: sticky; bottom: 0; background: var(--lab-page); padding-block: 0.4rem";

function asked({ at, made: { symbol, whose, value, equation } }, lab) {
  const { file, title } = doorOf(at.name);
  return h("p", { class: "lab-head", style: lab.width < 520 ? STAYS : null },
    h("strong", {}, `${symbol}${whose} = ${shown(at, value)}`), `= ${equation}. `,
    h("a", { href: file + ending(), style: "color: var(--lab-link)" }, `Explained in “${title}”`));
}

const view = (state, now, lab) => [field(state, now, lab), h("div", {}, draw(state, now, lab), asked(now, lab))];

const WHERE = { model: () => "The whole model", block: ({ layer }) => `Layer ${layer}`,
  head: ({ layer, head }) => `Head ${head} of layer ${layer}` };

const describe = (state, { at, run: { question }, said, share, made: { symbol, whose, value } }) =>
  `${WHERE[state.zoom](state)}, asked ${question.text}: it answers ${TOKENS[said]} (${percent(share, 1)}). `
  + `The cell that is asked: ${symbol}${whose} is ${shown(at, value)}.`;

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
  instruction: "Press any cell to see what it was made from; open a layer, then a head.",
  data: "whole-machine",
  defaults: { expression: "Max ( 5 , 3 , 9 )", zoom: "model", layer: 0, head: 2, asked: "probs", row: 0, column: 11 },
  compute, view, describe, table, code,
  controls: ({ zoom, layer, head }, now, lab) => [
    choose("Zoom", ZOOMS, zoom, (to) => lab.set({ zoom: to })),
    zoom === "model" ? null : choose("Layer", [[0, "0"], [1, "1"]], layer, (to) => lab.set({ layer: to })),
    zoom === "head" ? choose("Head", [0, 1, 2, 3].map((i) => [i, String(i)]), head, (to) => lab.set({ head: to })) : null,
  ],
});
