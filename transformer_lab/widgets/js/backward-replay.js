// One block forward beside backward: every tensor with its gradient, and which gradients a planted mistake makes wrong.

import { cells, rect } from "./core/chart.js";
import { color, glyph, largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { answer } from "./core/inspect.js";
import { clamp, dot, norm, range, softmaxPullback } from "./core/math.js";
import { opened } from "./core/page_data.js";
import { remember, rememberOf } from "./core/remember.js";
import { tapped } from "./core/tapped.js";
import { backward, forward, loss } from "./core/transformer.js";
import { choose, explorable, menu, picture, pressable, slider } from "./core/ui.js";
import { made } from "./replay/made.js";

const GROUPS = [ // in the order of the forward pass, each tensor with its role
  ["Attention", { resid_pre: "residual", ln1: "residual", q: "query", k: "key", v: "value", scores: "query",
    pattern: "query", z: "value", attn_out: "value" }],
  ["Feed-forward layer", { resid_mid: "residual", ln2: "residual", mlp_pre: "mlp", mlp_post: "mlp", mlp_out: "mlp",
    resid_post: "residual" }],
  ["Read-out", { ln_final: "residual", logits: "residual" }],
  ["Weights", { W_E: "residual", W_pos: "residual", W_Q: "query", W_K: "key", W_V: "value", W_O: "value", W_in: "mlp",
    W_out: "mlp", W_U: "residual" }],
];
export const ORDER = GROUPS.flatMap(([, roles]) => Object.keys(roles));
const BACK = GROUPS.slice(0, 3).flatMap(([, roles]) => Object.keys(roles)).reverse(); // activations, last first
export const LAST = BACK.length;
const BORN = { W_U: "ln_final", W_out: "mlp_post", W_in: "ln2", W_O: "z", W_Q: "ln1", W_K: "ln1", W_V: "ln1",
  W_E: "resid_pre", W_pos: "resid_pre" };
const GRADIENTS = { right: "right", copied: "q, k copied from v", twice: "softmax Jacobian twice",
  both: "both mistakes" };
const COPIED = { q: (d, { v }) => v, k: (d, { v }) => v };
const TWICE = { logits: (d, seen, { probs }) => d.map((row, t) => softmaxPullback(probs[t], row)) };
const PLANTED = { right: {}, copied: COPIED, twice: TWICE, both: { ...COPIED, ...TWICE } };
const CELL = 10, GAP = 18, OFF = 1e-9;

export const tokensOf = ({ operation, first, second }) => [operation === "Max" ? 4 : 5, first, second];

const short = (name) => name.replace("blocks.0.", "");

/** A mistake of chapters.ch06.planted, or "right", for `backward` to put into the gradients. */
export const planted = (mistake, acts) => (name, d, seen) => PLANTED[mistake][short(name)]?.(d, seen, acts) ?? d;

/** All by their short names, each as one matrix: there is one block, and one head in it. */
const oneHead = (name, value) => (name === "W_O" || !/^W_/.test(name) ? value[0] : value.map(([row]) => row));
const matrix = (name, value) => (value[0][0]?.length ? oneHead(name, value) : value[0].length ? value : [value]);
const matrices = (named) =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [short(name), matrix(short(name), value)]));

/** Both passes and what the mistake makes wrong, whatever of them is shown. */
const passesOf = opened(({ model }) => {
  const { config, params } = model("model");
  return remember((operation, first, second, gradient) => passes(params, config, { operation, first, second, gradient }));
});

function passes(params, config, state) {
  const target = Math[state.operation.toLowerCase()](state.first, state.second);
  const acts = forward(params, tokensOf(state), config);
  const gradients = (mistake) => matrices(backward(params, acts, [target], config, planted(mistake, acts)));
  const right = gradients("right"), grads = gradients(state.gradient);
  const off = (name) => largest(grads[name].map((row, i) => row.map((value, j) => value - right[name][i][j]))) > OFF;
  const angle = (name) => {
    const length = norm(right[name]) * norm(grads[name]);
    return length ? dot(right[name].flat(), grads[name].flat()) / length : null;
  };
  const cosines = Object.fromEntries(ORDER.map((name) => [name, angle(name)]));
  return { values: { ...matrices(params), ...matrices(acts) }, loss: loss(acts, [target]), grads, cosines,
    target, wrong: ORDER.filter(off) };
}

