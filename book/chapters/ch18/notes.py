"""Which copy, where a letter has several? The rules that the story allows, and what notes the layers compare."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.analysis.cache import patterns
from transformer_lab.analysis.patching import path_patching
from transformer_lab.byhand.attention import causal_mask, softmax
from transformer_lab.randomness import generator
from transformer_lab.rules import Seed, Whole, Wholes
from transformer_lab.signatures import checked

from .repeats import LETTERS, MARK, N, looked_up, strings
from .stories import RECEIVERS, copied, log_chances

__all__ = ["EXCHANGED", "LAGS", "Several", "behind_last", "compared", "many_heads", "returning", "several"]

EXCHANGED = ("before the query", "before the copies")
LAGS = (17, 19, 21)  # no period is as long
LONG = 10            # letters that return after them
BACK = np.arange(1, 5)


def last_copy(tokens, letters: int = 1):
    """The last earlier place (row, pos) that agrees in most letters, of so many; -1 where none agrees in one."""
    same = np.tril(tokens[:, :, None] == tokens[:, None, :], -1)
    agree = same.astype(int)
    for back in range(1, letters):
        agree[:, back:, back:] += same[:, :-back, :-back] & (agree[:, back:, back:] == back)
    return np.where(same.any(axis=-1), (N * agree + np.arange(N)).argmax(axis=-1), -1)


@checked
def behind_last(tokens: Wholes("row 32", low=0, below=LETTERS + 1), letters: Whole(1, 3) = 1) -> np.ndarray:
    """What stood behind the last earlier place that agrees in so many letters, or in fewer where none does so in all
    (row, pos); the mark where no copy is.

    >>> tokens = strings(2, seed=1).tokens
    >>> from chapters.ch18 import spelt
    >>> spelt(tokens[0][:18]), spelt(behind_last(tokens)[0, 16:17]), spelt(behind_last(tokens, 2)[0, 16:17])
    ('>tapstgtmjtapstgtm', 'g', 'm')
    """
    where = last_copy(tokens, letters)
    return np.where(where < 0, MARK, np.take_along_axis(tokens, where + 1, axis=1))


@checked
def many_heads(tokens: Wholes("row 32", low=0, below=LETTERS + 1), sharp: Whole(1, 100) = 40) -> np.ndarray:
    """What one layer of sixty heads says (row, pos, letter), two heads for each place, built by hand.

    The first of a pair looks at its place, or one further if its place holds the query's letter; the second looks at
    its place always, and what it reads is taken away again. Later places count more.

    >>> many_heads(strings(2, seed=1).tokens).shape
    (2, 32, 20)
    """
    n, reads = len(tokens), np.eye(LETTERS + 1)[tokens][..., :LETTERS]
    same = sharp * (tokens[:, :, None] == tokens[:, None, :])
    said, seen = np.zeros((n, N, LETTERS)), causal_mask(N)
    for place in range(1, N - 1):
        always = np.full(N, -10.0 * sharp)
        always[[0, place]] = -5.0 * sharp, 0  # the mark says nothing
        unless = always.copy()
        unless[place + 1] = -0.5 * sharp
        said += 1.5**(place - N // 2) * (softmax(unless - same, seen) - softmax(always - 0 * same, seen)) @ reads
    return said


class Several(NamedTuple):
    """Windows (row, pos) that ask at ``at`` for a letter of which the last copy, at ``wrong``, misleads: the letter
    ``target`` stands behind the copy a period ago, at ``copy``; ``says`` is what stands behind the last.
    """

    tokens: np.ndarray
    at: np.ndarray
    copy: np.ndarray
    wrong: np.ndarray
    target: np.ndarray
    says: np.ndarray


@checked
def several(n: Whole(1), *, seed: Seed) -> Several:
    """From n strings those with such a place, in which the letters before can be exchanged and nothing else moves.

    >>> found = several(40, seed=0)
    >>> rows = np.arange(len(found.at))
    >>> bool((found.tokens[rows, found.at] == found.tokens[rows, found.wrong]).all())
    True
    """
    drawn, places = strings(n, seed=seed, purpose="several copies"), np.arange(N)
    tokens, wrong, copy = drawn.tokens, last_copy(drawn.tokens), places - drawn.periods[:, None]
    says, before = behind_last(tokens), np.roll(tokens, 1, axis=1)
    fits = (looked_up(drawn) & (says != drawn.targets) & (copy > 1) & (wrong > copy + 2) & (wrong < places - 2)
            & (before != np.take_along_axis(before, wrong, axis=1)))
    rows = np.flatnonzero(fits.any(axis=1))
    at = (generator(seed, "which place").random(fits.shape) * fits)[rows].argmax(axis=1)
    return Several(tokens[rows], at, copy[rows, at], wrong[rows, at], drawn.targets[rows, at], says[rows, at])


def exchanged(asked: Several) -> list:
    """The windows with the letter before the query as before the wrong copy; and with those before both copies
    exchanged. In both the last copy is now the one that agrees in two letters.
    """
    rows, theirs, swapped = np.arange(len(asked.at)), asked.tokens.copy(), asked.tokens.copy()
    theirs[rows, asked.at - 1] = asked.tokens[rows, asked.wrong - 1]
    swapped[rows, asked.wrong - 1] = asked.tokens[rows, asked.copy - 1]
    swapped[rows, asked.copy - 1] = asked.tokens[rows, asked.wrong - 1]
    return [theirs, swapped]


def returning(n: int, lag: int, seed: int):
    """Windows of random letters in which ten different ones return after ``lag`` places; the place from which on each
    can be looked up, and their letters (row, which).
    """
    rng = generator(seed, "letters that return", lag)
    order = np.argsort(rng.random((n, LETTERS)), axis=1)
    ten, others = order[:, :LONG], order[:, LONG:]
    tokens = np.take_along_axis(others, rng.integers(LETTERS - LONG, size=(n, N)), axis=1)
    tokens[:, 0], tokens[:, 1:1 + LONG] = MARK, ten
    again = min(LONG, N - 1 - lag)
    tokens[:, 1 + lag:1 + lag + again] = ten[:, :again]
    return tokens, 1 + lag, ten[:, :again]


def compared(run) -> dict:
    """Which copy a model takes where there are several, and which notes tell them apart."""
    return {**where_it_misleads(run), **notes(run), **by_lag(run), **looks_back(run)}


def where_it_misleads(run) -> dict:
    """How often the model is right; where the last copy is wrong how often it is right, and says what stood there."""
    found = strings(3000, seed=8)
    logits, says = run(found.tokens), behind_last(found.tokens)
    said, misled = logits.argmax(axis=-1), looked_up(found) & (says != found.targets)
    return {"right": ((), copied(logits, found)), "misled": ((), misled.sum() / looked_up(found).sum()),
            "right_there": ((), (said == found.targets)[misled].mean()),
            "last_there": ((), (said == says)[misled].mean())}


def notes(run) -> dict:
    """How much less likely the right letter gets in nats, and which of queries, keys and values of the second layer
    must hear of it from the first; what is said before and after.
    """
    asked = several(2000, seed=9)
    rows = np.arange(len(asked.at))

    def at_the_place(logits):
        return logits[rows, asked.at]

    def measure(logits):
        return float(log_chances(at_the_place(logits))[rows, asked.target].mean())

    def said(tokens):
        answer = at_the_place(run(tokens)).argmax(axis=-1)
        return [(answer == asked.target).mean(), (answer == asked.says).mean()]

    before = run.measured(measure, asked.tokens)
    whole = [before - run.measured(measure, each) for each in exchanged(asked)]
    heard = [[before - measure(path_patching(run, asked.tokens, each, ("blocks.0.z", None), (f"blocks.1.{name}", None)))
              for name in RECEIVERS] for each in exchanged(asked)]
    return {"exchanged": ("exchanged", list(EXCHANGED)), "receiver": ("receiver", list(RECEIVERS)),
            "harm": ("exchanged", whole), "heard": (("exchanged", "receiver"), heard), "asked": ((), len(rows)),
            "when": ("when", ["as it was", *EXCHANGED]), "what": ("what", ["right", "behind the last copy"]),
            "said": (("when", "what"), [said(each) for each in (asked.tokens, *exchanged(asked))])}


def by_lag(run) -> dict:
    """How often letters that return after a lag that no period has are found, from the third that returned on."""
    found = []
    for lag in LAGS:
        tokens, again, ten = returning(1000, lag, seed=10)
        answers = run(tokens).argmax(axis=-1)[:, again + 2:again + ten.shape[1] - 1]
        found.append((answers == ten[:, 3:]).mean())
    return {"lag": ("lag", list(LAGS)), "after": ("lag", found)}


def looks_back(run) -> dict:
    """How much of its attention each head of the first layer puts one, two, … places back."""
    first = patterns(run, strings(1000, seed=11).tokens)[0]
    return {"back": ("back", BACK), "looks": (("back", "head"), [
        np.diagonal(first, -back, axis1=-2, axis2=-1).mean(axis=(0, 2)) for back in BACK])}
