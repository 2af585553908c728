"""Chapter 03's study: what its records say, and that a piece of one comes out the same again."""

import numpy as np
import pytest

from chapters.ch03.study import (
    BY_HEART,
    LOOK,
    MEASURES,
    ORDERS,
    PHASES,
    POSITIONS,
    TURNS,
    WRITE,
    PhaseRun,
    alternate,
    measured,
    on_every_pattern,
    train,
    walk,
)
from transformer_lab.errors import LabError
from transformer_lab.tasks.patterns import PatternTask, ceiling

CEILING = float(ceiling(PatternTask(), positions=False))
WITH, WITHOUT = ("one_hot", "learned"), "none"


@pytest.fixture(scope="module")
def shipped():
    return PHASES.load()


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


def gaps(history, record, n=3):
    """The largest gap of each measure between a run and a record of the same seeds, as a part of its largest value."""
    rows = {name: (10 if name in MEASURES else 1) for name in ("loss", "accuracy", *MEASURES)}
    here = {name: history[name][:len(history["loss"]) - 1:every] for name, every in rows.items()}
    return {name: abs(value - record[name].values[:len(value), :n].astype(float)).max() / abs(value).max()
            for name, value in here.items()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_piece_of_each_arm_comes_out_again_and_of_no_other_order(shipped, positions, order):
    """The first steps of a few of its seeds, trained here; seeds do not depend on how many there are."""
    history = train(PhaseRun(positions, order, n_seeds=3, steps=120))[1]
    for other in ORDERS:
        gap = max(gaps(history, shipped.sel(positions=positions, order=other)).values())
        assert gap < 0.02 if other == order else gap > 0.05


def test_a_piece_of_what_is_known_by_heart_comes_out_again():
    assert max(gaps(train(PhaseRun(n_train=100, n_seeds=3, steps=30))[1], BY_HEART.load()).values()) < 0.02


def test_a_piece_of_a_pair_of_lengths_comes_out_again():
    run = PhaseRun("one_hot", "write-first", look=10, write=20, n_seeds=2, steps=60)
    record = TURNS.load()["loss"].sel(look=10, write=20).values[:7, :2].astype(float)
    np.testing.assert_allclose(train(run)[1]["both"][::10], record, rtol=2e-3)


def test_what_the_records_say_of_every_seed(shipped):
    last = shipped[["every_pattern", "final_fresh_accuracy"]]
    assert last["every_pattern"].sel(positions=list(WITH)).min() > 1
    assert (last["final_fresh_accuracy"].sel(positions=list(WITH)) == 1).all()
    exact = last["every_pattern"].sel(positions=WITHOUT)
    assert exact.shape == (3, 50) and exact.max() <= CEILING and exact.min() > CEILING - 1e-4
    heart = BY_HEART.load()
    assert heart["accuracy"][-2].min() >= 0.98 and heart["every_pattern"].max() < CEILING - 0.01


def test_seeds_share_neither_first_weights_nor_patterns():
    run = PhaseRun("learned", n_seeds=2)
    assert all((value[0] != value[1]).any() for value in run.initial().values())
    assert (run.batches(3).tokens[0] != run.batches(3).tokens[1]).any()
    assert (run.batches(3).tokens != run.batches(4).tokens).any()


def test_what_is_measured_at_the_end_is_what_the_heads_do():
    for positions in ("none", "one_hot"):
        run = PhaseRun(positions=positions, n_seeds=2, steps=200)
        head, history = train(run)
        found = measured(range(2), positions=positions, steps=200)
        np.testing.assert_allclose(found["final_fresh_accuracy"][1], head.evaluate(run.batches(999))["accuracy"],
                                   atol=0.15)
        exact = found["every_pattern"][1]
        assert (exact == on_every_pattern(run, head.params)).all()
        assert (abs(exact - CEILING) < 1e-3).all() if positions == "none" else (exact > 0).all()
        assert history["both"][-1] == pytest.approx(head.evaluate(run.batches(999))["loss"], rel=0.2)


def test_the_order_of_phases_decides_the_valley_of_the_small_head():
    """Long phases: writing first asks on which side of the saddle ``look`` begins, looking first for the sign of
    ``write``."""
    task = PatternTask(distinct=True)
    look, write = np.meshgrid([-4.0, -2.5, -1.0, 1.0], [-3.0, -1.0, 1.0, 3.0])
    ends = {order: walk(look, write, task, order=order, phase=1500, steps=6000)["loss"][-1]
            for order in ("write-first", "look-first")}
    assert ((ends["write-first"] < 0.1) == (look > np.log(4 / 25))).all()
    assert ((ends["look-first"] < 0.1) == (write > 0)).all()
    lost = np.concatenate([end[end >= 0.1] for end in ends.values()])
    np.testing.assert_allclose(lost, np.log(22), atol=0.02)


def test_a_walk_goes_downhill():
    path = walk(0.0, [0.1, 1.0], PatternTask(), steps=30, order="look-first", phase=10)
    assert path["loss"].shape == (31, 2) and (np.diff(path["loss"], axis=0) <= 1e-12).all()
    assert (path["away"] == 0).all() and (path["write"][:11] == path["write"][0]).all()
    with pytest.raises(LabError, match=r"^look: got"):
        walk("here", 1.0, PatternTask())