export function compute(state, data) {
  const { operation, first, second, gradient } = state, found = passesOf(data)(operation, first, second, gradient);
  const asked = cellAt(state, found.values);
  const facts = { ...found, tokens: tokensOf(state), gradient, isCopied: gradient === "copied" || gradient === "both" };
  return { ...found, asked, made: made(asked, facts) };
}

/** The cell that is asked; beyond an edge of its tensor, the one at the edge. */
function cellAt({ asked: name, side, row, column }, { [name]: value }) {
  return { name, side, row: Math.min(row, value.length - 1), column: Math.min(column, value[0].length - 1) };
}

const room = (name, w) => Math.max(w, 8 * name.length + 22);
const reached = (name, { step }) => BACK.indexOf(BORN[name] ?? name) < step;

/** Where each tensor stands: groups below each other, their tensors side by side as far as there is room. */
function places(now, width) {
  const at = {}, heads = [];
  let y = 6;
  for (const [title, roles] of GROUPS) {
    let [x, tall] = [0, 0];
    heads.push([title, y + 10]);
    y += 36;
    for (const name of Object.keys(roles)) {
      const value = now.values[name], w = 2 * value[0].length * CELL + 3;
      if (x && x + room(name, w) > width) [x, y, tall] = [0, y + tall + 34, 0];
      at[name] = { x, y, value, w: value[0].length * CELL, tall: value.length * CELL, role: roles[name] };
      [x, tall] = [x + room(name, w) + GAP, Math.max(tall, value.length * CELL)];
    }
    y += tall + 26;
  }
  return { at, heads, height: y };
}

const shades = rememberOf(cells);

function drawn(name, { x, y, value, w, tall, role }, state, now) {
  const grad = now.grads[name], shown = reached(name, state), wrong = shown && now.wrong.includes(name);
  return h("g", { "aria-hidden": true, "data-part": name },
    h("text", { x, y: y - 6, class: wrong ? "strong" : null },
      h("tspan", { fill: color(role) }, glyph(role)), ` ${name}${wrong ? " ✗" : ""}`),
    shades(value, { x, y, w: CELL, tall: CELL, limit: largest(value), kind: name === "pattern" ? "amount" : "signed" }),
    shown ? shades(grad, { x: x + w + 3, y, w: CELL, tall: CELL, limit: largest(grad) })
      : h("rect", { class: "axis", x: x + w + 3, y, width: w, height: tall, "stroke-dasharray": "2 3" }),
    shown ? h("text", { x: x + w + 3, y: y + tall + 13, class: "soft tiny" }, `±${brief(largest(grad), 2)}`) : null);
}

const titleOf = ({ name, side, row, column }) => `${side === "gradient" ? "∂" : ""}${name}[${row}, ${column}]`;
const valueOf = ({ values, grads }, { name, side, row, column }) => (side === "gradient" ? grads : values)[name][row][column];
const TURN = { PageDown: 1, PageUp: -1 }, STEP = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Each tensor can be pressed anywhere; arrows go on among its cells, Page Up and Page Down to the other tensors. */
function asker(name, { x, y, value, w, tall }, state, now, lab) {
  const { asked } = now, columns = value[0].length, here = asked.name === name;
  const set = (asked, side, row, column) => lab.set({ asked, side, row, column });
  const cell = (place, extent, length) => clamp(Math.floor((place / extent) * length), 0, length - 1);
  const act = (at) => {
    const side = at.x > x + w + 1 && reached(name, state) ? "gradient" : "value", left = side === "value" ? x : x + w + 3;
    set(name, side, cell(at.y - y, tall, value.length), cell(at.x - left, w, columns));
  };
  const onkeydown = (event) => {
    const step = STEP[event.key], turn = TURN[event.key];
    if (!step && !turn) return;
    event.preventDefault();
    const svg = event.currentTarget.closest("svg");
    if (turn) {
      const next = ORDER.at((ORDER.indexOf(name) + turn) % ORDER.length);
      set(next, asked.side, 0, 0);
      svg.querySelector(`[data-asks="${next}"]`).focus();
      return;
    }
    const wide = asked.side === "gradient" ? columns + asked.column : asked.column;
    const at = clamp(wide + step[1], 0, (reached(name, state) ? 2 : 1) * columns - 1);
    set(name, at < columns ? "value" : "gradient", clamp(asked.row + step[0], 0, value.length - 1), at % columns);
  };
  return h("rect", { x, y, width: 2 * w + 3, height: tall, fill: "transparent", ...pressable(act), role: "button",
    "data-asks": name, tabindex: here ? 0 : -1, onkeydown,
    "aria-label": here ? `${titleOf(asked)} is ${brief(valueOf(now, asked))}` : name });
}

