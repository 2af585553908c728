// Descent in a valley whose curvature is 1 across and 1/stretch along, by the three rules of
// transformer_lab.byhand.optimizers, and the roots that decide what becomes of a direction. Held to Python by a test.

import { range } from "../core/math.js";

const filled = (beta, t) => 1 - beta ** t, EPS = 1e-8; // how far a mean that began at zero is filled

/** Where t updates lead, for t from 0 to `steps`, along and across: { at, loss, reach }, see `reachOf`. */
export function descend({ rule, rate, momentum, beta2, stretch, along, across }, steps) {
  const a = [1 / stretch, 1], theta = [along, across], m = [0, 0], v = [0, 0], places = [];
  for (let t = 0; t <= steps; t++) {
    const g = theta.map((value, i) => a[i] * value), loss = (g[0] * theta[0] + g[1] * theta[1]) / 2;
    const next = v.map((old, i) => beta2 * old + (1 - beta2) * g[i] * g[i]);
    places.push({ at: [...theta], loss, reach: reachOf({ rule, rate, momentum, beta2 }, a, next, t + 1) });
    for (const i of range(2)) {
      if (rule === "sgd") theta[i] -= rate * g[i];
      if (rule === "momentum") theta[i] -= rate * (m[i] = momentum * m[i] + g[i]);
      if (rule === "adam") {
        m[i] = momentum * m[i] + (1 - momentum) * g[i];
        v[i] = next[i];
        const root = Math.sqrt(filled(beta2, t + 1));
        theta[i] -= (rate * root / filled(momentum, t + 1)) * m[i] / (Math.sqrt(v[i]) + EPS * root);
      }
    }
  }
  return places;
}

/**
 * Rate times curvature, along and across. Adam divides the rate by the size of the gradients so far, and lets a new
 * gradient in with a weight of 1 - beta1; both are counted here, as they stand at update t.
 */
function reachOf({ rule, rate, momentum, beta2 }, curvatures, v, t) {
  if (rule !== "adam") return curvatures.map((a) => rate * a);
  const share = (1 - momentum) / filled(momentum, t), bias = filled(beta2, t);
  return curvatures.map((a, i) => rate * share * a / (Math.sqrt(v[i] / bias) + EPS));
}

/** The roots z of z² − (1 + μ − reach) z + μ, each [real, imaginary]: one update multiplies by them. */
export function rootsOf(reach, mu) {
  const half = (1 + mu - reach) / 2, under = half * half - mu;
  if (under < 0) return [[half, Math.sqrt(-under)], [half, -Math.sqrt(-under)]];
  const far = half + (half < 0 ? -1 : 1) * Math.sqrt(under); // the larger one first, then without cancelling
  return [[far, 0], [far ? mu / far : 0, 0]];
}

/** What the slower of the two roots leaves of a distance at each update, in the long run. */
export const keptOf = (reach, mu) => Math.max(...rootsOf(reach, mu).map(([re, im]) => Math.hypot(re, im)));

/** How a direction comes nearer: by the sign and kind of the root that decides. */
export function manner(reach, mu) {
  const [[re, im]] = rootsOf(reach, mu), kept = keptOf(reach, mu);
  return kept > 1 + 1e-12 ? "runs away" : im ? "swings" : re < 0 ? "jumps from side to side" : "slides";
}

/** The best rate and momentum there are for this stretch; without momentum, the best rate. */
export function best(stretch, rule) {
  const root = Math.sqrt(stretch);
  if (rule === "sgd") return { rate: (2 * stretch) / (stretch + 1), momentum: 0, kept: (stretch - 1) / (stretch + 1) };
  const kept = (root - 1) / (root + 1);
  return { rate: (1 + kept) ** 2, momentum: kept * kept, kept };
}
