import assert from "node:assert/strict";
import { test } from "node:test";
import { count, families, sizeOf } from "../../transformer_lab/widgets/js/plane/families.js";
import { leastLead, lines, within } from "../../transformer_lab/widgets/js/plane/leads.js";
import { leadOf, logitsAt } from "../../transformer_lab/widgets/js/plane/model.js";
import { best, compass, shape } from "../../transformer_lab/widgets/js/plane/support.js";

const EVEN = [0, 2, 4, 6, 8, 10], sum = (values) => values.reduce((total, value) => total + value, 0);

test("168 families hold all contexts with an even number in view", () => {
  const found = families({ n_ctx: 8, d_vocab: 12 }, EVEN);
  assert.equal(found.length, 168);
  assert.equal(sum(found.map(sizeOf)), 38753322);
  assert.equal(count(0b101101), 4);
});

test("a token of tiny weight that reaches further is found", () => {
  const layout = { n_ctx: 2, d_vocab: 2 }, box = { t: 1 };
  for (let i = 0; i < 50; i++) {
    const heavy = 1 + Math.sin(i) ** 2, v = Float64Array.of(heavy, 0, 5, 0, 5, 0, 5, 0);
    const it = shape({ query: 1, v, layout }, compass(4));
    it.a.set([1e20, 1e-20]);
    it.allowed[0] = [0, 1];
    let reach = best(it, box, 0, 1e-20, 0);
    for (let more; (more = best(it, box, 0, 1e-20, reach + it.step)) > reach + it.step;) reach = more;
    assert.ok(reach > 4.999, `${heavy}: ${reach}`);
  }
});

/** Two tokens; the first leads by |x| + |y| - 0.5, least where the lines of four hidden units cross. */
const valley = { layout: { d_vocab: 2, d_mlp: 4 }, lines: Float64Array.of(1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0),
  hidden: Float64Array.of(1, 0, 1, 0, 1, 0, 1, 0), direct: Float64Array.of(0, 0, -0.5, 0, 0, 0) };

test("the least lead inside is found where two lines cross", () => {
  const square = Float64Array.of(-1, -1, 1, -1, 1, 1, -1, 1);
  assert.equal(leastLead(valley, square, 0, lines(valley, 4)), -0.5);
  assert.ok(within(0, 0, square) && within(1, 1, square) && !within(1.01, 0, square));
});

test("no point of a polygon has a smaller lead than the least", () => {
  let seed = 1;
  const random = () => { seed = (seed * 16807) % 2147483647; return seed / 2147483647 - 0.5; };
  for (let i = 0; i < 50; i++) {
    const [V, H] = [3, 6], fill = (n) => Float64Array.from({ length: n }, () => 4 * random());
    const plane = { layout: { d_vocab: V, d_mlp: H }, lines: fill(3 * H), hidden: fill(H * V), direct: fill(3 * V) };
    const turn = 6 * random(), triangle = Float64Array.from([0, 2, 4].flatMap((a) => [Math.cos(a + turn), Math.sin(a + turn)]));
    const least = leastLead(plane, triangle, 1, lines(plane, 3));
    for (let k = 0; k < 500; k++) {
      const [a, b] = [0.5 + random(), 0.5 + random()].sort(), share = [a, b - a, 1 - b];
      const [x, y] = [0, 1].map((axis) => sum(share.map((part, d) => part * triangle[2 * d + axis])));
      assert.ok(leadOf(logitsAt(plane, x, y, new Float64Array(V)), 1) >= least - 1e-9);
    }
  }
});
