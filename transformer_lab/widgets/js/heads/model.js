// The models in the page's bytes, and what one of them makes of a text when some of its heads are ablated.

import { argmax, norm, range } from "../core/math.js";
import { opened } from "../core/page_data.js";
import { remember } from "../core/remember.js";
import { forward } from "../core/transformer.js";

/**
 * By name what stands in the facts, { title, words, texts }, with the model's { config, heads }; and run(name, tokens,
 * out, how, other): patterns and lengths of values as [layer][head], and the probabilities of the next token, with other
 * things said by the heads that are out: their mean, nothing, or what they say of the tokens `other`.
 */
export const modelsOf = opened(({ facts, array, model }) => {
  const others = remember((name, tokens) => { // z of each layer and head
    const { config, params } = load(name), acts = forward(params, tokens, config);
    return range(config.n_layers).map((layer) => acts[`blocks.${layer}.z`]);
  });
  const load = remember((name) => ({ ...model(name),
    means: range(facts.models[name].n_layers).map((layer) => array(`mean.${name}.${layer}`)) }));
  const about = ([name, told]) => {
    const config = facts.models[name], { n_layers, n_heads } = config;
    return [name, { ...told, config, heads: range(n_layers).flatMap((l) => range(n_heads).map((h) => [l, h])) }];
  };
  return { models: Object.fromEntries(Object.entries(facts.heads).map(about)),
    run: remember((name, tokens, out, how, other) => ran(load(name), tokens, out, (layer, head) => ({
      mean: () => load(name).means[layer][head].slice(0, tokens.length),
      zero: () => tokens.map(() => new Array(facts.models[name].d_head).fill(0)),
      other: () => others(name, other)[layer][head] })[how]()), 64) };
});

function ran({ config, params }, tokens, out, instead) {
  const isOut = (layer, head) => out.some(([l, h]) => l === layer && h === head);
  const tap = (name, value) => {
    const layer = Number(/^blocks\.(\d+)\.z$/.exec(name)?.[1] ?? -1);
    return layer < 0 ? value : value.map((z, head) => (isOut(layer, head) ? instead(layer, head) : z));
  };
  const acts = forward(params, tokens, config, tap), layers = range(config.n_layers);
  const of = (name) => layers.map((layer) => acts[`blocks.${layer}.${name}`]);
  const lengths = of("v").map((heads) => heads.map((rows) => rows.map((row) => norm(row))));
  return { patterns: of("pattern"), lengths, probs: acts.probs.at(-1), said: argmax(acts.probs.at(-1)) };
}

/** A text as { tokens } of a model: the longest word that fits, again and again; or what is wrong with it, { fault }. */
export function read(text, { words, config }) {
  const known = words.map((word, token) => ({ word, token })).filter(({ word }) => !word.startsWith("["))
    .toSorted((one, other) => other.word.length - one.word.length);
  const tokens = [];
  for (let rest = text.trim(); rest; rest = rest.trimStart()) {
    const hit = known.find(({ word }) => rest.toLowerCase().startsWith(word.toLowerCase()));
    if (!hit) return { fault: `Got “${rest.slice(0, 12)}”; this model knows ${words.filter((word) => word[0] !== "[").join(" ")}.` };
    tokens.push(hit.token);
    rest = rest.slice(hit.word.length);
  }
  if (!tokens.length || tokens.length > config.n_ctx) return { fault: `Got ${tokens.length} tokens; this model reads 1 to ${config.n_ctx}.` };
  return { tokens };
}
