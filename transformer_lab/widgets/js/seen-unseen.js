// Twelve models that were trained on more or fewer of all 5,000 inputs, with true answers or with dealt ones: which inputs
// each answers right, on a map of all of them, at every step that was kept.

import { brief, percent } from "./core/format.js";
import { clamp, range } from "./core/math.js";
import { opened } from "./core/page_data.js";
import { remember } from "./core/remember.js";
import { button, choose, explorable, picture, slider } from "./core/ui.js";
import { input } from "./ask/inputs.js";
import { layout, map } from "./ask/map.js";
import { byOperation, scored } from "./ask/scores.js";
import { TALL, training } from "./ask/training.js";

const ANSWERS = [["true", "true"], ["dealt", "dealt anew"]], COMMONEST = 0.1684, ANY = 0.394;
const inputs = range(5000).map(input);
const bit = (bytes, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1; // as numpy.packbits has it

/** The models, each as the map and the curve of learning want it. */
const modelsOf = opened(({ array, facts: { shares, steps } }) => ({ shares, steps, of: remember((answers, share) => {
  const at = shares.indexOf(share), seen = array(`${answers}/trained`)[at];
  const heldOut = (number) => !bit(seen, number), trainedOf = byOperation(inputs, (number) => !heldOut(number));
  const wrong = array(`${answers}/right`)[at].map((bits) => byOperation(inputs, (number) => !bit(bits, number)));
  return { steps, heldOut, wrong, dottedOf: trainedOf, dots: "trained on", ...scored(wrong, byOperation(inputs, heldOut), heldOut) };
}, 12) }));

export function compute({ share, answers, step, number }, data) {
  const models = modelsOf(data), model = models.of(answers, share), index = models.steps.indexOf(step), asked = input(number);
  return { shares: models.shares, model, index, input: asked, heldOut: model.heldOut(number),
    right: !model.wrong[index][asked.operation].includes(number),
    totals: Object.fromEntries(Object.entries(model.totals[index]).map(([part, [right, of]]) => [part, right / of])) };
}

function view(state, now, lab) {
  const below = layout(lab.width, TALL + 4);
  return picture(lab, below.bottom, training(state, now, 0, lab),
    map({ held_out: state.marked }, now, below, lab, (number) => lab.set({ number })));
}

const pieces = (share) => `${share} %, ${brief(50 * share, 4)} inputs`;

function describe({ share, answers, step }, { totals: { trained, heldOut }, input: { text }, right, ...now }) {
  const ruler = heldOut > ANY + 0.02 ? "more than naming any digit of the question (39.4 %)" : heldOut > COMMONEST + 0.02
    ? "no more than naming any digit of the question (39.4 %)" : "no more than the commonest answer (16.84 %)";
  return [`Trained on ${share} % of all inputs, answers ${answers === "true" ? "true" : "dealt anew"}, step ${step}:`,
    `right on ${percent(trained, 1)} of what it trained on and on ${percent(heldOut, 1)} of what it never saw, ${ruler}.`,
    `${text} was ${now.heldOut ? "never seen" : "trained on"}, and is answered ${right ? "right" : "wrong"}.`].join(" ");
}

const table = ({ share, answers }, { model }) => ({
  caption: `Right answers, trained on ${share} % with ${answers} answers`, columns: ["step", "trained on", "never seen"],
  rows: model.steps.map((step, i) => [String(step), ...["trained", "heldOut"].map((part) =>
    percent(model.totals[i][part][0] / model.totals[i][part][1], 1))]),
});

export const code = ({ share, answers, step }) => `from transformer_lab.widgets import SeenUnseen

lab = SeenUnseen(share=${share}, answers="${answers}", step=${step})
print(float(lab.right[lab.trained].mean()))     # of what it trained on
print(float(lab.right[~lab.trained].mean()))    # of what it never saw`;

export default explorable({
  title: "Seen and unseen",
  instruction: "Turn the share, drag along training, press a cell of the map.",
  data: "seen-unseen",
  defaults: { share: 5, answers: "true", step: 100, number: 3539, marked: true },
  compute, view, describe, table, code,
  controls: ({ share, answers, marked }, { shares }, lab) => [
    slider("trained on", { min: 0, max: shares.length - 1, step: 1, value: shares.indexOf(share), shown: pieces(share) },
      (at) => lab.set({ share: shares[clamp(at, 0, shares.length - 1)] })),
    choose("Answers", ANSWERS, answers, (to) => lab.set({ answers: to })),
    button("Mark these", () => lab.set({ marked: !marked }), { "aria-pressed": marked }),
  ],
});
