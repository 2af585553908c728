"""The repeating-letters task: sampling, scoring, and ceilings against brute force and simulation."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from transformer_lab.errors import ConfigError, DtypeError, EmptyError, LabError, NotFiniteError, RangeError, ShapeError
from transformer_lab.tasks.patterns import PatternTask, brute_force_ceiling, ceiling, floor, sample, score, spell

SMALL = [PatternTask(alphabet=a, period=p, n_ctx=n, distinct=d)
         for a, p, n in [(2, 2, 2), (3, 3, 6), (4, 3, 7), (4, 4, 4), (5, 4, 9), (6, 5, 10), (5, 5, 20), (7, 5, 13)]
         for d in (False, True) if not d or a >= p]


@pytest.mark.parametrize("task", SMALL, ids=str)
@pytest.mark.parametrize(("positions", "last"), [(False, False), (False, True), (True, True)])
def test_ceiling_agrees_with_writing_out_every_tuple(task, positions, last):
    assert ceiling(task, positions, last=last) == brute_force_ceiling(task, positions, last=last)


def test_the_ceilings_of_the_book():
    assert ceiling(PatternTask(), positions=False) == Fraction(10727, 35152)
    assert ceiling(PatternTask(distinct=True), positions=False) == Fraction(1, 4)
    assert ceiling(PatternTask(), positions=True) == 1


@pytest.mark.parametrize("task", SMALL, ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_floor_agrees_with_writing_out_every_tuple(task, last):
    assert floor(task, positions=False, last=last) == pytest.approx(written_out_entropy(task, last), rel=1e-12)


def written_out_entropy(task, last):
    grid = np.stack(np.meshgrid(*[range(task.alphabet)] * task.period, indexing="ij"), -1).reshape(-1, task.period)
    if task.distinct:
        grid = np.array([row for row in grid if len(set(row)) == task.period])
    tokens, targets = grid[:, task.slots], grid[:, task.target_slot]
    seen = [(last and row[-1], *sorted(row)) for row in tokens.tolist()]
    both, alone = Counter(zip(seen, targets.tolist(), strict=True)), Counter(seen)
    return -sum(n / len(grid) * math.log(n / alone[view]) for (view, _), n in both.items())


def test_samples_follow_the_rule():
    tokens, targets = sample(PatternTask(), 500, seed=3)
    assert tokens.shape == (500, 20) and tokens.dtype == targets.dtype == np.int64
    assert (tokens[:, :5] == tokens[:, 15:]).all() and (targets == tokens[:, 0]).all()
    uneven = sample(PatternTask(alphabet=9, period=4, n_ctx=10), 50, seed=3)
    assert (uneven.targets == uneven.tokens[:, 2]).all()


def test_letters_are_uniform_with_and_without_replacement():
    for distinct in (False, True):
        tokens = sample(PatternTask(distinct=distinct), 52_000, seed=1).tokens[:, :5]
        counts = np.stack([np.bincount(column, minlength=26) for column in tokens.T])
        assert np.abs(counts - 2000).max() < 5 * math.sqrt(2000)
        all_differ = np.mean([len(set(row)) == 5 for row in tokens.tolist()])
        expected = 1 if distinct else math.perm(26, 5) / 26**5
        assert abs(all_differ - expected) <= 5 * math.sqrt(expected * (1 - expected) / 52_000)


def test_a_seed_draws_the_same_whatever_comes_with_it():
    task = PatternTask()
    few, many = sample(task, (2, 10), seed=5, step=7), sample(task, (4, 10), seed=5, step=7)
    assert (few.tokens == many.tokens[:2]).all()
    assert (sample(task, 20, seed=5, step=7).tokens == few.tokens.reshape(20, 20)).all()
    others = [sample(task, 20, seed=6, step=7), sample(task, 20, seed=5, step=8),
              sample(task, 20, seed=5, step=7, purpose="fresh")]
    assert all((other.tokens != few.tokens.reshape(20, 20)).any() for other in others)


def test_score_takes_predictions_or_logits_with_leading_axes():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(3, 40, 5)), rng.integers(5, size=40)
    expected = [np.mean([row.argmax() == t for row, t in zip(seed, targets, strict=True)]) for seed in logits]
    assert score(logits, targets).tolist() == expected == score(logits.argmax(-1), targets).tolist()
    own = rng.integers(5, size=(3, 40))
    assert score(own, own).tolist() == [1, 1, 1]


def test_bad_input():
    with pytest.raises(ConfigError, match=r"alphabet.*\n.*period.*\n.*distinct"):
        PatternTask(alphabet=1, period=0.5, distinct="no")
    with pytest.raises(ConfigError, match="n_ctx: got 4; allowed is at least period=5"):
        PatternTask(n_ctx=4)
    for bad, error in [({"n": 0}, RangeError), ({"n": 2.5}, DtypeError), ({"n": (3, -1)}, RangeError),
                       ({"n": 3, "seed": -1}, RangeError), ({"n": 3, "purpose": ""}, EmptyError)]:
        with pytest.raises(error):
            sample(PatternTask(), **({"seed": 0} | bad))
    for answers, targets, error in [
            ([], [], EmptyError), ([1, 2], [1], ShapeError), (np.array([[1.0, np.nan]]), [0], NotFiniteError),
            ([1, 2], [0.5, 1], DtypeError), (np.array([1.0, 2.0]), [1, 2], ShapeError), ("A", [1], LabError),
            ([1], [-1], RangeError)]:
        with pytest.raises(error):
            score(answers, targets)
    for tokens, error in [([26], RangeError), ([0.5], DtypeError), ([], EmptyError), (3, ShapeError)]:
        with pytest.raises(error):
            spell(tokens)
    with pytest.raises(RangeError, match="task: got 11881376 tuples"):
        brute_force_ceiling(PatternTask(), positions=False)
    for function in (ceiling, floor):
        with pytest.raises(RangeError, match="period"):
            function(PatternTask(period=11), positions=False)
        with pytest.raises(DtypeError, match="positions"):
            function(PatternTask(), positions="none")
        with pytest.raises(DtypeError, match="task"):
            function(26, positions=False)
    with pytest.raises(DtypeError, match="task"):
        sample({"alphabet": 26}, 3, seed=0)
