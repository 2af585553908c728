"""The gradient checker: right gradients pass, wrong ones are named, and bad tests are shown to be bad."""

import numpy as np
import pytest

from chapters.ch02.planted import PLANTED, with_mistake
from chapters.ch02.twin import gradients
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.byhand.attention import softmax, softmax_pullback
from transformer_lab.byhand.gradcheck import central_differences, check_gradients, complex_step
from transformer_lab.errors import ArgumentError, EmptyError, LabError, NotFiniteError, ShapeError, UnknownNameError
from transformer_lab.tasks.patterns import PatternTask, sample

SMALL = PatternTask(alphabet=5, period=3, n_ctx=6)
POSITIONS = {"none": OneHeadConfig(5, 6), "one_hot": OneHeadConfig(5, 6, positions="one_hot"),
             "learned": OneHeadConfig(5, 6, positions="learned", d_pos=3)}


def functions(config, patterns):
    """The mean loss, its gradient by hand and by autograd, as functions of the parameters."""
    def forward(params):
        return one_head.forward(params, one_head.encode(patterns.tokens, config, params))

    def autograd(params):
        found = gradients(params, one_head.encode(patterns.tokens, config, params), patterns.targets)
        found["W_pos"] = found.pop("x")[..., config.d_vocab:].sum(axis=-3)
        return {name: found[name] for name in params}

    return (lambda params: one_head.loss(forward(params)["logits"], patterns.targets),
            lambda params: one_head.backward(params, forward(params), patterns.targets), autograd)


def trained(params, patterns, config, steps, learning_rate=2.0):
    gradient = functions(config, patterns)[1]
    for _ in range(steps):
        grads = gradient(params)
        params = {name: value - learning_rate * grads[name] for name, value in params.items()}
    return params


@pytest.mark.parametrize("steps", [0, 150], ids=["initial", "trained"])
@pytest.mark.parametrize("config", POSITIONS.values(), ids=POSITIONS)
def test_four_witnesses_agree_on_a_thousand_instances(config, steps):
    params = one_head.init(config, n_seeds=1000)
    params = trained(params, sample(SMALL, (1000, 12), seed=0), config, steps)
    loss, byhand, autograd = functions(config, sample(SMALL, (1000, 4), seed=1))
    report = check_gradients(loss, params, byhand, witnesses=("complex_step", "central_differences", autograd),
                             independent=1)
    assert report.ok, report
    assert all(row.errors.shape == (1000,) and not row.zero for row in report.rows)
    assert {row.witness: row.tolerance for row in report.rows} == {
        "complex_step": 1e-12, "central_differences": 1e-7, "autograd": 1e-10}


def test_no_false_alarm_on_two_hundred_right_gradients():
    alarms = np.zeros(200, bool)
    for case in range(20):
        ten = slice(10 * case, 10 * case + 10)
        task = PatternTask(alphabet=3 + case % 3, period=2 + case % 2, n_ctx=3 + case % 5, distinct=case % 7 > 3)
        config = OneHeadConfig(task.alphabet, task.n_ctx, positions=list(POSITIONS)[case % 3], d_pos=2)
        params = one_head.init(config, n_seeds=10, seed=case, scale=(0.01, 0.1, 0.5, 1.0)[case % 4])
        loss, byhand, autograd = functions(config, sample(task, (10, 3 + case % 5), seed=case))
        report = check_gradients(loss, params, byhand, independent=1, seed=case,
                                 witnesses=("complex_step", "central_differences", autograd))
        for row in report.rows:
            alarms[ten] |= ~(row.errors <= row.tolerance)
    assert alarms.sum() == 0


def planted_report(mistake, scale=0.1, **options):
    config = POSITIONS["one_hot"]
    patterns = sample(SMALL, 8, seed=2)
    x = one_head.encode(patterns.tokens, config)

    def wrong(params):
        return with_mistake(mistake, params, one_head.forward(params, x), patterns.targets)

    return check_gradients(functions(config, patterns)[0], one_head.init(config, scale=scale), wrong, **options)


@pytest.mark.parametrize("witness", ["complex_step", "central_differences"])
@pytest.mark.parametrize("mistake", PLANTED)
def test_each_planted_mistake_is_caught_by_each_witness(mistake, witness):
    report = planted_report(mistake, witnesses=(witness,))
    assert not report.ok and "The gradient is wrong" in report.message
    assert report.worst.error > 1e-3


def test_the_twenty_mistakes_are_twenty():
    assert len(PLANTED) == 20 == len({mistake.words for mistake in PLANTED.values()})


def test_the_worst_entry_is_named():
    params = {"a": np.ones((2, 3)), "b": np.ones(4)}
    grads = {"a": 2 * params["a"], "b": 3 * np.ones(4)}
    grads["b"][2] = 3.5
    report = check_gradients(lambda p: (p["a"] ** 2).sum() + (p["b"] ** 3).sum(), params, grads)
    assert report.worst.tensor == "b" and report.worst.index == (2,) and report.worst.witness == "complex_step"
    assert report.worst.given == 3.5 and report.worst.expected == pytest.approx(3)
    assert report["b", "complex_step"].error == pytest.approx(0.5 / 3.5) and report["a", "central_differences"].ok
    assert "b[2] is 3.5, but complex_step says 3" in str(report) and str(report) == repr(report)


def test_a_fault_in_one_instance_of_many_is_found():
    params = {"w": np.ones((30, 4))}
    grads = {"w": 2 * params["w"]}
    grads["w"][17, 3] *= 1.001
    report = check_gradients(lambda p: (p["w"] ** 2).sum(axis=-1), params, grads, independent=1)
    assert not report.ok and report.worst.index == (17, 3)
    assert (report["w", "complex_step"].errors > 1e-12).sum() == 1


