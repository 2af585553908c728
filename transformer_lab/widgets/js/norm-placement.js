// Where the norm goes: first gradients along the stream, derived and measured; gradients of the blocks while a model
// trains; and what it loses at each learning rate. All from the records of chapter 13.

import { bottomAxis, decades, dot, label, leftAxis, limit, line, linear, path } from "./core/chart.js";
import { color } from "./core/color.js";
import { h, part } from "./core/draw.js";
import { brief, fixed, tens } from "./core/format.js";
import { clamp, mean, range } from "./core/math.js";
import { opened } from "./core/page_data.js";
import { button, choose, explorable, picture, scrubber } from "./core/ui.js";

const NAMES = ["before", "after", "both", "none", "mis-wired"], DEPTHS = [2, 4, 8, 12], UNIGRAM = 3.347, BIGRAM = 2.484;
const TALL = 190, TOP = 34, HIGH = 4.2; // the plot of a panel, what is above it, the largest loss that is drawn

const bookOf = opened(({ facts, array }) => ({ ...facts,
  ...Object.fromEntries(["derived", "measured", "low", "high", "losses", "trained"].map((name) => [name, array(name)])) }));

export function compute({ placement, depth, warmup, place }, data) {
  const book = bookOf(data), i = book.placements.indexOf(placement), j = book.depths.indexOf(depth), n = 2 * depth + 1;
  const [derived, measured, low, high] = ["derived", "measured", "low", "high"].map((name) => book[name][i][j].slice(0, n));
  const at = book.cases.findIndex(([name, layers, warm]) => name === placement && layers === depth && warm === warmup);
  const losses = at < 0 ? null : book.losses[at].map((seeds) => seeds.filter((loss) => loss >= 0));
  const means = losses?.map((seeds) => (seeds.length ? mean(seeds) : NaN)) ?? [];
  const best = means.reduce((least, loss, k) => (loss < (means[least] ?? Infinity) ? k : least), -1);
  return { derived, measured, low, high, losses, means, best, at: clamp(place, 0, 2 * depth), rates: book.rates, moments: book.moments,
    trained: at < 0 || book.trained[at].flat().every((value) => value < 0) ? null : book.trained[at].map((row) => row.slice(0, depth)) };
}

/** Powers of ten that hold all these values, and marks at some of them. */
function powers(values) {
  const there = values.filter((value) => value > 0), low = Math.floor(Math.log10(Math.min(...there))), high = Math.ceil(Math.log10(Math.max(...there)));
  const step = Math.ceil((high - low) / 4) || 1, last = low + step * Math.max(1, Math.ceil((high - low) / step));
  return { ends: [10 ** low, 10 ** last], ticks: range((last - low) / step + 1).map((k) => [10 ** (low + k * step), tens(low + k * step)]) };
}

const curve = (xs, ys, style) => h("path", { class: style, d: path(xs.map((x, i) => [x, ys[i]])) });
const title = (left, upper, text) => label(left - 34, upper - 30, text, "strong");

function start(state, now, [left, right, upper], lab) {
  const { derived, measured, low, high, at } = now, last = 2 * state.depth, lower = upper + TALL;
  const { ends, ticks } = powers([...derived, ...low, ...high]), sx = linear([0, last], [left + 6, right]), sy = decades(ends, [lower, upper]);
  const xs = range(last + 1).map(sx);
  return part("start", title(left, upper, "At the start"), leftAxis(sy, left, ticks, "gradient"),
    bottomAxis(sx, lower, [[0, "embedding"], [last, "top"]], "place in the stream"),
    h("g", { "aria-hidden": true }, xs.map((x, i) => line(x, sy(low[i]), x, sy(high[i]))), curve(xs, derived.map(sy), "lab-median"),
      xs.map((x, i) => dot(x, sy(measured[i]), i === at ? 5 : 2.5, color("ink"))), line(sx(at), upper, sx(at), lower, "limit")),
    scrubber(lab, "place", { label: "Place in the stream", value: at, low: 0, high: last, shown: `place ${at}`,
      at: ({ x }) => sx.inverse(x), area: { x: left, y: upper, width: right - left + 8, height: TALL } }));
}

function training(state, { trained, moments }, [left, right, upper]) {
  const lower = upper + TALL, head = title(left, upper, "While it trains");
  if (!trained) return part("training", head, label(left, upper + 20, "Nothing was kept of this one.", "soft"));
  const { ends, ticks } = powers(trained.flat()), sx = linear([1, Math.max(2, state.depth)], [left + 8, right - 52]), sy = decades(ends, [lower, upper]);
  const xs = range(state.depth).map((i) => sx(i + 1)), shown = trained.map((row, k) => [row, k]).filter(([row]) => row.every((value) => value > 0));
  const names = shown.map(([row, k]) => ({ y: sy(row.at(-1)) + 4, text: `step ${moments[k]}` })).sort((a, b) => a.y - b.y);
  names.forEach((name, i) => { name.y = i ? Math.max(name.y, names[i - 1].y + 14) : name.y; });
  return part("training", head, leftAxis(sy, left, ticks, "gradient of a block"), bottomAxis(sx, lower, [1, state.depth], "layer"),
    h("g", { "aria-hidden": true }, shown.map(([row, k]) => curve(xs, row.map(sy), k ? "lab-seed" : "lab-median")),
      names.map(({ y, text }) => label(right - 48, y, text, "soft tiny"))));
}

