// A soft lookup in the plane: a query among keys on the left, the values and what comes back on the right; below, the
// weights and the gradient that reaches each key. The gradient is that of half the squared distance to the target.

import { attend, attendPullback } from "./core/attention.js";
import { amount, color, signed } from "./core/color.js";
import { h, part } from "./core/draw.js";
import { brief, fixed, letter, percent } from "./core/format.js";
import { add, clamp, dot, entropy, norm, range, scale as times } from "./core/math.js";
import { choose, explorable, handle, picture, slider } from "./core/ui.js";

const REACH = [2.4, 1.8]; // the plane that is shown: ± these
const ROW = 22, TITLE = 26, NUDGE = 0.05, LONGEST = 1.2;

/** Everything that follows from the state. A wider head has longer queries: √d_head where the plane has √2. */
export function compute({ q, k, v, target, temperature, d_head, scaled }) {
  const query = times(q, Math.sqrt(d_head / 2)), scale = (scaled ? 1 / Math.sqrt(d_head) : 1) / temperature;
  const acts = attend([[query]], [k], [v], { scale }); // one head, one query
  const [scores, pattern, z] = [acts.scores, acts.pattern, acts.z].map(([[row]]) => row), d_z = add(z, times(target, -1));
  const d = attendPullback(acts, [[d_z]], { scale });
  return { q: query, scale, scores, pattern, z, entropy: entropy(pattern), loss: dot(d_z, d_z) / 2,
    d: { scores: d.scores[0][0], q: d.q[0][0], k: d.k[0], v: d.v[0] } };
}

/** How far a step against the gradient takes a key along the query: towards it (+) or away (−). */
const pull = (now, i) => -now.d.scores[i] * now.scale * norm(now.q);

/** Where two planes and the strip of bars go. */
function layout(lab, n) {
  const narrow = lab.width < 540, width = narrow ? lab.width : (lab.width - 32) / 2;
  const unit = width / 2 / REACH[0], height = 2 * REACH[1] * unit;
  const plane = (left, top) => ({ left, top, width, height, unit,
    at: ([x, y]) => [left + width / 2 + x * unit, top + height / 2 - y * unit],
    from: ({ x, y }) => inside([(x - left - width / 2) / unit, (top + height / 2 - y) / unit]) });
  const look = plane(0, TITLE), read = plane(narrow ? 0 : width + 32, narrow ? height + 2 * TITLE + 14 : TITLE);
  const strip = read.top + height + 44;
  return { narrow, look, read, strip, right: narrow ? lab.width * 0.6 : read.left, end: narrow ? lab.width * 0.6 - 20 : look.width, height: strip + n * ROW + 4 };
}

const inside = (place) => place.map((value, axis) => Math.round(clamp(value, -REACH[axis], REACH[axis]) * 1000) / 1000);
const line = (...points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const width = (weight) => (0.6 + 9 * weight).toFixed(2);

const frame = (plane, title) => [
  h("text", { class: "strong", x: plane.left, y: plane.top - 9 }, title),
  h("rect", { class: "axis", x: plane.left + 0.5, y: plane.top + 0.5, width: plane.width - 1, height: plane.height - 1 })];

/** Rays on which the two best keys tie: a hard lookup changes its mind there. */
export function ties({ k }) {
  const pairs = k.flatMap((a, i) => k.slice(i + 1).map((b) => [a, b]));
  return pairs.flatMap(([a, b]) => [1, -1].map((sign) => [sign * (b[1] - a[1]), sign * (a[0] - b[0])])
    .filter((ray) => norm(ray) > 0 && k.every((key) => dot(key, ray) <= dot(a, ray) + 1e-9)));
}

/** From the middle to the edge of the plane. */
const toEdge = (ray) => times(ray, Math.min(REACH[0] / Math.abs(ray[0] || 1e-9), REACH[1] / Math.abs(ray[1] || 1e-9)));

function arrow(from, to, attrs) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]], size = Math.hypot(dx, dy);
  if (size < 1.5) return null;
  const [ux, uy] = [dx / size, dy / size], head = Math.min(7, size), back = [to[0] - ux * head, to[1] - uy * head];
  const side = (sign) => [back[0] - sign * uy * head * 0.5, back[1] + sign * ux * head * 0.5];
  return h("g", attrs, h("path", { d: line(from, back), fill: "none", "stroke-width": 1.6 }),
    h("path", { d: `${line(to, side(1), side(-1))}z`, stroke: "none" }));
}

