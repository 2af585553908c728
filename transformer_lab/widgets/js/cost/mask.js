// A trained model of sixteen tokens, and which cells of its attention there are. Each cell is a question as well: the +
// stands in its row, the latest even number in its column. Six contexts are asked for each.

import { label, rect } from "../core/chart.js";
import { amount, color } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { argmax, clamp, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { pressable, walked } from "../core/ui.js";
import { layoutOf, logitsAt, planeOf } from "../plane/model.js";

export const T = 16;
export const CELLS = T * (T + 1) / 2;
const PLUS = 11;
export const NAMES = ["dense", "window", "strided", "window and first", "random blocks"];

/** The model as a map of the plane, the contexts, and the masks of the patterns. */
export const bookOf = opened(({ array, model }) => {
  const { config, params } = model("model"), short = (name) => name.replace("blocks.0.", "");
  const shapes = Object.entries(params).map(([name, value]) => [short(name), sizes(value)]), layout = layoutOf(config, shapes);
  const plane = planeOf(Float64Array.from(Object.values(params).flatMap((value) => value.flat(Infinity))), layout, PLUS);
  return { plane, contexts: array("contexts"), asked: array("asked"), answers: array("answers"), places: array("places"), masks: array("masks") };
});

const sizes = (value) => (Array.isArray(value) ? [value.length, ...sizes(value[0])] : []);

/** The mask of a pattern, with the cells that the reader turned. */
export function maskOf({ masks }, { pattern, edits }) {
  const mask = masks[NAMES.indexOf(pattern)].map((row) => row.map(Boolean));
  for (const [t, j] of edits) if (j < t) mask[t][j] = !mask[t][j];
  return mask;
}

/** The point to which the + in row t is taken when it reads the open cells of its row. */
function read({ plane: { x, v, scores, layout: { d_vocab: V } } }, tokens, t, open) {
  const own = 2 * (t * V + PLUS), there = range(t + 1).filter((j) => open[j]), score = (j) => scores[(t * T + j) * V + tokens[j]];
  const top = Math.max(...there.map(score)), to = [0, 0];
  let total = 0;
  for (const j of there) {
    const power = Math.exp(score(j) - top), at = 2 * (j * V + tokens[j]);
    [total, to[0], to[1]] = [total + power, to[0] + power * v[at], to[1] + power * v[at + 1]];
  }
  return to.map((sum, axis) => x[own + axis] + sum / total);
}

const scratch = new Float64Array(12);

/** Of the six questions of each cell, how many are answered right. */
export function judged(book, mask) {
  const right = range(T).map(() => new Array(T).fill(0));
  book.contexts.forEach((tokens, n) => {
    const t = book.asked[n], [x, y] = read(book, tokens, t, mask[t]);
    if (argmax([...logitsAt(book.plane, x, y, scratch)]) === book.answers[n]) right[t][book.places[n]] += 1;
  });
  return right;
}

/** After how many layers a query can know of a key; 0: never. */
export function layersNeeded(mask) {
  return mask.map((_, query) => {
    const needed = new Array(T).fill(0);
    let front = [query];
    for (let layer = 1; front.length; layer++) {
      const next = new Set(front.flatMap((t) => range(t + 1).filter((j) => mask[t][j])));
      front = [...next].filter((j) => !needed[j]);
      for (const j of front) needed[j] = layer;
    }
    return needed;
  });
}

const TOP = 34;

const frame = (left, cell, title) => h("g", { "aria-hidden": true }, label(left, 12, title, "strong"),
  [0, 5, 10, 15].map((i) => [label(left + (i + 0.5) * cell, TOP - 5, String(i), "soft tiny middle"), label(left - 4, TOP + (i + 0.5) * cell + 4, String(i), "soft tiny end")]));

/** What is read, cell by cell; a cross where a question is answered wrong. */
function cellsOf(state, { mask, right }, lab, left, cell) {
  const at = (row, column) => { const t = clamp(row, 0, T - 1); return { row: t, column: clamp(column, 0, t) }; };
  const turn = (t, j) => ({ ...at(t, j), edits: j >= t ? state.edits : state.edits.some(([a, b]) => a === t && b === j)
    ? state.edits.filter(([a, b]) => a !== t || b !== j) : [...state.edits, [t, j]] });
  const { row, column } = state, said = mask[row][column] ? "open" : "closed", walk = walked(lab, { label: "Cell of the mask", value: row * T + column,
    low: 0, high: T * T - 1, shown: `query ${row}, key ${column}: ${said}, ${right[row][column]} of 6 right`, nudge: (dx, dy) => lab.set(at(row - dy, column + dx)) });
  const press = ({ x, y }) => { const t = Math.floor((y - TOP) / cell), j = Math.floor((x - left) / cell); if (j <= t) lab.set(turn(t, j)); };
  const onkeydown = (event) => {
    if (!/^(Enter| )$/.test(event.key)) return walk.onkeydown(event);
    event.preventDefault();
    lab.set(turn(row, column));
  };
  return part("cells", frame(left, cell, "What each query reads"), h("g", { "aria-hidden": true },
    mask.map((line, t) => line.slice(0, t + 1).map((open, j) => {
      const [x, y] = [left + j * cell, TOP + t * cell], wrong = j < t && right[t][j] < 6, inset = 0.3 * cell;
      return [rect(x + 0.5, y + 0.5, cell - 1, cell - 1, { class: "lab-cell", ...(open ? amount(j < t ? 0.5 : 0.25) : { fill: color("page") }) }),
        wrong ? h("path", { d: `M${x + inset} ${y + inset}L${x + cell - inset} ${y + cell - inset}M${x + cell - inset} ${y + inset}L${x + inset} ${y + cell - inset}`,
          stroke: color("ink"), "stroke-width": 1.3 }) : null];
    })), rect(left + column * cell, TOP + row * cell, cell, cell, { class: "lab-now" })),
  rect(left, TOP, T * cell, T * cell, { fill: "transparent", ...walk, ...pressable(press), onkeydown }));
}

/** The layers that it takes until a query can know of a key. */
const layers = ({ needed }, left, cell) => part("layers", frame(left, cell, "Layers until it can know"), h("g", { "aria-hidden": true },
  needed.map((line, t) => line.slice(0, t + 1).map((n, j) => [
    rect(left + j * cell + 0.5, TOP + t * cell + 0.5, cell - 1, cell - 1, { class: "lab-cell", ...amount(n ? 0.5 / n : 0) }),
    label(left + (j + 0.5) * cell, TOP + (t + 0.5) * cell + 4, n ? String(n) : "–", "tiny middle")]))));

export function drawMask(state, now, lab) {
  const wide = lab.width >= 560, room = wide ? (lab.width - 28) / 2 : lab.width, cell = Math.min(22, Math.floor((room - 20) / T));
  const first = cellsOf(state, now, lab, 18, cell), second = layers(now, wide ? lab.width - T * cell - 1 : 18, cell);
  const tall = TOP + T * cell + 4;
  return wide ? [tall, first, second] : [2 * tall + 14, first, h("g", { transform: `translate(0 ${tall + 14})` }, second)];
}
