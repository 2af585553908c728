// The exact loss of a head with two numbers, where to look and what to write, and the ways down that training takes.

import { bottomAxis, label, leftAxis, limit, line, linear, path } from "./core/chart.js";
import { amount, color } from "./core/color.js";
import { contour } from "./core/contour.js";
import { h } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp, range } from "./core/math.js";
import { remember } from "./core/remember.js";
import { ALPHABET, SADDLE, descend, forward } from "./core/small_head.js";
import { choose, explorable, handle, picture, pressable, slider } from "./core/ui.js";

const ORDERS = [["joint", "together"], ["write", "write first"], ["look", "look first"]];
const NAMES = Object.fromEntries(ORDERS);
const LOOK = [-6, 6], WRITE = [-9, 12], STEPS = 400, CHANCE = Math.log(ALPHABET);
const LEVELS = [0.01, 0.1, 0.5, 1, 2, 3, 3.15, 3.23, 3.35, 4, 5.5, 8];
const COLUMNS = 48, ROWS = 42;
const ROLE = { both: "ink", write: "value", look: "query" };

const walk = remember((start, how) => descend(start, { ...how, steps: STEPS }));

export function compute({ look, write, phase, rate }) {
  const walks = Object.fromEntries(ORDERS.map(([order]) => [order, walk({ look, write }, { order, phase, rate })]));
  return { walks, right: (order) => walks[order].at(-1).loss < 1 };
}

/** Shades and lines of equal loss, for a map with its left, right, upper and lower edge at these pixels. */
const landscape = remember((left, right, upper, lower) => {
  const place = (column, row) => [left + (column / COLUMNS) * (right - left), upper + (row / ROWS) * (lower - upper)];
  const sx = linear(LOOK, [left, right]), sy = linear(WRITE, [lower, upper]);
  const lossAt = ([x, y]) => forward({ look: sx.inverse(x), write: sy.inverse(y) }).loss;
  const grid = range(ROWS + 1).map((row) => range(COLUMNS + 1).map((column) => lossAt(place(column, row))));
  const size = { width: (right - left) / COLUMNS, height: (lower - upper) / ROWS, "shape-rendering": "crispEdges" };
  const shades = range(ROWS).map((row) => range(COLUMNS).map((column) => {
    const [x, y] = place(column, row);
    return h("rect", { x, y, ...size, ...amount(Math.min(grid[row][column], 9), 22) });
  }));
  return h("g", { "aria-hidden": true }, shades, LEVELS.map((level) => h("path", { class: "lab-level", d: contour(grid, level, place) })),
    h("path", { class: "limit", d: contour(grid, CHANCE, place) }));
});

/** One walk; the chosen one is cut where another number begins to move, and takes that number's colour. */
function walkView(walk, chosen, sx, sy) {
  const inside = walk.filter(({ look, write }) => look > LOOK[0] && look < LOOK[1] && write > WRITE[0] && write < WRITE[1]);
  const points = (part) => path(part.map(({ look, write }) => [sx(look), sy(write)]));
  if (!chosen) return h("g", {}, h("path", { class: "lab-seed", d: points(inside) }));
  const turns = range(inside.length).filter((i) => i === 0 || inside[i].moves !== inside[i - 1].moves);
  return h("g", {}, turns.map((from, i) => h("path", { class: "lab-walk", stroke: color(ROLE[inside[from].moves]),
    d: points(inside.slice(from, (turns[i + 1] ?? inside.length) + 1)) })));
}

function view(state, now, lab) {
  const wide = lab.width >= 560, map = wide ? Math.round(lab.width * 0.6) : lab.width, tall = wide ? 330 : 300;
  const sx = linear(LOOK, [34, map - 6]), sy = linear(WRITE, [tall - 44, 26]);
  const here = now.walks[state.order][state.step], top = wide ? 26 : tall + 40;
  const steps = linear([0, STEPS], [wide ? map + 50 : 34, lab.width - 12]), loss = linear([0, 4], [top + tall - 70, top]);
  const start = (point) => lab.set({ look: rounded(sx.inverse(point.x), LOOK), write: rounded(sy.inverse(point.y), WRITE) });
  const go = (step) => lab.set({ step: clamp(Math.round(step), 0, STEPS) });
  return picture(lab, wide ? tall : 2 * tall,
    landscape(34, map - 6, 26, tall - 44), line(sx(LOOK[0]), sy(0), sx(LOOK[1]), sy(0), { class: "axis lab-zero" }),
    bottomAxis(sx, tall - 44, [-6, -3, 0, 3, 6].map((v) => [v, brief(v)]), "look: preference for the target's places"),
    leftAxis(sy, 34, [-6, 0, 6, 12].map((v) => [v, brief(v)]), "write: strength of copying"),
    h("rect", { ...pressable(start), fill: "transparent", x: 34, y: 26, width: map - 40, height: tall - 70 }),
    h("g", { "pointer-events": "none" }, ORDERS.map(([order]) => walkView(now.walks[order], order === state.order, sx, sy)),
      label(sx(SADDLE.look), sy(SADDLE.write) + 5, "×", { "text-anchor": "middle", class: "strong" }),
      label(sx(SADDLE.look) - 8, sy(SADDLE.write) - 8, "saddle", { "text-anchor": "end", class: "soft" }),
      label(sx(LOOK[1]) - 8, sy(WRITE[1]) + 18, "the answer", { "text-anchor": "end" }),
      label(sx(LOOK[0]) + 8, sy(WRITE[0]) - 10, "the wrong valley"),
      h("circle", { cx: sx(here.look), cy: sy(here.write), r: 5, fill: color("page"), stroke: color("ink"), "stroke-width": 2 })),
    h("circle", { ...handle(lab, { label: "Start", value: state.look, shown: `look ${brief(state.look)}, write ${brief(state.write)}`, move: start,
      nudge: (dx, dy) => lab.set({ look: rounded(state.look + dx / 10, LOOK), write: rounded(state.write + dy / 10, WRITE) }) }),
    "aria-valuemin": LOOK[0], "aria-valuemax": LOOK[1], cx: sx(state.look), cy: sy(state.write), r: 8, fill: color("ink") }),
    lossView(state, now, { steps, loss, go, lab }));
}

