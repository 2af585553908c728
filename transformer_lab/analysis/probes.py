"""What can be read off an activation by a straight line, and how much of that is the probe's own doing.

A linear probe learns to name a property from activations. That it can does not say that the model uses it, nor even
that it is there: with enough width a probe learns labels that mean nothing. A *control task* (Hewitt and Liang 2019)
gives every token a random label; *selectivity* is how much better the probe does on the property than on that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import RangeError
from ..randomness import generator
from ..rules import Array, Number, Seed, Wholes
from ..signatures import checked

__all__ = ["Selectivity", "control_labels", "fit_probe", "predicted", "selectivity"]


@checked
def fit_probe(x: Array("row d_in"), labels: Wholes("row", low=0, below=10_000), *,
              penalty: Number(above=0) = 1e-3) -> np.ndarray:
    """A linear probe by ridge regression on one-hot labels: weights (d_in + 1, classes), the last row the offsets.

    ``penalty`` is in units of the activations' mean square, so that scaling them changes nothing.

    >>> x = np.array([[0.0, 1.0], [0.0, 3.0], [5.0, 2.0], [5.0, 0.0]])
    >>> predicted(fit_probe(x, [1, 1, 0, 0]), x).tolist()
    [1, 1, 0, 0]
    """
    middle = x.mean(axis=0).astype(float)
    centred, wanted = x - middle, np.eye(labels.max() + 1)[labels]
    gram = centred.T @ centred
    gram += penalty * max(np.trace(gram) / len(gram), np.finfo(float).tiny) * np.eye(len(gram))
    W = np.linalg.solve(gram, centred.T @ (wanted - wanted.mean(axis=0)))
    return np.vstack([W, wanted.mean(axis=0) - middle @ W])


@checked
def predicted(probe: Array("rows classes"), x: Array("row d_in")) -> np.ndarray:
    """The class that a probe names in each row.

    >>> predicted(np.array([[1.0, -1.0], [0.0, 0.0]]), np.array([[2.0], [-2.0]])).tolist()
    [0, 1]
    """
    if x.shape[-1] != len(probe) - 1:
        raise RangeError("x.shape[-1]", str(x.shape[-1]), f"{len(probe) - 1}, as the probe was fitted",
                         "Take the activation that the probe was fitted on.")
    return (x @ probe[:-1] + probe[-1]).argmax(axis=-1)


@checked
def control_labels(kinds: Wholes("row", low=0), labels: Wholes("row", low=0), *, seed: Seed = 0) -> np.ndarray:
    """A label for each row that depends on its kind (its token) alone and means nothing, drawn as often as in
    ``labels``.

    >>> control_labels([4, 7, 4, 4, 7], [0, 0, 1, 0, 1]).tolist()
    [0, 1, 0, 0, 1]
    """
    names, which = np.unique(kinds, return_inverse=True)
    return generator(seed, "control task").choice(labels, size=len(names))[which]


class Selectivity(NamedTuple):
    """Held-out accuracy on the property and on its control task, and the difference."""

    accuracy: float
    control: float
    selectivity: float


@checked
def selectivity(x: Array("row d_in"), labels: Wholes("row", low=0, below=10_000), kinds: Wholes("row", low=0), *,
                held_out: Number(above=0, high=0.9) = 0.5, penalty: Number(above=0) = 1e-3,
                seed: Seed = 0) -> Selectivity:
    """A probe and its control, fitted on the same rows and judged on the same others.

    >>> rng = generator(0, "example")
    >>> kinds = rng.integers(10, size=400)
    >>> x = np.eye(2)[kinds % 2] + 0.1 * rng.normal(size=(400, 2))
    >>> found = selectivity(x, kinds % 2, kinds)
    >>> found.accuracy, found.selectivity > 0.2
    (1.0, True)
    """
    order = generator(seed, "probe").permutation(len(x))
    n_test = min(max(1, round(held_out * len(x))), len(x) - 1)
    if n_test < 1:
        raise RangeError("len(x)", str(len(x)), "at least 2 rows, to fit and to judge", "Pass more rows.")
    test, train = order[:n_test], order[n_test:]

    def accuracy(wanted):
        return float((predicted(fit_probe(x[train], wanted[train], penalty=penalty), x[test]) == wanted[test]).mean())

    found, control = accuracy(labels), accuracy(control_labels(kinds, labels, seed=seed))
    return Selectivity(found, control, found - control)
