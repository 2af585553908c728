"""Dropout whose masks are made from (seed, place, step), so that nothing has to be remembered to resume."""

from __future__ import annotations

import numpy as np

from ..checks import check_number, check_whole
from ..randomness import generator

__all__ = ["dropout_masks"]


def dropout_masks(rate, seeds, step):
    r"""The masks of one training step: a function ``masks(place, x)`` that gives what to multiply x by,
    0 with probability ``rate`` and :math:`1 / (1 - \text{rate})` otherwise (Srivastava et al. 2014, section 10).

    Parameters
    ----------
    rate : float
        Share of zeros, 0 to 0.99.
    seeds : int or sequence of int
        The run's seed, or the seeds of the leading axis of x; each seed has the masks that it would have alone.
    step : int
        The training step.

    Examples
    --------
    >>> masks = dropout_masks(0.5, 7, step=3)
    >>> x = np.ones((2, 3))
    >>> np.unique(masks("embed", x)).tolist()
    [0.0, 2.0]
    >>> np.array_equal(masks("embed", x), dropout_masks(0.5, [8, 7], 3)("embed", np.ones((2, 2, 3)))[1])
    True
    """
    check_number("rate", rate, low=0, high=0.99)
    check_whole("step", step, low=0)

    def masks(place, x):
        def draw(seed, shape):
            return generator(seed, f"dropout {place}", step).random(shape, np.float32) >= rate

        kept = draw(seeds, x.shape) if np.ndim(seeds) == 0 else np.stack([draw(seed, x.shape[1:]) for seed in seeds])
        return kept.astype(x.dtype) / x.dtype.type(1 - rate)

    return masks
