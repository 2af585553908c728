"""Figures that chapter 02 draws more than once or in many words, each a call of a general one."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, bars, cells, curves, lines, plane
from transformer_lab.plots.style import raised

__all__ = ["attention_by_position", "both_matrices", "error_by_step", "input_rows", "jacobian", "learning_curves",
           "running_sum", "three_gradients", "unseen_letters"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ROWS = "letter, then position"


def one_hot_names(size: int) -> list[str]:
    """What a row of the one-head model's input stands for: a letter, or a position counted from 1."""
    return [LETTERS[i] if i < len(LETTERS) else str(i - len(LETTERS) + 1) for i in range(size)]


def both_matrices(W_QK, W_OV, unit: str = "weight") -> Figure:
    """``cells`` of W_QK and W_OV."""
    names, asked, written = one_hot_names(len(W_QK)), "Where to look: W_QK", "What to write: W_OV"
    return cells({asked: W_QK, written: W_OV}, rows=names, columns={asked: names, written: names[:np.shape(W_OV)[1]]},
                 row_label={asked: "who asks", written: "row that was read"}, unit=unit, limit="each", kind="signed",
                 column_label={asked: f"asked: {ROWS}", written: "letter written"}, written=None,
                 row_parts=[len(LETTERS)], column_parts=[len(LETTERS)])


def input_rows(x, tokens: str) -> Figure:
    """``cells`` of one sequence as the head sees it."""
    return cells(x, rows=[f"{token}  {place + 1}" for place, token in enumerate(tokens)], written=None, bar=False,
                 columns=one_hot_names(np.shape(x)[1]), kind="amount", limit=1.0, column_parts=[len(LETTERS)],
                 row_label="token and position", column_label=ROWS)


def jacobian(matrix, tokens: str) -> Figure:
    """``cells`` of the softmax's Jacobian."""
    return cells(matrix, rows=tokens, columns=tokens, kind="signed", unit="change of weight per score", written=None,
                 row_label="attention on", column_label="score of")


def running_sum(products, tokens: str, after: tuple[int, ...] = (1, 5, 20)) -> Figure:
    """``cells`` of a sum after some of its terms, and of its last row after each."""
    sums, last = np.cumsum(products, axis=0), "Its last row, term by term"
    names, shown = one_hot_names(sums.shape[1]), {f"{n} term{'s' if n > 1 else ''}": sums[n - 1] for n in after}
    return cells({**shown, last: sums[:, -1]}, kind="signed", written=None, unit="gradient", columns=names,
                 rows={**dict.fromkeys(shown, names), last: [f"+ {t} {i + 1}" for i, t in enumerate(tokens)]},
                 row_parts=[len(LETTERS)], column_parts=[len(LETTERS)], column_label=f"asked: {ROWS}")


def three_gradients(by_hand, autograd, enlarged: float, name: str) -> Figure:
    """``cells`` of two gradients and of their difference, enlarged; what is left of rounding is left out."""
    names, gap = one_hot_names(len(by_hand)), f"Difference × 10{raised(round(np.log10(enlarged)))}"
    apart = np.round(enlarged * (np.asarray(by_hand) - autograd), 3) + 0.0
    return cells({"By hand": by_hand, "Autograd": autograd, gap: apart}, limit=float(np.abs(by_hand).max()) or 1.0,
                 rows=names, columns=names[:np.shape(by_hand)[1]], kind="signed", written=None,
                 unit=f"gradient of {name}", row_parts=[len(LETTERS)], column_parts=[len(LETTERS)])


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
