// Loss over size on logarithmic axes: drag the losses, choose a law, and see what it says of a size not yet trained.

import { bottomAxis, decades, dot, label, leftAxis, limit, path } from "./core/chart.js";
import { color } from "./core/color.js";
import data from "./data/scaling.json" with { type: "json" };
import { h, part } from "./core/draw.js";
import { fixed } from "./core/format.js";
import { clamp, mean, range } from "./core/math.js";
import { bootstrapped, fitLaw, interval, lawAt, meanOf } from "./scaling/law.js";
import { button, choose, explorable, handle, picture, slider } from "./core/ui.js";

const { sizes: SIZES, losses: LOSSES, largest: LARGEST } = data, N = SIZES.length, DRAWS = 200, MOST = 0.3;
const X = [450, 2.2e6], Y = [1.63, 2.75], RULER = 1.669, LEAST = 3; // sizes that a law with a floor needs
const FORMS = [[true, "with a floor"], [false, "without"]];
const BOUNDS = { skip: [0, N - LEAST], drop: [0, N - LEAST] };
const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** First and one past the last of the sizes that are fitted: three at least. */
function fitted({ skip, drop }) {
  const first = clamp(skip, ...BOUNDS.skip);
  return [first, N - Math.min(drop, N - LEAST - first)];
}

function compute(state) {
  const [first, end] = fitted(state), { floor } = state;
  const losses = LOSSES.map((row, i) => row.map((loss) => loss + (state.moved[i] ?? 0)));
  const part = [SIZES.slice(first, end), losses.slice(first, end)], means = meanOf(losses);
  const law = fitLaw(part[0], means.slice(first, end), floor), laws = bootstrapped(...part, floor, DRAWS);
  const says = (size) => interval(laws.map((one) => lawAt(one, size)));
  return { first, end, losses, means, law, laws, prediction: lawAt(law, LARGEST.size), within: says(LARGEST.size),
    exponents: interval(laws.map(({ exponent }) => exponent)), floors: interval(laws.map((one) => one.floor)),
    measured: mean(LARGEST.losses) };
}

const STEPS = range(36).map((i) => X[0] * (X[1] / X[0]) ** (i / 35));

function lawView({ laws, law }, sx, sy) {
  const ends = STEPS.map((size) => interval(laws.map((one) => lawAt(one, size))));
  const band = [...STEPS.map((size, i) => [sx(size), sy(ends[i][0])]),
    ...STEPS.map((size, i) => [sx(size), sy(ends[i][1])]).reverse()];
  return part("law", h("path", { d: `${path(band)}Z`, fill: color("other"), "fill-opacity": 0.25 }),
    h("path", { class: "lab-median", d: path(STEPS.map((size) => [sx(size), sy(lawAt(law, size))])) }));
}

const stroke = (x1, y1, x2, y2, ink) => h("line", { x1, y1, x2, y2, stroke: color(ink), "stroke-width": 2 });

/** The size that is not fitted: where the law puts it, and, once looked at, where it is. */
function targetView({ shown }, { prediction, within: [low, high] }, sx, sy) {
  const x = sx(LARGEST.size), above = sy(Math.max(prediction, ...LARGEST.losses)) - 18;
  return h("g", { "aria-hidden": true },
    part("prediction", stroke(x, sy(low), x, sy(high), "ink"), dot(x, sy(prediction), 5, color("page"), { stroke: color("ink"), "stroke-width": 2 })),
    shown ? part("measured", LARGEST.losses.map((loss) => stroke(x + 8, sy(loss), x + 20, sy(loss), "link")),
      label(x + 22, above, "measured", "halo end")) : null);
}

