// A valley of any stretch, three rules to walk down in it, and the roots that decide what becomes of each direction.

import { part } from "./core/draw.js";
import { brief, fixed } from "./core/format.js";
import { clamp } from "./core/math.js";
import { remember } from "./core/remember.js";
import { choose, explorable, picture, slider } from "./core/ui.js";
import { best, descend, keptOf, manner, rootsOf } from "./valley/descent.js";
import { mapView } from "./valley/map.js";
import { lossView, rootsView, valleyView } from "./valley/panels.js";

const RULES = [["sgd", "plain"], ["momentum", "momentum"], ["adam", "Adam"]], STEPS = 200;
const FROM = { sgd: { rate: 1.85 }, momentum: { rate: 1.2, momentum: 0.8 }, adam: { rate: 0.06, momentum: 0.9 } };
const RATES = { sgd: [0.01, 4], momentum: [0.01, 4], adam: [0.005, 0.5] };

const walkFrom = remember((given) => descend(given, STEPS), 12);

export function compute({ rule, rate, momentum, beta2, stretch, along, across, step }) {
  const place = { stretch, along, across, beta2 }, walk = walkFrom({ rule, rate, momentum, ...place });
  const mu = rule === "sgd" ? 0 : momentum, reach = walk[step].reach, kept = reach.map((one) => keptOf(one, mu));
  const bests = ["sgd", "momentum"].map((name) => ({ rule: name, ...best(stretch, name) }));
  return { walk, mu, reach, kept, roots: reach.map((one) => rootsOf(one, mu)), manners: reach.map((one) => manner(one, mu)),
    slower: kept[0] > kept[1] ? 0 : 1, bests: bests.map((one) => ({ ...one, walk: walkFrom({ ...one, ...place }) })) };
}

function view(state, now, lab) {
  const wide = lab.width >= 560, across = lab.width - 12, middle = wide ? Math.round(lab.width * 0.57) : across;
  const tall = Math.round((middle - 34) / 2), low = 26 + tall, upper = low + (wide ? 76 : 44), under = upper + (wide ? 216 : 186);
  const side = middle + 58, room = Math.min(across - side, 216), below = under + 76;
  const loss = wide ? [side, across, 26, low] : [34, Math.round(lab.width * 0.57), below, below + 132];
  const circle = wide ? [(side - 24 + across) / 2, upper + 108, room / 2 - 14] : [lab.width * 0.8, below + 62, 50];
  return picture(lab, (wide ? under : below + 132) + 44,
    part("valley", valleyView(state, now, [34, middle, 26, low], lab)),
    part("map", mapView(state, now, [34, middle, upper, under], lab)),
    part("roots", rootsView(now, circle)), part("loss", lossView(state, now, loss, lab)));
}

const updates = (kept) => Math.log(0.1) / Math.log(kept);
const name = { sgd: "Plain descent", momentum: "Momentum", adam: "Adam" };

function describe({ rule, rate, momentum, stretch, step }, { walk, kept, manners, slower, bests }) {
  const worst = kept[slower], way = ["along", "across"][slower], start = walk[0].loss, here = walk[step].loss;
  const rates = `rate ${brief(rate)}${rule === "momentum" ? `, momentum ${brief(momentum)}` : ""}`;
  const says = worst > 1 ? `${way} the distance grows by a factor of ${fixed(worst)} at each update`
    : `${way} is slower, and keeps ${fixed(worst)} of the distance at each update`
      + (worst < 1 && updates(worst) > 1 ? `, a tenth after ${brief(updates(worst), 2)}` : "");
  const target = bests.find((one) => one.rule === rule);
  return [
    `${name[rule]}, ${rates}, in a valley ${brief(stretch)} times as flat along as across.`,
    `${rule === "adam" ? `As its means stand at update ${step}, across` : "Across"} it ${manners[1]}, along it ${manners[0]};`,
    `${says}${target ? ` (at best ${fixed(target.kept)})` : ""}.`,
    here > start ? `After ${step} updates the loss is ${brief(here / start, 2)} times that of the start.`
      : `After ${step} updates ${brief((100 * here) / start, 2)} % of the loss is left.`,
  ].join(" ");
}

const table = ({ rule, stretch }, { walk, mu }) => ({
  caption: `${name[rule]}, stretch ${brief(stretch)}`,
  columns: ["update", "along", "across", "loss", "kept along", "kept across"],
  rows: [0, 1, 2, 5, 10, 20, 50, 100, STEPS].map((t) => [String(t), ...walk[t].at.map((value) => brief(value)),
    brief(walk[t].loss), ...walk[t].reach.map((one) => fixed(keptOf(one, mu)))]),
});

export const code = ({ rule, rate, momentum, beta2, stretch, along, across, step }) => `from transformer_lab.widgets import ValleyWalk

lab = ValleyWalk(rule="${rule}", rate=${rate}, momentum=${momentum}, beta2=${beta2},
                 stretch=${stretch}, along=${along}, across=${across}, step=${step})
print(*map(float, lab.path[-1]), float(lab.loss))
print(*map(float, abs(lab.roots).max(axis=1)))  # kept at each update, both ways`;

const turn = (lab, key, label, [min, max, step], value, shown = brief(value)) =>
  slider(label, { min, max, step, value, shown }, (to) => lab.set({ [key]: to }));

export default explorable({
  title: "A valley, three rules, and the roots that decide",
  instruction: ({ rule }) => (rule === "adam" ? "Drag the start, or along the loss: its dots on the map move with every update."
    : "Drag the start, the dot on the map, or along the loss."),
  defaults: { rule: "sgd", rate: 1.85, momentum: 0.8, beta2: 0.999, stretch: 100, along: -1.2, across: 0.5, step: 40 },
  compute, view, describe, table, code,
  controls: ({ rule, rate, momentum, beta2, stretch }, now, lab) => [
    choose("Rule", RULES, rule, (to) => lab.set({ rule: to, ...FROM[to] })),
    turn(lab, "rate", "rate", [...RATES[rule], rule === "adam" ? 0.005 : 0.01], rate),
    rule === "sgd" ? null : turn(lab, "momentum", rule === "adam" ? "β₁" : "momentum", [0, 0.99, 0.01], momentum),
    rule === "adam" ? turn(lab, "beta2", "β₂", [0, 0.999, 0.001], beta2) : null,
    slider("stretch", { min: 0, max: 30, step: 1, value: clamp(Math.round(10 * Math.log10(stretch)), 0, 30), shown: brief(stretch),
      attrs: { "aria-valuetext": brief(stretch) } }, (to) => lab.set({ stretch: Math.round(10 ** (to / 10)) })),
  ],
});
