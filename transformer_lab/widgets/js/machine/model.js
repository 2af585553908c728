// The trained digit model on one question: every activation by name, and besides what each head writes by itself.

import { input } from "../ask/inputs.js";
import { matMul, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";

/** The model in the page's bytes, and what it makes of the question with this number. */
export const modelOf = opened(({ model }) => {
  const { config, params } = model("model");
  return { config, params, ask: remember((number) => asked(params, input(number), config), 4) };
});

function asked(params, question, config) {
  const acts = forward(params, question.tokens, config);
  const written = range(config.n_layers).map((layer) => [`blocks.${layer}.written`,
    acts[`blocks.${layer}.z`].map((z, h) => matMul(z, params[`blocks.${layer}.W_O`][h]))]);
  return { question, acts: { ...acts, ...Object.fromEntries(written) } };
}