def test_an_array_is_projected_on_a_random_upstream_gradient():
    scores = {"scores": np.random.default_rng(0).normal(size=(3, 6))}
    report = check_gradients(lambda p: softmax(p["scores"]), scores,
                             lambda p, up: {"scores": softmax_pullback(softmax(p["scores"]), up)})
    assert report.ok, report


def plain_mean(params, upstream):
    """The Jacobian with the plain mean in place of the weighted one."""
    return {"scores": softmax(params["scores"]) * (upstream - upstream.mean(axis=-1, keepdims=True))}


def test_all_ones_upstream_is_a_bad_test_of_a_softmax():
    scores = {"scores": np.random.default_rng(0).normal(size=(3, 6))}
    for wrong in (plain_mean, lambda p, up: {"scores": -softmax_pullback(softmax(p["scores"]), up)}):
        blind = check_gradients(lambda p: softmax(p["scores"]), scores, wrong, upstream=np.ones((3, 6)))
        assert blind.ok and all(row.zero for row in blind.rows)
        assert not check_gradients(lambda p: softmax(p["scores"]), scores, wrong).ok


def test_six_decimals_at_initial_weights_are_a_bad_test():
    """Attention is nearly even at first, so the plain mean is nearly right: 0.000000 is printed for the difference."""
    config, patterns = OneHeadConfig(26, 20, positions="one_hot"), sample(PatternTask(), 100, seed=1)
    x = one_head.encode(patterns.tokens, config)
    differences = []
    for scale in (0.02, 2.0):
        params = one_head.init(config, scale=scale)
        acts = one_head.forward(params, x)
        wrong = with_mistake("plain-mean", params, acts, patterns.targets)
        right = one_head.backward(params, acts, patterns.targets)
        differences.append(np.abs(wrong["W_QK"] - right["W_QK"]).max())
    assert f"{differences[0]:.6f}" == "0.000000" and differences[1] > 1e-4
    assert not planted_report("plain-mean", scale=0.02).ok


def test_zeros_count_as_zeros():
    params = {"w": np.array([1.0, 2.0]), "idle": np.array([3.0])}
    report = check_gradients(lambda p: (p["w"] ** 2).sum() + 0 * p["idle"].sum(), params,
                             {"w": 2 * params["w"], "idle": np.zeros(1)})
    assert report.ok and report["idle", "complex_step"].zero and not report["w", "complex_step"].zero
    assert not check_gradients(lambda p: (p["w"] ** 2).sum(), {"w": params["w"]}, {"w": np.zeros(2)}).ok
    assert not check_gradients(lambda p: 0 * p["w"].sum(), {"w": params["w"]}, {"w": np.full(2, 1e-3)}).ok


def test_a_subset_of_entries_is_enough_to_find_a_systematic_fault():
    loss, byhand, _ = functions(POSITIONS["none"], sample(SMALL, 8, seed=2))
    params = one_head.init(POSITIONS["none"])
    assert check_gradients(loss, params, byhand, entries=7).ok
    assert not check_gradients(loss, params, lambda p: {name: -g for name, g in byhand(p).items()}, entries=7).ok


def test_float32_gradients_are_held_to_what_float32_can_do():
    config, patterns = POSITIONS["one_hot"], sample(SMALL, 8, seed=2)
    loss, byhand, _ = functions(config, patterns)
    params = one_head.init(config, dtype=np.float32)
    x = one_head.encode(patterns.tokens, config, dtype=np.float32)

    def single(p):
        return one_head.backward(p, one_head.forward(p, x), patterns.targets)

    assert single(params)["W_QK"].dtype == np.float32
    report = check_gradients(loss, params, single)
    assert report.ok and {row.tolerance for row in report.rows} == {1e-5}
    assert not check_gradients(loss, params, lambda p: {n: 1.001 * g for n, g in single(p).items()}).ok
    assert byhand(params)["W_OV"].dtype == np.float64  # rows in double precision lift everything after them


@pytest.mark.parametrize("order", ["C", "F"])
def test_witnesses_leave_the_parameters_alone_whatever_their_memory_order(order):
    w = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    before = w.copy()
    for witness in (complex_step, central_differences):
        np.testing.assert_allclose(witness(lambda p: (p["w"] ** 3).sum(), {"w": w})["w"], 3 * before**2, atol=1e-8)
    assert (w == before).all()


def test_bad_input():
    params, right = {"w": np.ones(2)}, {"w": 2 * np.ones(2)}

    def square(p):
        return (p["w"] ** 2).sum()

    for change, error in [
            ({"grads": {"v": right["w"]}}, UnknownNameError), ({"grads": {"w": np.ones(3)}}, ShapeError),
            ({"grads": {}}, EmptyError), ({"params": {}}, EmptyError), ({"witnesses": ()}, LabError),
            ({"witnesses": ("complex",)}, UnknownNameError), ({"grads": {"w": np.full(2, np.nan)}}, NotFiniteError),
            ({"f": lambda p: p["w"] ** 2}, ArgumentError), ({"tolerance": -1}, LabError), ({"f": "loss"}, LabError),
            ({"independent": 2}, LabError), ({"entries": 0}, LabError), ({"f": lambda p: np.nan}, NotFiniteError),
            ({"upstream": np.ones(5), "f": lambda p: p["w"]}, ShapeError)]:
        with pytest.raises(error):
            check_gradients(**({"f": square, "params": params, "grads": right} | change))
    with pytest.raises(LabError, match="entries"):
        complex_step(square, params, entries={"w": [5]})
    with pytest.raises(ShapeError, match=r"f\(params\)"):
        central_differences(lambda p: p["w"], params)
