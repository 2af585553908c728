// Where the nodes of the gradient graph stand, and how each is drawn.

import { cells, label, line, linear, path, token } from "../core/chart.js";
import { color, glyph, largest } from "../core/color.js";
import { handle, pressable } from "../core/controls.js";
import { h } from "../core/draw.js";
import { brief, fixed, letter, tens } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { BACKWARD, FEATURES, FORWARD, LAST, T, V, equationOf, reached, reachedBack, titleOf } from "./steps.js";

// Where the parts stand: the left top corner of each node, and the sizes of its cells. On a phone they stand in four rows.
export function place(width) {
  const wide = width >= 580, c = width >= 680 ? 10 : 8, w = width >= 680 ? 34 : 32, [tall, top, strips] = [17, 92, 2 * w + 2];
  const taken = 26 + 2 * strips + 26 + 4 + 22 + strips + 14 + w + (FEATURES.length + 2 * V) * c;
  const gap = wide ? (width - taken - 2) / 5 : 8, scores = 26 + FEATURES.length * c + gap, pattern = scores + strips + gap;
  const rows = T * tall, below = top + rows + 70, read = wide ? pattern + strips + gap : 14, W_OV = read + 26 + Math.max(gap, 14);
  const logits = W_OV + 2 * V * c + 26 + gap, y2 = wide ? top : below, y3 = wide ? below : below + rows + 64;
  return { wide, gap, rows, c, w, tall, thin: rows / FEATURES.length, big: wide ? c : 9.8, height: wide ? below + 206 : y3 + 428,
    x: [26, top], scores: [scores, top], pattern: [pattern, top], read: [read, y2], W_OV: [W_OV, y2],
    logits: [logits, y2], probs: [logits + strips + 14, y2], W_QK: [26, y3],
    witnesses: wide ? [read, y3 - 8, width - read] : [0, y3 + 206, width] };
}

const matrix = (value) => (Array.isArray(value[0]) ? value : value.map((entry) => [entry]));

/** Every value and gradient that is drawn: where, how, and whether the step has reached it. */
export function slots({ step }, now, at) {
  const shapes = { x: [at.c, at.tall], read: [12, at.thin], W_OV: [at.c, at.thin], W_QK: [at.big, at.big] };
  return Object.entries({ ...now.acts, ...now.params }).filter(([name]) => name in at).flatMap(([name, value]) => {
    const [w, tall] = shapes[name] ?? [at.w, at.tall], [x, y] = at[name], rows = matrix(value);
    const kind = ["x", "pattern", "read", "probs"].includes(name) ? "amount" : "signed";
    const slot = { name, title: name, rows, x, y, w, tall, kind, limit: kind === "amount" ? 1 : largest(rows),
      shown: name in now.params || reached(step, name) };
    if (!(name in now.grads)) return [slot];
    const grad = matrix(now.grads[name]);
    return [slot, { ...slot, rows: grad, title: `∂${name}`, kind: "signed", limit: largest(grad), grad: true,
      x: x + w * rows[0].length + (name.startsWith("W") ? 4 : 2), shown: reachedBack(step, name),
      wrong: now.wrong.includes(name) }];
  });
}

const ROLE = Object.fromEntries([...FORWARD, ...BACKWARD].map(([name, role]) => [name, role]));

const TITLE = { x: 0, scores: 0, pattern: 0, read: -10, W_OV: 0, W_QK: 0, logits: 0, probs: -12 }; // into free room beside it

export function drawSlot(slot, current) {
  const { name, title, rows, x, y, w, tall, limit, shown, grad, wrong } = slot, bottom = y + tall * rows.length;
  const power = w > 24 && limit > 0 && limit < 0.0995 ? Math.floor(Math.log10(limit)) : 0; // small numbers share a factor
  const scale = power ? `× ${tens(power)}` : slot.kind === "amount" ? "" : `±${brief(limit, 2)}`;
  return h("g", { "aria-hidden": true },
    grad ? null : h("text", { x: x + TITLE[name], y: y - 8, class: current.endsWith(name) ? "strong" : null },
      h("tspan", { fill: color(ROLE[name]) }, glyph(ROLE[name])), ` ${name}`),
    shown ? cells(rows, { ...slot, format: (value) => fixed(value / 10 ** power, 2) }) : null,
    h("rect", { class: title === current ? "lab-now" : "axis", x, y, width: w * rows[0].length, height: bottom - y }),
    shown ? label(x, bottom + (grad ? 30 : 15), grad ? `∂ ${scale}${wrong ? " ✗" : ""}` : scale, { class: wrong ? "strong" : "soft" }) : null);
}

