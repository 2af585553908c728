// The computation graph of the one-head model with live values, forward and backward, and the witnesses of its gradient.

import { label, token } from "./core/chart.js";
import { largest } from "./core/color.js";
import { h } from "./core/draw.js";
import { brief, fixed, letter, spell } from "./core/format.js";
import { range } from "./core/math.js";
import { MISTAKES } from "./core/one_head.js";
import { choose, explorable, menu, picture } from "./core/ui.js";
import { arrows, drawSlot, place, rowsView, slots, timeline, trace } from "./gradient/graph.js";
import { FEATURES, FORWARD, LAST, V, compute, equationOf, head, reached, reachedBack, titleOf } from "./gradient/steps.js";
import { says, witnessesView } from "./gradient/witnesses.js";

export { compute } from "./gradient/steps.js";

const WEIGHTS = [["initial", "initial"], ["trained", "trained"], ["silent", "W_OV ≈ 0"]];

function view(state, now, lab) {
  const at = place(lab.width), current = titleOf(state.step), [px, py] = at.probs;
  return picture(lab, at.height, timeline(state, lab),
    slots(state, now, at).map((slot) => drawSlot(slot, current)), range(V).map((v) => token(at.logits[0] - 11, at.logits[1] + (v + 0.5) * at.tall, letter(v), v === now.target)),
    label(px + at.w, py + at.rows, `loss ${reached(state.step, "loss") ? fixed(now.acts.loss) : ""}`,
      { "text-anchor": "end", class: current === "loss" ? "strong" : null }),
    ["letter", "position"].map((name, i) => label(at.x[0] + (i ? V + 4.5 : V / 2) * at.c, at.x[1] + at.rows + 15, name,
      { class: "soft", "text-anchor": "middle" })),
    FEATURES.map((name, i) => label(at.W_QK[0] - 6, at.W_QK[1] + (i + 0.5) * at.big + 3.5, name,
      { class: "code tiny soft", "text-anchor": "middle" })),
    arrows(at, state.step >= FORWARD.length), trace(state, now, at), rowsView(state, now, at, lab), witnessesView(state, now, at, lab));
}

function describe(state, now) {
  const { position: j, step } = state, { acts, grads } = now, word = spell(now.tokens);
  const seen = `Position ${j} holds ${letter(now.tokens[j])}: score ${fixed(acts.scores[j])}, attention ${fixed(acts.pattern[j])}`;
  const back = reachedBack(step, "scores") ? `; ∂score ${brief(grads.scores[j])}` : "";
  const objecting = now.witnesses.filter((witness) => witness.objects).length;
  return `${equationOf(step)}. After ${word} comes ${letter(now.target)}; the head gives it ${fixed(acts.probs[now.target])}. `
    + `${seen}${back}. Planted: ${MISTAKES[state.mistake].label}; ${objecting} of ${now.witnesses.length} witnesses object.`;
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
        [`${witness.name}: distance for ${name}`, brief(error), `${says(witness, state.mistake)} (may be ${brief(witness.pass)})`]))],
  };
}

export function code({ weights, example, mistake }) {
  const wrong = mistake !== "none";
  return [
    "from transformer_lab.byhand import one_head",
    ...(wrong ? ["from transformer_lab.byhand.planted import with_mistake"] : []),
    "from transformer_lab.widgets import GradientGraph", "",
    `graph = GradientGraph(weights="${weights}", example=${example})`,
    "params, target = graph.params, graph.target",
    "acts = one_head.forward(params, graph.x)",
    `grads = ${wrong ? `with_mistake("${mistake}", ` : "one_head.backward("}params, acts, target)`,
    'print(acts["pattern"], grads["W_QK"])',
  ].join("\n");
}

export default explorable({
  title: "The gradient, step by step",
  instruction: "Drag along the steps. Choose a row. Plant a mistake and see who notices.",
  defaults: { example: 1, weights: "initial", step: LAST, position: 0, mistake: "no-jacobian", log_h: -5 },
  compute, view, describe, table, code,
  controls: (state, now, lab) => [
    choose("Weights", WEIGHTS, state.weights, (weights) => lab.set({ weights })),
    menu("Pattern", head.tokens.map((tokens, i) => [i, spell(tokens.slice(0, 3))]), state.example, (example) => lab.set({ example })),
    menu("Plant", Object.entries(MISTAKES).map(([name, { label: text }]) => [name, text]), state.mistake, (mistake) => lab.set({ mistake })),
  ],
});
