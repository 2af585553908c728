"""Figures of the one-head model: its input, its two matrices, and what flows back through them.

Their alternative texts are made from the data: what is there, its range, and where it is largest.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_number, check_type, check_whole
from ..theme import color
from .figure import Figure
from .style import color_bar, heatmap, label, panel, raised, strip

__all__ = ["both_matrices", "input_rows", "jacobian", "running_sum", "strips", "three_gradients"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def both_matrices(W_QK, W_OV, unit: str = "weight") -> Figure:
    """W_QK (d_model, d_model) and W_OV (d_model, d_vocab) side by side, or their gradients (``unit="gradient"``).

    Rows and columns are letters first, then positions; a thin line parts them.
    """
    W_QK = check_array("W_QK", W_QK, shape=("d_model", "d_model"))
    W_OV = check_array("W_OV", W_OV, shape=(len(W_QK), "d_vocab"))
    looks = ((W_QK, "Where to look: W_QK", "asked: letter, then position", "who asks", 340),
             (W_OV, "What to write: W_OV", "letter written", "row that was read", 236))
    panels = []
    for values, title, x, y, width in looks:
        drawing, axes = panel(width, 300)
        color_bar(drawing, axes, heatmap(axes, values), unit)
        _part(axes, W_OV.shape[1], values.shape)
        label(axes, title, x, y)
        panels.append(drawing)
    return Figure(panels, " ".join(_told_matrix(title, values, W_OV.shape[1], unit) for values, title, *_ in looks))


def _part(axes, d_vocab: int, shape: tuple[int, int]) -> None:
    """Thin lines between letters and positions, and a few names."""
    rows, columns = shape
    quiet = {"color": color("other"), "linewidth": 0.8}
    if rows > d_vocab:
        axes.axhline(d_vocab - 0.5, **quiet)
        axes.set_yticks(*_ticks(d_vocab, rows))
    if columns > d_vocab:
        axes.axvline(d_vocab - 0.5, **quiet)
    axes.set_xticks(*_ticks(d_vocab, columns))


def _ticks(d_vocab: int, size: int):
    """Places and names: every seventh letter, and every fifth position counted from 1."""
    places = [*range(0, d_vocab - 3, 7), *range(d_vocab, size, 5)]
    return places, [_name(place, d_vocab).split()[1] for place in places]


def _name(place: int, d_vocab: int) -> str:
    return f"letter {LETTERS[place]}" if place < d_vocab else f"position {place - d_vocab + 1}"


def _told_matrix(title: str, values, d_vocab: int, unit: str = "number") -> str:
    row, column = np.unravel_index(values.argmax(), values.shape)
    return (f"{title}: {values.shape[0]} rows and {values.shape[1]} columns, {_span(values, unit)}, the largest in the "
            f"row of {_name(row, d_vocab)} and the column of {_name(column, d_vocab)}.")


def _span(values, unit: str = "number") -> str:
    return f"{unit}s from {values.min():.2g} to {values.max():.2g}".replace("-", "−")


def input_rows(x, tokens: str) -> Figure:
    """One sequence (n_ctx, d_model) as the head sees it: a row a token, a mark for its letter, one for its position."""
    x = check_array("x", x, shape=(len(check_type("tokens", tokens, str)), "d_model"))
    drawing, axes = panel(420, 215)
    heatmap(axes, x, "amount", 1.0)
    _part(axes, len(LETTERS), (0, x.shape[1]))
    axes.set_yticks(places := range(0, len(tokens), 5), [f"{tokens[place]}  {place + 1}" for place in places])
    label(axes, x="letter, then position", y="token and position")
    return Figure(drawing, f"A table of {len(tokens)} rows and {x.shape[1]} columns with two marks a row: one under "
                           "its letter, which returns with the pattern, and one under its position, on a diagonal.")


def strips(vectors: dict, names, *, kind: str = "signed", wrap: int = 5, digits: int = 2) -> Figure:
    """Vectors, each written as lines of ``wrap`` cells; with the period as ``wrap``, what repeats stands in a column.

    Parameters
    ----------
    vectors : dict of array (n,)
        By title.
    names : str or sequence of str
        A letter, or a word, for each entry.
    kind, digits
        As in :func:`.style.strip`.
    """
    names = check_type("names", list(names) if isinstance(names, str) else names, list)
    names = [check_type("names", name, str) for name in names]
    wrap, panels, told = check_whole("wrap", wrap, low=1), [], []
    check_whole("digits", digits, low=0, high=15)
    for title, values in check_type("vectors", vectors, dict).items():
        values = check_array(title, values, shape=(len(names),))
        drawing, axes = panel(288 if wrap <= 5 else 350, 30 + 32 * -(-len(values) // wrap))
        strip(axes, values, kind, names=names, wrap=wrap, digits=digits)
        label(axes, title)
        panels.append(drawing)
        told.append(f"{title}: {len(values)} cells in lines of {wrap}, {_span(values)}, the largest for "
                    f"{names[values.argmax()]}, number {values.argmax() + 1}.")
    return Figure(panels, " ".join(told))


def jacobian(matrix, tokens: str) -> Figure:
    """The Jacobian of the softmax: how each attention weight (row) answers to each score (column)."""
    matrix = check_array("matrix", matrix, shape=(len(check_type("tokens", tokens, str)), len(tokens)))
    drawing, axes = panel(350, 290)
    color_bar(drawing, axes, heatmap(axes, matrix), "change of weight per score")
    axes.set_xticks(range(len(tokens)), list(tokens), fontsize=9)
    axes.set_yticks(range(len(tokens)), list(tokens), fontsize=9)
    label(axes, x="score of", y="attention on")
    beside = matrix[~np.eye(len(tokens), dtype=bool)]
    return Figure(drawing, f"A square table of {len(tokens)} rows. On the diagonal {_span(np.diag(matrix))}; beside it "
                           f"{_span(beside)}.")


def running_sum(products, tokens: str, after: tuple[int, ...] = (1, 5, 20)) -> Figure:
    """The gradient of W_QK as a sum that grows: some stages whole, and all stages of its last row.

    Parameters
    ----------
    products : array (n_ctx, d_model, d_model)
        One term for each position.
    after : tuple of int
        How many terms the whole stages have.
    """
    products = check_array("products", products, shape=(len(check_type("tokens", tokens, str)), "d_model", "d_model"))
    after = tuple(check_array("after", after, shape=("stages",), kind="whole", low=1, high=len(tokens)).tolist())
    sums, d_vocab = np.cumsum(products, axis=0), len(LETTERS)
    limit, panels = float(np.abs(sums[-1]).max()) or 1.0, []
    for count in after:
        drawing, axes = panel(180, 188)
        heatmap(axes, sums[count - 1], limit=limit, signs=False)
        _part(axes, d_vocab, sums.shape[1:])
        label(axes, "1 term" if count == 1 else f"{count} terms")
        panels.append(drawing)
    drawing, axes = panel(440, 260)
    heatmap(axes, sums[:, -1], limit=limit)
    axes.set_aspect("auto")
    color_bar(drawing, axes, limit, "gradient")
    _part(axes, d_vocab, (0, sums.shape[2]))
    axes.set_yticks(places := range(0, len(tokens), 5), [f"+ {tokens[place]} {place + 1}" for place in places])
    label(axes, "Its last row, term by term", "asked: letter, then position")
    rows = " and ".join(_name(row, d_vocab) for row in np.flatnonzero(sums[-1].any(axis=1)))
    stages = ", ".join(map(str, after))
    told = (f"{len(after)} square tables, after {stages} terms; only the rows of {rows} fill up. Then a table of "
            f"{len(tokens)} lines: the last row after each term. The columns of positions fill one by one, a letter's "
            "when it comes.")
    return Figure([*panels, drawing], told)


def three_gradients(by_hand, autograd, enlarged: float, name: str) -> Figure:
    """A gradient by hand, the same from autograd, and their difference ``enlarged`` so many times."""
    by_hand = check_array("by_hand", by_hand, shape=("d_model", "columns"))
    autograd = check_array("autograd", autograd, shape=by_hand.shape)
    limit, panels = float(np.abs(by_hand).max()) or 1.0, []
    gap = (by_hand - autograd) * check_number("enlarged", enlarged, above=0)
    for title, values in (("By hand", by_hand), ("Autograd", autograd),
                          (f"Difference × 10{raised(round(np.log10(enlarged)))}", gap)):
        drawing, axes = panel(180, 190 if values.shape[0] == values.shape[1] else 265)
        heatmap(axes, values, limit=limit)
        _part(axes, len(LETTERS), values.shape)
        label(axes, title, f"gradient of {name}")
        panels.append(drawing)
    seen = "has visible cells" if np.abs(gap).max() > limit / 32 else "is empty"
    told = _told_matrix("By hand", by_hand, len(LETTERS))
    return Figure(panels, f"{told} The second table looks the same. The third, their difference enlarged "
                          f"{enlarged:.0e} times, {seen}.")
