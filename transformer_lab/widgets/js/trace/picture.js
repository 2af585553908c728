// What the block trace draws: the rail of stages, and the numbers at one of them.

import { cells, label, line, rect } from "../core/chart.js";
import { amount, color, glyph, largest } from "../core/color.js";
import { h } from "../core/draw.js";
import { brief, fixed, percent } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { handle, picture } from "../core/ui.js";
import { LOSS, STAGES, WAY } from "./stages.js";

const THERE = 34, BACK = 60, TOP = 122; // lanes of the rail, and what is under them
const ROW = 19, LEFT = 62, START = 20;

export const short = (name) => name.replace(/blocks\.\d+\./, "");

/** Which stage it is, in words. The way back has the same numbers. */
export const where = ({ stage }, { at }) => (stage === LOSS ? "the loss"
  : `${stage > LOSS ? "back at " : ""}stage ${STAGES.indexOf(at) + 1} of ${STAGES.length}, ${at.words}`);

/** A mark a stage, by its role: there, round the loss, and back. Drag along them. */
function rail(state, now, lab) {
  const end = WAY.length - 1, turn = (BACK - THERE) / 2, step = (lab.width - START - 13) / LOSS;
  const x = (i) => START + Math.min(i, end - i) * step;
  const y = (i) => (i < LOSS ? THERE : i > LOSS ? BACK : THERE + turn);
  const go = (i) => lab.set({ stage: clamp(i, 0, end) });
  const nearest = (at) => { // the loss is at the right of both lanes
    const i = Math.min(Math.round((at.x - START) / step), LOSS);
    return at.y < y(LOSS) ? i : end - i;
  };
  const layers = range(now.last + 1).map((layer) => STAGES.flatMap((one, i) => (one.layer === layer ? [x(i)] : [])));
  return h("g", {},
    h("path", { class: "axis", fill: "none",
      d: `M${START} ${THERE}H${x(LOSS) - turn}a${turn} ${turn} 0 0 1 0 ${2 * turn}H${START}` }),
    label(0, THERE + 4, "→", "soft"), label(0, BACK + 4, "←", "soft"),
    layers.map((at, layer) => [line(at[0], 16, at.at(-1), 16), label(at[0], 11, `layer ${layer}`, "soft")]),
    WAY.map((one, i) => label(x(i), y(i) + 5, i === LOSS ? "◆" : glyph(one.role),
      { "text-anchor": "middle", style: `fill: ${color(i === LOSS ? "ink" : one.role)}` })),
    h("circle", { ...handle(lab, { label: "Stage", value: state.stage, low: 0, high: end, shown: where(state, now),
      across: true, move: (point) => go(nearest(point)), nudge: (dx, dy) => go(state.stage + dx + dy) }),
    cx: x(state.stage), cy: y(state.stage), r: 12, fill: "transparent", stroke: color("ink"), "stroke-width": 2 }),
    heading(now));
}

const heading = ({ at, back }) => h("text", { x: 0, y: 96, class: "strong" }, back ? `back: ${at.words}` : at.words,
  h("tspan", { class: "code", "font-weight": 400, dx: 10 }, short(at.name)),
  at.layer === undefined ? "" : h("tspan", { "font-weight": 400, dx: 10 }, `layer ${at.layer}`));

const names = (tokens, x, y, tall) => tokens.map((word, t) =>
  label(x, y + (t + 0.5) * tall + 4, word, t === tokens.length - 1 ? "code strong end" : "code soft end"));

/** Rows of 32 numbers, one a token. */
function rows({ tokens, value, back }, lab, height) {
  const limit = largest(value), tall = (height - 44) / 8, what = back ? "slopes" : "numbers";
  return h("g", { "aria-hidden": true }, names(tokens, LEFT - 8, TOP, tall),
    cells(value, { x: LEFT, y: TOP, w: (lab.width - LEFT - 2) / value[0].length, tall, limit }),
    label(lab.width - 2, TOP + 8 * tall + 16,
      `32 ${what} a token, full colour ±${back ? brief(limit, 2) : fixed(limit, 1)}`, "soft end"));
}

