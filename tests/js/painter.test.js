import assert from "node:assert/strict";
import { test } from "node:test";
import { range } from "../../transformer_lab/widgets/js/core/math.js";
import { N, NAMES, SOURCE, familyOf, layersToKnow, maskOf } from "../../transformer_lab/widgets/js/painter/mask.js";

const mask = (open) => range(N).map((q) => range(N).map((k) => open(q, k)));

test("every preset has the name of its family", () => {
  const wanted = ["causal: GPT", "full: BERT", "prefix of 3: prefix LM", "window of 3: sparse GPT", "source seen whole, target causal: T5"];
  NAMES.forEach((preset, i) => assert.equal(familyOf(maskOf({ preset, edits: [] }), preset === "encoder-decoder" ? SOURCE : 0), wanted[i]));
});

test("one cell more or less is another mask, and turned back it is the same", () => {
  for (const preset of NAMES) {
    const name = familyOf(maskOf({ preset, edits: [] }));
    assert.notEqual(familyOf(maskOf({ preset, edits: [[2, 6]] })), name);
    assert.equal(familyOf(maskOf({ preset, edits: [[2, 6], [2, 6]] })), name);
  }
});

test("a window hands on one step a layer, both ways where it is open to both sides", () => {
  const needed = layersToKnow(mask((q, k) => Math.abs(q - k) < 2));
  for (const q of range(N)) for (const k of range(N)) assert.equal(needed[q][k], Math.max(1, Math.abs(q - k)));
});

test("a causal mask never lets a query know of a later token, through however many layers", () => {
  layersToKnow(maskOf({ preset: "causal", edits: [] })).forEach((row, q) => row.forEach((n, k) => assert.equal(n, k <= q ? 1 : 0)));
});

test("one open cell above the diagonal lets several queries know it in two layers", () => {
  const needed = layersToKnow(maskOf({ preset: "causal", edits: [[3, 6]] }));
  assert.deepEqual(needed.map((row) => row[6]), [0, 0, 0, 1, 2, 2, 1, 1]);
});
