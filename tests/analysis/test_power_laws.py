"""Power laws of size: made-up laws are found again, draws of seeds spread as they should, nonsense is refused."""

import numpy as np
import pytest

from transformer_lab.analysis.power_laws import bootstrapped, fit_law, interval, local_exponents
from transformer_lab.errors import LabError


def test_a_law_is_found_again_and_its_error_is_nothing():
    rng = np.random.default_rng(0)
    sizes = np.geomspace(1e3, 1e6, 7)
    for _ in range(40):
        exponent, scale, bottom = rng.uniform(0.1, 1.5), rng.uniform(1, 30), rng.uniform(0.2, 3)
        law = fit_law(sizes, bottom + scale * sizes**-exponent)
        assert np.allclose(law[:3], (exponent, scale, bottom), rtol=1e-3) and law.error < 1e-6


def test_losses_that_rise_have_no_law_but_their_mean():
    law = fit_law([1.0, 10.0, 100.0, 1000.0], [1.0, 1.1, 1.2, 1.3])
    assert law.scale == 0 and 1.0 < law.floor < 1.3


def test_drawing_the_seeds_again_gives_the_spread_of_the_mean():
    rng = np.random.default_rng(1)
    sizes, apart = np.array([1e3, 1e4, 1e5]), 0.01
    losses = (4 * sizes**-0.05)[:, None] * (1 + apart * rng.normal(size=(3, 40)))
    low, high = interval(bootstrapped(sizes, losses, floor=False).at(1e5))
    assert (high - low) == pytest.approx(3.92 * 2.25 * apart / np.sqrt(40) * 0.9, rel=0.35)


def test_exponents_between_neighbours_are_those_of_the_law_without_its_floor():
    sizes = np.geomspace(1e3, 1e6, 5)
    assert np.allclose(local_exponents(sizes, 7 * sizes**-0.2), 0.2)
    assert (np.diff(local_exponents(sizes, 1 + 7 * sizes**-0.2)) < 0).all()


@pytest.mark.parametrize("call", [
    lambda: fit_law([1.0], [2.0]), lambda: fit_law([1.0, 2.0], [2.0, 1.0]), lambda: fit_law([1.0, 2, 3], [2.0, 1.0]),
    lambda: fit_law([0.0, 1, 2], [2.0, 1, 1]), lambda: fit_law([1.0, 2, 3], [2.0, 0, 1]), lambda: interval([np.nan]),
    lambda: bootstrapped([1.0, 2, 3], [[1.0], [1.0]]), lambda: bootstrapped([1.0, 2, 3], [[1.0]] * 3, draws=1),
    lambda: local_exponents([1.0], [1.0])])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()
