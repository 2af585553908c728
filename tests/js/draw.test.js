import assert from "node:assert/strict";
import { test } from "node:test";
import { decades, linear, path } from "../../transformer_lab/widgets/js/core/chart.js";
import { amount, largest, signed } from "../../transformer_lab/widgets/js/core/color.js";
import { h, markup } from "../../transformer_lab/widgets/js/core/draw.js";

test("a still picture says what is there, and holds nothing to operate", () => {
  const picture = h("svg", { role: "group", viewBox: "0 0 9 9" },
    h("circle", { cx: 3, onclick() {}, tabindex: 0, "aria-label": "a" }), null,
    h("button", { class: "x", disabled: true }, "press"), h("input", { type: "range" }));
  assert.equal(markup(picture),
    '<svg viewBox="0 0 9 9"><circle cx="3"></circle><span class="x" disabled="">press</span></svg>');
});

test("what a reader typed cannot become markup", () => {
  assert.equal(markup(h("p", { title: '"<' }, "<script>&")), '<p title="&quot;&lt;">&lt;script&gt;&amp;</p>');
  assert.equal(markup(h("p", {}, h("input", { type: "text", value: "<b>" }))), "<p>&lt;b&gt;</p>");
});

test("absent children keep the places of their neighbours", () => {
  assert.equal(h("g", {}, null, ["a", false], "b").children.length, 4);
});

test("scales go both ways, and decades stop at their edges", () => {
  const scale = linear([0, 10], [100, 0]);
  assert.equal(scale(2.5), 75);
  assert.equal(scale.inverse(75), 2.5);
  const orders = decades([1e-4, 1], [0, 40]);
  assert.ok(Math.abs(orders(1e-2) - 20) < 1e-9);
  assert.deepEqual([orders(0), orders(7)], [0, 40]);
  assert.equal(path([[0, 1], [2, 3.456]]), "M0.0 1.0L2.0 3.5");
});

test("zero is the page, the limit is the full colour, and the sign has a colour", () => {
  assert.equal(signed(0, 2)["fill-opacity"], "0.000");
  assert.deepEqual(signed(-2, 2), { fill: "var(--lab-negative)", "fill-opacity": "1.000" });
  assert.equal(amount(0.25)["fill-opacity"], "0.250");
  assert.equal(signed(1, 0)["fill-opacity"], "0.000");
  assert.equal(largest([[1, -3], [2]]), 3);
});
