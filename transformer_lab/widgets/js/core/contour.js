// Lines of equal height through a grid of values, by marching squares.

import { range } from "./math.js";

// For each of 16 cases (which corners lie above), the sides that a line joins: 0 top, 1 right, 2 bottom, 3 left.
const JOINED = ["", "30", "01", "31", "12", "3012", "02", "32", "23", "20", "0123", "21", "13", "10", "03", ""];

/** An SVG path of the line where `grid[row][column]` is `level`; place(column, row) gives [x, y] for fractions, too. */
export function contour(grid, level, place) {
  const pieces = [];
  for (const i of range(grid.length - 1)) for (const j of range(grid[0].length - 1)) {
    const corners = [grid[i][j], grid[i][j + 1], grid[i + 1][j + 1], grid[i + 1][j]];
    const across = (a, b) => (level - a) / (b - a), [a, b, c, d] = corners;
    const side = [() => [j + across(a, b), i], () => [j + 1, i + across(b, c)],
      () => [j + across(d, c), i + 1], () => [j, i + across(a, d)]];
    const joined = JOINED[corners.reduce((which, value, k) => which + (value > level ? 1 << k : 0), 0)];
    for (let k = 0; k < joined.length; k += 2) {
      const end = (which) => place(...side[which]()).map((v) => v.toFixed(1)).join(" ");
      pieces.push(`M${end(joined[k])}L${end(joined[k + 1])}`);
    }
  }
  return pieces.join("");
}
