"""The machine of a rule: its states, where each token leads, with which chance it comes, and where a window begins."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..rules import Choice
from ..signatures import checked
from .rule_table import RULES, Rule

__all__ = ["Automaton", "automaton"]

BEFORE = 32  # tokens that may have come before a window


class Automaton(NamedTuple):
    """A rule as tables, a row a state (row 0: before the first token): where a token leads, whether it may come, and
    the chance with which it does; and whether the rule says anything there.
    """

    follow: np.ndarray       # (state, token) int
    allowed: np.ndarray      # (state, token) bool
    chances: np.ndarray      # (state, token) float
    constrained: np.ndarray  # (state,) bool


@checked
@lru_cache(maxsize=32)
def automaton(name: Choice(RULES)) -> Automaton:
    """The machine of a rule, all states that any sequence of tokens leads to.

    >>> machine = automaton("plus_last_even")
    >>> len(machine.follow), int(machine.constrained.sum())
    (15, 7)
    """
    rule = RULES[name]
    number, follow = {}, []  # the start has no number: what comes first has chances of its own
    for state in (states := [rule.start]):
        row = [rule.follow(state, token) for token in range(rule.d_vocab)]
        for new in row:
            if new not in number:
                number[new] = len(states)
                states.append(new)
        follow.append([number[new] for new in row])
    answers = [rule.answers(state) for state in states]
    said = np.array([answer is not None for answer in answers])
    allowed = np.array([[answer is None or token in answer for token in range(rule.d_vocab)] for answer in answers])
    chances = np.where(said[:, None], allowed / allowed.sum(axis=1, keepdims=True), free_chances(rule))
    if not said[0]:
        chances[0, rule.operator] = 0 if rule.operator is not None else chances[0, rule.operator]
        chances[0] /= chances[0].sum()
    return Automaton(np.array(follow), allowed, chances, said)


def free_chances(rule: Rule) -> np.ndarray:
    """The chance of each token where the rule says nothing."""
    others = np.arange(rule.d_vocab) != (-1 if rule.operator is None else rule.operator)
    return np.where(others, (1 - rule.chance) / others.sum(), rule.chance)


def uneven_chances(rule: Rule, shape, rng) -> np.ndarray:
    """Chances (..., d_vocab) of each sequence's own: 0.1 to 0.6 for the operator, 0.02 to 0.7 for those in focus."""
    chances = np.broadcast_to(free_chances(rule), (*shape, rule.d_vocab)).copy()
    groups = {"focus": np.isin(np.arange(rule.d_vocab), rule.focus)}
    groups["others"] = ~groups["focus"] & (np.arange(rule.d_vocab) != rule.operator)
    drawn = {"focus": rng.uniform(0.02, 0.7, shape), "operator": rng.uniform(0.1, 0.6, shape)}
    left = np.ones(shape)
    if rule.operator is not None:
        chances[..., rule.operator] = drawn["operator"]
        left = left - drawn["operator"]
    share = drawn["focus"] if rule.focus else np.zeros(shape)
    for name, part in (("focus", share), ("others", 1 - share)):
        if groups[name].any():
            chances[..., groups[name]] = (left * part / groups[name].sum())[..., None]
    return chances


@lru_cache(maxsize=32)
def start(name):
    """The states in which a window may begin, and their chances."""
    machine = automaton(name)
    now = total = np.eye(1, len(machine.follow))[0]
    for _ in range(BEFORE):
        now = moved(machine, now)
        total = total + now
    states = np.flatnonzero(total)
    return states, total[states] / total.sum()


def moved(machine, known):
    """The chances of all states, one token later."""
    weights = (known[:, None] * machine.chances).ravel()
    return np.bincount(machine.follow.ravel(), weights, len(known))
