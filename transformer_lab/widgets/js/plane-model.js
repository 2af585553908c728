// A transformer that can be seen entirely: 250 weights, a stream two wide. Drag a token or a weight, and the regions of
// its prediction, its attention and the proof over all 38,753,322 contexts follow at once.

import { h } from "./core/draw.js";
import { fixed, percent } from "./core/format.js";
import { argmax } from "./core/math.js";
import { remember } from "./core/remember.js";
import { button, choose, explorable, menu, picture, slider } from "./core/ui.js";
import { BARS, BOARD, SEEDS, STRIP, bars, board, seeds, strip } from "./plane/beside.js";
import { N_SEEDS, PLUS, TENSORS, bookOf, edited, entryName, put, undone } from "./plane/book.js";
import { winner } from "./plane/cells.js";
import { activations, leadOf, planeOf } from "./plane/model.js";
import { attention, scores } from "./plane/panels.js";
import { proofOf } from "./plane/prove.js";
import { field, parse, ruled, spelt, word } from "./plane/sequence.js";
import { frameOf, space } from "./plane/space.js";

const SLICE = 4; // ms of proving in a frame, beyond the first look at every family
const books = new Map(); // remember() asks for arguments that are text

/** A model with edits: the map of the plane, and the proof, which goes on from frame to frame. */
const modelOf = remember((seed, step, edits) => {
  const book = books.get("book"), theta = edited(book.weights(seed, step), book.layout, edits);
  const plane = planeOf(theta, book.layout, PLUS);
  return { book, theta, plane, proof: proofOf(plane, book.families) };
}, 8);

/** The window of the plane is that of the trained model, whatever is dragged. */
const windowOf = remember((seed) => {
  const { plane: { x, v, layout: { d_vocab: V, n_ctx: T } }, proof: { results } } = modelOf(seed, 1e9, []), all = [[], []];
  for (let n = 0; n < x.length; n++) all[n % 2].push(x[n]);
  for (const { corners } of results) corners.forEach((value, n) => all[n % 2].push(value));
  for (let t = 1; t < T; t++) for (let n = 0; n < v.length; n++) if (n < 2 * (t + 1) * V) all[n % 2].push(x[2 * (t * V + PLUS) + n % 2] + v[n]);
  return all.flatMap((values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)], room = 0.06 * (high - low);
    return [low - room, high + room];
  });
}, 30);

function followed({ seed, step, edits }, tokens) {
  const model = modelOf(seed, step, edits), { plane, proof } = model, acts = activations(plane, tokens), logits = acts.logits.at(-1);
  if (!proof.done) proof.go(SLICE);
  const said = argmax(logits), rule = ruled(tokens), rest = logits.map((value, token) => (token === said ? -Infinity : value));
  return { ...model, cells: null, tokens, acts, said, rule, share: acts.probs.at(-1)[said], rival: argmax(rest), lead: leadOf(logits, said),
    right: rule?.allowed.includes(said), window: windowOf(seed), broken: proof.results.filter(({ wrong }) => wrong).length,
    open: proof.results.filter(({ open }) => open).length,
    counter: proof.counterexample && winner(plane, activations(plane, proof.counterexample.context).resid_mid.at(-1)) };
}

export function compute(state, data) {
  books.set("book", bookOf(data));
  const { tokens } = parse(state.sequence), now = followed(state, tokens);
  const other = state.other < 0 ? null : followed({ seed: state.other, step: 1e9, edits: [] }, tokens);
  const going = ({ proof }) => !proof.done && !proof.given_up;
  return { ...now, other, unfinished: going(now) || (other !== null && going(other)) };
}

/** The view that is chosen, in a square. */
function panel(state, now, lab, left, top, size, still) {
  if (state.view === "scores") return scores(now, { left, top, size });
  if (state.view === "attention") return attention(now, { left, top, size });
  return space(state, now, lab, frameOf(now.window, left, top, size), { proof: state.view === "proof", still });
}

function stage(state, now, lab) {
  const wide = lab.width >= 600, both = now.other !== null, gap = 24;
  const side = wide ? Math.round(lab.width * (both ? 0.5 : 0.6) - gap / 2) : lab.width, beside = lab.width - side - gap;
  const stacked = !wide || both, x = stacked ? 0 : side + gap, y = stacked ? side + 12 : 0, width = stacked ? side : beside;
  const lower = stacked ? y + BARS + BOARD + 16 : Math.max(side, BARS + BOARD + 12) + 12;
  const second = both && [h("g", {}, wide ? panel(state, now.other, lab, side + gap, 0, side, true) : null),
    bars(now.other, side + gap, y, beside), board(state, now.other, lab, side + gap, y + BARS + 4, beside, true)];
  return picture(lab, lower + STRIP + SEEDS, panel(state, now, lab, 0, 0, side, false), bars(now, x, y, width),
    board(state, now, lab, x, y + BARS + 4, width), wide && second, strip(state, now, lab, lower), seeds(state, now, lab, lower + STRIP));
}

