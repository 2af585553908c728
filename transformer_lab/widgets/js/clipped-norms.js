// A threshold over the gradients that stored runs have met: how many are longer, and what a cut by value turns.

import { bottomAxis, decades, dot, label, leftAxis, line, linear, path, rect } from "./core/chart.js";
import { color } from "./core/color.js";
import { h, part } from "./core/draw.js";
import { brief, fixed, percent } from "./core/format.js";
import { clamp, mean, range } from "./core/math.js";
import { opened } from "./core/page_data.js";
import { choose, explorable, handle, menu, picture } from "./core/ui.js";

const STEPS = 200, LEVELS = 35, BOTTOM = 0.01, TOP = 0.01 * 10 ** (LEVELS / 10), BIN = 1 / 8; // decades a bar
const NAMES = [["momentum", "SGD, momentum"], ["adamw", "AdamW"]], MEASURES = ["cosine", "share of entries cut", "share of the norm left"];

const bookOf = opened(({ array, facts }) => ({ facts, norms: { adamw: array("adamw/norms"), momentum: array("momentum/norms") },
  angles: { adamw: array("adamw/angles"), momentum: array("momentum/angles") } }));

const median = (sorted) => (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;

export function compute({ optimizer, rate, by, level, largest }, data) {
  const { facts, norms, angles } = bookOf(data), values = facts.values, rates = facts.rates[optimizer];
  const runs = norms[optimizer][rate].map((run) => run.filter((norm) => norm > 0)), all = runs.flat().sort((a, b) => a - b);
  const threshold = by === "value" ? values[largest] : BOTTOM * 10 ** (level / 10);
  const there = angles[optimizer][rate].filter((step) => step[0][0] > 0);
  const curves = range(3).map((measure) => values.map((_, i) => mean(there.map((step) => step[i][measure]))));
  return { rates, values, runs, all, threshold, share: all.filter((norm) => norm > threshold).length / all.length, median: median(all),
    there, curves, means: curves.map((curve) => curve[largest]), diverged: runs.filter((run) => run.length < STEPS).length };
}

/** The norms, step by step, and how they are spread, on one upright scale; a line across both is the threshold. */
function ofNorms(state, now, lab) {
  const wide = lab.width >= 560, right = lab.width * (wide ? 0.66 : 0.64), y = decades([BOTTOM, TOP], [250, 34]), x = linear([0, STEPS], [46, right]);
  const start = right + 22, bins = new Map();
  for (const norm of now.all) { const bin = Math.floor(Math.log10(norm) / BIN); bins.set(bin, (bins.get(bin) ?? 0) + 1); }
  const full = Math.max(...bins.values()), across = linear([0, full], [start, lab.width - 6]), at = y(now.threshold);
  const inverse = linear([250, 34], [0, LEVELS]), go = (level) => lab.set({ level: clamp(Math.round(level), 0, LEVELS) });
  const bar = ([bin, count]) => { const upper = y(10 ** ((bin + 1) * BIN)), lower = y(10 ** (bin * BIN)), cut = clamp(at, upper, lower);
    return [rect(start, upper, across(count) - start, Math.max(0, cut - upper), { fill: color("ink") }),
      rect(start, cut, across(count) - start, Math.max(0, lower - cut), { fill: color("other"), "fill-opacity": 0.45 })]; };
  return [300, part("trace", h("g", { "aria-hidden": true }, leftAxis(y, 46, [0.01, 0.1, 1, 10].map((v) => [v, brief(v)]), ""),
    label(6, 14, wide ? "norm of the gradient" : "norm", "soft"), bottomAxis(x, 250, [0, 50, 100, 150, 200], "step"),
    now.runs.map((run) => h("path", { class: "lab-seed", d: path(run.map((norm, step) => [x(step), y(norm)])) })),
    now.runs.map((run) => run.map((norm, step) => (norm > now.threshold ? dot(x(step), y(norm), 1.8, color("ink"), { "fill-opacity": 0.55 }) : null))),
    line(46, at, lab.width - 6, at, "limit"), label(right - 4, at + (at < 228 ? 15 : -7), `cut from ${brief(now.threshold, 2)}`, "strong halo end"))),
  part("spread", h("g", { "aria-hidden": true }, label(start, 14, wide ? "how many are so long" : "how many", "soft"), line(start, 34, start, 250), [...bins].map(bar))),
  h("rect", { x: 46, y: 30, width: lab.width - 52, height: 224, fill: "transparent", ...handle(lab, { label: "Threshold", value: state.level, low: 0, high: LEVELS,
    shown: `${brief(now.threshold, 2)}, ${percent(now.share)} of the gradients are longer`, move: (point) => go(inverse(point.y)), nudge: (dx, dy) => go(state.level + dx + dy) }) })];
}

/** What cuts by value do to the direction: step by step, and for every threshold. */
function ofValues(state, now, lab) {
  const wide = lab.width >= 560, middle = wide ? lab.width / 2 : lab.width, top = wide ? 34 : 334, y = linear([0, 1], [250, 34]), low = linear([0, 1], [top + 216, top]);
  const x = linear([0, STEPS], [46, middle - 16]), left = wide ? middle + 46 : 46, last = now.values.length - 1, place = linear([0, last], [left, lab.width - 10]);
  const go = (to) => lab.set({ largest: clamp(Math.round(to), 0, last) }), dashes = [null, "6 4", "2 3"], cosines = now.there.map((step) => step[state.largest][0]);
  const ticks = [0, 4, 8, 12, 16].filter((i) => i <= last).map((i) => [i, brief(now.values[i], 2)]);
  return [wide ? 300 : 600, part("trace", h("g", { "aria-hidden": true }, leftAxis(y, 46, [0, 0.5, 1], ""), label(6, 14, "cosine with the whole gradient", "soft"),
    bottomAxis(x, 250, [0, 50, 100, 150, 200], "step"), cosines.map((value, i) => dot(x(10 * i), y(value), 4)),
    line(46, y(now.means[0]), middle - 16, y(now.means[0]), "limit"))),
  part("values", h("g", { "aria-hidden": true }, leftAxis(low, left, [0, 0.5, 1], ""), label(left - 40, top - 20, "mean over steps", "soft"),
    bottomAxis(place, top + 216, ticks, "largest entry"),
    now.curves.map((curve, m) => h("path", { d: path(curve.map((value, i) => [place(i), low(value)])), fill: "none", stroke: color("ink"),
      "stroke-width": m ? 1.3 : 2.5, "stroke-dasharray": dashes[m] })),
    now.curves.map((curve, m) => dot(place(state.largest), low(curve[state.largest]), 4)), line(place(state.largest), top, place(state.largest), top + 216, "limit"),
    label(place(last), low(0.9), "cosine", "halo end strong"), label(place(last), low(0.08), "entries cut", "halo end"), label(place(last), low(0.79), "norm left", "halo end"))),
  h("rect", { x: left - 4, y: top - 4, width: lab.width - left - 2, height: 224, fill: "transparent", ...handle(lab, { label: "Largest entry", value: state.largest, low: 0,
    high: last, across: true, shown: `${brief(now.threshold, 2)}, cosine ${fixed(now.means[0], 2)}`, move: (point) => go(place.inverse(point.x)), nudge: (dx, dy) => go(state.largest + dx + dy) }) })];
}

const view = (state, now, lab) => picture(lab, ...(state.by === "value" ? ofValues : ofNorms)(state, now, lab));

function describe({ optimizer, rate, by }, { rates, share, median: half, threshold, means, diverged, all }) {
  const who = `${NAMES.find(([name]) => name === optimizer)[1]} at ${rates[rate]}`;
  const lost = diverged ? ` ${diverged} of the 5 runs diverged, and stop there.` : "";
  if (by === "value") return `${who}: entries beyond ${brief(threshold, 2)} are cut, ${percent(means[1], 1)} of them. The rest has a cosine of ${fixed(means[0], 2)} with the `
    + `gradient, and ${percent(means[2])} of its norm.${lost}`;
  return `${who}: of ${all.length} gradients ${percent(share)} are longer than ${brief(threshold, 2)}; half are longer than ${brief(half, 2)}.${lost}`;
}

const table = ({ by }, { runs, threshold, values, curves }) => (by === "value" ? { caption: "Cuts by value, mean over every tenth gradient of a run",
  columns: ["largest entry", ...MEASURES], rows: values.map((value, i) => [brief(value), ...curves.map((curve) => fixed(curve[i], 3))]) }
  : { caption: "The gradients of each run", columns: ["seed", "steps", "shortest", "longest", "longer than the threshold"], rows: runs.map((run, seed) => [String(seed), String(run.length),
    brief(Math.min(...run)), brief(Math.max(...run)), percent(run.filter((norm) => norm > threshold).length / run.length, 1)]) });

const code = ({ optimizer, rate, by, level, largest }) => `import numpy as np
from transformer_lab.widgets import ClippedNorms

${by === "value" ? `# runs that cut nothing; every tenth gradient of the first, cut by value afterwards
lab = ClippedNorms(optimizer="${optimizer}", rate=${rate}, by="value", largest=${largest})
print(lab.angles.mean(axis=0))  # cosine, share of entries cut, share of the norm left`
  : `# gradients of five runs that cut nothing
lab = ClippedNorms(optimizer="${optimizer}", rate=${rate}, level=${level})
print(float(np.mean(lab.norms > lab.threshold)), float(np.median(lab.norms)))`}`;

export default explorable({
  title: "What a threshold cuts",
  instruction: (state) => (state.by === "value" ? "Drag the largest entry that is left as it is." : "Drag the threshold up or down."),
  data: "clipped-norms",
  defaults: { optimizer: "momentum", rate: 2, by: "norm", level: 17, largest: 6 },
  compute, view, describe, table, code,
  controls: ({ optimizer, rate, by }, { rates }, lab) => [
    choose("Optimiser", NAMES, optimizer, (to) => lab.set({ optimizer: to })),
    menu("Rate", rates.map((one, i) => [i, String(one)]), rate, (to) => lab.set({ rate: to })),
    choose("Cut by", [["norm", "norm"], ["value", "value"]], by, (to) => lab.set({ by: to })),
  ],
});
