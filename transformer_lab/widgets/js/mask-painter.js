// Paint a mask: which keys a query may read in one layer, what it can know of after more, and whose mask that is.

import { label, rect } from "./core/chart.js";
import { amount, color } from "./core/color.js";
import { h, part } from "./core/draw.js";
import { clamp, range, sum } from "./core/math.js";
import { choose, draggable, explorable, picture, slider, walked } from "./core/ui.js";
import { N, NAMES, SOURCE, familyOf, layersToKnow, maskOf } from "./painter/mask.js";

const TOP = 40, LEFT = 22;
const count = (cells) => sum(cells.map((row) => row.filter(Boolean).length));
const sourceOf = ({ preset }) => (preset === "encoder-decoder" ? SOURCE : 0);

function compute(state) {
  const mask = maskOf(state), needed = layersToKnow(mask), source = sourceOf(state);
  const known = needed.map((row) => row.map((n) => n > 0 && n <= state.layers));
  const peeks = range(N - 1).filter((query) => query >= source && known[query][query + 1]).length; // sources are not asked for
  return { mask, needed, known, open: count(mask), knows: count(known), family: familyOf(mask, source), peeks };
}

/** Numbers of queries and keys around a grid, and a line between source and target. */
const frame = (state, left, cell, title) => h("g", { "aria-hidden": true }, label(left, 13, title, "strong"),
  label(left + N * cell, 30, "key", "soft tiny end"),
  range(N).map((i) => [i < N - 1 ? label(left + (i + 0.5) * cell, 30, String(i), "soft tiny middle") : null,
    label(left - 5, TOP + (i + 0.5) * cell + 4, String(i), "soft tiny end")]));

const border = (state, left, cell) => (sourceOf(state) ? h("path", { "aria-hidden": true, fill: "none", stroke: color("ink"), "stroke-width": 2,
  d: `M${left} ${TOP + SOURCE * cell}h${N * cell}M${left + SOURCE * cell} ${TOP}v${N * cell}` }) : null);

const turned = (edits, row, column) => (edits.some(([a, b]) => a === row && b === column)
  ? edits.filter(([a, b]) => a !== row || b !== column) : [...edits, [row, column]]);

let brush = null; // whether a stroke opens cells or closes them: what its first cell becomes

function canvas(state, { mask }, lab, left, cell) {
  const at = (query, key) => ({ row: clamp(query, 0, N - 1), column: clamp(key, 0, N - 1) });
  const { row, column } = state, turn = (q, k) => lab.set({ row: q, column: k, edits: turned(state.edits, q, k) });
  const paint = ({ x, y }) => {
    const to = at(Math.floor((y - TOP) / cell), Math.floor((x - left) / cell)), open = mask[to.row][to.column];
    brush ??= !open;
    if (open !== brush) turn(to.row, to.column);
  };
  const walk = walked(lab, { label: "Cell of the mask", value: row * N + column, low: 0, high: N * N - 1,
    shown: `query ${row}, key ${column}: ${mask[row][column] ? "open" : "closed"}`, nudge: (dx, dy) => lab.set(at(row - dy, column + dx)) });
  const drag = draggable(lab, paint, true);
  const onkeydown = (event) => {
    if (!/^(Enter| )$/.test(event.key)) return walk.onkeydown(event);
    event.preventDefault();
    turn(row, column);
  };
  return part("mask", frame(state, left, cell, "What a query reads"), h("g", { "aria-hidden": true },
    mask.map((cells, q) => cells.map((open, k) => rect(left + k * cell + 0.5, TOP + q * cell + 0.5, cell - 1, cell - 1,
      { class: "lab-cell", ...(open ? amount(0.5) : { fill: color("page") }) })))),
  border(state, left, cell), rect(left + column * cell, TOP + row * cell, cell, cell, { class: "lab-now" }),
  rect(left, TOP, N * cell, N * cell, { fill: "transparent", ...drag, ...walk, onkeydown,
    onpointerdown: (event) => { brush = null; drag.onpointerdown(event); } }));
}

const layers = (state, { needed }, left, cell) => part("known", frame(state, left, cell, `What it knows of after ${state.layers} layer${state.layers > 1 ? "s" : ""}`),
  h("g", { "aria-hidden": true }, needed.map((row, q) => row.map((n, k) => {
    const known = n > 0 && n <= state.layers;
    return [rect(left + k * cell + 0.5, TOP + q * cell + 0.5, cell - 1, cell - 1, { class: "lab-cell", ...(known ? amount(0.4 / n) : { fill: color("page") }) }),
      label(left + (k + 0.5) * cell, TOP + (q + 0.5) * cell + 4, known ? String(n) : "", "tiny middle")];
  }))), border(state, left, cell));

function view(state, now, lab) {
  const wide = lab.width >= 560, room = wide ? (lab.width - 60) / 2 : lab.width, cell = Math.min(36, Math.floor((room - LEFT) / N));
  const tall = TOP + N * cell + 6, mine = canvas(state, now, lab, LEFT, cell);
  const other = layers(state, now, wide ? lab.width - N * cell - 1 : LEFT, cell);
  return wide ? picture(lab, tall, mine, other) : picture(lab, 2 * tall + 8, mine, h("g", { transform: `translate(0 ${tall + 8})` }, other));
}

const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

function describe(state, { open, knows, family, peeks }) {
  const next = peeks === 0 ? "No query that is asked for the next token can know it." : peeks === 1
    ? "One query can know the token after it; asked for it, a model would copy." : `${peeks} queries can know the token after them; asked for it, a model would copy.`;
  return `This mask is ${family === "none of these" ? family : `“${family}”`}. ${open} of ${N * N} cells are open; through ${many(state.layers, "layer")} `
    + `queries can know of keys in ${knows} of ${N * N} cells. ${next}`;
}

export default explorable({
  title: "Paint a mask",
  instruction: "Press a cell to open or close it, or draw over several.",
  defaults: { preset: "causal", edits: [], layers: 1, row: 3, column: 4 },
  compute, view, describe,
  controls: (state, now, lab) => [
    choose("Mask", NAMES.map((name) => [name, name]), state.edits.length ? null : state.preset, (preset) => lab.set({ preset, edits: [] })),
    slider("layers", { min: 1, max: N - 1, step: 1, value: state.layers }, (to) => lab.set({ layers: to })),
  ],
  table: (state, { mask, needed, family }) => ({ caption: `Every query of the mask (${family})`,
    columns: ["query", "reads", `knows of after ${many(state.layers, "layer")}`, "never knows of"],
    rows: mask.map((row, q) => [String(q), ...[row, needed[q].map((n) => n > 0 && n <= state.layers), needed[q].map((n) => n === 0)]
      .map((cells) => range(N).filter((k) => cells[k]).join(" ") || "–")]) }),
  code: ({ preset, edits, layers: n }, { family }) => `from transformer_lab.widgets import MaskPainter

lab = MaskPainter(preset="${preset}", layers=${n},
                  edits=${JSON.stringify(edits).replaceAll(",", ", ")})
print(lab.family)  # ${family}
print(float(lab.mask.sum()), float(lab.known.sum()))`,
});
