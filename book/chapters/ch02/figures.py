"""Figures that chapter 02 draws more than once or in many words, each a call of a general one."""

from __future__ import annotations

import numpy as np

from transformer_lab.plots import Figure, cells
from transformer_lab.plots.style import raised

__all__ = ["LETTERS", "both_matrices", "one_hot_names", "running_sum", "three_gradients"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def one_hot_names(size: int) -> list[str]:
    """What a row of the one-head model's input stands for: a letter, or a position counted from 1."""
    return [LETTERS[i] if i < len(LETTERS) else str(i - len(LETTERS) + 1) for i in range(size)]


def tables(shown, names: list[str], **settings) -> Figure:
    """``cells`` of signed tables whose rows and columns are letters and then positions."""
    return cells(shown, **{"rows": names, "columns": names, "kind": "signed", "written": None,
                           "row_parts": [len(LETTERS)], "column_parts": [len(LETTERS)]} | settings)


def both_matrices(W_QK, W_OV) -> Figure:
    """``cells`` of W_QK and W_OV."""
    names, asked, written = one_hot_names(len(W_QK)), "Where to look: W_QK", "What to write: W_OV"
    return tables({asked: W_QK, written: W_OV}, names, columns={asked: names, written: names[:np.shape(W_OV)[1]]},
                  row_label={asked: "who asks", written: "row that was read"}, unit="weight", limit="each",
                  column_label={asked: "asked: letter, then position", written: "letter written"})


def running_sum(products, tokens: str, after: tuple[int, ...] = (1, 5, 20)) -> Figure:
    """``cells`` of a sum after some of its terms, and of its last row after each."""
    sums, last = np.cumsum(products, axis=0), "Its last row, term by term"
    names, shown = one_hot_names(sums.shape[1]), {f"{n} term{'s' if n > 1 else ''}": sums[n - 1] for n in after}
    rows = {**dict.fromkeys(shown, names), last: [f"+ {t} {i + 1}" for i, t in enumerate(tokens)]}
    return tables({**shown, last: sums[:, -1]}, names, rows=rows, unit="gradient",
                  column_label="asked: letter, then position")


def three_gradients(by_hand, autograd, enlarged: float, name: str) -> Figure:
    """``cells`` of two gradients and of their difference, enlarged; what is left of rounding is left out."""
    names, gap = one_hot_names(len(by_hand)), f"Difference × 10{raised(round(np.log10(enlarged)))}"
    apart = np.round(enlarged * (np.asarray(by_hand) - autograd), 3) + 0.0
    return tables({"By hand": by_hand, "Autograd": autograd, gap: apart}, names, unit=f"gradient of {name}",
                  limit=float(np.abs(by_hand).max()) or 1.0, columns=names[:np.shape(by_hand)[1]])
