// The models that chapters.ch10.page writes, and how they write an answer.

import { parse, written } from "../core/expression.js";
import { range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { TOKENS } from "../core/tokens.js";
import { forward } from "../core/transformer.js";
import { chance, ranked, shares, taken } from "./sample.js";

const EOS = TOKENS.indexOf("[EOS]");

/** `tasks`: by name what training had, and the model's sizes; decoded(name, text, how): what the model writes. */
export const modelsOf = opened(({ facts, model }) => {
  const task = ([name, had]) => [name, { ...facts.models[name], ...had, heads: headsOf(facts.models[name]) }];
  const tasks = Object.fromEntries(Object.entries(facts.tasks).map(task)), load = remember(model);
  return { tasks, decoded: remember((name, text, how) => decode(load(name), tasks[name], text, how)) };
});

const headsOf = ({ n_layers, n_heads }) =>
  range(n_layers).flatMap((layer) => range(n_heads).map((head) => ({ layer, head })));

/** What step n says: the likeliest tokens, which one is taken, and where each head looks from the last token. */
function looked({ logits: all, ...acts }, heads, how, n) {
  const logits = all.at(-1), p = shares(logits, how);
  return { logits, shares: p, taken: taken(logits, p, how, chance(how.draws, n)), left: p.filter((share) => share > 0).length,
    top: ranked(logits).slice(0, 5).map((token) => ({ token, word: TOKENS[token], share: p[token] })),
    patterns: heads.map(({ layer, head }) => acts[`blocks.${layer}.pattern`][head].at(-1)) };
}

/**
 * The answer, token by token, as transformer_lab.tasks.answers.write does: { steps, answer
 * (tokens), ended }. There is no step where the expression is longer than the model has positions.
 */
function decode({ params, config }, { n_answer, heads }, text, how) {
  const { tokens } = written(parse(text).x), steps = [];
  for (let row = tokens; row.length <= config.n_ctx && steps.length <= n_answer; row = [...row, steps.at(-1).taken]) {
    steps.push({ row, ...looked(forward(params, row, config), heads, how, steps.length) });
    if (steps.at(-1).taken === EOS) break;
  }
  const answer = steps.map(({ taken }) => taken).filter((token) => token !== EOS);
  return { steps, answer, ended: steps.at(-1)?.taken === EOS };
}