/** The letters, one a row, and the frame of the row that is inspected: a slider that goes up and down. */
export function rowsView(state, now, at, lab) {
  const [x, y] = at.x, { position, example } = state, end = at.pattern[0] + 2 * at.w + 2;
  const choosePosition = (t) => lab.set({ position: clamp(Math.round(t), 0, T - 1) });
  const under = (point) => choosePosition((point.y - y) / at.tall - 0.5);
  return h("g", {},
    now.tokens.map((name, t) => token(x - 14, y + (t + 0.5) * at.tall, letter(name), t === position)),
    h("rect", { class: "lab-pick", x: x - 24, y: y + position * at.tall, width: end - x + 24, height: at.tall }),
    h("rect", { ...pressable(under), fill: "transparent", x, y, width: end - x, height: at.rows }),
    h("rect", { ...handle(lab, {
      label: "Inspected position", value: position, shown: `position ${position}, letter ${letter(now.tokens[position])}`,
      move: under, nudge: (dx, dy) => choosePosition(position + dx - dy),
    }), "aria-valuemin": 0, "aria-valuemax": T - 1, fill: "transparent", x: x - 26, y, width: 26, height: at.rows }));
}

/** Where the inspected position enters the weights: its letter's and its place's rows and columns. */
export function trace({ position, step }, now, at) {
  const ones = (t) => [now.tokens[t], V + t], box = (x, y, w, tall) => h("rect", { class: "lab-pick", x, y, width: w, height: tall });
  const sides = (name, width) => (reachedBack(step, name) ? [at[name][0], at[name][0] + width + 4] : [at[name][0]]);
  return h("g", { "aria-hidden": true },
    sides("W_OV", V * at.c).map((x) => ones(position).map((i) => box(x, at.W_OV[1] + i * at.thin, at.c * V, at.thin))),
    sides("W_QK", FEATURES.length * at.big).map((x) => ones(T - 1).map((i) => ones(position).map((j) =>
      box(x + j * at.big, at.W_QK[1] + i * at.big, at.big, at.big)))));
}

export function arrows(at, back) {
  const y = at.x[1] + at.rows / 2, head = back ? "←" : "→";
  const gap = (from, to, high = y) => label((from + to) / 2, high, head, { "text-anchor": "middle", class: "soft" });
  const [ov, z] = [at.W_OV[0], at.logits[0]], y2 = at.W_OV[1] + at.rows / 2, turn = at.scores[0] - at.gap / 2;
  const up = [at.W_QK[0] + 7.5 * at.big, at.W_QK[1]];
  return h("g", { "aria-hidden": true },
    gap(at.scores[0] - at.gap, at.scores[0]), gap(at.pattern[0] - at.gap, at.pattern[0]),
    at.wide ? gap(at.read[0] - at.gap, at.read[0]) : null, gap(ov - Math.max(at.gap, 14), ov, y2), gap(z - 24 - at.gap, z - 20, y2),
    gap(at.probs[0] - 14, at.probs[0], at.probs[1] + V * at.tall / 2),
    at.wide ? h("path", { class: "axis", d: path([[up[0], up[1] - 3], [up[0], up[1] - 30], [turn, up[1] - 30], [turn, y + 3]]) })
      : null);
}

/** All steps on one line; the handle is the step that is shown. */
export function timeline(state, lab) {
  const spot = linear([0, LAST], [16, lab.width - 24]), labels = lab.width >= 600;
  const go = (step) => lab.set({ step: clamp(Math.round(step), 0, LAST) });
  return h("g", {},
    line(spot(0), 34, spot(LAST), 34),
    range(LAST + 1).map((step) => [
      h("circle", { cx: spot(step), cy: 34, r: step === state.step ? 8 : 3.5, fill: color(step <= state.step ? "ink" : "other") }),
      labels || step === state.step ? label(spot(step), 58, titleOf(step), { class: step === state.step ? "strong" : "soft",
        "text-anchor": labels ? "middle" : step < 2 ? "start" : step > LAST - 2 ? "end" : "middle" }) : null]),
    label(spot(0) - 8, 14, "forward →", { class: "soft" }),
    label(spot(FORWARD.length) - 8, 14, "← backward", { class: "soft" }),
    h("rect", { ...handle(lab, { label: "Step", value: state.step, shown: `${titleOf(state.step)}: ${equationOf(state.step)}`,
      move: ({ x }) => go(spot.inverse(x)), nudge: (dx, dy) => go(state.step + dx + dy) }),
    "aria-valuemin": 0, "aria-valuemax": LAST, fill: "transparent", x: 0, y: 20, width: lab.width, height: 28 }));
}
