// The valley, the roots and the loss of valley-walk.js.

import { bottomAxis, decades, dot, label, leftAxis, line, linear, path, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h } from "../core/draw.js";
import { brief, fixed, tens } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { handle, pressable, scrubber } from "../core/ui.js";
import { INK, open, pane, rounded } from "./marks.js";

const ALONG = [-1.5, 1.5], ACROSS = [-0.75, 0.75], HEIGHTS = [0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 1, 1.25];
const LOSSES = [1e-10, 10];

/** Lines of equal loss, the walk so far with a point for each update, the start to drag. One scale both ways. */
export function valleyView({ stretch, along, across, step }, { walk }, area, lab) {
  const [left, right, upper, lower] = area, box = [left, upper, right - left, lower - upper];
  const sx = linear(ALONG, [left, right]), sy = linear(ACROSS, [lower, upper]);
  const start = (x, y) => lab.set({ along: rounded(x, ALONG, 2), across: rounded(y, ACROSS, 2) });
  const startAt = ({ x, y }) => start(sx.inverse(x), sy.inverse(y));
  return [pane(area, levels(stretch, sx, sy), line(left, sy(0), right, sy(0), "axis"), walked(walk, step, sx, sy)),
    h("g", { "aria-hidden": true }, rect(...box, { class: "axis" }),
      label(left, upper - 10, "the valley: lines of equal loss", "soft"),
      label(right - 6, lower - 8, "along", "soft halo end"), label(left + 6, upper + 16, "across", "soft halo")),
    rect(...box, { fill: "transparent", ...pressable(startAt) }),
    dot(sx(along), sy(across), 8, color("ink"), handle(lab, { label: "Start", value: along, low: ALONG[0],
      high: ALONG[1], shown: `along ${brief(along)}, across ${brief(across)}`, move: startAt,
      nudge: (dx, dy) => start(along + dx / 50, across + dy / 50) }))];
}

function levels(stretch, sx, sy) {
  const unit = sx(1) - sx(0);
  return HEIGHTS.map((height) => h("ellipse", { class: "lab-level", cx: sx(0), cy: sy(0),
    rx: unit * height * Math.sqrt(stretch), ry: unit * height }));
}

/** The walk: what is to come, what was, a point for each update, and where it is now. */
function walked(walk, step, sx, sy) {
  const points = walk.map(({ at: [x, y] }) => [sx(clamp(x, -99, 99)), sy(clamp(y, -99, 99))]);
  const past = points.slice(0, step + 1);
  return [h("path", { class: "lab-seed", d: path(points.slice(step)) }),
    h("path", { ...INK, "stroke-width": 1.3, d: path(past) }),
    h("path", { ...INK, "stroke-width": 5, "stroke-linecap": "round",
      d: past.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("") }),
    open(...points[step], 5)];
}

const FAR = 1.25; // of the unit circle, where roots beyond it are drawn

/** The unit circle, and in it the two roots of each direction. */
export function rootsView({ roots, kept, slower }, [cx, cy, size]) {
  const at = ([re, im]) => {
    const by = size * Math.min(1, FAR / (Math.hypot(re, im) || 1));
    return [cx + re * by, cy - im * by];
  };
  return h("g", { "aria-hidden": true }, label(cx - size - 14, cy - size - 16, "the roots", "soft"),
    dot(cx, cy, size, color("surface"), { class: "axis" }),
    line(cx - size, cy, cx + size, cy), line(cx, cy - size, cx, cy + size),
    label(cx - size - 5, cy + 4, "−1", "soft end"), label(cx + size + 5, cy + 4, "1", "soft"),
    dot(cx, cy, Math.min(FAR, kept[slower]) * size, "none", { class: "limit" }),
    label(cx, cy + size + 20, `${fixed(kept[slower])} is kept`, "halo middle"),
    roots[0].map((root) => open(...at(root), 6)), roots[1].map((root) => dot(...at(root), 5)));
}

/** The loss over the updates, and how it falls where only the slower root counts. */
export function lossView({ rule, step }, { walk, kept, slower, bests }, [left, right, upper, lower], lab) {
  const last = walk.length - 1, sx = linear([0, last], [left, right]), sy = decades(LOSSES, [lower, upper]);
  const curve = (places) => path(places.map(({ loss }, t) => [sx(t), sy(loss)]));
  const straight = range(last + 1).map((t) => [sx(t), sy(walk[0].loss * kept[slower] ** (2 * t))]);
  const height = ({ loss }) => sy(loss);
  return [h("g", { "aria-hidden": true }, bottomAxis(sx, lower, [0, 100, 200], "updates"),
    leftAxis(sy, left, [0, -5, -10].map((n) => [10 ** n, n ? tens(n) : "1"]), ""),
    label(left - 34, upper - 10, "loss", "soft"),
    bests.map((one) => h("path", { class: "lab-seed", d: curve(one.walk) })),
    rule === "adam" ? null : h("path", { class: "limit", d: path(straight) }),
    h("path", { class: "lab-median", d: curve(walk) }), bests.map((one) => named(one, last, sx, height)),
    line(sx(step), upper, sx(step), lower, "limit"), dot(sx(step), height(walk[step]), 5)),
  scrubber(lab, "step", { label: "Update", value: step, low: 0, high: last,
    shown: `update ${step}, loss ${brief(walk[step].loss)}`, at: ({ x }) => sx.inverse(x),
    area: { x: left - 6, y: upper, width: right - left + 12, height: lower - upper } })];
}

/** The name of a best curve: where it reaches the floor, or else at its end. */
function named({ rule, walk }, last, sx, height) {
  const low = walk.findIndex(({ loss }) => loss < LOSSES[0] * 30), t = low < 0 ? last : low;
  return label(sx(t) + (low < 0 ? -2 : 8), height(walk[t]) - 8, rule === "sgd" ? "best plain" : "best momentum",
    low < 0 ? "soft halo end" : "soft halo");
}
