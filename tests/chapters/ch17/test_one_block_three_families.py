"""Chapter 17: the floors are those that counting every string gives, and tasks are what they say."""

from itertools import pairwise, product

import numpy as np
import pytest

from chapters import ch17
from chapters.ch17.families import BEGINS, RATE
from transformer_lab.names import IGNORED


def every_string(length):
    """All strings (string, length) that a walk can be, and the chance of each."""
    strings = np.array(list(product(range(ch17.V), repeat=length)))
    chances = ch17.CHAIN[strings[:, :-1], strings[:, 1:]].prod(axis=1) / ch17.V
    return strings[chances > 0], chances[chances > 0]


def counted(said, own, place, left_only=False):
    """What :func:`ch17.beliefs` says of one row, by summing over every string."""
    strings, chances = every_string(said.shape[1])
    weights = chances.copy()
    for at in range(said.shape[1]):
        if at != place and not (left_only and at > place):
            weights *= said[0, at, strings[:, at]]
    found = np.bincount(strings[:, place], weights, minlength=ch17.V) * own[0, place]
    return found / found.sum()


@pytest.mark.parametrize("left_only", [False, True])
def test_beliefs_are_sums_over_every_string(left_only):
    rng = np.random.default_rng(0)
    said, own = rng.random((2, 1, 5, ch17.V))
    found = ch17.beliefs(said, own, left_only=left_only)[0]
    for place in range(5):
        assert np.allclose(found[place], counted(said, own, place, left_only), atol=1e-12)


def test_the_floors_of_a_letter_are_averages_over_every_string():
    strings, chances = every_string(3)
    gap = ch17.told(strings, np.tile([False, True, False], (len(strings), 1)))
    both, left = (chances @ ch17.entropy(ch17.beliefs(gap, left_only=only)[:, 1]) for only in (False, True))
    floors = ch17.floors_of_a_letter()
    assert floors["both sides"] == pytest.approx(both) and floors["left"] == pytest.approx(left)


def test_multisets_are_those_of_every_string():
    strings, chances = every_string(5)
    counts, found = ch17.multisets(5)
    for case, chance in zip(counts, found, strict=True):
        same = (np.eye(ch17.V)[strings].sum(axis=1) == case).all(axis=1)
        assert chances[same].sum() == pytest.approx(chance)


@pytest.mark.parametrize("sight", ["causal", "bidirectional"])
def test_the_floor_of_masked_letters_is_what_bayes_says_of_a_corrupted_string(sight):
    """By brute force: every true string, and for each letter the chance that the rule makes of it what is read."""
    strings = ch17.walks(40, seed=3, length=4)
    read, targets = ch17.corrupted(strings, seed=1, rate=0.5)
    floor = ch17.families.masked_floor(read, targets, ch17.BERT_SHARES, sight == "causal")
    every, chances = every_string(4)
    masked, replaced, kept = ch17.BERT_SHARES
    for row, wanted, costs in zip(read, targets, floor, strict=True):
        chosen = np.where(row == ch17.MASK, masked, kept * (row == every) + replaced / ch17.V)
        any_way = np.where(row == ch17.MASK, RATE * masked, (1 - RATE) * (row == every) + RATE * chosen)
        for place in np.flatnonzero(wanted != IGNORED):
            others = [at for at in range(4) if at != place and (sight != "causal" or at < place)]
            weights = chances * any_way[:, others].prod(axis=1) * chosen[:, place]
            right = weights[every[:, place] == wanted[place]].sum() / weights.sum()
            assert costs[place] == pytest.approx(-np.log(right))
    assert (floor[targets == IGNORED] == 0).all()


def test_the_floor_of_spans_is_the_chance_of_what_was_taken_out():
    strings = ch17.walks(200, seed=5)
    task = ch17.task_of("spans", strings, seed=2)
    assert task.source.shape == (200, 10) and task.targets.shape == (200, 7)
    for string, source, target, floor in zip(strings.tolist(), *map(np.ndarray.tolist, task), strict=True):
        assert ch17.restored_spans(source, target) == string
        chance = 1.0
        for sentinel in ch17.SENTINELS:
            begin = string_place(source, sentinel)
            around = string[max(begin - 1, 0):begin + 3]
            walk = np.prod([ch17.CHAIN[pair] for pair in pairwise(around)])
            if begin > 0:  # and what else could have led to what stands behind it
                chance *= walk / (np.linalg.matrix_power(ch17.CHAIN, 3)[around[0], around[-1]] if begin < 10 else 1)
            else:  # all letters are equally likely, also behind it
                chance *= walk
        assert sum(floor) == pytest.approx(-np.log(chance))


