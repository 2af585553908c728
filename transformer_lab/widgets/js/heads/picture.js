// All heads small, one of them large with lines between tokens, and what the model says: beside each other where there is
// room, below each other on a phone.

import { label, line, mosaic, rect } from "../core/chart.js";
import { amount, color, glyph } from "../core/color.js";
import { h } from "../core/draw.js";
import { fixed, percent } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { picture, pressable, pressed, walked } from "../core/ui.js";

const NARROW = 600, TOP = 24, GAP = 10, SWITCH = 26, ROW = 22, BAR = 20, LEFT = 74; // px
const SHADES = 8, LEAST = 0.02; // of lines; a weight below the least has none

const cached = new WeakMap(); // pattern -> its cells, which are drawn anew only elsewhere

function cells(weights, x, y, side) {
  const key = `${x} ${y} ${side}`, n = weights.length;
  if (cached.get(weights)?.key !== key) {
    cached.set(weights, { key, drawn: mosaic(weights.flat(), n, { x, y, cell: side / n, kind: "amount", limit: 1 }) });
  }
  return cached.get(weights).drawn;
}

/** A head's pattern, pressed to see it large, and below it the switch that ablates it. */
function tile([layer, head], { x, y, side }, now, lab) {
  const weights = now.weights[layer][head], out = now.isOut(layer, head), name = `layer ${layer}, head ${head}`;
  const large = layer === now.layer && head === now.head;
  return [pressed(() => lab.set({ layer, head }), { x, y, width: side, height: side, "aria-label": `Show ${name}`, "aria-pressed": large },
    h("g", { opacity: out ? 0.3 : 1 }, cells(weights, x, y, side)),
    out ? h("path", { d: `M${x} ${y}l${side} ${side}m0 ${-side}l${-side} ${side}`, class: "axis", style: "stroke: var(--lab-ink)" }) : null,
    large ? rect(x, y, side, side, { class: "lab-now" }) : null),
  pressed(() => lab.set({ ablated: now.switched(layer, head) }), { x, y: y + side, width: side, height: SWITCH,
    "aria-label": `Take out ${name}`, "aria-pressed": out },
  label(x + side / 2, y + side + 16, `${out ? "×" : "✓"} ${layer}.${head}`, out ? "cell middle strong" : "cell middle soft"))];
}

function tiles(now, { width }, lab) {
  const { n_heads, n_layers } = now.model.config, side = Math.min(110, (width - GAP * (n_heads - 1)) / n_heads);
  const place = ([layer, head]) => ({ x: head * (side + GAP), y: TOP + layer * (side + SWITCH + 6), side });
  return { height: TOP + n_layers * (side + SWITCH + 6), drawn: [
    label(0, 14, "layer.head, ✓ at work, × out", "soft"),
    now.model.heads.map((one) => h("g", {}, tile(one, place(one), now, lab)))] };
}

/** Lines from queries on the left to keys on the right: one path a shade. */
function lines(weights, { from, to, y }, query) {
  const shades = range(SHADES).map(() => []);
  weights.forEach((row, q) => (query < 0 || q === query) && row.forEach((weight, k) => {
    if (weight >= LEAST) shades[Math.ceil(Math.min(1, weight) * SHADES) - 1].push(`M${from} ${y(q)}L${to} ${y(k)}`);
  }));
  return shades.map((d, i) => h("path", { d: d.join(""), fill: "none", stroke: color("amount"),
    "stroke-opacity": (i + 1) / SHADES, "stroke-width": 0.6 + (2.4 * (i + 1)) / SHADES }));
}

const mark = (role) => h("tspan", { fill: color(role) }, glyph(role));

function large(now, { x, width, top }, lab) {
  const { words, layer, head, query } = now, n = words.length, weights = now.weights[layer][head];
  const letters = Math.max(62, 8 * Math.max(...words.map((word) => word.length)) + 22), from = x + letters, to = x + width - letters - 34;
  const y = (place) => top + 62 + ROW * place, start = y(0) - ROW / 2;
  const ask = (place) => lab.set({ query: clamp(place, -1, n - 1) });
  const strong = (is) => (is ? "strong" : "");
  return { height: y(n - 1) + ROW, drawn: [
    h("g", { "aria-hidden": true }, label(x, top + 14, `layer ${layer}, head ${head}${now.isOut(layer, head) ? ", out" : ""}`, "strong"),
      label(from - 6, top + 36, ["query ", mark("query")], "soft end"), label(to + 6, top + 36, [mark("key"), " key"], "soft"),
      lines(weights, { from, to, y }, query),
      words.map((word, i) => [label(from - 6, y(i) + 4, [`${word} `, mark("query")], `code end ${strong(i === query)}`),
        label(to + 6, y(i) + 4, [mark("key"), ` ${word}`], "code"),
        label(x + width, y(i) + 4, query < 0 ? "" : fixed(weights[query][i], 2), "cell end soft")]),
      query < 0 ? null : rect(x, y(query) - ROW / 2, letters - 2, ROW, { class: "lab-now", rx: 3 })),
    rect(x, start, letters, ROW * n, { fill: "transparent",
      ...walked(lab, { label: "Query", value: query, low: -1, high: n - 1, shown: query < 0 ? "all queries" : words[query],
        nudge: (dx, dy) => ask(query + dx - dy) }),
      ...pressable((point) => { const place = Math.floor((point.y - start) / ROW); ask(place === query ? -1 : place); }) })] };
}

/** The likeliest next tokens; a tick says where each would be with all heads. */
function said(now, top, lab) {
  const long = lab.width - LEFT - 78;
  const scale = (i) => lab.width - 96 + 16 * i;
  return h("g", { "aria-hidden": true },
    [0, 0.25, 0.5, 0.75, 1].map((share, i) => rect(scale(i), top + 4, 16, 11, { class: "lab-cell", ...amount(share) })),
    label(scale(0) - 6, top + 14, now.unit, "soft end"), label(lab.width, top + 14, "1", "soft end"),
    label(0, top + 14, now.ablated.length ? "next token (line: all heads)" : "next token", "soft"),
    now.top.map(({ word, share, before }, i) => {
      const y = top + 24 + BAR * i, tick = LEFT + long * before;
      return [label(LEFT - 8, y + 14, word, i ? "code end" : "code end strong"), line(LEFT, y, LEFT, y + BAR),
        rect(LEFT, y + 3, Math.max(1, long * share), 14, amount(i ? 0.5 : 1)),
        line(tick, y + 1, tick, y + BAR - 1, { style: `stroke: var(--lab-ink); stroke-width: ${now.ablated.length ? 2 : 0}` }),
        label(LEFT + long * Math.max(share, before) + 7, y + 14, percent(share, 1), i ? "soft" : "strong")];
    }));
}

export function draw(now, lab) {
  const narrow = lab.width < NARROW, small = tiles(now, { width: narrow ? lab.width : lab.width * 0.46 }, lab);
  const beside = narrow ? { x: 0, width: lab.width, top: small.height + 12 }
    : { x: lab.width * 0.52, width: lab.width * 0.48, top: 0 };
  const one = large(now, beside, lab), top = Math.max(small.height, one.height) + 10;
  return picture(lab, top + 30 + BAR * now.top.length, small.drawn, one.drawn, said(now, top, lab));
}
