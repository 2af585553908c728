// What chapters.ch08.page writes: a model's weights at some steps of training, and what it answers to all inputs.

import { range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";
import { input } from "./inputs.js";
import { byOperation, scored } from "./scores.js";

/** The model that is in the page's bytes. */
export const modelOf = opened(({ array, model }) => {
  const steps = array("steps"), answers = array("answers"), held = array("held_out"), inputs = range(held.length).map(input);
  const heldOut = (number) => held[number] === 1, at = remember((step) => model(String(step)), steps.length);
  const heldOutOf = byOperation(inputs, heldOut);
  const wrong = answers.map((given) => byOperation(inputs, (number) => given[number] !== inputs[number].answer));
  return { steps, heldOut, dottedOf: heldOutOf, dots: "held out", wrong, ...scored(wrong, heldOutOf, heldOut),
    ask: (index, tokens) => asked(at(steps[index]), tokens) };
});

/** The activations; of logits and probabilities there is one row. */
function asked({ params, config }, tokens) {
  const acts = forward(params, tokens, config);
  return { ...acts, logits: acts.logits[0], probs: acts.probs[0], patterns: range(config.n_layers).map((layer) =>
    acts[`blocks.${layer}.pattern`]) };
}
