// What the model makes of one input: the pattern of every head, the likeliest answers, the logits of all tokens.

import { label, line, named, rect, tiles } from "../core/chart.js";
import { amount, color, largest } from "../core/color.js";
import { h } from "../core/draw.js";
import { fixed, percent } from "../core/format.js";
import { range } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";

const CONTEXT = 8, TITLE = 18, FOOT = 28;
const ORDER = [...range(10).map((digit) => 2 + digit), 0, 1, ...range(8).map((i) => 12 + i)]; // digits first

/** Heads (the patterns are [layer][head]) on the left and answers on the right; on a phone, beneath. */
export function layout(width, { length: n_layers, 0: { length: n_heads } }) {
  const wide = width >= 560, side = wide ? Math.min(0.33 * width, 250) : width;
  const left = wide ? 52 : 46, gap = wide ? 12 : 8, columns = wide ? n_heads : Math.ceil(n_heads / 2);
  const room = (wide ? width - side - 30 : width) - left - (columns - 1) * gap;
  const cell = Math.min(14, room / (columns * CONTEXT)), high = TITLE + CONTEXT * cell + FOOT;
  const tall = n_layers * (n_heads / columns) * high;
  return { wide, left, cell, gap, columns, high, x: wide ? width - side : 0, y: wide ? 0 : tall, side,
    bottom: wide ? Math.max(tall, 268) : tall + 276 };
}

/** A row a query, a column a key, for each head of each layer. The last row is the one that is read out. */
export function heads({ acts, input: { words } }, { wide, left, cell, gap, columns, high }) {
  const { length: n_layers, 0: { length: n_heads } } = acts.patterns, grid = CONTEXT * cell, lines = n_heads / columns;
  const xOf = (head) => left + (head % columns) * (grid + gap);
  const yOf = (layer, head = 0) => TITLE + (layer * lines + Math.floor(head / columns)) * high;
  const place = (i) => {
    const head = Math.floor(i / CONTEXT ** 2), query = Math.floor(i / CONTEXT) % CONTEXT;
    return [xOf(head % n_heads) + (i % CONTEXT) * cell, yOf(Math.floor(head / n_heads), head % n_heads) + query * cell];
  };
  const shades = tiles(acts.patterns.flat(3), place, { cell, kind: "amount" });
  return h("g", { "aria-hidden": true }, shades, range(n_layers).map((layer) => {
    const name = `layer ${layer}`, top = yOf(layer) - 6;
    return [wide ? named(0, top, "query", name) : label(0, top, name), range(lines).map((line) => words.map((word, t) =>
      label(left - 7, yOf(layer, line * columns) + (t + 0.5) * cell + 4, word,
        `code end cell ${t === CONTEXT - 1 ? "strong" : "soft"}`))),
    range(n_heads).map((head) => {
      const [x, y] = [xOf(head), yOf(layer, head)];
      return [label(x + grid / 2, y - 6, `head ${head}`, "soft middle"), rect(x, y, grid, grid, { class: "axis" }),
        rect(x, y + grid - cell, grid, cell, { class: "lab-pick" }), words.map((word, t) =>
          label(x + (t + 0.5) * cell, y + grid + 12, word[0], "code tiny soft middle"))];
    })];
  }), scale(yOf(n_layers - 1, n_heads - 1) + grid + 5));
}

/** What the shades mean. */
const scale = (y) => h("g", {}, label(0, y + 7, "0", "tiny soft"), label(38, y + 7, "1", "tiny soft end"),
  range(5).map((i) => rect(7 + 5 * i, y, 5, 7, amount(i, 4))), rect(7, y, 25, 7, { class: "axis" }));

/** The five likeliest tokens; a tick at the right one, a cross at the first where it is wrong. */
export function five({ acts, top, input: { answer } }, { x, y, side }) {
  const left = x + 52, full = side - 52 - 74, mark = (token, i) => (token === answer ? " ✓" : i ? "" : " ✗");
  return h("g", { "aria-hidden": true }, label(x, y + 12, "the five likeliest answers", "soft"), top.map((token, i) => {
    const upper = y + 20 + i * 20, wide = full * acts.probs[token], style = i ? "" : "strong";
    return [label(left - 8, upper + 14, TOKENS[token], `code end ${style}`),
      rect(left, upper + 2, wide, 15, amount(i ? 0.5 : 1)), line(left, upper, left, upper + 20),
      label(left + wide + 6, upper + 14, percent(acts.probs[token], 1) + mark(token, i), style)];
  }));
}

/** The logit of every token, digits first, as bars from zero. */
export function logits({ acts, top }, { x, y: above, side }) {
  const values = ORDER.map((token) => acts.logits[token]), limit = largest(values), half = 36, y = above + 138;
  const wide = side / ORDER.length, zero = y + 22 + half, tall = (value) => (half * Math.abs(value)) / limit;
  return h("g", { "aria-hidden": true }, label(x, y + 12, `logits of all tokens, up to ${fixed(limit, 1)}`, "soft"),
    values.map((value, i) => rect(x + i * wide + 1, value < 0 ? zero : zero - tall(value), wide - 2, tall(value),
      { fill: color(value < 0 ? "negative" : "positive"), "fill-opacity": ORDER[i] === top[0] ? 1 : 0.6 })),
    line(x, zero, x + side, zero),
    ORDER.map((token, i) => under(TOKENS[token], x + (i + 0.5) * wide, zero + half + 12, i < 10 ? "" : "soft")));
}

/** A token's name under its bar; words stand upright. */
const under = (name, x, y, style) => (name.length === 1 ? label(x, y, name, `code tiny middle ${style}`)
  : h("text", { class: `code tiny end ${style}`, transform: `translate(${x + 3} ${y - 7}) rotate(-90)` },
    name.replace(/[[\]]/g, "")));
