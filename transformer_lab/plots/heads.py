"""Every head's pattern at once, small, and one of them large, as lines between tokens."""

from __future__ import annotations

import numpy as np

from ..errors import RangeError, ShapeError
from ..rules import Array, Each, Whole
from ..signatures import checked
from ..theme import color
from .cells import cells
from .figure import Figure, laid_out
from .style import empty, label, name_line

__all__ = ["attention_heads"]

SMALL, LARGE, ROW = 200, 430, 24  # px: a small pattern, the large one, a token in it
LEVELS, LEAST = 8, 0.02           # shades of a line; a weight below the least has none


@checked
def attention_heads(pattern: Array("n_layers n_heads query query", low=0), tokens: Each(str), *,
                    head: Each(Whole(), low=2) | None = None,
                    norms: Array("n_layers n_heads query", low=0) | None = None, alt: str = "") -> Figure:
    """The patterns of one sequence, a small table for each head, and the ``head`` (layer, head), by default the one
    that looks most sharply, with a line from every query to every key, the darker the more it takes.

    With ``norms``, the lengths of the values, each weight is multiplied by the length of what it takes, and all are
    divided by the largest (Kobayashi et al. 2020): a head that looks at a value of no length takes nothing.

    >>> pattern = np.array([[[[1.0, 0.0], [0.25, 0.75]], [[1.0, 0.0], [1.0, 0.0]]]])
    >>> attention_heads(pattern, ["a", "b"], head=(0, 1)).alt.partition("Layer 0, head 1")[2]
    ', large, with lines from queries to keys: a takes most from a (1.00); b takes most from a (1.00).'
    """
    n_layers, n_heads, n, _ = pattern.shape
    if len(tokens) != n:
        raise ShapeError("tokens", f"{len(tokens)} words", f"{n}, one for each position", "Pass them in order.")
    weights = pattern if norms is None else pattern * norms[:, :, None, :]
    weights = weights / (1 if norms is None else weights.max() or 1.0)
    layer, which = head or np.unravel_index(weights.max(axis=-1).mean(axis=-1).argmax(), (n_layers, n_heads))
    if layer >= n_layers or which >= n_heads:
        raise RangeError("head", f"{tuple(head)}", f"a layer below {n_layers} and a head below {n_heads}",
                         "Count both from 0.")
    unit = "attention" if norms is None else "attention × length of value"
    rows = [cells({f"layer {i}, head {j}": weights[i, j] for j in range(n_heads)}, rows=list(tokens),
                  columns=list(tokens), kind="amount", limit=1.0, written=None, bar=False, unit=unit, width=SMALL,
                  alt=alt) for i in range(n_layers)]  # a row a layer, so that no width leaves a hole
    title = f"Layer {layer}, head {which}"
    return sum(rows[1:], rows[0]) + lines_between(weights[layer, which], list(tokens), title, unit)


def lines_between(weights, tokens, title: str, unit: str) -> Figure:
    n = len(tokens)
    told = "; ".join(f"{tokens[q]} takes most from {tokens[row.argmax()]} ({row.max():.2f})"
                     for q, row in enumerate(weights[:12]))

    def draw(_, width):
        drawing, axes = empty(width, ROW * n + 66)
        for step in range(1, LEVELS + 1):
            shown = [(q, k) for q, k in np.argwhere(weights >= LEAST)
                     if np.ceil(min(weights[q, k], 1) * LEVELS) == step]
            ends = np.array([(x, place) for q, k in shown for x, place in ((0, q), (1, k), (np.nan, np.nan))])
            if shown:
                axes.plot(*ends.T, color=color("amount"), alpha=step / LEVELS, linewidth=0.6 + 2.4 * step / LEVELS,
                          solid_capstyle="butt")
        for place, token in enumerate(tokens):
            for x, side, away in ((0, "right", -8), (1, "left", 8)):
                name_line(axes, x, place, token, xytext=(away, 0), ha=side, family="monospace")
        axes.plot(np.zeros(n), range(n), ">", color=color("query"), markersize=6, clip_on=False)
        axes.plot(np.ones(n), range(n), "D", color=color("key"), markersize=5, clip_on=False)
        for x, word, side in ((0, "query looks from", "left"), (1, "to key", "right")):
            name_line(axes, x, -0.7, word, "soft", xytext=(0, 0), ha=side, va="bottom")
        longest = max(map(len, tokens)) * 8 + 16
        axes.set(xlim=(-longest / (width - 2 * longest), 1 + longest / (width - 2 * longest)), ylim=(n - 0.4, -1.2),
                 xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        label(axes, title, f"darkest line: {unit} 1")
        return drawing

    return laid_out([title], draw, [f"{title}, large, with lines from queries to keys: {told}"], LARGE)
