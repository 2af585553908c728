// The regions of the plane in which each token is predicted, exactly: the lines of the hidden units cut the window into
// convex cells, in each of which the logits are affine. A polygon is a flat list x, y, x, y, ...

import { logitsAt } from "./model.js";

/** For each token { polygons, centre } (centre of its largest polygon) and the borders between tokens, in a window. */
export function regionsOf(plane, [left, right, low, high]) {
  const { lines, layout: { d_vocab: V, d_mlp: H } } = plane;
  let cells = [[left, low, right, low, right, high, left, high]];
  for (let h = 0; h < H; h++) cells = cells.flatMap((cell) => halves(cell, lines[3 * h], lines[3 * h + 1], lines[3 * h + 2]));
  const regions = Array.from({ length: V }, () => ({ polygons: [], centre: null, area: 0 })), borders = [];
  for (const cell of cells) share(plane, cell, regions, borders);
  return { regions, borders };
}

/** A polygon on both sides of a line; what is not there is left out. */
function halves(cell, a, b, c) {
  let above = false, below = false;
  for (let i = 0; i < cell.length; i += 2) {
    const side = a * cell[i] + b * cell[i + 1] + c;
    above ||= side > 1e-12;
    below ||= side < -1e-12;
  }
  return above && below ? [clip(cell, a, b, c), clip(cell, -a, -b, -c)] : [cell];
}

/** The part of a polygon where a x + b y + c >= 0. */
function clip(cell, a, b, c) {
  const kept = [], n = cell.length;
  for (let i = 0; i < n; i += 2) {
    const x = cell[i], y = cell[i + 1], u = cell[(i + 2) % n], v = cell[(i + 3) % n];
    const one = a * x + b * y + c, other = a * u + b * v + c;
    if (one >= 0) kept.push(x, y);
    if (one >= 0 !== other >= 0) kept.push(x + ((u - x) * one) / (one - other), y + ((v - y) * one) / (one - other));
  }
  return kept;
}

const centreOf = (cell) => {
  let x = 0, y = 0;
  for (let i = 0; i < cell.length; i += 2) { x += cell[i]; y += cell[i + 1]; }
  return [(2 * x) / cell.length, (2 * y) / cell.length];
};

function areaOf(cell) {
  let twice = 0;
  for (let i = 0, n = cell.length; i < n; i += 2) twice += cell[i] * cell[(i + 3) % n] - cell[(i + 2) % n] * cell[i + 1];
  return Math.abs(twice) / 2;
}

/** Gives a cell to the tokens that win in it. */
function share(plane, cell, regions, borders) {
  const map = mapAt(plane, ...centreOf(cell)), V = regions.length, tops = new Set();
  for (let i = 0; i < cell.length; i += 2) tops.add(top(map, V, cell[i], cell[i + 1]));
  if (tops.size === 1) return give(regions[[...tops][0]], cell); // what leads at all corners leads everywhere between
  const rivals = [...tops, ...regions.keys()]; // those at the corners first: they soon leave nothing
  for (let a = 0; a < V; a++) {
    let part = cell;
    for (const b of rivals) {
      if (part.length < 6) break;
      if (b !== a) part = clip(part, map[3 * a] - map[3 * b], map[3 * a + 1] - map[3 * b + 1], map[3 * a + 2] - map[3 * b + 2]);
    }
    if (part.length < 6) continue;
    give(regions[a], part);
    for (let i = 0, n = part.length; i < n; i += 2) {
      const edge = [part[i], part[i + 1], part[(i + 2) % n], part[(i + 3) % n]];
      if (tied(map, a, V, edge)) borders.push(edge);
    }
  }
}

function give(region, cell) {
  const area = areaOf(cell);
  region.polygons.push(cell);
  if (area > region.area) Object.assign(region, { area, centre: centreOf(cell) });
}

/** The logits as an affine map around a point. */
function mapAt({ lines, hidden, direct, layout: { d_vocab: V, d_mlp: H } }, x, y) {
  const map = Float64Array.from(direct);
  for (let h = 0; h < H; h++) {
    if (lines[3 * h] * x + lines[3 * h + 1] * y + lines[3 * h + 2] <= 0) continue;
    for (let a = 0; a < V; a++) for (let axis = 0; axis < 3; axis++) map[3 * a + axis] += hidden[h * V + a] * lines[3 * h + axis];
  }
  return map;
}

const level = (map, a, x, y) => map[3 * a] * x + map[3 * a + 1] * y + map[3 * a + 2];

function top(map, V, x, y) {
  let best = 0;
  for (let a = 1; a < V; a++) if (level(map, a, x, y) > level(map, best, x, y)) best = a;
  return best;
}

/** Whether a later token is as high as this one along an edge. */
function tied(map, a, V, [x, y, u, v]) {
  for (let b = a + 1; b < V; b++) {
    const close = (px, py) => Math.abs(level(map, a, px, py) - level(map, b, px, py)) < 1e-8 * (1 + Math.abs(level(map, a, px, py)));
    if (close(x, y) && close(u, v)) return true;
  }
  return false;
}

/** The token that is predicted at a point. */
export function winner(plane, [x, y]) {
  const logits = logitsAt(plane, x, y, new Float64Array(plane.layout.d_vocab));
  return logits.indexOf(Math.max(...logits));
}
