// Positions, in two views: pairs of a query and a key that are turned by their places, and the length of the windows
// that models with every code are judged on.

import { fixed } from "./core/format.js";
import { choose, explorable, menu, picture, slider } from "./core/ui.js";
import { drawClocks, turned } from "./turns/clocks.js";
import { CODES, GROUP, WAYS, drawLengths, judged, lengthsTable, said, titleOf, waysOf } from "./turns/lengths.js";

export const compute = (state, data) => (state.view === "turn" ? turned(state) : judged(state, data));

const view = (state, now, lab) => picture(lab, ...(state.view === "turn" ? drawClocks : drawLengths)(state, now, lab));

function ofTurns({ how, squeeze, query }, { offset, score, along, met }) {
  const span = Math.max(...along) - Math.min(...along), news = met.filter((one) => !one).length;
  const where = offset ? `The key stands ${offset} before the query, at ${query}` : `Both stand at ${query}`;
  if (how === "added") return `${where}. Rows are added: the score is ${fixed(score, 2)}, and between ${fixed(Math.min(...along), 2)} and ${fixed(Math.max(...along), 2)} when both move together.`;
  const moved = span < 1e-9 ? "the same wherever both stand" : `different by ${fixed(span, 2)}`;
  const angles = news ? `${news} of 8 pairs stand at an angle that training never met` : "every pair stands at an angle that training has met";
  return `${where}${squeeze > 1 ? `, places divided by ${squeeze}` : ""}. The score is ${fixed(score, 2)}, ${moved}; ${angles}.`;
}

const turnsTable = (state, now) => ({ caption: `Query at ${state.query}, key at ${now.key}: the score is ${fixed(now.score, 4)}`,
  columns: ["pair", "radians a step", "query's angle", "key's angle", "between", "its cosine", "met in training"],
  rows: now.omega.map((omega, i) => [String(i), fixed(omega, 4), ...now.hands.map((hand) => fixed(hand[i], 3)), fixed(now.angles[i], 3),
    fixed(Math.cos(now.angles[i]), 4), now.met[i] ? "yes" : "no"]) });

const TURNED = ({ query, squeeze }, key) => `import numpy as np
from transformer_lab.byhand.positions import frequencies

turn = np.exp(1j * frequencies(16))  # of each pair, a step
query, key = turn ** (${query} / ${squeeze}), turn ** (${key} / ${squeeze})
print((query * key.conj()).real.sum())`;

const ADDED = ({ query }, key) => `import numpy as np
from transformer_lab.byhand.positions import sinusoids

plain, rows = np.tile([1.0, 0.0], 8), sinusoids(128, 16)
print((plain + rows[${query}]) @ (plain + rows[${key}]))`;

const LENGTHS = ({ code, length }, way) => `from transformer_lab.widgets import RotaryTurns

lab = RotaryTurns(view="length", code="${code}", way="${way}", length=${length})
print(lab.mean)`;

export default explorable({
  title: (state) => (state.view === "turn" ? "Pairs that turn" : "Longer windows"),
  instruction: (state) => (state.view === "turn" ? "Drag the query, and the key comes along; drag the key alone, or use the arrow keys."
    : "Drag the length, or use the arrow keys."),
  data: "rotary-turns",
  defaults: { view: "turn", query: 40, key: 33, how: "turned", squeeze: 1, length: 128, code: "rotary", way: "plain" },
  compute, view,
  controls: (state, now, lab) => [
    choose("View", [["turn", "turn"], ["length", "length"]], state.view, (to) => lab.set({ view: to })),
    ...(state.view === "turn" ? [
      choose("Places are", [["turned", "turned"], ["added", "added"]], state.how, (how) => lab.set({ how })),
      choose("divided by", [1, 2, 4].map((n) => [n, String(n)]), state.squeeze, (squeeze) => lab.set({ squeeze }))]
      : [menu("code", CODES.map((code) => [code, titleOf(code)]), state.code, (code) => lab.set({ code, way: "plain" })),
        menu("changed", waysOf(state.code).map((way) => [way, WAYS[way]]), now.way, (way) => lab.set({ way })),
        slider("length", { min: 32, max: 128, step: GROUP, value: state.length }, (length) => lab.set({ length }))]),
  ],
  describe: (state, now) => (state.view === "turn" ? ofTurns : said)(state, now),
  table: (state, now) => (state.view === "turn" ? turnsTable : lengthsTable)(state, now),
  code: (state, now) => (state.view === "turn" ? (state.how === "added" ? ADDED : TURNED)(state, now.key) : LENGTHS(state, now.way)),
});
