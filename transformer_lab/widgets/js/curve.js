// Predict: the reader draws a curve before the true ones are shown.

import { bottomAxis, dot, label, leftAxis, limit, linear, path, rect } from "./core/chart.js";
import { color } from "./core/color.js";
import { h } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp, range, sum } from "./core/math.js";
import { button, draggable, explorable, handle, picture } from "./core/ui.js";

const KNOTS = 7, LEFT = 44, UPPER = 34, LOWER = 236;

function median(values) {
  const sorted = values.toSorted((a, b) => a - b), n = sorted.length;
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}

/** The y of the polyline through (xs, ys) at x. */
function at(xs, ys, x) {
  const i = clamp(xs.findLastIndex((left) => left <= x), 0, xs.length - 2);
  return linear([xs[i], xs[i + 1]], [ys[i], ys[i + 1]])(clamp(x, xs[0], xs.at(-1)));
}

function compute({ x, curves, x_range, y_range, drawn }) {
  const across = linear([0, KNOTS - 1], x_range), xs = range(KNOTS).map(across);
  const ys = drawn ?? xs.map(() => (y_range[0] + y_range[1]) / 2);
  const middle = x.map((_, i) => median(curves.map((curve) => curve[i])));
  return { xs, ys, middle, miss: sum(x.map((place, i) => Math.abs(at(xs, ys, place) - middle[i]))) / x.length };
}

const rounded = (value) => Number(value.toPrecision(6));
const shownAt = (state, now, i) => `${state.y_label}: ${brief(now.ys[i])}; ${state.x_label}: ${brief(now.xs[i])}`;
const fromTo = (ys) => `begins at ${brief(ys[0])} and ends at ${brief(ys.at(-1))}`;
const quarters = ([low, high]) => range(5).map((i) => low + (i * (high - low)) / 4);

function view(state, now, lab) {
  const { x_range, y_range, committed } = state, right = lab.width - 14, step = (y_range[1] - y_range[0]) / 100;
  const sx = linear(x_range, [LEFT, right]), sy = linear(y_range, [LOWER, UPPER]);
  const knot = linear([LEFT, right], [0, KNOTS - 1]);
  const put = (i, y) => lab.set({ drawn: now.ys.map((old, k) => (k === i ? rounded(clamp(y, ...y_range)) : old)) });
  const draw = ({ x, y }) => put(clamp(Math.round(knot(x)), 0, KNOTS - 1), sy.inverse(y));
  const curve = (xs, ys, style) => h("path", { class: style, d: path(xs.map((x, i) => [sx(x), sy(ys[i])])) });
  return picture(lab, LOWER + 44, bottomAxis(sx, LOWER, quarters(x_range), state.x_label),
    leftAxis(sy, LEFT, quarters(y_range), state.y_label),
    state.limits.map(([value, name]) => limit(LEFT, right, sy(value), name)),
    committed ? state.curves.map((ys) => curve(state.x, ys, "lab-seed")) : null,
    committed ? curve(state.x, now.middle, "lab-median") : null,
    rect(LEFT, UPPER, right - LEFT, LOWER - UPPER,
      { fill: "transparent", ...(committed ? {} : draggable(lab, draw, true)) }),
    curve(now.xs, now.ys, "lab-drawn"), names(state, now, sx, sy),
    committed ? null : now.xs.map((x, i) => h("g", handle(lab, {
      label: `Your curve, point ${i + 1} of ${KNOTS}`, value: now.ys[i], low: y_range[0], high: y_range[1],
      shown: shownAt(state, now, i), move: draw, nudge: (dx, dy) => put(i, now.ys[i] + (dx + dy) * step) }),
    dot(sx(x), sy(now.ys[i]), 14, "transparent"), dot(sx(x), sy(now.ys[i]), 7))));
}

function describe(state, now) {
  if (!state.drawn) return "Drag across the picture, or move the points with arrow keys. It stays in this browser.";
  if (!state.committed) return `Your curve ${fromTo(now.ys)}.`;
  const truth = state.curves.length > 1 ? `The median of the ${state.curves.length} true curves` : "The true curve";
  return `Your curve, dashed, ${fromTo(now.ys)}. ${truth} ${fromTo(now.middle)}; on average yours lies ${brief(now.miss, 2)} `
    + `from it. ${state.explanation}`;
}

/** The names of both curves, at the place where they are farthest apart. */
function names({ x, committed, curves }, { xs, ys, middle }, sx, sy) {
  if (!committed) return null;
  const apart = x.map((place, i) => middle[i] - at(xs, ys, place));
  const i = apart.indexOf(apart.reduce((most, gap) => (Math.abs(gap) > Math.abs(most) ? gap : most), 0)), up = apart[i] > 0;
  const side = i < x.length / 3 ? "" : i > (2 * x.length) / 3 ? "end" : "middle";
  const name = (y, above, text) => label(sx(x[i]), sy(y) + ((above && sy(y) > UPPER + 20) || sy(y) > LOWER - 26 ? -10 : 20), text, `halo strong ${side}`);
  return [name(middle[i], up, curves.length > 1 ? "median of the true ones" : "true"), name(at(xs, ys, x[i]), !up, "yours")];
}

const table = ({ committed, x, x_label }, { xs, ys, middle }) => ({
  caption: committed ? "Your curve and the median of the true ones" : "Your curve",
  columns: [x_label, "you", ...(committed ? ["true"] : [])],
  rows: xs.map((place, i) => [brief(place), brief(ys[i]), ...(committed ? [fixed(at(x, middle, place))] : [])]),
});

export default explorable({
  title: "Predict",
  instruction: (state) => state.question,
  defaults: {
    id: "curve", question: "Draw the curve that you expect.", explanation: "", x: [0, 1], curves: [[0, 1]],
    x_range: [0, 1], y_range: [0, 1], x_label: "step", y_label: "value", limits: [],
  },
  own: { drawn: null, committed: false },
  fits: ({ drawn, committed }, { y_range: [low, high] }) => typeof committed === "boolean" && (drawn !== null || !committed)
    && (drawn === null || (Array.isArray(drawn) && drawn.length === KNOTS
      && drawn.every((y) => typeof y === "number" && y >= low && y <= high))),
  compute, view, describe, table, loud: ({ committed }) => committed,
  controls: ({ drawn, committed }, now, lab) => [
    button("This is my curve", () => lab.set({ committed: true }), { disabled: !drawn || committed }),
  ],
});
