// What chapters.ch08.page writes: a model's weights at some steps of training, and what it answers to all inputs.

import { add, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";
import { input } from "./inputs.js";

/** The model that is in the page's bytes. */
export const modelOf = opened(({ array, model }) => {
  const steps = array("steps"), answers = array("answers"), held = array("held_out"), inputs = range(held.length).map(input);
  const heldOut = (number) => held[number] === 1, at = remember((step) => model(String(step)), steps.length);
  const heldOutOf = byOperation(inputs, heldOut);
  const wrong = answers.map((given) => byOperation(inputs, (number) => given[number] !== inputs[number].answer));
  const scores = wrong.map((lists) => lists.map((list, operation) => score(list, heldOutOf[operation], heldOut)));
  return { steps, heldOut, heldOutOf, wrong, scores, totals: scores.map((list) => list.reduce(added)),
    ask: (index, tokens) => asked(at(steps[index]), tokens) };
});

/** The activations; of logits and probabilities there is one row. */
function asked({ params, config }, tokens) {
  const acts = forward(params, tokens, config);
  return { ...acts, logits: acts.logits[0], probs: acts.probs[0], patterns: range(config.n_layers).map((layer) =>
    acts[`blocks.${layer}.pattern`]) };
}

/** The numbers of the inputs that pass a test, a list an operation. */
const byOperation = (inputs, passes) => range(5).map((operation) =>
  inputs.slice(1000 * operation, 1000 * (operation + 1)).map(({ number }) => number).filter(passes));

/** How many inputs of an operation are answered right, [right, of how many], of those trained on and those held out. */
function score(wrong, { length }, heldOut) {
  const missed = wrong.filter(heldOut).length;
  return { trained: [1000 - length - (wrong.length - missed), 1000 - length], heldOut: [length - missed, length] };
}

const added = (one, other) => ({ trained: add(one.trained, other.trained), heldOut: add(one.heldOut, other.heldOut) });