/** Four patterns, a row a query; the last one is read out. */
function patterns({ tokens, value, back }, lab) {
  const columns = lab.width >= 560 ? 4 : 2, wide = (lab.width - LEFT) / columns, cell = Math.min(ROW, (wide - 12) / 8);
  const paint = back ? { limit: largest(value) } : { kind: "amount" };
  return h("g", { "aria-hidden": true }, value.map((pattern, head) => {
    const x = LEFT + (head % columns) * wide, y = TOP + 8 + Math.floor(head / columns) * (8 * cell + 44);
    const under = (word, t) => label(x + (t + 0.5) * cell, y + 8 * cell + 13, word[0], "code tiny soft middle");
    return [head % columns ? null : names(tokens, LEFT - 8, y, cell), cells(pattern, { x, y, w: cell, ...paint }),
      rect(x, y + 7 * cell, 8 * cell, cell, { class: "lab-pick" }), label(x, y - 5, `head ${head}`, "soft"),
      tokens.map(under)];
  }));
}

const BARS = { // what the bars of the digits are
  logits: (top) => `logits of the digits, longest ${fixed(top, 1)}`,
  loss: (top) => `the loss if this were the target, longest ${fixed(top, 1)} nats`,
  back: (top) => `slopes of the digits' logits, longest ${brief(top, 2)}`,
};

/** A number for each digit, as bars from zero. */
function bars({ at, value, back, wanted }, lab, height) {
  const tall = (height - 44) / 10, digits = value.slice(2, 12), top = largest(digits), losses = at.name === "loss";
  const zero = losses ? LEFT : lab.width / 2, unit = (lab.width - zero - 70) / top;
  const paint = (number) => (losses ? amount(0.5) : { fill: color(number < 0 ? "negative" : "positive") });
  return h("g", { "aria-hidden": true }, digits.map((number, digit) => {
    const y = TOP + digit * tall, target = (losses || back) && String(digit) === wanted;
    return [label(LEFT - 8, y + tall / 2 + 4, String(digit), target ? "code strong end" : "code end"),
      rect(Math.min(zero, zero + unit * number), y + 2, Math.abs(unit * number), tall - 4, paint(number)),
      target ? label(lab.width - 2, y + tall / 2 + 4, "← target", "soft end") : null];
  }), line(zero, TOP, zero, TOP + 10 * tall),
  label(lab.width / 2, TOP + 10 * tall + 16, BARS[back ? "back" : at.name](top), "soft middle"));
}

/** Named shares as bars from 0 to 1, the largest one strong. */
function shares(title, left, entries, y, lab) {
  const most = Math.max(...entries.map(([, share]) => share));
  return h("g", { "aria-hidden": true, "data-part": "answers" }, label(0, y, title, "soft"), entries.map(([name, share, words], i) => {
    const at = y + 8 + i * 20, wide = (lab.width - left - 72) * share, strong = share === most;
    return [label(left - 8, at + 14, name, strong ? "code strong end" : "code end"),
      rect(left, at + 2, wide, 15, amount(strong ? 1 : 0.5)), line(left, at, left, at + 20),
      label(left + wide + 6, at + 14, words, strong ? "strong" : "soft")];
  }));
}

/** The five likeliest tokens, if the stream of the last token were read out at this stage. */
const answers = ({ top }, y, lab) => shares("read out here, the last token would say", LEFT,
  top.map(({ word, share }) => [word, share, percent(share, 1)]), y, lab);

/** The parameters that made this activation: the length of each one's gradient, against the longest of all. */
function makers({ at, sizes }, y, lab) {
  const longest = Math.max(...Object.values(sizes));
  const title = at.makers.length ? "length of the parameters' gradients here" : "no parameters: a sum hands on what it has";
  const entry = (name) => [short(name), sizes[name] / longest, brief(sizes[name], 2)];
  return shares(title, 96, at.makers.map(entry), y, lab);
}

export function view(state, now, lab) {
  const pattern = Math.min(ROW, ((lab.width - LEFT) / 2 - 12) / 8), narrow = lab.width < 560;
  const tall = narrow ? 2 * (8 * pattern + 44) + 8 : 8 * ROW + 44, y = TOP + tall + 16;
  const draw = now.at.name.endsWith("pattern") ? patterns : now.value[0].length ? rows : bars;
  return picture(lab, y + 112, rail(state, now, lab), draw(now, lab, tall), (now.back ? makers : answers)(now, y, lab));
}
