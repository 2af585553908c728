"""Chapter 06: arms that differ in one thing, records that come out again, witnesses that see every mistake."""

from dataclasses import replace

import numpy as np
import pytest

from chapters.ch06.every_tensor import SMALL, every_tensor
from chapters.ch06.planted import PLANTED, with_mistake
from chapters.ch06.study import ARMS, WrongRun, cosines, gradients, load, record, train
from transformer_lab import LabError
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.byhand.softmax import softmax, softmax_pullback
from transformer_lab.byhand.transformer import backward, forward
from transformer_lab.errors import DataError
from transformer_lab.tasks.splits import leakage

SHORT = WrongRun(steps=4, n_seeds=2)


def test_the_arms_differ_in_the_gradient_alone_and_no_held_out_input_is_trained_on():
    records = {arm: load(arm) for arm in ARMS}
    assert {arm: found.config["gradient"] for arm, found in records.items()} == {arm: arm for arm in ARMS}
    assert len({repr(sorted((found.config | {"gradient": ""}).items())) for found in records.values()}) == 1
    run = WrongRun()
    assert all(leakage(*seed.parts).shared == 0 for seed in run.runs) and run.n_seeds == 10
    first = {arm: found.history["loss"][0] for arm, found in records.items()}
    assert all(np.array_equal(first[arm], first["right"]) for arm in ARMS)


@pytest.mark.parametrize("arm", ARMS)
def test_a_record_begins_as_the_run_does_that_is_made_again(arm):
    run = WrongRun(arm)
    again, kept = replace(run, n_seeds=2), load(arm)
    value, grads = gradients(arm, again.initial(), again.batches(0), again.model)
    assert value == pytest.approx(kept.history["loss"][0, :2], rel=1e-4)
    found = cosines(arm, run.initial(), run.held_out, run.model)["blocks.0.W_V"]
    assert found == pytest.approx(kept.state["before.blocks.0.W_V"], abs=1e-3)
    assert all(np.isfinite(grad).all() for grad in grads.values())


def test_the_right_arm_is_the_package_s_own_gradient_and_the_same_run_twice_has_the_same_bytes(tmp_path):
    batch, params = SHORT.batches(0), SHORT.initial()
    acts = forward(params, batch.tokens, SHORT.model)
    right = backward(params, acts, batch.targets, SHORT.model)
    assert all(np.array_equal(right[name], grad)
               for name, grad in gradients("right", params, batch, SHORT.model)[1].items())
    one, other = (record("copied", tmp_path / name, replace(SHORT, gradient="copied")) for name in "ab")
    assert one.manifest["sha256"] == other.manifest["sha256"]
    assert record("copied", tmp_path / "a", replace(SHORT, gradient="copied")).manifest == one.manifest
    with pytest.raises(DataError, match="another configuration"):
        record("copied", tmp_path / "a", replace(SHORT, gradient="copied", steps=5))


def test_copied_gradients_are_copies_and_twice_is_the_right_gradient_of_another_loss():
    params, batch = WrongRun(n_seeds=1).initial(), WrongRun(n_seeds=1).batches(0)
    config, seen = WrongRun().model, {}
    params = {name: value[0].astype(np.float64) for name, value in params.items()}
    tokens, targets = batch.tokens[0], batch.targets[0]
    acts = forward(params, tokens, config)
    wrong = with_mistake("copied", params, acts, targets, config)
    assert np.array_equal(wrong["blocks.1.W_Q"], wrong["blocks.1.W_V"])
    assert np.array_equal(wrong["blocks.0.W_K"], wrong["blocks.0.W_V"]) and not seen

    def brier(params):
        p = softmax(forward(params, tokens, config)["logits"])
        return ((p - np.eye(config.d_vocab)[targets]) ** 2).sum(-1).mean() / 2

    report = check_gradients(brier, params, with_mistake("twice", params, acts, targets, config),
                             witnesses=("complex_step",), entries=3)
    assert report.ok, report


def test_both_are_both_and_the_control_trains_no_query_and_no_key():
    batch, params = SHORT.batches(0), SHORT.initial()
    found = {name: gradients(name, params, batch, SHORT.model)[1] for name in ("twice", "both", "frozen")}
    assert np.array_equal(found["both"]["W_U"], found["twice"]["W_U"])
    assert np.array_equal(found["both"]["blocks.1.W_Q"], found["both"]["blocks.1.W_V"])
    trained, _ = train(replace(SHORT, gradient="frozen"))
    for name, value in params.items():
        assert np.array_equal(trained[name], value) == name.endswith(("W_Q", "W_K")), name


def test_every_tensor_is_right_before_every_witness_also_causal_tied_and_after_the_sum():
    for change in ({}, {"mask": "causal", "read_out": "all"}, {"tied": True}, {"placement": "post", "norm": "rms"}):
        report = every_tensor(replace(SMALL, **change), n_draws=5, entries=3)
        assert report.ok, report


@pytest.mark.parametrize("mistake", PLANTED)
def test_every_mistake_is_seen_by_every_witness(mistake):
    report = every_tensor(gradient=mistake, n_draws=3, entries=4)
    for witness in ("complex_step", "central_differences", "autograd"):
        assert not report["blocks.0.W_Q", witness].ok


def test_softmax_twice_keeps_the_sum_of_zero_and_hides_a_sure_mistake():
    p = softmax(np.array([12.0, 0.0, 0.0]))
    wrong = softmax_pullback(p, p - np.array([0.0, 1.0, 0.0]))
    assert abs(wrong.sum()) < 1e-12 and np.abs(wrong).max() < 1e-3


def test_nonsense_is_answered_in_words():
    params, acts = SHORT.initial(), forward(SHORT.initial(), SHORT.batches(0).tokens, SHORT.model, trim=True)
    for call in (lambda: WrongRun("lost"), lambda: load("lost"), lambda: every_tensor(gradient="lost"),
                 lambda: with_mistake("copied", params, acts, SHORT.batches(0).targets, SHORT.model)):
        with pytest.raises(LabError):
            call()
