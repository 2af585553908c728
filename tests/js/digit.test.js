import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import lab, { compute } from "../../transformer_lab/widgets/js/draw-digit.js";
import { bookOf, cut } from "../../transformer_lab/widgets/js/digit/model.js";
import { inked, wiped } from "../../transformer_lab/widgets/js/digit/picture.js";
import { range, sum } from "../../transformer_lab/widgets/js/core/math.js";

const bytes = readFileSync(new URL("../../transformer_lab/widgets/js/data/draw-digit.bin", import.meta.url));
const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const told = JSON.parse(readFileSync(new URL("digit_by_pytorch.json", import.meta.url)));
const of = (state) => lab.finished(state, data)[1];

test("shares are PyTorch's on every example, whole and without a patch", () => {
  told.whole.forEach((shares, example) => {
    const { probs, found } = of({ example });
    shares.forEach((share, digit) => assert.ok(Math.abs(share - probs[digit]) < 2e-3));
    told.without[example]?.forEach((less, i) => less.forEach((share, digit) => assert.ok(Math.abs(share - found.without[i][digit]) < 2e-3)));
    told.rollout[example]?.forEach((share, i) => assert.ok(Math.abs(share - found.rollout[i]) < 1e-4));
  });
});

test("a patch that is left out is read by nobody, whatever is drawn on it", () => {
  const first = of({ example: 3, out: [5] }), { book } = first, cells = range(64).filter((i) => cut(range(64), book.config)[5].includes(i));
  const other = of({ example: 3, out: [5], edits: cells.map((cell) => [cell, 16]) });
  first.probs.forEach((share, digit) => assert.ok(Math.abs(share - other.probs[digit]) < 1e-12));
  const seen = of({ example: 3, edits: cells.map((cell) => [cell, 16]) });
  assert.ok(Math.abs(seen.probs[3] - of({ example: 3 }).probs[3]) > 1e-6);
});

test("the patches hold every pixel once, row by row", () => {
  const { config } = bookOf(data), patches = cut(range(64), config);
  assert.deepEqual(patches[0], [0, 1, 8, 9]);
  assert.deepEqual(patches.flat().sort((a, b) => a - b), range(64));
});

test("a pen leaves the most ink where it is, and an eraser takes what is under it", () => {
  const blank = new Array(64).fill(0), drawn = inked(blank, 3.5, 2.5);
  assert.equal(drawn[8 * 2 + 3], 16);
  assert.deepEqual([drawn[8 * 2 + 4], drawn[8 * 3 + 3], drawn[8 * 3 + 4]], [4, 4, 0]);
  assert.equal(sum(wiped(drawn, 3.5, 2.5)), sum(drawn) - 16);
});

test("what is changed is told from the example below it, and work goes on from frame to frame", () => {
  const { changed, pixels } = of({ example: 3 });
  assert.deepEqual(changed(pixels).edits, []);
  assert.equal(changed(inked(pixels, 0.5, 0.5)).edits[0][0], 0);
  const state = { ...lab.defaults, example: -1, edits: [[9, 16], [10, 3]] };
  let calls = 1, now = compute(state, data);
  while (now.unfinished && calls < 100) { now = compute(state, data); calls++; }
  assert.ok(!now.unfinished && now.found.without.every(Boolean));
});
