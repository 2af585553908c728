// Attention tile by tile on eight queries and eight keys: of the scores of a tile each query keeps three numbers.

import { bottomAxis, cells, label, line, linear, named, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { clamp, range, softmax } from "../core/math.js";
import { pressable, walked } from "../core/ui.js";

export const N = 8;
export const VALUES = [4, 1, 6, 3, 8, 2, 7, 5];
/** Scores without a pattern, in tenths. */
export const SCORES = range(N).map((i) => range(N).map((j) => Math.round(30 * Math.sin(1.7 * i + 2.3 * j + 0.5 * i * j)) / 10));
export const DENSE = SCORES.map((row) => softmax(row).reduce((sum, share, j) => sum + share * VALUES[j], 0));
export const ORDERS = ["forwards", "backwards", "shuffled"];

/** Tiles [first row, first column], in the order in which they are read. */
export function tilesOf(side, order) {
  const starts = range(N / side).map((i) => i * side), tiles = starts.flatMap((i) => starts.map((j) => [i, j]));
  if (order === "shuffled") return tiles.map((_, n) => tiles[(n * 5 + 3) % tiles.length]); // 5 shares no factor with a power of two
  return order === "backwards" ? tiles.toReversed() : tiles;
}

/** eq-online-softmax for one query; without the rescaling what was summed before is left as it was. */
export function takeIn({ m, l, o }, scores, values, rescale) {
  const top = Math.max(m, ...scores), old = rescale ? Math.exp(m - top) : 1, powers = scores.map((s) => Math.exp(s - top));
  return { m: top, l: old * l + powers.reduce((a, b) => a + b), o: old * o + powers.reduce((a, p, j) => a + p * values[j], 0) };
}

/** What every query has kept after so many tiles. */
export function walk({ side, order, step, rescale }) {
  const tiles = tilesOf(side, order), read = Math.min(step, tiles.length), kept = SCORES.map(() => ({ m: -Infinity, l: 0, o: 0 }));
  for (const [i, j] of tiles.slice(0, read)) {
    for (const query of range(side).map((r) => i + r)) {
      kept[query] = takeIn(kept[query], SCORES[query].slice(j, j + side), VALUES.slice(j, j + side), rescale);
    }
  }
  const answers = kept.map(({ l, o }) => (l ? o / l : null));
  return { tiles, read, kept, answers, off: Math.max(0, ...answers.map((z, i) => (z === null ? 0 : Math.abs(z - DENSE[i])))) };
}

const TOP = 34;

/** The table of scores; only those of the tile that was read last are there. */
function table(state, { tiles, read }, lab, left, cell) {
  const last = tiles[read - 1], side = state.side, place = (i) => left + i * cell;
  const pick = (query) => lab.set({ query: clamp(query, 0, N - 1) });
  return part("tile", h("g", { "aria-hidden": true },
    range(N).map((i) => label(left - 6, TOP + (i + 0.5) * cell + 4, String(i), i === state.query ? "strong end" : "soft end")),
    range(N).map((j) => label(place(j + 0.5), TOP - 6, String(j), "soft middle")),
    tiles.slice(0, Math.max(0, read - 1)).map(([i, j]) => rect(place(j) + 1, TOP + i * cell + 1, side * cell - 2, side * cell - 2,
      { fill: color("line"), "fill-opacity": 0.35 })),
    last && cells(range(side).map((r) => SCORES[last[0] + r].slice(last[1], last[1] + side)),
      { x: place(last[1]), y: TOP + last[0] * cell, w: cell, limit: 3, format: (value) => fixed(value, 1) }),
    range(N / side + 1).map((i) => [line(place(i * side), TOP, place(i * side), TOP + N * cell), line(left, TOP + i * side * cell, left + N * cell, TOP + i * side * cell)]),
    last && rect(place(last[1]), TOP + last[0] * cell, side * cell, side * cell, { class: "lab-now" }),
    rect(left, TOP + state.query * cell, N * cell, cell, { class: "lab-pick" })),
  rect(left, TOP, N * cell, N * cell, { fill: "transparent", ...walked(lab, { label: "Query that is followed", value: state.query, low: 0, high: N - 1,
    shown: `query ${state.query}`, nudge: (dx, dy) => pick(state.query + dx - dy) }), ...pressable(({ y }) => pick(Math.floor((y - TOP) / cell))) }));
}

/** A line a query: the answer so far, and that of dense attention. */
function answers(state, now, left, right, cell) {
  const x = linear([0, 9], [left, right]), middle = (i) => TOP + (i + 0.5) * cell;
  return part("answers", h("g", { "aria-hidden": true }, named(left, 14, "value", right - left < 200 ? "so far" : "answer so far"),
    label(right, 14, "¦ dense", "end"), bottomAxis(x, TOP + N * cell, [0, 3, 6, 9], "value"),
    now.answers.map((z, i) => [line(left, middle(i), right, middle(i)),
      line(x(DENSE[i]), middle(i) - 9, x(DENSE[i]), middle(i) + 9, "limit"),
      z === null ? null : h("circle", { cx: x(clamp(z, 0, 9)), cy: middle(i), r: i === state.query ? 6.5 : 4.5, fill: color("value") })])));
}

/** The three numbers of every query. */
const numbers = (state, { kept }, left, cell) => h("g", { "aria-hidden": true },
  label(left + 48, TOP - 6, "largest", "soft end"), label(left + 108, TOP - 6, "sum", "soft end"),
  kept.map(({ m, l }, i) => [m, l].map((value, n) => label(left + 48 + 60 * n, TOP + (i + 0.5) * cell + 4,
    l ? fixed(value, 2 - !n) : "–", i === state.query ? "strong end" : "soft end"))));

export function drawTiles(state, now, lab) {
  const wide = lab.width >= 560, cell = wide ? 36 : 21, left = 18, edge = left + N * cell;
  const start = edge + (wide ? 140 : 14);
  return [TOP + N * cell + 46, table(state, now, lab, left, cell), wide ? numbers(state, now, edge + 8, cell) : null,
    answers(state, now, start, lab.width - 10, cell)];
}
