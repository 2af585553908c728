// The witnesses: a row each, how far it is from the algebra, and how far it lets pass.

import { bottomAxis, decades, label, line, linear } from "../core/chart.js";
import { color, glyph } from "../core/color.js";
import { handle } from "../core/controls.js";
import { h } from "../core/draw.js";
import { tens } from "../core/format.js";
import { clamp } from "../core/math.js";

const MARKS = { W_OV: "value", W_QK: "query" };
/** Its verdict, in the light of what was planted. */
export const says = ({ objects }, mistake) => (mistake === "none" ? (objects ? "false alarm" : "agrees") : objects ? "objects" : "misses it");

export function witnessesView(state, now, at, lab) {
  const [x, y, width] = at.witnesses, scale = decades([1e-17, 10], [x + 4, x + width - 4]);
  const high = (i) => y + 26 + i * 34 + (i > 2 ? 6 : 0);
  return h("g", {}, h("text", { x, y, class: "strong" }, "Who notices?",
    Object.entries(MARKS).map(([name, role]) => [h("tspan", { dx: 10, fill: color(role) }, glyph(role)), ` ∂${name}`])),
  now.witnesses.map((witness, i) => h("g", {}, label(x, high(i), witness.name, { class: "soft" }),
    label(x + width, high(i), says(witness, state.mistake), { "text-anchor": "end",
      class: witness.objects === (state.mistake === "none") ? "strong" : null }),
    line(x, high(i) + 11, x + width, high(i) + 11),
    line(scale(witness.pass), high(i) + 4, scale(witness.pass), high(i) + 18, { class: "limit" }),
    Object.entries(witness.errors).map(([name, error]) => h("text", { x: scale(error), y: high(i) + 16, "text-anchor": "middle" },
      h("tspan", { fill: color(MARKS[name]) }, glyph(MARKS[name])))))),
  stepSize(state, x + width - 132, high(2) - 4, lab),
  bottomAxis(scale, high(5) - 18, [[1e-16, tens(-16)], [1e-12, tens(-12)], [1e-8, tens(-8)], [1e-4, tens(-4)], [1, "1"]],
    "relative error; last two rows: largest difference"));
}

/** The h of central differences, beside its name. */
function stepSize({ log_h }, x, y, lab) {
  const spot = linear([-12, -1], [x + 6, x + 54]), go = (exponent) => lab.set({ log_h: clamp(Math.round(exponent), -12, -1) });
  return h("g", {}, label(x - 4, y + 4, `h = ${tens(log_h)}`, { "text-anchor": "end" }), line(spot(-12), y, spot(-1), y),
    h("circle", { cx: spot(log_h), cy: y, r: 5, fill: color("ink") }),
    h("rect", { ...handle(lab, { label: "h of central differences", value: log_h, shown: tens(log_h),
      move: (point) => go(spot.inverse(point.x)), nudge: (dx, dy) => go(log_h + dx + dy) }),
    "aria-valuemin": -12, "aria-valuemax": -1, fill: "transparent", x, y: y - 12, width: 60, height: 24 }));
}
