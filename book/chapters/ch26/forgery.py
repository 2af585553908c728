"""A certificate as a file, and what somebody would have to change in it to have a wrong model pass."""

from __future__ import annotations

import json

import numpy as np

from transformer_lab.analysis.certificates.checker import check
from transformer_lab.analysis.certificates.prove import Proof
from transformer_lab.analysis.certificates.record import certificate, fingerprint, sealed
from transformer_lab.errors import DataError
from transformer_lab.randomness import generator

from .contexts import TASK

__all__ = ["certificate_of", "flipped", "for_other_weights", "objection", "sealed", "shrunk"]


def certificate_of(params: dict, proof: Proof) -> dict:
    """The certificate of a proof, as plain values for a file."""
    return certificate(TASK, params, proof)


def objection(found: dict, params: dict) -> str:
    """What the checker says against a certificate of these weights; nothing, where it holds."""
    try:
        check(json.dumps(found), params)
    except DataError as fault:
        return str(fault)
    return ""


def flipped(found: dict, seed: int) -> dict:
    """One random number of a random polygon, with another sign; the checksum is left as it was.

    >>> from transformer_lab.analysis.certificates.support import compass
    >>> found = {"families": [{"family": [1, 0, 2], "corners": (2.0 * compass(16)).tolist()}]}
    >>> changed = np.array(flipped(found, 1)["families"][0]["corners"]) != found["families"][0]["corners"]
    >>> int(changed.sum())
    1
    """
    rng = generator(seed, "flip")
    which, corner, axis = (int(rng.integers(n)) for n in (len(found["families"]), 16, 2))
    corners = np.array(found["families"][which]["corners"])
    corners[corner, axis] *= -1
    return with_polygon(found, which, corners)


def shrunk(found: dict, which: int, factor: float = 0.99) -> dict:
    """One polygon drawn in towards its middle, and the certificate sealed anew: the forger knows the checksum.

    >>> from transformer_lab.analysis.certificates.support import compass
    >>> found = {"families": [{"family": [1, 0, 2], "corners": (2.0 * compass(16)).tolist()}]}
    >>> smaller = shrunk(found, 0, 0.5)
    >>> bool(np.allclose(smaller["families"][0]["corners"], compass(16))), len(smaller["seal"])
    (True, 64)
    """
    corners = np.array(found["families"][which]["corners"])
    return sealed(with_polygon(found, which, corners.mean(axis=0) + factor * (corners - corners.mean(axis=0))))


def with_polygon(found: dict, which: int, corners: np.ndarray) -> dict:
    """The certificate with another polygon (corner, 2) around one family."""
    families = [*found["families"]]
    families[which] = families[which] | {"corners": corners.tolist()}
    return found | {"families": families}


def for_other_weights(found: dict, params: dict) -> dict:
    """The certificate made out to another model, and sealed anew."""
    return sealed(found | {"weights": fingerprint(params)})
