"""Chapter 24: its measures and its studies, against witnesses that share no code with them."""

import itertools

import numpy as np
import pytest

from chapters import ch24
from chapters.ch24 import progress
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.byhand.transformer import forward
from transformer_lab.widgets import PlaneModel


@pytest.fixture(scope="module", params=[(17, 215), (17, 1717), (4, 2400)], ids=str)
def model(request):
    seed, step = request.param
    return PlaneModel(seed=seed, step=step)


def plane(model):
    return plane_of(model.params, model.config, ch24.PLUS)


def by_hand(model):
    """The model, token by token: the score of each key at the last sign, and what it says where it reads one value."""
    W = {name.removeprefix("blocks.0."): value for name, value in model.params.items()}
    x = W["W_E"][:, None] + W["W_pos"][None]                     # (token, place, 2)
    scores = (x @ W["W_K"][:, 0]) @ (x[11, 7] @ W["W_Q"][:, 0])  # (token, place)

    def said(t, place, token):
        z = x[11, t] + x[token, place] @ W["W_V"][:, 0]
        return int(((z + np.maximum(z @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"]) @ W["W_U"]
                    + W["b_U"]).argmax())

    return scores, said


def test_every_context_has_its_even_number_where_it_is_said_to_be():
    for (distance, answer), rows in zip(itertools.product(range(1, 8), range(0, 11, 2)),
                                        ch24.contexts(20).reshape(42, 20, 8), strict=True):
        for row in rows.tolist():
            places = [place for place, token in enumerate(row[:7]) if token % 2 == 0]
            assert row[7] == 11 and places[-1] == 7 - distance and row[places[-1]] == answer


def test_skills_are_counted_pair_by_pair(model):
    scores, said = by_hand(model)
    evens, others = range(0, 11, 2), [1, 3, 5, 7, 9, 11]
    skipped = [scores[e, i] > scores[o, i] for i in range(7) for e in evens for o in others]
    later = [scores[e, j] > scores[f, i] for j in range(7) for i in range(j) for e in evens for f in evens]
    read = [said(t, i, e) == e for t in range(1, 8) for i in range(t) for e in evens]
    found = plane(model)
    assert progress.skips(found) == pytest.approx(np.mean(skipped)) and len(skipped) == 252
    assert progress.latest_first(found) == pytest.approx(np.mean(later)) and len(later) == 756
    assert progress.reads(found) == pytest.approx(np.mean(read)) and len(read) == 168


def test_a_tail_is_measured_from_the_best_of_the_others():
    scores = np.tile(np.arange(12.0), (3, 1)) + np.array([[0.0], [5.0], [9.0]])
    assert progress.tail(scores).tolist() == [token - 11.0 for token in range(12)]


def test_a_head_turned_round_has_the_opposite_skills(model):
    turned = dict(model.params)
    key = next(name for name in turned if name.endswith("W_K"))
    turned[key] = -turned[key]
    other, own = plane_of(turned, model.config, ch24.PLUS), plane(model)
    assert progress.skips(other) == pytest.approx(1 - progress.skips(own))
    assert progress.latest_first(other) == pytest.approx(1 - progress.latest_first(own))


def test_families_proved_at_once_are_proved_and_those_refuted_at_once_are_wrong(model):
    proved, refuted = progress.families_of(plane(model), ch24.RUN.task)
    trees = prove(plane(model), families(ch24.RUN.task)).trees
    whole = sum("margin" in tree and tree["margin"] > 0 for tree in trees)
    wrong = sum("context" in tree for tree in trees)
    assert (proved, refuted) == (whole, wrong) and 0 < proved + refuted <= 168


def test_answers_are_those_of_one_model_after_the_other():
    first, second = PlaneModel(seed=17), PlaneModel(seed=4)
    both = {name: np.stack([first.params[name], second.params[name]]) for name in first.params}
    asked = ch24.contexts(3)
    found = progress.answers(both, first.config, asked)
    for params, said in zip((first.params, second.params), found, strict=True):
        for row, token in zip(asked.reshape(-1, 8), said.ravel(), strict=True):
            assert forward(params, row[None], first.config)["logits"][0, 7].argmax() == token


def test_an_onset_is_the_first_step_that_is_high_enough():
    rng = np.random.default_rng(0)
    steps, values = list(range(0, 50, 5)), rng.random((4, 3, 10))
    for row, found in zip(values.reshape(12, 10), ch24.onset(steps, values, 0.9).ravel(), strict=True):
        wanted = next((step for step, value in zip(steps, row, strict=True) if value >= 0.9), None)
        assert np.isnan(found) if wanted is None else found == wanted


def test_a_skill_is_there_for_good_from_the_step_behind_the_last_that_is_too_low():
    rng = np.random.default_rng(1)
    steps, values = list(range(0, 50, 5)), rng.random((40, 10)) + 0.4
    values[0], values[1] = 1, 0
    for row, found in zip(values, ch24.for_good(steps, values, 0.6), strict=True):
        wanted = next((step for i, step in enumerate(steps) if min(row[i:]) >= 0.6), None)
        assert np.isnan(found) if wanted is None else found == wanted


def test_the_studies_are_there_and_end_as_the_core_study_of_the_same_models_does():
    from transformer_lab.analysis.plane_models import IN_THE_PLANE
    found, table = ch24.ONSET.load(), IN_THE_PLANE.load().sel(recipe="plain")
    close = found["right"].isel(step=-1).mean("even").values[:, 0] > 0.999
    assert (close == (table["by_distance"].values[:32, 1] > 0.999)).mean() > 0.95
    assert tuple(np.flatnonzero(table["by_distance"].values[:, 1] < 1)) == ch24.STUCK
    assert set(ch24.MOVED.load()["what"].values) == {"none", "lost", "others", "all"}
    assert set(ch24.REST.load()["what"].values) == set(ch24.study.AFRESH)


@pytest.mark.parametrize("what", ch24.study.AFRESH)
def test_only_what_an_arm_names_begins_afresh(what, monkeypatch):
    from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of
    begun, table = [], IN_THE_PLANE.load().sel(recipe="plain")
    monkeypatch.setattr(ch24.study, "after_more", begun.append)
    ch24.study.begun_afresh(what, (4, 15))
    for i, seed in enumerate(np.repeat((4, 15), ch24.study.COPIES)):
        for name, kept in params_of(table.sel(seed=seed)).items():
            assert np.array_equal(begun[0][name][i], kept) == (name.rpartition(".")[2] not in ch24.study.AFRESH[what])
