// How the whole machine is drawn: the matrices of a zoom one after another, what is asked, and the numbers behind it.

import { cells, label, line, mosaic, rect } from "../core/chart.js";
import { amount, color, glyph, largest, signed } from "../core/color.js";
import { h } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { clamp } from "../core/math.js";
import { picture, pressable, pressed, walked } from "../core/ui.js";
import { BREAK, short } from "./panels.js";

const LEFT = 54, ROW = 13, ONE = 20, HEAD = 34, GAP = 14, SIGN = 18, DOOR = 62; // px
/** Pixels of a cell, by the number of columns: on a page's width, three stretches of the stream stand side by side. */
function sized(n, width) {
  if (width < 520) return { 8: 15, 16: 8, 20: 30, 64: 2.8, 256: 2.3 }[n];
  const stream = Math.min(3.2, (width - LEFT - 80) / 192), rest = width - LEFT - 64 * stream;
  return { 8: Math.min(15, (rest - 224) / 16), 16: Math.min(8, (rest - 82) / 48), 20: 30, 64: stream, 256: 2.3 }[n];
}

/** Where each item stands: in lines, left to right; the first of a line has the names of the rows beside it. */
function placed(items, width) {
  let x = LEFT, y = HEAD, tall = 0;
  const next = () => { if (tall) y += tall + HEAD; [x, tall] = [LEFT, 0]; };
  const places = items.flatMap((item) => {
    const n = item.value?.[0].length, cell = n && Math.min(sized(n, width), (width - LEFT - 2) / n);
    const w = n ? n * cell : item.to ? DOOR : SIGN, fits = x + w <= width;
    if (item === BREAK || (!fits && x > LEFT)) next();
    if (item === BREAK || (!n && !item.to && (!fits || x === LEFT))) return [];
    const row = item.rows?.length === 1 ? ONE : ROW, place = { item, x, y, w, cell, row, first: x === LEFT };
    x += w + (n ? GAP : 6);
    tall = Math.max(tall, n ? item.rows.length * row + (item.columns ? 16 : 4) : 8 * ROW);
    return [place];
  });
  return { places, bottom: y + tall };
}

/** The numbers, their names, and an area that is pressed or walked over with the arrow keys. */
function matrix(place, now, lab) {
  const { item, x, y, w, cell, row: tall } = place, { value, drawn, rows, columns, limit, paint: kind, role, words, name } = item;
  const last = value[0].length - 1, isAsked = item === now.at;
  const ask = (row, column) => lab.set({ asked: name, row: clamp(row, 0, rows.length - 1), column: clamp(column, 0, last),
    ...(item.head === undefined ? {} : { head: item.head }) });
  const row = isAsked ? now.row : rows.length - 1, column = isAsked ? now.column : 0;
  const numbers = last < 20 && cell >= 8 ? cells : small;
  return h("g", {}, h("g", { "aria-hidden": true },
    h("text", { x, y: y - 18, class: "cell" }, h("tspan", { fill: color(role) }, glyph(role)), ` ${words}`),
    label(x, y - 6, short(name), "code cell soft"),
    numbers(drawn, { x, y, w: cell, tall, kind, limit, format: (number) => fixed(number, number > -9.95 ? 1 : 0) }),
    columns ? columns.map((word, i) => label(x + (i + 0.5) * cell, y + rows.length * tall + 12, fitting(word, cell),
      `code cell middle${isAsked && i === column ? " strong" : " soft"}`)) : null),
  framed(place, now),
  h("rect", { x, y, width: w, height: rows.length * tall, fill: "transparent",
    ...walked(lab, { label: `${words}, ${short(name)}`, value: row * (last + 1) + column, low: 0,
      high: rows.length * (last + 1) - 1, shown: `row ${rows[row]}, column ${columns?.[column] ?? column}: ${fixed(value[row][column])}`,
      nudge: (dx, dy) => ask(row - dy, column + dx) }),
    ...pressable((point) => ask(Math.floor((point.y - y) / tall), Math.floor((point.x - x) / cell))) }),
  item.to ? pressed(() => lab.set(item.to), { "aria-label": `Look into ${words}`, x: x + w - 30, y: y - 30, width: 30, height: 28 },
    label(x + w, y - 6, "open", "code cell end")) : null);
}

