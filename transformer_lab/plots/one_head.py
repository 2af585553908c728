"""The one-head model's figures by their old names, each a call of a general one; they go as the chapters move over."""

from __future__ import annotations

import numpy as np

from .cells import cells
from .figure import Figure
from .strips import strips
from .style import raised

__all__ = ["both_matrices", "input_rows", "jacobian", "running_sum", "strips", "three_gradients"]

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
    """``cells`` of two gradients and of their difference, enlarged."""
    names, gap = one_hot_names(len(by_hand)), f"Difference × 10{raised(round(np.log10(enlarged)))}"
    return cells({"By hand": by_hand, "Autograd": autograd, gap: enlarged * (np.asarray(by_hand) - autograd)},
                 limit=float(np.abs(by_hand).max()) or 1.0, rows=names, columns=names[:np.shape(by_hand)[1]],
                 kind="signed", written=None, unit=f"gradient of {name}", row_parts=[len(LETTERS)],
                 column_parts=[len(LETTERS)])
