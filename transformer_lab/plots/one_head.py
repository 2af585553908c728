"""Figures of the one-head model: its input, its two matrices, and what flows back through them."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_type
from ..theme import color
from .figure import Figure
from .style import ceiling, color_bar, heatmap, label, name_line, panel, seed_lines, strip

__all__ = ["attention_by_position", "both_matrices", "error_by_step", "input_rows", "jacobian", "learning_curves",
           "running_sum", "strips", "three_gradients", "unseen_letters"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def both_matrices(W_QK, W_OV, alt: str, *, limits: tuple | None = None, unit: str = "weight",
                  titles: tuple[str, str] = ("Where to look: W_QK", "What to write: W_OV")) -> Figure:
    """W_QK (d_model, d_model) and W_OV (d_model, d_vocab) side by side, or their gradients.

    Rows and columns are letters first, then positions; a thin line parts them.

    Parameters
    ----------
    limits : (float, float), optional
        The values of the full colour.
    unit, titles : str
        What the colour bars and the titles say.
    """
    W_QK = check_array("W_QK", W_QK, shape=("d_model", "d_model"))
    W_OV = check_array("W_OV", W_OV, shape=(len(W_QK), "d_vocab"))
    limits = limits or (None, None)
    return Figure([_matrix(W_QK, W_OV.shape[1], titles[0], "key row: letter | position", limits[0], unit, 355),
                   _matrix(W_OV, W_OV.shape[1], titles[1], "letter written", limits[1], unit, 245)], alt)


def _matrix(values, d_vocab: int, title: str, below: str, limit, unit: str, width: float):
    drawing, axes = panel(width, 320)
    limit = heatmap(axes, values, limit=limit)
    color_bar(drawing, axes, limit, unit)
    _part(axes, d_vocab, values.shape)
    label(axes, title, below, "query row: letter | position" if values.shape[0] == values.shape[1] else "row read")
    return drawing


def _part(axes, d_vocab: int, shape: tuple[int, int]) -> None:
    """Thin lines between letters and positions, and a few names."""
    rows, columns = shape
    quiet = {"color": color("other"), "linewidth": 0.8}
    if rows > d_vocab:
        axes.axhline(d_vocab - 0.5, **quiet)
        axes.set_yticks(*_names(d_vocab, rows))
    if columns > d_vocab:
        axes.axvline(d_vocab - 0.5, **quiet)
    axes.set_xticks(*_names(d_vocab, columns))


def _names(d_vocab: int, size: int):
    """Places and names of the ticks: every seventh letter, and every fifth position counted from 1."""
    places = [*range(0, d_vocab - 3, 7), *range(d_vocab, size, 5)]
    return places, [LETTERS[place] if place < d_vocab else str(place - d_vocab + 1) for place in places]


def input_rows(x, tokens: str) -> Figure:
    """One sequence as the head sees it: a row a token, one mark for the letter, one for the position.

    Parameters
    ----------
    x : array (n_ctx, d_model)
    tokens : str
        The letters, for the names of the rows.
    """
    x = check_array("x", x, shape=(len(check_type("tokens", tokens, str)), "d_model"))
    drawing, axes = panel(460, 280)
    heatmap(axes, x, "amount", 1.0)
    _part(axes, len(LETTERS), (0, x.shape[1]))
    axes.set_yticks(range(len(tokens)), [f"{letter}  {place}" for place, letter in enumerate(tokens, 1)], fontsize=10)
    label(axes, x="column: letter A to Z | position", y="row: token and position")
    return Figure(drawing, f"A table of {len(tokens)} rows and {x.shape[1]} columns with two marks a row: one under "
                           "its letter, which returns with the pattern, and one under its position, on a diagonal.")


def strips(vectors: dict, tokens, alt: str, *, kind: str = "signed", wrap: int = 5, digits: int = 2,
           shared: bool = False) -> Figure:
    """Vectors, each written as lines of ``wrap`` cells; with the period as ``wrap``, what repeats stands in a column.

    Parameters
    ----------
    vectors : dict of array (n,)
        By title.
    tokens : str or sequence of str
        A letter, or a word, for each entry.
    shared : bool
        Whether all have the colours of the largest.
    """
    vectors = {title: check_array(title, values, shape=(len(tokens),)) for title, values in vectors.items()}
    limit = max(float(np.abs(values).max()) for values in vectors.values()) if shared else None
    panels = []
    for title, values in vectors.items():
        drawing, axes = panel(300 if wrap <= 6 else 460, 30 + 32 * -(-len(values) // wrap))
        strip(axes, values, kind, limit, names=list(tokens), wrap=wrap, digits=digits)
        label(axes, title)
        panels.append(drawing)
    return Figure(panels, alt)


def jacobian(matrix, tokens: str, alt: str) -> Figure:
    """The Jacobian of the softmax: how each attention weight (row) answers to each score (column)."""
    matrix = check_array("matrix", matrix, shape=(len(tokens), len(tokens)))
    drawing, axes = panel(340, 310)
    limit = heatmap(axes, matrix)
    color_bar(drawing, axes, limit, "change of weight per score")
    axes.set_xticks(range(len(tokens)), list(tokens), fontsize=9)
    axes.set_yticks(range(len(tokens)), list(tokens), fontsize=9)
    label(axes, x="score of", y="attention on")
    return Figure(drawing, alt)


def running_sum(products, tokens: str, alt: str, after: tuple[int, ...] = (1, 5, 20)) -> Figure:
    """The gradient of W_QK as a sum that grows: some stages whole, and all stages of its last row.

    Parameters
    ----------
    products : array (n_ctx, d_model, d_model)
        One term for each position.
    after : tuple of int
        How many terms the whole stages have.
    """
    products = check_array("products", products, shape=(len(tokens), "d_model", "d_model"))
    sums, d_vocab = np.cumsum(products, axis=0), len(LETTERS)
    limit, panels = float(np.abs(sums[-1]).max()), []
    for count in after:
        drawing, axes = panel(190, 195)
        heatmap(axes, sums[count - 1], limit=limit, signs=False)
        _part(axes, d_vocab, sums.shape[1:])
        label(axes, "1 term" if count == 1 else f"{count} terms")
        panels.append(drawing)
    drawing, axes = panel(460, 300)
    heatmap(axes, sums[:, -1], limit=limit)
    axes.set_aspect("auto")
    color_bar(drawing, axes, limit, "gradient")
    _part(axes, d_vocab, (0, sums.shape[2]))
    axes.set_yticks(range(len(tokens)), [f"+ {letter} {place}" for place, letter in enumerate(tokens, 1)], fontsize=10)
    label(axes, "Its last row, term by term", "key row: letter | position")
    return Figure([*panels, drawing], alt)


def three_gradients(by_hand, autograd, enlarged: float, alt: str, name: str = "W_OV") -> Figure:
    """A gradient by hand, the same from autograd, and their difference ``enlarged`` so many times."""
    by_hand = check_array("by_hand", by_hand, shape=("d_model", "d_vocab"))
    autograd = check_array("autograd", autograd, shape=by_hand.shape)
    limit, panels = float(np.abs(by_hand).max()), []
    exponent = round(np.log10(enlarged))
    for title, values in (("By hand", by_hand), ("Autograd", autograd),
                          (f"Difference × 10{_raised(exponent)}", (by_hand - autograd) * enlarged)):
        drawing, axes = panel(190, 275)
        heatmap(axes, values, limit=limit)
        _part(axes, len(LETTERS), values.shape)
        label(axes, title, f"gradient of {name}")
        panels.append(drawing)
    return Figure(panels, alt)


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def error_by_step(steps, errors: dict, alt: str) -> Figure:
    """How wrong a numerical derivative is, by the size of its step; both axes in powers of ten.

    Parameters
    ----------
    steps : array (n,)
    errors : dict of array (n,)
        Relative errors, above 0, by the name of the method, in the order of the roles' colours.
    """
    drawing, axes = panel(460, 260)
    exponents = np.log10(check_array("steps", steps, shape=("n",)))
    looks = (("key", "D"), ("query", ">"), ("value", "o"))
    for (name, values), (role, marker) in zip(errors.items(), looks, strict=False):
        levels = np.log10(check_array(name, values, shape=(len(exponents),)))
        axes.plot(exponents, levels, color=color(role), marker=marker, markersize=4.5)
        name_line(axes, exponents[-1], levels[-1], name)
    ticks = range(int(np.floor(exponents.min())), int(exponents.max()) + 1, 2)
    axes.set_xticks(ticks, [f"10{_raised(tick)}" for tick in ticks])
    axes.set_yticks(range(-16, 1, 4), [f"10{_raised(tick)}" for tick in range(-16, 1, 4)])
    axes.invert_xaxis()
    label(axes, x="size of the step", y="relative error")
    return Figure(drawing, alt)


def learning_curves(steps, arms: dict, bounds: dict, alt: str) -> Figure:
    """Accuracy on fresh patterns while training, every seed of every arm, and what is possible at best.

    Parameters
    ----------
    steps : array (n,)
    arms : dict of array (n_seeds, n)
        Accuracies by the name of the arm.
    bounds : dict of float
        Ceilings by their names.
    """
    drawing, axes = panel(460, 290)
    for (name, runs), role in zip(arms.items(), ("value", "key", "query"), strict=False):
        seed_lines(axes, steps, 100 * np.asarray(runs), role, name)
    for name, level in bounds.items():
        ceiling(axes, 100 * level, name, where="right" if level < 0.9 else "left")
    axes.set(xlim=(0, steps[-1]), ylim=(0, 106))
    label(axes, x="training step", y="right on fresh patterns (%)")
    return Figure(drawing, alt)


def attention_by_position(patterns, right, alt: str) -> Figure:
    """How much the last token attends to each position, a bar for the median and a dash for each seed.

    Parameters
    ----------
    patterns : array (n_seeds, n_ctx)
        Mean attention weights.
    right : sequence of int
        Positions that hold the answer, counted from 0.
    """
    patterns = check_array("patterns", patterns, shape=("n_seeds", "n_ctx"), low=0)
    drawing, axes = panel(460, 230)
    places = np.arange(1, patterns.shape[1] + 1)
    axes.bar(places, 100 * np.median(patterns, axis=0), color=color("query"), alpha=0.3, width=0.7)
    dashes = places + np.array([[-0.35], [0.35], [np.nan]])  # (3, n_ctx): one line with gaps a seed
    for run in patterns:
        axes.plot(dashes.T.ravel(), np.repeat(100 * run, 3), color=color("query"), alpha=0.5, linewidth=1)
    for place in right:
        axes.annotate("▼", (place + 1, 100 * patterns[:, place].max()), xytext=(0, 3), textcoords="offset points",
                      ha="center", color=color("ink"), fontsize=9)
    ceiling(axes, 100 / patterns.shape[1], "the same for all", where="right")
    axes.set_xticks(places)
    axes.set_ylim(0, None)
    label(axes, x="position", y="attention (%)")
    return Figure(drawing, alt)


def unseen_letters(unseen, wrong, alt: str) -> Figure:
    """For every seed: the share of fresh patterns whose answer never was a target, against the share that is wrong."""
    unseen = check_array("unseen", unseen, shape=("n_seeds",))
    wrong = check_array("wrong", wrong, shape=(len(unseen),))
    drawing, axes = panel(340, 290)
    top = 100 * max(unseen.max(), wrong.max()) * 1.12 or 1.0
    axes.plot([0, top], [0, top], color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
    name_line(axes, top * 0.62, top * 0.62, "equal", xytext=(8, -8))
    axes.plot(100 * unseen, 100 * wrong, "o", color=color("value"), alpha=0.6, markersize=7, clip_on=False)
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    label(axes, x="answer never seen in training (%)", y="answered wrong (%)")
    return Figure(drawing, alt)
