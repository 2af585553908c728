// The computation graph of the one-head model with live values, forward and backward, and the witnesses of its gradient.

import { bottomAxis, cells, decades, label, line, linear, path } from "./core/chart.js";
import { color, glyph, largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { brief, fixed, letter, spell, tens } from "./core/format.js";
import { clamp, range } from "./core/math.js";
import { ERRORS, backward, encode, forward, pullback, softmaxPullback } from "./core/one_head.js";
import { choose, explorable, handle, menu, picture } from "./core/ui.js";
import { autograd, centralDifferences, complexStep, difference, relative } from "./core/witness.js";
import head from "./data/small-head.json" with { type: "json" };

const T = head.tokens[0].length, V = head.d_vocab, LETTERS = range(V).map(letter), PLACES = range(T).map(String);
const WEIGHTS = [["initial", "initial"], ["trained", "trained"], ["silent", "W_OV ≈ 0"]];

// name, role, and the equation of each step: seven forward, six backward
const FORWARD = [
  ["x", "residual", "x: one row a position, its letter and its place, one-hot"],
  ["scores", "query", "scores = x W_QKᵀ x_T / √d: how well the last row fits each row"],
  ["pattern", "query", "pattern a = softmax(scores)"],
  ["read", "value", "read h = xᵀ a: the rows, mixed by the pattern"],
  ["logits", "residual", "logits = W_OVᵀ h"],
  ["probs", "residual", "probs p = softmax(logits)"],
  ["loss", "other", "loss = −ln p of the letter that comes next"],
];
const BACKWARD = [
  ["logits", "residual", "∂logits = p − y = δ"],
  ["W_OV", "value", "∂W_OV = h δᵀ"],
  ["read", "value", "∂read = W_OV δ"],
  ["pattern", "query", "∂pattern = x ∂read"],
  ["scores", "query", "∂scores = (diag(a) − a aᵀ) ∂pattern"],
  ["W_QK", "query", "∂W_QK = Σ_j ∂scores_j · x_T x_jᵀ / √d"],
];
const LAST = FORWARD.length + BACKWARD.length - 1;
const titleOf = (step) => (step < FORWARD.length ? FORWARD[step][0] : `∂${BACKWARD[step - FORWARD.length][0]}`);
const equationOf = (step) => [...FORWARD, ...BACKWARD][step][2];
const reached = (step, name) => step >= FORWARD.findIndex(([node]) => node === name);
const reachedBack = (step, name) => step - FORWARD.length >= BACKWARD.findIndex(([node]) => node === name);

// The slow witnesses depend on weights, pattern and h alone; the last answer is kept for the steps in between.
const kept = (f) => { let key, value; return (...args) => {
  if (key !== args.join()) [key, value] = [args.join(), f(...args)];
  return value;
}; };
const setting = (weights, example) => [head.weights[weights], encode(head.tokens[example], V), head.targets[example]];
const complex = kept((...which) => complexStep(...setting(...which)));
const taped = kept((...which) => autograd(...setting(...which)));
const central = kept((weights, example, log_h) => centralDifferences(...setting(weights, example), 10 ** log_h));

function compute({ example, weights, error, log_h }) {
  const [params, x, target] = setting(weights, example), acts = forward(params, x, target);
  const grads = backward(params, acts, target, error), truth = taped(weights, example);
  const onesGrads = pullback(params, acts, softmaxPullback(acts.probs, acts.probs.map(() => 1)), error);
  const stepped = complex(weights, example);
  const against = (name, other, pass, measure = relative, mine = grads) => {
    const errors = { W_OV: measure(mine.W_OV, other.W_OV), W_QK: measure(mine.W_QK, other.W_QK) };
    return { name, errors, pass, objects: Math.max(...Object.values(errors)) > pass };
  };
  return {
    params, acts, grads, target, tokens: head.tokens[example],
    wrong: Object.keys(grads).filter((name) => relative(grads[name], truth[name]) > 1e-9),
    witnesses: [
      against("complex step", stepped.loss, 1e-12),
      against("autograd", truth, 1e-10),
      against("central differences", central(weights, example, log_h), 1e-7),
      against("to six decimals", truth, 5e-7, difference),
      against("upstream gradient of ones", stepped.ones, 5e-7, difference, onesGrads),
    ],
  };
}

// Where the parts stand: the left top corner of each node, and the sizes of its cells. On a phone they stand in four rows.
function place(width) {
  const wide = width >= 600, c = width >= 680 ? 10 : 8, [tall, w, top] = [17, 34, 92];
  const gap = wide ? (width - 350 - 27 * c) / 5 : 8, scores = 26 + 15 * c + gap, pattern = scores + 70 + gap;
  const rows = T * tall, below = top + rows + 70, read = wide ? pattern + 70 + gap : 14, W_OV = read + 26 + Math.max(gap, 14);
  const logits = W_OV + 2 * V * c + 28 + gap, y2 = wide ? top : below, y3 = wide ? below : below + rows + 64;
  return { wide, gap, rows, c, w, tall, thin: rows / 15, big: wide ? c : 9.8, height: wide ? below + 206 : y3 + 428,
    x: [26, top], scores: [scores, top], pattern: [pattern, top], read: [read, y2], W_OV: [W_OV, y2],
    logits: [logits, y2], probs: [logits + 84, y2], W_QK: [26, y3],
    witnesses: wide ? [read, y3 - 8, width - read] : [0, y3 + 206, width] };
}

const matrix = (value) => (Array.isArray(value[0]) ? value : value.map((entry) => [entry]));

/** Every value and gradient that is drawn: where, how, and whether the step has reached it. */
function slots({ step }, now, at) {
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

function drawSlot(slot, current) {
  const { name, title, rows, x, y, w, tall, limit, shown, grad, wrong } = slot, bottom = y + tall * rows.length;
  const power = w > 24 && limit > 0 && limit < 0.0995 ? Math.floor(Math.log10(limit)) : 0; // small numbers share a factor
  const scale = power ? `× ${tens(power)}` : slot.kind === "amount" ? "" : `±${brief(limit, 2)}`;
  return h("g", { "aria-hidden": true },
    grad ? null : h("text", { x: x - (w === 12 ? 12 : 0), y: y - 8, class: current.endsWith(name) ? "strong" : null },
      h("tspan", { fill: color(ROLE[name]) }, glyph(ROLE[name])), ` ${name}`),
    shown ? cells(rows, { ...slot, format: (value) => fixed(value / 10 ** power, 2) }) : null,
    h("rect", { class: title === current ? "lab-now" : "axis", x, y, width: w * rows[0].length, height: bottom - y }),
    shown ? label(x, bottom + (grad ? 30 : 15), grad ? `∂ ${scale}${wrong ? " ✗" : ""}` : scale, { class: wrong ? "strong" : "soft" }) : null);
}

/** The letters, one a row, and the frame of the row that is inspected: a slider that goes up and down. */
function rowsView(state, now, at, lab) {
  const [x, y] = at.x, { position, example } = state, end = at.pattern[0] + 2 * at.w + 2;
  const choosePosition = (t) => lab.set({ position: clamp(Math.round(t), 0, T - 1) });
  return h("g", {},
    now.tokens.map((token, t) => label(x - 14, y + (t + 0.5) * at.tall + 4, letter(token),
      { class: `code${t === position ? " strong" : ""}`, "text-anchor": "middle" })),
    h("rect", { class: "lab-pick", x: x - 24, y: y + position * at.tall, width: end - x + 24, height: at.tall }),
    h("rect", { ...handle(lab, {
      label: "Inspected position", value: position, shown: `position ${position}, letter ${letter(now.tokens[position])}`,
      move: (point) => choosePosition((point.y - y) / at.tall - 0.5), nudge: (dx, dy) => choosePosition(position + dx - dy),
    }), "aria-valuemin": 0, "aria-valuemax": T - 1, fill: "transparent", x: x - 24, y, width: end - x + 24, height: at.rows }));
}

/** Where the inspected position enters the weights: its letter's and its place's rows and columns. */
function trace({ position }, now, at) {
  const ones = (t) => [now.tokens[t], V + t], box = (x, y, w, tall) => h("rect", { class: "lab-pick", x, y, width: w, height: tall });
  const beside = (name, w, columns) => [at[name][0], at[name][0] + w * columns + 4];
  return h("g", { "aria-hidden": true },
    ones(position).flatMap((i) => beside("W_OV", at.c, V).map((x) => box(x, at.W_OV[1] + i * at.thin, at.c * V, at.thin))),
    ones(T - 1).flatMap((i) => ones(position).flatMap((j) => beside("W_QK", at.big, 15).map((x) =>
      box(x + j * at.big, at.W_QK[1] + i * at.big, at.big, at.big)))));
}

function arrows(at, back) {
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
function timeline(state, lab) {
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

const MARKS = { W_OV: "value", W_QK: "query" };
const says = ({ objects }, error) => (error === "none" ? (objects ? "false alarm" : "agrees") : objects ? "objects" : "misses it");

/** A row a witness: how far it is from the algebra, on a logarithmic scale, and how far it lets pass. */
function witnessesView(state, now, at, lab) {
  const [x, y, width] = at.witnesses, scale = decades([1e-17, 10], [x + 4, x + width - 4]);
  const high = (i) => y + 26 + i * 34 + (i > 2 ? 6 : 0);
  return h("g", {}, h("text", { x, y, class: "strong" }, "Who notices?",
    Object.entries(MARKS).map(([name, role]) => [h("tspan", { dx: 10, fill: color(role) }, glyph(role)), ` ∂${name}`])),
  now.witnesses.map((witness, i) => h("g", {}, label(x, high(i), witness.name, { class: "soft" }),
    label(x + width, high(i), says(witness, state.error), { "text-anchor": "end",
      class: witness.objects === (state.error === "none") ? "strong" : null }),
    line(x, high(i) + 11, x + width, high(i) + 11),
    line(scale(witness.pass), high(i) + 4, scale(witness.pass), high(i) + 18, { class: "limit" }),
    Object.entries(witness.errors).map(([name, error]) => h("text", { x: scale(error), y: high(i) + 16, "text-anchor": "middle" },
      h("tspan", { fill: color(MARKS[name]) }, glyph(MARKS[name])))))),
  stepSize(state, x + width - 154, high(2) - 4, lab),
  bottomAxis(scale, high(5) - 18, [[1e-16, tens(-16)], [1e-12, tens(-12)], [1e-8, tens(-8)], [1e-4, tens(-4)], [1, "1"]],
    "relative error; last two rows: largest difference"));
}

/** The h of central differences, beside its name. */
function stepSize({ log_h }, x, y, lab) {
  const spot = linear([-12, -1], [x + 6, x + 74]), go = (exponent) => lab.set({ log_h: clamp(Math.round(exponent), -12, -1) });
  return h("g", {}, label(x - 4, y + 4, `h = ${tens(log_h)}`, { "text-anchor": "end" }), line(spot(-12), y, spot(-1), y),
    h("circle", { cx: spot(log_h), cy: y, r: 5, fill: color("ink") }),
    h("rect", { ...handle(lab, { label: "h of central differences", value: log_h, shown: tens(log_h),
      move: (point) => go(spot.inverse(point.x)), nudge: (dx, dy) => go(log_h + dx + dy) }),
    "aria-valuemin": -12, "aria-valuemax": -1, fill: "transparent", x, y: y - 12, width: 80, height: 24 }));
}

function view(state, now, lab) {
  const at = place(lab.width), current = titleOf(state.step), [px, py] = at.probs;
  const letters = (x, y) => LETTERS.map((name, i) => label(x, y + (i + 0.5) * at.tall + 4, name, { class: "code soft", "text-anchor": "middle" }));
  return picture(lab, at.height, timeline(state, lab),
    slots(state, now, at).map((slot) => drawSlot(slot, current)), letters(at.logits[0] - 9, at.logits[1]),
    h("circle", { class: "lab-target", cx: at.logits[0] - 9, cy: at.logits[1] + (now.target + 0.5) * at.tall, r: 8 }),
    label(px + at.w, py + at.rows, `loss ${reached(state.step, "loss") ? fixed(now.acts.loss) : ""}`,
      { "text-anchor": "end", class: current === "loss" ? "strong" : null }),
    ["letter", "position"].map((name, i) => label(at.x[0] + (i ? V + 4.5 : V / 2) * at.c, at.x[1] + at.rows + 15, name,
      { class: "soft", "text-anchor": "middle" })),
    [...LETTERS, ...PLACES].map((name, i) => label(at.W_QK[0] - 6, at.W_QK[1] + (i + 0.5) * at.big + 3.5, name,
      { class: "code tiny soft", "text-anchor": "middle" })),
    arrows(at, state.step >= FORWARD.length), trace(state, now, at), rowsView(state, now, at, lab), witnessesView(state, now, at, lab));
}

function describe(state, now) {
  const { position: j, step } = state, { acts, grads } = now, word = spell(now.tokens);
  const seen = `Position ${j} holds ${letter(now.tokens[j])}: score ${fixed(acts.scores[j])}, attention ${fixed(acts.pattern[j])}`;
  const back = reachedBack(step, "scores") ? `; ∂score ${brief(grads.scores[j])}` : "";
  const objecting = now.witnesses.filter((witness) => witness.objects).length;
  return `${equationOf(step)}. After ${word} comes ${letter(now.target)}; the head gives it ${fixed(acts.probs[now.target])}. `
    + `${seen}${back}. Planted: ${ERRORS[state.error].label}; ${objecting} of ${now.witnesses.length} witnesses object.`;
}

function table(state, now) {
  const per = (name, value, grad) => value.map((entry, i) => [`${name}[${i}]`, brief(entry), grad ? brief(grad[i]) : ""]);
  const { acts, grads } = now;
  return {
    caption: "Values and gradients, and what each witness finds", columns: ["quantity", "value", "gradient"],
    rows: [...["scores", "pattern", "read", "logits"].flatMap((name) => per(name, acts[name], grads[name])),
      ...per("probs", acts.probs), ["loss", brief(acts.loss), ""],
      ...["W_QK", "W_OV"].map((name) => [`${name}, largest entry`, brief(largest(now.params[name])), brief(largest(grads[name]))]),
      ...now.witnesses.flatMap((witness) => Object.entries(witness.errors).map(([name, error]) =>
        [`${witness.name}: distance for ${name}`, brief(error), `${says(witness, state.error)} (may be ${brief(witness.pass)})`]))],
  };
}

function code(state) {
  const { at, python } = ERRORS[state.error], tap = at ? ", tap=plant" : "";
  const plant = !at ? [] : ["seen = {}", "def plant(name, value):", "    seen[name] = value",
    `    return ${python} if name == "d_${at}" else value`, ""];
  return [
    ...(python?.startsWith("np") ? ["import numpy as np"] : []),
    "from transformer_lab.byhand import one_head",
    ...(python?.startsWith("softmax") ? ["from transformer_lab.byhand.attention import softmax_pullback"] : []),
    "from transformer_lab.widgets import GradientGraph", "",
    `lab = GradientGraph(weights="${state.weights}", example=${state.example})`,
    "config, params, x, target = lab.config, lab.params, lab.x, lab.target",
    "acts = one_head.forward(params, x)", "", ...plant,
    `grads = one_head.backward(params, acts, target${tap})`,
    'print(acts["pattern"], grads["W_QK"])',
  ].join("\n");
}

export default explorable({
  title: "The gradient, step by step",
  instruction: "Drag along the steps. Choose a row. Plant an error and see who notices.",
  defaults: { example: 1, weights: "initial", step: LAST, position: 0, error: "jacobian", log_h: -5 },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    choose("Weights", WEIGHTS, state.weights, (weights) => lab.set({ weights })),
    menu("Pattern", head.tokens.map((tokens, i) => [i, spell(tokens.slice(0, 3))]), state.example, (example) => lab.set({ example })),
    menu("Plant", Object.entries(ERRORS).map(([name, { label: text }]) => [name, text]), state.error, (error) => lab.set({ error })),
  ],
});
