"""Exercises of chapter 17, one block, three families: masks, reach, BERT's rule, T5's spans there and back, a gap."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.reach import layers_to_know
from transformer_lab.exercises import Exercise

from .ring import CHAIN, beliefs, told

__all__ = ["check_gap", "check_known", "check_mask_of", "check_put_back", "check_read_as", "check_take_out"]


def mask_of(n, source):
    query, key = np.indices((n, n))
    return (key <= query) | (key < source)


check_mask_of = Exercise(
    mask_of, "the mask", [(4, 0), (5, 2), (6, 3), (4, 4)],
    right="One function: without a source it is GPT's mask, with nothing else it is BERT's.",
    also_right=(lambda n, s: np.array([[k < s or k <= q for k in range(n)] for q in range(n)]),),
    hint="A key is open where it is part of the source, or not later than the query.",
    mistakes={
        "This is the causal mask: the source should be seen whole, from everywhere.":
            lambda n, s: np.tri(n, dtype=bool),
        "A query of the target may not see later targets: only the source is open to all.":
            lambda n, s: np.ones((n, n), bool),
        "Rows are queries and columns are keys: yours is turned.": lambda n, s: mask_of(n, s).T,
        "A query sees itself: k ≤ q, not k < q.": lambda n, s: np.tri(n, k=-1, dtype=bool) | (np.arange(n) < s),
        "The source has as many tokens as it says: count from 0.":
            lambda n, s: np.tri(n, dtype=bool) | (np.arange(n) <= s)})


def known(mask, layers):
    step = mask | np.eye(len(mask), dtype=bool)
    reached = np.eye(len(mask), dtype=bool)
    for _ in range(layers):
        reached = reached @ step
    return reached


def _by_layers(mask, layers):
    needed = layers_to_know(mask)
    return (needed > 0) & (needed <= layers)


check_known = Exercise(
    known, "what is known",
    lambda rng: [(rng.random((6, 6)) < 0.25, layers) for layers in (1, 2, 3)]
    + [(np.tri(6, k=0, dtype=bool) & ~np.tri(6, k=-2, dtype=bool), 3)],
    right="Powers of a matrix of truth values: that is all that stacking layers does to a mask.",
    also_right=(_by_layers, lambda m, n: np.linalg.matrix_power((m | np.eye(len(m), dtype=bool)).astype(int), n) > 0),
    hint="After one layer a query knows of the keys that it reads, and of itself.",
    mistakes={
        "This is what one layer does, however many there are.":
            lambda m, n: m | np.eye(len(m), dtype=bool),
        "A token does not forget itself: the stream carries it on.":
            lambda m, n: np.linalg.matrix_power(m.astype(int), n) > 0,
        "Steps go from query to key, layer after layer; yours go the other way.":
            lambda m, n: known(m, n).T,
        "One layer too many: after no layer a query knows of itself alone.": lambda m, n: known(m, n + 1)})


def read_as(tokens, chosen, lot, letters, mask):
    read = np.where(lot < 0.8, mask, np.where(lot < 0.9, letters, tokens))
    return np.where(chosen, read, tokens)


def _row_by_row(tokens, chosen, lot, letters, mask):
    read = []
    for token, here, draw, letter in zip(tokens, chosen, lot, letters, strict=True):
        read.append(token if not here or draw >= 0.9 else mask if draw < 0.8 else letter)
    return np.array(read)


check_read_as = Exercise(
    read_as, "what is read",
    lambda rng: [(rng.integers(8, size=40), rng.random(40) < 0.5, rng.random(40), rng.integers(8, size=40), 8)],
    right="And the targets are the chosen tokens alone, also those that nothing was done to.",
    also_right=(_row_by_row,),
    hint="Below 0.8 the mask, from there to 0.9 the letter, from 0.9 on the token itself; tokens not chosen stay.",
    mistakes={
        "Tokens that were not chosen stay as they are.":
            lambda t, c, lot, le, m: read_as(t, np.ones_like(c), lot, le, m),
        "All chosen tokens are masked here: a tenth should be replaced, and a tenth kept.":
            lambda t, c, lot, le, m: np.where(c, m, t),
        "A tenth of the chosen tokens should stay; you replace a fifth.":
            lambda t, c, lot, le, m: np.where(c, np.where(lot < 0.8, m, le), t),
        "A tenth should become another letter; you keep a fifth.":
            lambda t, c, lot, le, m: np.where(c & (lot < 0.8), m, t),
        "Masked and replaced are exchanged: eight of ten are masked.":
            lambda t, c, lot, le, m: np.where(c, np.where(lot < 0.8, le, np.where(lot < 0.9, m, t)), t)})


def take_out(tokens, spans, sentinels, end):
    source, target, at = [], [], 0
    for sentinel, (first, last) in zip(sentinels, spans, strict=False):
        source += [*tokens[at:first], sentinel]
        target += [sentinel, *tokens[first:last]]
        at = last
    return source + tokens[at:], [*target, end]


MARKS = [90, 91, 92], 99
TAKEN = [([1, 2, 3, 4, 5, 6], [(1, 3), (4, 5)], *MARKS), ([7, 8, 9], [(0, 1)], *MARKS),
         ([1, 2, 3, 4, 5, 6, 7, 8], [(0, 2), (3, 4), (6, 8)], *MARKS)]


def _backwards(tokens, spans, sentinels, end):
    source, target = list(tokens), [end]
    for sentinel, (first, last) in reversed(list(zip(sentinels, spans, strict=False))):
        target = [sentinel, *source[first:last], *target]
        source[first:last] = [sentinel]
    return source, target


def _masked_one_by_one(tokens, spans, sentinels, end):
    target = take_out(tokens, spans, sentinels, end)[1]
    hidden = {i: mark for mark, (a, b) in zip(sentinels, spans, strict=False) for i in range(a, b)}
    return [hidden.get(i, token) for i, token in enumerate(tokens)], target


check_take_out = Exercise(
    take_out, ("the source", "the target"), TAKEN,
    right="What is read has become shorter, and what is written is short: that is why T5 does it so.",
    also_right=(_backwards,),
    hint="A span leaves one sentinel in the source, and in the target that sentinel and its tokens follow.",
    mistakes={
        "A whole span leaves one sentinel, not one for each token.": _masked_one_by_one,
        "The target ends with the end token.":
            lambda t, s, m, e: (take_out(t, s, m, e)[0], take_out(t, s, m, e)[1][:-1]),
        "The target repeats each sentinel, so that one can see which span is which.":
            lambda t, s, m, e: (take_out(t, s, m, e)[0], [x for a, b in s for x in t[a:b]] + [e]),
        "Every span has a sentinel of its own.":
            lambda t, s, m, e: take_out(t, s, [m[0]] * len(m), e),
        "What stands behind the last span belongs to the source as well.":
            lambda t, s, m, e: (take_out(t[:s[-1][1]], s, m, e)[0], take_out(t, s, m, e)[1])})


def put_back(source, target, sentinels, end):
    meant, sentinel = {}, None
    for token in target:
        if token in sentinels:
            sentinel = token
            meant[sentinel] = []
        elif token != end:
            meant[sentinel].append(token)
    return [letter for token in source for letter in meant.get(token, [token])]


def _in_one_line(source, target, sentinels, end):
    text = [*target[:-1], *sentinels]
    meant = {m: text[text.index(m) + 1:next(i for i, t in enumerate(text) if i > text.index(m) and t in sentinels)]
             for m in sentinels if m in target}
    return [letter for part in (meant.get(token, [token]) for token in source) for letter in part]


WRITTEN = [(*take_out(*case), *MARKS) for case in TAKEN]
check_put_back = Exercise(
    put_back, "the string", WRITTEN,
    right="There and back: nothing is lost by taking spans out.",
    also_right=(_in_one_line,),
    hint="Collect what follows each sentinel of the target, then walk through the source.",
    mistakes={
        "The sentinels themselves are no part of the string.":
            lambda s, t, m, e: [x for y in s for x in ([y, *put_back([y], t, m, e)] if y in m else [y])],
        "The end token is no part of the string.": lambda s, t, m, e: [*put_back(s, t, m, e), e],
        "What was taken out belongs in the place of its sentinel, not at the end.":
            lambda s, t, m, e: [x for x in s if x not in m] + [x for x in t[:-1] if x not in m],
        "Spans may be longer than one token.":
            lambda s, t, m, e: [t[t.index(y) + 1] if y in m else y for y in s]})


def gap(before, after, chain):
    weights = chain[before] * chain[:, after]
    return weights / weights.sum()


def _summed(before, after, chain):
    walks = [chain[before, letter] * chain[letter, after] for letter in range(len(chain))]
    return np.array(walks) / (chain @ chain)[before, after]


check_gap = Exercise(
    gap, "the chances", [(0, 4, CHAIN), (2, 1, CHAIN), (5, 7, CHAIN)],
    right="The exact posterior: what a perfect BERT would say between two visible letters.",
    also_right=(_summed, lambda b, a, c: beliefs(told([[b, 0, a]], [[False, True, False]]))[0, 1]),
    hint="Of all ways from one letter to the other over a third, which share goes through each?",
    mistakes={
        "You look at the letter before alone: this is what GPT could say.": lambda b, a, c: c[b],
        "You look at the letter after alone.": lambda b, a, c: c[:, a] / c[:, a].sum(),
        "The chances do not sum to one yet: divide by their sum.": lambda b, a, c: c[b] * c[:, a],
        "The second step leads from the gap to the letter after: column, not row.":
            lambda b, a, c: c[b] * c[a] / max((c[b] * c[a]).sum(), 1e-9)})
