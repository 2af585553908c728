"""What is measured while a model trains is what one computes alone, with other means; and changes nothing."""

import math

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.transformer import forward, init, loss_and_gradients
from transformer_lab.models.transformer import Transformer
from transformer_lab.training import fit
from transformer_lab.training.measures import ACTIVATIONS, Measured
from transformer_lab.training.torch_stepper import TorchStepper

CONFIG = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, n_layers=2, d_mlp=12, norm="layer", positions="learned",
                     mask="causal")
PARAMS = init(CONFIG, dtype=np.float64)


def examples(step=0):
    rng = generator(0, "examples", step)
    return rng.integers(7, size=(6, 5)), rng.integers(7, size=(6, 5))


def stepper(**settings):
    return TorchStepper(Transformer(CONFIG, PARAMS), **settings)


def norm(arrays):
    return math.sqrt(sum(float((array**2).sum()) for array in arrays))


@pytest.mark.parametrize("max_norm", [0.0, 0.05, math.inf])
def test_each_measure_is_what_the_model_by_hand_gives(max_norm):
    measured = Measured(stepper(max_norm=max_norm, optimizer="sgd"), 3)
    found, (tokens, targets) = measured.step(examples(), 0.1), examples()
    acts = forward(PARAMS, tokens, CONFIG)
    _, grads = loss_and_gradients(PARAMS, tokens, targets, CONFIG)
    for layer in (0, 1):
        for name in ACTIVATIONS:
            value = acts[f"blocks.{layer}.{name}"]
            assert found[f"rms blocks.{layer}.{name}"] == pytest.approx(np.sqrt((value**2).mean()))
            assert found[f"largest blocks.{layer}.{name}"] == pytest.approx(abs(value).max())
        pattern = acts[f"blocks.{layer}.pattern"]
        logs = np.log(pattern, out=np.zeros_like(pattern), where=pattern > 0)
        np.testing.assert_allclose(found[f"entropy blocks.{layer}"], -(pattern * logs).sum(-1).mean((0, 2)), rtol=1e-6)
    cut = min(1.0, max_norm / norm(grads.values())) if max_norm else 1.0
    for layer in ("blocks.0", "blocks.1", "ends"):
        names = [name for name in PARAMS if (name.rpartition(".")[0] or "ends") == layer]
        assert found[f"gradient {layer}"] == pytest.approx(norm(grads[name] for name in names))
        assert found[f"update {layer}"] == pytest.approx(
            0.1 * cut * norm(grads[name] for name in names) / norm(PARAMS[name] for name in names))


def test_measuring_changes_no_step_and_comes_at_every_third():
    plain, measured = stepper(), Measured(stepper(), 3)
    one, other = (fit(each, examples, steps=7, learning_rate=0.01) for each in (plain, measured))
    np.testing.assert_array_equal(one["loss"], other["loss"])
    assert all(np.array_equal(value, measured.state()[name]) for name, value in plain.state().items())
    entropy = other["entropy blocks.1"]
    assert entropy.shape == (8, 2) and np.flatnonzero(np.isfinite(entropy[:, 0])).tolist() == [0, 3, 6]


def test_a_tap_of_the_stepper_is_seen_and_stays():
    def silenced(name, value):
        return torch.zeros_like(value) if name == "blocks.0.mlp_out" else value

    found = Measured(TorchStepper(Transformer(CONFIG, PARAMS), tap=silenced), 1)
    assert found.step(examples(), 0.1)["largest blocks.0.mlp_out"] == 0 and found.stepper.tap == {"tap": silenced}


@pytest.mark.parametrize("given", [("stepper",), (None, 0), (None, 1, ["mlp_outt"]), (None, 1, 3)])
def test_what_cannot_be_measured_is_refused(given):
    with pytest.raises(LabError, match="allowed is"):
        Measured(*[stepper() if each is None else each for each in given])
