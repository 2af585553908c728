// The model of the block trace, its stages there and back, and all the numbers that are shown at one of them.

import { crossEntropy, norm, range } from "../core/math.js";
import { remember } from "../core/remember.js";
import { TOKENS as ALL } from "../core/tokens.js";
import { backward, forward, read, readOut } from "../core/transformer.js";

export const CONFIG = { d_vocab: 20, n_ctx: 8, d_model: 32, n_heads: 4, n_layers: 2, d_mlp: 128 };
export const TOKENS = ALL.slice(0, CONFIG.d_vocab);
export const QUESTIONS = ["Max ( 5 , 3 , 9 )", "Min ( 5 , 3 , 9 )", "First ( 5 , 3 , 9 )", "Second ( 5 , 3 , 9 )",
  "Last ( 5 , 3 , 9 )", "Max ( 8 , 8 , 7 )", "Min ( 0 , 1 , 0 )", "Max ( 0 , 1 , 0 )"];
const OPERATIONS = { Max: (...digits) => Math.max(...digits), Min: (...digits) => Math.min(...digits),
  First: (a) => a, Second: (a, b) => b, Last: (a, b, c) => c };

/** The right answer, as a token. */
export const answer = (question) =>
  String(OPERATIONS[QUESTIONS[question].split(" ")[0]](...QUESTIONS[question].match(/\d/g)));

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
  ...range(CONFIG.n_layers).flatMap((layer) =>
    PARTS.map(([name, words, role, stream, makers]) =>
      stage(`blocks.${layer}.`, name, words, role, stream, makers, layer))),
  stage("", "logits", "the answer", "residual", "blocks.1.resid_post", "ln_final_w ln_final_b W_U b_U")];

/** Forward to the answer, its loss, and back. */
export const LOSS = STAGES.length;
export const WAY = [...STAGES, { ...STAGES.at(-1), name: "loss", words: "what the answer costs", role: "other", makers: [] },
  ...[...STAGES].reverse()];

const models = new WeakMap(); // the page's bytes -> the model in them, and what it made of each question

function modelOf(data) {
  if (!models.has(data)) {
    const params = read(data, CONFIG), names = Object.keys(params);
    const tokens = (question) => QUESTIONS[question].split(" ").map(token);
    const trace = remember((question) => forward(params, tokens(question), CONFIG), QUESTIONS.length);
    const back = remember((question, target) => {
      const grads = backward(params, trace(question), target, CONFIG);
      return { grads, sizes: Object.fromEntries(names.map((name) => [name, norm(grads[name])])) };
    });
    models.set(data, { params, trace, back });
  }
  return models.get(data);
}

const token = (word) => TOKENS.indexOf(word);

/** The activation, and what would be answered there; on the way back its gradient, and how long the parameters' are. */
export function compute({ question, stage, target }, data) {
  const { params, trace, back } = modelOf(data), acts = trace(question), at = WAY[stage];
  const wanted = target === "answer" ? answer(question) : target, { probs } = readOut(params, acts[at.stream].at(-1));
  const likely = range(CONFIG.d_vocab).sort((a, b) => probs[b] - probs[a]).slice(0, 5);
  const top = likely.map((token) => ({ token, word: TOKENS[token], share: probs[token] }));
  const losses = TOKENS.map((_, i) => crossEntropy(acts.logits, i)); // one for each possible target
  const now = { acts, at, tokens: QUESTIONS[question].split(" "), wanted, value: acts[at.name] ?? losses, probs, top,
    losses, loss: losses[token(wanted)] };
  if (stage <= LOSS) return now;
  const { grads, sizes } = back(question, token(wanted));
  return { ...now, back: true, value: grads[at.name], sizes };
}
