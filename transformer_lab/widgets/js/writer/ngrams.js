// Rulers for text, as transformer_lab.tasks.ngrams has them: counts of runs of characters, and Witten-Bell interpolation.
// All runs of one length stand in order, each with its last character, how often it occurs, and by how many different
// characters it is followed somewhere: the followers of a run are its neighbours one level down.

import { range } from "../core/math.js";

/** chances(context): the chance of each next character, of which the last order - 1 of the context count. */
export function ruler(array, order, d_vocab) {
  const levels = range(order).map((n) => {
    const [letters, seen] = ["letters", "seen"].map((name) => array(`${name}.${n + 1}`));
    const kinds = n + 1 < order ? array(`kinds.${n + 1}`) : [];
    let next = 0;
    return { letters, seen, first: kinds.map((count) => (next += count) - count), kinds };
  });
  const top = { first: 0, kinds: levels[0].letters.length };

  /** The run of these characters, if it occurs: where its followers stand. */
  function found(context) {
    let at = top;
    for (const [n, letter] of context.entries()) {
      const { letters, first, kinds } = levels[n], place = range(at.kinds).map((i) => at.first + i).find((i) => letters[i] === letter);
      if (place === undefined) return null;
      at = { first: first[place], kinds: kinds[place] };
    }
    return at;
  }

  function after(context, p) {
    const at = found(context);
    if (!at?.kinds) return p;
    const { letters, seen } = levels[context.length], followers = range(at.kinds).map((i) => at.first + i);
    const total = followers.reduce((sum, i) => sum + seen[i], 0), next = p.map((share) => at.kinds * share);
    for (const i of followers) next[letters[i]] += seen[i];
    return next.map((share) => share / (total + at.kinds));
  }

  return (context) => range(Math.min(order, context.length + 1))
    .reduce((p, n) => after(context.slice(context.length - n), p), range(d_vocab).map(() => 1 / d_vocab));
}
