"""The three-number head: the same as the full head on every tuple, with an exact gradient and a true saddle."""

from itertools import permutations, product

import numpy as np
import pytest

from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head, small_head
from transformer_lab.byhand.gradcheck import check_gradients, complex_step
from transformer_lab.errors import ArgumentError, LabError
from transformer_lab.tasks.patterns import PatternTask, floor

TASKS = [PatternTask(a, p, n, d) for a, p, n in [(4, 3, 6), (4, 3, 7), (5, 4, 8), (3, 4, 9)] for d in (False, True)
         if a >= p or not d]
RNG = np.random.default_rng(0)


def numbers(size=()):
    return {name: RNG.uniform(-3, 3, size=size) for name in small_head.NUMBERS}


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_the_loss_is_that_of_the_full_head_on_every_tuple(task):
    tuples = permutations(range(task.alphabet), task.period) if task.distinct else (
        product(range(task.alphabet), repeat=task.period))
    letters = np.array(list(tuples))
    config = OneHeadConfig(task.alphabet, task.n_ctx, positions="one_hot")
    x = one_head.encode(letters[:, task.slots], config)
    for _ in range(5):
        params = numbers()
        full = one_head.forward(small_head.as_head(params, task), x)
        expected = one_head.loss(full["logits"], letters[:, task.target_slot])
        assert small_head.loss(params, task) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("task", [*TASKS, PatternTask(), PatternTask(distinct=True)], ids=str)
def test_the_gradient_agrees_with_its_witnesses_on_a_grid(task):
    """As one vector: a single slope may be as near to zero as it likes, and has no digits of its own there."""
    def named(p):
        return dict(zip(small_head.NUMBERS, np.moveaxis(p["numbers"], -1, 0), strict=True))

    def byhand(p):
        return {"numbers": np.stack(list(small_head.backward(named(p), task).values()), axis=-1)}

    points = {"numbers": np.stack(list(numbers(50).values()), axis=-1)}
    report = check_gradients(lambda p: small_head.loss(named(p), task), points, byhand, independent=1)
    assert report.ok, report


def test_where_nothing_is_written_there_is_no_reason_to_look():
    params = numbers(100) | {"write": np.zeros(100)}
    slopes = small_head.backward(params, PatternTask())
    assert (slopes["look"] == 0).all() and (slopes["away"] == 0).all() and (slopes["write"] != 0).any()
    np.testing.assert_allclose(small_head.loss(params, PatternTask()), np.log(26), rtol=1e-14)


@pytest.mark.parametrize("number", ["look", "away"])
@pytest.mark.parametrize("task", [PatternTask(distinct=True), PatternTask(7, 3, 6, True)], ids=str)
def test_the_saddle_is_flat_and_neither_a_valley_nor_a_peak(task, number):
    point = small_head.saddle(task, number)
    slopes = small_head.backward(point, task)
    assert abs(slopes["write"]) < 1e-15 and slopes[number] == 0
    plane = (number, "write")
    hessian = [[float(complex_step(lambda p, row=row: small_head.backward(p, task)[row],
                                   {name: np.array(value) for name, value in point.items()})[column])
                for column in plane] for row in plane]
    down, up = np.linalg.eigvalsh(hessian)
    assert down < 0 < up


def test_with_replacement_the_slope_along_write_never_turns():
    """However little attention the target gets, the letters that are looked at repeat it now and then."""
    look = np.linspace(-30, 5, 50)
    slopes = small_head.backward({"look": look, "away": 0.0, "write": 0.0}, PatternTask())
    assert (slopes["write"] <= 1e-15).all()


def test_the_valleys_lead_to_what_can_be_known():
    task = PatternTask(distinct=True)
    assert small_head.loss({"look": 30.0, "away": 0.0, "write": 60.0}, task) < 1e-10
    blind = small_head.loss({"look": 0.0, "away": -40.0, "write": 400.0}, task)
    assert blind == pytest.approx(floor(task, positions=False), rel=1e-9) == pytest.approx(np.log(4))
    evenly = small_head.loss({"look": 0.0, "away": 0.0, "write": 400.0}, task)
    assert evenly == pytest.approx(floor(task, positions=False, last=False), rel=1e-9) == pytest.approx(np.log(5))
    wrong = small_head.loss({"look": -40.0, "away": 0.0, "write": -400.0}, task)
    assert wrong == pytest.approx(np.log(22), rel=1e-9)


def test_bad_input():
    task = PatternTask(distinct=True)
    for call in (lambda: small_head.loss({"look": 1.0}, task), lambda: small_head.loss(numbers(), "task"),
                 lambda: small_head.loss(numbers() | {"look": np.nan}, task),
                 lambda: small_head.as_head(numbers(3), task),
                 lambda: small_head.loss(numbers() | {"look": "far"}, task), lambda: small_head.saddle(task, "write"),
                 lambda: small_head.forward(numbers(), PatternTask(period=11))):
        with pytest.raises(LabError):
            call()
    with pytest.raises(ArgumentError, match="minus infinity"):
        small_head.saddle(PatternTask())
