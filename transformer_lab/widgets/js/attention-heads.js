// The attention visualiser: every head of a trained model on any text, one of them large, and what the model says when
// heads are ablated.

import { h } from "./core/draw.js";
import { fixed, percent } from "./core/format.js";
import { argmax, clamp } from "./core/math.js";
import { button, choose, entry, explorable, menu } from "./core/ui.js";
import { modelsOf, read } from "./heads/model.js";
import { draw } from "./heads/picture.js";

const weighed = new WeakMap();

/** Each weight times the length of the value that it takes, as a share of the largest there is. */
function byLength(found) {
  if (!weighed.has(found)) weighed.set(found, weigh(found));
  return weighed.get(found);
}

function weigh({ patterns, lengths }) {
  const all = patterns.map((heads, l) => heads.map((rows, i) => rows.map((row) => row.map((weight, k) => weight * lengths[l][i][k]))));
  const top = all.flat(3).reduce((most, weight) => Math.max(most, weight), 0) || 1;
  return all.map((heads) => heads.map((rows) => rows.map((row) => row.map((weight) => weight / top))));
}

/** The five likeliest tokens; what all heads say together is among them. */
function shown(likely, said) {
  const five = likely.slice(0, 5);
  return five.some(({ token }) => token === said) ? five : [...five.slice(0, 4), likely.find(({ token }) => token === said)];
}

export function compute(state, data) {
  const { models, run } = modelsOf(data), model = models[state.model], { n_layers, n_heads } = model.config;
  const { tokens } = read(state.text, model), same = read(state.other, model).tokens;
  const other = same?.length === tokens.length ? same : tokens; // texts of unlike lengths have no heads to exchange
  const ask = (out) => run(state.model, tokens, out, state.how, state.how === "other" ? other : null);
  const ablated = state.ablated.filter(([layer, head]) => layer < n_layers && head < n_heads);
  const full = ask([]), found = ask(ablated), isOut = (layer, head) => ablated.some(([l, i]) => l === layer && i === head);
  const likely = found.probs.map((share, token) => ({ token, word: model.words[token], share, before: full.probs[token] }));
  return { models, model, ablated, isOut, full, found, ask, words: tokens.map((token) => model.words[token]),
    layer: clamp(state.layer, 0, n_layers - 1), head: clamp(state.head, 0, n_heads - 1), query: clamp(state.query, -1, tokens.length - 1),
    unit: state.weighted ? "weight 0" : "attention 0", weights: state.weighted ? byLength(found) : found.patterns,
    switched: (layer, head) => (isOut(layer, head) ? ablated.filter(([l, i]) => l !== layer || i !== head)
      : [...ablated, [layer, head]].toSorted(([a, b], [c, d]) => a - c || b - d)),
    top: shown(likely.toSorted((one, other) => other.share - one.share), full.said) };
}

/** What was typed last, unless the text has changed since. */
const typed = ({ draft, text }) => (draft?.of === text ? draft.text : text);
const typedThere = ({ there, other }) => (there?.of === other ? there.text : other);
const spelt = ({ words }, tokens) => tokens.map((token) => words[token]).join(" ");

const answer = ({ model, found: { said, probs } }) => `${model.words[said]} (${percent(probs[said], 1)})`;

function field(state, now, lab) {
  const value = typed(state), { fault } = read(value, now.model);
  const type = (text) => {
    const { tokens } = read(text, now.model), known = tokens ? spelt(now.model, tokens) : state.text;
    lab.set({ text: known, draft: { text, of: known } });
  };
  return entry(lab, "Text", { value, wrong: fault !== undefined, said: fault ?? `Next comes ${answer(now)}.` }, type,
    () => { if (fault === undefined) lab.set({ draft: null }); });
}

/** The text whose heads are put in the place of those that are out. */
function otherField(state, now, lab) {
  if (state.how !== "other") return null;
  const value = typedThere(state), { tokens, fault } = read(value, now.model), n = now.words.length;
  const wrong = fault ?? (tokens.length === n ? undefined : `Got ${tokens.length} tokens; the text above has ${n}, and its other needs as many.`);
  const type = (text) => {
    const found = read(text, now.model).tokens, known = found ? spelt(now.model, found) : state.other;
    lab.set({ other: known, there: { text, of: known } });
  };
  return entry({ id: `${lab.id}-other` }, "Other text", { value, wrong: wrong !== undefined,
    said: wrong ?? "Heads marked × say what they say of this text." }, type, () => { if (!wrong) lab.set({ there: null }); });
}

