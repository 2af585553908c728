"""Seventeen rules that a sequence can follow, each in a few lines: what is remembered, and what it allows.

A rule reads a sequence as a machine does: after every token it is in a *state*, a small tuple, and the state says which
tokens may come next. Adding a rule is adding an entry to :data:`RULES`; sampling, right answers, the best that anyone
can do and the automaton of all that can be generated follow from it (:mod:`transformer_lab.tasks.rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..rules import Wholes

__all__ = ["RULES", "Rule", "recent"]

PLANE = {"n_heads": 1, "d_model": 2, "d_mlp": 32, "n_ctx": 8}


@dataclass(frozen=True)
class Rule:
    """What a rule remembers of a sequence, and what it allows.

    ``follow(state, token)`` is the state after one more token, whatever the token is; ``answers(state)`` are the tokens
    that may come next, or None where the rule says nothing and any token may. The tokens are the numbers from 0 on
    and, with ``plus``, the sign ``+`` after the largest. Free tokens are drawn evenly, but for the ``operator``, which
    has a ``chance`` of its own and never comes first. ``focus`` are the tokens whose rareness decides how far a model
    must look back. ``model`` holds fields of a ModelConfig in which the rule was first studied, or nearly so; without
    it the rule is tried in the plane.
    """

    says: str
    numbers: int
    answers: Callable
    follow: Callable
    start: tuple = ()
    plus: bool = False
    operator: int | None = None
    chance: float = 0.0
    focus: tuple[int, ...] = ()
    model: dict = field(default_factory=PLANE.copy)

    @property
    def d_vocab(self) -> int:
        return self.numbers + self.plus

    def spelt(self, tokens) -> str:
        """Tokens as a reader writes them.

        >>> RULES["plus_last_even"].spelt([4, 7, 11, 4])
        '4 7 + 4'
        """
        tokens = Wholes("pos", low=0, high=self.d_vocab - 1, empty=True)("tokens", tokens).tolist()
        return " ".join("+" if self.plus and token == self.numbers else str(token) for token in tokens)


def recent(n: int) -> Callable:
    """Remember the last ``n`` tokens."""
    return lambda state, token: (*state, token)[-n:]


def latest(wanted: Callable, at: Callable) -> Callable:
    """Remember the latest token that is ``wanted``, and whether the last of all is one ``at`` which the rule speaks."""
    return lambda state, token: (token if wanted(token) else state[0], at(token))


def two_numbers(plus: int) -> Callable:
    """Remember the two latest numbers, and whether the last token was ``+``."""
    return lambda state, token: (state[0] if token == plus else (*state[0], token)[-2:], token == plus)


def first_three(state, token):
    """Remember the first three tokens, and which of them is due."""
    tokens, due = state
    return (tokens, (due + 1) % 3) if len(tokens) == 3 else ((*tokens, token), 0)


def even(token) -> bool:
    return token % 2 == 0


def odd(token) -> bool:
    return token % 2 == 1


def below(numbers, wanted=lambda token: True) -> tuple[int, ...]:
    return tuple(filter(wanted, range(numbers)))


def same_parity(state) -> bool:
    return state[0] % 2 == state[1] % 2


PERMUTATION = (7, 3, 2, 8, 5, 6, 9, 4, 0, 1)


def shape(d_model, n_heads, n_ctx) -> dict:
    return {"n_heads": n_heads, "d_model": d_model, "d_mlp": 16 * d_model, "n_ctx": n_ctx}


RULES = {
    "plus_last_even": Rule(
        "after + comes the latest even number before it; any even number where there is none", 11,
        lambda state: ((below(11, even) if state[0] is None else state[:1]) if state[1] else None),
        latest(even, lambda token: token == 11), (None, False), plus=True, operator=11, chance=0.3,
        focus=below(11, even), model=PLANE),
    "lucky7": Rule(
        "after 7 comes the token before the 7", 11,
        lambda state: state[:1] if len(state) == 2 and state[1] == 7 else None,
        recent(2), operator=7, chance=0.25, model=PLANE),
    "lucky7_no_resid": Rule(
        "after 7 comes the token before the 7; the model has no residual stream", 11,
        lambda state: state[:1] if len(state) == 2 and state[1] == 7 else None,
        recent(2), operator=7, chance=0.25, model=PLANE | {"residual": False}),
    "step_back": Rule(
        "after 9 comes the token three places before the 9", 11,
        lambda state: state[:1] if len(state) == 4 and state[3] == 9 else None,
        recent(4), operator=9, chance=0.4, model=shape(4, 1, 16)),
    "copy_modulo": Rule(
        "three free tokens, then these three again and again", 21,
        lambda state: (state[0][state[1]],) if len(state[0]) == 3 else None,
        first_three, ((), 0), model=shape(3, 1, 32)),
    "successor": Rule(
        "the next number, and 0 after 9", 10, lambda state: ((state[0] + 1) % 10,) if state else None,
        recent(1), model=shape(4, 1, 10)),
    "lookup_permutation": Rule(
        "each number has one successor, in a fixed table", 10,
        lambda state: (PERMUTATION[state[0]],) if state else None, recent(1), model=shape(6, 1, 10)),
    "conditional_transform": Rule(
        "after an even number its half, after an odd one the next number, and 0 after 9", 10,
        lambda state: (state[0] // 2 if even(state[0]) else (state[0] + 1) % 10,) if state else None,
        recent(1), model=shape(4, 1, 10)),
    "odd_even_index": Rule(
        "even and odd numbers in turn, beginning with an even one", 21,
        lambda state: below(21, odd if state and even(state[0]) else even), recent(1), model=PLANE),
    "even_to_odd_transition": Rule(
        "after an even number comes any odd one", 21,
        lambda state: below(21, odd) if state and even(state[0]) else None, recent(1), model=shape(1, 1, 8)),
    "even_repeat_last_odd": Rule(
        "after an even number comes the latest odd one, if there is any", 21,
        lambda state: state[:1] if state[1] and state[0] is not None else None,
        latest(odd, even), (None, False), focus=below(21, odd), model=shape(12, 2, 12)),
    "even_abs_diff": Rule(
        "after an even number comes its distance from the token before it", 21,
        lambda state: (abs(state[1] - state[0]),) if len(state) == 2 and even(state[1]) else None,
        recent(2), model=shape(12, 2, 12)),
    "even_greater_than_10": Rule(
        "after an even number comes one above 10, after an odd one one below 10", 21,
        lambda state: (tuple(range(11, 21)) if even(state[0]) else below(10)) if state else None,
        recent(1), model=shape(3, 1, 10)),
    "parity_based": Rule(
        "after two numbers of one parity comes an even one, after others an odd one", 21,
        lambda state: below(21, even if same_parity(state) else odd) if len(state) == 2 else None,
        recent(2), model=shape(32, 2, 16)),
    "parity_greater_than_10": Rule(
        "after two numbers of one parity comes one below 10, after others one from 10 on", 21,
        lambda state: (below(10) if same_parity(state) else tuple(range(10, 21))) if len(state) == 2 else None,
        recent(2), model=shape(2, 1, 10)),
    "plus_max_of_two": Rule(
        "after + comes the larger of the two latest numbers, where there are two", 21,
        lambda state: (max(state[0]),) if state[1] and len(state[0]) == 2 else None,
        two_numbers(21), ((), False), plus=True, operator=21, chance=0.3, model=PLANE),
    "plus_means_even": Rule(
        "after + comes any even number", 21, lambda state: below(21, even) if state == (21,) else None,
        recent(1), plus=True, operator=21, chance=0.25, model=PLANE),
}
