"""Chapter 15: cuts against PyTorch's own, angles against geometry, memory against the optimiser that has it."""

import numpy as np
import pytest
import torch

from chapters import ch15
from transformer_lab.byhand.optimizers import make_optimizer
from transformer_lab.errors import LabError
from transformer_lab.randomness import generator

CASES = [(scale * generator(n, "gradient").normal(size=n)**3, threshold)
         for n in (1, 2, 9, 30) for scale in (1e-2, 1.0, 30.0) for threshold in (1e-3, 0.5, 20.0)]


def by_pytorch(cut, g, threshold):
    value = torch.zeros(len(g), dtype=torch.float64, requires_grad=True)
    value.grad = torch.tensor(g, dtype=torch.float64)
    cut([value], threshold)
    return value.grad.numpy()


@pytest.mark.parametrize(("g", "threshold"), CASES)
def test_cuts_are_those_of_pytorch(g, threshold):
    by_value = by_pytorch(torch.nn.utils.clip_grad_value_, g, threshold)
    np.testing.assert_allclose(ch15.cut_by_value(g, threshold), by_value, rtol=1e-12)
    by_norm = by_pytorch(torch.nn.utils.clip_grad_norm_, g, threshold)
    np.testing.assert_allclose(ch15.cut_by_norm(g, threshold), by_norm, rtol=2e-6 / np.linalg.norm(g) + 1e-9)


@pytest.mark.parametrize(("g", "threshold"), CASES)
def test_a_cut_by_norm_keeps_the_direction_and_one_by_value_still_goes_downhill(g, threshold):
    assert ch15.cosine(g, ch15.cut_by_norm(g, threshold)) == pytest.approx(1)
    assert ch15.cosine(g, ch15.cut_by_value(g, threshold)) >= 1 / np.sqrt(len(g)) - 1e-9


@pytest.mark.parametrize(("times", "beta2"), [(100.0, 0.99), (7.0, 0.95), (0.5, 0.999)])
def test_a_long_gradient_is_remembered_as_long_as_the_second_average_of_adamw_lasts(times, beta2):
    theta, ages = np.zeros(3), np.arange(0, 60, 7)
    optimizer = make_optimizer("adamw", theta, beta2=beta2, weight_decay=0.0)
    optimizer.load_state({"t": np.array(1), "m": np.ones(3), "v": np.ones(3)})
    found = []
    for step in range(60):
        optimizer.update(theta, np.full(3, times if step == 0 else 1.0), 1e-3)
        found.append(np.sqrt(optimizer.memory["v"][0]))
    np.testing.assert_allclose(np.array(found)[ages], ch15.slowed(times, ages.astype(float), beta2), rtol=1e-9)


def test_adamw_does_not_see_a_factor_of_all_gradients_and_sgd_does():
    def walked(name, factor):
        rng, theta = generator(0, "gradients"), np.ones(8)
        optimizer = make_optimizer(name, theta, eps=1e-12) if name == "adamw" else make_optimizer(name, theta)
        for _ in range(30):
            optimizer.update(theta, factor * rng.normal(size=8), 0.01)
        return theta

    np.testing.assert_allclose(walked("adamw", 100.0), walked("adamw", 1.0), rtol=1e-8)
    assert abs(walked("momentum", 100.0) - walked("momentum", 1.0)).max() > 1


@pytest.mark.parametrize("call", [
    lambda: ch15.cut_by_value([1.0], 0.0), lambda: ch15.cut_by_norm([[1.0]], 1.0),
    lambda: ch15.cosine([1.0], [1.0, 2.0]), lambda: ch15.slowed(0.0, [1.0]), lambda: ch15.recipe("muon", 0.1)])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()
