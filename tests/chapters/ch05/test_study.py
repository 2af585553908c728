"""The ablation study: arms differ in one thing, nothing leaks, the shipped record is what the code makes."""

from dataclasses import replace

import numpy as np
import pytest

from chapters.ch05.study import (
    ARMS,
    PARTS,
    TASK,
    AblationRun,
    accuracy,
    by_operation,
    load,
    parts,
    record,
    taken_out,
    train,
    trained,
)
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.tasks.answers import examples
from transformer_lab.tasks.splits import leakage
from transformer_lab.training.stepper import Stepper
from transformer_lab.widgets.bundle import JS
from transformer_lab.widgets.page_data import page_bytes

FULL = ARMS["full"]


def test_each_arm_changes_what_its_name_says_and_nothing_else():
    differ = {arm: {key for key, value in run.model.to_dict().items() if FULL.model.to_dict()[key] != value}
              for arm, run in ARMS.items()}
    assert differ == {"full": set(), "no residual": {"residual"}, "no norm": {"norm"}, "norm after": {"placement"},
                      "no feed-forward": {"d_mlp"}, "one head": {"n_heads", "d_head"},
                      "no output projection": {"output_projection"}, "read at the first token": {"read_out"},
                      "read off the mean": {"read_out"}, "one layer": {"n_layers"},
                      "one layer, no feed-forward": {"n_layers", "d_mlp"}, "six layers": {"n_layers"},
                      "six layers, no residual": {"n_layers", "residual"}}
    assert {run.to_dict() | {"arm": ""} == FULL.to_dict() | {"arm": ""} for run in ARMS.values()} == {True}


def test_no_seed_is_tested_on_what_it_trains_on():
    for seed in FULL.seeds:
        assert leakage(*parts(seed)).shared == 0
        train = {tuple(row) for row in examples(TASK, parts(seed).train).tokens}
        small = replace(FULL, n_seeds=1, seed=seed)
        assert all(tuple(row) in train for step in (0, 700, 1499) for row in small.batches(step)[0][0])
    assert parts(0).held_out != parts(1).held_out


def test_batches_are_those_of_the_seed_whatever_the_arm_and_the_company():
    tokens, targets = FULL.batches(11)
    assert tokens.shape == (10, 32, 8) and targets.shape == (10, 32)
    for run in (ARMS["one layer"], replace(FULL, n_seeds=2, seed=3)):
        got = run.batches(11)
        at = slice(run.seed, run.seed + run.n_seeds)
        assert (got[0] == tokens[at]).all() and (got[1] == targets[at]).all()


@pytest.mark.parametrize("arm", ARMS)
def test_the_shipped_record_is_whole_and_its_parts_agree(arm):
    found = load(arm)
    assert found.state["by_operation"].shape == (10, 5)
    final = found.state["held_out_accuracy"][-1]
    assert np.abs(found.state["by_operation"].mean(axis=1) - final).max() <= 1e-6
    assert found.history.rows[-1]["held_out_accuracy"] == pytest.approx(np.median(final), abs=1e-6)


@pytest.mark.parametrize("arm", ["full", "norm after"])
def test_training_again_gives_the_record(arm):
    run, curve = ARMS[arm], load(arm).state["loss"]
    stepper = Stepper(init(run.model, n_seeds=10), run.model, "adamw", beta2=0.98, weight_decay=0.1)
    losses = [stepper.step(run.batches(step), 4e-3 * (step + 1) / 100)["loss"] for step in range(51)]
    assert np.abs(losses[0] / curve[0] - 1).max() <= 1e-5
    assert np.abs(losses[50] / curve[1] - 1).max() <= 1e-2  # float32, fifty updates on


@pytest.mark.parametrize("by", ["mean", "zero"])
def test_a_part_taken_out_again_leaves_what_the_record_says(by):
    run, (_, params) = replace(FULL, n_seeds=1), trained()
    params = {name: value[None].astype(np.float32) for name, value in params.items()}
    assert np.abs(by_operation(run, params) - load("full").state["by_operation"][:1]).max() <= 0.005
    for part in ("layer 0: attention", "layer 1: head 2", "layer 0: feed-forward"):
        shipped = load("full").state[f"without {part} ({by})"][:1]
        assert np.abs(taken_out(run, params, part, by=by) - shipped).max() <= 0.01


def test_accuracy_by_operation_is_counted_right():
    run = AblationRun(n_seeds=2, steps=1, seed=4)
    params = init(run.model, n_seeds=2, seed=4)
    for i, seed in enumerate(run.seeds):
        mine, data = {name: value[i] for name, value in params.items()}, examples(TASK, parts(seed).held_out)
        right = forward(mine, data.tokens, run.model)["logits"].argmax(-1) == data.targets
        each = [right[[x[0] == name for x in parts(seed).held_out]].mean() for name in TASK.operations]
        assert np.abs(by_operation(run, params)[i] - each).max() <= 0.005
        assert abs(accuracy(run, params)[i] - right.mean()) <= 0.001


def test_the_explorable_reads_the_recorded_weights():
    config, params = trained()
    packed = page_bytes({"model": (params, config)})
    assert (JS / "data" / "block-trace.bin").read_bytes() == packed and len(packed) < 120_000
    assert len(PARTS) == 12


def test_a_record_that_is_there_is_not_trained_again():
    assert record("full").name == load("full").name


def test_no_two_seeds_begin_with_the_same_weights():
    weights = train(AblationRun(n_seeds=3, steps=1, learning_rate=1e-6), every=1)[0]["W_E"]
    assert all(np.abs(weights[i] - weights[j]).max() > 0.01 for i, j in ((0, 1), (0, 2), (1, 2)))