/** The weight that is chosen. */
function weight(state, { theta, book: { layout } }, lab) {
  const { start, size } = layout, entry = Math.min(state.entry, size[state.tensor] - 1), value = theta[start[state.tensor] + entry];
  const top = Math.max(4, Math.ceil(2 * Math.abs(value)));
  return h("div", { class: "lab-controls" },
    menu("Change", TENSORS.map((name) => [name, name]), state.tensor, (tensor) => lab.set({ tensor, entry: 0 })),
    slider(entryName(layout, state.tensor, entry), { min: -top, max: top, step: 0.01, value: Number(value.toFixed(2)), shown: fixed(value, 2) },
      (to) => lab.set(put(state, state.tensor, [[entry, to]]))),
    button("Undo", () => lab.set(undone(state)), { disabled: !state.past?.length }));
}

const view = (state, now, lab) => [field(state, now, lab), stage(state, now, lab), weight(state, now, lab)];

function describe(state, { tokens, said, share, rule, right, rival, lead, acts, proof, broken, open, counter, other }) {
  const last = acts.pattern.at(-1), most = argmax(last);
  const verdict = proof.wrong
    ? `The proof breaks in ${broken} of 168 families: after ${spelt(proof.counterexample.context)} it says ${word(counter)}.`
    : proof.done ? `Proved right on all 38,753,322 contexts; the least lead is ${fixed(proof.margin, 2)}.` : `${open} of 168 families are still undecided.`;
  return [`After ${spelt(tokens)} the model says ${word(said)} (${percent(share, 1)})${rule ? `, which is ${right ? "right" : "wrong"}` : ""}, ${fixed(lead, 2)} ahead of ${word(rival)}.`,
    `It reads ${percent(last[most])} from the ${word(tokens[most])} in position ${most}.`, verdict,
    other ? `Seed ${state.other} ${other.proof.wrong ? `breaks in ${other.broken} families` : "is proved"}.` : ""].filter(Boolean).join(" ");
}

const table = (state, { tokens, acts, proof }) => [
  { caption: "What the last token reads", columns: ["token", "score", "weight", "value", "stream before"],
    rows: tokens.map((token, i) => [word(token), fixed(acts.scores.at(-1)[i]), percent(acts.pattern.at(-1)[i], 1),
      acts.v[i].map((value) => fixed(value, 2)).join(", "), acts.resid_pre[i].map((value) => fixed(value, 2)).join(", ")]) },
  { caption: "168 families of contexts", columns: ["latest even number", "its place", "+ in", "least lead", "counterexample"],
    rows: proof.results.map(({ answer, place, t, margin, wrong }) => [String(answer), String(place), String(t), fixed(margin), wrong ? spelt(wrong.context) : "none"]) },
];

const code = ({ seed, step, sequence, edits }) => `from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.rules import RuleTask
from transformer_lab.widgets import PlaneModel

edits = [${edits.map((edit) => `\n    ${JSON.stringify(edit).replaceAll(",", ", ")},`).join("")}${edits.length ? "\n" : ""}]
model = PlaneModel(seed=${seed}, step=${step}, edits=edits, sequence="${sequence}")
acts = forward(model.params, model.tokens, model.config)
print(acts["logits"][0, -1])
proof = prove(plane_of(model.params, model.config, ${PLUS}), families(RuleTask(n_ctx=8)))
print("proved" if proof.proved else "not proved", proof.margin)
print(*[context for margin, context in proof.counterexamples[:1]])`;

const VIEWS = [["plane", "plane"], ["scores", "scores"], ["attention", "attention"], ["proof", "proof"]];

export default explorable({
  title: "Every weight of a transformer",
  instruction: "Drag a token: the regions of the prediction, attention and the proof follow.",
  data: "plane-model",
  defaults: { view: "plane", sequence: "6 3 + 6 4 1 9 +", seed: 17, step: 2400, edits: [], tensor: "W_E", entry: 0, family: 167, other: -1 },
  compute, view, describe, table, code,
  loud: () => false,
  controls: (state, now, lab) => [
    choose("View", VIEWS, state.view, (to) => lab.set({ view: to })),
    now.book.followed.includes(state.seed) ? slider("Step", { min: 0, max: now.book.steps.length - 1, step: 1,
      value: now.book.steps.indexOf(now.book.kept(state.seed, state.step)), shown: now.book.kept(state.seed, state.step) },
    (row) => lab.set({ step: now.book.steps[row] })) : null,
    menu("Compare", [[-1, "nothing"], ...Array.from({ length: N_SEEDS }, (_, seed) => [seed, `seed ${seed}`])], state.other, (other) => lab.set({ other })),
    button("Show where it breaks", () => lab.set({ sequence: spelt(now.proof.counterexample.context), draft: null,
      family: now.proof.results.findIndex(({ wrong }) => wrong === now.proof.counterexample) }), { disabled: !now.proof.counterexample }),
  ],
});
