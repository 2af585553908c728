// How many answers are wrong at each step of training that was kept, in powers of ten; drag along them.

import { decades, dot, label, line, linear, path, rect } from "../core/chart.js";
import { color } from "../core/color.js";
import { h } from "../core/draw.js";
import { percent } from "../core/format.js";
import { clamp } from "../core/math.js";
import { handle } from "../core/ui.js";

const TICKS = [[1, "all"], [0.1, "10 %"], [0.01, "1 %"], [0.001, "0.1 %"], [0, "none"]];
const LEFT = 46;
export const TALL = 142;

export function training({ step }, { model, index }, y, lab) {
  const { steps } = model, last = steps.length - 1, wide = lab.width >= 560, every = wide ? 1 : 2;
  const sx = linear([0, last], [LEFT, lab.width - 18]), sy = decades([2e-4, 1], [y + 98, y + 26]), foot = sy(0);
  const go = (at) => lab.set({ step: steps[clamp(Math.round(at), 0, last)] });
  const wrong = (part) => model.totals.map(({ [part]: [right, of] }) => 1 - right / of);
  const points = (part) => wrong(part).map((share, i) => [sx(i), sy(share)]), heldOut = points("heldOut");
  return h("g", {}, h("g", { "aria-hidden": true },
    label(0, y + 10, `${wide ? "answered " : ""}wrong after so many steps: ● held out, ○ trained on`, "soft"),
    TICKS.map(([share, text]) =>
      [label(38, sy(share) + 4, text, "tiny soft end"), line(LEFT, sy(share), lab.width - 10, sy(share))]),
    h("path", { class: "lab-seed", d: path(heldOut) }), line(sx(index), sy(1), sx(index), foot, "limit"),
    points("trained").map(([x, at]) => dot(x, at, 5, "none", { stroke: color("other"), "stroke-width": 1.2 })),
    heldOut.map(([x, at], i) => dot(x, at, i === index ? 4.5 : 2.5)),
    steps.map((name, i) => label(sx(i), foot + 18, (i - index) % every ? "" : String(name),
      i === index ? "strong middle" : "soft middle"))),
  rect(LEFT - 8, sy(1) - 10, lab.width - LEFT + 8, foot - sy(1) + 32, { fill: "transparent", ...handle(lab, {
    label: "Step of training", value: index, low: 0, high: last,
    shown: `step ${step}, ${percent(wrong("heldOut")[index], 1)} of those held out wrong`,
    across: true, move: ({ x }) => go(sx.inverse(x)), nudge: (dx, dy) => go(index + dx + dy) }) }));
}
