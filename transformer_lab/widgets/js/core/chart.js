// What figures are made of: scales, axes, and matrices as cells. Lengths are pixels of the picture.

import { amount, color, signed } from "./color.js";
import { h } from "./draw.js";
import { brief } from "./format.js";
import { range } from "./math.js";

/** From the interval [a, b] to [from, to], and back. */
export const linear = ([a, b], [from, to]) => Object.assign((value) => from + ((value - a) / (b - a)) * (to - from),
  { inverse: (place) => a + ((place - from) / (to - from)) * (b - a) });

/** The same for orders of magnitude; what is smaller than the interval (zero, too) stands at its edge. */
export function decades([a, b], interval) {
  const place = linear([Math.log10(a), Math.log10(b)], interval);
  return (value) => place(Math.log10(Math.min(b, Math.max(a, value))));
}

/** A path through [x, y] points. */
export const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export const label = (x, y, text, attrs = {}) => h("text", { x, y, ...attrs }, text);
export const line = (x1, y1, x2, y2, attrs = {}) => h("line", { x1, y1, x2, y2, class: "axis", ...attrs });

/** A token: its letter in a small rounded box, around x, y. */
export const token = (x, y, text, strong = false) => h("g", {},
  h("rect", { class: strong ? "lab-token strong" : "lab-token", x: x - 8, y: y - 7.5, width: 16, height: 15, rx: 3 }),
  label(x, y + 4, text, { class: strong ? "code strong" : "code", "text-anchor": "middle" }));

/** Axis along the bottom: ticks are [value, text]. */
export const bottomAxis = (scale, y, ticks, title) => {
  const [left, right] = [scale(ticks[0][0]), scale(ticks.at(-1)[0])];
  return h("g", {}, line(left, y, right, y), ticks.map(([value, text]) => [
    line(scale(value), y, scale(value), y + 4), label(scale(value), y + 17, text, { "text-anchor": "middle", class: "soft" })]),
  label((left + right) / 2, y + 34, title, { "text-anchor": "middle", class: "soft" }));
};

/** Axis along the left side, its title above it. */
export const leftAxis = (scale, x, ticks, title) => h("g", {},
  ticks.map(([value, text]) => [line(x - 4, scale(value), x, scale(value)),
    label(x - 7, scale(value) + 4, text, { "text-anchor": "end", class: "soft" })]),
  line(x, scale(ticks[0][0]), x, scale(ticks.at(-1)[0])),
  label(0, scale(ticks.at(-1)[0]) - 12, title, { class: "soft" }));

/** A thin dashed line across, with its name on it: a ceiling, a floor, chance. */
export const limit = (x1, x2, y, name) => h("g", {}, line(x1, y, x2, y, { class: "limit" }),
  label(x2, y - 5, name, { "text-anchor": "end", class: "soft halo" }));

const MINUS_FROM = 0.2; // of the limit
const WIDE_ENOUGH = 24, PALE = 0.5; // px from which a cell has room for its number; it is paler then, to be read

/**
 * A matrix (rows of numbers) as cells of width w and height `tall`, at x, y. kind "signed" (zero is the page, and strong
 * negative cells carry a minus sign) or "amount". The full colour is `limit`. Wide cells show their numbers.
 */
export function cells(rows, { x = 0, y = 0, w, tall = w, kind = "signed", limit = 1, format = brief }) {
  const numbers = w >= WIDE_ENOUGH, full = numbers ? limit / PALE : limit, paint = kind === "signed" ? signed : amount;
  const minus = range(rows.length).flatMap((i) => rows[i].map((value, j) => value < -MINUS_FROM * limit && !numbers
    ? `M${x + (j + 0.3) * w} ${y + (i + 0.5) * tall}h${0.4 * w}` : "")).join("");
  return h("g", {},
    rows.map((row, i) => row.map((value, j) =>
      h("rect", { x: x + j * w, y: y + i * tall, width: w, height: tall, ...paint(value, full) }))),
    numbers ? rows.map((row, i) => row.map((value, j) => label(x + (j + 0.5) * w, y + (i + 0.5) * tall + 4, format(value),
      { "text-anchor": "middle", class: "cell" }))) : null,
    h("path", { d: minus, stroke: color("page"), "stroke-width": 1.2 }),
    h("rect", { class: "axis", x, y, width: w * rows[0].length, height: tall * rows.length }));
}

const SHADES = 32;

/** A large signed matrix (a flat array, row by row) as small cells: one path for each shade. The full colour is `limit`. */
export function mosaic(values, columns, { x, y, cell, limit }) {
  const shades = range(2 * SHADES + 1).map(() => "");
  values.forEach((value, i) => {
    const shade = Math.round(Math.max(-1, Math.min(1, value / (limit || 1))) * SHADES);
    if (shade) shades[shade + SHADES] += `M${x + (i % columns) * cell} ${y + Math.floor(i / columns) * cell}h${cell}v${cell}h${-cell}`;
  });
  return h("g", { "shape-rendering": "crispEdges" },
    shades.map((d, i) => h("path", { d, ...signed(i - SHADES, SHADES) })),
    h("rect", { class: "axis", x, y, width: columns * cell, height: (values.length / columns) * cell }));
}
