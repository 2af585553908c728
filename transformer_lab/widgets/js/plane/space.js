// The plane itself: regions of the prediction, tokens, what attention reads, where the stream goes, and what the proof
// encloses. Whatever may lie outside the window is drawn in an inner SVG, which cuts it off.

import { dot, label, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { handle } from "../core/ui.js";
import { EVEN, PLUS, put } from "./book.js";
import { regionsOf } from "./cells.js";
import { word } from "./sequence.js";

const NUDGE = 0.05, ENOUGH = 300; // px² from which a region is named
const FINE = 10; // paths are drawn in tenths of a pixel: whole numbers are written faster
const short = (value) => Math.round(value * 10) / 10;

/** From the plane to the picture: a square of `size` pixels at left, top that shows a window. */
export function frameOf([x0, x1, y0, y1], left, top, size) {
  const unit = size / Math.max(x1 - x0, y1 - y0);
  const [midX, midY] = [(x0 + x1) / 2, (y0 + y1) / 2], half = size / 2 / unit;
  return { left, top, size, unit, window: [midX - half, midX + half, midY - half, midY + half],
    at: (x, y) => [short((x - midX) * unit + size / 2), short(size / 2 - (y - midY) * unit)],
    from: ({ x, y }) => [midX + (x - left - size / 2) / unit, midY - (y - top - size / 2) / unit] };
}

const path = ({ unit, size, window: [x0, , , y1] }, points, closed = true) => {
  let made = "";
  for (let i = 0; i < points.length; i += 2) {
    const x = Math.round((points[i] - x0) * unit * FINE), y = Math.round((y1 - points[i + 1]) * unit * FINE);
    made += (i ? "L" : "M") + Math.max(-9999, Math.min(size * FINE + 9999, x)) + " " + Math.max(-9999, Math.min(size * FINE + 9999, y));
  }
  return closed ? made + "z" : made;
};
const fine = (...drawn) => h("g", { transform: `scale(${1 / FINE})`, "stroke-linejoin": "round" }, drawn);

const tint = (token, chosen) => (token === chosen ? 0.4 : EVEN.includes(token) ? 0.09 + 0.02 * (token / 2) : 0.03);

/** Regions: the one of the right answer stands out, or of what is predicted where the rule is silent. */
function ground(now, frame) {
  const { regions, borders } = now.cells ??= regionsOf(now.plane, frame.window), chosen = now.rule?.allowed.length === 1 ? now.rule.allowed[0] : now.said;
  return fine(regions.map(({ polygons }, token) => h("path", { d: polygons.map((cell) => path(frame, cell)).join(""),
    fill: color("amount"), stroke: color("amount"), "stroke-width": 0.5 * FINE, opacity: tint(token, chosen) })),
  h("path", { d: borders.map((edge) => path(frame, edge, false)).join(""), stroke: color("ink"), "stroke-width": FINE, "stroke-opacity": 0.55, fill: "none" }));
}

const names = (now, frame) => now.cells.regions.map(({ centre, area }, token) => {
  if (!centre || area * frame.unit ** 2 < ENOUGH) return null;
  const [x, y] = frame.at(...centre);
  return label(clamp(x, 12, frame.size - 12), clamp(y + 4, 14, frame.size - 6), word(token), "code soft middle halo");
});

/** The 32 lines on which hidden units switch; that of the chosen one is strong. */
function switches({ plane: { lines } }, { tensor, entry }, frame) {
  const [x0, x1, y0, y1] = frame.window, far = Math.hypot(x1 - x0, y1 - y0), [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const one = (n) => {
    const a = lines[3 * n], b = lines[3 * n + 1], size = Math.hypot(a, b) || 1, off = (a * cx + b * cy + lines[3 * n + 2]) / size;
    const [px, py] = [cx - (off * a) / size, cy - (off * b) / size];
    return Math.abs(off) > far ? "" : path(frame, [px - (far * b) / size, py + (far * a) / size, px + (far * b) / size, py - (far * a) / size], false);
  };
  const all = range(lines.length / 3), picked = { W_in: entry % all.length, b_in: entry, W_out: entry >> 1 }[tensor];
  return h("g", { fill: "none", stroke: color("mlp") }, fine(h("path", { d: all.map(one).join(""), "stroke-width": 0.7 * FINE, "stroke-opacity": 0.5 }),
    h("path", { d: picked === undefined ? "" : one(picked), "stroke-width": 2.2 * FINE })));
}

/** All polygons of the proof; the chosen one is filled. */
function polygons({ proof: { results } }, { family }, frame) {
  const drawn = (chosen) => results.map((one) => (chosen(one) ? path(frame, one.corners) : "")).join("");
  return part("polygons", fine(h("path", { d: drawn((one) => !one.wrong), fill: "none", stroke: color("soft"), "stroke-width": 0.7 * FINE }),
    h("path", { d: drawn((one) => one.wrong), fill: "none", stroke: color("positive"), "stroke-width": 1.3 * FINE }),
    h("path", { d: path(frame, results[family].corners), fill: color("residual"), "fill-opacity": 0.35, stroke: color("ink"), "stroke-width": 1.8 * FINE })));
}

/** What the last token reads, and where the stream goes. */
function journey({ acts, tokens }, frame) {
  const t = tokens.length - 1, [sx, sy] = acts.resid_pre[t], start = frame.at(sx, sy), mid = frame.at(...acts.resid_mid[t]);
  const reads = acts.v.map(([x, y]) => frame.at(sx + x, sy + y)), to = frame.at(...acts.resid_post[t]);
  return [reads.map(([x, y], i) => h("path", { d: `M${mid[0]} ${mid[1]}L${x} ${y}`, stroke: color("value"), "stroke-opacity": 0.55,
    "stroke-width": (0.5 + 7 * acts.pattern[t][i]).toFixed(2), "stroke-linecap": "round" })),
  h("path", { d: `M${start[0]} ${start[1]}L${mid[0]} ${mid[1]}`, stroke: color("residual"), "stroke-width": 2 }),
  h("path", { d: `M${mid[0]} ${mid[1]}L${to[0]} ${to[1]}`, stroke: color("mlp"), "stroke-width": 1.6, "stroke-dasharray": "6 3" }),
  reads.map(([x, y]) => dot(x, y, 4.5, color("value"))), h("path", { d: square(start, 4), fill: color("residual") }),
  h("path", { d: square(mid, 8), fill: color("residual"), stroke: color("page"), "stroke-width": 2 }),
  h("path", { d: `M${to[0]} ${to[1] - 6}l6 11h-12z`, fill: color("mlp") })];
}
const square = ([x, y], r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;

/** Tokens in the place of the last one, or the last token in all places: each can be dragged. */
function handles(state, now, lab, frame) {
  const { plane: { x, layout: { d_vocab: V, n_ctx: T } }, tokens, theta, book: { layout: { start } } } = now, t = tokens.length - 1;
  const places = state.tensor === "W_pos", query = tokens[t];
  return range(places ? T : V).map((i) => {
    const n = 2 * (places ? i * V + query : t * V + i), here = [x[n], x[n + 1]], name = places ? "W_pos" : "W_E";
    const [px, py] = frame.at(...here).map((place) => clamp(place, 10, frame.size - 10)), text = places ? String(i) : word(i);
    const move = (to) => lab.set(put(state, name, [0, 1].map((axis) =>
      [2 * i + axis, theta[start[name] + 2 * i + axis] + to[axis] - here[axis]])));
    const used = places ? i < tokens.length : tokens.includes(i);
    return h("g", handle(lab, { label: places ? `Position ${i}` : `Token ${i === PLUS ? "plus" : i}`, value: fixed(here[0], 2).replace("−", "-"), low: -99, high: 99,
      shown: `${fixed(here[0], 2)}, ${fixed(here[1], 2)}`, move: (point) => move(frame.from(point)),
      nudge: (dx, dy) => move([here[0] + NUDGE * dx, here[1] + NUDGE * dy]) }),
    dot(frame.left + px, frame.top + py, 14, "transparent"),
    rect(frame.left + px - 8, frame.top + py - 7.5, 16, 15, { class: used ? "lab-token strong" : "lab-token", rx: 3 }),
    label(frame.left + px, frame.top + py + 4, text, used ? "code cell strong middle" : "code cell soft middle"));
  });
}

/** The view "plane", or "proof" with the polygons. */
export function space(state, now, lab, frame, { proof, still }) {
  const { left, top, size } = frame, detail = ["W_in", "b_in", "W_out"].includes(state.tensor);
  const inner = h("svg", { x: left, y: top, width: size, height: size, viewBox: `0 0 ${size} ${size}` }, ground(now, frame),
    detail && !still ? switches(now, state, frame) : null, proof ? polygons(now, state, frame) : null, part("journey", journey(now, frame)));
  return h("g", {}, inner, h("g", { transform: `translate(${left} ${top})`, "aria-hidden": true }, names(now, frame)),
    rect(left + 0.5, top + 0.5, size - 1, size - 1, { class: "axis" }), still ? null : handles(state, now, lab, frame));
}
