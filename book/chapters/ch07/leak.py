"""What a split by place leaks, measured without training: the shared part, and a table's score.

The protocol is that of the runs of the study ``leak``: 10,000 draws from 5,000 inputs, as many of each operation,
mixed; the first 80 % are trained on, the last 10 % are the test. The table is one of all training inputs.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.checks import check_array
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.tasks.splits import leakage, remembered

from .confusion import accuracies
from .study import TASK, leaky

__all__ = ["draws"]


def draws(seeds) -> dict[str, np.ndarray]:
    """Draw and cut with each seed.

    Returns
    -------
    dict of array
        ``shared`` (seeds,): the share of the test that training has too. ``test`` and ``unseen`` (seeds, 6): what a
        table of the training inputs scores on the test, and on all inputs that training does not have; by operation,
        and together.

    Examples
    --------
    >>> found = draws([0])
    >>> found["shared"].shape, bool(found["test"][0, -1] > 0.8), bool(found["unseen"][0, -1] < 0.25)
    ((1,), True, True)
    """
    seeds = check_array("seeds", seeds, shape=("seeds",), kind="whole", low=0).tolist()
    found = [one_draw(seed) for seed in seeds]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def one_draw(seed: int) -> dict:
    parts = leaky("true", seed).parts
    test, seen = parts.held_out[len(parts.held_out) // 2:], set(parts.train)
    unseen = [x for x in all_inputs(TASK) if x not in seen]
    return {"shared": leakage(parts.train, test).share,
            "test": by_operation(parts.train, test), "unseen": by_operation(parts.train, unseen)}


def by_operation(train, asked) -> np.ndarray:
    groups = np.array([TASK.operations.index(operation_of(x)) for x in asked])
    return accuracies(remembered(train, asked), groups)
