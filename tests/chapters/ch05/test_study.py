"""The ablation study: arms differ in one thing, nothing leaks, the shipped record is what the code makes."""

import numpy as np
import pytest

from chapters.ch05.study import (
    ABLATION,
    CHANGES,
    PARTS,
    SEEDS,
    TASK,
    by_operation,
    model,
    parts,
    taken_out,
    train,
    trained,
)
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.tasks.answers import examples
from transformer_lab.tasks.splits import leakage
from transformer_lab.widgets.bundle import JS
from transformer_lab.widgets.page_data import page_bytes

FOUND = ABLATION.load()


def test_each_arm_changes_what_its_name_says_and_nothing_else():
    full = model().to_dict()
    differ = {arm: {key for key, value in model(arm).to_dict().items() if full[key] != value} for arm in CHANGES}
    assert differ == {"full": set(), "no residual": {"residual"}, "no norm": {"norm"}, "norm after": {"placement"},
                      "no feed-forward": {"d_mlp"}, "one head": {"n_heads", "d_head"},
                      "no output projection": {"output_projection"}, "read at the first token": {"read_out"},
                      "read off the mean": {"read_out"}, "one layer": {"n_layers"},
                      "one layer, no feed-forward": {"n_layers", "d_mlp"}, "six layers": {"n_layers"},
                      "six layers, no residual": {"n_layers", "residual"}}


def test_no_seed_is_tested_on_what_it_trains_on():
    assert all(leakage(*parts(seed)).shared == 0 for seed in SEEDS)
    assert parts(0).held_out != parts(1).held_out


def test_a_seed_has_its_own_weights_and_batches_whatever_its_company():
    pair, alone = (train(seeds=seeds, steps=3, every=1)[0] for seeds in ((4, 5), (5,)))
    for name in alone:
        np.testing.assert_allclose(pair[name][1], alone[name][0], atol=1e-5)
    first = train(seeds=(0, 1, 2), steps=1, learning_rate=1e-6)[0]["W_E"]
    assert all(np.abs(first[i] - first[j]).max() > 0.01 for i, j in ((0, 1), (0, 2), (1, 2)))


def test_the_shipped_record_is_whole_and_its_parts_agree():
    assert FOUND.sizes["arm"] == 13 and FOUND.sizes["seed"] == 10
    final = FOUND.held_out_accuracy.isel(step=-1)
    assert float(abs(FOUND.by_operation.mean("operation") - final).max()) <= 1e-2   # operations differ in number
    assert np.isfinite(FOUND.without.sel(arm="full")).all()


@pytest.mark.parametrize("arm", ["full", "norm after"])
def test_training_again_gives_the_record(arm):
    again = train(arm, (0, 1), every=50, steps=1500)[1]["held_out_accuracy"]
    shipped = FOUND.held_out_accuracy.sel(arm=arm, seed=[0, 1])
    assert np.abs(again[:3] - shipped[:3]).max() <= 0.02      # float32, a hundred updates on
    assert np.abs(again[-1] - shipped[-1]).max() <= 0.01


@pytest.mark.parametrize("by", ["mean", "zero"])
def test_a_part_taken_out_again_leaves_what_the_record_says(by):
    config, params = trained()
    params = {name: value[None].astype(np.float32) for name, value in params.items()}
    full = FOUND.sel(arm="full", seed=[0])
    assert np.abs(by_operation(config, params, (0,)) - full.by_operation).max() <= 0.005
    for part in ("layer 0: attention", "layer 1: head 2", "layer 0: feed-forward"):
        again = taken_out(params, part, (0,), by=by)
        assert np.abs(again - full.without.sel(part=part, by=by)).max() <= 0.01


def test_accuracy_by_operation_is_counted_right():
    params = init(model(), n_seeds=2, seed=4)
    for i, seed in enumerate((4, 5)):
        mine, data = {name: value[i] for name, value in params.items()}, examples(TASK, parts(seed).held_out)
        right = forward(mine, data.tokens, model())["logits"].argmax(-1) == data.targets
        each = [right[[x[0] == name for x in parts(seed).held_out]].mean() for name in TASK.operations]
        assert np.abs(by_operation(model(), params, (4, 5))[i] - each).max() <= 0.005


def test_the_explorable_reads_the_recorded_weights():
    config, params = trained()
    packed = page_bytes({"model": (params, config)})
    assert (JS / "data" / "block-trace.bin").read_bytes() == packed and len(packed) < 120_000
    assert len(PARTS) == 12
