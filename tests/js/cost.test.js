import assert from "node:assert/strict";
import { test } from "node:test";
import { range, softmax } from "../../transformer_lab/widgets/js/core/math.js";
import { T, layersNeeded } from "../../transformer_lab/widgets/js/cost/mask.js";
import { DENSE, N, ORDERS, SCORES, VALUES, takeIn, tilesOf, walk } from "../../transformer_lab/widgets/js/cost/tiles.js";

const START = { m: -Infinity, l: 0, o: 0 };

test("every order reads every tile once, and ends at the softmax", () => {
  for (const order of ORDERS) for (const side of [1, 2, 4, 8]) {
    const tiles = tilesOf(side, order);
    assert.equal(new Set(tiles.map(String)).size, (N / side) ** 2);
    const { answers } = walk({ side, order, step: 64, rescale: true });
    answers.forEach((z, i) => assert.ok(Math.abs(z - DENSE[i]) < 1e-12));
  }
});

test("at every moment the answer is the softmax of the keys seen so far", () => {
  for (const row of SCORES) {
    let kept = START;
    row.forEach((score, j) => {
      kept = takeIn(kept, [score], [VALUES[j]], true);
      const seen = softmax(row.slice(0, j + 1)).reduce((sum, share, i) => sum + share * VALUES[i], 0);
      assert.ok(Math.abs(kept.o / kept.l - seen) < 1e-12);
    });
  }
});

test("scores as large as a thousand do not overflow, and without the rescaling the answer is another", () => {
  const [right, wrong] = [true, false].map((rescale) => [998, 1000].reduce((kept, s, j) => takeIn(kept, [s], [j], rescale), START));
  assert.ok(Math.abs(right.o / right.l - 1 / (1 + Math.exp(-2))) < 1e-12);
  assert.equal(wrong.o / wrong.l, 0.5);
});

test("layers are the steps of a walk: one cell a layer, and never where no walk leads", () => {
  const chain = range(T).map((t) => range(T).map((j) => j === t || j === t - 1));
  assert.deepEqual(layersNeeded(chain)[15], range(T).map((j) => Math.max(1, 15 - j)));
  const alone = range(T).map((t) => range(T).map((j) => j === t));
  assert.deepEqual(layersNeeded(alone)[3], range(T).map((j) => (j === 3 ? 1 : 0)));
});