/** A point of the plane that the reader moves. */
function grip(lab, plane, place, name, set, shape, options = {}) {
  const [x, y] = plane.at(place), shown = `${fixed(place[0], 2)}, ${fixed(place[1], 2)}`;
  const moved = (next) => lab.set(set(inside(next)));
  return h("g", handle(lab, { label: name, value: place[0], shown, move: (point) => moved(plane.from(point)),
    nudge: (dx, dy) => moved(add(place, [dx * NUDGE, dy * NUDGE])) }),
  h("circle", { cx: x, cy: y, r: 17, fill: "transparent" }), shape(x, y),
  options.text ? h("text", { class: options.class ?? "code", x: x + (options.dx ?? 11), y: y + 5 }, options.text) : null);
}

const replaced = (list, i, place) => list.map((old, j) => (j === i ? place : old));
const diamond = (x, y, r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;

function lookPlane(state, now, lab, plane) {
  const tip = plane.at(state.q), middle = plane.at([0, 0]);
  const step = (i) => times(state.q, clamp(pull(now, i), -LONGEST, LONGEST) / (norm(state.q) || 1));
  return [frame(plane, "Where to look"),
    part("ties", ties(state).map((ray) =>
      h("path", { class: "limit", d: line(middle, plane.at(toEdge(ray))), opacity: 0.35 }))),
    part("beams", state.k.map((key, i) => h("path", { d: line(tip, plane.at(key)), stroke: color("query"),
      "stroke-opacity": 0.35, "stroke-width": width(now.pattern[i]), "stroke-linecap": "round" }))),
    h("path", { d: line(middle, tip), stroke: color("query"), "stroke-width": 2.2 }),
    part("pull", state.k.map((key, i) =>
      arrow(plane.at(key), plane.at(add(key, step(i))), { stroke: color("ink"), fill: color("ink") }))),
    part("keys", state.k.map((key, i) => grip(lab, plane, key, `Key ${letter(i)}`, (place) => ({ k: replaced(state.k, i, place) }),
      (x, y) => h("path", { d: diamond(x, y, 7.5), fill: color("key") }), { text: letter(i) }))),
    part("query", grip(lab, plane, state.q, "Query", (q) => ({ q }), (x, y) => h("path", { d: "M14 0L-7 -7.5V7.5z",
      transform: `translate(${x} ${y}) rotate(${-Math.atan2(state.q[1], state.q[0]) * 180 / Math.PI})`,
      fill: color("query"), stroke: color("page"), "stroke-width": 1.5 }), { text: "query", class: "strong", dx: 14 }))];
}

/** The outline of the values: what a mean of them can reach, and nothing beyond. */
function outline(points) {
  const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  const half = (sorted) => sorted.reduce((hull, point) => {
    while (hull.length > 1 && turn(hull.at(-2), hull.at(-1), point) <= 0) hull.pop();
    return [...hull, point];
  }, []).slice(0, -1);
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return [...half(sorted), ...half([...sorted].reverse())];
}

function readPlane(state, now, lab, plane) {
  const back = plane.at(now.z), [x, y] = back;
  return [frame(plane, "What comes back"),
    part("reach", h("path", { d: `${line(...outline(state.v).map(plane.at))}z`, fill: color("value"), "fill-opacity": 0.1 })),
    state.v.map((value, i) => h("path", { d: line(back, plane.at(value)), stroke: color("value"), "stroke-opacity": 0.45,
      "stroke-width": width(now.pattern[i]), "stroke-linecap": "round" })),
    h("path", { class: "limit", d: line(back, plane.at(state.target)) }),
    part("values", state.v.map((value, i) => grip(lab, plane, value, `Value ${letter(i)}`, (place) => ({ v: replaced(state.v, i, place) }),
      (vx, vy) => h("circle", { cx: vx, cy: vy, r: 6, fill: color("value") }), { text: letter(i) }))),
    part("target", grip(lab, plane, state.target, "Target", (target) => ({ target }), (tx, ty) => h("path", { d: `M${tx - 6} ${ty - 6}l12 12m0 -12l-12 12`,
      stroke: color("ink"), "stroke-width": 2, fill: "none" }), { text: "target", class: "soft", dx: 12 })),
    part("returned", h("circle", { cx: x, cy: y, r: 8.5, fill: color("value"), stroke: color("page"), "stroke-width": 2.5 }),
      h("text", { class: "strong", x, y: y + 25, "text-anchor": "middle" }, "returned"))];
}

/** One row a key: its weight, and what its gradient does to it. */
function bars(state, now, at, lab) {
  const room = at.end - 22 - 52, zero = at.right + (lab.width - at.right) * 0.42, half = zero - at.right - 8;
  const title = (x, strong, soft) => h("text", { x, y: at.strip - 12 }, h("tspan", { "font-weight": 600 }, strong),
    at.narrow ? null : h("tspan", { fill: color("soft") }, soft));
  return [title(0, "Weight", `   entropy ${fixed(now.entropy, 2)} of at most ${fixed(Math.log(state.k.length), 2)} nats`),
    title(at.right, "Pull on the key", "   towards the query (+) or away (−)"),
    h("path", { class: "axis", d: `M${zero} ${at.strip - 4}V${at.strip + state.k.length * ROW}` }),
    range(state.k.length).map((i) => {
      const y = at.strip + i * ROW, moved = pull(now, i), long = half * clamp(moved, -1, 1);
      return [h("text", { class: "code", x: 2, y: y + 13 }, letter(i)),
        h("rect", { class: "axis", x: 22, y: y + 2, width: room, height: ROW - 8 }),
        h("rect", { x: 22, y: y + 2, width: room * now.pattern[i], height: ROW - 8, ...amount(1) }),
        h("text", { x: at.end, y: y + 13, "text-anchor": "end" }, percent(now.pattern[i], 1)),
        h("rect", { x: Math.min(zero, zero + long), y: y + 2, width: Math.abs(long), height: ROW - 8, ...signed(moved, Math.abs(moved)) }),
        h("text", { x: lab.width, y: y + 13, "text-anchor": "end" }, Math.abs(moved) < 1e-12 ? "0" : (moved > 0 ? "+" : "") + brief(moved, 2))];
    })];
}

const best = (now) => now.pattern.indexOf(Math.max(...now.pattern));
const array = (rows) => `np.array(${JSON.stringify(rows).replaceAll(",", ", ")})`;

/** The same state in Python. */
export const code = (state, now) => [
  "import numpy as np",
  "from transformer_lab.byhand.attention import attend, attend_pullback\n",
  `q = ${array([state.q])} * np.sqrt(${state.d_head} / 2)  # as long as in a head this wide`,
  `k = ${array(state.k)}`,
  `v = ${array(state.v)}`,
  `scale = ${state.scaled ? `1 / np.sqrt(${state.d_head})` : "1"} / ${state.temperature}`,
  "acts = attend(q, k, v, scale=scale)",
  'print(acts["pattern"][0], acts["z"][0])',
  `# ${[...now.pattern, ...now.z].map((value) => value.toFixed(3)).join(" ")}\n`,
  `target = ${array(state.target)}`,
  'print(attend_pullback(acts, acts["z"] - target, scale=scale)["k"])',
].join("\n");

export default explorable({
  title: "A soft lookup",
  instruction: "Drag anything. Dashed: two keys tie. Arrows: how the gradient moves the keys.",
  defaults: {
    q: [1.1, 0.75], k: [[1.5, -0.35], [1.15, 1.25], [-0.4, 1.4], [-1.6, 0.1], [-0.3, -1.3]],
    v: [[1.7, 0.5], [0.4, 1.35], [-1.4, 1.0], [-1.3, -1.0], [0.9, -1.2]], target: [1.5, -0.5],
    temperature: 1, d_head: 64, scaled: true,
  },
  compute,
  view(state, now, lab) {
    const at = layout(lab, state.k.length);
    return picture(lab, at.height, lookPlane(state, now, lab, at.look), readPlane(state, now, lab, at.read), bars(state, now, at, lab));
  },
  controls: (state, _, lab) => [
    slider("temperature", { min: -2, max: 2, step: 0.05, value: Math.log10(state.temperature), shown: brief(state.temperature, 2) },
      (power) => lab.set({ temperature: Number((10 ** power).toPrecision(3)) })),
    slider("d_head", { min: 0, max: 10, step: 1, value: Math.log2(state.d_head), shown: state.d_head },
      (power) => lab.set({ d_head: 2 ** power })),
    choose("÷ √d_head", [[true, "yes"], [false, "no"]], state.scaled, (scaled) => lab.set({ scaled })),
  ],
  describe: (state, now) => `The query takes ${percent(now.pattern[best(now)])} from ${letter(best(now))}; entropy ${fixed(now.entropy, 2)} of `
    + `at most ${fixed(Math.log(state.k.length), 2)} nats. Returned: ${pair(now.z)}, which is ${fixed(Math.sqrt(2 * now.loss), 2)} from the target. `
    + `Largest pull on a key: ${brief(Math.max(...state.k.map((_, i) => Math.abs(pull(now, i)))), 2)}.`,
  table: (state, now) => ({
    caption: "Every key, what it gives, and the gradient that reaches it",
    columns: ["key", "place", "value", "score", "weight", "gradient"],
    rows: state.k.map((key, i) => [letter(i), pair(key), pair(state.v[i]), fixed(now.scores[i]), percent(now.pattern[i], 1),
      now.d.k[i].map((value) => brief(value)).join(", ")]).concat([["all", "", pair(now.z), "", percent(1), ""]]),
  }),
  code,
});

const pair = (place) => place.map((value) => fixed(value, 2)).join(", ");
