// The map of rate and momentum in valley-walk.js: how fast each pair is, and where both directions stand on it.

import { bottomAxis, decades, dot, label, leftAxis, linear, mosaic, path, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { contour } from "../core/contour.js";
import { h } from "../core/draw.js";
import { brief } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { remember } from "../core/remember.js";
import { handle, pressable } from "../core/ui.js";
import { keptOf } from "./descent.js";
import { INK, open, pane, rounded } from "./marks.js";

const REACH = [0.001, 8], TENTHS = [3, 10, 30, 100, 300], SLOWEST = 1000;
const COLUMNS = 60, ROWS = 30;

/** Scales of a panel: rate times curvature and momentum to pixels, and pixels to the decade of the first. */
function scales([left, right, upper, lower]) {
  return { sx: decades(REACH, [left, right]), sy: linear([0, 1], [lower, upper]),
    decade: linear([left, right], REACH.map(Math.log10)) };
}

/** How many updates a direction needs to a tenth, for every rate and momentum. It hangs on the size of the panel alone. */
const country = remember((left, right, upper, lower) => {
  const { sx, sy, decade } = scales([left, right, upper, lower]);
  const cell = (right - left) / COLUMNS, tall = (lower - upper) / ROWS;
  const kept = (column, row) =>
    keptOf(10 ** decade(left + column * cell), clamp(sy.inverse(upper + row * tall), 0, 1));
  const needs = (share) => (share >= 1 ? 0 : Math.log10(clamp(Math.log(0.1) / Math.log(share), 1, SLOWEST)));
  const shades = range(ROWS * COLUMNS).map((i) =>
    needs(kept((i % COLUMNS) + 0.5, Math.floor(i / COLUMNS) + 0.5)));
  return pane([left, right, upper, lower],
    h("g", { opacity: 0.45 }, mosaic(shades, COLUMNS, { x: left, y: upper, cell, tall, kind: "amount",
      limit: Math.log10(SLOWEST) })),
    borders(sx, sy),
    tenths(kept, (column, row) => [left + (column / 2) * cell, upper + (row / 2) * tall], sx, sy),
    label(sx(0.03), sy(0.36), "slides", "soft halo middle"), label(sx(1), sy(0.88), "swings", "soft halo middle"),
    h("text", { class: "soft halo middle",
      transform: `translate(${sx(5.4).toFixed(1)} ${sy(0.5).toFixed(1)}) rotate(-90)` }, "runs away"));
});

/** A line for each number of updates to a tenth, with its number. */
function tenths(kept, place, sx, sy) {
  const fine = range(2 * ROWS + 1).map((row) => range(2 * COLUMNS + 1).map((column) => kept(column / 2, row / 2)));
  return TENTHS.map((n) => [n, 10 ** (-1 / n)]).map(([n, z]) => h("g", {},
    h("path", { class: "lab-level", d: contour(fine, z, place) }),
    label(sx((1 - z) * (1 - 0.17 / z)), sy(0.15), String(n), "tiny soft halo middle")));
}

/** Between what slides and what swings, on both sides, and where all runs away. */
function borders(sx, sy) {
  const curve = (reachAt) => path(range(41).map((i) => i / 40).map((mu) => [sx(reachAt(mu)), sy(mu)]));
  return [h("path", { ...INK, "stroke-width": 0.8, d: curve((mu) => Math.max(1e-6, (1 - Math.sqrt(mu)) ** 2)) }),
    h("path", { ...INK, "stroke-width": 0.8, d: curve((mu) => (1 + Math.sqrt(mu)) ** 2) }),
    h("path", { class: "limit", d: curve((mu) => 2 * (1 + mu)) })];
}

/** Both directions on one map, as a bar as long as the stretch; where the rule is Adam, it goes its own way. */
export function mapView({ rule, rate, stretch }, { mu, reach, bests }, area, lab) {
  const [left, right, upper, lower] = area, { sx, sy, decade } = scales(area), moves = rule !== "adam";
  const [one, two] = reach.map(sx), y = sy(mu);
  const go = (to, up) => lab.set({ rate: rounded(to, [0.01, 4], 3),
    ...(rule === "sgd" ? {} : { momentum: rounded(up, [0, 0.99], 3) }) });
  const goAt = (point) => go(10 ** decade(point.x), sy.inverse(point.y));
  return [country(...area),
    h("g", { "aria-hidden": true }, axes(rule, area, sx, sy),
      moves && stretch > 1 ? aim(bests[1], stretch, sx, sy) : null,
      bar(one, two, y, { "stroke-width": 2 }), open(one, y, 6)),
    moves ? rect(left, upper, right - left, lower - upper, { fill: "transparent", ...pressable(goAt) }) : null,
    dot(two, y, moves ? 8 : 6, color("ink"), moves ? handle(lab, { label: "Rate and momentum", value: rate, low: 0.01,
      high: 4, shown: `rate ${brief(rate)}, momentum ${brief(mu)}`, move: goAt,
      nudge: (dx, dy) => go(rate + dx / 50, mu + dy / 100) }) : {}),
    ends(one, two, y, y > lower - 40)];
}

const bar = (x1, x2, y, attrs) => h("line", { x1, y1: y, x2, y2: y, stroke: color("ink"), ...attrs });

function axes(rule, [left, right, upper, lower], sx, sy) {
  return [bottomAxis(sx, lower, [0.001, 0.01, 0.1, 1].map((v) => [v, brief(v)]), "rate times curvature"),
    leftAxis(sy, left, [0, 0.5, 1], ""), label(left - 34, upper - 10, rule === "adam" ? "β₁" : "momentum", "soft"),
    label(right, upper - 10, "lines: updates to a tenth", "soft end"),
    rect(left, upper, right - left, lower - upper, { class: "axis" })];
}

/** Where the bar would be best. */
function aim({ rate, momentum }, stretch, sx, sy) {
  const [near, far] = [sx(rate / stretch), sx(rate)], y = sy(momentum);
  return h("g", {}, bar(near, far, y, { "stroke-dasharray": "2 4" }), dot(near, y, 3), dot(far, y, 3),
    label(near - 8, y + 4, "best", "soft halo end"));
}

/** Which end is which; above the bar where there is no room below it. */
const ends = (one, two, y, low) => h("g", { "pointer-events": "none", "aria-hidden": true },
  label(one, y + (low ? -12 : 21), "along", "halo middle"), label(two, y + (low ? -26 : 21), "across", "halo middle"));
