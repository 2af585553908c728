// The witnesses: a row each, how far it is from the algebra, and how far it lets pass.

import { bottomAxis, decades, dot, label, line, linear } from "../core/chart.js";
import { color, glyph } from "../core/color.js";
import { scrubber } from "../core/controls.js";
import { h } from "../core/draw.js";
import { tens } from "../core/format.js";

const ROLE = { W_OV: "value", W_QK: "query" };
const mark = (name, attrs) => h("tspan", { ...attrs, fill: color(ROLE[name]) }, glyph(ROLE[name]));

/** Its verdict, in the light of what was planted. */
export const says = ({ objects }, mistake) =>
  (mistake === "none" ? (objects ? "false alarm" : "agrees") : objects ? "objects" : "misses it");

/** Distances on a logarithmic scale, with the line up to which the witness agrees. */
export function witnessesView({ mistake, log_h }, now, [x, y, width], lab) {
  const scale = decades([1e-17, 10], [x + 4, x + width - 4]), high = (i) => y + 26 + i * 34 + (i > 2 ? 6 : 0);
  const row = (witness, i) => h("g", {}, label(x, high(i), witness.name, "soft"),
    label(x + width, high(i), says(witness, mistake), witness.objects === (mistake === "none") ? "strong end" : "end"),
    line(x, high(i) + 11, x + width, high(i) + 11),
    line(scale(witness.pass), high(i) + 4, scale(witness.pass), high(i) + 18, "limit"),
    Object.entries(witness.errors).map(([name, error]) =>
      h("text", { x: scale(error), y: high(i) + 16, class: "middle" }, mark(name))));
  return h("g", { "data-part": "witnesses" },
    h("text", { x, y, class: "strong" }, "Who notices?",
      Object.keys(ROLE).map((name) => [mark(name, { dx: 10 }), ` ∂${name}`])),
    now.witnesses.map(row), stepSize(log_h, x + width - 132, high(2) - 4, lab),
    bottomAxis(scale, high(5) - 18, [-16, -12, -8, -4, 0].map((n) => [10 ** n, n ? tens(n) : "1"]),
      "relative error; last two rows: largest difference"));
}

/** The h of central differences, beside its name. */
function stepSize(log_h, x, y, lab) {
  const spot = linear([-12, -1], [x + 6, x + 54]);
  return h("g", {}, label(x - 4, y + 4, `h = ${tens(log_h)}`, "end"), line(spot(-12), y, spot(-1), y),
    dot(spot(log_h), y, 5),
    scrubber(lab, "log_h", { label: "h of central differences", value: log_h, low: -12, high: -1, shown: tens(log_h),
      at: (point) => spot.inverse(point.x), area: { x, y: y - 12, width: 60, height: 24 } }));
}
