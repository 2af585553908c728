// The text with each character as dark as it was unexpected, what may stand in the chosen place, and where each head looks.

import { label, line, rect, tiles } from "../core/chart.js";
import { amount, color } from "../core/color.js";
import { h } from "../core/draw.js";
import { fixed, percent } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { picture, pressable, walked } from "../core/ui.js";

const CELL = 8.4, LINE = 22, TOP = 30, BAR = 20, STRIP = 11, DARKEST = 9, LOUD = 0.6; // px; nats, and attention, at which a cell is darkest
const NARROW = 600;

/** How a character is written where it stands alone. */
export const spoken = (letter) => ({ "\n": "new line", " ": "space" })[letter] ?? letter;

/** Where each character stands: a line ends at a new line, or where there is no more room. */
function laid(letters, columns) {
  const places = [];
  let [row, column] = [0, 0];
  for (const letter of letters) {
    places.push({ row, column });
    column += 1;
    if (letter === "\n" || column >= columns) [row, column] = [row + 1, 0];
  }
  return places;
}

function lines(letters, places) {
  const rows = [];
  letters.forEach((letter, i) => { rows[places[i].row] = (rows[places[i].row] ?? "") + (letter === "\n" ? " " : letter); });
  return rows;
}

function text({ letters, given, at, surprises }, lab) {
  const columns = Math.floor(lab.width / CELL), places = laid(letters, columns), x = (i) => places[i].column * CELL;
  const y = (i) => TOP + places[i].row * LINE, bottom = TOP + (places.at(-1).row + 1) * LINE;
  const spot = (i) => [x(i), y(i)], go = (i) => lab.set({ at: clamp(i, 1, letters.length - 1) });
  const pick = (point) => {
    const row = Math.floor((point.y - TOP) / LINE), column = Math.floor(point.x / CELL);
    const there = places.findLastIndex((place) => place.row < row || (place.row === row && place.column <= column));
    go(there);
  };
  return { height: bottom, drawn: [
    label(0, 14, "darker: less expected; underlined: given", "soft"),
    tiles(surprises, spot, { cell: CELL, tall: LINE - 3, kind: "amount", limit: DARKEST }),
    h("g", {}, lines(letters, places).map((row, i) => h("text", { class: "code halo", x: 0, y: TOP + i * LINE + 14, style: "font-size:14px",
      "xml:space": "preserve", textLength: row.length * CELL, lengthAdjust: "spacing" }, row.replaceAll(" ", "\u00a0")))),
    h("path", { d: range(Math.min(given, letters.length)).map((i) => `M${x(i)} ${y(i) + LINE - 3}h${CELL}`).join(""), stroke: color("ink"), "stroke-width": 1.2 }),
    rect(x(at) - 1, y(at) - 1, CELL + 2, LINE - 1, { class: "lab-now", rx: 2 }),
    rect(0, TOP, lab.width, bottom - TOP, { fill: "transparent",
      ...walked(lab, { label: "Character", value: at, low: 1, high: letters.length - 1, shown: `${at + 1}: ${spoken(letters[at])}`,
        nudge: (dx, dy) => go(at + dx - 10 * dy) }), ...pressable(pick) })] };
}

function bars({ top, letters, at, order }, { x, width, y }) {
  const left = x + 66, long = width - 66 - 132, most = Math.max(...top.flatMap(({ share, counted }) => [share, counted]));
  const wide = (share) => Math.max(1, (long * share) / most);
  return { height: 40 + BAR * top.length, drawn: h("g", { "aria-hidden": true },
    label(x, y + 14, "in the marked place", "strong"), label(left, y + 34, `model, and below it the ${order}-gram`, "soft"),
    top.map(({ letter, share, counted }, i) => {
      const place = y + 42 + BAR * i, is = letter === letters[at] ? "strong" : "";
      return [label(left - 8, place + 12, spoken(letter), `code end ${is}`), line(left, place, left, place + BAR),
        rect(left, place + 2, wide(share), 9, amount(1)), rect(left, place + 12, wide(counted), 4, { fill: color("other") }),
        label(x + width, place + 13, `${percent(share, 1)} | ${percent(counted, 1)}`, `end ${is || "soft"}`)];
    })) };
}

function heads({ patterns, letters, at, start, n_heads }, { x, width, y }) {
  const most = Math.floor((width - 30) / CELL), read = patterns[0][0].length, shown = Math.min(read, most), from = read - shown;
  const row = (l, i) => y + 44 + (l * n_heads + i) * STRIP + l * 6;
  const cell = (place) => {
    const which = Math.floor(place / shown);
    return [x + 30 + (place % shown) * CELL, row(Math.floor(which / n_heads), which % n_heads)];
  };
  const before = letters.slice(start + from, start + read).map((letter) => (letter === "\n" ? " " : letter)).join("");
  return { height: row(patterns.length - 1, n_heads) - y + 8, drawn: h("g", { "aria-hidden": true },
    label(x, y + 14, "where each head looks for it", "strong"), label(x, y + 36, "layer", "cell soft"),
    h("text", { class: "code", x: x + 30, y: y + 36, style: "font-size:14px", textLength: shown * CELL, lengthAdjust: "spacing" },
      before.replaceAll(" ", "\u00a0")),
    tiles(patterns.flat().flatMap((pattern) => pattern.slice(from)), cell, { cell: CELL, tall: STRIP - 1, kind: "amount", limit: LOUD }),
    patterns.map((_, l) => [label(x, row(l, 0) + 14, String(l), "cell soft"),
      rect(x + 30, row(l, 0), shown * CELL, n_heads * STRIP - 1, { class: "axis" })])) };
}

export function drawn(now, lab) {
  const narrow = lab.width < NARROW, written = text(now, lab), y = written.height + 16, half = lab.width * 0.48;
  const likely = bars(now, { x: 0, width: narrow ? lab.width : half, y });
  const seen = heads(now, narrow ? { x: 0, width: lab.width, y: y + likely.height + 14 } : { x: lab.width - half, width: half, y });
  const height = narrow ? y + likely.height + 14 + seen.height : y + Math.max(likely.height, seen.height);
  return picture(lab, height + 6, written.drawn, likely.drawn, seen.drawn);
}

export const sentence = ({ letters, at, p, surprises }) =>
  `${spoken(letters[at])} had ${percent(p[at], 1)} (${fixed(surprises[at], 2)} nats)`;
