// What the panels of valley-walk.js share: strokes, an open dot, and a pane that cuts what leaves it.

import { dot } from "../core/chart.js";
import { color } from "../core/color.js";
import { h } from "../core/draw.js";
import { clamp } from "../core/math.js";

export const INK = { fill: "none", stroke: color("ink") };

export const open = (x, y, r) => dot(x, y, r, color("page"), { stroke: color("ink"), "stroke-width": 2 });

export const rounded = (value, bounds, digits) => Number(clamp(value, ...bounds).toFixed(digits));

/** What is drawn inside [left, right, upper, lower] and cut there; nothing in it can be operated. */
export const pane = ([left, right, upper, lower], ...children) => h("svg", { x: left, y: upper, width: right - left,
  height: lower - upper, viewBox: `${left} ${upper} ${right - left} ${lower - upper}`, "aria-hidden": true }, children);
