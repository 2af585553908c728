"""Chapter 12: intervals against their promise, power against the exact distribution, rulers against the text."""

import numpy as np
import pytest
from scipy import stats

from chapters import ch12
from transformer_lab.errors import LabError


def exact_power(difference, seeds):
    """Of a test of two means with known shape: the non-central distribution of t (Johnson and Welch 1940)."""
    degrees, centre = 2 * seeds - 2, difference * np.sqrt(seeds / 2)
    edge = stats.t.ppf(0.975, degrees)
    return 1 - stats.nct.cdf(edge, degrees, centre) + stats.nct.cdf(-edge, degrees, centre)


@pytest.mark.parametrize(("difference", "seeds"), [(0, 3), (0.5, 20), (1, 3), (1, 17), (2, 5), (-1, 8)])
def test_simulated_power_is_the_exact_one(difference, seeds):
    found, wanted = ch12.found_share(1.0, difference, seeds), exact_power(difference, seeds)
    assert abs(found - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 20_000)


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.9])
def test_pairs_find_what_the_test_of_one_mean_finds(likeness):
    """The differences of pairs have the spread sqrt(2 (1 - likeness))."""
    seeds, apart = 6, 1 / np.sqrt(2 * (1 - likeness))
    edge = stats.t.ppf(0.975, seeds - 1)
    wanted = 1 - stats.nct.cdf(edge, seeds - 1, apart * np.sqrt(seeds)) + stats.nct.cdf(
        -edge, seeds - 1, apart * np.sqrt(seeds))
    found = ch12.found_share(1.0, 1.0, seeds, likeness=likeness, paired=True)
    assert abs(found - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 20_000)


def test_the_number_of_seeds_is_the_smallest_that_is_enough():
    for size, power in ((0.5, 0.8), (1.0, 0.8), (1.0, 0.95)):
        n = ch12.seeds_for(size, power=power)
        z = stats.norm.ppf(0.975) + stats.norm.ppf(power)
        assert size * np.sqrt(n / 2) >= z > size * np.sqrt((n - 1) / 2)


@pytest.mark.parametrize("call", [lambda: ch12.found_share(0, 1, 3),
                                  lambda: ch12.found_share(1.0, 1.0, 1), lambda: ch12.seeds_for(0)])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()


def test_rulers_are_those_of_the_text():
    found = ch12.RULERS.load()
    assert float(found["loss"].sel(order=0)) == pytest.approx(np.log(65), abs=1e-9)
    assert float(found["loss"].sel(order=1)) == pytest.approx(3.347, abs=5e-4)
    assert float(found["loss"].sel(order=5)) == pytest.approx(1.669, abs=5e-4)
    assert (np.diff(found["train"].values) < 0).all()  # on what was counted a longer run is never worse