const fitting = (word, width) => (word.length * 7 > width + 2 ? word[0] : word);

const small = (value, { x, y, w, tall, kind, limit }) =>
  mosaic(value.flat(), value[0].length, { x, y, cell: w, tall, kind, limit });

/** A frame around what is asked, and thin ones around what it was made from. */
function framed({ item, x, y, w, cell, row: tall }, now) {
  const whole = item.rows.length * tall;
  const box = (row, column, style) => rect(x + (column ?? 0) * cell, y + (row ?? 0) * tall,
    column === null ? w : Math.max(cell, 3), row === null ? whole : tall, { class: style });
  const own = item.head === undefined || now.at.head === undefined || item.head === now.at.head;
  const from = own ? now.made.from.filter(([name]) => name === item.name) : [];
  return h("g", { "aria-hidden": true }, from.map(([, row, column]) => box(row, column, "lab-pick")),
    item === now.at ? box(now.row, now.column, "lab-now") : null);
}

const sign = ({ item, x, y }) => label(x + SIGN / 2, y + 4 * ROW + 5, item, "soft middle");

const door = ({ item, x, y, w }, lab) => pressed(() => lab.set(item.to),
  { "aria-label": `Look into ${item.words}`, x, y, width: w, height: 8 * ROW },
  rect(x, y, w, 8 * ROW, { class: "lab-token strong", rx: 4 }), label(x + w / 2, y + 4 * ROW - 2, item.words, "middle strong"),
  label(x + w / 2, y + 4 * ROW + 14, "open", "code cell middle"));

/** The tokens beside a line of matrices. */
function names({ item, y, row }, now) {
  const words = item.rows ?? now.run.question.words, at = now.at.rows.length === 1 ? words.length - 1 : now.row;
  return h("g", { "aria-hidden": true }, words.map((word, i) =>
    label(LEFT - 6, y + (i + 0.5) * row + 4, word, `code cell end${i === at ? " strong" : " soft"}`)));
}

const TALL = 112, MANY = 20;

/** The terms that add up to what is asked, a bar each. */
function bars({ at, made: { terms, says = "what adds up to it" } }, top, lab) {
  if (!terms.length) return null;
  const values = terms.map((term) => term.value), most = largest(values) || 1, low = Math.min(...values) < 0;
  const each = Math.min(30, (lab.width - LEFT - 2) / terms.length), zero = top + (low ? 54 : 92), unit = (low ? 40 : 78) / most;
  const paint = (value) => (at.kind === "amount" && !low ? amount(1) : signed(value, 1e-9));
  return h("g", { "aria-hidden": true }, label(0, top + 6, `${says}: ${terms.length} terms, the largest ${fixed(most, 2)}`, "soft cell"),
    values.map((value, i) => rect(LEFT + i * each + 0.5, value < 0 ? zero : zero - unit * value, Math.max(0.5, each - 1),
      Math.abs(unit * value), paint(value))),
    line(LEFT, zero, LEFT + terms.length * each, zero),
    terms.length <= MANY ? terms.map(({ name }, i) => label(LEFT + (i + 0.5) * each, top + 107, fitting(name, each),
      "code cell soft middle")) : null);
}

export function draw(state, now, lab) {
  const { places, bottom } = placed(now.items, lab.width);
  const one = (place) => [place.first ? names(place, now) : null,
    place.item.value ? matrix(place, now, lab) : place.item.to ? door(place, lab) : sign(place)];
  return picture(lab, bottom + 14 + TALL, places.map(one), bars(now, bottom + 14, lab));
}
