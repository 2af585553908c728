"""Figures of chapter 08 by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, bars, cells, curves, dots

__all__ = ["beyond", "carried", "per_step", "scores", "side_by_side"]


def per_step(patterns: dict, tokens, steps, alt: str = "") -> Figure:
    """``cells``: a row a token, a column a head, in groups of one step."""
    tables = {title: np.concatenate(list(pattern)).T for title, pattern in patterns.items()}
    heads = len(next(iter(patterns.values()))[0])
    names = [step if head == heads // 2 else "" for step in steps for head in range(heads)]
    return cells(tables, rows=tokens, columns=names, kind="amount", limit=1.0, unit="attention", written=None,
                 column_parts=range(heads, heads * len(steps), heads),
                 column_label=f"written next; each column one of {heads} heads")


def carried(shares: dict, tokens, alt: str = "") -> Figure:
    """``bars`` in percent, a bar a token."""
    return bars({title: 100 * np.asarray(values) for title, values in shares.items()}, tokens, digits=0,
                x_range=(0, 108), x_label="answers that follow (%)")


def beyond(sizes, arms: dict, trained, unit: str, alt: str = "", *, baseline=None) -> Figure:
    """``curves`` with what was trained on shaded."""
    bounds = {"ceiling": 1.0} if baseline is None else {"ceiling": 1.0, "best guess per operation": baseline}
    return curves({title: {"": runs} for title, runs in arms.items()}, sizes, bounds=bounds, x_label=unit,
                  shade={"trained": [(trained[0] - 0.5, trained[1] + 0.5)]}, y_range=(0, 1.12),
                  y_label="share answered right")


def scores(steps, panels: dict, bounds: dict, alt: str = "") -> Figure:
    """``curves``, a panel for each way to train."""
    turned = {title: {name: np.transpose(runs) for name, runs in named.items()} for title, named in panels.items()}
    return curves(turned, steps, bounds=bounds, x_label="updates", y_label="share right", y_range=(0, 1.08))


def side_by_side(quantities: dict, models, alt: str = "") -> Figure:
    """``dots`` in powers of ten, a mark a model."""
    return dots({"": {name: dict(zip(models, values, strict=True)) for name, values in quantities.items()}}, log=True,
                x_range=(0.5, 1e15), x_label="how many")
