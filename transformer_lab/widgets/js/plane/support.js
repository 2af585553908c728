// The exact shape of all points that a box of contexts can reach: transformer_lab/analysis/certificates/support.py.

import { tokensOf, weigh } from "./families.js";

export const SLACK = 1e-9; // the polygon is this much larger than the points, relative to their size
export const FURTHER = 1e-12; // what counts as further, relative to the values: far above rounding, far below the slack

/** Directions all around, counterclockwise: pairs, one after the other. */
export const compass = (n) => Float64Array.from({ length: 2 * n }, (_, i) =>
  (i % 2 ? Math.sin : Math.cos)((2 * Math.PI * (i >> 1)) / n));

/** What is used again for every box of a plane: how far each value lies in each direction, and room for the answers. */
export function shape(plane, directions) {
  const { v, layout: { n_ctx: T, d_vocab: V } } = plane, n = directions.length / 2;
  const along = new Float64Array(n * T * V);
  for (let d = 0; d < n; d++) for (let j = 0; j < T * V; j++) {
    along[d * T * V + j] = directions[2 * d] * v[2 * j] + directions[2 * d + 1] * v[2 * j + 1];
  }
  const step = FURTHER * v.reduce((most, far) => Math.max(most, Math.abs(far)), 0);
  return { plane, directions, n, along, step, a: new Float64Array(T * V), chosen: new Int32Array(T), allowed: new Array(T), heights: new Float64Array(n),
    points: new Float64Array(2 * n), contexts: new Int32Array(n * T), corners: new Float64Array(2 * n) };
}

/** How far a box reaches in each direction, the points that do and their contexts; written into the shape. */
export function support(it, box) {
  const { plane: { x, v, query, layout: { n_ctx: T, d_vocab: V } }, directions, n, a, heights, points, contexts } = it;
  const { t, masks } = box, own = weigh(it.plane, box, a), here = t * V + query;
  for (let i = 0; i < t; i++) it.allowed[i] = tokensOf(masks[i]);
  for (let d = 0; d < n; d++) {
    const reach = furthest(it, box, d, own);
    heights[d] = reach + (directions[2 * d] * x[2 * here] + directions[2 * d + 1] * x[2 * here + 1]);
    let total = 0, px = 0, py = 0;
    for (let i = 0; i < t; i++) {
      const token = i * V + contexts[d * T + i], weight = a[token];
      total += weight;
      px += weight * v[2 * token];
      py += weight * v[2 * token + 1];
    }
    points[2 * d] = x[2 * here] + (px + own * v[2 * here]) / (total + own);
    points[2 * d + 1] = x[2 * here + 1] + (py + own * v[2 * here + 1]) / (total + own);
  }
}

/** Dinkelbach's iteration in one direction; the tokens chosen last go into the contexts. */
function furthest(it, box, d, own) {
  const { plane: { layout: { n_ctx: T } }, contexts, step, chosen } = it;
  let reach = best(it, box, d, own, 0);
  for (;;) {
    for (let i = 0; i < box.t; i++) contexts[d * T + i] = chosen[i];
    const found = best(it, box, d, own, reach + step);
    if (!(found > reach + step)) return reach;
    reach = found;
  }
}

/** How far the best tokens for a level reach. */
export function best({ plane: { query, layout: { n_ctx: T, d_vocab: V } }, along, a, chosen, allowed }, { t }, d, own, level) {
  const first = d * T * V;
  let pull = own * along[first + t * V + query], weight = own;
  for (let i = 0; i < t; i++) {
    const tokens = allowed[i];
    let most = -Infinity, token = tokens[0];
    for (let c = 0; c < tokens.length; c++) {
      const at = i * V + tokens[c], gain = a[at] * along[first + at] - level * a[at];
      if (gain > most) {
        most = gain;
        token = tokens[c];
      }
    }
    chosen[i] = token;
    weight += a[i * V + token];
    pull += a[i * V + token] * along[first + i * V + token];
  }
  return pull / weight;
}

/** The corners of the polygon that the directions enclose, a little widened. */
export function enclose({ directions, n, heights, corners }) {
  let size = 0;
  for (let d = 0; d < n; d++) size = Math.max(size, Math.abs(heights[d]));
  const wider = SLACK * (1 + size);
  for (let d = 0; d < n; d++) {
    const e = (d + 1) % n, [dx, dy, ex, ey] = [directions[2 * d], directions[2 * d + 1], directions[2 * e], directions[2 * e + 1]];
    const turn = dx * ey - dy * ex, one = heights[d] + wider, other = heights[e] + wider;
    corners[2 * d] = (one * ey - other * dy) / turn;
    corners[2 * d + 1] = (other * dx - one * ex) / turn;
  }
}
