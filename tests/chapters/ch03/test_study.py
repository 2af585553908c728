"""Chapter 03's study: what its records say, and that a piece of one comes out the same again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chapters.ch03.study import ARMS, PhaseRun, fresh_accuracy, load, on_every_pattern, record, slope_of_looking, train
from chapters.ch03.walks import walk
from transformer_lab.errors import DataError, LabError
from transformer_lab.tasks.patterns import PatternTask, ceiling
from transformer_lab.training.one_head import LOOK, WRITE, alternate

DATA = Path(__file__).resolve().parents[3] / "data" / "phases"
CEILING = float(ceiling(PatternTask(), positions=False))


def test_phases_take_turns():
    train_at = alternate("look-first", look=3, write=2)
    assert [train_at(step) for step in range(7)] == [LOOK] * 3 + [WRITE] * 2 + [LOOK] * 2
    assert alternate("joint", 1, 1)(5) == LOOK + WRITE
    for bad in (("both", 1, 1), ("joint", 0, 1), ("joint", 1, 0.5)):
        with pytest.raises(LabError):
            alternate(*bad)


@pytest.mark.parametrize("positions", ["none", "one_hot", "learned"])
def test_the_frozen_matrix_does_not_move(positions):
    run = PhaseRun(positions=positions, order="write-first", n_seeds=2, steps=6, write=3, look=3)
    _, history = train(run, keep=(0, 3, 6))
    start, middle, end = (history.kept[step] for step in (0, 3, 6))
    moved = {name for name in start if (start[name] != middle[name]).any()}
    assert moved == {"W_OV"}
    assert {name for name in start if (middle[name] != end[name]).any()} == set(start) - {"W_OV"}


@pytest.mark.parametrize("arm", ARMS)
def test_a_piece_of_each_record_comes_out_again(arm):
    """The first 20 steps of a few of its seeds, trained here; seeds do not depend on how many there are."""
    run = replace(ARMS[arm], n_seeds=3, steps=20)
    _, history = train(run)
    shipped = load(arm, DATA).state
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(history[name][:20], shipped[name][:20, :3].astype(float), rtol=2e-3, atol=1e-3)
    for name in ("grad_W_QK", "write", "attention"):
        np.testing.assert_allclose(history[name][:20:10], shipped[name][:2, :3].astype(float), rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("order", ["joint", "write-first", "look-first"])
def test_with_positions_every_seed_is_right_on_every_pattern(order):
    for positions in ("one_hot", "learned"):
        state = load(f"{positions}-{order}", DATA).state
        assert state["every_pattern"].shape == (50,) and (state["every_pattern"] > 1).all()
        assert (state["final_fresh_accuracy"] == 1).all()


@pytest.mark.parametrize("order", ["joint", "write-first", "look-first"])
def test_without_positions_every_seed_is_at_the_ceiling(order):
    exact = load(f"none-{order}", DATA).state["every_pattern"]
    assert (exact <= CEILING).all() and (exact > CEILING - 1e-4).all()


def test_a_training_set_can_be_remembered_and_the_ceiling_stays():
    state = load("none-remembered", DATA).state
    assert (state["accuracy"][-2] >= 0.98).all() and (state["every_pattern"] < CEILING - 0.01).all()


def test_what_is_measured_at_the_end_is_what_the_heads_do():
    for positions in ("none", "one_hot"):
        run = PhaseRun(positions=positions, n_seeds=2, steps=200)
        head, history = train(run)
        accuracy = fresh_accuracy(run, head.params, n=2000)
        np.testing.assert_allclose(accuracy, head.evaluate(run.batches(999))["accuracy"], atol=0.15)
        exact = on_every_pattern(run, head.params)
        assert (abs(exact - CEILING) < 1e-3).all() if positions == "none" else (exact > 0).all()
        assert history["both"][-1] == pytest.approx(head.evaluate(run.batches(999))["loss"], rel=0.2)


def test_the_slope_of_looking_is_useless_before_writing_and_useful_after():
    run = PhaseRun(positions="one_hot", order="write-first", n_seeds=6, steps=200)
    head, history = train(run, keep=(0, 50))
    before, after = (slope_of_looking(run, history.kept[step], head.params) for step in (0, 50))
    assert abs(before["likeness"]).max() < 0.8 and after["likeness"].min() > 0.95
    assert (after["size"] > 10 * before["size"]).all()


def test_records_are_written_once_and_read_after(tmp_path, monkeypatch):
    small = PhaseRun(n_seeds=2, steps=10, batch=5)
    monkeypatch.setitem(ARMS, "small", small)
    first, again = record("small", tmp_path), record("small", tmp_path)
    assert first.manifest == again.manifest and first.state["loss"].shape == (11, 2)
    assert record("small", tmp_path / "elsewhere").manifest == first.manifest
    assert load("small", tmp_path).config == small.to_dict()
    (tmp_path / "small" / "metrics.csv").write_text("step\n0\n")
    with pytest.raises(DataError, match="damaged"):
        load("small", tmp_path)


def test_the_order_of_phases_decides_the_valley_of_the_small_head():
    """Long phases: writing first asks on which side of the saddle ``look`` begins, looking first for the sign of
    ``write``."""
    task = PatternTask(distinct=True)
    look, write = np.meshgrid([-4.0, -2.5, -1.0, 1.0], [-3.0, -1.0, 1.0, 3.0])
    start = {"look": look, "away": 0.0, "write": write}
    ends = {order: walk(start, task, order=order, look=1500, write=1500, steps=6000, whole_path=False)["loss"][-1]
            for order in ("write-first", "look-first")}
    assert ((ends["write-first"] < 0.1) == (look > np.log(4 / 25))).all()
    assert ((ends["look-first"] < 0.1) == (write > 0)).all()
    lost = np.concatenate([end[end >= 0.1] for end in ends.values()])
    np.testing.assert_allclose(lost, np.log(22), atol=0.02)


def test_a_walk_goes_downhill_and_leaves_the_third_number_alone():
    task = PatternTask()
    path = walk({"look": 0.0, "away": 0.3, "write": [0.1, 1.0]}, task, steps=30, order="look-first", look=10, write=10)
    assert path["loss"].shape == (31, 2) and (np.diff(path["loss"], axis=0) <= 1e-12).all()
    assert (path["away"] == 0.3).all() and (path["write"][:11] == path["write"][0]).all()
    blind = walk({"look": 0.0, "away": 0.0, "write": 0.5}, task, steps=30, plane=("away", "write"))
    assert blind["away"][-1] < 0 and (blind["look"] == 0).all()
    last = walk({"look": 0.0, "away": 0.0, "write": 0.5}, task, steps=30, plane=("away", "write"), whole_path=False)
    assert {name: value.shape for name, value in last.items()} == dict.fromkeys(last, (1,))
    assert last["loss"][-1] == blind["loss"][-1]
