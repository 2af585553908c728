"""Generators depend on (seed, purpose, step) alone, and different ones do not overlap."""

import numpy as np
import pytest

from transformer_lab import generator
from transformer_lab.errors import LabError

DRAWN = [5925131113511134820, 8410039859053801275]


def test_the_same_key_gives_the_same_numbers():
    assert np.array_equal(generator(3, "batch", 5).random(100), generator(3, "batch", 5).random(100))


def test_other_keys_give_other_numbers():
    keys = [(seed, purpose, step) for seed in range(5) for purpose in ("init", "batch") for step in range(5)]
    draws = np.array([generator(*key).integers(2**63, size=4) for key in keys])
    assert len(np.unique(draws)) == draws.size


def test_a_step_does_not_run_into_the_next():
    long = generator(0, "batch", 0).integers(2**63, size=100_000)
    assert not np.isin(generator(0, "batch", 1).integers(2**63, size=100), long).any()


@pytest.mark.parametrize("key", [(-1, "batch"), (2**63, "batch"), (0, ""), (0, None), (0, "batch", -1), (0.5, "batch")])
def test_bad_keys(key):
    with pytest.raises(LabError):
        generator(*key)


@pytest.mark.parametrize("purpose", ["init", "batch", "train", "fresh"])
def test_large_seeds_that_differ_in_their_last_bit_do_not_collide(purpose):
    assert generator(2**62, purpose).random() != generator(2**62 + 1, purpose).random()


def test_the_numbers_are_those_of_the_shipped_runs():
    assert [int(generator(3, purpose, 5).integers(2**63)) for purpose in ("train", "init")] == DRAWN
