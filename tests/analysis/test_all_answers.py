"""What a run answers to everything, against counting one answer after the other."""

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.analysis.all_answers import accuracies, answered
from transformer_lab.analysis.digit_model import load
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import TOKENS, operation_of, value
from transformer_lab.tasks.splits import leakage
from transformer_lab.training import Run

INPUTS = all_inputs(DigitTask())
TINY = Run.of(Digits(), n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=30, warmup=3, batch=8)
RIGHT = np.array([TOKENS.index(str(value(x))) for x in INPUTS])
RNG = generator(0, "all answers")
SAID = np.where(RNG.random((2, 3, 5000)) < 0.3, RIGHT, RNG.integers(20, size=(2, 3, 5000))).astype(np.uint8)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_small_run_is_scored_as_counting_scores_it(shuffled, tmp_path):
    run = TINY.replace(seed=1, data_seed=1, examples=10_000, distinct=False, shuffled=shuffled)
    found = answered(tmp_path / "tiny", run, at=(0, 30), every=10)
    model, record = load(tmp_path / "tiny")
    seen, test = set(model.run.task.parts.train), model.run.task.parts.held_out[1000:]
    wanted = {x: model.run.task.dealt[x] if shuffled else TOKENS.index(str(value(x))) for x in INPUTS}
    right = {x: TOKENS.index(word) == wanted[x] for x, word in zip(INPUTS, model.said(INPUTS), strict=True)}
    for i, name in enumerate(found["operation"][1]):
        mine = [x for x in INPUTS if name in (operation_of(x), "all")]
        for part, chosen in {"trained": [x for x in mine if x in seen], "unseen": [x for x in mine if x not in seen],
                             "all": mine, "test": [x for x in test if name in (operation_of(x), "all")]}.items():
            assert found[part][1][1, i] == pytest.approx(np.mean([right[x] for x in chosen]))
            assert found[f"counts.{part}"][1][i] == len(chosen)
    np.testing.assert_array_equal(found["curve.loss"][1], record.history["loss"].astype(np.float32))
    assert found["stopped"][1] == -1 and found["row"][1] == [0, 10, 20, 30]
    assert 0.75 < leakage(*model.run.task.parts).share < 0.85


def test_a_run_that_diverges_is_counted_and_not_hidden(tmp_path):
    run = TINY.replace(optimizer="sgd", weight_decay=0.0, learning_rate=1e9)
    found = answered(tmp_path / "far", run, at=(0, 30), every=10)
    assert found["stopped"][1] >= 0 and (found["all"][1][1] == 0).all() and (found["all"][1][0] > 0).any()
    assert np.isnan(found["curve.loss"][1][-1]) and found["curve.loss"][1].shape == (4,)


def test_accuracies_count_each_input_as_often_as_its_weight():
    groups, weights = np.arange(5000) // 1000, RNG.integers(3, size=5000).astype(float)
    repeated = np.repeat(np.arange(5000), weights.astype(int))
    found = accuracies(SAID == RIGHT, groups, weights=weights)
    for group in range(5):
        rows = repeated[groups[repeated] == group]
        np.testing.assert_allclose(found[..., group], (SAID == RIGHT)[..., rows].mean(-1))
    np.testing.assert_allclose(found[..., -1], (SAID == RIGHT)[..., repeated].mean(-1))
    assert np.isnan(accuracies([True, True], [0, 1], weights=[1.0, 0.0])[1])


def test_groups_that_do_not_fit_are_refused():
    with pytest.raises(LabError):
        accuracies([1, 0], [0, 0])
