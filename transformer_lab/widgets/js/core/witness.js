// Ways to a gradient that know nothing of the derivation. The loss is written once, for any kind of number: an
// arithmetic says how its numbers add, multiply, ... so the same lines are evaluated with real numbers (central
// differences), complex ones (complex step) and numbers that remember where they came from (autograd).

import { largest } from "./color.js";
import { sum, transpose } from "./math.js";

const real = {
  of: (v) => v, value: (a) => a,
  plus: (a, b) => a + b, times: (a, b) => a * b, over: (a, b) => a / b, exp: Math.exp, log: Math.log,
};

const complex = { // [re, im]
  of: (v) => [v, 0], value: (a) => a[0],
  plus: (a, b) => [a[0] + b[0], a[1] + b[1]],
  times: (a, b) => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]],
  over(a, b) { const size = b[0] ** 2 + b[1] ** 2; return complex.times(a, [b[0] / size, -b[1] / size]); },
  exp: (a) => [Math.exp(a[0]) * Math.cos(a[1]), Math.exp(a[0]) * Math.sin(a[1])],
  log: (a) => [Math.log(Math.hypot(...a)), Math.atan2(a[1], a[0])],
};

/** Reverse mode: each number keeps its parents and its derivative by each; the tape is in order of creation. */
function recorder() {
  const tape = [];
  const node = (value, ...parents) => { const made = { value, parents, grad: 0 }; tape.push(made); return made; };
  return {
    tape, of: (v) => node(v), value: (a) => a.value,
    plus: (a, b) => node(a.value + b.value, [a, 1], [b, 1]),
    times: (a, b) => node(a.value * b.value, [a, b.value], [b, a.value]),
    over: (a, b) => node(a.value / b.value, [a, 1 / b.value], [b, -a.value / b.value ** 2]),
    exp(a) { const value = Math.exp(a.value); return node(value, [a, value]); },
    log: (a) => node(Math.log(a.value), [a, 1 / a.value]),
  };
}

// The input rows and columns as lists of [index, value], without the many zeros.
const sparse = (m) => m.map((row) => row.flatMap((value, i) => (value === 0 ? [] : [[i, value]])));
const input = (x) => ({ rows: sparse(x), columns: sparse(transpose(x)), root: Math.sqrt(x[0].length) });

/** Everything between weights and loss, in the given arithmetic; the input stays plain. */
function evaluate(o, { W_QK, W_OV }, { rows, columns, root }, target) {
  const total = (values) => values.reduce((a, b) => o.plus(a, b), o.of(0));
  const mix = (terms, at) => terms.reduce((mixed, [i, value]) => o.plus(mixed, o.times(o.of(value), at(i))), o.of(0));
  const softmax = (scores) => {
    const top = o.of(-Math.max(...scores.map(o.value))), weights = scores.map((s) => o.exp(o.plus(s, top)));
    const all = total(weights);
    return weights.map((w) => o.over(w, all));
  };
  const query = W_QK.map((_, j) => mix(rows.at(-1), (i) => W_QK[i][j]));
  const scores = rows.map((row) => o.times(o.of(1 / root), mix(row, (i) => query[i])));
  const pattern = softmax(scores);
  const read = columns.map((column) => mix(column, (j) => pattern[j]));
  const logits = W_OV[0].map((_, v) => total(read.map((value, i) => o.times(W_OV[i][v], value))));
  const probs = softmax(logits);
  return { scores, pattern, read, logits, probs, loss: o.times(o.of(-1), o.log(probs[target])), ones: total(probs) };
}

/** Reverse-mode gradients of the loss, of the weights and of every activation. */
export function autograd(params, x, target) {
  const o = recorder(), taped = each(params, o.of), made = evaluate(o, taped, input(x), target);
  made.loss.grad = 1;
  for (const { grad, parents } of o.tape.toReversed()) {
    for (const [parent, slope] of parents) parent.grad += grad * slope;
  }
  const { loss, ones, probs, ...acts } = made;
  return each({ ...taped, ...acts }, (node) => node.grad);
}

/** Im f(w + ih) / h: no difference, so nothing cancels. For the loss, and for `ones`: the sum of the probabilities. */
export function complexStep(params, x, target) {
  const h = 1e-30, plain = input(x);
  const seen = (nudged) => evaluate(complex, nudged, plain, target);
  const made = entrywise(each(params, complex.of), (w) => [w[0], h], seen);
  return { loss: each(made, ({ loss }) => loss[1] / h), ones: each(made, ({ ones }) => ones[1] / h) };
}

/** (f(w + h) - f(w - h)) / 2h. */
export function centralDifferences(params, x, target, h) {
  const plain = input(x), f = (nudged) => evaluate(real, nudged, plain, target).loss;
  const up = entrywise(params, (w) => w + h, f), down = entrywise(params, (w) => w - h, f);
  return combine(up, down, (a, b) => (a - b) / (2 * h));
}

const each = (tensors, f) => Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, deep(value, f)]));
const deep = (value, f) => (Array.isArray(value) ? value.map((part) => deep(part, f)) : f(value));
const combine = (a, b, f) => Object.fromEntries(Object.keys(a).map((name) => [name, pair(a[name], b[name], f)]));
const pair = (a, b, f) => (Array.isArray(a) ? a.map((part, i) => pair(part, b[i], f)) : f(a, b));

/** f of the parameters with one entry changed, for every entry. */
function entrywise(params, change, f) {
  const copy = Object.fromEntries(Object.entries(params).map(([name, rows]) => [name, rows.map((row) => [...row])]));
  return Object.fromEntries(Object.entries(copy).map(([name, rows]) => [name, rows.map((row) => row.map((kept, j) => {
    row[j] = change(kept);
    const seen = f(copy);
    row[j] = kept;
    return seen;
  }))]));
}

/** max |g - w|: what a check by "so many decimals" looks at. */
export const difference = (g, w) => largest(pair(g, w, (a, b) => a - b));

/** max |g - w| / max(max |g|, max |w|), as in transformer_lab.byhand.gradcheck; 0 where both are 0. */
export const relative = (g, w) => difference(g, w) / (Math.max(largest(g), largest(w)) || 1);
