"""Chapter 12's records: of the recipes that are declared, judged over all windows; rungs differ in what they say."""

import dataclasses

import numpy as np
import pytest

from chapters.ch12 import study as ch12
from transformer_lab import places
from transformer_lab.tasks import text
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run
from transformer_lab.training.held_out import losses_at

SHIPPED = [study for study in (ch12.ENDS, ch12.ENDS_AGAIN, ch12.LADDER, ch12.LADDER_AGAIN, ch12.TWENTY,
                            ch12.WIDER_HEADS)
           if places.shipped("studies", study.name).is_dir()]


@pytest.mark.parametrize("study", SHIPPED, ids=lambda study: study.name)
def test_a_record_is_whole_and_its_loss_is_the_mean_over_positions(study):
    found = study.load()
    assert np.isfinite(found.held_out).all() and (found.seconds > 0).all()
    np.testing.assert_allclose(found.by_position.mean("pos"), found.held_out, rtol=1e-5)
    assert (found.tenth.isel(mark=-1) < found.tenth.isel(mark=0) - 1).all()


def test_our_end_is_on_average_below_a_nat_and_a_half_in_the_seconds_of_two_cores():
    if not {ch12.ENDS, ch12.ENDS_AGAIN} <= {*SHIPPED}:
        pytest.skip("the records of the ends are not made yet")
    found = ch12.ends()
    ours = found.sel(end="ours")
    assert ours.held_out.mean() < 1.5 and ours.held_out.max() < 1.51 and ours.seconds.max() <= 300
    assert (found.held_out.sel(end="nanoGPT") - ours.held_out).min() > 0.2


def test_the_twenty_differ_by_their_seeds_alone_and_not_much():
    found = ch12.TWENTY.load().held_out
    assert found.sizes == {"seed": 20} and len(np.unique(found)) == 20 and 0.005 < found.std(ddof=1) < 0.05


def test_a_rung_changes_what_it_says_and_nothing_else():
    def settings(change):
        run = ch12.recipe(change, 2000)
        return {field.name: getattr(part, field.name) for part in (run.task, run.model, run.training)
                for field in dataclasses.fields(part)}

    changes = ch12.CHANGES | {ch12.WIDER: {"n_heads": 2, "d_head": 64}}  # the width of a head follows their number
    rungs = [settings(change) for change in changes]
    for (change, said), before, after in zip(list(changes.items())[1:], rungs[:-1], rungs[1:], strict=True):
        moved = {name for name in before if before[name] != after[name]}
        assert moved == (set(said) or {"n_ctx"}), change


def test_longer_windows_hold_as_many_characters_a_step(monkeypatch):
    monkeypatch.setattr(ch12.text, "sample", lambda task, n, **rest: (task.n_ctx, n))
    run = ch12.recipe("ever longer windows", 400)
    steps = [ch12.batches(run)(step) for step in (0, 199, 200, 299, 300, 399)]
    assert steps == [(64, 24), (64, 24), (128, 12), (128, 12), (256, 6), (256, 6)]


def test_what_is_judged_is_the_loss_of_each_position_of_all_windows():
    task = TextTask("sonnet", n_ctx=16)
    module = Run.of(task, library="torch", n_layers=1, d_model=16, d_mlp=32).stepper().module
    held_out, _ = text.tests(task)
    alone = [[module.loss(*(torch_of(part[None]) for part in (row, targets)), weights=torch_of(at)).item()
              for at in np.eye(16)] for row, targets in zip(*held_out, strict=True)]
    np.testing.assert_allclose(losses_at(module, held_out), np.mean(alone, axis=0), rtol=1e-5)


def torch_of(array):
    import torch
    return torch.as_tensor(array)


def test_a_run_that_is_trained_is_measured_and_timed():
    run = Run.of(ch12.windows(64), **ch12.BASELINE | {"steps": 4, "warmup": 0, "n_layers": 1, "d_model": 8,
                                                     "d_mlp": 8, "batch": 2})
    found = ch12.trained(run, 2)
    assert found["by_position"][1].shape == (64,) and found["seconds"] > 0 and len(found["tenth"][1]) == 3
