// Chapter 03's runs, step by step: the accuracy of all fifty seeds from the record, and one of them trained on the page.

import { bottomAxis, label, leftAxis, limit, line, linear, mosaic, path, token } from "./core/chart.js";
import { amount, color, glyph, largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { fixed, letter, percent, spell } from "./core/format.js";
import { clamp, range, sum } from "./core/math.js";
import { integers } from "./core/random.js";
import { remember } from "./core/remember.js";
import { STEPS, TASK, Run, attend, trained } from "./core/training.js";
import { choose, explorable, handle, menu, picture, pressable } from "./core/ui.js";

const ORDERS = [["joint", "together"], ["write-first", "write first"], ["look-first", "look first"]];
const POSITIONS = [["one_hot", "one-hot"], ["none", "none"]];
const SEEDS = 50, EVERY = 10, PROBES = 200, N_EXAMPLES = 6, BUDGET = 6; // ms of training a frame
const CEILING = 10727 / 35152; // without positions, transformer_lab.tasks.patterns.ceiling
const V = TASK.alphabet, example = (i) => integers(0, "probe", 0, V, i * TASK.period, TASK.period);

const name = ([value]) => value;

/** The accuracy of all seeds every ten steps: [measurement][seed]. The bytes hold one arm after the other. */
function read(data, positions, order) {
  const rows = STEPS / EVERY + 1, arm = POSITIONS.map(name).indexOf(positions) * ORDERS.length + ORDERS.map(name).indexOf(order);
  return range(rows).map((row) => range(SEEDS).map((seed) => data.getUint8((arm * rows + row) * SEEDS + seed) / PROBES));
}

const runs = remember((positions, order, seed) => new Run(positions, order, seed));

export function compute({ positions, order, seed, step, example: which }, data) {
  const run = runs(positions, order, seed);
  const enough = Math.min(step + 1, STEPS); // one more, for the loss at this step
  run.advance(enough, BUDGET);
  const here = Math.min(step, run.losses.length), weights = run.weights[here], letters = example(which);
  return { run, here, weights, letters, acts: attend(weights, letters), moves: trained(order, here), unfinished: run.losses.length < enough,
    accuracy: read(data, positions, order) };
}

const measured = (now) => now.accuracy[Math.floor(now.here / EVERY)];
const PHASES = { joint: "both are trained", W_QK: "looking is trained", W_OV: "writing is trained" };
const phaseOf = ({ moves }) => PHASES[moves.W_QK && moves.W_OV ? "joint" : moves.W_QK ? "W_QK" : "W_OV"];

function view(state, now, lab) {
  const wide = lab.width >= 560, split = lab.width * (wide ? 0.68 : 0.64), cell = wide ? 5 : 4.3, top = 250;
  const sx = linear([0, STEPS], [40, split - 12]), sy = linear([0, 1], [170, 30]), d = now.weights.W_OV.length / V;
  const ov = 24 + cell * (V + TASK.n_ctx) + 18, bars = wide ? ov + cell * V + 30 : 12, y3 = wide ? top : top + cell * 46 + 40;
  const half = wide ? (lab.width - bars - 20) / 2 : lab.width / 2 - 24;
  return picture(lab, wide ? top + 246 : y3 + 246,
    curves(state, now, sx, sy, lab), seeds(state, now, linear([0, SEEDS - 1], [split + 20, lab.width - 8]), sy, lab),
    matrix("W_QK", "query", now.weights.W_QK, d, 24, top, cell, wide ? "where to look," : ""),
    matrix("W_OV", "value", now.weights.W_OV, V, ov, top, cell, wide ? "write," : ""),
    barRows("pattern", "query", now.acts.pattern, now.acts.tokens, (t) => t % TASK.period === 0, { x: bars, y: y3, width: half, full: 0.5 }),
    barRows("probs", "residual", now.acts.probs, range(V).map((v) => (now.letters.includes(v) ? v : null)), (v) => v === now.letters[0],
      { x: bars + half + 20, y: y3, width: half, full: 1 }));
}

const traced = (accuracy, seed, sx, sy) => path(accuracy.map((row, i) => [sx(i * EVERY), sy(row[seed])]));

/** Accuracy over the steps, phases shaded; the upright line is the step that is shown. */
function curves(state, now, sx, sy, lab) {
  const go = (step) => lab.set({ step: clamp(Math.round(step), 0, STEPS) });
  const bands = state.order === "joint" ? [] : range(STEPS / 50).map((i) => trained(state.order, i * 50).W_QK);
  return h("g", {},
    bands.map((looks, i) => h("rect", { x: sx(i * 50), y: sy(1) - 12, width: sx(50) - sx(0), height: 6, fill: color(looks ? "query" : "value") })),
    bands.length ? h("text", { x: sx(STEPS), y: 12, "text-anchor": "end", class: "soft" }, ["value", "query"].map((role, i) =>
      [h("tspan", { fill: color(role), dx: 8 * i }, glyph(role)), [" write", " look"][i]])) : null,
    bottomAxis(sx, sy(0), [0, 100, 200, 300, 400, 500].map((v) => [v, String(v)]), "step"),
    leftAxis(sy, 40, [0, 0.5, 1].map((v) => [v, String(v)]), ""), label(0, 12, lab.width < 560 ? "accuracy" : "accuracy on fresh patterns", { class: "soft" }),
    range(SEEDS).map((seed) => h("path", { class: "lab-seed", d: traced(now.accuracy, seed, sx, sy) })),
    h("path", { class: "lab-median", d: traced(now.accuracy, state.seed, sx, sy) }),
    limit(sx(0), sx(STEPS), sy(CEILING), "best without positions"),
    h("line", { class: "limit", x1: sx(now.here), x2: sx(now.here), y1: sy(1) - 14, y2: sy(0) }),
    h("rect", { ...handle(lab, { label: "Step", value: state.step, shown: `step ${state.step}, ${phaseOf(now)}`,
      move: ({ x }) => go(sx.inverse(x)), nudge: (dx, dy) => go(state.step + dx + dy) }),
    "aria-valuemin": 0, "aria-valuemax": STEPS, fill: "transparent", x: sx(0) - 6, y: sy(1) - 14, width: sx(STEPS) - sx(0) + 12,
    height: sy(0) - sy(1) + 14 }));
}

/** A dot a seed, as high as its accuracy at this step; press one to follow it. */
function seeds(state, now, sx, sy, lab) {
  const pick = (seed) => lab.set({ seed: clamp(Math.round(seed), 0, SEEDS - 1) }), row = measured(now);
  const nearest = ({ x, y }) => row.map((share, seed) => (sx(seed) - x) ** 2 + (sy(share) - y) ** 2);
  return h("g", {}, label(sx(0), 12, "each seed", { class: "soft" }), line(sx(0), sy(0), sx(SEEDS - 1), sy(0)),
    row.map((share, seed) => (seed === state.seed ? null : h("circle", { cx: sx(seed), cy: sy(share), r: 2.5, fill: color("other"), "fill-opacity": 0.7 }))),
    h("circle", { cx: sx(state.seed), cy: sy(row[state.seed]), r: 6, fill: color("ink") }),
    label(sx(state.seed), sy(0) + 17, `seed ${state.seed}`, { "text-anchor": state.seed < 8 ? "start" : state.seed > 41 ? "end" : "middle" }),
    h("rect", { ...pressable((point) => { const far = nearest(point); pick(far.indexOf(Math.min(...far))); }), fill: "transparent",
      x: sx(0) - 8, y: sy(1) - 12, width: sx(SEEDS - 1) - sx(0) + 16, height: sy(0) - sy(1) + 24 }),
    h("circle", { ...handle(lab, { label: "Seed", value: state.seed, shown: `seed ${state.seed}, ${percent(row[state.seed])} right`,
      move: ({ x }) => pick(sx.inverse(x)), nudge: (dx, dy) => pick(state.seed + dx + dy) }),
    "aria-valuemin": 0, "aria-valuemax": SEEDS - 1, cx: sx(state.seed), cy: sy(row[state.seed]), r: 9, fill: "transparent" }));
}

const matrix = (name, role, values, columns, x, y, cell, meaning) => {
  const top = largest([...values]), under = y + (values.length / columns) * cell + 15;
  const groups = name === "W_QK" ? [["letter", 0, V], ["position", V, columns]].filter(([, from, to]) => to > from) : [["letter written", 0, V]];
  return h("g", { "aria-hidden": true }, h("text", { x, y: y - 8 }, h("tspan", { fill: color(role) }, glyph(role)), ` ${name} ${meaning} ±${fixed(top, 1)}`),
    mosaic(values, columns, { x, y, cell, limit: top }),
    groups.map(([text, from, to]) => label(x + ((from + to) / 2) * cell, under, text, { class: "soft", "text-anchor": "middle" })));
};

/** Shares as bars, a row a token; `full` is as wide as the picture; what is right stands out. */
const barRows = (name, role, shares, tokens, right, { x, y, width, full }) => {
  const tall = 230 / shares.length, middle = (i) => y + (i + 0.5) * tall + 3.5;
  return h("g", { "aria-hidden": true }, h("text", { x, y: y - 8 }, h("tspan", { fill: color(role) }, glyph(role)), ` ${name}`),
    tokens.map((v, i) => (v === null ? null : label(x + 4, middle(i), letter(v), { class: `code tiny ${right(i) ? "strong" : "soft"}`, "text-anchor": "middle" }))),
    [...shares].map((share, i) => h("rect", { x: x + 12, y: y + i * tall + 1, height: tall - 2, ...amount(right(i) ? 1 : 0.45),
      width: Math.min(1, share / full) * (width - 12) })),
    line(x + 12, y, x + 12, y + 230), line(x + width, y, x + width, y + 230),
    label(x + width, y + 245, String(full), { class: "soft", "text-anchor": "middle" }));
};

function describe(state, now) {
  const found = sum([...now.acts.pattern].filter((_, t) => t % TASK.period === 0)), row = measured(now);
  const wait = now.here < state.step ? ` (training: step ${now.here} of ${state.step})` : "";
  const loss = now.here < STEPS && now.run.losses.length > now.here ? `, loss ${fixed(now.run.losses[now.here])}` : "";
  return `Seed ${state.seed}, step ${now.here}${wait}: ${phaseOf(now)}${loss}. On ${spell([...now.letters])} it puts ${percent(found)} of its `
    + `attention on the answer's places and gives the answer ${percent(now.acts.probs[now.letters[0]])}. `
    + `${row.filter((share) => share >= 0.99).length} of ${SEEDS} seeds answer at least 99 % of ${PROBES} fresh patterns.`;
}

const table = (state, now) => ({
  caption: `Seed ${state.seed} and the median of all seeds`, columns: ["step", "trained", "loss on the step's patterns", "fresh accuracy", "median"],
  rows: range(STEPS / 50 + 1).map((i) => {
    const step = 50 * i, moves = trained(state.order, step), row = now.accuracy[step / EVERY].toSorted((a, b) => a - b);
    return [String(step), phaseOf({ moves }).split(" ")[0], now.run.losses[step] === undefined ? "" : fixed(now.run.losses[step]),
      percent(now.accuracy[step / EVERY][state.seed], 1), percent((row[24] + row[25]) / 2, 1)];
  }),
});

export const code = ({ positions, order, seed, step }) => `from dataclasses import replace
from transformer_lab.studies.phases import ARMS, train

run = replace(ARMS["${positions}-${order}"], steps=${Math.max(step, 1)})
heads, history = train(run, keep=[${step}])   # all 50 seeds at once
W_QK, W_OV = (history.kept[${step}][name][${seed}] for name in ("W_QK", "W_OV"))
print(W_QK.shape, W_OV.shape, history["loss"][${step}, ${seed}])`;

export default explorable({
  title: "Looking and writing, step by step",
  instruction: "Drag along the steps. Press a dot to follow its seed.",
  data: "phases",
  defaults: { seed: 7, order: "write-first", positions: "one_hot", step: 80, example: 0 },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    choose("Train", ORDERS, state.order, (order) => lab.set({ order })),
    choose("Positions", POSITIONS, state.positions, (positions) => lab.set({ positions })),
    menu("Pattern", range(N_EXAMPLES).map((i) => [i, spell([...example(i)])]), state.example, (which) => lab.set({ example: which })),
  ],
});
