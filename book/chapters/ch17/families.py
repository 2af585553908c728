"""The tasks of the three families on strings of the ring, and for each the cost that no reader can go below.

A task makes of strings a *source* that is read, the *targets* that are wanted (-100 where nothing is), and the least
cost of each target, in nats. In tasks from sequence to sequence, what has been written is read as well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from transformer_lab.names import IGNORED
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Each, Number, Seed, Whole, Wholes
from transformer_lab.signatures import checked

from .ring import CHAIN, N, V, beliefs, multisets, told

__all__ = ["BERT_SHARES", "D_VOCAB", "END", "MASK", "SENTINELS", "SIGHTS", "START", "TASKS", "Task", "corrupted",
           "corrupted_spans", "in_one_row", "restored_spans", "task_of"]

MASK, START, SENTINELS, END = V, V + 1, (V + 2, V + 3), V + 4
D_VOCAB = V + 5
RATE, BERT_SHARES = 0.15, (0.8, 0.1, 0.1)  # tokens chosen; of these masked, replaced by any letter, left as they are
SPAN = 2                                   # letters of each of the two spans that are taken out


class Task(NamedTuple):
    """Arrays (row, pos): see the module; ``floor`` is 0 where nothing is wanted."""

    source: np.ndarray
    targets: np.ndarray
    floor: np.ndarray


@checked
def corrupted(tokens: Wholes("row pos", low=0, below=V), *, seed: Seed, step: Whole() = 0,
              rate: Number(low=0, high=1) = RATE, shares: Each(Number(low=0, high=1), 3, 3) = BERT_SHARES):
    """BERT's rule: tokens and targets (row, pos). Of the chosen tokens so many are masked, so many replaced by a letter
    drawn at random, which may be the same, and so many left as they are; only the chosen ones are targets.

    >>> read, targets = corrupted(np.zeros((1000, 12), int), seed=0)
    >>> (read == MASK).mean().round(2), ((read != MASK) & (read != 0)).any(), (targets != IGNORED).mean().round(2)
    (np.float64(0.12), np.True_, np.float64(0.15))
    """
    rng = generator(seed, "corrupted", step)
    chosen, lot = rng.random(tokens.shape) < rate, rng.random(tokens.shape)
    masked, replaced, _ = np.cumsum(shares)
    read = np.where(lot < masked, MASK, np.where(lot < replaced, rng.integers(V, size=tokens.shape), tokens))
    return np.where(chosen, read, tokens), np.where(chosen, tokens, IGNORED)


def masked_floor(read, targets, shares, left_only):
    """The least cost of the chosen tokens, for one who knows the rule: what a token says is blurred by it."""
    _, replaced, kept = shares
    eye, seen = np.eye(V)[read % V], (read != MASK)[..., None]
    own = np.where(seen, kept * eye + replaced / V, 1.0)
    said = np.where(seen, (1 - RATE) * eye + RATE * (kept * eye + replaced / V), 1.0)
    return cost_of(beliefs(said, np.where((targets == IGNORED)[..., None], 1.0, own), left_only=left_only), targets)


def cost_of(chances, targets):
    """Minus the logarithm of each target's chance, 0 where nothing is wanted."""
    taken = np.take_along_axis(chances, np.maximum(targets, 0)[..., None], axis=-1)[..., 0]
    return np.where(targets == IGNORED, 0.0, -np.log(np.where(targets == IGNORED, 1.0, taken)))


@checked
def corrupted_spans(tokens: Wholes("pos", low=0), spans: Each(Each(Whole(), 2, 2), 0, 2)) -> tuple[list, list]:
    """T5's rule: spans (begin, end) are taken out, each leaves a sentinel in the source; the target has the sentinels,
    each followed by what it stands for, and an end.

    >>> source, target = corrupted_spans([0, 1, 2, 5, 6, 7], [(1, 3), (4, 5)])
    >>> source == [0, SENTINELS[0], 5, SENTINELS[1], 7], target == [SENTINELS[0], 1, 2, SENTINELS[1], 6, END]
    (True, True)
    """
    source, target, at, tokens = [], [], 0, tokens.tolist()
    for sentinel, (begin, end) in zip(SENTINELS, spans, strict=False):
        source += [*tokens[at:begin], sentinel]
        target += [sentinel, *tokens[begin:end]]
        at = end
    return source + tokens[at:], [*target, END]


@checked
def restored_spans(source: Wholes("pos", low=0), target: Wholes("n", low=0)) -> list[int]:
    """The string whose corruption they are.

    >>> restored_spans(*corrupted_spans([0, 1, 2, 5, 6, 7], [(1, 3), (4, 5)]))
    [0, 1, 2, 5, 6, 7]
    """
    source, target = source.tolist(), target.tolist()
    marks = [i for i, token in enumerate(target) if token in SENTINELS or token == END]
    told_of = {target[begin]: target[begin + 1:end] for begin, end in pairwise(marks)}
    return [letter for token in source for letter in told_of.get(token, [token])]


