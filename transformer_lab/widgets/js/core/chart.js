// What figures are made of: scales, axes, and matrices as cells. Lengths are pixels of the picture.

import { amount, color, glyph, signed } from "./color.js";
import { h } from "./draw.js";
import { brief } from "./format.js";
import { range } from "./math.js";
import { remember } from "./remember.js";

/** From the interval [a, b] to [from, to], and back with .inverse. */
export const linear = ([a, b], [from, to]) =>
  Object.assign((value) => from + ((value - a) / (b - a)) * (to - from),
    { inverse: (place) => a + ((place - from) / (to - from)) * (b - a) });

/** The same for orders of magnitude; what is smaller than the interval (zero, too) stands at its edge. */
export function decades([a, b], interval) {
  const place = linear([Math.log10(a), Math.log10(b)], interval);
  return (value) => place(Math.log10(Math.min(b, Math.max(a, value))));
}

/** A path through [x, y] points. */
export const path = (points) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// A style is a few words (soft strong code tiny halo; middle or end: where x is), or attributes.
const styled = (style) => (typeof style === "string" ? { class: style } : style);

export const label = (x, y, text, style = {}) => h("text", { x, y, ...styled(style) }, text);
export const line = (x1, y1, x2, y2, style = {}) => h("line", { x1, y1, x2, y2, class: "axis", ...styled(style) });
export const rect = (x, y, width, height, attrs = {}) => h("rect", { x, y, width, height, ...attrs });
export const dot = (cx, cy, r, fill = color("ink"), attrs = {}) => h("circle", { cx, cy, r, fill, ...attrs });

/** A name after the mark of its role, in the role's colour. */
export const named = (x, y, role, text, style = {}) =>
  h("text", { x, y, ...styled(style) }, h("tspan", { fill: color(role) }, glyph(role)), ` ${text}`);

/** A token: its letter in a small rounded box, around x, y. */
export const token = (x, y, text, strong = false) => h("g", {},
  rect(x - 8, y - 7.5, 16, 15, { class: strong ? "lab-token strong" : "lab-token", rx: 3 }),
  label(x, y + 4, text, strong ? "code strong middle" : "code middle"));

const labelled = (ticks) => ticks.map((tick) => (Array.isArray(tick) ? tick : [tick, brief(tick)]));

/** Axis along the bottom: `ticks` are values, or [value, text]. */
export function bottomAxis(scale, y, ticks, title) {
  const marks = labelled(ticks);
  const [left, right] = [scale(marks[0][0]), scale(marks.at(-1)[0])];
  return h("g", {}, line(left, y, right, y), label((left + right) / 2, y + 34, title, "soft middle"),
    marks.map(([value, text]) =>
      [line(scale(value), y, scale(value), y + 4), label(scale(value), y + 17, text, "soft middle")]));
}

/** Axis along the left side, its title above it. */
export function leftAxis(scale, x, ticks, title) {
  const marks = labelled(ticks), [lower, upper] = [scale(marks[0][0]), scale(marks.at(-1)[0])];
  return h("g", {}, line(x, lower, x, upper), label(x - 34, upper - 12, title, "soft"),
    marks.map(([value, text]) =>
      [line(x - 4, scale(value), x, scale(value)), label(x - 7, scale(value) + 4, text, "soft end")]));
}

/** A thin dashed line across, with its name on it: a ceiling, a floor, chance. */
export const limit = (x1, x2, y, name) =>
  h("g", {}, line(x1, y, x2, y, "limit"), label(x2, y - 5, name, "soft halo end"));

const MINUS_FROM = 0.2; // of the limit
const WIDE_ENOUGH = 24, PALE = 0.5; // px from which a cell has room for its number; it is paler then, to be read

/**
 * A matrix (rows of numbers) as cells of width w and height `tall`, at x, y. `kind` is "signed" (zero is the page, and
 * strong negative cells carry a minus sign) or "amount". The full colour is `limit`. Wide cells show their numbers.
 */
export function cells(rows, { x = 0, y = 0, w, tall = w, kind = "signed", limit: top = 1, format = brief }) {
  const numbers = w >= WIDE_ENOUGH, columns = rows[0].length, values = rows.flat();
  const each = (f) => values.map((value, i) => f(value, x + (i % columns) * w, y + Math.floor(i / columns) * tall));
  const sign = (value, left, upper) =>
    (value < -MINUS_FROM * top ? `M${left + 0.3 * w} ${upper + tall / 2}h${0.4 * w}` : "");
  return h("g", {}, shaded(values, grid(values.length, columns, x, y, w, tall), kind, numbers ? top / PALE : top),
    numbers ? each((value, left, upper) => label(left + w / 2, upper + tall / 2 + 4, format(value), "cell middle"))
      : h("path", { d: each(sign).join(""), stroke: color("page"), "stroke-width": 1.2 }),
    rect(x, y, w * columns, tall * rows.length, { class: "axis" }));
}

const SHADES = 16;

/** A large matrix (a flat array, row by row) as small cells. */
export function mosaic(values, columns, { x, y, cell, tall = cell, kind = "signed", limit: top }) {
  const squares = grid(values.length, columns, x, y, cell, tall);
  return h("g", { "shape-rendering": "crispEdges" }, shaded(values, squares, kind, top),
    rect(x, y, columns * cell, (values.length / columns) * tall, { class: "axis" }));
}

/** Many cells anywhere, at place(i) = [left, upper]. */
export const tiles = (values, place, { cell, tall = cell, kind = "signed", limit: top = 1 }) =>
  shaded(values, Array.from(values, (_, i) => square(...place(i), cell, tall)), kind, top);

const short = (place) => Number(place.toFixed(2));
const square = (left, upper, w, tall) => `M${short(left)} ${short(upper)}h${short(w)}v${short(tall)}h${short(-w)}`;

/** The cells of a matrix, row by row: they stay where they are while its values change. */
const grid = remember((length, columns, x, y, w, tall) =>
  range(length).map((i) => square(x + (i % columns) * w, y + Math.floor(i / columns) * tall, w, tall)), 100);

/** Squares in the shades of their values: one path a shade, which is lighter than an element a cell. */
function shaded(values, squares, kind, top) {
  const shades = new Map();
  values.forEach((value, i) => {
    const shade = Math.round(Math.max(-1, Math.min(1, value / (top || 1))) * SHADES);
    if (shade) shades.set(shade, (shades.get(shade) ?? "") + squares[i]);
  });
  const paint = kind === "signed" ? signed : amount;
  return range(2 * SHADES + 1).map((i) => // what is not there keeps its place, and its neighbours theirs
    (shades.has(i - SHADES) ? h("path", { d: shades.get(i - SHADES), ...paint(i - SHADES, SHADES) }) : null));
}
