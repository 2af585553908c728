"""Evidence from runs: intervals against their promise, pairs, and each arm at its best rate."""

import numpy as np
import pytest
import xarray

from transformer_lab import generator
from transformer_lab.analysis.evidence import at_best, interval_of, paired
from transformer_lab.errors import LabError


def test_the_interval_holds_the_mean_as_often_as_it_says():
    rng = generator(0, "test")
    for share in (0.8, 0.95):
        ends = np.array([interval_of(rng.normal(size=4), share) for _ in range(4000)])
        held = ((ends[:, 0] < 0) & (ends[:, 1] > 0)).mean()
        assert abs(held - share) < 4 * np.sqrt(share * (1 - share) / 4000)


def test_pairs_take_out_what_a_seed_does_to_both_arms():
    rng = generator(0, "pairs")
    shared, noise = 10 * rng.normal(size=50), 0.01 * rng.normal(size=50)
    found = paired(shared + 1 + noise, shared)
    assert found.mean == pytest.approx(1, abs=0.01)
    assert 0.99 < found.low < found.mean < found.high < 1.01
    assert (found.low, found.high) == pytest.approx(interval_of(1 + noise))


def test_each_arm_stands_at_its_own_best_rate():
    """Against a loop, on random losses with diverged runs and rates that were not tried."""
    losses = generator(0, "best").normal(size=(4, 6, 3))
    losses[0, 4, 1] = losses[1, 5] = losses[2, 0] = np.nan
    rates = np.geomspace(0.001, 0.032, 6)
    found = at_best(xarray.DataArray(losses, dims=("arm", "rate", "seed"), coords={"rate": rates}))
    for arm in range(4):
        means = [(row.mean(), at) for at, row in enumerate(losses[arm]) if not np.isnan(row).any()]
        tried = [at for at, row in enumerate(losses[arm]) if not np.isnan(row).all()]
        best = min(means)[1]
        assert float(found.rate[arm]) == rates[best]
        np.testing.assert_array_equal(found.losses[arm], losses[arm, best])
        assert bool(found.at_edge[arm]) == (best in (tried[0], tried[-1]))
    mixed = generator(0, "order").permutation(6)
    again = at_best(xarray.DataArray(losses[:, mixed], dims=("arm", "rate", "seed"), coords={"rate": rates[mixed]}))
    assert all(one.equals(other) for one, other in zip(again, found, strict=True))


@pytest.mark.parametrize("call", [lambda: interval_of([1.0]), lambda: paired([1.0, 2.0], [1.0]),
                                  lambda: at_best(np.ones((2, 3))),
                                  lambda: at_best(xarray.DataArray(np.ones((2, 3)), dims=("arm", "seed")))])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()