function view(state, now, lab) {
  const height = lab.width >= 560 ? 380 : 340, lower = height - 48, upper = 30, right = lab.width - 12, left = 40;
  const sx = decades(X, [left, right]), sy = decades(Y, [lower, upper]);
  const put = (i, loss) => lab.set({ moved: state.moved.map((old, k) => (k === i
    ? Math.round(clamp(loss - mean(LOSSES[i]), -MOST, MOST) * 1000) / 1000 : old)) });
  const lossAt = (y) => Y[0] * (Y[1] / Y[0]) ** ((lower - y) / (lower - upper));
  const used = (i) => i >= now.first && i < now.end;
  return picture(lab, height, bottomAxis(sx, lower, [1e3, 1e4, 1e5, 1e6].map((n) => [n, n < 1e6 ? `${n / 1000}k` : "1M"]), "weights"),
    leftAxis(sy, left, [1.7, 1.8, 1.9, 2, 2.2, 2.4, 2.7], "nats a character"), limit(left, right, sy(RULER), "5-gram"),
    lawView(now, sx, sy), targetView(state, now, sx, sy),
    part("sizes", SIZES.map((size, i) => h("g", {}, now.losses[i].map((loss) => dot(sx(size) + 11, sy(loss), 2, color("other"))),
      h("g", handle(lab, { label: `Loss with ${thousands(size)} weights`, value: now.means[i], low: mean(LOSSES[i]) - MOST,
        high: mean(LOSSES[i]) + MOST, shown: `${fixed(now.means[i])} nats${used(i) ? "" : ", not fitted"}`,
        move: ({ y }) => put(i, lossAt(y)), nudge: (dx, dy) => put(i, now.means[i] + (dx + dy) / 100) }),
      dot(sx(size), sy(now.means[i]), 14, "transparent"),
      dot(sx(size), sy(now.means[i]), 6, color(used(i) ? "ink" : "page"), { stroke: color("ink"), "stroke-width": 2 }))))));
}

const between = ([low, high], digits = 3) => `${fixed(low, digits)} to ${fixed(high, digits)}`;

function describe({ floor, shown }, now) {
  const { law, end, first } = now;
  const bottom = floor ? `, floor ${fixed(law.floor, 2)} nats (${between(now.floors, 2)})` : "";
  const error = now.prediction - now.measured;
  return `From ${end - first} sizes ${floor ? "with" : "without"} a floor: exponent ${fixed(law.exponent)} (${between(now.exponents)})${bottom}. `
    + `For ${thousands(LARGEST.size)} weights the law says ${fixed(now.prediction)} nats (${between(now.within)}).`
    + (shown ? ` Measured: ${fixed(now.measured)}; the law is ${fixed(Math.abs(error))} too ${error > 0 ? "high" : "low"}.` : "");
}

export default explorable({
  title: "Fit a law of size",
  instruction: "Drag a loss up or down. The open circle is what the law says of the largest.",
  defaults: { moved: new Array(N).fill(0), floor: true, skip: 0, drop: 0, shown: false },
  compute, view, describe,
  controls: ({ floor, skip, drop, shown }, now, lab) => [
    choose("Law", FORMS, floor, (to) => lab.set({ floor: to })),
    slider("without the smallest", { min: 0, max: N - LEAST, step: 1, value: skip }, (to) => lab.set({ skip: to })),
    slider("and the largest", { min: 0, max: N - LEAST, step: 1, value: drop }, (to) => lab.set({ drop: to })),
    button(shown ? "Hide the largest" : "Look at the largest", () => lab.set({ shown: !shown })),
  ],
  table: (state, { means, law, first, end }) => ({ caption: "Every size, and what the law says of it",
    columns: ["weights", "loss", "law", "fitted"],
    rows: SIZES.map((size, i) => [thousands(size), fixed(means[i]), fixed(lawAt(law, size)), i >= first && i < end ? "yes" : "no"]) }),
  code: ({ moved, floor, skip, drop }) => `from transformer_lab.widgets import ScalingFit

lab = ScalingFit(floor=${floor ? "True" : "False"}, skip=${skip}, drop=${drop},
                 moved=${JSON.stringify(moved).replaceAll(",", ", ")})
print(float(lab.law.exponent), float(lab.law.floor), float(lab.prediction))
print(*lab.within, *lab.exponents)`,
});
