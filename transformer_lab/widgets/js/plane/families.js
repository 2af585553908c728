// All contexts in which the rule decides, in boxes: transformer_lab/analysis/certificates/families.py. Which tokens a
// position allows is a whole number with a bit for each token.

/** The families of "after + comes the latest even number": { t, place, answer, masks }, in the package's order. */
export function families({ n_ctx, d_vocab }, focus) {
  const all = 2 ** d_vocab - 1, others = focus.reduce((mask, token) => mask & ~(1 << token), all), found = [];
  for (let t = 1; t < n_ctx; t++) for (let place = 0; place < t; place++) for (const answer of focus) {
    const masks = new Int32Array(t).fill(others);
    masks.fill(all, 0, place);
    masks[place] = 1 << answer;
    found.push({ t, place, answer, masks });
  }
  return found;
}

export function count(mask) {
  let n = 0;
  for (; mask; mask &= mask - 1) n++;
  return n;
}

const lists = new Map();

/** The tokens that a mask allows, in order. */
export function tokensOf(mask) {
  if (!lists.has(mask)) {
    const tokens = [];
    for (let c = 0, left = mask; left; c++, left >>= 1) if (left & 1) tokens.push(c);
    lists.set(mask, Int32Array.from(tokens));
  }
  return lists.get(mask);
}

/** How many contexts a box holds. */
export const sizeOf = ({ masks }) => masks.reduce((size, mask) => size * count(mask), 1);

/** Whether it holds a single one. */
export const alone = ({ masks }) => masks.every((mask) => (mask & (mask - 1)) === 0);

/**
 * The weights of attention of a box, those of tokens that are not allowed left as they were, and the query's own, all
 * multiplied by one number: that which makes 1 of the largest that is certain to be there.
 */
export function weigh({ scores, query, layout: { n_ctx: T, d_vocab: V } }, { t, masks }, a) {
  const row = t * T * V, own = scores[row + t * V + query];
  let certain = own;
  for (let i = 0; i < t; i++) {
    let least = Infinity;
    for (let c = 0; c < V; c++) if (masks[i] >> c & 1) least = Math.min(least, scores[row + i * V + c]);
    certain = Math.max(certain, least);
  }
  for (let i = 0; i < t; i++) for (let c = 0; c < V; c++) {
    if (masks[i] >> c & 1) a[i * V + c] = Math.exp(Math.min(scores[row + i * V + c] - certain, 600));
  }
  return Math.exp(own - certain);
}

/** A box cut into one for each token in one position, that whose tokens pull in the most different ways. */
export function split(plane, box, a) {
  const { query, v, layout: { d_vocab: V } } = plane, { t, masks } = box, here = 2 * (t * V + query);
  weigh(plane, box, a);
  let place = 0, most = -Infinity;
  for (let i = 0; i < t; i++) {
    let spread = count(masks[i]) > 1 ? 0 : -1;
    for (let axis = 0; axis < 2 && spread >= 0; axis++) {
      let low = Infinity, high = -Infinity;
      for (let c = 0; c < V; c++) {
        const pull = masks[i] >> c & 1 ? a[i * V + c] * (v[2 * (i * V + c) + axis] - v[here + axis]) : 0;
        low = Math.min(low, pull);
        high = Math.max(high, pull);
      }
      spread += high - low;
    }
    if (spread > most) [place, most] = [i, spread];
  }
  const parts = [];
  for (let c = 0; c < V; c++) {
    if (masks[place] >> c & 1) parts.push({ ...box, masks: masks.with(place, 1 << c) });
  }
  return parts;
}
