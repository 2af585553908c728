// Beside the view: the prediction with its competitors, the board of 168 families, the weights, and all seeds.

import { dot, label, line, linear, mosaic, rect } from "../core/chart.js";
import { amount, color, largest } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed, percent } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { handle, pressable } from "../core/ui.js";
import { EVEN, N_SEEDS, entryName } from "./book.js";
import { spelt, word } from "./sequence.js";

/** What a handle says and does by keys; it is pressed, not dragged. */
function walked(lab, options, press) {
  const { tabindex, role, onkeydown, ...rest } = handle(lab, options);
  return { tabindex, role, onkeydown, ...Object.fromEntries(Object.entries(rest).filter(([key]) => key.startsWith("aria-"))), ...pressable(press) };
}

const ROW = 16;
export const BARS = 12 * ROW + 24;

/** The chance of each token; ticks mark what the rule allows. */
export function bars({ acts, rule, said, rival, lead, plane: { layout: { d_vocab: V } } }, x, y, width) {
  const probs = acts.probs.at(-1), full = width - 98;
  return part("prediction", label(x, y + 10, `next token; ${word(said)} leads ${word(rival)} by ${fixed(lead, 2)}`, "soft cell"),
    range(V).map((token) => {
      const top = y + 20 + token * ROW, right = rule?.allowed.includes(token);
      return [label(x + 12, top + 12, word(token), `code cell middle ${token === said ? "strong" : "soft"}`),
        rect(x + 26, top + 2, Math.max(0.5, full * probs[token]), ROW - 4, amount(token === said ? 1 : 0.45)),
        label(x + width - 24, top + 12, percent(probs[token], 1), "cell end"),
        label(x + width, top + 12, right ? "✓" : token === said && rule ? "✗" : "", "cell strong end")];
    }));
}

/** In words: is the model right on all contexts? In two lines, for the board. */
export function verdict({ proof, broken, open, counter }) {
  if (!proof.wrong) return [proof.done ? "✓ proved: right on every context" : `… ${open} families undecided`, `least lead ${fixed(proof.margin, 2)}; 168 families`];
  return [`✗ ${broken} of 168 families break`, `${spelt(proof.counterexample.context)} → ${word(counter)}`];
}

export const BOARD = 150;
const HEAD = 44, COLUMNS = 28, GAPS = 6;

/** A square a family: a column for the places of + and of the latest even number, a row for its value. */
export function board(state, now, lab, x, y, width, still = false) {
  const { proof: { results } } = now, unit = (width - 24) / (COLUMNS + GAPS * 0.5), tall = Math.min(15, Math.max(unit, 12));
  const column = (t, place) => (t * (t - 1)) / 2 + place, left = ({ t, place }) => x + 24 + unit * (column(t, place) + (t - 1) * 0.5);
  const upper = ({ answer }) => y + HEAD + (answer / 2) * tall, lines = verdict(now);
  const marks = (chosen, drawn) => results.map((one) => (chosen(one) ? drawn(left(one) + unit / 2, upper(one) + tall / 2) : "")).join("");
  const tick = (cx, cy) => `M${cx - 3} ${cy}l2 2.5l4 -5`, cross = (cx, cy) => `M${cx - 3} ${cy - 3}l6 6m0 -6l-6 6`;
  const dash = (cx, cy) => `M${cx - 2.5} ${cy}h5`, at = results[state.family], wrong = now.proof.wrong > 0;
  const go = (family) => lab.set({ family: clamp(family, 0, results.length - 1) });
  const near = (point) => {
    const far = results.map((one) => Math.hypot(left(one) + unit / 2 - point.x, upper(one) + tall / 2 - point.y));
    go(far.indexOf(Math.min(...far)));
  };
  const walk = (dx, dy) => {
    const row = clamp(at.answer / 2 - dy, 0, 5), to = clamp(column(at.t, at.place) + dx, 0, COLUMNS - 1);
    go(to * 6 + row);
  };
  const [r, shown] = [at.wrong, `plus at ${at.t}, latest even number ${at.answer} at ${at.place}`];
  return part("proof", label(x, y + 12, lines[0], "strong"), label(x, y + 30, lines[1], wrong ? "code cell" : "soft cell"),
    EVEN.map((even, i) => label(x + 12, y + HEAD + (i + 0.5) * tall + 4, word(even), "code cell soft middle")),
    range(7).map((i) => [label((left({ t: i + 1, place: 0 }) + left({ t: i + 1, place: i }) + unit) / 2, y + HEAD + 6 * tall + 13, String(i + 1), "cell soft middle"),
      line(left({ t: i + 1, place: 0 }), y + HEAD + 6 * tall + 1, left({ t: i + 1, place: i }) + unit, y + HEAD + 6 * tall + 1)]),
    h("g", { fill: "none", "stroke-width": 1.3 },
      h("path", { d: marks((one) => !one.wrong && !one.open, tick), stroke: color("soft") }),
      h("path", { d: marks((one) => one.wrong, cross), stroke: color("positive"), "stroke-width": 2 }),
      h("path", { d: marks((one) => !one.wrong && one.open, dash), stroke: color("ink") })),
    still ? null : rect(left(at), upper(at), unit, tall, { class: "lab-now" }),
    still ? null : rect(x + 24, y + HEAD, width - 24, 6 * tall, { fill: "transparent", ...walked(lab, { label: "Families", value: state.family, low: 0, high: 167,
      shown: `${shown}: ${r ? "breaks" : `lead ${fixed(at.margin, 2)}`}`, nudge: walk }, near) }));
}

