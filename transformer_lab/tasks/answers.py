"""From expressions to arrays: one answer token to classify, or a whole answer to write token by token.

A short answer is read at the last token. A longer one is written: the sequence goes on after the closing
parenthesis with the answer's digits, and each target is the token that comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..checks import check_whole
from ..errors import RangeError, ShapeError
from ..names import IGNORED
from ..rules import Array, Number, Whole, Wholes
from ..signatures import checked
from .digits import DigitTask
from .expressions import EOS, PAD, answer_tokens, listed, tokenize, value

__all__ = ["IGNORED", "Examples", "Questions", "exact", "examples", "questions", "sampled", "sequences", "shares",
           "write"]


class Examples(NamedTuple):
    """``tokens`` (n, n_ctx) and ``targets``: (n,) for one answer token, (n, n_ctx) for a written answer; int64."""

    tokens: np.ndarray
    targets: np.ndarray


class Questions(NamedTuple):
    """``tokens`` (n, width), padded on the right; ``lengths`` (n,) of the questions in them; the right ``answers``
    (n, n_answer + 1), ended by EOS and padded.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    answers: np.ndarray


def padded(rows: Sequence[Sequence[int]], width: int, fill: int) -> np.ndarray:
    longest = max(map(len, rows))
    if longest > width:
        raise RangeError("expressions", f"one of {longest} tokens", f"at most {width} in this task", "Widen the task.")
    return np.array([[*row, *[fill] * (width - len(row))] for row in rows], dtype=np.int64)


@checked
def examples(task: DigitTask, expressions: Sequence) -> Examples:
    """Expressions of one length with one-token answers, to be read at the last token.

    >>> examples(DigitTask(), [("Max", (5, 8, 3))])
    Examples(tokens=array([[15, 17,  7, 19, 10, 19,  5, 18]]), targets=array([10]))
    """
    expressions = listed("expressions", expressions)
    rows, answers = [tokenize(x) for x in expressions], [answer_tokens(value(x)) for x in expressions]
    if {len(row) for row in rows} != {task.n_ctx} or {len(a) for a in answers} != {1}:
        raise ShapeError("expressions", "expressions or answers of several lengths",
                         f"{task.n_ctx} tokens with a one-token answer", "Take sequences(task, expressions).")
    return Examples(np.array(rows), np.array(answers)[:, 0])


@checked
def sequences(task: DigitTask, expressions: Sequence) -> Examples:
    """Questions with their answers behind them, for teacher forcing: targets count from the closing parenthesis on.

    ``n_ctx`` is ``task.n_ctx + task.n_answer``: the token that ends the answer is a target and never an input.

    >>> tokens, targets = sequences(DigitTask(high=42, min_args=1, max_args=1, operations=("Max",)), [("Max", (42,))])
    >>> tokens.tolist(), targets.tolist()
    ([[15, 17, 6, 4, 18, 6, 4]], [[-100, -100, -100, -100, 6, 4, 1]])
    """
    rows = [(tokenize(x), answer_tokens(value(x))) for x in listed("expressions", expressions)]
    width = task.n_ctx + task.n_answer
    targets = [[*[IGNORED] * (len(question) - 1), *answer, EOS] for question, answer in rows]
    return Examples(padded([question + answer for question, answer in rows], width, PAD),
                    padded(targets, width, IGNORED))


@checked
def questions(task: DigitTask, expressions: Sequence) -> Questions:
    """Questions with room for the answers that a model will write behind them."""
    rows = [tokenize(x) for x in listed("expressions", expressions)]
    answers = [[*answer_tokens(value(x)), EOS] for x in expressions]
    width = task.n_ctx + task.n_answer
    lengths = np.array([len(row) for row in rows])
    return Questions(padded(rows, width, PAD), lengths, padded(answers, task.n_answer + 1, PAD))


def likeliest(logits: np.ndarray) -> np.ndarray:
    return logits.argmax(-1)


def trimmed(logits, temperature: float, top_k: int | None, top_p: float) -> np.ndarray:
    """The logits over T, and minus infinity where a token is not drawn."""
    if top_k is not None:
        last = np.sort(logits)[:, -check_whole("top_k", top_k, low=1, high=logits.shape[1]), None]
        logits = np.where(logits < last, -np.inf, logits)
    scaled = logits / temperature
    if top_p < 1:
        order = np.argsort(-scaled, axis=-1, kind="stable")
        falling = np.take_along_axis(scaled, order, axis=-1)
        p = normalised(falling)
        np.put_along_axis(scaled, order, np.where(np.cumsum(p, axis=-1) - p < top_p, falling, -np.inf), axis=-1)
    return scaled


def normalised(scaled: np.ndarray) -> np.ndarray:
    weights = np.exp(scaled - scaled.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


@checked
def shares(logits: Array("n d_vocab"), *, temperature: Number(above=0) = 1.0, top_k: Whole(1) | None = None,
           top_p: Number(0, 1, above=0) = 1.0) -> np.ndarray:
    r"""What :func:`sampled` draws from: :math:`\operatorname{softmax}(\ell / T)`, of the ``top_k`` likeliest tokens
    alone and of these the fewest that have ``top_p`` together.

    >>> shares(np.log([[0.5, 0.3, 0.2]]), top_p=0.7).round(3).tolist()
    [[0.625, 0.375, 0.0]]
    """
    return normalised(trimmed(logits, temperature, top_k, top_p))


@checked
def sampled(logits: Array("n d_vocab"), rng: np.random.Generator, *, temperature: Number(above=0) = 1.0,
            top_k: Whole(1) | None = None, top_p: Number(0, 1, above=0) = 1.0) -> np.ndarray:
    """One token a row, drawn from :func:`shares`: the largest of the logits over T with Gumbel noise added to each.
    Near T = 0 it is the likeliest token; the larger T, the more alike are all.

    >>> from transformer_lab import generator
    >>> drawn = sampled(np.log(np.tile([0.7, 0.2, 0.1], (10_000, 1))), generator(0, "sampling"))
    >>> (np.bincount(drawn) / 10_000).round(2).tolist()
    [0.7, 0.2, 0.1]
    """
    return (trimmed(logits, temperature, top_k, top_p) + rng.gumbel(size=logits.shape)).argmax(-1)


@checked
def write(logits_of: Callable, asked: Questions, *, pick: Callable = likeliest) -> np.ndarray:
    """Let a model write its answers, one token after the other: (n, n_answer + 1), up to EOS, then padding.

    ``logits_of(tokens)`` (n, width, d_vocab) is causal: what stands behind a position does not matter to it.
    ``pick(logits (n, d_vocab))`` gives tokens (n,): the likeliest, or such as
    ``partial(sampled, rng=generator(0, "sampling"), top_k=3)``.
    """
    tokens, rows = asked.tokens.copy(), np.arange(len(asked.tokens))
    written = np.full(asked.answers.shape, PAD)
    going = np.ones(len(rows), dtype=bool)
    for i in range(written.shape[1]):
        at = asked.lengths + i
        written[:, i] = np.where(going, pick(logits_of(tokens)[rows, at - 1]), PAD)
        going &= written[:, i] != EOS
        inside = at < tokens.shape[1]
        tokens[rows[inside], at[inside]] = written[inside, i]
    return written


@checked
def exact(written: Wholes("n width"), answers: Wholes("n width")) -> np.ndarray:
    """Which answers are right as a whole: bool (n,)."""
    return (written == answers).all(-1)
