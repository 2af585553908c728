"""Figures of chapter 07 by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from transformer_lab import plots
from transformer_lab.plots import Figure, cells, dots, plane

__all__ = ["confusions", "curves", "orders", "scatter", "valley"]


def valley(walks: dict, curvature, alt: str = "") -> Figure:
    r"""``plane``: walks through the valley :math:`\tfrac12 (a x^2 + b y^2)`."""
    x, y = np.linspace(-1.35, 1.35, 91), np.linspace(-0.6, 0.6, 61)
    loss = 0.5 * (curvature[0] * x**2 + curvature[1] * y[:, None] ** 2)
    return plane(paths={title: {"": walk} for title, walk in walks.items()}, heights=dict.fromkeys(walks, (x, y, loss)),
                 levels=(0.03, 0.2, 0.7, 2.0, 5.0, 12.0), marks={"lowest": (0.0, 0.0)}, x_label="the flat direction",
                 y_label="the steep direction")


def curves(panels: dict, x, alt: str = "", *, x_label: str, y_label: str, bounds: dict | None = None, log: bool = False,
           y_range=(0, 1.06)) -> Figure:
    """``curves`` of arrays (n, seeds)."""
    turned = {title: {name: np.transpose(runs) for name, runs in named.items()} for title, named in panels.items()}
    return plots.curves(turned, x, x_label=x_label, y_label=y_label, bounds=bounds, log="x" if log else "",
                        y_range=y_range)


def confusions(counts: dict, alt: str = "") -> Figure:
    """``cells`` of the wrong answers; what is right has a dash."""
    wrong = {title: np.where(np.eye(10, 11, dtype=bool), np.nan, table) for title, table in counts.items()}
    few = max(1, 0.3 * max(map(np.nanmax, wrong.values())))
    return cells(wrong, rows=range(10), columns=[*range(10), "none"], kind="amount", limit="each", written=".0f",
                 least=few, unit="wrong answers", row_label="right", column_label="said")


def scatter(panels: dict, alt: str = "", *, x_label: str, y_label: str) -> Figure:
    """``plane``, a panel a title."""
    return plane({title: {"": np.stack(pair, axis=-1)} for title, pair in panels.items()}, x_label=x_label,
                 y_label=y_label)


def orders(counts, groups: dict, alt: str = "", *, x_label: str) -> Figure:
    """``dots`` under the histogram of what chance gives."""
    edges = np.linspace(-1, 1, len(counts) + 1)
    return dots(groups, null={"every order of the ten digits": (edges, counts)}, x_range=(-1, 1), x_label=x_label)
