// Where the nodes of the gradient graph stand, and how each is drawn.

import { cells, dot, label, line, linear, named, path, rect, token } from "../core/chart.js";
import { color, largest } from "../core/color.js";
import { pressable, scrubber } from "../core/controls.js";
import { h } from "../core/draw.js";
import { brief, fixed, letter, tens } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { BACKWARD, FEATURES, FORWARD, LAST, T, V, equationOf, reached, reachedBack, titleOf } from "./steps.js";

const D = FEATURES.length, TALL = 17, TOP = 92, ROWS = T * TALL;

/** The left top corner of each node, and the sizes of its cells. On a phone the nodes stand in four rows. */
export function place(width) {
  const wide = width >= 580, [c, w] = width >= 680 ? [10, 34] : [8, 32], pair = 2 * w + 2;
  const taken = 26 + D * c + pair + pair + 26 + 2 * V * c + 26 + pair + 14 + w;
  const gap = wide ? (width - taken - 2) / 5 : 8, low = TOP + ROWS + 70;
  const scores = 26 + D * c + gap, pattern = scores + pair + gap, read = wide ? pattern + pair + gap : 14;
  const W_OV = read + 26 + Math.max(gap, 14), logits = W_OV + 2 * V * c + 26 + gap;
  const second = wide ? TOP : low, third = wide ? low : low + ROWS + 64; // the upper edges of the rows of nodes
  return {
    wide, gap, c, w, big: wide ? c : 9.8, thin: ROWS / D, height: wide ? low + 206 : third + 428,
    x: [26, TOP], scores: [scores, TOP], pattern: [pattern, TOP], read: [read, second], W_OV: [W_OV, second],
    logits: [logits, second], probs: [logits + pair + 14, second], W_QK: [26, third],
    witnesses: wide ? [read, third - 8, width - read] : [0, third + 206, width],
  };
}

const matrix = (value) => (Array.isArray(value[0]) ? value : value.map((entry) => [entry]));
const AMOUNTS = new Set(["x", "pattern", "read", "probs"]);

/** Every value and gradient that is drawn: where, how, and whether the step has reached it. */
export function slots({ step }, now, at) {
  const sizes = { x: [at.c, TALL], read: [12, at.thin], W_OV: [at.c, at.thin], W_QK: [at.big, at.big] };
  const drawn = Object.entries({ ...now.acts, ...now.params }).filter(([name]) => name in at);
  return drawn.flatMap(([name, value]) => {
    const [w, tall] = sizes[name] ?? [at.w, TALL], [x, y] = at[name], rows = matrix(value);
    const common = { name, x, y, w, tall }, kind = AMOUNTS.has(name) ? "amount" : "signed";
    const slot = { ...common, title: name, rows, kind, limit: kind === "amount" ? 1 : largest(rows),
      shown: name in now.params || reached(step, name) };
    if (!(name in now.grads)) return [slot];
    const grad = matrix(now.grads[name]);
    return [slot, { ...common, title: `∂${name}`, rows: grad, kind: "signed", limit: largest(grad), grad: true,
      x: x + w * rows[0].length + (name in now.params ? 4 : 2), shown: reachedBack(step, name),
      wrong: now.wrong.includes(name) }];
  });
}

const ROLE = Object.fromEntries([...FORWARD, ...BACKWARD].map(([name, role]) => [name, role]));
const SHIFTED = { read: -10, probs: -12 }; // titles that lean into free room

export function drawSlot(slot, current) {
  const { name, title, rows, x, y, w, tall, limit, shown, grad, wrong } = slot, bottom = y + tall * rows.length;
  const small = w > 24 && limit > 0 && limit < 0.0995; // small numbers share a power of ten
  const power = small ? Math.floor(Math.log10(limit)) : 0;
  const scale = power ? `× ${tens(power)}` : slot.kind === "amount" ? "" : `±${brief(limit, 2)}`;
  const under = grad ? [30, `∂ ${scale}${wrong ? " ✗" : ""}`] : [15, scale];
  return h("g", { "aria-hidden": true, "data-part": grad ? `d_${name}` : name },
    grad ? null : named(x + (SHIFTED[name] ?? 0), y - 8, ROLE[name], name, current.endsWith(name) ? "strong" : null),
    shown ? cells(rows, { ...slot, format: (value) => fixed(value / 10 ** power, 2) }) : null,
    rect(x, y, w * rows[0].length, bottom - y, { class: title === current ? "lab-now" : "axis" }),
    shown ? label(x, bottom + under[0], under[1], wrong ? "strong" : "soft") : null);
}