def string_place(source, sentinel):
    """Where in the string the letters of a sentinel begin: the first sentinel stands for two letters."""
    return source.index(sentinel) + (sentinel == ch17.SENTINELS[1])


def test_spans_never_touch_and_every_pair_of_places_occurs():
    assert len(BEGINS) == 36 and (np.diff(BEGINS, axis=1) >= 3).all() and BEGINS.max() == 10


def test_reverse_and_sort_cost_nothing_with_the_source_and_their_whole_chance_without():
    strings = ch17.walks(50, seed=9)
    for task in ("reverse", "sort"):
        assert (ch17.task_of(task, strings, sight="causal").floor == 0).all()
    backwards = ch17.task_of("reverse", strings, sight="no source")
    chances = ch17.CHAIN[strings[:, :-1], strings[:, 1:]].prod(axis=1) / ch17.V
    assert np.allclose(backwards.floor.sum(axis=1), -np.log(chances))
    counts, of_counts = ch17.multisets()
    in_order = ch17.task_of("sort", strings, sight="no source")
    for row, string in zip(in_order.floor, strings, strict=True):
        same = (counts == np.bincount(string, minlength=8)).all(axis=1)
        assert row.sum() == pytest.approx(-np.log(of_counts[same].item()))


def test_with_both_sides_open_only_the_last_letter_costs_something():
    strings = ch17.walks(50, seed=9)
    open_, causal = (ch17.task_of("next letter", strings, sight=sight) for sight in ("bidirectional", "causal"))
    assert (open_.floor[:, :-1] == 0).all() and np.array_equal(open_.floor[:, -1], causal.floor[:, -1])
    assert np.array_equal(open_.source[:, 1:], strings[:, :-1])


def test_the_record_holds_the_floors_of_the_texts_it_was_measured_on():
    told, strings = ch17.FAMILIES.load(), ch17.walks(1000, seed=10**6, purpose="strings")
    for task, sights in ch17.ARMS.items():
        for sight in sights:
            found = ch17.task_of(task, strings, sight=sight, seed=10**6)
            floor = found.floor[(found.targets != IGNORED) & (found.targets < ch17.V)].mean()
            assert np.allclose(told["floor"].sel(task=task, sight=sight), floor, rtol=1e-6)


@pytest.mark.parametrize(("task", "sight"), [("next letter", "bidirectional"), ("masked", "causal"),
                                             ("spans", "prefix"), ("sort", "no source")])
def test_an_arm_is_asked_where_its_task_has_targets(task, sight):
    arm = ch17.study.Arm(task, sight, 0)
    cost, right, floor = arm.costs()
    assert arm.logits(arm.held_out).shape == (*arm.held_out.targets.shape, ch17.D_VOCAB)
    assert cost > floor and 0 <= right < 0.4
    assert arm.drawn(4, seed=1, step=3)[0].tolist() == arm.drawn(4, seed=1, step=3)[0].tolist()


def test_a_decoder_that_sees_no_source_says_the_same_whatever_it_is():
    arm = ch17.study.Arm("reverse", "no source", 0)
    held = arm.held_out._replace(source=np.zeros_like(arm.held_out.source))
    assert np.array_equal(arm.logits(held), arm.logits(arm.held_out))


def test_what_a_written_letter_repeats_is_where_the_task_has_it():
    strings = ch17.walks(20, seed=2)
    for task in ("reverse", "sort"):
        targets = ch17.task_of(task, strings, sight="encoder-decoder").targets
        wanted = ch17.looked_for(task, strings, targets)
        assert all((row[keys] == letter).all() and keys.any() for row, letters_, table in
                   zip(strings, targets, wanted, strict=True) for letter, keys in zip(letters_, table, strict=True))
