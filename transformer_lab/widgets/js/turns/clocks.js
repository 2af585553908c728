// A query and a key whose pairs are turned by their places: clocks, and what the score does when both move together.

import { bottomAxis, label, line, linear, named, path, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { clamp, dot, range, sum } from "../core/math.js";
import { frequencies, sinusoid } from "../core/sinusoids.js";
import { handle } from "../core/ui.js";

const N = 128, TRAINED = 32, WIDTH = 16;
const OMEGA = frequencies(WIDTH, 10000), FULL = 2 * Math.PI, CURVE = 84;

/** Before it is turned every pair of both rows is (1, 0). */
const PLAIN = range(WIDTH).map((i) => 1 - (i % 2));
const summed = (t) => PLAIN.map((value, i) => value + sinusoid(t, WIDTH, 10000)[i]);

export const scoreOf = ({ how, squeeze }, query, key) => (how === "added" ? dot(summed(query), summed(key))
  : sum(OMEGA.map((omega) => Math.cos(omega * (query - key) / squeeze))));

/** Whether training has met this angle between the hands of a pair: distances 0 to 31, or all the way round. */
const met = (omega, angle) => omega * (TRAINED - 1) >= FULL || angle <= omega * (TRAINED - 1) + 1e-9;

export function turned(state) {
  const { query, squeeze } = state, key = Math.min(state.key, query), offset = query - key;
  const angles = OMEGA.map((omega) => omega * offset / squeeze);
  return { key, offset, angles, omega: OMEGA, met: OMEGA.map((omega, i) => met(omega, angles[i])),
    hands: [query, key].map((t) => OMEGA.map((omega) => omega * t / squeeze)),
    score: scoreOf(state, query, key), along: range(N - offset).map((j) => scoreOf(state, j + offset, j)) };
}

export const movedQuery = (state, now, t) => {
  const query = clamp(Math.round(t), now.offset, N - 1);
  return { query, key: query - now.offset };
};
export const movedKey = (state, t) => ({ key: clamp(Math.round(t), 0, state.query) });

function layout({ width }) {
  const across = width < 520 ? 4 : 8, cell = width / across, radius = Math.min(34, cell / 2 - 7), tall = 2 * radius + 44;
  const clocks = 74, bottom = clocks + (8 / across) * tall;
  return { across, cell, radius, tall, clocks, zero: bottom + 34, x: linear([0, N - 1], [34, width - 14]), height: bottom + CURVE + 84 };
}

const tip = (x, y, r, angle) => [x + r * Math.sin(angle), y - r * Math.cos(angle)]; // up is 0, turning as a clock does
const arc = (x, y, r, from, to) => {
  const [[x1, y1], [x2, y2]] = [from, to].map((angle) => tip(x, y, r, angle));
  return `M${x1.toFixed(1)} ${y1.toFixed(1)}A${r} ${r} 0 ${to - from > Math.PI ? 1 : 0} 1 ${x2.toFixed(1)} ${y2.toFixed(1)}`;
};
const diamond = (x, y, r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;

/** The rim is thick where training has been, seen from the key's hand. */
function clock(at, now, i, added) {
  const x = (i % at.across + 0.5) * at.cell, y = at.clocks + Math.floor(i / at.across) * at.tall + at.radius;
  const [q, k] = now.hands.map((hand) => hand[i]), [a, b] = [tip(x, y, at.radius - 5, q), tip(x, y, at.radius - 5, k)];
  const been = now.omega[i] * (TRAINED - 1), rim = { fill: "none", stroke: color("other"), "stroke-width": 4 };
  return h("g", {}, h("circle", { class: "axis", cx: x, cy: y, r: at.radius }),
    been < FULL ? h("path", { d: added ? "" : arc(x, y, at.radius, k, k + been), ...rim })
      : h("circle", { cx: x, cy: y, r: added ? 0 : at.radius, ...rim }),
    h("path", { d: path([[x, y], b]), stroke: color("key"), "stroke-width": 2, "stroke-dasharray": "4 2.5" }),
    h("path", { d: path([[x, y], a]), stroke: color("query"), "stroke-width": 2.4 }),
    h("circle", { cx: a[0], cy: a[1], r: 3, fill: color("query") }), h("path", { d: diamond(...b, 3.8), fill: color("key") }),
    label(x, y + at.radius + 16, fixed(now.angles[i], now.angles[i] < 0.1 ? 3 : 2), "middle"),
    now.met[i] || added ? null : label(x, y + at.radius + 30, "new", "strong middle tiny"));
}

function places(state, now, at, lab) {
  const [q, k] = [at.x(state.query), at.x(now.key)], y = 32, t = (place) => at.x.inverse(place);
  const grip = (options, x, shape, role, text, up) => {
    const end = x > lab.width - 100;
    return h("g", handle(lab, { low: 0, high: N - 1, across: true, ...options }),
      rect(x - 22, up ? y - 34 : y - 4, 44, 36, { fill: "transparent" }), shape,
      named(end ? x - 10 : x + 10, up ? y - 10 : y + 22, role, text, end ? "strong end" : "strong"));
  };
  return h("g", {}, line(at.x(0), y, at.x(N - 1), y), rect(at.x(0), y - 3, at.x(TRAINED - 1) - at.x(0), 6, { fill: color("line") }),
    grip({ label: "Query position", value: state.query, shown: `position ${state.query}`, move: ({ x }) => lab.set(movedQuery(state, now, t(x))),
      nudge: (dx) => lab.set(movedQuery(state, now, state.query + dx)) }, q,
    h("path", { d: `M${q - 8} ${y - 16}h16L${q} ${y}z`, fill: color("query") }), "query", `query ${state.query}`, true),
    grip({ label: "Key position", value: now.key, shown: `position ${now.key}, ${now.offset} before the query`,
      move: ({ x }) => lab.set(movedKey(state, t(x))), nudge: (dx) => lab.set(movedKey(state, now.key + dx)) }, k,
    h("path", { d: diamond(k, y + 9, 8), fill: color("key") }), "key", `key ${now.key}`, false));
}

/** The score at every place of the pair, the distance kept. */
function along(state, now, at) {
  const added = state.how === "added", top = at.zero, y = linear(added ? [0, 32] : [-8, 8], [top + CURVE, top]);
  const points = now.along.map((score, j) => [at.x(j + now.offset), y(score)]);
  return h("g", {}, label(0, top - 12, "score, when both move together", "soft"),
    (added ? [0, 16, 32] : [-8, 0, 8]).map((level) => [label(28, y(level) + 4, fixed(level, 0), "soft end"), line(at.x(0), y(level), at.x(N - 1), y(level))]),
    h("path", { d: points.length > 1 ? path(points) : "", fill: "none", stroke: color("ink"), "stroke-width": 1.6 }),
    h("circle", { cx: at.x(state.query), cy: y(now.score), r: 4.5, fill: color("ink") }),
    bottomAxis(at.x, top + CURVE + 4, [0, 31, 63, 95, 127], "position of the query"));
}

export function drawClocks(state, now, lab) {
  const at = layout(lab);
  return [at.height, part("places", places(state, now, at, lab)), part("clocks", OMEGA.map((_, i) => clock(at, now, i, state.how === "added"))),
    part("score", along(state, now, at))];
}
