"""Training by hand and with autograd is one training: up to rounding, and no further than rounding is blown up."""

import numpy as np
import pytest

from chapters.ch10.parity import drift
from transformer_lab.byhand.transformer import loss_and_gradients
from transformer_lab.training import stepper


@pytest.fixture(scope="module")
def doubles():
    return drift(60)


def test_in_double_precision_the_two_stay_together(doubles):
    assert doubles["weights"][0] == 0 and 0 < doubles["weights"].max() < 1e-12
    np.testing.assert_allclose(doubles["by_hand"], doubles["autograd"], rtol=0, atol=1e-12)
    assert doubles["by_hand"][-1] < doubles["by_hand"][0] - 0.5


def test_in_single_precision_they_drift_apart_but_learn_alike(doubles):
    singles = drift(60, precision="float32")
    assert singles["weights"][1] < 1e-6 and 1e6 * doubles["weights"].max() < singles["weights"][-1] < 0.1
    np.testing.assert_allclose(singles["by_hand"][:5], singles["autograd"][:5], atol=1e-5)


def test_a_gradient_that_is_a_millionth_too_long_is_seen(monkeypatch):
    def longer(params, *given, **settings):
        value, grads = loss_and_gradients(params, *given, **settings)
        return value, grads | {"blocks.1.W_V": grads["blocks.1.W_V"] + 1e-6 * grads["blocks.1.W_V"].std()}

    monkeypatch.setattr(stepper, "loss_and_gradients", longer)
    assert drift(3)["weights"][-1] > 1e-10
