// The map of all inputs: a row an operation, a square a first digit, in it the second downwards, the third across.

import { label, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h } from "../core/draw.js";
import { clamp, range } from "../core/math.js";
import { rememberOf } from "../core/remember.js";
import { handle, pressable } from "../core/ui.js";
import { OPERATIONS } from "./inputs.js";

const SQUARE = 11; // ten cells and a gap

/** Where things are from `top` on; on a phone the ten squares of an operation stand in two rows. */
export function layout(width, top) {
  const wide = width >= 560, columns = wide ? 10 : 5, left = wide ? 122 : 0, head = wide ? 0 : 22;
  const cell = (width - left) / (SQUARE * columns - 1), tall = (SQUARE * (10 / columns) - 1) * cell + head + 12;
  const upper = top + (wide ? 44 : 22);
  return { wide, columns, left, cell, tall, upper, head, top, bottom: upper + 5 * tall };
}

const column = (number, { columns }) => SQUARE * (Math.floor(number / 100) % columns) + (number % 10);
const row = (number, { columns }) =>
  SQUARE * Math.floor((Math.floor(number / 100) % 10) / columns) + (Math.floor(number / 10) % 10);
const yOf = (operation, at) => at.upper + operation * at.tall + at.head;

/** The number of the input nearest to a place. */
function nearest({ x, y }, at) {
  const operation = clamp(Math.floor((y - at.upper) / at.tall), 0, 4), places = [x - at.left, y - yOf(operation, at)];
  const [[a, c], [down, b]] = places.map((place, i) => {
    const square = clamp(Math.floor(place / at.cell / SQUARE), 0, (i ? 10 / at.columns : at.columns) - 1);
    return [square, clamp(Math.floor(place / at.cell - SQUARE * square), 0, 9)];
  });
  return 1000 * operation + 100 * (at.columns * down + a) + 10 * b + c;
}

/** A step on the map: to the next third or second digit, over the edge of a square into the next. */
function stepped({ operation, digits: [a, b, c] }, dx, dy) {
  const x = clamp(10 * a + c + dx, 0, 99), y = clamp(10 * operation + b - dy, 0, 49);
  return 1000 * Math.floor(y / 10) + 100 * Math.floor(x / 10) + 10 * (y % 10) + (x % 10);
}

export function map({ held_out: marked }, { model, index, input, right, heldOut }, at, lab, ask) {
  const x = at.left + column(input.number, at) * at.cell;
  const y = yOf(input.operation, at) + row(input.number, at) * at.cell;
  return h("g", {}, heading(marked, model.dots, at), OPERATIONS.map((name, operation) => h("g", { "aria-hidden": true },
    caption(name, model.scores[index][operation], operation, at),
    squares(model.wrong[index][operation], marked ? model.dottedOf[operation] : [], operation, at))),
  rect(at.left, at.upper, lab.width - at.left, 5 * at.tall,
    { fill: "transparent", ...pressable((place) => ask(nearest(place, at))) }),
  rect(x - 3, y - 3, at.cell + 6, at.cell + 6, { rx: 2, fill: "none", stroke: color("page"), "stroke-width": 6 }),
  rect(x - 3, y - 3, at.cell + 6, at.cell + 6, { rx: 2, fill: "transparent", stroke: color("link"), "stroke-width": 2.5,
    ...handle(lab, { label: "Input on the map", value: input.number, low: 0, high: 4999,
      shown: `${input.text}, ${right ? "right" : "wrong"}, ${heldOut ? "held out" : "trained on"}`,
      move: (place) => ask(nearest(place, at)), nudge: (dx, dy) => ask(stepped(input, dx, dy)) }) }));
}

function heading(marked, dots, at) {
  const middle = (a) => at.left + (SQUARE * a + 5) * at.cell;
  const order = at.wide ? "; a square a first digit, the second downwards, the third across" : "";
  return h("g", { "aria-hidden": true }, 
    label(0, at.top + 12, `all 5,000 inputs, ■ answered wrong${marked ? `, • ${dots}` : ""}${order}`, "soft"),
    at.wide ? range(10).map((a) =>
      label(middle(a), at.upper - 6, a ? String(a) : "first 0", "code cell soft middle")) : null);
}

function caption(name, { trained, heldOut }, operation, at) {
  const y = at.upper + operation * at.tall;
  const scores = [`trained ${trained.join("/")}`, `held out ${heldOut.join("/")}`];
  return at.wide ? [label(0, y + 14, name, "code strong"),
    scores.map((text, i) => label(0, y + 31 + 15 * i, text, "soft"))]
    : h("text", { x: 0, y: y + 14 }, h("tspan", { class: "code" }, name),
      h("tspan", { fill: color("soft"), dx: 10 }, scores.join(", ")));
}

/** One path for the squares, one for the wrong cells, two for the dots on pale and on dark ones. */
const squares = rememberOf((wrong, dotted, operation, at) => {
  const place = `translate(${at.left} ${yOf(operation, at).toFixed(2)}) scale(${at.cell.toFixed(4)})`;
  const marks = (numbers, long) =>
    numbers.map((number) => `M${column(number, at)} ${row(number, at)}h${long}`).join("");
  const pale = range(10).map((a) => `M${SQUARE * (a % at.columns)} ${SQUARE * Math.floor(a / at.columns)}h10v10h-10z`);
  const dark = new Set(wrong), dots = (passes, fill) => h("path", { d: marks(dotted.filter(passes), 0),
    transform: "translate(.45 .5)", stroke: color(fill), "stroke-width": 0.4, "stroke-linecap": "round" });
  return h("g", { transform: place }, h("path", { d: pale.join(""), fill: color("surface") }),
    h("path", { d: marks(wrong, ".9"), transform: "translate(.05 .5)", stroke: color("ink"), "stroke-width": 0.9 }),
    dots((number) => !dark.has(number), "other"), dots((number) => dark.has(number), "page"));
});
