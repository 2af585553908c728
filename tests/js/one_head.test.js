import assert from "node:assert/strict";
import { test } from "node:test";
import { dot, range } from "../../transformer_lab/widgets/js/core/math.js";
import { MISTAKES, backward, encode, forward, pullback } from "../../transformer_lab/widgets/js/core/one_head.js";
import { autograd, centralDifferences, complexStep, relative } from "../../transformer_lab/widgets/js/core/witness.js";

// A small generator of its own (mulberry32), so that a failure comes back.
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296 - 0.5;
  };
}

function instance(seed, size = 2) {
  const random = generator(seed), V = 4, T = 6, row = (n) => range(n).map(() => size * random());
  const matrix = (rows, columns) => range(rows).map(() => row(columns));
  const tokens = range(T).map(() => Math.floor((random() + 0.5) * V));
  const params = { W_QK: matrix(V + T, V + T), W_OV: matrix(V + T, V) };
  return { params, x: encode(tokens, V), target: tokens[0], random };
}

const seeds = range(20);

test("the gradient of the loss is what three witnesses say", () => {
  for (const seed of seeds) {
    const { params, x, target } = instance(seed), acts = forward(params, x, target);
    const grads = backward(params, acts, target);
    for (const name of ["W_QK", "W_OV"]) {
      assert.ok(relative(grads[name], complexStep(params, x, target).loss[name]) <= 1e-12);
      assert.ok(relative(grads[name], autograd(params, x, target)[name]) <= 1e-12);
      assert.ok(relative(grads[name], centralDifferences(params, x, target, 6e-6)[name]) <= 1e-7);
    }
    for (const name of ["scores", "pattern", "read", "logits"]) {
      assert.ok(relative(grads[name], autograd(params, x, target)[name]) <= 1e-12, name);
    }
  }
});

test("a random upstream gradient is pulled back to what differences of its projection give", () => {
  for (const seed of seeds) {
    const { params, x, target, random } = instance(seed), upstream = range(4).map(random), h = 1e-5;
    const f = () => dot(upstream, forward(params, x, target).logits);
    const grads = pullback(params, forward(params, x, target), upstream);
    for (const name of ["W_QK", "W_OV"]) {
      const seen = params[name].map((row) => row.map((kept, j) => {
        row[j] = kept + h; const up = f();
        row[j] = kept - h; const down = f();
        row[j] = kept;
        return (up - down) / (2 * h);
      }));
      assert.ok(relative(grads[name], seen) <= 1e-7, `${name}, seed ${seed}`);
    }
  }
});

test("every planted mistake is far from the truth", () => {
  for (const seed of seeds) {
    const { params, x, target } = instance(seed), acts = forward(params, x, target);
    const truth = autograd(params, x, target);
    for (const mistake of Object.keys(MISTAKES).filter((name) => name !== "none")) {
      const grads = backward(params, acts, target, mistake);
      const far = Math.max(relative(grads.W_QK, truth.W_QK), relative(grads.W_OV, truth.W_OV));
      assert.ok(far > 1e-3, `${mistake}, seed ${seed}`);
    }
  }
});
