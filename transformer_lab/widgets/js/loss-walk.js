// The exact loss of a head with two numbers, where to look and what to write, and the ways down that training takes.

import { bottomAxis, dot, label, leftAxis, limit, line, linear, mosaic, path, rect } from "./core/chart.js";
import { color } from "./core/color.js";
import { contour } from "./core/contour.js";
import { h, part } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp, range } from "./core/math.js";
import { remember } from "./core/remember.js";
import { ALPHABET, SADDLE, descend, forward } from "./core/small_head.js";
import { choose, explorable, handle, picture, pressable, scrubber, slider } from "./core/ui.js";

const ORDERS = [["joint", "together"], ["write", "write first"], ["look", "look first"]];
const NAMES = Object.fromEntries(ORDERS);
const LOOK = [-6, 6], WRITE = [-9, 12], STEPS = 400, CHANCE = Math.log(ALPHABET);
const LEVELS = [0.01, 0.1, 0.5, 1, 2, 3, 3.15, 3.23, 3.35, 4, 5.5, 8];
const COLUMNS = 48, ROWS = 42, HIGHEST = 9; // nats that are told apart
const ROLE = { both: "ink", write: "value", look: "query" };

const walkFrom = remember((start, how) => descend(start, { ...how, steps: STEPS }));

export function compute({ look, write, phase, rate }) {
  const walks = ORDERS.map(([order]) => [order, walkFrom({ look, write }, { order, phase, rate })]);
  return { walks: Object.fromEntries(walks) };
}

/** Shades and lines of equal loss, on a map with its edges at these pixels. */
const landscape = remember((left, right, upper, lower) => {
  const place = (column, row) => [left + (column / COLUMNS) * (right - left), upper + (row / ROWS) * (lower - upper)];
  const sx = linear(LOOK, [left, right]), sy = linear(WRITE, [lower, upper]);
  const lossAt = ([x, y]) => forward({ look: sx.inverse(x), write: sy.inverse(y) }).loss;
  const grid = range(ROWS + 1).map((row) => range(COLUMNS + 1).map((column) => lossAt(place(column, row))));
  const shades = grid.slice(1).flatMap((row) => row.slice(1).map((loss) => Math.min(loss, HIGHEST)));
  const area = { x: left, y: upper, cell: (right - left) / COLUMNS, tall: (lower - upper) / ROWS };
  return h("g", { "aria-hidden": true },
    h("g", { opacity: 0.42 }, mosaic(shades, COLUMNS, { ...area, kind: "amount", limit: HIGHEST })),
    LEVELS.map((level) => h("path", { class: "lab-level", d: contour(grid, level, place) })),
    h("path", { class: "limit", d: contour(grid, CHANCE, place) }));
});

/** One walk; the chosen one is cut where another number begins to move, and takes that number's colour. */
function walkView(walk, chosen, sx, sy) {
  const within = (value, [low, high]) => value > low && value < high;
  const inside = walk.filter(({ look, write }) => within(look, LOOK) && within(write, WRITE));
  const points = (part) => path(part.map(({ look, write }) => [sx(look), sy(write)]));
  if (!chosen) return h("g", {}, h("path", { class: "lab-seed", d: points(inside) }));
  const turns = range(inside.length).filter((i) => i === 0 || inside[i].moves !== inside[i - 1].moves);
  return h("g", {}, turns.map((from, i) => h("path", { class: "lab-walk", stroke: color(ROLE[inside[from].moves]),
    d: points(inside.slice(from, (turns[i + 1] ?? inside.length) + 1)) })));
}

const rounded = (value, bounds) => Math.round(clamp(value, ...bounds) * 100) / 100;

/** The map: the landscape, the three walks, the start to drag. */
function mapView(state, now, [left, right, upper, lower], lab) {
  const sx = linear(LOOK, [left, right]), sy = linear(WRITE, [lower, upper]);
  const here = now.walks[state.order][state.step];
  const start = (look, write) => lab.set({ look: rounded(look, LOOK), write: rounded(write, WRITE) });
  const startAt = ({ x, y }) => start(sx.inverse(x), sy.inverse(y));
  return h("g", {}, landscape(left, right, upper, lower), line(left, sy(0), right, sy(0), "axis lab-zero"),
    bottomAxis(sx, lower, [-6, -3, 0, 3, 6], "look: preference for the target's places"),
    leftAxis(sy, left, [-6, 0, 6, 12], "write: strength of copying"),
    rect(left, upper, right - left, lower - upper, { fill: "transparent", ...pressable(startAt) }),
    h("g", { "pointer-events": "none" },
      part("walks", ORDERS.map(([order]) => walkView(now.walks[order], order === state.order, sx, sy))),
      part("saddle", label(sx(SADDLE.look), sy(0) + 5, "×", "strong middle"),
        label(sx(SADDLE.look) - 8, sy(0) - 8, "saddle", "soft end")),
      label(right - 8, upper + 18, "the answer", "end"), label(left + 8, lower - 10, "the wrong valley"),
      dot(sx(here.look), sy(here.write), 5, color("page"), { stroke: color("ink"), "stroke-width": 2 })),
    dot(sx(state.look), sy(state.write), 8, color("ink"), handle(lab, {
      label: "Start", value: state.look, low: LOOK[0], high: LOOK[1], move: startAt,
      shown: `look ${brief(state.look)}, write ${brief(state.write)}`,
      nudge: (dx, dy) => start(state.look + dx / 10, state.write + dy / 10) })));
}

