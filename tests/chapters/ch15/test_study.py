"""Chapter 15's stepper and records: it cuts what and when it says, spoils what is planned, and keeps what it should."""

import numpy as np
import pytest
import torch

from chapters.ch15 import page
from chapters.ch15 import study as ch15
from chapters.ch15.cuts import VALUES, Cut, cosine, cut_by_value
from transformer_lab import places
from transformer_lab.models.transformer import Transformer
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run
from transformer_lab.widgets.bundle import JS

SHIPPED = [study for study in (ch15.CLIPPING, ch15.SPOILT, ch15.FORGOTTEN, ch15.OTHERWISE)
           if places.shipped("studies", study.name).is_dir()]
SMALL = Run.of(TextTask("sonnet", n_ctx=16), **ch15.MODEL | {"n_layers": 1, "d_model": 16, "d_mlp": 32, "steps": 30,
                                                             "batch": 2})


def cut_of(**changes):
    return Cut(Transformer(SMALL.model, SMALL.first()), changes.pop("optimizer", "sgd"), **changes)


def moved(stepper, steps=1, rate=1.0):
    before = stepper.state()
    for step in range(steps):
        stepper.step(SMALL.batches(step), rate)
    return np.concatenate([(before[name] - stepper.state()[name]).ravel() for name in stepper.named])


def test_a_step_of_sgd_is_what_the_cut_leaves():
    whole = moved(cut_of())
    assert np.linalg.norm(moved(cut_of(by="norm", threshold=0.5))) == pytest.approx(0.5, rel=1e-4)
    np.testing.assert_allclose(moved(cut_of(by="value", threshold=0.01)), cut_by_value(whole, 0.01), atol=1e-6)
    assert cosine(whole, moved(cut_of(by="norm", threshold=0.5))) == pytest.approx(1, abs=1e-6)


def test_it_cuts_first_or_later_and_spoils_where_it_is_told():
    first, later = (cut_of(by="norm", threshold=1e-3, when=when) for when in ("first", "later"))
    assert np.linalg.norm(moved(first)) < 2e-3 < np.linalg.norm(moved(later))
    for stepper in (first, later):
        stepper.t = 20
    assert np.linalg.norm(moved(later)) < 2e-3 < np.linalg.norm(moved(first))
    np.testing.assert_allclose(moved(cut_of(spoilt=(0,), weight=100.0)), 100 * moved(cut_of()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("memory", ["exp_avg", "exp_avg_sq"])
def test_a_memory_that_is_kept_forgets_the_spoilt_step_alone(memory):
    stepper = cut_of(optimizer="adamw", spoilt=(1,), weight=100.0, kept=memory)
    other = ({"exp_avg", "exp_avg_sq"} - {memory}).pop()
    moved(stepper, 1)
    kept = {name: tensor.clone() for name, tensor in stepper.memory().items()}
    stepper.step(SMALL.batches(1), 0.01)
    now = stepper.memory()
    assert all(torch.equal(now[key], kept[key]) for key in kept if key[1] == memory)
    assert not any(torch.equal(now[key], kept[key]) for key in kept if key[1] == other and kept[key].abs().max() > 0)


def test_both_memories_can_forget_the_spoilt_step():
    stepper = cut_of(optimizer="adamw", spoilt=(1,), weight=100.0, kept="both")
    moved(stepper, 1)
    kept = {name: tensor.clone() for name, tensor in stepper.memory().items() if name[1] in ("exp_avg", "exp_avg_sq")}
    before = stepper.state()
    stepper.step(SMALL.batches(1), 0.01)
    now, after = stepper.memory(), stepper.state()
    assert all(torch.equal(now[key], kept[key]) for key in kept)
    assert any((before[name] != after[name]).any() for name in before)


def test_angles_are_those_of_cuts_by_hand():
    stepper = cut_of(every=10)
    whole = moved(stepper)
    for threshold, (turned, entries, left) in zip(VALUES, stepper.cosines[0], strict=True):
        cut = cut_by_value(whole, threshold)
        assert turned == pytest.approx(cosine(whole, cut), abs=1e-3)
        assert entries == pytest.approx((abs(whole) > threshold).mean(), abs=2e-3)
        assert left == pytest.approx(np.linalg.norm(cut) / np.linalg.norm(whole), abs=1e-3)


def test_random_characters_stand_in_the_spoilt_batches_alone_and_are_the_same_each_time():
    run = ch15.recipe("momentum", 0.4, 3)
    batches, letters = ch15.scrambled(run), len(run.task.alphabet)
    for step in (0, 49, 50, 51, 150):
        found, own = batches(step), run.batches(step)
        assert found.tokens.shape == own.tokens.shape and found.tokens.dtype == own.tokens.dtype
        assert np.array_equal(found.tokens, own.tokens) == (step not in ch15.SPOILT_AT)
        np.testing.assert_array_equal(found.tokens[:, 1:], found.targets[:, :-1])
        np.testing.assert_array_equal(batches(step).targets, found.targets)
    drawn = np.concatenate([batches(step).targets.ravel() for step in ch15.SPOILT_AT])
    counts = np.bincount(drawn, minlength=letters)
    assert len(counts) == letters and abs(counts / counts.mean() - 1).max() < 0.6


@pytest.mark.parametrize("study", SHIPPED, ids=lambda study: study.name)
def test_a_record_has_a_loss_for_every_run_that_came_to_its_end(study):
    found = study.load()
    for arm in study.arms:
        one = found.sel(arm)
        assert (np.isnan(one.held_out) == (one.diverged >= 0)).all()
        assert (one.held_out.dropna("seed") > 1.669).all()  # the 5-gram


def test_the_shipped_gradients_are_those_of_the_record():
    if ch15.CLIPPING not in SHIPPED:
        pytest.skip("the record is not made yet")
    assert (JS / "data" / "clipped-norms.bin").read_bytes() == page.met_bytes()
