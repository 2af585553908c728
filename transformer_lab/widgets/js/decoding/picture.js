// The sequence so far, with a row of cells for each head. On a wide screen the tokens go across, with brackets above
// and cells below; on a phone the same picture goes down.

import { label, line, rect } from "../core/chart.js";
import { amount, color, glyph } from "../core/color.js";
import { h } from "../core/draw.js";
import { percent } from "../core/format.js";
import { range, sum } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";
import { picture } from "../core/ui.js";
import { reasons } from "./training.js";

export const NARROW = 600; // below it the picture goes down
const LEFT = 70, LINE = 24, BRACKET = 24, CELL = 16, GAP = 8, BAR = 20;
const wide = (word) => (word.length > 1 ? 7.8 * word.length + 14 : 24);
const isNumber = ({ x }) => typeof x === "number";

/** The words as they are drawn: the question, what is written so far, and the token that comes next. */
const rowOf = ({ words, run, at }) => [...words.map(({ text }) => text),
  ...run.steps.slice(0, at + 1).map(({ taken }) => TOKENS[taken])];

function across(now, row, lab) {
  const unit = Math.min(1.15, (lab.width - LEFT) / sum(row.map(wide)));
  const x = (i) => LEFT + unit * sum(row.slice(0, i).map(wide));
  const top = 20 + BRACKET * Math.max(now.levels, now.task.depth);
  const rowAt = (r) => top + 58 + CELL * r + GAP * now.task.heads[r].layer, bars = rowAt(now.task.heads.length - 1) + CELL + 34;
  const upper = ({ level }) => top + 8 - BRACKET * (now.levels - level + 1);
  return { bars, height: bars + 5 * BAR + 4,
    token: (i, j = i) => [x(i) + 1, top, x(j + 1) - x(i) - 2, LINE],
    cell: (i, r) => [x(i), rowAt(r), x(i + 1) - x(i), CELL],
    bracket: ({ first, last, ...node }) => { // with a gap for the value
      const [from, to, y] = [x(first) + 3, x(last + 1) - 3, upper(node)], middle = (from + to) / 2;
      return `M${from} ${y + 7}v-7H${middle - 20}M${middle + 20} ${y}H${to}v7`;
    },
    exact: ({ first, last, ...node }) => [(x(first) + x(last + 1)) / 2, upper(node) + 4.5, "middle"],
    looker: (i) => [(x(i) + x(i + 1)) / 2, top + 44, "middle"], title: [0, top + 44, ""],
    next: (i) => [(x(i) + x(i + 1)) / 2, top - 8, "middle"],
    verdict: (i, text) => [Math.min(x(i), lab.width - 7 * text.length), top - 8, ""],
    layer: (r) => [0, rowAt(r) + 12, ""], head: (r) => [LEFT - 8, rowAt(r) + 12, "end"] };
}

function down(now, row, lab) {
  const top = 78, cell = 21, right = lab.width - now.task.heads.length * cell - GAP, y = (i) => top + LINE * i;
  const levelOf = (i) => { const node = now.nodes[now.words[i]?.node]; return node ? node.level - isNumber(node) : 0; };
  const x = (i) => 9 + 11 * (levelOf(i) - (i < now.words.length)), bars = y(row.length) + 34;
  const left = (r) => right + cell * r + GAP * now.task.heads[r].layer;
  const beside = (i) => [x(i) + wide(row[i]) + 6, y(i) + 16, ""];
  return { bars, height: bars + 5 * BAR + 4,
    token: (i, j = i) => [x(i), y(i) + 1, wide(row[i]), LINE * (j - i + 1) - 2],
    cell: (i, r) => [left(r), y(i), cell, LINE],
    bracket: ({ level, first, last }) => `M${11 * level - 2} ${y(first) + 5}h-5V${y(last + 1) - 5}h5`,
    exact: ({ first }) => beside(first), next: beside, verdict: (i) => beside(row.length - 1),
    looker: (i) => [right - 10, y(i) + 16, "middle"], title: [0, 34, ""],
    layer: (r) => [left(r) + 2 * cell, 56, "middle"], head: (r) => [left(r) + cell / 2, 72, "middle"] };
}

const put = ([x, y, style], text, more) => label(x, y, text, `${style} ${more}`);
const word = (at, i, text, style = "") => {
  const [x, y, width] = at.token(i);
  return label(x + width / 2, y + 16, text, `code middle ${style}`);
};

