// What attention costs, in two views: the same answer from tiles of scores that are forgotten, and masks that leave scores
// out of a trained model, with what they save, what they reach and what they get wrong.

import { fixed, percent } from "./core/format.js";
import { sum } from "./core/math.js";
import { button, choose, explorable, menu, picture, slider } from "./core/ui.js";
import { CELLS, NAMES, bookOf, drawMask, judged, layersNeeded, maskOf } from "./cost/mask.js";
import { DENSE, N, ORDERS, SCORES, VALUES, drawTiles, tilesOf, walk } from "./cost/tiles.js";

export function compute(state, data) {
  if (state.view === "tiles") return walk(state);
  const book = bookOf(data), mask = maskOf(book, state), right = judged(book, mask), needed = layersNeeded(mask);
  const last = needed.at(-1);
  return { mask, right, needed, open: sum(mask.map((row) => row.filter(Boolean).length)), asked: book.asked.length,
    hits: sum(right.map(sum)), most: last.includes(0) ? 0 : Math.max(...last) };
}

const view = (state, now, lab) => picture(lab, ...(state.view === "tiles" ? drawTiles : drawMask)(state, now, lab));

function ofTiles(state, { read, tiles, kept, answers, off }) {
  const { m, l } = kept[state.query], z = answers[state.query], held = state.side ** 2, much = (n) => `${n} score${n === 1 ? "" : "s"}`;
  const said = z === null ? `Query ${state.query} has read nothing yet.`
    : `Query ${state.query}: largest score ${fixed(m, 1)}, sum ${fixed(l, 2)}, answer so far ${fixed(z, 3)}; dense attention says ${fixed(DENSE[state.query], 3)}.`;
  const done = read < tiles.length ? "" : ` All read: the largest difference is ${off < 1e-12 ? "rounding" : fixed(off, 3)}.`;
  return `${read} of ${tiles.length} tiles read, ${much(held)} held at once (dense: ${N * N}). ${said}${done}`;
}

const ofMask = (state, { open, hits, asked, most }) => `${open} of ${CELLS} cells are read (${percent(open / CELLS)}). One layer is right on ${hits} of ${asked} `
  + `questions (${percent(hits / asked, 1)}). Query 15 can know of every key ${most ? `after ${most} layer${most === 1 ? "" : "s"}` : "after no number of layers"}.`;

const tables = {
  tiles: (state, { kept, answers, read, tiles }) => ({ caption: `Every query after ${read} of ${tiles.length} tiles`,
    columns: ["query", "largest score", "sum", "answer so far", "dense"],
    rows: kept.map(({ m, l }, i) => [String(i), ...(l ? [fixed(m, 1), fixed(l, 4), fixed(answers[i], 4)] : ["–", "–", "–"]), fixed(DENSE[i], 4)]) }),
  mask: (state, { mask, right, needed }) => ({ caption: "Every query: the cells that it reads, what it gets right, and the layers until it can know of all",
    columns: ["query", "cells", "right", "asked", "layers"],
    rows: mask.map((row, t) => [String(t), String(row.filter(Boolean).length), String(sum(right[t])), String(6 * t),
      needed[t].slice(0, t + 1).includes(0) ? "never" : String(Math.max(...needed[t]))]) }),
};

function tilesCode({ side, order, step, query, rescale }) {
  const rows = tilesOf(side, order).slice(0, step).filter(([i]) => query >= i && query < i + side).map(([, j]) => j);
  return `import numpy as np

scores = np.array([${SCORES[query].join(", ")}])
values = np.array([${VALUES.map((value) => `${value}.0`).join(", ")}])
m, l, o = -np.inf, 0.0, 0.0  # largest score, sum, weighted sum
for j in [${rows.join(", ")}]:
    s, v = scores[j:j + ${side}], values[j:j + ${side}]
    top = max(m, s.max())
    old, new = ${rescale ? "np.exp(m - top)" : "1.0"}, np.exp(s - top)
    m, l, o = top, old * l + new.sum(), old * o + new @ v
print(l, o)`;
}

const maskCode = ({ pattern, edits }) => `from transformer_lab.byhand.transformer import forward
from transformer_lab.widgets import CostOfAttention

lab = CostOfAttention(view="mask", pattern="${pattern}",
                    edits=${JSON.stringify(edits).replaceAll(",", ", ")})
acts = forward(lab.params, lab.contexts, lab.config, tap=lab.tap)
print(lab.share_right(acts["logits"]))`;

export default explorable({
  title: (state) => (state.view === "tiles" ? "Tile by tile" : "Which cells?"),
  instruction: (state) => (state.view === "tiles" ? "Read tile after tile; press a row to follow its query."
    : "Press a cell to open or close it. A cross: what stands there is missed."),
  data: "sparse-cells",
  defaults: { view: "tiles", side: 2, order: "forwards", step: 6, query: 2, rescale: true, pattern: "window", edits: [], row: 15, column: 4 },
  compute, view,
  controls: (state, now, lab) => [
    choose("View", [["tiles", "tiles"], ["mask", "mask"]], state.view, (to) => lab.set({ view: to })),
    ...(state.view === "tiles" ? [
      slider("tiles read", { min: 0, max: now.tiles.length, step: 1, value: now.read, shown: `${now.read} of ${now.tiles.length}` }, (step) => lab.set({ step })),
      choose("side", [1, 2, 4, 8].map((n) => [n, String(n)]), state.side, (side) => lab.set({ side, step: (N / side) ** 2 })),
      menu("order", ORDERS.map((name) => [name, name]), state.order, (order) => lab.set({ order })),
      button("Forget to rescale", () => lab.set({ rescale: !state.rescale }), { "aria-pressed": !state.rescale })]
      : [menu("pattern", NAMES.map((name) => [name, name]), state.pattern, (pattern) => lab.set({ pattern, edits: [] }))]),
  ],
  describe: (state, now) => (state.view === "tiles" ? ofTiles : ofMask)(state, now),
  table: (state, now) => tables[state.view](state, now),
  code: (state) => (state.view === "tiles" ? tilesCode : maskCode)(state),
});

