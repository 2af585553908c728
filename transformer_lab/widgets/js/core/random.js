// The random numbers of transformer_lab.generator(seed, purpose, step), bit for bit: Philox-4x64 with NumPy's ways to
// whole numbers and to normal ones. So the page can train the very heads that the chapter's records tell of.

import { range } from "./math.js";

const MASK = (1n << 64n) - 1n;
const [M0, M1, W0, W1] = [0xD2E7470EE14C6C93n, 0xCA5A826395121157n, 0x9E3779B97F4A7C15n, 0xBB67AE8584CAA73Bn];
// The second half of the key for each purpose that the page draws for; a test compares them with NumPy's.
const WORDS = {
  "init W_QK": 0xD2C1DCBCD9CCB800n, "init W_OV": 0x625E4E198B78E5A8n,
  train: 0xDB05041DC4547000n, probe: 0x0BF6E7196F739CBAn, bootstrap: 0x682A1A15DD043C33n,
};

/** Four 64-bit words from a counter (Salmon et al. 2011). */
function philox(c0, c2, k0, k1) {
  let [a, b, c, d] = [c0, 0n, c2, 0n];
  for (let round = 0; round < 10; round++) {
    const high = M0 * a, low = M1 * c;
    [a, b, c, d] = [(low >> 64n) ^ b ^ k0, low & MASK, (high >> 64n) ^ d ^ k1, high & MASK];
    [k0, k1] = [(k0 + W0) & MASK, (k1 + W1) & MASK];
  }
  return [a, b, c, d];
}

/** The n-th 64-bit word of a stream, from n = 0; words come in blocks of four, and NumPy counts blocks from 1. */
function stream(seed, purpose, step = 0) {
  let block = -1, words;
  const make = () => philox(BigInt(block + 1), BigInt(step), BigInt(seed), WORDS[purpose]);
  return (n) => {
    if (n >> 2 !== block) [block, words] = [n >> 2, null];
    return (words ??= make())[n & 3];
  };
}

/** `count` whole numbers below `end`, from the `first`-th of generator(...).integers(end) on (Lemire 2019). */
export function integers(seed, purpose, step, end, first, count) {
  const word = stream(seed, purpose, step), drawn = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const n = first + i, half = word(n >> 1) >> (n & 1 ? 32n : 0n);
    drawn[i] = Number(((half & 0xFFFFFFFFn) * BigInt(end)) >> 32n); // one draw in 10^8 is rejected: none of the book's
  }
  return drawn;
}

// The ziggurat: 256 layers of equal area under exp(-x^2 / 2) (Marsaglia and Tsang 2000). Layer 0 has the tail.
const TAIL = 3.6541528853610088, AREA = 0.004928673233974658, HEIGHT = (x) => Math.exp(-0.5 * x * x);
const width = new Float64Array(257), height = new Float64Array(256);
[width[256], width[255]] = [AREA / HEIGHT(TAIL), TAIL];
for (let i = 254; i > 0; i--) width[i] = Math.sqrt(-2 * Math.log(AREA / width[i + 1] + HEIGHT(width[i + 1])));
for (let i = 0; i < 256; i++) height[i] = HEIGHT(width[i]);

/** The first `count` numbers that generator(...).normal() would give. */
export function normals(seed, purpose, count) {
  const word = stream(seed, purpose);
  let n = 0;
  const next = () => word(n++), unit = () => Number(next() >> 11n) / 2 ** 53;
  function draw() {
    for (;;) {
      const bits = next(), layer = Number(bits & 255n), share = Number((bits >> 9n) & 0xFFFFFFFFFFFFFn) / 2 ** 52;
      const sign = (bits >> 8n) & 1n ? -1 : 1, x = share * width[layer || 256];
      if (share < (layer ? width[layer - 1] / width[layer] : TAIL / width[256])) return sign * x;
      if (layer) { if ((height[layer - 1] - height[layer]) * unit() + height[layer] < HEIGHT(x)) return sign * x; }
      else for (;;) {
        const beyond = -Math.log1p(-unit()) / TAIL, y = -Math.log1p(-unit());
        if (2 * y > beyond ** 2) return ((bits >> 17n) & 1n ? -1 : 1) * (TAIL + beyond);
      }
    }
  }
  return range(count).map(draw);
}
