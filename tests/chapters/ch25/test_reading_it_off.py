"""Chapter 25: the program and its counts, against every context one by one and the package's own model."""

import itertools

import numpy as np
import pytest

from chapters import ch25
from chapters.ch25 import edits
from transformer_lab.analysis.certificates.families import size
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of
from transformer_lab.byhand.transformer import forward

MODELS = IN_THE_PLANE.load().sel(recipe="plain")


def contexts(t):
    return [row for row in itertools.product(range(12), repeat=t) if any(token in ch25.EVEN for token in row)]


def rule(row):
    return [token for token in row if token in ch25.EVEN][-1]


@pytest.mark.parametrize("seed", [0, 22, 4, 15, 117])
def test_counts_by_boxes_are_those_of_every_context_one_by_one(seed):
    plane, counts = ch25.tables(seed), np.zeros(5, int)
    for t in (1, 2, 3):
        rows = np.array(contexts(t))
        network = forward(params_of(MODELS.sel(seed=seed)), np.column_stack([rows, np.full(len(rows), 11)]),
                          ch25.MODEL)["logits"][:, -1].argmax(axis=-1)
        program, right = np.array([ch25.answer(plane, row) for row in rows]), np.array([rule(row) for row in rows])
        counts += [len(rows), (network != right).sum(), (program != right).sum(), (program != network).sum(),
                   ((program != right) & (program == network)).sum()]
    assert ch25.compare(plane, last=3) == tuple(counts)


def test_boxes_hold_every_context_once():
    for seed in (0, 4):
        found = ch25.cases(ch25.tables(seed))
        assert [sum(size(case.boxes(case.rule, slice(None)))) for case in found[:3]] == [
            len(contexts(t)) for t in (1, 2, 3)]
        third = found[2]
        for row in contexts(3)[::97]:
            inside = third.allowed[:, range(3), row].all(axis=1)
            assert inside.sum() == 1 and third.rule[inside] == rule(row)


@pytest.mark.parametrize("story", ["just before", "nearest"])
def test_other_stories_err_as_often_as_when_they_are_told_context_by_context(story):
    plane, weights = ch25.tables(22), params_of(MODELS.sel(seed=22))
    x = weights["W_E"] + weights["W_pos"][:, None]
    keys = ch25.just_before(plane) if story == "just before" else ch25.nearest(plane, x)

    def looked_at(row, t):
        if story == "just before":
            return t - 1
        return int(np.argmin([np.hypot(*(x[i, token] - x[t, 11])) for i, token in enumerate(row)]))

    wrong = sum(ch25.say(plane, plane.start[t] + plane.values[j, row[j]]) != rule(row)
                for t in (1, 2, 3) for row in contexts(t) for j in [looked_at(row, t)])
    counted = sum(sum(size(case.boxes(case.rule, case.rule != case.program))) for case in ch25.cases(plane, keys)[:3]
                  if (case.rule != case.program).any())
    assert counted == wrong


@pytest.mark.parametrize("name", ch25.EDITS)
def test_a_change_touches_one_table(name):
    before = ch25.tables(0)
    after = ch25.EDITS[name](before)
    different = [field for field in before._fields
                 if not np.array_equal(getattr(before, field), getattr(after, field))]
    assert len(different) == 1 and np.array_equal(before.scores, ch25.tables(0).scores)


def test_values_of_the_same_place_change_only_the_values_of_the_others():
    plane = ch25.tables(0)
    assert np.array_equal(edits.value_of(6)(plane).values[6], plane.values[6])


def first_even(row):
    return next(token for token in row if token % 2 == 0 and token < 11)


def test_the_model_built_by_hand_says_the_first_even_number_one_by_one_and_is_proved():
    params = ch25.by_hand(*ch25.check_hand_built.solution(8))
    for t in (1, 2, 3, 4):
        rows = np.array(contexts(t))
        tokens = np.column_stack([rows, np.full(len(rows), 11)])
        said = forward(params, tokens, ch25.MODEL)["logits"][:, -1].argmax(axis=-1)
        assert (said == [first_even(row) for row in rows]).all()
    turned = [each._replace(allowed=each.allowed[:, ::-1]) for each in ch25.FAMILIES]
    assert prove(plane_of(params, ch25.MODEL, ch25.PLUS), turned).proved
    assert ch25.not_the_first(plane_of(params, ch25.MODEL, ch25.PLUS)) == 0


def test_what_is_not_the_first_even_number_is_counted_as_one_by_one():
    plane, wrong = ch25.EDITS["places turned round"](ch25.tables(28)), 0
    rng = np.random.default_rng(0)
    for row in rng.integers(0, 12, (3000, 7)):
        if (row % 2 == 0).any():
            scores = np.array([plane.scores[7, i, token] for i, token in enumerate([*row, 11])])
            a = np.exp(scores - scores.max())
            z = plane.start[7] + (a / a.sum()) @ np.array([plane.values[i, token] for i, token in
                                                           enumerate([*row, 11])])
            wrong += ch25.say(plane, z) != first_even(row)
    assert wrong / 3000 < 0.01
    assert 0 < ch25.not_the_first(plane) / 38_753_322 < 0.01
    assert ch25.not_the_first(ch25.tables(0)) == 30_390_870  # a proved model says the latest one


def test_the_record_agrees_with_what_is_counted_now():
    found = ch25.READ.load()
    for seed in (0, 22, 21):
        now = ch25.compare(ch25.tables(seed))
        assert [int(found[name][seed]) for name in now._fields] == list(now)
