// The four panels of valley-walk.js: the valley, the map of rate and momentum, the roots, the loss.

import { bottomAxis, decades, dot, label, leftAxis, line, linear, mosaic, path, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { contour } from "../core/contour.js";
import { h } from "../core/draw.js";
import { brief, fixed, tens } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { remember } from "../core/remember.js";
import { handle, pressable, scrubber } from "../core/ui.js";
import { keptOf } from "./descent.js";

const ALONG = [-1.5, 1.5], ACROSS = [-0.75, 0.75], HEIGHTS = [0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 1, 1.25];
const REACH = [0.001, 8], LOSSES = [1e-10, 10], TENTHS = [3, 10, 30, 100, 300], SLOWEST = 1000;
const COLUMNS = 60, ROWS = 30;
const rounded = (value, bounds, digits) => Number(clamp(value, ...bounds).toFixed(digits));
const INK = { fill: "none", stroke: color("ink") };
const open = (x, y, r) => dot(x, y, r, color("page"), { stroke: color("ink"), "stroke-width": 2 });

/** What is drawn inside [left, right, upper, lower] and cut there; nothing in it can be operated. */
const window = ([left, right, upper, lower], ...children) => h("svg", { x: left, y: upper, width: right - left,
  height: lower - upper, viewBox: `${left} ${upper} ${right - left} ${lower - upper}`, "aria-hidden": true }, children);

/** Lines of equal loss, the walk so far with a point for each update, the start to drag. One scale both ways. */
export function valleyView({ stretch, along, across, step }, { walk }, area, lab) {
  const [left, right, upper, lower] = area, sx = linear(ALONG, [left, right]), sy = linear(ACROSS, [lower, upper]);
  const unit = sx(1) - sx(0), clear = ([x, y]) => [sx(clamp(x, -99, 99)), sy(clamp(y, -99, 99))];
  const points = walk.map(({ at }) => clear(at)), now = points[step];
  const start = (x, y) => lab.set({ along: rounded(x, ALONG, 2), across: rounded(y, ACROSS, 2) });
  const startAt = ({ x, y }) => start(sx.inverse(x), sy.inverse(y));
  return [window(area, HEIGHTS.map((height) => h("ellipse", { class: "lab-level", cx: sx(0), cy: sy(0),
    rx: unit * height * Math.sqrt(stretch), ry: unit * height })), line(left, sy(0), right, sy(0), "axis"),
  h("path", { class: "lab-seed", d: path(points.slice(step)) }),
  h("path", { ...INK, "stroke-width": 1.3, d: path(points.slice(0, step + 1)) }),
  h("path", { ...INK, "stroke-width": 5, "stroke-linecap": "round",
    d: points.slice(0, step + 1).map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("") }), open(...now, 5)),
  h("g", { "aria-hidden": true }, rect(left, upper, right - left, lower - upper, { class: "axis" }), label(left, upper - 10,
    "the valley: lines of equal loss", "soft"), label(right - 6, lower - 8, "along", "soft halo end"), label(left + 6, upper + 16, "across", "soft halo")),
  rect(left, upper, right - left, lower - upper, { fill: "transparent", ...pressable(startAt) }),
  dot(sx(along), sy(across), 8, color("ink"), handle(lab, { label: "Start", value: along, low: ALONG[0], high: ALONG[1],
    shown: `along ${brief(along)}, across ${brief(across)}`, move: startAt,
    nudge: (dx, dy) => start(along + dx / 50, across + dy / 50) }))];
}

/** How many updates a direction needs to a tenth, for every rate and momentum. It hangs on the size of the panel alone. */
const country = remember((left, right, upper, lower) => {
  const sx = decades(REACH, [left, right]), sy = linear([0, 1], [lower, upper]), wide = (right - left) / COLUMNS, tall = (lower - upper) / ROWS;
  const decade = linear([left, right], REACH.map(Math.log10)), muAt = linear([lower, upper], [0, 1]);
  const kept = (column, row) => keptOf(10 ** decade(left + column * wide), clamp(muAt(upper + row * tall), 0, 1));
  const needs = (share) => (share >= 1 ? 0 : Math.log10(clamp(Math.log(0.1) / Math.log(share), 1, SLOWEST)));
  const shades = range(ROWS * COLUMNS).map((i) => needs(kept((i % COLUMNS) + 0.5, Math.floor(i / COLUMNS) + 0.5)));
  const fine = range(2 * ROWS + 1).map((row) => range(2 * COLUMNS + 1).map((column) => kept(column / 2, row / 2)));
  const place = (column, row) => [left + (column / 2) * wide, upper + (row / 2) * tall], curve = (reachAt, ends) =>
    path(range(41).map((i) => ends[0] + (i / 40) * (ends[1] - ends[0])).map((mu) => [sx(reachAt(mu)), sy(mu)]));
  return window([left, right, upper, lower], h("g", { opacity: 0.45 }, mosaic(shades, COLUMNS, { x: left, y: upper, cell: wide, tall, kind: "amount",
    limit: Math.log10(SLOWEST) })), TENTHS.map((n) => h("path", { class: "lab-level", d: contour(fine, 10 ** (-1 / n), place) })),
  h("path", { ...INK, "stroke-width": 0.8, d: curve((mu) => Math.max(1e-6, (1 - Math.sqrt(mu)) ** 2), [0, 1]) }),
  h("path", { ...INK, "stroke-width": 0.8, d: curve((mu) => (1 + Math.sqrt(mu)) ** 2, [0, 1]) }),
  h("path", { class: "limit", d: curve((mu) => 2 * (1 + mu), [0, 1]) }),
  TENTHS.map((n) => [n, 10 ** (-1 / n)]).map(([n, z]) => label(sx((1 - z) * (1 - 0.17 / z)), sy(0.15), String(n), "tiny soft halo middle")),
  label(sx(0.03), sy(0.36), "slides", "soft halo middle"), label(sx(1), sy(0.88), "swings", "soft halo middle"),
  h("text", { class: "soft halo middle", transform: `translate(${sx(5.4).toFixed(1)} ${sy(0.5).toFixed(1)}) rotate(-90)` }, "runs away"));
});

/** Both directions on one map, as a bar as long as the stretch; where the rule is Adam, it goes its own way. */
export function mapView({ rule, rate, stretch }, { mu, reach, bests }, area, lab) {
  const [left, right, upper, lower] = area, sx = decades(REACH, [left, right]), sy = linear([0, 1], [lower, upper]);
  const decade = linear([left, right], REACH.map(Math.log10)), [one, two] = reach.map(sx), y = sy(mu), target = bests[1], high = sy(target.momentum);
  const go = (to, up) => lab.set({ rate: rounded(to, [0.01, 4], 3), ...(rule === "sgd" ? {} : { momentum: rounded(up, [0, 0.99], 3) }) });
  const goAt = (point) => go(10 ** decade(point.x), sy.inverse(point.y)), moves = rule !== "adam";
  const bar = (x1, x2, at, attrs) => h("line", { x1, y1: at, x2, y2: at, stroke: color("ink"), ...attrs });
  return [country(...area), h("g", { "aria-hidden": true }, bottomAxis(sx, lower, [0.001, 0.01, 0.1, 1].map((v) => [v, brief(v)]), "rate times curvature"),
    leftAxis(sy, left, [0, 0.5, 1], ""), label(left - 34, upper - 10, rule === "adam" ? "β₁" : "momentum", "soft"),
    label(right, upper - 10, "lines: updates to a tenth", "soft end"), rect(left, upper, right - left, lower - upper, { class: "axis" }),
    moves && stretch > 1 ? h("g", {}, bar(sx(target.rate / stretch), sx(target.rate), high, { "stroke-dasharray": "2 4" }),
      [target.rate / stretch, target.rate].map((at) => dot(sx(at), high, 3)), label(sx(target.rate / stretch) - 8, high + 4, "best", "soft halo end")) : null,
    bar(one, two, y, { "stroke-width": 2 }), open(one, y, 6)),
  moves ? rect(left, upper, right - left, lower - upper, { fill: "transparent", ...pressable(goAt) }) : null,
  dot(two, y, moves ? 8 : 6, color("ink"), moves ? handle(lab, { label: "Rate and momentum", value: rate, low: 0.01, high: 4,
    shown: `rate ${brief(rate)}, momentum ${brief(mu)}`, move: goAt, nudge: (dx, dy) => go(rate + dx / 50, mu + dy / 100) }) : {}),
  h("g", { "pointer-events": "none", "aria-hidden": true }, label(one, y + (y > lower - 40 ? -12 : 21), "along", "halo middle"), label(two, y + (y > lower - 40 ? -26 : 21), "across", "halo middle"))];
}

/** The unit circle, and in it the two roots of each direction. */
export function rootsView({ roots, kept, slower }, [cx, cy, size]) {
  const far = 1.25, at = ([re, im]) => { const by = Math.min(1, far / (Math.hypot(re, im) || 1)); return [cx + re * by * size, cy - im * by * size]; };
  return h("g", { "aria-hidden": true }, label(cx - size - 14, cy - size - 16, "the roots", "soft"), dot(cx, cy, size, color("surface"), { class: "axis" }),
    line(cx - size, cy, cx + size, cy), line(cx, cy - size, cx, cy + size), label(cx - size - 5, cy + 4, "−1", "soft end"), label(cx + size + 5, cy + 4, "1", "soft"),
    dot(cx, cy, Math.min(far, kept[slower]) * size, "none", { class: "limit" }), label(cx, cy + size + 20, `${fixed(kept[slower])} is kept`, "halo middle"),
    roots[0].map((root) => open(...at(root), 6)), roots[1].map((root) => dot(...at(root), 5)));
}

/** The loss over the updates, and how it falls where only the slower root counts. */
export function lossView({ rule, step }, { walk, kept, slower, bests }, [left, right, upper, lower], lab) {
  const last = walk.length - 1, sx = linear([0, last], [left, right]), sy = decades(LOSSES, [lower, upper]);
  const curve = (places) => path(places.map(({ loss }, t) => [sx(t), sy(loss)])), start = walk[0].loss;
  const straight = range(last + 1).map((t) => [sx(t), sy(start * kept[slower] ** (2 * t))]);
  const named = ({ rule: of, walk: places }) => { const i = places.findIndex(({ loss }) => loss < LOSSES[0] * 30), t = i < 0 ? last : i;
    return label(sx(t) - (i < 0 ? 2 : -8), sy(places[t].loss) - 8, of === "sgd" ? "best plain" : "best momentum", i < 0 ? "soft halo end" : "soft halo"); };
  return [h("g", { "aria-hidden": true }, bottomAxis(sx, lower, [0, 100, 200], "updates"), leftAxis(sy, left, [0, -5, -10].map((n) => [10 ** n, n ? tens(n) : "1"]), ""),
    label(left - 34, upper - 10, "loss", "soft"), bests.map((one) => h("path", { class: "lab-seed", d: curve(one.walk) })),
    rule === "adam" ? null : h("path", { class: "limit", d: path(straight) }), h("path", { class: "lab-median", d: curve(walk) }), bests.map(named),
    line(sx(step), upper, sx(step), lower, "limit"), dot(sx(step), sy(walk[step].loss), 5)),
  scrubber(lab, "step", { label: "Update", value: step, low: 0, high: last, shown: `update ${step}, loss ${brief(walk[step].loss)}`, at: ({ x }) => sx.inverse(x),
    area: { x: left - 6, y: upper, width: right - left + 12, height: lower - upper } })];
}
