// The trained digit model on one question: every activation by name, and besides what each head writes by itself.
// One number of it may be set by the reader; all that comes after is computed from it.

import { input } from "../ask/inputs.js";
import { matMul, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";

/** The model in the page's bytes, and what it makes of the question with this number, where one `put` is set. */
export const modelOf = opened(({ model }) => {
  const { config, params } = model("model");
  return { config, params, ask: remember((number, put = null) => asked(params, input(number), config, put), 6) };
});

function asked(params, question, config, put) {
  const acts = forward(params, question.tokens, config, (name, value) => (put?.name === name ? replaced(value, put) : value));
  const written = range(config.n_layers).map((layer) => [`blocks.${layer}.written`,
    acts[`blocks.${layer}.z`].map((z, h) => matMul(z, params[`blocks.${layer}.W_O`][h]))]);
  return { question, acts: { ...acts, ...Object.fromEntries(written) } };
}

/** An activation with one number set. The other shares of a row of attention are scaled: they still add up to one. */
function replaced(value, { name, head, row, column, number }) {
  const set = (line) => {
    const rest = line[column] < 1 ? (1 - number) / (1 - line[column]) : 0;
    return line.map((old, i) => (i === column ? number : name.endsWith("pattern") ? old * rest : old));
  };
  const rows = (matrix) => matrix.map((line, i) => (i === row ? set(line) : line));
  return head === undefined ? rows(value) : value.map((matrix, h) => (h === head ? rows(matrix) : matrix));
}