function rates(state, { losses, means, rates: tried, best }, [left, right, upper]) {
  const lower = upper + TALL, head = title(left, upper, "Trained, at each rate");
  if (!losses) return part("rates", head);
  const sx = decades([tried[0] / 1.5, tried.at(-1) * 1.5], [left, right]), sy = linear([2, HIGH], [lower, upper]), all = (loss) => sy(Math.min(HIGH, loss));
  const there = range(tried.length).filter((k) => losses[k].length);
  return part("rates", head, leftAxis(sy, left, [2, 3, 4], "nats a character"),
    bottomAxis(sx, lower, tried.map((rate, k) => [rate, k % 2 ? "" : brief(rate)]), "learning rate"),
    limit(left, right, sy(UNIGRAM), "unigram"), limit(left, right, sy(BIGRAM), "bigram"),
    h("g", { "aria-hidden": true }, curve(there.map((k) => sx(tried[k])), there.map((k) => all(means[k])), "lab-median"),
      losses.map((seeds, k) => (seeds.length ? seeds.map((loss) => dot(sx(tried[k]), all(loss), k === best ? 4 : 2.5))
        : label(sx(tried[k]), upper + 10, "diverged", "soft tiny middle")))));
}

function view(state, now, lab) {
  const wide = lab.width >= 640, each = wide ? (lab.width - 16) / 3 : lab.width, room = TOP + 22 + TALL + 52;
  const box = (k) => (wide ? [k * (each + 8) + 40, (k + 1) * each + 8 * k - 12, TOP + 14] : [40, lab.width - 14, k * room + TOP + 14]);
  return picture(lab, wide ? room - 8 : 3 * room - 8, start(state, now, box(0), lab), training(state, now, box(1)), rates(state, now, box(2)));
}

const WHERE = { before: "the norm before", after: "the norm after", both: "norms before and after", none: "no norm", "mis-wired": "a mis-wired norm" };

function describe({ placement, depth, warmup }, { derived, measured, low, high, at, means, best, rates: tried, losses }) {
  const [top, bottom] = [derived.at(-1), derived[0]], fits = derived.every((value, i) => value >= low[i] && value <= high[i]);
  const trained = losses === null ? "This combination was not trained." : best < 0 ? "It diverged at every rate."
    : `Trained ${warmup ? "with" : "without"} warm-up it does best at a rate of ${brief(tried[best])}, with ${fixed(means[best])} nats${losses[best].length > 1 ? `, the mean of ${losses[best].length} seeds` : ""}.`;
  return `${depth} layers, ${WHERE[placement]}: at the start the gradient is ${brief(bottom)} at the embedding and ${brief(top)} at the top. `
    + `At place ${at}, derived ${brief(derived[at])}, measured ${brief(measured[at])}; ${fits ? "every derived size" : "not every derived size"} lies where 95 % of fresh models do. ${trained}`;
}

const tables = (state, now) => [
  { caption: "The first gradient along the stream", columns: ["place", "derived", "measured", "from", "to"],
    rows: now.derived.map((value, i) => [String(i), brief(value), brief(now.measured[i]), brief(now.low[i]), brief(now.high[i])]) },
  ...(now.trained ? [{ caption: "The gradient of each block while it trains", columns: ["layer", ...now.moments.map((step) => `step ${step}`)],
    rows: range(state.depth).map((i) => [String(i + 1), ...now.trained.map((row) => (row[i] < 0 ? "–" : brief(row[i])))]) }] : []),
  ...(now.losses ? [{ caption: "Held-out loss at each rate", columns: ["rate", "mean", "seeds"],
    rows: now.rates.map((rate, k) => [brief(rate), now.losses[k].length ? fixed(now.means[k]) : "diverged", String(now.losses[k].length)]) }] : [])];

export default explorable({
  title: "Where the norm goes",
  instruction: "Choose a wiring and a depth; drag along the stream.",
  data: "norm-placement",
  defaults: { placement: "after", depth: 12, warmup: true, place: 0 },
  compute, view, describe, table: tables,
  controls: ({ placement, depth, warmup }, now, lab) => [
    choose("Norm", NAMES.map((name) => [name, name]), placement, (to) => lab.set({ placement: to })),
    choose("Layers", DEPTHS.map((n) => [n, String(n)]), depth, (to) => lab.set({ depth: to, place: Math.min(now.at, 2 * to) })),
    button("Warm-up", () => lab.set({ warmup: !warmup }), { "aria-pressed": warmup }),
  ],
  code: ({ placement, depth, warmup }, { at }) => `import numpy as np
from transformer_lab.widgets import NormPlacement

lab = NormPlacement(placement="${placement}", depth=${depth},
                    warmup=${warmup ? "True" : "False"})
print(float(lab.derived[${at}]), float(lab.measured[${at}]))
print(lab.losses[np.isfinite(lab.losses)].tolist())`,
});