/** All entries of the chosen tensor; one is chosen, and moved by the slider below. */
export function strip(state, { theta, book: { layout } }, lab, y) {
  const { start, size } = layout, n = size[state.tensor], columns = Math.min(n, 32), cell = Math.min(24, (lab.width - 2) / columns);
  const values = [...theta.subarray(start[state.tensor], start[state.tensor] + n)], entry = Math.min(state.entry, n - 1), tall = 16;
  const go = (next) => lab.set({ entry: clamp(next, 0, n - 1) }), rows = Math.ceil(n / columns);
  return h("g", {}, h("g", { "aria-hidden": true }, label(0, y + 10, `${state.tensor}: ${n} weights, row by row, ±${fixed(largest(values), 1)}`, "soft cell"),
    mosaic(values, columns, { x: 1, y: y + 18, cell, tall, limit: largest(values) }),
    rect(1 + (entry % columns) * cell, y + 18 + Math.floor(entry / columns) * tall, cell, tall, { class: "lab-now" })),
  rect(1, y + 18, columns * cell, rows * tall, { fill: "transparent", ...walked(lab, { label: `Weights of ${state.tensor}`, value: entry, low: 0, high: n - 1,
    shown: `${entryName(layout, state.tensor, entry)} = ${fixed(values[entry])}`, nudge: (dx, dy) => go(entry + dx - dy * columns) },
  (point) => go(Math.floor((point.x - 1) / cell) + columns * Math.floor((point.y - y - 18) / tall))) }));
}
export const STRIP = 72;

/** A dot a seed, as high as its least lead; above the line it is proved. Press one to see that model. */
export function seeds(state, { book: { margins, followed } }, lab, y) {
  const sx = linear([0, N_SEEDS - 1], [34, lab.width - 8]), height = (lead) => y + 44 - 24 * Math.sign(lead) * Math.min(1, Math.log1p(Math.abs(lead)) / Math.log1p(4));
  const pick = (seed) => lab.set({ seed: clamp(Math.round(seed), 0, N_SEEDS - 1), edits: [], past: [], last: null });
  const chosen = state.seed, title = lab.width < 560 ? "24 trained models: least lead" : "24 trained models, each as high as its least lead; rings: every step was kept";
  return part("seeds", label(0, y + 8, title, "soft cell"), line(24, y + 44, lab.width, y + 44, "limit"), label(0, y + 48, "0", "soft cell"),
    margins.map((lead, seed) => dot(sx(seed), height(lead), seed === chosen ? 6 : 3, seed === chosen ? color("ink") : color("other"))),
    followed.map((seed) => h("circle", { cx: sx(seed), cy: height(margins[seed]), r: 8, fill: "none", stroke: color("soft") })),
    label(clamp(sx(chosen), 24, lab.width - 24), y + 84, `seed ${chosen}`, "cell middle"),
    rect(24, y + 14, lab.width - 24, 60, { fill: "transparent", ...walked(lab, { label: "Seed", value: chosen, low: 0, high: N_SEEDS - 1,
      shown: `seed ${chosen}, least lead ${fixed(margins[chosen], 2)}`, nudge: (dx, dy) => pick(chosen + dx + dy) }, ({ x }) => pick(sx.inverse(x))) }));
}
export const SEEDS = 90;
