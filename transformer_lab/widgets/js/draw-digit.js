// Draw a digit: a small transformer that has learned from the digits of people's hands reads it, patch by patch, while it
// is drawn. Press a patch to leave it out.

import { percent, fixed } from "./core/format.js";
import { argmax, range } from "./core/math.js";
import { choose, explorable, menu } from "./core/ui.js";
import { SIDE, bookOf, votes } from "./digit/model.js";
import { draw } from "./digit/picture.js";

const SLICE = 6; // ms in a frame for what each patch changes
const BLANK = new Array(SIDE ** 2).fill(0);

/** An example, or blank paper, with the cells that the reader changed. */
function drawn({ examples }, { example, edits }) {
  const pixels = [...(examples[example] ?? BLANK)];
  for (const [cell, ink] of edits) pixels[cell] = ink;
  return pixels;
}

const MAPS = { rollout: ({ rollout }) => rollout, first: ({ layers }) => layers[0], last: ({ layers }) => layers.at(-1) };

export function compute(state, data) {
  const book = bookOf(data), { out } = state, pixels = drawn(book, state), under = drawn(book, { ...state, edits: [] });
  const found = book.run(pixels, out), { probs, said } = found, digit = state.digit < 0 ? said : state.digit;
  if (state.map === "without" && !found.done) found.go(SLICE);
  const changed = (wanted) => ({ edits: range(SIDE ** 2).filter((i) => wanted[i] !== under[i]).map((i) => [i, wanted[i]]) });
  return { book, pixels, out, probs, said, digit, changed, found, unfinished: state.map === "without" && !found.done,
    map: state.map === "without" ? votes(found, digit) : MAPS[state.map](found) };
}

const placed = (book, i) => `row ${Math.floor(i / book.across) + 1}, column ${(i % book.across) + 1}`;

function describe(state, { book, probs, said, digit, found, map, out }) {
  const wrote = state.example < 0 || state.edits.length ? "" : ` Someone wrote a ${book.digits[state.example]}.`;
  const less = out.length ? ` Left out: ${out.length} of ${map.length} patches.` : "", most = argmax(map);
  const first = `It says ${said} (${percent(probs[said], 1)}).${wrote}${less}`;
  if (state.map !== "without") return `${first} Most of this map is on the patch in ${placed(book, most)} (${fixed(map[most], 2)}).`;
  const share = found.without[most]?.[digit];
  if (share === undefined || map[most] <= 0) return `${first} No patch alone raises the share of ${digit}.`;
  return `${first} Without the patch in ${placed(book, most)} the share of ${digit} goes from ${percent(probs[digit], 1)} to ${percent(share, 1)}.`;
}

const table = (state, { book, probs, found, digit, out }) => [
  { caption: "What it says", columns: ["digit", "share"], rows: probs.map((share, i) => [String(i), percent(share, 2)]) },
  { caption: `Each patch, and its vote for ${digit}`, columns: ["patch", "layer 1", "layer 2", "rollout", "vote"],
    rows: found.rollout.map((share, i) => [placed(book, i), ...found.layers.map((looks) => fixed(looks[i], 3)), fixed(share, 3),
      out.includes(i) ? "left out" : found.without[i] ? fixed(votes(found, digit)[i], 2) : "–"]) },
];

const code = ({ example, edits, out }) => `import torch
from transformer_lab.models.vit import ViT, ViTConfig
from transformer_lab.widgets import DrawDigit

# weights in half precision
lab = DrawDigit(example=${example}, out=[${out.join(", ")}],
                edits=${JSON.stringify(edits).replaceAll(",", ", ")})
config = ViTConfig(**lab.shape)
kept = torch.ones(config.n_ctx, config.n_ctx, dtype=torch.bool)
kept[:, [1 + patch for patch in lab.out]] = False   # row 0 is the class
model = ViT(config, lab.params)
logits = model(torch.tensor(lab.image), mask=kept)
print(logits.softmax(-1)[0].tolist())`;

const named = ({ digits }) => digits.map((digit, i) => [i, `a ${digit}${digits.indexOf(digit) < i ? ", hard to read" : ""}`]);

export default explorable({
  title: "Draw a digit",
  instruction: "Draw on the paper, or change an example; press a patch to leave it out, a digit to see what votes for it.",
  data: "draw-digit",
  defaults: { example: 3, edits: [], out: [], map: "without", digit: -1, pen: "pen", row: 3, column: 3 },
  compute, view: draw, describe, table, code,
  controls: (state, { book }, lab) => [
    menu("Paper", [[-1, "blank"], ...named(book)], state.example, (example) => lab.set({ example, edits: [], out: [], digit: -1 })),
    choose("Pen", [["pen", "pen"], ["eraser", "eraser"]], state.pen, (pen) => lab.set({ pen })),
    choose("Patches", [["without", "votes"], ["first", "layer 1"], ["last", "layer 2"], ["rollout", "rollout"]], state.map, (map) => lab.set({ map })),
  ],
});
