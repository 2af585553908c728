"""A certificate as a file, and what somebody would have to change in it to have a wrong model pass."""

from __future__ import annotations

import copy
import json

import numpy as np

from transformer_lab.analysis.certificates.checker import check
from transformer_lab.analysis.certificates.prove import Proof
from transformer_lab.analysis.certificates.record import certificate, fingerprint, sealed
from transformer_lab.errors import DataError
from transformer_lab.randomness import generator
from transformer_lab.rules import Entries, Number, Seed, Whole
from transformer_lab.signatures import checked

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


@checked
def flipped(found: Entries(families=None), seed: Seed) -> dict:
    """One random number of a random polygon, with another sign; the checksum is left as it was."""
    rng, spoiled = generator(seed, "flip"), copy.deepcopy(found)
    corner = spoiled["families"][rng.integers(len(spoiled["families"]))]["corners"][rng.integers(16)]
    axis = rng.integers(2)
    corner[axis] = -corner[axis]
    return spoiled


@checked
def shrunk(found: Entries(families=None), which: Whole(), factor: Number(low=0) = 0.99) -> dict:
    """One polygon drawn in towards its middle, and the certificate sealed anew: the forger knows the checksum."""
    spoiled = found | {"families": [*found["families"]]}
    corners = np.array(found["families"][which]["corners"])
    inwards = corners.mean(axis=0) + factor * (corners - corners.mean(axis=0))
    spoiled["families"][which] = found["families"][which] | {"corners": inwards.tolist()}
    return sealed(spoiled)


def for_other_weights(found: dict, params: dict) -> dict:
    """The certificate made out to another model, and sealed anew."""
    return sealed(found | {"weights": fingerprint(params)})
