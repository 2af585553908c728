// One token's way through the machine, a step at a time: the digit that is read, who reads it, and who reads that.

import { fixed } from "../core/format.js";
import { argmax, range } from "../core/math.js";
import { TOKENS } from "../core/tokens.js";

const DIGITS = [2, 4, 6], END = 7;

/** The head and the place, of those allowed, to which `row` gives the largest share. */
function strongest(pattern, row, places) {
  const all = pattern.flatMap((of, head) => places.map((place) => ({ head, place, share: of[row][place] })));
  return all[argmax(all.map(({ share }) => share))];
}

/** The steps: each is a state of the explorable, and what it `says`. */
export function walk({ acts, question: { words } }) {
  const last = strongest(acts["blocks.1.pattern"], END, range(8)), by = last.place;
  const first = strongest(acts["blocks.0.pattern"], by, DIGITS), at = first.place;
  const said = argmax(acts.probs[0]), who = words[by], digit = words[at];
  const model = (asked, row, column, says) => ({ zoom: "model", asked, row, column, says });
  const layer = (name, row, column, says) =>
    ({ zoom: "block", layer: 0, asked: `blocks.0.${name}`, row, column, says });
  const head = (l, h, name, row, column, says) =>
    ({ zoom: "head", layer: l, head: h, asked: `blocks.${l}.${name}`, row, column, says });
  const inside = (...rest) => head(0, first.head, ...rest);
  return [
    model("embed", at, 0, `The ${digit} comes in as a row of 64 learned numbers. Framed is the first of them.`),
    model("blocks.0.resid_pre", at, 0, "The row of its place is added, so that it can be told from the same digit elsewhere."),
    inside("ln1", at, 0, `Into layer 0, head ${first.head}: a copy of each row is brought to a common size.`),
    inside("k", at, 0, `From its copy the ${digit} gets a key of 16 numbers: what it can be found by.`),
    inside("q", by, 0, `From its own copy ${who} gets a query: what it looks for.`),
    inside("scores", by, at, `How well the ${digit} fits what ${who} looks for: query times key. Compare its row.`),
    inside("pattern", by, at, `Softmax makes shares of that row: ${who} gives the ${digit} ${fixed(first.share)} of its attention.`),
    inside("z", by, 1, `What ${who} reads: the mean of all values, weighted by these shares.`),
    layer("attn_out", by, 1, `What the four heads bring is added up, and will be added to the row of ${who}.`),
    layer("mlp_post", by, argmax(acts["blocks.0.mlp_post"][by]),
      `Then ${who} is worked on by itself: 256 hidden numbers, none below zero. This is its largest.`),
    layer("resid_post", by, 1, `The row of ${who} goes on to layer 1, with all that was added.`),
    head(1, last.head, "pattern", END, by,
      `Layer 1, head ${last.head}: the closing bracket gives ${who} ${fixed(last.share)} of its attention, and reads what ${who} has read.`),
    model("blocks.1.resid_post", END, 0, "After both layers one row is read: that of the bracket, the last."),
    model("logits", 0, said, `Compared with every token, it fits ${TOKENS[said]} best.`),
    model("probs", 0, said, `Softmax once more: the answer is ${TOKENS[said]}.`),
  ];
}