const rounded = (value, bounds) => Math.round(clamp(value, ...bounds) * 100) / 100;

/** The loss of the three walks over the steps; the upright line is the step that is shown. */
function lossView(state, now, { steps, loss, go, lab }) {
  const [x1, x2, bottom, top] = [steps(0), steps(STEPS), loss(0), loss(4)];
  return h("g", {}, bottomAxis(steps, bottom, [0, 200, 400].map((v) => [v, String(v)]), "step"),
    h("g", { transform: `translate(${x1 - 34} 0)` }, leftAxis(loss, 34, [0, 2, 4].map((v) => [v, String(v)]), "loss in nats")),
    limit(x1, x2, loss(CHANCE), "chance"),
    ORDERS.map(([order]) => h("path", { class: order === state.order ? "lab-median" : "lab-seed",
      d: path(now.walks[order].map((place, step) => [steps(step), loss(Math.min(4, place.loss))])) })),
    h("line", { class: "limit", x1: steps(state.step), x2: steps(state.step), y1: top, y2: bottom }),
    h("rect", { ...handle(lab, { label: "Step", value: state.step, shown: `step ${state.step}`,
      move: ({ x }) => go(steps.inverse(x)), nudge: (dx, dy) => go(state.step + dx + dy) }),
    "aria-valuemin": 0, "aria-valuemax": STEPS, fill: "transparent", x: x1 - 6, y: top, width: x2 - x1 + 12, height: bottom - top }));
}

function describe(state, now) {
  const here = now.walks[state.order][state.step], { pattern } = forward(here);
  const ends = ORDERS.map(([order, name]) => `${name} ${now.right(order) ? "reaches the answer" : "ends in the wrong valley"}`);
  const [first, ...rest] = NAMES[state.order];
  return `${first.toUpperCase()}${rest.join("")}, step ${state.step}: look ${fixed(here.look, 2)}, write ${fixed(here.write, 2)}, `
    + `${fixed(pattern[0], 2)} of the attention on the answer, loss ${fixed(here.loss)}. From this start, ${ends.join("; ")}.`;
}

const table = (state, now) => ({
  caption: `The three ways from look ${brief(state.look)}, write ${brief(state.write)}`,
  columns: ["order", "step", "look", "write", "loss"],
  rows: ORDERS.flatMap(([order, name]) => [0, 20, 50, 100, 200, 400].map((step) => {
    const { look, write, loss } = now.walks[order][step];
    return [name, String(step), fixed(look), fixed(write), fixed(loss)];
  })),
});

export const code = ({ look, write, order, phase, rate, step }) => `from transformer_lab.byhand import small_head
from transformer_lab.tasks.patterns import PatternTask

task = PatternTask(distinct=True)
numbers = {"look": ${look.toFixed(2)}, "away": 0.0, "write": ${write.toFixed(2)}}
for step in range(${step}):
    slopes = small_head.backward(numbers, task)
    ${order === "joint" ? 'moved = ("look", "write")' : `moved = (("${order}",), ("${order === "look" ? "write" : "look"}",))[step // ${phase} % 2]`}
    numbers |= {name: numbers[name] - ${rate} * float(slopes[name]) for name in moved}
print(numbers, small_head.loss(numbers, task))`;

export default explorable({
  title: "Two numbers, two valleys",
  instruction: "Drag the start, the filled dot. Drag along the loss to walk.",
  defaults: { look: 1, write: -1, order: "look", phase: 20, rate: 2, step: 120 },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    choose("Train", ORDERS, state.order, (order) => lab.set({ order })),
    slider("phase", { min: 5, max: 100, step: 5, value: state.phase, shown: `${state.phase} steps` }, (phase) => lab.set({ phase })),
  ],
});
