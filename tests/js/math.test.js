import assert from "node:assert/strict";
import { test } from "node:test";
import * as m from "../../transformer_lab/widgets/js/core/math.js";
import { brief, fixed, spell, tens } from "../../transformer_lab/widgets/js/core/format.js";

const near = (got, wanted) => assert.ok(Math.abs(got - wanted) < 1e-12, `${got} is not ${wanted}`);

test("a softmax adds up to one, keeps the order, and survives large scores", () => {
  const probs = m.softmax([1000, 1001, 999]);
  near(m.sum(probs), 1);
  assert.equal(m.argmax(probs), 1);
  near(probs[1] / probs[0], Math.E);
});

test("the logarithm of the softmax's sum is the logarithm of the sum", () => {
  near(m.logSumExp([1, 2, 3]), Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)));
  assert.equal(m.logSumExp([1e4, 0]), 1e4);
});

test("even logits cost ln n nats, and have an entropy of ln n", () => {
  near(m.crossEntropy([0, 0, 0, 0], 2), Math.log(4));
  near(m.entropy([0.25, 0.25, 0.25, 0.25, 0]), Math.log(4));
});

test("products agree with each other", () => {
  const a = [[1, 2, 3], [4, 5, 6]], v = [1, -1];
  assert.deepEqual(m.vecMat(v, a), [-3, -3, -3]);
  assert.deepEqual(m.matVec(m.transpose(a), v), m.vecMat(v, a));
  assert.deepEqual(m.matMul(a, m.transpose(a)), [[14, 32], [32, 77]]);
  assert.deepEqual(m.outer([1, 2], [3, 4]), [[3, 4], [6, 8]]);
});

test("numbers read as in a book: a true minus sign, few digits, no minus zero", () => {
  assert.equal(fixed(-0.12345), "−0.123");
  assert.equal(fixed(-0.0001), "0.000");
  assert.equal(brief(-1.2345e-7), "−1.23e−7");
  assert.equal(brief(0.1 + 0.2), "0.3");
  assert.equal(tens(-16), "10⁻¹⁶");
  assert.equal(spell([0, 25]), "AZ");
});
