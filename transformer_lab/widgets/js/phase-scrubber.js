// Chapter 03's runs, step by step: the accuracy of all fifty seeds from the record, and one of them trained right here.

import { bottomAxis, dot, label, leftAxis, limit, line, linear, mosaic, named, path, rect } from "./core/chart.js";
import { amount, color, glyph, largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { fixed, letter, percent, spell } from "./core/format.js";
import { range, sum } from "./core/math.js";
import { opened } from "./core/page_data.js";
import { integers } from "./core/random.js";
import { remember, rememberOf } from "./core/remember.js";
import { Run, STEPS, TASK, attend, trained } from "./core/training.js";
import { choose, explorable, handle, menu, picture, pressable, scrubber } from "./core/ui.js";

const ORDERS = [["joint", "together"], ["write-first", "write first"], ["look-first", "look first"]];
const POSITIONS = [["one_hot", "one-hot"], ["none", "none"]];
const USED = [["both", "as trained"], ["look", "W_QK alone"], ["write", "W_OV alone"]];
const SEEDS = 50, EVERY = 10, PROBES = 200, N_EXAMPLES = 6, BUDGET = 2; // ms of training a frame
const PHASE = 50, CEILING = 10727 / 35152; // without positions: transformer_lab.tasks.patterns.ceiling
const { alphabet: V, period: P, n_ctx: T } = TASK, HEIGHT = 230;
const HIGH = linear([0, 1], [170, 30]); // accuracy

const example = (i) => integers(0, "probe", 0, V, i * P, P);
const runs = remember((positions, order, seed) => new Run(positions, order, seed));

/** The accuracy of all seeds of an arm every ten steps: [measurement][seed]. */
const accuracyOf = opened(({ array }) => remember((positions, order) =>
  array(`${positions}/${order}`).map((seeds) => seeds.map((right) => right / PROBES))));

/** How many of the probes a head answers right. */
const rightOf = (weights) => sum(range(PROBES).map((i) => {
  const letters = example(i), { probs } = attend(weights, letters);
  return probs[letters[T % P]] === Math.max(...probs) ? 1 : 0;
})) / PROBES;

export function compute({ positions, order, seed, step, example: which, used }, data) {
  const run = runs(positions, order, seed), enough = Math.min(step + 1, STEPS); // one more, for the loss at this step
  run.advance(enough, BUDGET);
  const here = Math.min(step, run.losses.length), trainedNow = run.weights[here], first = run.weights[0], letters = example(which);
  const weights = { W_QK: (used === "write" ? first : trainedNow).W_QK, W_OV: (used === "look" ? first : trainedNow).W_OV };
  const accuracy = accuracyOf(data)(positions, order);
  return { run, here, weights, letters, accuracy, row: accuracy[Math.floor(here / EVERY)], moves: trained(order, here),
    acts: attend(weights, letters), right: used === "both" ? null : rightOf(weights), unfinished: run.losses.length < enough };
}

const busyWith = ({ W_QK, W_OV }) => (W_QK && W_OV ? "both are" : W_QK ? "looking is" : "writing is") + " trained";

function view(state, now, lab) {
  const wide = lab.width >= 560, split = lab.width * (wide ? 0.68 : 0.64), cell = wide ? 5 : 4.2, top = 250;
  const sy = HIGH, d = now.weights.W_OV.length / V, ov = 42 + cell * (V + T);
  const x = wide ? ov + cell * V + 30 : 12, y = wide ? top : top + cell * (V + T) + 40;
  const width = wide ? (lab.width - x - 26) / 2 : lab.width / 2 - 24;
  const inTuple = range(V).map((v) => (now.letters.includes(v) ? v : null));
  return picture(lab, y + HEIGHT + 16,
    curves(state, now, linear([0, STEPS], [40, split - 12]), sy, lab),
    seeds(state, now, linear([0, SEEDS - 1], [split + 20, lab.width - 8]), sy, lab),
    matrix("W_QK", "query", wide ? `W_QK ${state.used === "write" ? "as at first" : "where to look"},` : "W_QK", now.weights.W_QK, d, { x: 24, y: top, cell }),
    matrix("W_OV", "value", wide ? `W_OV ${state.used === "look" ? "at first" : "write"},` : "W_OV", now.weights.W_OV, V, { x: ov, y: top, cell }),
    bars("pattern", "query", now.acts.pattern, now.acts.tokens, (t) => t % P === T % P, { x, y, width, full: 0.5 }),
    bars("probs", "residual", now.acts.probs, inTuple, (v) => v === now.letters[T % P],
      { x: x + width + 20, y, width, full: 1 }));
}

/** The curve of each seed. */
const curveOf = rememberOf((accuracy, left, right) => range(SEEDS).map((seed) =>
  path(accuracy.map((row, i) => [linear([0, STEPS], [left, right])(i * EVERY), HIGH(row[seed])]))));

const crowdOf = rememberOf((accuracy, left, right) =>
  h("g", {}, curveOf(accuracy, left, right).map((d) => h("path", { class: "lab-seed", d }))));

/** Accuracy over the steps, phases shaded; the upright line is the step that is shown. */
function curves({ seed, order, step }, { accuracy, here, moves }, sx, sy, lab) {
  const [left, right, upper, lower] = [sx(0), sx(STEPS), sy(1), sy(0)];
  const role = (i) => (trained(order, i * PHASE).W_QK ? "query" : "value");
  const phases = order === "joint" ? [] : range(STEPS / PHASE).map(role);
  const words = [["value", " write"], ["query", " look"]];
  return h("g", {},
    phases.map((name, i) => rect(sx(i * PHASE), upper - 12, sx(PHASE) - left, 6, { fill: color(name) })),
    phases.length ? h("text", { x: right, y: 12, class: "soft end" }, words.map(([name, word], i) =>
      [h("tspan", { fill: color(name), dx: 8 * i }, glyph(name)), word])) : null,
    label(left - 40, 12, lab.width < 560 ? "accuracy" : "accuracy on fresh patterns", "soft"),
    bottomAxis(sx, lower, [0, 100, 200, 300, 400, 500], "step"), leftAxis(sy, left, [0, 0.5, 1], ""),
    crowdOf(accuracy, left, right),
    h("path", { class: "lab-median", d: curveOf(accuracy, left, right)[seed] }), limit(left, right, sy(CEILING), "best without positions"),
    line(sx(here), upper - 14, sx(here), lower, "limit"),
    scrubber(lab, "step", { label: "Step", value: step, low: 0, high: STEPS, shown: `step ${step}, ${busyWith(moves)}`,
      at: ({ x }) => sx.inverse(x),
      area: { x: left - 6, y: upper - 14, width: right - left + 12, height: lower - upper + 14 } }));
}

/** A dot a seed, as high as its accuracy at this step; press one to follow it. */
function seeds({ seed }, { row }, sx, sy, lab) {
  const pick = (next) => lab.set({ seed: Math.max(0, Math.min(SEEDS - 1, Math.round(next))) });
  const nearest = ({ x, y }) => {
    const far = row.map((share, i) => Math.hypot(sx(i) - x, sy(share) - y));
    pick(far.indexOf(Math.min(...far)));
  };
  const side = seed < 8 ? "" : seed > 41 ? "end" : "middle";
  const [left, right, upper, lower] = [sx(0), sx(SEEDS - 1), sy(1), sy(0)];
  return h("g", { "data-part": "seeds" }, label(left, 12, "each seed", "soft"), line(left, lower, right, lower),
    row.map((share, i) => (i === seed ? null : dot(sx(i), sy(share), 2.5, color("other"), { "fill-opacity": 0.7 }))),
    dot(sx(seed), sy(row[seed]), 6), label(sx(seed), lower + 17, `seed ${seed}`, side),
    rect(left - 8, upper - 12, right - left + 16, lower - upper + 24, { fill: "transparent", ...pressable(nearest) }),
    dot(sx(seed), sy(row[seed]), 9, "transparent", handle(lab, {
      label: "Seed", value: seed, low: 0, high: SEEDS - 1, shown: `seed ${seed}, ${percent(row[seed])} right`,
      across: true, move: ({ x }) => pick(sx.inverse(x)), nudge: (dx, dy) => pick(seed + dx + dy) })));
}

/** The weights as they are at this step. */
function matrix(name, role, title, values, columns, { x, y, cell }) {
  const top = largest([...values]), under = y + (values.length / columns) * cell + 15;
  const groups = name === "W_OV" ? [["letter written", 0, V]] : [["letter", 0, V], ["position", V, columns]];
  return h("g", { "aria-hidden": true, "data-part": name }, named(x, y - 8, role, `${title} ±${fixed(top, 1)}`),
    mosaic(values, columns, { x, y, cell, limit: top }),
    groups.filter(([, from, to]) => to > from).map(([text, from, to]) =>
      label(x + ((from + to) / 2) * cell, under, text, "soft middle")));
}

/** Shares as bars, a row a token; `full` is as wide as the picture; what is right stands out. */
function bars(name, role, shares, tokens, right, { x, y, width, full }) {
  const tall = HEIGHT / shares.length, left = x + 12;
  return h("g", { "aria-hidden": true, "data-part": name }, named(x, y - 8, role, name),
    tokens.map((v, i) => (v === null ? null
      : label(x + 4, y + (i + 0.5) * tall + 3.5, letter(v), `code tiny middle ${right(i) ? "strong" : "soft"}`))),
    [...shares].map((share, i) =>
      rect(left, y + i * tall + 1, Math.min(1, share / full) * (width - 12), tall - 2, amount(right(i) ? 1 : 0.45))),
    line(left, y, left, y + HEIGHT), line(x + width, y, x + width, y + HEIGHT),
    label(x + width, y + HEIGHT + 15, String(full), "soft middle"));
}

function describe({ seed, step, used }, { run, here, moves, letters, acts, row, right }) {
  const found = sum([...acts.pattern].filter((_, t) => t % P === T % P)), loss = run.losses[here];
  return [
    `Seed ${seed}, step ${here}${here < step ? ` (training: step ${here} of ${step})` : ""}: ${busyWith(moves)}`
      + (loss === undefined ? "." : `, loss ${fixed(loss)}.`),
    `On ${spell([...letters])} it puts ${percent(found)} of its attention on the answer's places`,
    `and gives the answer ${percent(acts.probs[letters[T % P]])}.`,
    ...(used === "both" ? [] : [`${used === "look" ? "W_OV" : "W_QK"} is as it was at first: right on ${percent(right)} of ${PROBES} fresh patterns.`]),
    `${row.filter((share) => share >= 0.99).length} of ${SEEDS} seeds answer at least 99 %`,
    `of ${PROBES} fresh patterns.`,
  ].join(" ");
}

const table = ({ seed, order }, { run, accuracy }) => ({
  caption: `Seed ${seed} and the median of all seeds`, columns: ["step", "trained", "loss", "accuracy", "median"],
  rows: range(STEPS / PHASE + 1).map((i) => {
    const row = accuracy[(i * PHASE) / EVERY], sorted = row.toSorted((a, b) => a - b), loss = run.losses[i * PHASE];
    return [String(i * PHASE), busyWith(trained(order, i * PHASE)).split(" ")[0], loss === undefined ? "" : fixed(loss),
      percent(row[seed], 1), percent((sorted[24] + sorted[25]) / 2, 1)];
  }),
});

const TURNS = { "write-first": '(("W_OV",), ("W_QK",))[step // 50 % 2]',
  "look-first": '(("W_QK",), ("W_OV",))[step // 50 % 2]', joint: '("W_QK", "W_OV")' };

export const code = ({ positions, order, seed, example: which, used }, { here }) => `import numpy as np
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.tasks.patterns import PatternTask, sample

task, seed = PatternTask(), ${seed}
config = OneHeadConfig(d_vocab=task.alphabet, n_ctx=task.n_ctx, positions="${positions}")
params = one_head.init(config, seed=seed, dtype=np.float32)${used === "both" ? "" : "\nfirst = dict(params)"}
for step in range(${here}):
    batch = sample(task, (50, 100), seed=0, step=step)   # 100 patterns a seed
    x = one_head.encode(batch.tokens[seed], config)
    acts = one_head.forward(params, x)
    grads = one_head.backward(params, acts, batch.targets[seed])
    for name in ${TURNS[order]}:
        params[name] = (params[name] - 5 * grads[name]).astype(np.float32)
${used === "both" ? "" : `params["${used === "look" ? "W_OV" : "W_QK"}"] = first["${used === "look" ? "W_OV" : "W_QK"}"]   # put back\n`}
shown = sample(task, ${N_EXAMPLES}, seed=0, purpose="probe")
acts = one_head.forward(params, one_head.encode(shown.tokens[${which}:${which + 1}], config))
print(acts["pattern"][0], acts["probs"][0, shown.targets[${which}]])`;

export default explorable({
  title: "Looking and writing, step by step",
  instruction: "Drag along the steps. Press a dot to follow its seed.",
  data: "phases",
  defaults: { seed: 7, order: "write-first", positions: "one_hot", step: 80, example: 0, used: "both" },
  compute, view, describe, table, code,
  controls: ({ order, positions, example: which, used }, now, lab) => [
    choose("Train", ORDERS, order, (picked) => lab.set({ order: picked })),
    choose("Positions", POSITIONS, positions, (picked) => lab.set({ positions: picked })),
    menu("Use", USED, used, (picked) => lab.set({ used: picked })),
    menu("Pattern", range(N_EXAMPLES).map((i) => [i, spell([...example(i)])]), which,
      (picked) => lab.set({ example: picked })),
  ],
});
