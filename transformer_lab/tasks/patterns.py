r"""Repeating letters: a tuple of letters, again and again; say which letter comes next.

A tuple of ``period`` letters is drawn, tiled and cut to ``n_ctx`` tokens; the target is the token that would follow.
With positions the answer stands in the input. Without them a head that reads out at its last token sees that token and
a bag of letters, and :func:`ceiling` counts exactly how often the best guess is right.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from ..checks import check_whole
from ..config import Config
from ..errors import RangeError, ShapeError
from ..randomness import generator
from ..rules import Array, Each, Seed, Whole, Wholes
from ..signatures import checked

__all__ = ["PatternTask", "Patterns", "brute_force_ceiling", "ceiling", "floor", "needs", "oracle", "sample", "score",
           "spell", "tests"]

LARGEST_PERIOD = 10  # 115,975 set partitions: about a second
LARGEST_BRUTE = 200_000


class Patterns(NamedTuple):
    """Sequences and what comes next: ``tokens`` (..., n_ctx) and ``targets`` (...), both int64."""

    tokens: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class PatternTask(Config):
    """How many letters there are, how many the tuple has, how many tokens are seen; whether the letters of a tuple all
    differ, or are drawn with replacement.

    >>> PatternTask().slots[-5:], PatternTask().target_slot
    ((0, 1, 2, 3, 4), 0)
    >>> PatternTask(alphabet=3, period=5, distinct=True)
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: PatternTask has 1 fault:
      - period: got 5; allowed is at most alphabet=3 where distinct=True. Choose a shorter period or more letters.
    """

    alphabet: Whole(2) = 26
    period: Whole(2) = 5
    n_ctx: Whole(2) = 20
    distinct: bool = False

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if not faults and self.n_ctx < self.period:
            yield f"n_ctx: got {self.n_ctx}; allowed is at least period={self.period}. Show the whole tuple once."
        if not faults and self.distinct and self.period > self.alphabet:
            yield (f"period: got {self.period}; allowed is at most alphabet={self.alphabet} where distinct=True. "
                   "Choose a shorter period or more letters.")

    @property
    def slots(self) -> tuple[int, ...]:
        """Which letter of the tuple stands at each position; ``target_slot`` is the one that comes next."""
        return tuple(t % self.period for t in range(self.n_ctx))

    @property
    def target_slot(self) -> int:
        return self.n_ctx % self.period


@checked
def sample(task: PatternTask, n: Whole(1) | Each(Whole(1)), *, seed: Seed, purpose: str = "train",
           step: int = 0) -> Patterns:
    """Draw ``n`` patterns, each tuple equally likely; ``n`` may be a shape, (n_seeds, batch). No list of all tuples is
    ever built. Seed, purpose and step are those of :func:`transformer_lab.generator`.

    >>> spell(sample(PatternTask(), 2, seed=0).tokens)
    ['AUZXKAUZXKAUZXKAUZXK', 'UMLZZUMLZZUMLZZUMLZZ']
    """
    shape = n if isinstance(n, tuple) else (n,)
    rng = generator(seed, purpose, step)
    if task.distinct:
        letters = rng.random((*shape, task.alphabet)).argsort(axis=-1)[..., :task.period]
    else:
        letters = rng.integers(task.alphabet, size=(*shape, task.period))
    return Patterns(letters[..., task.slots], letters[..., task.target_slot])


@checked
def needs(task: PatternTask) -> dict:
    """What the task asks of a model, as fields of a ModelConfig.

    >>> needs(PatternTask())
    {'d_vocab': 26, 'n_ctx': 20, 'mask': 'bidirectional', 'read_out': 'last'}
    """
    return {"d_vocab": task.alphabet, "n_ctx": task.n_ctx, "mask": "bidirectional", "read_out": "last"}


@checked
def tests(task: PatternTask) -> tuple[Patterns, Patterns]:
    """A thousand fresh patterns, and 250 more: where none repeats, training never sees one twice."""
    return sample(task, 1000, seed=0, purpose="held out"), sample(task, 250, seed=0, purpose="seen")


@checked
def oracle(task: PatternTask, tokens: Wholes("... n_ctx")) -> np.ndarray:
    """The letters (...) that come next after ``tokens`` (..., n_ctx).

    >>> int(oracle(PatternTask(period=2, n_ctx=3), [4, 7, 4]))
    7
    """
    if tokens.shape[-1] != task.n_ctx:
        raise ShapeError("tokens", f"rows of {tokens.shape[-1]} tokens", f"rows of n_ctx={task.n_ctx}", "Fill them up.")
    return tokens[..., task.target_slot]


@checked
def score(answers: Wholes("... n") | Array("... n d_vocab"), targets: Wholes("... n", low=0)) -> np.ndarray:
    """The share of targets hit by ``answers``, tokens or logits, over the last axis; leading axes (seeds) stay.

    ``targets`` are (n) or (..., n). Of equal logits the first counts.

    >>> float(score([0, 1, 2, 2], [0, 1, 2, 3]))
    0.75
    >>> float(score(np.array([[0.1, 2.0], [0.3, -1.0]]), [1, 1]))
    0.5
    """
    if answers.dtype.kind == "f":
        answers = answers.argmax(axis=-1)
    if targets.shape not in (answers.shape, answers.shape[-1:]):
        raise ShapeError("targets", f"an array of shape {targets.shape}", f"{answers.shape} or {answers.shape[-1:]}",
                         "Give one target for each answer.")
    return (answers == targets).mean(axis=-1)


@checked
def spell(tokens: Wholes("... _", low=0, high=25)) -> str | list:
    """Tokens 0 to 25 as letters A to Z; a batch becomes a list of strings.

    >>> spell([7, 4, 11, 11, 14])
    'HELLO'
    """
    return "".join(chr(65 + token) for token in tokens) if tokens.ndim == 1 else [spell(row) for row in tokens]


@checked
def ceiling(task: PatternTask, positions: bool = True, *, last: bool = True) -> Fraction:
    r"""The best accuracy that any weights can have on fresh patterns, exactly.

    With positions the target stands in the input: 1. Without them only the last token and how often each letter
    occurs can be seen, and :math:`\sum_o P(o)\,\max_c P(\text{target}=c \mid o)` is a finite sum, done here over the
    ways in which letters of a tuple can be equal (its set partitions) and not over ``alphabet**period`` tuples.

    ``last=False`` is for a head that cannot even tell which token is the last: one that looks everywhere evenly.

    >>> ceiling(PatternTask(), positions=False), ceiling(PatternTask(distinct=True), positions=False)
    (Fraction(10727, 35152), Fraction(1, 4))
    >>> ceiling(PatternTask(distinct=True), positions=False, last=False)
    Fraction(1, 5)
    """
    if positions:
        return Fraction(1)
    seen = _observations(task, last)
    return sum((max(chance for chance, _ in groups) for groups in seen), start=Fraction(0))


@checked
def floor(task: PatternTask, positions: bool = True, *, last: bool = True) -> float:
    r"""The smallest mean loss on fresh patterns, in nats: the entropy of the target given what can be seen.

    :math:`H = -\sum_o P(o) \sum_c P(c \mid o) \ln P(c \mid o)`, by the same sum as :func:`ceiling`.

    >>> floor(PatternTask(distinct=True), positions=False) == math.log(4)
    True
    """
    if positions:
        return 0.0
    return math.fsum(float(chance * letters) * math.log(sum(p * k for p, k in groups) / chance)
                     for groups in _observations(task, last) for chance, letters in groups)


@lru_cache(maxsize=32)
def _observations(task: PatternTask, last: bool) -> tuple[tuple[tuple[Fraction, int], ...], ...]:
    """What can be seen without positions, up to renaming the letters.

    An observation is how often each letter occurs and, with ``last``, which of them is the last token's. Letters that
    look alike in it form a group; for each group: the chance of this observation *and* of one given letter of the group
    being the target, and how many letters the group has.
    """
    check_whole("period", task.period, high=LARGEST_PERIOD)
    ways: dict[tuple, Counter] = {}
    for blocks in set_partitions(task.period):
        if task.distinct and len(set(blocks)) < task.period:
            continue
        counts = Counter(blocks[slot] for slot in task.slots)
        looks = {block: (last and block == blocks[task.slots[-1]], count) for block, count in counts.items()}
        seen = tuple(sorted(looks.values()))
        ways.setdefault(seen, Counter())[looks[blocks[task.target_slot]]] += math.perm(task.alphabet, len(counts))
    total = sum(sum(group.values()) for group in ways.values())
    return tuple(tuple((Fraction(n, total * seen.count(look)), seen.count(look)) for look, n in group.items())
                 for seen, group in ways.items())


def set_partitions(size: int) -> Iterator[tuple[int, ...]]:
    """Every way in which ``size`` slots can share letters, as the number of each slot's block.

    >>> list(set_partitions(2)), len(list(set_partitions(5)))
    ([(0, 0), (0, 1)], 52)
    """
    if size == 0:
        yield ()
        return
    for blocks in set_partitions(size - 1):
        for block in range(max(blocks, default=-1) + 2):
            yield (*blocks, block)


@checked
def brute_force_ceiling(task: PatternTask, positions: bool, *, last: bool = True) -> Fraction:
    """The ceiling again, by writing out every tuple: the witness of :func:`ceiling` for small alphabets.

    >>> brute_force_ceiling(PatternTask(alphabet=3, period=3, n_ctx=6), positions=False)
    Fraction(2, 3)
    """
    size = math.perm(task.alphabet, task.period) if task.distinct else task.alphabet**task.period
    if size > LARGEST_BRUTE:
        raise RangeError("task", f"{size} tuples", f"at most {LARGEST_BRUTE}", "Take a smaller alphabet or period.")
    letters = range(task.alphabet)
    tuples = permutations(letters, task.period) if task.distinct else product(letters, repeat=task.period)
    answers: dict[tuple, Counter] = {}
    for letters in tuples:
        tokens = tuple(letters[slot] for slot in task.slots)
        seen = tokens if positions else (last and tokens[-1], *sorted(tokens))
        answers.setdefault(seen, Counter())[letters[task.target_slot]] += 1
    return Fraction(sum(max(answer.values()) for answer in answers.values()), size)