const view = (state, now, lab) => [field(state, now, lab), otherField(state, now, lab), h("div", {}, draw(now, lab))];

function controls(state, { models, ablated }, lab) {
  const names = Object.entries(models).map(([name, { title }]) => [name, title]), { texts } = models[state.model];
  const own = texts.includes(state.text) ? [] : [[state.text, "your own"]];
  return [menu("Model", names, state.model, (model) => lab.set({ model, text: models[model].texts[0], other: models[model].texts[0], ablated: [], query: -1 })),
    menu("Example", [...own, ...texts.map((text) => [text, text])], state.text, (text) => lab.set({ text })),
    choose("Darkness", [[false, "attention"], [true, "× length of value"]], state.weighted, (weighted) => lab.set({ weighted })),
    choose("× says", [["mean", "its mean"], ["zero", "nothing"], ["other", "another text's"]], state.how, (how) => lab.set({ how })),
    button("All heads back", () => lab.set({ ablated: [] }), { disabled: !ablated.length })];
}

const named = (heads) => heads.map(([layer, head]) => `${layer}.${head}`).join(", ");

const OUT = { mean: (heads) => `Without ${heads}`, zero: (heads) => `Without ${heads}`,
  other: (heads, { other }) => `With ${heads} from ${other}` };

function describe(state, now) {
  const { layer, head, query, words, weights, model, full, ablated } = now, q = query < 0 ? words.length - 1 : query;
  const row = weights[layer][head][q], k = argmax(row), { said } = full;
  const before = ablated.length
    ? ` ${OUT[state.how](named(ablated), state)}: ${answer(now)}; with all heads: ${model.words[said]} (${percent(full.probs[said], 1)}).`
    : ` All heads are at work: ${answer(now)}.`;
  return `Layer ${layer}, head ${head}: ${words[q]} takes most from ${words[k]} (${fixed(row[k], 2)}).${before}`;
}

function table(state, { layer, head, words, weights, model, full, ask }) {
  const alone = (one) => ask([one]), { said } = full;
  return [{ caption: `Layer ${layer}, head ${head}: what each query (row) takes from each key`, columns: ["query", ...words],
    rows: weights[layer][head].map((row, q) => [words[q], ...row.map((weight) => fixed(weight, 3))]) },
  { caption: `${model.words[said]} is said with ${percent(full.probs[said], 2)}; ${state.how === "other" ? "with one head of the other text" : "without one head"}:`,
    columns: ["head", `of ${model.words[said]}`, "likeliest"],
    rows: model.heads.map((one) => [named([one]), percent(alone(one).probs[said], 2), model.words[alone(one).said]]) }];
}

function code({ model, text, other, how, weighted }, { layer, head, ablated }) {
  const more = [["how", how, how !== "mean"], ["other", other, how === "other"]]
    .map(([name, value, said]) => (said ? `,\n                       ${name}="${value}"` : "")).join("");
  return `${weighted ? "import numpy as np\n" : ""}from transformer_lab.analysis.ablation import ablate
from transformer_lab.analysis.cache import Runner
from transformer_lab.byhand.attention import softmax
from transformer_lab.taps import chained
from transformer_lab.widgets import AttentionHeads

# weights as on the page, in half precision
heads = AttentionHeads(model="${model}",
                       text="${text}"${more})
run = Runner(heads.params, heads.config)
out = [${ablated.map(([l, i]) => `(${l}, ${i})`).join(", ")}]
tap = chained(*[ablate(f"blocks.{layer}.z", head=head, value=heads.stand_in(layer))
                for layer, head in out])
acts = run.cache([heads.tokens], tap)
${weighted ? `layers = range(heads.config.n_layers)
weights = np.stack([acts[f"blocks.{layer}.pattern"][0]
                    * np.linalg.norm(acts[f"blocks.{layer}.v"][0], axis=-1)[:, None]
                    for layer in layers])
print((weights / weights.max())[${layer}, ${head}].tolist())` : `print(acts["blocks.${layer}.pattern"][0, ${head}].tolist())`}
logits = acts["logits"].reshape(-1, heads.config.d_vocab)[-1]
print(softmax(logits).tolist())`;
}

export default explorable({
  title: "Where every head looks",
  instruction: "Press a head to see it large, and ✓ to take it out; press a query to see its lines alone.",
  data: "attention-heads",
  defaults: { model: "digits", text: "Max ( 2 , 0 , 5 )", layer: 0, head: 3, query: -1, weighted: false, ablated: [], how: "mean",
    other: "Max ( 2 , 0 , 9 )" },
  compute, view, controls, describe, table, code,
});
