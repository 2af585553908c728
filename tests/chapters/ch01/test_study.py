"""The experiments of chapter 01 say the same as quadrature, and the same again when they are run again."""

import numpy as np
import pytest

from chapters.ch01.study import ONE_HEAD, TWO_HEADS, mean_interval, measure_widths, readers
from transformer_lab.analysis.saturation import expected_for_two_keys


@pytest.mark.parametrize("scaled", [False, True])
def test_two_keys_agree_with_quadrature_at_every_width(scaled):
    widths = np.array([1, 4, 16, 64])
    measured = measure_widths(2, scaled=scaled, d_heads=widths, draws=100, seed=1)
    for name in ("entropy", "gradient"):
        mean, margin = mean_interval(measured[name], level=0.999)
        derived = [expected_for_two_keys(name, 1 if scaled else float(np.sqrt(width))) for width in widths]
        assert (np.abs(mean - derived) < margin).all(), name


def test_the_variance_is_the_width():
    mean, margin = mean_interval(measure_widths(8, scaled=False, d_heads=[1, 10], draws=50)["variance"], level=0.999)
    assert (np.abs(mean - [1, 10]) < margin).all()


def test_the_same_call_gives_the_same_bytes():
    once, again = (measure_widths(4, scaled=True, draws=3, d_heads=[8]) for _ in range(2))
    assert all(np.array_equal(once[name], again[name]) for name in once)


@pytest.mark.parametrize("n_heads, best", [(1, 0.8), (2, 1.0)])
def test_heads_reach_their_ceiling_and_never_pass_it(n_heads, best):
    accuracy = np.array(readers(n_heads, 0.5, range(3))["accuracy"][1])
    assert np.allclose(accuracy[-1], best) and accuracy.max() <= best + 1e-12


@pytest.mark.parametrize("study, n_heads, scale", [(ONE_HEAD, 1, 0.5), (TWO_HEADS, 2, 1.0)])
def test_training_again_gives_the_record(study, n_heads, scale):
    accuracy = readers(n_heads, scale, range(3))["accuracy"][1]
    shipped = study.load().accuracy.sel(scale=scale, seed=range(3))
    np.testing.assert_allclose(accuracy[:10], shipped[:10], atol=1e-9)
