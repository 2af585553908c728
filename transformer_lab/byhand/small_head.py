r"""The one-head model with three numbers in place of 3,312: a loss surface that can be drawn exactly.

The two matrices are given the shape that training gives them, and only their sizes are left to learn. ``look`` says how
much the last query prefers the positions that hold the target, ``away`` how much it prefers copies of the last token
(below 0, it avoids them), ``write`` how strongly the letters that are read are copied to the logits:

.. math:: s_j = \text{look}\,[j \text{ holds the target}] + \text{away}\,[\text{token}_j = \text{token}_T],
          \quad \ell_c = \text{write} \sum_{j:\,\text{token}_j = c} a_j

No letter is special here, so tuples in which the same slots share a letter have the same loss, and the mean over all
``alphabet**period`` tuples is a sum over set partitions: 52 terms for period 5, a single one for distinct letters. The
surface is exact; nothing is sampled. Chapter 3 writes it out for distinct letters (eq-small-head). The numbers may be
arrays: a grid of points is evaluated at once.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..checks import check_array, check_choice, check_entries, check_number, check_type, check_whole
from ..errors import ArgumentError
from ..tasks.patterns import LARGEST_PERIOD, PatternTask, set_partitions
from .attention import softmax, softmax_pullback

__all__ = ["NUMBERS", "as_head", "backward", "forward", "loss", "saddle"]

NUMBERS = ("look", "away", "write")


class Kinds(NamedTuple):
    """The kinds of tuple: which slots share a letter. A tuple of ``period`` slots has at most so many letters."""

    chance: np.ndarray     # (kinds): how many tuples are of this kind, as a share of all
    letter: np.ndarray     # (kinds, slots, letters): 1 where this slot holds this letter
    same: np.ndarray       # (kinds, slots): 1 where this slot holds the last token's letter
    target: np.ndarray     # (kinds, letters): 1 for the target
    is_target: np.ndarray  # (slots): 1 for the slot of the target
    copies: np.ndarray     # (slots): how many positions show this slot


@lru_cache(maxsize=8)
def kinds(task: PatternTask) -> Kinds:
    check_whole("period", task.period, high=LARGEST_PERIOD)
    blocks = np.array([b for b in set_partitions(task.period) if not task.distinct or max(b) == task.period - 1])
    ways = np.array([math.perm(task.alphabet, int(row.max()) + 1) for row in blocks], dtype=float)
    letter = np.eye(task.period)[blocks]
    return Kinds(ways / ways.sum(), letter, (blocks == blocks[:, [task.slots[-1]]]).astype(float),
                 letter[:, task.target_slot], np.eye(task.period)[task.target_slot],
                 np.bincount(task.slots, minlength=task.period).astype(float))


def forward(params: dict, task: PatternTask) -> dict[str, np.ndarray]:
    """Every activation, for every kind of tuple.

    ``look``, ``away`` and ``write`` are numbers, or arrays that broadcast. Returns ``pattern`` (..., kinds, slots), the
    attention that a slot gets, all its copies together, and ``read``, ``logits`` and ``probs`` (..., kinds, letters).
    A letter that a tuple does not have is read 0; those of the alphabet beyond ``period`` all have a logit of 0 and
    are left out.

    >>> forward({"look": np.log(4), "away": 0, "write": 1}, PatternTask(distinct=True))["pattern"].tolist()
    [[0.5, 0.125, 0.125, 0.125, 0.125]]
    """
    world = kinds(check_type("task", task, PatternTask))
    look, away, write = (value[..., None, None] for value in numbers_of(params))
    pattern = softmax(look * world.is_target + away * world.same + np.log(world.copies))
    read = (pattern[..., None, :] @ world.letter)[..., 0, :]
    logits = write * read
    peak = np.maximum(logits.real.max(axis=-1, keepdims=True), 0)
    grown = np.exp(logits - peak)
    total = grown.sum(axis=-1, keepdims=True) + (task.alphabet - task.period) * np.exp(-peak)
    return {"pattern": pattern, "read": read, "logits": logits, "probs": grown / total,
            "log_total": (peak + np.log(total))[..., 0]}


def loss(params: dict, task: PatternTask) -> np.ndarray:
    r"""The exact mean of :math:`-\ln p_\text{target}` over all tuples, in nats.

    >>> task = PatternTask(distinct=True)
    >>> bool(np.isclose(loss({"look": 3.0, "away": 0.0, "write": 0.0}, task), np.log(26)))
    True
    """
    acts, world = forward(params, task), kinds(task)
    return ((acts["log_total"] - (acts["logits"] * world.target).sum(axis=-1)) * world.chance).sum(axis=-1)


def backward(params: dict, task: PatternTask) -> dict[str, np.ndarray]:
    r"""The gradient of :func:`loss`, exactly.

    With :math:`\delta = p - y` a kind of tuple, :math:`\partial\text{write} = \delta \cdot h`,
    :math:`\partial h = \text{write}\,\delta`, and from there to the scores as in the head itself. The factor ``write``
    says it all: where nothing is written, there is no reason to look anywhere.

    >>> slopes = backward({"look": 0.0, "away": 0.0, "write": 0.0}, PatternTask(distinct=True))
    >>> {name: round(float(slope), 4) for name, slope in slopes.items()}
    {'look': 0.0, 'away': 0.0, 'write': -0.1615}
    """
    acts, world = forward(params, task), kinds(task)
    d_logits = (acts["probs"] - world.target) * world.chance[:, None]
    d_write = (d_logits * acts["read"]).sum(axis=(-2, -1))
    d_read = numbers_of(params)[2][..., None, None] * d_logits
    d_pattern = (world.letter @ d_read[..., None])[..., 0]
    d_scores = softmax_pullback(acts["pattern"], d_pattern)
    d_look, d_away = ((d_scores * which).sum(axis=(-2, -1)) for which in (world.is_target, world.same))
    return {"look": d_look, "away": d_away, "write": d_write}


def saddle(task: PatternTask, number: str = "look") -> dict[str, float]:
    r"""The saddle of the loss at ``write = 0``, in the plane of ``write`` and ``look`` (or ``away``), the third at 0.

    At ``write = 0`` all letters are equally likely, and the slope along ``write`` is :math:`1/A - a_\text{target}`
    for an alphabet of A letters: it is worth writing only if the target gets more attention than one letter in A.
    For distinct letters this turns at :math:`e^\text{look} = (P - 1) / (A - 1)` and at
    :math:`e^\text{away} = A - P + 1`, with P the period.

    >>> saddle(PatternTask(distinct=True))["look"] == math.log(4 / 25)
    True
    """
    if not check_type("task", task, PatternTask).distinct or task.n_ctx % task.period:
        raise ArgumentError("task", f"{task}", "distinct letters in whole tuples",
                            "Pass PatternTask(distinct=True); with replacement the saddle lies at minus infinity.")
    turn = {"look": (task.period - 1) / (task.alphabet - 1), "away": task.alphabet - task.period + 1}
    turn = {check_choice("number", number, turn): turn[number]}
    return dict.fromkeys(NUMBERS, 0.0) | {name: math.log(value) for name, value in turn.items()}


def as_head(params: dict, task: PatternTask) -> dict[str, np.ndarray]:
    """The same head at full size, for one-hot positions: ``W_QK`` and ``W_OV`` that have these scores and logits.

    >>> {name: value.shape for name, value in as_head({"look": 1, "away": -1, "write": 2}, PatternTask()).items()}
    {'W_QK': (46, 46), 'W_OV': (46, 26)}
    """
    check_type("task", task, PatternTask)
    look, away, write = (float(check_array("params", value, shape=())) for value in numbers_of(params))
    n, root = task.alphabet, math.sqrt(task.alphabet + task.n_ctx)
    W_QK = np.zeros((n + task.n_ctx, n + task.n_ctx))
    W_QK[:n, :n] = root * away * np.eye(n)
    W_QK[-1, n:] = root * look * (np.array(task.slots) == task.target_slot)
    return {"W_QK": W_QK, "W_OV": write * np.eye(n + task.n_ctx, n)}


def numbers_of(params: dict) -> list[np.ndarray]:
    check_entries("params", params, NUMBERS)
    given = [check_number(f"params[{name!r}]", params[name]) if isinstance(params[name], int) else params[name]
             for name in NUMBERS]
    return np.broadcast_arrays(*(check_array(f"params[{name!r}]", value, shape=(), kind="inexact", leading=True)
                                 for name, value in zip(NUMBERS, given, strict=True)))
