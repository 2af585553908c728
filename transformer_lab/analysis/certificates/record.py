"""A proof as a file: whose weights, which families, around each a polygon, and the lead that holds everywhere in it.

The file needs no trust: :mod:`~transformer_lab.analysis.certificates.checker` goes through it with code of its own.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...places import written_whole
from ...rules import as_array
from ...signatures import checked
from ...tasks.rules import RuleTask
from .prove import Proof

__all__ = ["fingerprint"]


@checked
def fingerprint(params: dict) -> str:
    """A checksum of weights: of their names, dtypes, shapes and bytes, in the order of the names.

    >>> fingerprint({"W_E": np.zeros((2, 2))})[:12]
    'b58ae805c3c2'
    """
    total = hashlib.sha256()
    for name in sorted(params, key=str):
        value = np.asarray(as_array(f"params[{name!r}]", params[name], "numbers"))
        total.update(f"{name} {value.dtype.str} {value.shape}\n".encode() + value.tobytes())
    return total.hexdigest()


@checked
def certificate(task: RuleTask, params: dict, proof: Proof) -> dict:
    """The proof as plain values, ready for JSON; a model that is wrong somewhere has none."""
    if task.rule != "plus_last_even":
        raise DataError(f"There is no certificate of {task.rule} to keep: the checker knows the families of "
                        "plus_last_even alone. The proof itself is done without one.")
    if not proof.proved:
        margin, context = proof.counterexamples[0]
        raise DataError(f"This model has no certificate: after '{task.of.spelt(context)}' it is wrong by "
                        f"{-margin:.4g}. Train it until it is proved.")
    named = [[t, j, answer] for t in range(1, task.n_ctx) for j in range(t) for answer in task.of.focus]
    trees = [{"family": name, **tree} for name, tree in zip(named, proof.trees, strict=True)]
    return sealed({"rule": task.rule, "n_ctx": task.n_ctx, "weights": fingerprint(params), "contexts": proof.contexts,
                   "margin": proof.margin, "families": trees})


def sealed(found: dict) -> dict:
    """The certificate with a checksum of all its other entries."""
    return found | {"seal": hashlib.sha256(json.dumps(found | {"seal": ""}, sort_keys=True).encode()).hexdigest()}


def write_certificate(path, found: dict) -> Path:
    """Write it beside its name first, so that it is there whole or not at all."""
    path = Path(path)
    with written_whole(path) as half:
        half.write_text(json.dumps(found, allow_nan=False) + "\n", "utf-8")
    return path
