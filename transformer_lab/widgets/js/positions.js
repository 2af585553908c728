// Waves and rotations of positions: each pair of a code is a wave over positions and a clock hand. Two places can be
// moved; the hands between them turn by the offset, and the dot product under the waves follows.

import { color, signed } from "./core/color.js";
import { h, part } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp, range } from "./core/math.js";
import { frequencies, scoresAgainst, sinusoid } from "./core/sinusoids.js";
import { button, choose, explorable, handle, picture } from "./core/ui.js";

export const N_CTX = 64;
const TOP = 30, CURVE = 120, GRIP = 9;
const WORDS = { [-1]: "before", 1: "after" };

/** Everything that follows from the state; a key beyond the ends stands at the end. */
export function compute({ d_model, base, position, offset, turned }) {
  const turn = turned ? offset : 0, key = inside(position + offset), omega = frequencies(d_model, base);
  const scores = scoresAgainst(position, turn, N_CTX, d_model, base);
  return { key, turn, omega, scores, query: sinusoid(position + turn, d_model, base),
    keyCode: sinusoid(key, d_model, base), score: scores[key] };
}

const inside = (t) => clamp(t, 0, N_CTX - 1);
const movedQuery = ({ offset }, t) => ({ position: clamp(Math.round(t), Math.max(0, -offset), Math.min(N_CTX - 1, N_CTX - 1 - offset)) });
const movedKey = ({ position }, t) => ({ offset: inside(Math.round(t)) - position });

/** Where things stand: the waves and the curve share one axis of positions; strip and clocks are beside them. */
function layout(state, lab) {
  const narrow = lab.width < 520, rows = state.d_model / 2, row = rows <= 4 ? 50 : 34;
  const left = narrow ? 46 : 56, cell = narrow ? 12 : 18, clock = row * 0.42;
  const strip = lab.width - 2 * clock - 2 * cell - 16, right = strip - 16;
  const bottom = TOP + rows * row, zero = bottom + 26 + CURVE / 2;
  return { narrow, rows, row, left, right, cell, clock, strip, bottom, zero, height: bottom + CURVE + 62,
    hand: lab.width - clock - 2, x: (t) => left + 6 + (t / (N_CTX - 1)) * (right - left - 12), middle: (i) => TOP + (i + 0.5) * row,
    t: (x) => ((x - left - 6) / (right - left - 12)) * (N_CTX - 1) };
}

const line = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

function wave(at, i, omega) {
  const size = at.row * 0.4, fine = range(4 * N_CTX - 3).map((n) => n / 4);
  const path = (f) => line(fine.map((t) => [at.x(t), at.middle(i) - size * f(omega * t)]));
  return h("g", {},
    h("text", { class: "soft", x: 0, y: at.middle(i) + 4 }, brief(2 * Math.PI / omega, at.narrow ? 2 : 3)),
    h("path", { class: "axis", d: `M${at.x(0)} ${at.middle(i)}H${at.x(N_CTX - 1)}` }),
    h("path", { d: path(Math.cos), fill: "none", stroke: color("residual"), "stroke-width": 1, "stroke-dasharray": "3 3" }),
    h("path", { d: path(Math.sin), fill: "none", stroke: color("residual"), "stroke-width": 1.8 }));
}

/** The two entries of a pair, as cells, for the query (left) and the hands of both on one clock. */
function pair(at, i, now) {
  const tip = (code, length) => [at.hand + length * code[2 * i], at.middle(i) - length * code[2 * i + 1]];
  const [query, key] = [tip(now.query, at.clock * 0.92), tip(now.keyCode, at.clock * 0.92)];
  return h("g", {},
    [0, 1].map((j) => h("rect", { x: at.strip + j * at.cell, y: at.middle(i) - at.row * 0.4, width: at.cell - 1, height: at.row * 0.8,
      stroke: color("line"), ...signed(now.query[2 * i + j]) })),
    [0, 1].map((j) => now.query[2 * i + j] < -0.2 && h("rect", { x: at.strip + (j + 0.25) * at.cell,
      y: at.middle(i) - 0.75, width: at.cell / 2 - 1, height: 1.5, fill: color("page") })),
    h("circle", { class: "axis", cx: at.hand, cy: at.middle(i), r: at.clock }),
    h("path", { d: line([[at.hand, at.middle(i)], key]), stroke: color("key"), "stroke-width": 2, "stroke-dasharray": "4 2.5" }),
    h("path", { d: line([[at.hand, at.middle(i)], query]), stroke: color("query"), "stroke-width": 2.4 }),
    h("circle", { cx: query[0], cy: query[1], r: 2.6, fill: color("query") }),
    h("path", { d: diamond(...key, 3.6), fill: color("key") }));
}

