// The other views: what keys score against the last token's query, and the attention of the whole sequence.

import { cells, dot, label, line, rect } from "../core/chart.js";
import { color, largest } from "../core/color.js";
import { h } from "../core/draw.js";
import { fixed } from "../core/format.js";
import { range } from "../core/math.js";
import { EVEN } from "./book.js";
import { every } from "./model.js";
import { word } from "./sequence.js";

const KEYS = 0.56; // of the height
const diamond = ([x, y], r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;

/** All 96 keys in their plane with the query as a direction, and the score of each with it. */
export function scores(now, { left, top, size }) {
  const { plane, tokens, acts } = now, t = tokens.length - 1, keys = every(plane, plane.k), tall = size * KEYS;
  const unit = Math.min(size, tall) / 2.2 / (largest(keys) || 1), at = ([x, y]) => [left + size / 2 + x * unit, top + tall / 2 - y * unit];
  const q = acts.q[t], long = Math.hypot(...q) || 1, [ux, uy] = [q[0] / long, -q[1] / long], [mx, my] = at([0, 0]);
  const reach = Math.min(tall / 2, size / 2) - 12, tip = [mx + ux * reach, my + uy * reach];
  const shown = keys.slice(0, t + 1), used = (i, token) => tokens[i] === token;
  const points = (chosen) => shown.flatMap((row, i) => row.flatMap((key, token) => (chosen(i, token) ? diamond(at(key), used(i, token) ? 6 : 3.4) : []))).join("");
  return h("g", { "aria-hidden": true }, rect(left + 0.5, top + 0.5, size - 1, tall - 1, { class: "axis" }),
    line(mx - uy * reach, my + ux * reach, mx + uy * reach, my - ux * reach, "limit"),
    h("path", { d: points((i, token) => !EVEN.includes(token) && !used(i, token)), fill: color("other"), "fill-opacity": 0.6 }),
    h("path", { d: points((i, token) => EVEN.includes(token) && !used(i, token)), fill: "none", stroke: color("key") }),
    h("path", { d: points(used), fill: color("key") }),
    h("path", { d: `M${mx} ${my}L${tip[0]} ${tip[1]}`, stroke: color("query"), "stroke-width": 2.2 }),
    h("path", { d: "M12 0L-6 -6.5V6.5z", transform: `translate(${tip[0]} ${tip[1]}) rotate(${(Math.atan2(uy, ux) * 180) / Math.PI})`, fill: color("query") }),
    tokens.map((token, i) => { const [x, y] = at(keys[i][token]); return label(Math.min(left + size - 12, x + 8), y + 4, word(token), "code cell halo"); }),
    label(left + 6, top + 16, `keys, and the query of ${word(tokens[t])}; dashed: score 0`, "soft cell halo"),
    table(now, left, top + tall + 34, size, size - tall - 34));
}

/** A row a position, a column a token. */
function table({ plane: { q, k, layout: { d_vocab: V } }, tokens }, left, top, width, height) {
  const t = tokens.length - 1, n = 2 * (t * V + tokens[t]), w = (width - 22) / V, tall = height / (t + 1);
  const rows = range(t + 1).map((i) => range(V).map((token) => (q[n] * k[2 * (i * V + token)] + q[n + 1] * k[2 * (i * V + token) + 1]) / Math.SQRT2));
  return [label(left, top - 20, "score with each token in each position", "soft cell"),
    range(V).map((token) => label(left + 22 + (token + 0.5) * w, top - 5, word(token), "code cell soft middle")),
    range(t + 1).map((i) => label(left + 8, top + (i + 0.5) * tall + 4, String(i), "code cell soft middle")),
    cells(rows, { x: left + 22, y: top, w, tall: Math.min(tall, 20), kind: "signed", limit: largest(rows), format: (value) => fixed(value, 0) }),
    tokens.map((token, i) => rect(left + 22 + token * w, top + i * Math.min(tall, 20), w, Math.min(tall, 20), { class: "lab-pick" }))];
}

/** Who reads whom: a row a query, a column a key. */
export function attention({ acts: { pattern }, tokens }, { left, top, size }) {
  const n = tokens.length, w = Math.min(44, (size - 50) / n), y = top + 44, rows = pattern.map((row) => [...row, ...new Array(n - row.length).fill(0)]);
  const last = pattern[n - 1], most = last.indexOf(Math.max(...last));
  return h("g", { "aria-hidden": true }, label(left, top + 12, "attention: each row adds up to 1", "soft cell"),
    tokens.map((token, i) => [label(left + 24 + (i + 0.5) * w, y - 7, word(token), `code middle ${i === most ? "strong" : "soft"}`),
      label(left + 10, y + (i + 0.5) * w + 4, word(token), `code middle ${i === n - 1 ? "strong" : "soft"}`)]),
    dot(left + 24 + (most + 0.5) * w, y - 26, 3.5, color("key")),
    cells(rows, { x: left + 24, y, w, kind: "amount", limit: 1, format: (value) => fixed(value, 2) }),
    rect(left + 24, y + (n - 1) * w, n * w, w, { class: "lab-now" }));
}
