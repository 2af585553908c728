// L(N) = E + a N^-α by least squares of relative errors: the twin of transformer_lab/analysis/power_laws.py.

import { integers } from "../core/random.js";
import { range, sum } from "../core/math.js";
import { remember } from "../core/remember.js";

const GRID = 64, [FIRST, LAST] = [0.01, 2], SECTIONS = 30, GOLDEN = (Math.sqrt(5) - 1) / 2;
const EXPONENTS = range(GRID).map((i) => FIRST * (LAST / FIRST) ** (i / (GRID - 1)));

const powersOf = (exponent, logs) => logs.map((log) => Math.exp(-exponent * log));

/** The scale and the floor that are best with these powers of the sizes, neither below 0, and the mean squared error. */
function linearParts(powers, inverse, floor) {
  const n = powers.length;
  let [pp, po, oo, p, o] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const one = inverse[i], power = powers[i] * one;
    pp += power * power; po += power * one; oo += one * one; p += power; o += one;
  }
  let [scale, bottom] = [p / pp, 0];
  const whole = pp * oo - po * po;
  if (floor && whole > 1e-14 * pp * oo) {
    const free = (p * oo - o * po) / whole, freed = (o * pp - p * po) / whole;
    if (freed >= 0) [scale, bottom] = free < 0 ? [0, o / oo] : [free, freed]; // free < 0: the losses rise
  }
  let error = 0;
  for (let i = 0; i < n; i++) error += (scale * powers[i] * inverse[i] + bottom * inverse[i] - 1) ** 2;
  return { scale, floor: bottom, error: error / n };
}

/** The law of losses at sizes, with a floor or with one of 0; `grid` has the powers for every exponent that is tried. */
export function fitLaw(sizes, losses, floor, grid = null) {
  const logs = sizes.map(Math.log), inverse = losses.map((loss) => 1 / loss);
  const solved = (exponent) => linearParts(powersOf(exponent, logs), inverse, floor);
  const errors = (grid ?? gridOf(sizes)).map((powers) => linearParts(powers, inverse, floor).error);
  const best = errors.indexOf(Math.min(...errors));
  let low = EXPONENTS[Math.max(best - 1, 0)], high = EXPONENTS[Math.min(best + 1, GRID - 1)];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [lefts, rights] = [solved(left).error, solved(right).error];
  for (let i = 0; i < SECTIONS; i++) {
    if (lefts <= rights) {
      [high, right, rights] = [right, left, lefts];
      lefts = solved(left = high - GOLDEN * (high - low)).error;
    } else {
      [low, left, lefts] = [left, right, rights];
      rights = solved(right = low + GOLDEN * (high - low)).error;
    }
  }
  const exponent = (low + high) / 2, found = solved(exponent);
  return { ...found, exponent, error: Math.sqrt(found.error) };
}

const gridOf = (sizes) => { const logs = sizes.map(Math.log); return EXPONENTS.map((exponent) => powersOf(exponent, logs)); };

export const lawAt = ({ exponent, scale, floor }, size) => floor + scale * size ** -exponent;

const again = remember((seeds, draws) => {
  const drawn = Array.from(integers(0, "bootstrap", 0, seeds, 0, draws * seeds));
  return range(draws).map((i) => drawn.slice(i * seeds, (i + 1) * seeds));
});

/** The laws of means over seeds that are drawn again, with replacement, the same for every size (n, seed). */
export function bootstrapped(sizes, losses, floor, draws) {
  const seeds = losses[0].length, drawn = again(seeds, draws), grid = gridOf(sizes);
  return drawn.map((some) => fitLaw(sizes, losses.map((row) => sum(some.map((seed) => row[seed])) / seeds), floor, grid));
}

/** The ends between which 95 in 100 of the values lie, as numpy.quantile has them. */
export function interval(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.025, 0.975].map((share) => {
    const at = share * (sorted.length - 1), i = Math.floor(at);
    return sorted[i] + (at - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]);
  });
}

export const meanOf = (rows) => rows.map((row) => sum(row) / row.length);