const diamond = (x, y, r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;
const pointer = (x, y, r) => `M${x - r} ${y - r}h${2 * r}L${x} ${y + r}z`;

function curve(at, now) {
  const scale = (CURVE / 2) / at.rows, y = (score) => at.zero - score * scale;
  return h("g", {},
    [at.rows, 0, -at.rows].map((level) => [
      h("text", { class: "soft", x: at.left - 6, y: y(level) + 4, "text-anchor": "end" }, fixed(level, 0)),
      h("path", { class: level ? "limit" : "axis", d: `M${at.x(0)} ${y(level)}H${at.x(N_CTX - 1)}`, opacity: level ? 0.5 : 1 })]),
    h("path", { d: line(now.scores.map((score, t) => [at.x(t), y(score)])), fill: "none", stroke: color("ink"), "stroke-width": 1.4 }),
    now.scores.map((score, t) => h("circle", { cx: at.x(t), cy: y(score), r: 1.8, fill: color("ink") })),
    h("path", { d: diamond(at.x(now.key), y(now.score), 6), fill: color("key") }),
    h("text", { class: "soft", x: 0, y: at.zero - CURVE / 2 - 8 }, at.narrow ? "dot product" : "dot product with every position"),
    h("text", { class: "soft", x: 0, y: 18 }, "period"),
    at.narrow ? null : h("text", { class: "soft", x: at.strip + at.cell, y: 18, "text-anchor": "middle" }, "sin cos"),
    h("text", { class: "strong", x: at.strip, y: at.zero + 4 }, fixed(now.score, 2)));
}

function grips(state, at, now, lab) {
  const query = at.x(state.position), key = at.x(now.key), foot = at.bottom + CURVE + 40;
  const grip = (options, x, y, text, shape) => h("g", handle(lab, options),
    h("rect", { x: x - 22, y: y - 22, width: 44, height: 44, fill: "transparent" }), shape,
    x > at.right - 60 ? h("text", { class: "strong", x: x - GRIP - 4, y: y + 5, "text-anchor": "end" }, text)
      : h("text", { class: "strong", x: x + GRIP + 4, y: y + 5 }, text));
  return [
    h("path", { d: `M${query} ${TOP - 8}V${at.bottom}`, stroke: color("query"), "stroke-width": 1.6 }),
    h("path", { d: `M${key} ${TOP}V${foot - GRIP}`, stroke: color("key"), "stroke-width": 1.6, "stroke-dasharray": "5 3" }),
    grip({ label: "Query position", value: state.position, shown: `position ${state.position}`,
      across: true, move: ({ x }) => lab.set(movedQuery(state, at.t(x))), nudge: (dx) => lab.set(movedQuery(state, state.position + dx)) },
    query, 13, `query ${state.position}`, h("path", { d: pointer(query, 13, GRIP), fill: color("query") })),
    grip({ label: "Key position", value: now.key, shown: `position ${now.key}, offset ${state.offset}`,
      across: true, move: ({ x }) => lab.set(movedKey(state, at.t(x))), nudge: (dx) => lab.set(movedKey(state, now.key + dx)) },
    key, foot, `key ${now.key}`, h("path", { d: diamond(key, foot, GRIP), fill: color("key") })),
  ];
}

/** The same state in Python. */
export const code = (state, now) => [
  `from transformer_lab.byhand.positions import ${state.turned ? "shift_rotation, " : ""}sinusoids\n`,
  `codes = sinusoids(${N_CTX}, ${state.d_model}, base=${state.base})`,
  `query, key = codes[${state.position}], codes[${now.key}]`,
  ...(state.turned ? [`query = shift_rotation(${state.offset}, ${state.d_model}, base=${state.base}) @ query`] : []),
  `print(query @ key)   # ${now.score.toFixed(6)}`,
].join("\n");

export default explorable({
  title: "Waves and rotations of positions",
  instruction: "Drag the query or the key, or use the arrow keys.",
  defaults: { d_model: 8, base: 10000, position: 12, offset: 7, turned: false },
  compute,
  view(state, now, lab) {
    const at = layout(state, lab);
    return picture(lab, at.height, part("waves", now.omega.map((omega, i) => wave(at, i, omega))),
      part("hands", range(at.rows).map((i) => pair(at, i, now))), part("product", curve(at, now)), grips(state, at, now, lab));
  },
  controls: (state, now, lab) => [
    choose("Width", [[4, "4"], [8, "8"], [16, "16"]], state.d_model, (d_model) => lab.set({ d_model })),
    choose("Base", [[10, "10"], [100, "100"], [10000, "10,000"]], state.base, (base) => lab.set({ base })),
    button("Turn the query", () => lab.set({ turned: !state.turned }), { "aria-pressed": state.turned }),
  ],
  describe(state, now) {
    const { offset } = state, side = WORDS[Math.sign(offset)];
    const where = offset ? `The key stands ${Math.abs(offset)} ${side} the query` : "The key stands where the query stands";
    const fast = fixed(offset * now.omega[0], 2), slow = brief(offset * now.omega.at(-1));
    const peak = `The dot product is ${fixed(now.score, 2)} of at most ${state.d_model / 2}`;
    return state.turned ? `${where}. The query is turned by the offset, so every hand lies on the key's. ${peak}.`
      : `${where}: the fastest hand turns by ${fast} radians, the slowest by ${slow}. ${peak}, wherever the two stand.`;
  },
  table: (state, now) => ({
    caption: `Query at ${state.position}${state.turned ? `, turned by ${state.offset}` : ""}, key at ${now.key}: `
      + `the products sum to ${fixed(now.score, 4)}`,
    columns: ["pair", "radians a step", "period", "query sin", "query cos", "key sin", "key cos", "product"],
    rows: now.omega.map((omega, i) => {
      const [qs, qc, ks, kc] = [now.query[2 * i], now.query[2 * i + 1], now.keyCode[2 * i], now.keyCode[2 * i + 1]];
      return [String(i), brief(omega), brief(2 * Math.PI / omega), ...[qs, qc, ks, kc, qs * ks + qc * kc].map((value) => fixed(value, 4))];
    }),
  }),
  code,
});
