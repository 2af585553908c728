"""Figures of chapter 01 by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, cells, curves, lines

__all__ = ["circuits", "laws", "learning", "near_ties", "patterns", "rare_gradients", "temperatures"]


def temperatures(values, weights, returned, hard: float, names) -> Figure:
    """``lines`` of the weights, and of what comes back, over the temperature."""
    return lines({"Weights": dict(zip(names, np.transpose(weights), strict=True)), "What comes back": {"": returned}},
                 values, log="x", x_label="temperature",
                 y_label={"Weights": "weight of each name", "What comes back": "price"},
                 bounds={"What comes back": {"hard: the mean of those that tie": hard}})


def near_ties(gaps, let_through, densities: dict) -> Figure:
    """``lines`` of what passes at each gap, and of how often each gap occurs."""
    return lines({"What passes": {"": let_through}, "How often": densities}, gaps, x_label="gap between the two scores",
                 y_label={"What passes": "squared size of the Jacobian", "How often": "density"})


def patterns(patterns: dict, names) -> Figure:
    """``cells``, a panel a mask."""
    return cells(patterns, rows=names, columns=names, kind="amount", limit=1.0, unit="weight", written=None,
                 row_label="read by", column_label="read from")


def laws(widths, panels: dict, alt: str = "") -> Figure:
    """``lines`` of means with margins, and the derived curves."""
    mean, margin, law = ({title: {name: arm[i] for name, arm in arms.items()} for title, (_, arms) in panels.items()}
                         for i in range(3))
    return lines(mean, widths, margins=margin, laws=law, log="xy", x_label="d_head",
                 y_label={title: unit for title, (unit, _) in panels.items()})


def rare_gradients(widths, asleep: dict, gradient: dict) -> Figure:
    """``lines`` of means with margins."""
    units = {"Queries that learn nothing": "share of queries", "Mean gradient": "squared size of the Jacobian"}
    mean, margin = ({title: {name: arm[i] for name, arm in arms.items()}
                     for title, arms in zip(units, (asleep, gradient), strict=True)} for i in range(2))
    return lines(mean, widths, margins=margin, log="x", x_label="d_head", y_label=units)


def learning(steps, runs: dict, bound: float, bound_name: str) -> Figure:
    """``curves`` of the share of right answers."""
    return curves(runs, steps, bounds={bound_name: bound}, x_label="training step", y_label="share answered right")


def circuits(patterns: dict, written: dict, questions, names) -> Figure:
    """``cells`` of where each head looks, and ``lines`` of what it writes."""
    prices = np.arange(1, len(next(iter(written.values()))) + 1)
    looks = cells(patterns, rows=questions, columns=names, kind="amount", limit=1.0, unit="weight", written=None)
    return looks + lines({"What to write": written}, prices, x_label="price",
                         y_label="added to the logit of “dearer”")
