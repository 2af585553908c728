// Paper to draw on, the patches beside it, and the shares of the ten digits.

import { label, line, rect } from "../core/chart.js";
import { amount, color, signed } from "../core/color.js";
import { h, part } from "../core/draw.js";
import { fixed, percent } from "../core/format.js";
import { clamp, range } from "../core/math.js";
import { handle, picture, pressed } from "../core/ui.js";
import { FULL, SIDE } from "./model.js";

const TOP = 24, GAP = 26, BAR = 20, NARROW = 560, REACH = 1.25; // cells from the pen at which there is no more ink

/** Ink that a pen leaves at (u, v), in cells from the upper left: all under it, and less beside. */
export const inked = (pixels, u, v) => pixels.map((ink, i) => {
  const far = Math.hypot((i % SIDE) + 0.5 - u, Math.floor(i / SIDE) + 0.5 - v);
  return Math.max(ink, Math.round(FULL * clamp(REACH - far, 0, 1)));
});

/** Without the ink of the cell at (u, v). */
export const wiped = (pixels, u, v) => pixels.map((ink, i) => (i === SIDE * Math.floor(v) + Math.floor(u) ? 0 : ink));

/** The lines between patches. */
const borders = (across, left, top, side) => range(across - 1).map((i) => (i + 1) * side / across).flatMap((at) => [
  line(left + at, top, left + at, top + side, "limit"), line(left, top + at, left + side, top + at, "limit")]);

function paper(state, now, lab, left, side) {
  const { pixels, book } = now, cell = side / SIDE, { row, column } = state, at = SIDE * row + column;
  const put = (u, v) => lab.set(now.changed((state.pen === "pen" ? inked : wiped)(pixels, u, v)));
  const inside = (value) => clamp(value, 0, SIDE - 0.01);
  const grip = handle(lab, { label: "Paper", value: at, low: 0, high: SIDE ** 2 - 1, shown: `row ${row + 1}, column ${column + 1}: ink ${pixels[at]} of ${FULL}`,
    move: ({ x, y }) => { const [u, v] = [(x - left) / cell, (y - TOP) / cell].map(inside); put(u, v); },
    nudge: (dx, dy) => lab.set({ row: clamp(row - dy, 0, SIDE - 1), column: clamp(column + dx, 0, SIDE - 1) }) });
  const onkeydown = (event) => {
    if (!/^(Enter| )$/.test(event.key)) return grip.onkeydown(event);
    event.preventDefault();
    put(column + 0.5, row + 0.5);
  };
  return part("paper", label(left, 14, "Draw here", "soft"), h("g", { "aria-hidden": true },
    pixels.map((ink, i) => rect(left + (i % SIDE) * cell, TOP + Math.floor(i / SIDE) * cell, cell, cell, { class: "lab-cell", ...amount(ink, FULL) })),
    borders(book.across, left, TOP, side), rect(left, TOP, side, side, { class: "lab-pick" }),
    rect(left + column * cell + 1, TOP + row * cell + 1, cell - 2, cell - 2, { class: "lab-pick" })),
  rect(left, TOP, side, side, { fill: "transparent", ...grip, onkeydown }));
}

const TITLES = { without: (digit) => `What each patch adds to ${digit}`, first: () => "Layer 1: the class looks", last: () => "Layer 2: the class looks", rollout: () => "Rollout" };

/** The patches, each a button that leaves it out. */
function patches(state, now, lab, left, top, side) {
  const { book, map, digit, out } = now, cell = side / book.across, votes = state.map === "without", most = Math.max(...map.map(Math.abs), votes ? 1 : 0.01);
  const one = (value, i) => {
    const [x, y] = [left + (i % book.across) * cell, top + Math.floor(i / book.across) * cell], gone = out.includes(i);
    const name = `row ${Math.floor(i / book.across) + 1}, column ${(i % book.across) + 1}`;
    return pressed(() => lab.set({ out: gone ? out.filter((other) => other !== i) : [...out, i].sort((a, b) => a - b) }),
      { x, y, width: cell, height: cell, "aria-label": `Leave out patch ${name}`, "aria-pressed": gone },
      rect(x, y, cell, cell, { class: "lab-cell", ...(gone ? { fill: color("page") } : votes ? signed(value, 2 * most) : amount(value, 2 * most)) }),
      gone ? h("path", { d: `M${x + 8} ${y + 8}L${x + cell - 8} ${y + cell - 8}M${x + cell - 8} ${y + 8}L${x + 8} ${y + cell - 8}`, stroke: color("soft"), "stroke-width": 1.5 })
        : label(x + cell / 2, y + cell / 2 + 4, fixed(value, votes ? 1 : 2), "cell middle"));
  };
  return part("patches", label(left, top - 10, TITLES[state.map](digit), "soft"), map.map(one), rect(left, top, side, side, { class: "lab-pick" }));
}

/** A bar for each digit, a button that asks what votes for it. */
function shares(state, { probs, digit, said }, lab, left, width) {
  const long = width - 86;
  return part("shares", label(left, 14, "It says", "soft"), probs.map((share, i) => {
    const y = TOP + BAR * i;
    return pressed(() => lab.set({ digit: state.digit === i ? -1 : i }), { x: left, y, width, height: BAR, "aria-label": `Ask what votes for ${i}`, "aria-pressed": digit === i },
      label(left + 4, y + 15, String(i), i === said ? "code strong" : "code"),
      rect(left + 20, y + 4, Math.max(1, long * share), 13, amount(i === digit ? 1 : 0.5)),
      label(left + 27 + long * share, y + 15, percent(share, 1), i === said ? "strong" : "soft"),
      i === digit ? rect(left, y + 1, 16, BAR - 2, { class: "lab-pick" }) : null);
  }));
}

export function draw(state, now, lab) {
  const side = lab.width >= NARROW ? 224 : 200, bars = lab.width - side - GAP;
  if (lab.width >= NARROW) {
    return picture(lab, TOP + side + 4, paper(state, now, lab, 0, side), patches(state, now, lab, side + GAP, TOP, side),
      shares(state, now, lab, 2 * (side + GAP), lab.width - 2 * (side + GAP)));
  }
  return picture(lab, 2 * (TOP + side) + 20, paper(state, now, lab, 0, side), shares(state, now, lab, side + 14, bars + GAP - 14),
    patches(state, now, lab, 0, 2 * TOP + side + 16, side));
}
