// Losses by position in windows four times as long as in training, from the record: every code, and one of them in
// another way as well.

import { bottomAxis, label, leftAxis, line, linear, path } from "../core/chart.js";
import { color } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { clamp, mean, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { handle } from "../core/ui.js";

export const GROUP = 4;
const TRAINED = 32, FAR = 128;
export const CODES = ["none", "learned", "sinusoidal", "rotary", "alibi", "relative"];
export const WAYS = { plain: "as it is", near: "only the last 32", last: "last row again", again: "rows again from 0", squeezed: "places squeezed" };
const HAS = { none: ["near"], learned: ["last", "again", "squeezed"], sinusoidal: ["squeezed"], rotary: ["squeezed", "near"],
  alibi: ["near"], relative: ["near"] };
const RANGE = [1.9, 3.7], TALL = 250;

const book = opened(({ array, facts }) => ({ plain: array("plain"), changed: array("changed"), ways: facts.ways }));

const inside = (length) => clamp(GROUP * Math.round(length / GROUP), TRAINED, FAR);

const TITLES = { none: "no code", alibi: "ALiBi", relative: "relative bias" };
export const titleOf = (code) => TITLES[code] ?? code;

export const waysOf = (code) => ["plain", ...HAS[code]];

/** Of each code the mean loss in windows of the length, as it is; and of the chosen one in the chosen way. */
export function judged(state, data) {
  const { plain, changed, ways } = book(data), at = CODES.indexOf(state.code);
  const way = waysOf(state.code).includes(state.way) ? state.way : "plain", groups = Math.round(state.length / GROUP);
  const other = way === "plain" ? null : changed[ways.indexOf(way)][at];
  return { way, groups, curves: plain, other, means: plain.map((losses) => mean(losses.slice(0, groups))),
    otherMean: other && mean(other.slice(0, groups)), lasts: plain.map((losses) => losses[groups - 1]), otherLast: other && other[groups - 1] };
}

/** Heights of names that do not lie on each other, each as near to its own as can be. */
function apart(heights, gap) {
  const order = range(heights.length).sort((i, j) => heights[i] - heights[j]), placed = [];
  order.forEach((i, n) => { placed[i] = n ? Math.max(heights[i], placed[order[n - 1]] + gap) : heights[i]; });
  return placed;
}

export function drawLengths(state, now, lab) {
  const left = 36, top = 26, right = lab.width - 118, y = linear(RANGE, [top + TALL, top]), x = linear([0, FAR], [left, right]);
  const middle = (i) => x((i + 0.5) * GROUP), chosen = CODES.indexOf(state.code), cut = x(state.length);
  const shape = (losses) => path(losses.slice(0, now.groups).map((loss, i) => [middle(i), y(Math.min(loss, RANGE[1]))]));
  const names = [...CODES.map(titleOf), ...(now.other ? [WAYS[now.way]] : [])], ends = [...now.lasts, ...(now.other ? [now.otherLast] : [])];
  const heights = apart(ends.map((loss) => y(Math.min(loss, RANGE[1]))), 15);
  const ofChosen = (i) => i === chosen || i === CODES.length;
  return [top + TALL + 52, part("axes", leftAxis(y, left, [2, 2.5, 3, 3.5], "nats a character"),
    bottomAxis(x, top + TALL, [0, 32, 64, 96, 128], "characters before it"),
    line(x(TRAINED), top, x(TRAINED), top + TALL, "limit"), label(x(TRAINED) + 4, top - 6, "trained length", "soft")),
  part("losses", now.curves.map((losses, i) => h("path", { d: shape(losses), fill: "none",
    stroke: color(i === chosen ? "link" : "other"), "stroke-width": i === chosen ? 2.6 : 1.4 })),
  h("path", { d: now.other ? shape(now.other) : "", fill: "none", stroke: color("link"), "stroke-width": 2.2, "stroke-dasharray": "6 3" }),
  line(cut, top, cut, top + TALL, { class: "", stroke: color("ink"), "stroke-width": 1.2 }),
  h("circle", { cx: cut, cy: top + TALL, r: 6, fill: color("ink") }),
  names.map((name, i) => label(Math.min(cut, right) + 8, heights[i] + 4, name, ofChosen(i) ? "strong halo" : "soft halo"))),
  h("rect", { x: left, y: top, width: right - left + 12, height: TALL + 14, fill: "transparent", ...handle(lab, {
    label: "Length of the windows", value: state.length, low: TRAINED, high: FAR, shown: `${state.length} characters`, across: true,
    move: (point) => lab.set({ length: inside(x.inverse(point.x)) }), nudge: (dx) => lab.set({ length: inside(state.length + GROUP * dx) }) }) })];
}

export const said = (state, now) => {
  const at = CODES.indexOf(state.code), other = now.other ? ` ${sentence(WAYS[now.way])}: ${fixed(now.otherMean, 2)}.` : "";
  return `In windows of ${state.length} characters, ${fixed(state.length / TRAINED, 2)} times the trained length, ${titleOf(state.code)} `
    + `loses ${fixed(now.means[at], 2)} nats a character.${other}`;
};
const sentence = (text) => text[0].toUpperCase() + text.slice(1);

export const lengthsTable = (state, now) => ({ caption: `Nats a character in windows of ${state.length} characters: on average, and over the last four`,
  columns: ["code", "mean", "last four"],
  rows: [...CODES.map((code, i) => [titleOf(code), fixed(now.means[i]), fixed(now.lasts[i])]),
    ...(now.other ? [[`${titleOf(state.code)}, ${WAYS[now.way]}`, fixed(now.otherMean), fixed(now.otherLast)]] : [])] });