/** The letters, one a row, and the frame of the row that is inspected: a slider that goes up and down. */
export function rowsView({ position }, now, at, lab) {
  const [x, y] = at.x, width = at.pattern[0] + 2 * at.w + 2 - x, row = (point) => (point.y - y) / TALL - 0.5;
  return h("g", {},
    now.tokens.map((name, t) => token(x - 14, y + (t + 0.5) * TALL, letter(name), t === position)),
    rect(x - 24, y + position * TALL, width + 24, TALL, { class: "lab-pick" }),
    rect(x, y, width, ROWS, { fill: "transparent",
      ...pressable((point) => lab.set({ position: clamp(Math.round(row(point)), 0, T - 1) })) }),
    scrubber(lab, "position", { label: "Inspected position", value: position, low: 0, high: T - 1, at: row, down: true,
      shown: `position ${position}, letter ${letter(now.tokens[position])}`,
      area: { x: x - 26, y, width: 26, height: ROWS } }));
}

/** Where the inspected position enters the weights: its letter's and its place's rows and columns. */
export function trace({ position, step }, now, at) {
  const ones = (t) => [now.tokens[t], V + t], box = (...area) => rect(...area, { class: "lab-pick" });
  const [ov, qk] = [at.W_OV, at.W_QK];
  const sides = (name, x, width) => (reachedBack(step, name) ? [x, x + width + 4] : [x]);
  return h("g", { "aria-hidden": true },
    sides("W_OV", ov[0], V * at.c).map((x) => ones(position).map((i) =>
      box(x, ov[1] + i * at.thin, at.c * V, at.thin))),
    sides("W_QK", qk[0], D * at.big).map((x) => ones(T - 1).map((i) => ones(position).map((j) =>
      box(x + j * at.big, qk[1] + i * at.big, at.big, at.big)))));
}

/** Which way the numbers flow. */
export function arrows(at, back) {
  const before = (name, space, high) => label(at[name][0] - space, high, back ? "←" : "→", "soft middle");
  const y = TOP + ROWS / 2, second = at.W_OV[1] + ROWS / 2, turn = at.scores[0] - at.gap / 2;
  const [up, edge] = [at.W_QK[0] + (D / 2) * at.big, at.W_QK[1]];
  return h("g", { "aria-hidden": true },
    before("scores", at.gap / 2, y), before("pattern", at.gap / 2, y), at.wide ? before("read", at.gap / 2, y) : null,
    before("W_OV", Math.max(at.gap, 14) / 2, second), before("logits", 22 + at.gap / 2, second),
    before("probs", 7, at.probs[1] + (V * TALL) / 2),
    at.wide ? h("path", { class: "axis", d: path([[up, edge - 3], [up, edge - 30], [turn, edge - 30], [turn, y + 3]]) })
      : null);
}

/** All steps on one line; the handle is the step that is shown. */
export function timeline({ step: current }, lab) {
  const spot = linear([0, LAST], [16, lab.width - 24]), all = lab.width >= 580;
  const side = (step) => (all || (step > 1 && step < LAST - 1) ? "middle" : step > 1 ? "end" : "");
  const title = (step) => label(spot(step), 58, titleOf(step), `${step === current ? "strong" : "soft"} ${side(step)}`);
  return h("g", {}, line(spot(0), 34, spot(LAST), 34),
    range(LAST + 1).map((step) => [all || step === current ? title(step) : null,
      dot(spot(step), 34, step === current ? 8 : 3.5, color(step <= current ? "ink" : "other"))]),
    label(spot(0) - 8, 14, "forward →", "soft"), label(spot(FORWARD.length) - 8, 14, "← backward", "soft"),
    scrubber(lab, "step", { label: "Step", value: current, low: 0, high: LAST, at: ({ x }) => spot.inverse(x),
      shown: `${titleOf(current)}: ${equationOf(current)}`, area: { x: 0, y: 20, width: lab.width, height: 28 } }));
}
