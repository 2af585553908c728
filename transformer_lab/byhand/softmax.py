"""Softmax of what a mask lets through, forward and backward side by side; arrays may carry any leading axes."""

from __future__ import annotations

import numpy as np

from ..errors import DtypeError, ShapeError
from ..rules import Inexact, Rule
from ..signatures import checked

__all__ = ["softmax", "softmax_pullback"]


class Mask(Rule):
    """Truth values. A mask that is added to the scores (0 and -inf) would be read the wrong way round."""

    def check(self, argument, value, sizes, given):
        if type(value) is not np.ndarray or value.dtype != bool:
            came = f"a {type(value).__name__}" if isinstance(value, np.ndarray) else f"{value!r:.60}"
            came = f"an array of dtype {value.dtype}" if type(value) is np.ndarray else came
            raise DtypeError(argument, came, "an array of truth values, True where one may look",
                             "Pass mask == 0 for a mask that is added to the scores (0 and -inf).")
        return value


@checked
def softmax(scores: Inexact("... key", finite=False), mask: Mask() | None = None) -> np.ndarray:
    r"""Softmax over the last axis, :math:`a_j = e^{s_j} / \sum_i e^{s_i}`, of what the mask allows (eq-masked-softmax).

    The largest real part is subtracted first, so nothing overflows. The mask, True where the query may look, selects:
    what is hidden may be anything, NaN too. A row that may look nowhere is all zeros, by definition: it reads nothing,
    and passes no gradient.

    >>> softmax(np.array([0.0, np.log(3.0)])).round(4).tolist()
    [0.25, 0.75]
    >>> softmax(np.zeros((2, 3)), np.array([[True, True, False], [False, False, False]])).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    if mask is not None:
        hidden = np.full_like(scores, -np.inf)  # in the memory order of the scores, whatever it is
        np.copyto(hidden, scores, where=spread("mask", mask, scores.shape))
        scores = hidden
    peak = scores.real.max(axis=-1, keepdims=True)
    weights = np.exp(scores - (peak if mask is None else np.where(peak == -np.inf, 0, peak)))
    total = weights.sum(axis=-1, keepdims=True, dtype=np.result_type(weights, np.float32))
    weights /= total if mask is None else np.where(total == 0, 1, total)
    return weights


def spread(argument, array, shape):
    """A mask or a bias at every score."""
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ShapeError(argument, f"an array of shape {array.shape}", f"a shape that broadcasts to {shape}",
                         "Add axes of length 1 for the batch and the heads.") from None


@checked
def softmax_pullback(pattern: Inexact("*#lead key"), d_pattern: Inexact("*#lead key")) -> np.ndarray:
    r"""Gradient of the scores, :math:`\partial s = a \odot (\partial a - a^\top \partial a)`.

    This is the Jacobian :math:`\operatorname{diag}(a) - a a^\top` times ``d_pattern``, without building the matrix.
    A hidden entry has a weight of 0, hence a gradient of 0.

    >>> softmax_pullback(np.array([0.25, 0.75]), np.array([1.0, 0.0])).tolist()
    [0.1875, -0.1875]
    """
    return pattern * (d_pattern - (pattern * d_pattern).sum(axis=-1, keepdims=True))