/** The loss of the three walks over the steps; the upright line is the step that is shown. */
function lossView({ order, step }, now, [left, right, upper, lower], lab) {
  const sx = linear([0, STEPS], [left, right]), sy = linear([0, 4], [lower, upper]);
  const curve = (walk) => path(walk.map(({ loss }, i) => [sx(i), sy(Math.min(4, loss))]));
  return h("g", {}, bottomAxis(sx, lower, [0, 200, 400], "step"), leftAxis(sy, left, [0, 2, 4], "loss in nats"),
    limit(left, right, sy(CHANCE), "chance"),
    ORDERS.map(([name]) => h("path", { class: name === order ? "lab-median" : "lab-seed", d: curve(now.walks[name]) })),
    line(sx(step), upper, sx(step), lower, "limit"),
    scrubber(lab, "step", { label: "Step", value: step, low: 0, high: STEPS, shown: `step ${step}`,
      at: ({ x }) => sx.inverse(x),
      area: { x: left - 6, y: upper, width: right - left + 12, height: lower - upper } }));
}

function view(state, now, lab) {
  const wide = lab.width >= 560, right = wide ? Math.round(lab.width * 0.6) : lab.width, lower = wide ? 286 : 256;
  const loss = wide ? [right + 50, lab.width - 12, 26, lower] : [34, lab.width - 12, lower + 84, lower + 300];
  return picture(lab, loss[3] + 44,
    mapView(state, now, [34, right - 6, 26, lower], lab), lossView(state, now, loss, lab));
}

function describe({ order, step }, { walks }) {
  const here = walks[order][step];
  const ends = (walk) => (walk.at(-1).loss < 1 ? "reaches the answer" : "ends in the wrong valley");
  return [
    `Trained ${NAMES[order]}, step ${step}: look ${fixed(here.look, 2)}, write ${fixed(here.write, 2)},`,
    `${fixed(forward(here).pattern[0], 2)} of the attention on the answer, loss ${fixed(here.loss)}.`,
    `From this start, ${ORDERS.map(([name, words]) => `${words} ${ends(walks[name])}`).join("; ")}.`,
  ].join(" ");
}

const table = ({ look, write }, { walks }) => ({
  caption: `The three ways from look ${brief(look)}, write ${brief(write)}`,
  columns: ["order", "step", "look", "write", "loss"],
  rows: ORDERS.flatMap(([order, name]) => [0, 20, 50, 100, 200, 400].map((step) => {
    const here = walks[order][step];
    return [name, String(step), fixed(here.look), fixed(here.write), fixed(here.loss)];
  })),
});

export function code({ look, write, order, phase, rate, step }) {
  const turns = `(("${order}",), ("${order === "look" ? "write" : "look"}",))[step // ${phase} % 2]`;
  return `from transformer_lab.byhand import small_head
from transformer_lab.tasks.patterns import PatternTask

task = PatternTask(distinct=True)
numbers = {"look": ${look.toFixed(2)}, "away": 0.0, "write": ${write.toFixed(2)}}
for step in range(${step}):
    slopes = small_head.backward(numbers, task)
    moved = ${order === "joint" ? '("look", "write")' : turns}
    numbers |= {name: numbers[name] - ${rate} * float(slopes[name]) for name in moved}
print(numbers["look"], numbers["write"], float(small_head.loss(numbers, task)))`;
}

export default explorable({
  title: "Two numbers, two valleys",
  instruction: "Drag the start, the filled dot. Drag along the loss to walk.",
  defaults: { look: 1, write: -1, order: "look", phase: 20, rate: 2, step: 120 },
  compute, view, describe, table, code,
  controls: ({ order, phase }, now, lab) => [
    choose("Train", ORDERS, order, (picked) => lab.set({ order: picked })),
    slider("phase", { min: 5, max: 100, step: 5, value: phase, shown: `${phase} steps` },
      (value) => lab.set({ phase: value })),
  ],
});