#: Where the two spans may begin; and, for each choice, which of 12 letters, 2 sentinels and an end are read, written.
BEGINS = np.array([(one, two) for one in range(N) for two in range(one + SPAN + 1, N - SPAN + 1)])
LETTER = 100  # what tells a letter's place from a sentinel
PAIRS = [corrupted_spans(range(LETTER, LETTER + N), [(begin, begin + SPAN) for begin in both]) for both in BEGINS]
READ, WRITTEN = (np.array([[i - LETTER if i >= LETTER else N + i - SENTINELS[0] for i in part] for part in parts])
                 for parts in zip(*PAIRS, strict=True))


def next_letter(strings, sight, seed, step):
    source = np.concatenate([np.full((len(strings), 1), START), strings[:, :-1]], axis=1)
    floor = cost_of(beliefs(told(strings), left_only=True), strings)
    if sight == "bidirectional":  # every letter but the last stands open to view
        floor[:, :-1] = 0
    return Task(source, strings, floor)


def masked(strings, sight, seed, step, shares=BERT_SHARES):
    read, targets = corrupted(strings, seed=seed, step=step, shares=shares)
    return Task(read, targets, masked_floor(read, targets, shares, sight == "causal"))


def spans_out(strings, sight, seed, step):
    """Two spans of two letters, anywhere but side by side, are taken out and asked for."""
    which = generator(seed, "spans", step).integers(len(BEGINS), size=len(strings))
    tokens = np.concatenate([strings, np.tile([*SENTINELS, END], (len(strings), 1))], axis=1)
    costs, since = np.zeros(tokens.shape), np.arange(N) - BEGINS[which][..., None]          # (row, span, pos)
    for written in range(SPAN):  # each letter knows those of its span that stand before it
        hidden = ((since >= written) & (since < SPAN)).any(axis=1)
        here = (since == written).any(axis=1)
        costs[:, :N] += cost_of(beliefs(told(strings, hidden)), np.where(here, strings, IGNORED))
    source, targets, floor = (np.take_along_axis(part, places[which], axis=1)
                              for part, places in ((tokens, READ), (tokens, WRITTEN), (costs, WRITTEN)))
    return Task(source, targets, floor)


def turned_round(strings, sight, seed, step):
    targets = strings[:, ::-1].copy()
    floor = np.zeros(targets.shape)
    if sight == "no source":  # the walk backwards, whose chances are the transposed ones
        floor[:, 0] = np.log(V)
        floor[:, 1:] = -np.log(CHAIN.T[targets[:, :-1], targets[:, 1:]])
    return Task(strings, targets, floor)


def in_order(strings, sight, seed, step):
    targets, floor = np.sort(strings, axis=1), np.zeros(strings.shape)
    if sight == "no source":  # the whole costs as much as the chance of these letters says; laid out evenly
        kinds, chances = multisets()
        weights = (N + 1) ** np.arange(V)
        order = np.argsort(kinds @ weights)
        here = np.eye(V, dtype=int)[strings].sum(axis=1) @ weights
        at = order[np.searchsorted(kinds[order] @ weights, here)]
        floor += -np.log(chances[at])[:, None] / N
    return Task(strings, targets, floor)


#: What each task makes of strings, and who is trained on it.
TASKS = {"next letter": next_letter, "masked": masked, "spans": spans_out, "reverse": turned_round,
         "sort": in_order}
SIGHTS = ("causal", "bidirectional", "prefix", "encoder-decoder", "no source")


@checked
def task_of(task: Choice(TASKS), strings: Wholes("row 12", low=0, below=V), *, sight: Choice(SIGHTS) = "causal",
            seed: Seed = 0, step: Whole() = 0) -> Task:
    """A task on strings; what is masked or taken out is drawn. The floor is that of a reader with this sight.

    >>> found = task_of("reverse", [[0, 1, 4, 5, 6, 1, 2, 3, 4, 5, 6, 7]], sight="no source")
    >>> found.targets[0, :3].tolist(), found.floor[0, :2].round(2).tolist()
    ([7, 6, 5], [2.08, 0.69])
    """
    return TASKS[task](np.asarray(strings), sight, seed, step)


@checked
def in_one_row(task: Task) -> Task:
    """Source, a mark and what has been written so far, one after the other, for a model that is one stack.

    >>> in_one_row(Task(np.array([[3, 4]]), np.array([[4, 3]]), np.zeros((1, 2)))).source.tolist()
    [[3, 4, 9, 4]]
    """
    source, targets, floor = task
    before = np.concatenate([np.full((len(targets), 1), START), targets[:, :-1]], axis=1)
    return Task(np.concatenate([source, before], axis=1),
                np.concatenate([np.full(source.shape, IGNORED), targets], axis=1),
                np.concatenate([np.zeros(source.shape), floor], axis=1))
