"""Training and held-out parts that share no input, what is in them, and what a guess would score.

A random split of examples with repetitions leaks: most held-out inputs also occur in training. Here
*distinct* inputs are divided, and :func:`leakage` counts what a split lets through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import exp, lgamma
from typing import NamedTuple

import numpy as np

from ..errors import RangeError
from ..randomness import generator
from ..rules import Number, Seed, Whole, Wholes
from ..signatures import checked
from .expressions import listed, operation_of, tokenize, value

__all__ = ["Leakage", "Split", "baselines", "cut", "dealt", "expected_leakage", "leakage", "majority", "remembered",
           "split", "statistics"]


class Split(NamedTuple):
    """Two lists of expressions that share none."""

    train: list
    held_out: list


@checked
def split(expressions: Sequence, *, held_out: Number(0, 1), seed: Seed) -> Split:
    """Divide expressions so that no input is in both parts; copies of one input stay together.

    ``held_out`` is the share of the distinct inputs of each operation.

    >>> from transformer_lab.tasks.digits import DigitTask, all_inputs
    >>> parts = split(all_inputs(DigitTask()), held_out=0.2, seed=0)
    >>> len(parts.train), len(parts.held_out), leakage(*parts).shared
    (4000, 1000, 0)
    """
    groups: dict[str, list] = {}
    expressions = listed("expressions", expressions)
    for expression in dict.fromkeys(expressions):
        groups.setdefault(operation_of(expression), []).append(expression)
    rng, kept = generator(seed, "split"), set()
    for group in groups.values():
        kept.update(group[i] for i in rng.permutation(len(group))[:round(held_out * len(group))])
    return Split([x for x in expressions if x not in kept], [x for x in expressions if x in kept])


@checked
def cut(expressions: Sequence, *, held_out: Number(0, 1)) -> Split:
    """Divide by place: the last ones are held out. Where inputs repeat, copies of one input stand on both sides.

    >>> cut([("Max", (1, 2)), ("Min", (3, 4)), ("Max", (1, 2))], held_out=0.4).held_out
    [('Max', (1, 2))]
    """
    expressions = listed("expressions", expressions)
    kept = round(held_out * len(expressions))
    return Split(expressions[:len(expressions) - kept], expressions[len(expressions) - kept:])


@checked
def dealt(answers: Wholes("n"), groups: Wholes("n"), *, seed: Seed) -> np.ndarray:
    """The answers (n,), dealt out anew within each group (n,): as many of each as before, and nothing to find out.

    >>> dealt(np.array([5, 6, 7, 8, 9, 9]), np.array([0, 0, 0, 0, 1, 1]), seed=0).tolist()
    [5, 7, 6, 8, 9, 9]
    """
    answers, rng = answers.copy(), generator(seed, "deal")
    for group in np.unique(groups):
        answers[groups == group] = rng.permutation(answers[groups == group])
    return answers


class Leakage(NamedTuple):
    """How much of the held-out part was seen in training: examples, and their share."""

    shared: int
    share: float


def leakage(train: Sequence, held_out: Sequence) -> Leakage:
    """Count the held-out examples whose input is in the training part too.

    >>> leakage([("Max", (1, 2, 3))], [("Max", (1, 2, 3)), ("Max", (3, 2, 1))])
    Leakage(shared=1, share=0.5)
    """
    seen, held_out = set(listed("train", train)), listed("held_out", held_out)
    shared = sum(expression in seen for expression in held_out)
    return Leakage(shared, shared / len(held_out))


@checked
def expected_leakage(inputs: Whole(1), drawn: Whole(1), *, held_out: Number(0, 1), groups: Whole(1) = 1) -> float:
    r"""The share that :func:`leakage` has on average when inputs are drawn with repetition and :func:`cut`.

    .. math:: 1 - \operatorname{E}\Big[\Big(1 - \frac{g}{n}\Big)^M\Big]

    for n inputs in g equally large groups: M is how many of the training draws are of the same group as a held-out one.
    With one group these are all of them (eq-leak in the book); else, as many being drawn of each, M is hypergeometric.
    Groups are operations, as for :func:`~transformer_lab.tasks.digits.draw`.

    >>> round(expected_leakage(5000, 10_000, held_out=0.2, groups=5), 4), round(1 - (1 - 1 / 5000)**8000, 4)
    (0.7981, 0.7981)
    """
    for argument, number in {"inputs": inputs, "drawn": drawn}.items():
        if number % groups:
            raise RangeError(argument, number, f"a multiple of groups={groups}", "Take as many of each group.")
    training = drawn - round(held_out * drawn)
    same, other = drawn // groups - 1, drawn - drawn // groups
    found, last = 0.0, min(same, training)
    for m in range(max(0, training - other), last + 1):
        ways = log_ways(same, m) + log_ways(other, training - m) - log_ways(drawn - 1, training)
        found += exp(ways) * (1 - groups / inputs)**m
    return 1 - found


def log_ways(n, k):
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def remembered(train: Sequence, held_out: Sequence) -> np.ndarray:
    """Which held-out expressions a table of the training inputs answers right: bool (n,).

    Asked for an input that it does not have, it says the commonest training answer of the operation.

    >>> remembered([("Max", (1, 2)), ("Max", (2, 0))], [("Max", (1, 2)), ("Max", (0, 2)), ("Max", (3, 3))]).tolist()
    [True, True, False]
    """
    seen, held_out = set(listed("train", train)), listed("held_out", held_out)
    guess = commonest(train, operation_of)
    return np.array([x in seen or guess.get(operation_of(x)) == value(x) for x in held_out])


def commonest(train, key) -> dict:
    """The commonest answer of each group of expressions."""
    counts: dict[str, Counter] = {}
    for expression in train:
        counts.setdefault(key(expression), Counter())[value(expression)] += 1
    return {group: count.most_common(1)[0][0] for group, count in counts.items()}


def statistics(expressions: Sequence) -> dict:
    """Counts of operations, answers and lengths, how many inputs are distinct, and the share of padding.

    >>> statistics([("Max", (1, 2)), ("Max", (1, 10))])["lengths"]
    {6: 1, 7: 1}
    """
    lengths = [len(tokenize(expression)) for expression in listed("expressions", expressions)]
    return {"examples": len(lengths), "distinct": len(set(expressions)),
            "operations": dict(sorted(Counter(map(operation_of, expressions)).items())),
            "answers": dict(sorted(Counter(map(value, expressions)).items(), key=lambda x: tuple(np.ravel(x[0])))),
            "lengths": dict(sorted(Counter(lengths).items())),
            "padding": 1 - sum(lengths) / (len(lengths) * max(lengths))}


@checked
def majority(train: Sequence, held_out: Sequence, *, by_operation: bool = False) -> Fraction:
    """Accuracy of always saying the commonest training answer, overall or of each operation.

    >>> majority([("Max", (9, 1)), ("Max", (1, 9)), ("Min", (0, 3))], [("Min", (0, 8)), ("Max", (9, 9))])
    Fraction(1, 2)
    """
    key = operation_of if by_operation else lambda expression: ""
    train, held_out = listed("train", train), listed("held_out", held_out)
    guess = commonest(train, key)
    return Fraction(sum(guess.get(key(x)) == value(x) for x in held_out), len(held_out))


def baselines(train: Sequence, held_out: Sequence) -> dict[str, Fraction]:
    """What needs no arithmetic: chance over the answers seen, the commonest answer, the commonest of each operation;
    beside them the ceiling, which is 1: an input has one answer.
    """
    return {"chance": Fraction(1, len(set(map(value, listed("train", train))))), "majority": majority(train, held_out),
            "majority by operation": majority(train, held_out, by_operation=True), "ceiling": Fraction(1)}
