// Predict: the reader draws a curve before the true ones are shown.

import { bottomAxis, leftAxis, limit, linear, path } from "./core/chart.js";
import { color } from "./core/color.js";
import { h } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp, range, sum } from "./core/math.js";
import { button, draggable, explorable, handle, picture } from "./core/ui.js";

const KNOTS = 7, HEIGHT = 280;
const median = (values) => { const v = values.toSorted((a, b) => a - b), n = v.length; return (v[(n - 1) >> 1] + v[n >> 1]) / 2; };

/** The y of the polyline through (xs, ys) at x. */
function at(xs, ys, x) {
  const i = clamp(xs.findLastIndex((left) => left <= x), 0, xs.length - 2);
  return linear([xs[i], xs[i + 1]], [ys[i], ys[i + 1]])(clamp(x, xs[0], xs.at(-1)));
}

function compute({ x, curves, x_range, y_range, drawn }) {
  const [left, right] = x_range, xs = range(KNOTS).map((i) => left + (i / (KNOTS - 1)) * (right - left));
  const ys = drawn ?? xs.map(() => (y_range[0] + y_range[1]) / 2);
  const middle = x.map((_, i) => median(curves.map((curve) => curve[i])));
  return { xs, ys, middle, miss: sum(x.map((place, i) => Math.abs(at(xs, ys, place) - middle[i]))) / x.length };
}

const rounded = (value) => Number(value.toPrecision(6));
const shownAt = (state, now, i) => `${brief(now.ys[i])} at ${state.x_label} ${brief(now.xs[i])}`;

function view(state, now, lab) {
  const sx = linear(state.x_range, [44, lab.width - 14]), sy = linear(state.y_range, [HEIGHT - 44, 34]);
  const put = (i, y) => lab.set({ drawn: now.ys.map((old, k) => (k === i ? rounded(clamp(y, ...state.y_range)) : old)) });
  const nearest = (x) => clamp(Math.round(linear([sx(now.xs[0]), sx(now.xs.at(-1))], [0, KNOTS - 1])(x)), 0, KNOTS - 1);
  const draw = (point) => put(nearest(point.x), sy.inverse(point.y)), step = (state.y_range[1] - state.y_range[0]) / 100;
  const ticks = ([a, b]) => range(5).map((i) => a + (i * (b - a)) / 4).map((value) => [value, brief(value)]);
  return picture(lab, HEIGHT, bottomAxis(sx, HEIGHT - 44, ticks(state.x_range), state.x_label),
    leftAxis(sy, 44, ticks(state.y_range), state.y_label),
    state.limits.map(([value, name]) => limit(44, lab.width - 14, sy(value), name)),
    state.committed ? [...state.curves.map((curve) => h("path", { class: "lab-seed", d: path(state.x.map((x, i) => [sx(x), sy(curve[i])])) })),
      h("path", { class: "lab-median", d: path(state.x.map((x, i) => [sx(x), sy(now.middle[i])])) })] : null,
    h("rect", { ...draggable(lab, (point) => state.committed || draw(point)), fill: "transparent", x: 44, y: 34,
      width: lab.width - 58, height: HEIGHT - 78 }),
    h("path", { class: "lab-drawn", d: path(now.xs.map((x, i) => [sx(x), sy(now.ys[i])])) }),
    state.committed ? null : now.xs.map((x, i) => h("circle", {
      ...handle(lab, { label: `Your curve, point ${i + 1} of ${KNOTS}`, value: now.ys[i], shown: shownAt(state, now, i), move: draw,
        nudge: (dx, dy) => put(i, now.ys[i] + (dx + dy) * step) }),
      "aria-valuemin": state.y_range[0], "aria-valuemax": state.y_range[1], cx: sx(x), cy: sy(now.ys[i]), r: 7, fill: color("ink") })));
}

export default explorable({
  title: "Predict",
  instruction: (state) => state.question,
  defaults: { id: "curve", question: "Draw the curve that you expect.", x: [0, 1], curves: [[0, 1]], x_range: [0, 1], y_range: [0, 1],
    x_label: "step", y_label: "value", limits: [], explanation: "" },
  own: { drawn: null, committed: false },
  compute, view,
  controls: (state, now, lab) => [
    button("This is my curve", () => lab.set({ committed: true }), { disabled: !state.drawn || state.committed }),
  ],
  describe(state, now) {
    if (!state.drawn) return "Drag across the picture, or move the points with the arrow keys. Your curve stays in this browser.";
    if (!state.committed) return `You say: ${shownAt(state, now, 0)}, ${shownAt(state, now, KNOTS - 1)}.`;
    return `Your curve (dashed) is off by ${brief(now.miss, 2)} on average. ${state.explanation}`;
  },
  table: (state, now) => ({
    caption: state.committed ? "Your curve and the median of the true ones" : "Your curve",
    columns: [state.x_label, "you", ...(state.committed ? ["true"] : [])],
    rows: now.xs.map((x, i) => [brief(x), brief(now.ys[i]), ...(state.committed ? [fixed(at(state.x, now.middle, x))] : [])]),
  }),
});
