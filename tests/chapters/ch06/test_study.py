"""Chapter 06: arms that differ in one thing, a record that comes out again, witnesses that see every mistake."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from chapters.ch06 import study
from chapters.ch06.planted import ARMS, PLANTED, gradients, with_mistake
from chapters.ch06.witnesses import SMALL, every_tensor
from transformer_lab import LabError
from transformer_lab.byhand.attention import softmax, softmax_pullback
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.byhand.transformer import backward, forward
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.splits import leakage, split
from transformer_lab.training.stepper import Stepper

TWO = (0, 1)


@pytest.fixture(scope="module")
def found():
    return study.WRONG_GRADIENTS.load()


def test_arms_share_the_start_and_seeds_share_neither_weights_nor_batches_nor_split(found):
    assert list(found.arm) == list(ARMS) and found.sizes["seed"] == 20
    first = found.held_out.sel(step=0)
    assert all((first.sel(arm=arm) == first.sel(arm="right")).all() for arm in ARMS)
    weights, batch = study.first_weights(TWO), study.batches(TWO, 0)
    assert not np.array_equal(weights["W_U"][0], weights["W_U"][1])
    assert not np.array_equal(batch.tokens[0], batch.tokens[1])
    assert not np.array_equal(study.parts(0).held_out.tokens, study.parts(1).held_out.tokens)


def test_no_held_out_input_is_trained_on():
    for seed in TWO:
        assert leakage(*split(all_inputs(study.TASK), held_out=0.2, seed=seed)).shared == 0
        rows = [{tuple(row) for row in part.tokens.tolist()} for part in study.parts(seed)]
        assert [len(part) for part in rows] == [4000, 1000] and not rows[0] & rows[1]


@pytest.mark.parametrize("arm", ARMS)
def test_a_record_begins_as_the_study_does_that_is_made_again(found, arm):
    weights = study.first_weights(TWO)
    held_out = study.side_by_side(study.parts(seed).held_out for seed in TWO)
    kept = found.sel(arm=arm, seed=list(TWO))
    assert study.accuracy(weights, held_out) == pytest.approx(kept.held_out.sel(step=0).values, abs=0.002)
    cosines = study.cosines(arm, weights, held_out)
    assert list(cosines) == list(found.tensor)
    assert cosines["blocks.0.W_V"] == pytest.approx(
        kept.cosine.sel(when="before", tensor="blocks.0.W_V").values, abs=1e-3)


def test_the_weights_that_are_shipped_answer_as_the_record_says(found):
    weights = {name: found[name].values for name in parameter_shapes(study.CONFIG)}
    kept = found.sel(arm="right", seed=0)
    trained_on, held_out = study.parts(0)
    assert study.accuracy(weights, held_out) == pytest.approx(float(kept.held_out[-1]), abs=0.002)
    assert study.accuracy(weights, trained_on) == pytest.approx(float(kept.trained_on[-1]), abs=0.001)
    assert np.array_equal(found["read_out.W_U"][0], weights["W_U"])


def test_the_right_arm_is_an_ordinary_stepper_and_the_same_run_twice_has_the_same_bytes():
    ours, theirs = (Stepper(study.first_weights(TWO), model, "adam", beta2=0.98)
                    for model in (partial(gradients, "right", config=study.CONFIG), study.CONFIG))
    for stepper in (ours, theirs):
        stepper.step(study.batches(TWO, 0), 0.01)
    assert all(np.allclose(ours.params[name], value, atol=1e-5) for name, value in theirs.params.items())
    one, other = (study.train("copied", TWO, stop=2)[0] for _ in range(2))
    assert all(np.array_equal(one[name], value) for name, value in other.items())


def test_copied_gradients_are_copies_and_twice_is_the_right_gradient_of_another_loss():
    config, (tokens, targets) = study.CONFIG, (part[0] for part in study.batches(TWO, 0))
    params = {name: value[0].astype(np.float64) for name, value in study.first_weights(TWO).items()}
    acts = forward(params, tokens, config)
    wrong = with_mistake("copied", params, acts, targets, config)
    assert np.array_equal(wrong["blocks.1.W_Q"], wrong["blocks.1.W_V"])
    assert np.array_equal(wrong["blocks.0.W_K"], wrong["blocks.0.W_V"])

    def brier(params):
        p = softmax(forward(params, tokens, config)["logits"])
        return ((p - np.eye(config.d_vocab)[targets]) ** 2).sum(-1).mean() / 2

    report = check_gradients(brier, params, with_mistake("twice", params, acts, targets, config),
                             witnesses=("complex_step",), entries=3)
    assert report.ok, report


def test_both_are_both_and_the_control_trains_no_query_and_no_key():
    batch, params = study.batches(TWO, 0), study.first_weights(TWO)
    found = {name: gradients(name, params, batch, study.CONFIG)[1] for name in ("twice", "both", "frozen")}
    assert np.array_equal(found["both"]["W_U"], found["twice"]["W_U"])
    assert np.array_equal(found["both"]["blocks.1.W_Q"], found["both"]["blocks.1.W_V"])
    trained, _ = study.train("frozen", TWO, stop=2)
    for name, value in params.items():
        assert np.array_equal(trained[name], value) == name.endswith(("W_Q", "W_K")), name


def test_the_gradient_over_all_inputs_does_not_depend_on_the_pieces_it_is_summed_from():
    one, other = (study.gradient_sizes("residual", 3, pieces=pieces)["size"][1] for pieces in (10, 20))
    assert one == pytest.approx(other, rel=1e-6, abs=1e-14)
    kept = study.FIRST_GRADIENTS.load()["size"].sel(missing="residual", seed=3)
    assert one == pytest.approx(kept.transpose("tensor", "layer").values, rel=1e-6, abs=1e-14)


def test_every_tensor_is_right_before_every_witness_also_causal_tied_and_after_the_sum():
    for change in ({}, {"mask": "causal", "read_out": "all"}, {"tied": True}, {"placement": "post", "norm": "rms"}):
        report = every_tensor(replace(SMALL, **change), n_draws=5, entries=3)
        assert report.ok, report


@pytest.mark.parametrize("mistake", PLANTED)
def test_every_mistake_is_seen_by_every_witness(mistake):
    report = every_tensor(gradient=mistake, n_draws=3, entries=4)
    for witness in ("complex_step", "central_differences", "autograd"):
        assert not report["blocks.0.W_Q", witness].ok


def test_the_right_gradient_is_the_package_s_own():
    batch, params = study.batches(TWO, 0), study.first_weights(TWO)
    right = backward(params, forward(params, batch.tokens, study.CONFIG), batch.targets, study.CONFIG)
    assert all(np.array_equal(right[name], grad)
               for name, grad in gradients("right", params, batch, study.CONFIG)[1].items())


def test_softmax_twice_keeps_the_sum_of_zero_and_hides_a_sure_mistake():
    p = softmax(np.array([12.0, 0.0, 0.0]))
    wrong = softmax_pullback(p, p - np.array([0.0, 1.0, 0.0]))
    assert abs(wrong.sum()) < 1e-12 and np.abs(wrong).max() < 1e-3


def test_nonsense_is_answered_in_words():
    params, batch = study.first_weights(TWO), study.batches(TWO, 0)
    acts = forward(params, batch.tokens, study.CONFIG, trim=True)
    for call in (lambda: study.train("lost", TWO), lambda: every_tensor(gradient="lost"),
                 lambda: study.first_weights([-1]),
                 lambda: with_mistake("copied", params, acts, batch.targets, study.CONFIG)):
        with pytest.raises(LabError):
            call()