/** A number or an operation in its box; operate(i) makes it react. The signs of an operation belong to it. */
function part(at, node, i, { words, strange, selected, task }, operate, select) {
  const own = range(words.length).filter((t) => words[t].node === i), boxed = isNumber(node) ? own : own.slice(0, 1);
  const box = at.token(boxed[0], boxed.at(-1)), text = (t, style = "") =>
    word(at, t, words[t].text, t < task.n_ctx ? style : `${style} faint`);
  return [h("g", { class: "lab-press", ...operate(i) },
    rect(...box, { class: strange[i] ? "lab-token strange" : "lab-token", rx: 3 }),
    i === selected ? rect(...box, { class: "lab-now", rx: 3 }) : null, boxed.map((t) => text(t))),
  h("g", { class: "lab-press", onclick: () => select(i) }, own.slice(boxed.length).map((t) => text(t, "soft"))),
  isNumber(node) ? null : h("path", { d: at.bracket(node), class: "lab-bracket" })];
}

/** What is written, in boxes; the token that is taken at this step in a strong one. */
function answer(at, row, { words, done, right, exact }, go) {
  const first = words.length, last = row.length - 1, verdict = right ? "✓ right" : `✗ exactly ${exact[0]}`;
  return h("g", { "aria-hidden": true },
    range(row.length - first).map((n) => {
      const i = first + n, style = i === last ? "strong" : "";
      return h("g", { class: "lab-press", onclick: () => go(n) },
        rect(...at.token(i), { class: `lab-token ${style}`, rx: 3 }), word(at, i, row[i], style));
    }),
    done ? put(at.verdict(first, verdict), verdict, "strong") : put(at.next(last), "next", "soft"));
}

/** Cells: how much each head looks at each token, from the last token of the sequence so far. */
function looks(at, { patterns, row: { length } }, { heads }) {
  const mark = h("tspan", { fill: color("query") }, glyph("query")), short = (value) => Number(value.toFixed(1));
  const cell = (share, i, r) => rect(...at.cell(i, r).map(short), { class: "lab-cell", ...amount(share) });
  return h("g", { "aria-hidden": true }, patterns.map((shares, r) => shares.map((share, i) => cell(share, i, r))),
    heads.map(({ layer, head }, r) => [put(at.head(r), String(head), "soft"),
      head ? null : put(at.layer(r), `layer ${layer}`, "soft")]),
    put(at.title, ["where each head looks, from ", mark], "soft"), put(at.looker(length - 1), mark, ""));
}

/** The five likeliest next tokens, and the scale of the cells. */
function nextTokens({ bars }, { top, taken }, lab) {
  const x = (i) => lab.width - 96 + 16 * i, bar = ({ token, word: text, share }, i) => {
    const y = bars + BAR * i, long = share * (lab.width - LEFT - 78), next = token === taken;
    const shown = share === 0 ? "cut off" : share < 5e-5 ? "< 0.01 %" : percent(share, 2);
    return [label(LEFT - 8, y + 14, text, `code end ${next ? "strong" : share ? "" : "faint"}`), line(LEFT, y, LEFT, y + BAR),
      rect(LEFT, y + 3, Math.max(1, long), 14, amount(next ? 1 : 0.5)),
      label(LEFT + long + 7, y + 14, shown, next ? "strong" : "soft")];
  };
  return h("g", { "aria-hidden": true }, label(0, bars - 12, "next token", "soft"), top.map(bar),
    [0, 0.25, 0.5, 0.75, 1].map((share, i) => rect(x(i), bars - 22, 16, 11, { class: "lab-cell", ...amount(share) })),
    label(x(0) - 6, bars - 12, "attention 0", "soft end"), label(lab.width, bars - 12, "1", "soft end"));
}

/** What is dashed, and why, as far as there is room. */
function note(strange, { width }) {
  const short = "Dashed: not in training", full = `${short} (${reasons(strange)})`;
  return reasons(strange) ? label(0, 12, 6.7 * full.length < width ? full : short, "soft") : null;
}

/** `operate(i)` makes the i-th number or operation react; select(i) selects it; go(n) goes to step n. */
export function sequence(now, lab, { operate, select, go }) {
  const { nodes, words, exact, strange, step, task } = now, row = rowOf(now);
  const at = (lab.width < NARROW ? down : across)(now, row, lab), [, y] = at.token(words.length - 1);
  const parts = [note(strange, lab), nodes.map((node, i) => part(at, node, i, now, operate, select)),
    nodes.map((node, i) => (isNumber(node) ? null : put(at.exact(node), `= ${exact[i]}`, "soft")))];
  if (step) return picture(lab, at.height, parts, answer(at, row, now, go), looks(at, step, task), nextTokens(at, step, lab));
  const much = `${words.length} tokens: the model has positions for ${task.n_ctx}.`;
  return picture(lab, y + 64, parts, label(0, y + 52, much));
}
