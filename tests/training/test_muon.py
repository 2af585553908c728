"""Muon is what its authors' library does, head by head; runs with it, and in few bits, go on bit for bit."""

import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
import two_processes

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.transformer import init
from transformer_lab.models.transformer import Transformer
from transformer_lab.training import fit
from transformer_lab.training.muon import Muon, is_map, orthogonal
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.torch_stepper import TorchStepper

CONFIG = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, n_kv_heads=1, n_layers=2, d_mlp=12, norm="rms",
                     positions="rotary", mask="causal", bias_mlp=False, bias_unembed=False)

SMALL = ModelConfig(d_vocab=7, n_ctx=5, d_model=8)


def examples(step=0):
    rng = generator(0, "examples", step)
    return rng.integers(7, size=(6, 5)), rng.integers(7, size=(6, 5))


def stepper(optimizer="muon", **settings):
    return TorchStepper(Transformer(CONFIG, init(CONFIG)), optimizer, **settings)


@pytest.mark.parametrize("shape", [(6, 6), (4, 16), (16, 4)])
def test_a_plain_matrix_moves_as_with_pytorchs_own_muon(shape):
    theirs_class = getattr(torch.optim, "Muon", None)
    if theirs_class is None:
        pytest.skip("this PyTorch has no Muon")
    torch.manual_seed(0)
    first = torch.randn(shape)
    ours, theirs = torch.nn.Parameter(first.clone()), torch.nn.Parameter(first.mT.clone())  # theirs are (out, in)
    muon, other = (Muon({"blocks.0.W_in": ours}, mu=0.9, weight_decay=0.1, dtype=torch.bfloat16),
                   theirs_class([theirs], lr=0.05, momentum=0.9, weight_decay=0.1))
    for step in range(8):
        ours.grad = torch.from_numpy(generator(0, "g", step).normal(size=shape)).float()
        theirs.grad = ours.grad.mT.clone()
        muon.param_groups[0]["lr"] = 0.05
        muon.step(), other.step()
    assert (ours - theirs.mT).norm() < 0.03 * (ours - first).norm()  # they round to few bits in another order


def test_the_singular_values_of_a_step_are_all_near_one():
    values = torch.linalg.svdvals(orthogonal(torch.from_numpy(generator(0, "g").normal(size=(5, 12, 40)))))
    assert values.min() > 0.6 and values.max() < 1.3


def test_each_head_is_a_matrix_of_its_own():
    """A head's step does not depend on the other heads' gradients, and is orthogonal."""
    steps = []
    for louder in (1.0, 50.0):
        W = torch.nn.Parameter(torch.zeros(8, 2, 4, dtype=torch.float64))
        W.grad = torch.from_numpy(generator(0, "g").normal(size=W.shape))
        W.grad[:, 1] *= louder
        muon = Muon({"blocks.0.W_Q": W})
        muon.param_groups[0]["lr"] = 1.0
        muon.step()
        steps.append(W.detach())
    assert torch.allclose(steps[0], steps[1], atol=1e-9)
    values = torch.linalg.svdvals(steps[0].movedim(1, 0))
    assert values.min() > 0.6 and values.max() < 1.3


def test_maps_of_the_blocks_are_moved_by_muon_and_all_else_by_adamw():
    found = stepper(weight_decay=0.1, rest=0.5)
    maps, others = (set(part.named) for part in found.parts)
    assert maps == {f"blocks.{i}.{name}" for i in (0, 1) for name in ("W_Q", "W_K", "W_V", "W_O", "W_in", "W_out")}
    assert maps | others == set(found.named) and not any(map(is_map, others))
    found.step(examples(), 0.02)
    rates = [part.optimizer.param_groups[0]["lr"] for part in found.parts]
    assert rates == [0.02, 0.01] and found.settings()["rest"]["optimizer"] == "AdamW"


def test_with_muon_the_loss_falls():
    found = stepper()
    losses = [found.step(examples(), 0.05)["loss"] for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


KINDS = {"muon": {}, "few bits": {"precision": "bfloat16"}, "clipped": {"max_norm": 0.1}, "measured": {
    "max_norm": math.inf}, "AdamW in few bits": {"optimizer": "adamw", "precision": "bfloat16"}}


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(settings):
    saved, made = {}, {"steps": 9, "learning_rate": 0.01}
    whole, resumed = stepper(**settings), stepper(**settings)
    first = fit(whole, examples, checkpoint=lambda step, state, history: saved.update({step: state}), **made)
    resumed.load_state(saved[4])
    again = fit(resumed, examples, start=4, **made)
    for name, value in whole.state().items():
        np.testing.assert_array_equal(value, resumed.state()[name])
    np.testing.assert_array_equal(first["loss"][4:], again["loss"])


def test_few_bits_change_the_loss_a_little_and_weights_keep_all_theirs():
    exact, rough = stepper(), stepper(precision="bfloat16")
    losses = [each.step(examples(), 0.01)["loss"] for each in (exact, rough)]
    assert 0 < abs(losses[0] - losses[1]) < 0.02
    assert {value.dtype for name, value in rough.state().items() if name != "optimizer.t"} == {np.dtype("float32")}


@pytest.mark.parametrize("make", [stepper, partial(Stepper, init(SMALL), SMALL)], ids=["PyTorch", "by hand"])
def test_an_infinite_limit_measures_the_norm_and_cuts_nothing(make):
    plain, measured = make(), make(max_norm=math.inf)
    for step in range(3):
        loss, found = plain.step(examples(step), 0.01), measured.step(examples(step), 0.01)
        assert float(found.pop("gradient_norm")) > 0 and found == loss
    for name, value in plain.state().items():
        np.testing.assert_array_equal(value, measured.state()[name])


@pytest.mark.parametrize("settings", [{"precision": "float8"}, {"device": "abacus"}, {"compiled": 1}, {"rest": 0},
                                      {"mu": 2}, {"beta3": 1}, {"max_norm": math.nan}, {"max_norm": -math.inf}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(LabError, match="allowed is"):
        stepper(**settings)


def test_two_processes_take_the_steps_of_one(tmp_path):
    """Over gloo, each on half of the rows, with Muon and a cut gradient: the same losses to 1e-6."""
    if not torch.distributed.is_available():
        pytest.skip("this PyTorch trains in one process alone")
    started = [subprocess.Popen([sys.executable, two_processes.__file__, str(rank), str(tmp_path / "meeting"),
                                 str(tmp_path / f"{rank}.npy")], stderr=subprocess.PIPE) for rank in (0, 1)]
    for each in started:
        assert not each.wait(timeout=300), each.stderr.read().decode()
        each.stderr.close()
    alone, both = two_processes.losses(), [np.load(tmp_path / f"{rank}.npy") for rank in (0, 1)]
    np.testing.assert_array_equal(*both)
    np.testing.assert_allclose(both[0], alone, atol=1e-6)