/** Frames: the cell that is asked, and the tensors that it was made from. */
function frames(at, { asked: { name, side, row, column }, made: { from } }) {
  const place = at[name], left = side === "gradient" ? place.x + place.w + 3 : place.x;
  const whole = ({ x, y, w, tall }) => rect(x - 2, y - 2, 2 * w + 7, tall + 4, { class: "lab-pick", "stroke-dasharray": "3 2" });
  return h("g", { "aria-hidden": true, "pointer-events": "none" }, from.map((one) => whole(at[one])),
    rect(left + column * CELL, place.y + row * CELL, CELL, CELL, { class: "lab-now" }));
}

function describe(state, now) {
  const seen = now.wrong.filter((name) => reached(name, state));
  const at = state.step ? `Backward has reached ${BACK[state.step - 1]}` : "Forward only";
  const mistake = state.gradient === "right" ? "All gradients are right."
    : seen.length ? `${seen.length} of ${ORDER.length} gradients are wrong so far: ${seen.join(", ")}.`
      : "No gradient is wrong so far.";
  return `${state.operation} of ${state.first} and ${state.second}: loss ${fixed(now.loss)}. ${at}. ${mistake}`
    + ` Asked: ${titleOf(now.asked)} is ${brief(valueOf(now, now.asked))}.`;
}

const PYTHON = {
  copied: Object.fromEntries(["q", "k"].map((name) =>
    [`blocks.0.d_${name}`, 'seen["blocks.0.pattern"].mT @ seen["blocks.0.d_z"]'])),
  twice: { d_logits: 'softmax_pullback(softmax(acts["logits"]), value)' },
};
PYTHON.both = { ...PYTHON.copied, ...PYTHON.twice };

export const code = ({ operation, first, second, gradient }) => [
  ...(PYTHON[gradient]?.d_logits ? ["from transformer_lab.byhand.attention import softmax, softmax_pullback"] : []),
  "from transformer_lab.byhand.transformer import backward",
  "from transformer_lab.widgets import BackwardReplay", "",
  `replay = BackwardReplay(operation="${operation}", first=${first}, second=${second})`,
  "acts = replay.acts",
  ...(PYTHON[gradient] ? tapped(GRADIENTS[gradient], PYTHON[gradient]) : []),
  `grads = backward(replay.params, acts, replay.target, replay.config${
    PYTHON[gradient] ? `,\n${" ".repeat(17)}tap=planted` : ""})`,
  'print(grads["blocks.0.W_Q"][:, 0].tolist(), grads["W_U"].tolist())',
].join("\n");

const digits = range(4).map((digit) => [digit, String(digit)]);

export default explorable({
  title: "Backward beside forward",
  data: "small-block",
  instruction: "Each tensor has its gradient at its right. Press any cell; slide the backward pass; plant a mistake.",
  defaults: { operation: "Max", first: 2, second: 1, gradient: "copied", step: LAST, asked: "q", side: "gradient", row: 0,
    column: 1 },
  compute, describe, code,
  view(state, now, lab) {
    const { at, heads, height } = places(now, lab.width);
    return [picture(lab, height, heads.map(([title, y]) => h("text", { x: 0, y, class: "strong" }, title)),
      ORDER.map((name) => drawn(name, at[name], state, now)), frames(at, now),
      ORDER.map((name) => asker(name, at[name], state, now, lab))),
    answer(titleOf(now.asked), valueOf(now, now.asked), now.made)];
  },
  controls: (state, now, lab) => [
    slider("Backward", { min: 0, max: LAST, step: 1, value: state.step, shown: BACK[state.step - 1] ?? "not yet" },
      (step) => lab.set({ step })),
    menu("Gradient", Object.entries(GRADIENTS), state.gradient, (gradient) => lab.set({ gradient })),
    choose("Ask", [["Max", "Max"], ["Min", "Min"]], state.operation, (operation) => lab.set({ operation })),
    menu("of", digits, state.first, (first) => lab.set({ first })),
    menu("and", digits, state.second, (second) => lab.set({ second })),
  ],
  table: (state, now) => ({
    caption: "Each tensor: its largest entry, its gradient's, and the cosine with the right gradient",
    columns: ["tensor", "value", "gradient", "cosine"],
    rows: ORDER.map((name) => [name, brief(largest(now.values[name])), brief(largest(now.grads[name])),
      now.cosines[name] === null ? "zero" : fixed(now.cosines[name], 2)]),
  }),
});
