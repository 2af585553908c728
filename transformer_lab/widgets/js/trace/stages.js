// The model of the block trace, its stages there and back, and all the numbers that are shown at one of them.

import { parse, value, written } from "../core/expression.js";
import { crossEntropy, norm, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { TOKENS as ALL } from "../core/tokens.js";
import { backward, forward, readOut } from "../core/transformer.js";

const N_LAYERS = 2;
export const TOKENS = ALL.slice(0, 20);
export const QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 5 , 3 , 9 )", "First ( 5 , 3 , 9 )", "Second ( 5 , 3 , 9 )",
  "Last ( 5 , 3 , 9 )", "Max ( 8 , 8 , 7 )", "Min ( 0 , 1 , 0 )", "Max ( 0 , 1 , 0 )"];

const expression = (question) => parse(QUESTIONS[question]).x;

/** The right answer, as a token. */
export const answer = (question) => String(value(expression(question)));

/** A stage: the activation, words, its role, the stream as it is there, and the parameters that make the activation. */
const stage = (prefix, name, words, role, stream, makers = "", layer) => ({ name: prefix + name, words, role, layer,
  stream: prefix + stream, makers: makers.split(" ").filter(Boolean).map((maker) => prefix + maker) });
const PARTS = [["ln1", "norm", "residual", "resid_pre", "ln1_w ln1_b"],
  ["pattern", "where heads look", "query", "resid_pre", "W_Q W_K"],
  ["attn_out", "what heads bring", "value", "resid_pre", "W_V W_O"],
  ["resid_mid", "stream + attention", "residual", "resid_mid"],
  ["ln2", "norm", "residual", "resid_mid", "ln2_w ln2_b"],
  ["mlp_out", "feed-forward", "mlp", "resid_mid", "W_in b_in W_out b_out"],
  ["resid_post", "stream + feed-forward", "residual", "resid_post"]];
export const STAGES = [stage("", "embed", "tokens become rows", "residual", "embed", "W_E"),
  { ...stage("blocks.0.", "resid_pre", "rows + places", "residual", "resid_pre"), makers: ["W_pos"] },
  ...range(N_LAYERS).flatMap((layer) =>
    PARTS.map(([name, words, role, stream, makers]) =>
      stage(`blocks.${layer}.`, name, words, role, stream, makers, layer))),
  stage("", "logits", "the answer", "residual", "blocks.1.resid_post", "ln_final_w ln_final_b W_U b_U")];

/** Forward to the answer, its loss, and back. */
export const LOSS = STAGES.length;
export const WAY = [...STAGES, { ...STAGES.at(-1), name: "loss", words: "what the answer costs", role: "other", makers: [] },
  ...[...STAGES].reverse()];

/** The model in the page's bytes, and what it makes of each question. */
const modelOf = opened(({ model }) => {
  const { config, params } = model("model"), names = Object.keys(params);
  const trace = remember((question) => forward(params, written(expression(question)).tokens, config), QUESTIONS.length);
  const back = remember((question, target) => {
    const grads = backward(params, trace(question), [target], config);
    return { grads, sizes: Object.fromEntries(names.map((name) => [name, norm(grads[name])])) };
  });
  return { config, params, trace, back };
});

/** The numbers to show of an activation: what is read out is one row. */
const shown = (named, name) => (name === "logits" ? named.logits[0] : named[name]);

/** The activation, and what would be answered there; on the way back its gradient, and how long the parameters' are. */
export function compute({ question, stage, target }, data) {
  const { config, params, trace, back } = modelOf(data), acts = trace(question), at = WAY[stage], [logits] = acts.logits;
  const wanted = target === "answer" ? answer(question) : target, token = TOKENS.indexOf(wanted);
  const [probs] = readOut(params, acts[at.stream].slice(-1), config).probs;
  const likely = range(probs.length).sort((a, b) => probs[b] - probs[a]).slice(0, 5);
  const top = likely.map((i) => ({ token: i, word: TOKENS[i], share: probs[i] }));
  const losses = TOKENS.map((_, i) => crossEntropy(logits, i)); // one for each possible target
  const now = { acts, at, tokens: QUESTIONS[question].split(" "), wanted, value: shown(acts, at.name) ?? losses, logits,
    probs, top, losses, loss: losses[token], last: config.n_layers - 1 };
  if (stage <= LOSS) return now;
  const { grads, sizes } = back(question, token);
  return { ...now, back: true, value: shown(grads, at.name), sizes };
}
