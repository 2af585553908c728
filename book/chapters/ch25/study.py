"""Chapter 25's studies: program, network and rule over every context, for 256 models; and changes made by hand.

``transformer-lab study read-off`` and ``transformer-lab study changed-by-hand`` make the records again.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of
from transformer_lab.training import Study

from .edits import EDITS, value_of
from .story import EVEN, FAMILIES, Agreement, averaged, compare, just_before, nearest, read_table, tables, wrong_by

__all__ = ["CHANGED", "READ"]


def looks_right(plane) -> bool:
    """Whether the highest score is that of the latest even number, in every context."""
    for boxes in FAMILIES:
        t, scores = boxes.t, plane.scores[boxes.t]
        other = np.delete(scores[:t], EVEN, axis=1).max(), scores[t, plane.query]
        even = scores[:t, EVEN]
        if even.min() <= max(other) or (even[1:].min(axis=1) <= even[:-1].max(axis=1)).any():
            return False
    return True


def stands(seed):
    """Where each token stands in each place: (i, token, 2)."""
    weights = params_of(IN_THE_PLANE.load().sel(recipe="plain", seed=seed))
    return weights["W_E"] + weights["W_pos"][:, None]


def read_off(seeds) -> dict:
    """For each model: an agreement, what it reads wrong, and how three other stories do (the mean for 8 models)."""
    planes = [tables(seed) for seed in seeds]
    found = np.array([compare(plane) for plane in planes])
    kept = {name: ("seed", found[:, i]) for i, name in enumerate(Agreement._fields)}
    return kept | {
        "looks_right": ("seed", [looks_right(plane) for plane in planes]),
        "read_wrong": ("seed", [sum(int((read_table(plane, t) != EVEN).sum()) for t in range(1, 8))
                                for plane in planes]),
        "repaired": ("seed", [compare(value_of(6)(plane)).network if looks_right(plane) else -1 for plane in planes]),
        "averaged": ("seed", [averaged(plane) if seed < 8 else -1
                              for seed, plane in zip(seeds, planes, strict=True)]),
        "just_before": ("seed", [wrong_by(plane, just_before(plane)) for plane in planes]),
        "nearest": ("seed", [wrong_by(plane, nearest(plane, stands(seed)))
                             for seed, plane in zip(seeds, planes, strict=True)])}


def changed(seeds) -> dict:
    """For each proved model and each change: the agreement, and how many errors another story foretells; else −1."""
    proved = IN_THE_PLANE.load().sel(recipe="plain").proved.values
    none = [[-1] * len(Agreement._fields)] * len(EDITS)
    found = np.array([[compare(edit(tables(seed))) for edit in EDITS.values()] if proved[seed] else none
                      for seed in seeds])
    other = [[wrong_by(plane, just_before(plane)) for plane in (edit(tables(seed)) for edit in EDITS.values())]
             if proved[seed] else [-1] * len(EDITS) for seed in seeds]
    return {"edit": ("edit", list(EDITS)), "other_story": (("seed", "edit"), other)} | {
        name: (("seed", "edit"), found[..., i]) for i, name in enumerate(Agreement._fields)}


READ = Study("read-off", read_off, seeds=range(256), together=True, settings={"recipe": "plain"})
CHANGED = Study("changed-by-hand", changed, seeds=range(64), together=True,
                settings={"recipe": "plain", "edits": list(EDITS)})
