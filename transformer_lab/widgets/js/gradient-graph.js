// The computation graph of the one-head model with live values, forward and backward, and who vouches for its gradient.

import { label, token } from "./core/chart.js";
import { largest } from "./core/color.js";
import { brief, fixed, letter, spell } from "./core/format.js";
import { range } from "./core/math.js";
import { MISTAKES } from "./core/one_head.js";
import { tapped } from "./core/tapped.js";
import { choose, explorable, menu, picture } from "./core/ui.js";
import { arrows, drawSlot, place, rowsView, slots, timeline, trace } from "./gradient/graph.js";
import { FEATURES, FORWARD, LAST, V, compute, equationOf, head } from "./gradient/steps.js";
import { reached, reachedBack, titleOf } from "./gradient/steps.js";
import { says, witnessesView } from "./gradient/witnesses.js";

export { compute } from "./gradient/steps.js";

const WEIGHTS = [["initial", "initial"], ["trained", "trained"], ["silent", "W_OV ≈ 0"]];

function view(state, now, lab) {
  const at = place(lab.width), current = titleOf(state.step), [zx, zy] = at.logits, [px, py] = at.probs;
  const loss = `loss ${reached(state.step, "loss") ? fixed(now.acts.loss) : ""}`;
  return picture(lab, at.height, timeline(state, lab), slots(state, now, at).map((slot) => drawSlot(slot, current)),
    range(V).map((v) => token(zx - 11, zy + 17 * (v + 0.5), letter(v), v === now.target)),
    label(px + at.w, py + 153, loss, current === "loss" ? "strong end" : "end"),
    ["letter", "position"].map((name, i) =>
      label(at.x[0] + (i ? V + 4.5 : V / 2) * at.c, at.x[1] + 168, name, "soft middle")),
    FEATURES.map((name, i) =>
      label(at.W_QK[0] - 6, at.W_QK[1] + (i + 0.5) * at.big + 3.5, name, "code tiny soft middle")),
    arrows(at, state.step >= FORWARD.length), trace(state, now, at), rowsView(state, now, at, lab),
    witnessesView(state, now, at.witnesses, lab));
}

function describe({ position: j, step, mistake }, { acts, grads, tokens, target, witnesses }) {
  const back = reachedBack(step, "scores") ? `; ∂score ${brief(grads.scores[j])}` : "";
  const objecting = witnesses.filter((witness) => witness.objects).length;
  return [
    `${equationOf(step)}.`,
    `After ${spell(tokens)} comes ${letter(target)}; the head gives it ${fixed(acts.probs[target])}.`,
    `Position ${j} holds ${letter(tokens[j])}: score ${fixed(acts.scores[j])},`,
    `attention ${fixed(acts.pattern[j])}${back}.`,
    `Planted: ${MISTAKES[mistake].label}; ${objecting} of ${witnesses.length} witnesses object.`,
  ].join(" ");
}

function table({ mistake }, { acts, grads, params, witnesses }) {
  const entries = (name) => acts[name].map((value, i) =>
    [`${name}[${i}]`, brief(value), name in grads ? brief(grads[name][i]) : ""]);
  const found = ({ name, errors, pass, ...witness }) => Object.entries(errors).map(([tensor, error]) =>
    [`${name}: distance for ${tensor}`, brief(error), `${says(witness, mistake)} (may be ${brief(pass)})`]);
  return {
    caption: "Values and gradients, and what each witness finds", columns: ["quantity", "value", "gradient"],
    rows: [...["scores", "pattern", "read", "logits", "probs"].flatMap(entries), ["loss", brief(acts.loss), ""],
      ...["W_QK", "W_OV"].map((name) =>
        [`largest in ${name}`, brief(largest(params[name])), brief(largest(grads[name]))]),
      ...witnesses.flatMap(found)],
  };
}

export function code({ weights, example, mistake }) {
  const { label: words, python } = MISTAKES[mistake];
  return [
    "from transformer_lab.byhand import one_head",
    "from transformer_lab.widgets import GradientGraph", "",
    `graph = GradientGraph(weights="${weights}", example=${example})`,
    "acts = one_head.forward(graph.params, graph.x)",
    ...(python ? tapped(words, { [python[0]]: python[1] }) : []),
    `grads = one_head.backward(graph.params, acts, graph.target${python ? ", tap=planted" : ""})`,
    'print(acts["pattern"][0], abs(grads["W_QK"]).max(), abs(grads["W_OV"]).max())',
  ].join("\n");
}

export default explorable({
  title: "The gradient, step by step",
  instruction: "Drag along the steps. Choose a row. Plant a mistake and see who notices.",
  defaults: { example: 1, weights: "initial", step: LAST, position: 0, mistake: "no-jacobian", log_h: -5 },
  compute, view, describe, table, code,
  controls: ({ weights, example, mistake }, now, lab) => [
    choose("Weights", WEIGHTS, weights, (picked) => lab.set({ weights: picked })),
    menu("Pattern", head.tokens.map((tokens, i) => [i, spell(tokens.slice(0, 3))]), example,
      (picked) => lab.set({ example: picked })),
    menu("Plant", Object.entries(MISTAKES).map(([name, { label: words }]) => [name, words]), mistake,
      (picked) => lab.set({ mistake: picked })),
  ],
});
