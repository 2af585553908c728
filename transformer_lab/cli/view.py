"""What the figures and films of a model of a rule are drawn from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..analysis import views
from ..training import Run

__all__ = ["AXES", "View", "everywhere", "kinds", "only_read", "query_token", "short", "territory", "view_of", "window"]

AXES = {"x_label": "first number", "y_label": "second number"}


class View(NamedTuple):
    """A model and what its figures are drawn from."""

    run: Run
    params: dict
    metrics: dict                  # what was logged, by name, over steps
    words: list[str]               # a token as a reader writes it
    all: views.Pairs
    demos: list[tuple[list[str], dict]]


def view_of(run: Run, params: dict, metrics: dict, seed: int = 0) -> View:
    """All that the figures of one model need."""
    rule = run.task.of
    words = [rule.spelt([token]) for token in range(rule.d_vocab)]
    demos = [([words[token] for token in row], views.reading(params, row, run.model))
             for row in views.demos(run.task, 3, seed)]
    return View(run, params, metrics, words, views.pairs(params, run.model), demos)


def kinds(view: View) -> dict[str, list[int]]:
    """The tokens in the rule's focus, the sign at which it speaks, and the others."""
    rule = view.run.task.of
    groups = {"in focus": list(rule.focus), "sign": [] if rule.operator is None else [rule.operator]}
    rest = [token for token in range(rule.d_vocab) if token not in (*rule.focus, rule.operator)]
    return {name: tokens for name, tokens in (groups | {"other": rest}).items() if tokens}


def short(view: View) -> dict:
    """The weights by their short names; per-head tables of the one head."""
    return {name.removeprefix("blocks.0."): value for name, value in view.params.items()}


def query_token(view: View) -> int:
    """The token whose query the single-query figures show: the sign at which the rule speaks, or else the first."""
    return view.run.task.of.operator or 0


def everywhere(view: View, part: str) -> np.ndarray:
    """One part of every token in every place, as points (pairs, 2)."""
    found = getattr(view.all, part)
    return (found if part == "x" else found[:, 0]).reshape(-1, 2).astype(float)


def window(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The axes of a grid that holds every token, and wherever reading one value would take the last sign."""
    ends = [everywhere(view, "x"), only_read(view).reshape(-1, 2), *(found["resid_mid"] for _, found in view.demos)]
    return views.grid(np.concatenate(ends).astype(float))


def only_read(view: View) -> np.ndarray:
    """Where the last query stands (token, pos, 2) if one value is all that it reads."""
    return (view.all.x[query_token(view), -1] + view.all.v[:, 0]).astype(float)


def territory(view: View, at: str = "resid_mid", axes=None):
    """The plane in regions, by the token that is likeliest there."""
    x, y = axes or window(view)
    odds = views.chances(view.params, view.run.model, x, y, at)
    return x, y, {word: odds[..., token] for token, word in enumerate(view.words)}
