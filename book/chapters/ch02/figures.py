"""Figures of chapter 02 by their old names, each a call of a general one; they go as the chapter's calls move over."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, bars, curves, lines, plane

__all__ = ["attention_by_position", "error_by_step", "learning_curves", "unseen_letters"]


def error_by_step(steps, errors: dict) -> Figure:
    """``lines`` in powers of ten, from large steps to small."""
    return lines(errors, steps, log="xy", x_range=(np.max(steps), np.min(steps)), x_label="size of the step",
                 y_label="relative error")


def learning_curves(steps, arms: dict, bounds: dict) -> Figure:
    """``curves`` in percent."""
    return curves({name: 100 * np.asarray(runs) for name, runs in arms.items()}, steps, y_range=(0, 106),
                  bounds={name: 100 * level for name, level in bounds.items()}, x_label="training step",
                  y_label="right on fresh lines (%)")


def attention_by_position(patterns, right) -> Figure:
    """``bars`` in percent, a tick a seed."""
    n = np.shape(patterns)[-1]
    return bars(100 * np.asarray(patterns), range(1, n + 1), strong=[str(place + 1) for place in right],
                bounds={"the same for all": 100 / n}, x_label="attention (%), by position")


def unseen_letters(unseen, wrong) -> Figure:
    """``plane``, a dot a seed."""
    return plane(100 * np.stack([unseen, wrong], axis=-1), diagonal="equal", square=True,
                 x_label="answer never taught (%)", y_label="answered wrong (%)")
