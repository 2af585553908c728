// Sinusoidal position codes, as byhand/ends.py and byhand/positions.py compute them.

import { dot, range } from "./math.js";

/** Radians a step of each pair. */
export const frequencies = (dModel, base) => range(dModel / 2).map((i) => base ** -(2 * i / dModel));

/** sin, cos, sin, cos, ...: the code of a position. */
export const sinusoid = (t, dModel, base) => frequencies(dModel, base).flatMap((w) => [Math.sin(w * t), Math.cos(w * t)]);

/** Dot product of a query's code, turned by `turn` positions, with the code of every position. */
export function scoresAgainst(t, turn, nCtx, dModel, base) {
  const query = sinusoid(t + turn, dModel, base);
  return range(nCtx).map((place) => dot(query, sinusoid(place, dModel, base)));
}
