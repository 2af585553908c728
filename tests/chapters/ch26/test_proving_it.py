"""Chapter 26: contexts and families against listing, polygons against forward passes, forgeries against the checker."""

import itertools

import numpy as np
import pytest

from chapters import ch26
from chapters.ch26 import figures
from chapters.ch26.contexts import members
from transformer_lab import generator
from transformer_lab.analysis.certificates.families import families, size
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.analysis.certificates.support import compass, polygons
from transformer_lab.analysis.in_plane import shortened
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
from transformer_lab.byhand.transformer import init
from transformer_lab.errors import LabError
from transformer_lab.tasks.rules import oracle


@pytest.fixture(scope="module")
def models():
    return ch26.two_models()


def right_answer(context):
    return next(token for token in reversed(context) if token % 2 == 0)


def test_the_families_are_those_of_the_package_in_its_order():
    boxes = families(ch26.TASK)
    assert sum(sum(size(each)) for each in boxes) == 38_753_322
    rows = [(box.t, allowed, answer) for box in boxes
            for allowed, answer in zip(box.allowed, box.answers, strict=True)]
    for (t, j, even), (there, allowed, answer) in zip(ch26.all_families(), rows, strict=True):
        assert (t, even) == (there, answer)
        assert np.array_equal(ch26.family(t, j, even)[:-1], allowed)


def test_every_context_has_an_even_number_and_is_met_once():
    for t in (1, 2, 3):
        met = [tuple(row) for which in ch26.all_families() if which[0] == t for row in members(*which).tolist()]
        assert len(set(met)) == len(met) and set(met) == {
            row for row in itertools.product(range(12), repeat=t) if any(token % 2 == 0 for token in row)}


def test_random_contexts_are_spread_evenly_over_all():
    found = ch26.random_contexts(400_000, seed=3)
    assert sum(map(len, found.values())) == 400_000
    share = len(found[6]) / 400_000
    assert share == pytest.approx((12**6 - 6**6) / 38_753_322, abs=0.002)
    counts = np.bincount((found[7] % 2 == 0).sum(axis=1), minlength=8)[1:] / len(found[7])
    binomial = np.array([len(list(itertools.combinations(range(7), k))) for k in range(1, 8)]) / (2**7 - 1)
    assert np.allclose(counts, binomial, atol=0.004)


def test_margins_and_points_are_those_of_the_tables(models):
    plane, params = ch26.to_plane(models["model A"]), models["model A"]
    for row in generator(0, "rows").integers(12, size=(40, 5)):
        if (row % 2 == 0).any():
            j = max(i for i, token in enumerate(row) if token % 2 == 0)
            a, v = ch26.tables(plane, ch26.family(5, j, int(row[j])))
            at = np.arange(6), [*row, ch26.PLUS]
            assert (a[at] > 0).all()
            z, margins = ch26.asked(params, row[None])
            assert np.allclose((a[at][:, None] * v[at]).sum(axis=0) / a[at].sum(), z[0], atol=1e-10)
            p = shortened(params)
            after = z[0] + np.maximum(z[0] @ p["W_in"] + p["b_in"], 0) @ p["W_out"] + p["b_out"]
            logits = after @ p["W_U"] + p["b_U"]
            right = right_answer(row.tolist())
            assert margins[0] == pytest.approx(logits[right] - np.delete(logits, right).max())
            assert oracle(ch26.TASK, [*row, ch26.PLUS])[-1].argmax() == right


def test_the_record_holds_a_model_that_is_right_and_one_that_is_wrong_on_seven(models):
    verdicts = {name: prove(ch26.to_plane(params), families(ch26.TASK)) for name, params in models.items()}
    assert verdicts["model A"].proved
    wrong = [context[:-1] for _, context in verdicts["model B"].counterexamples]
    assert wrong and all(ch26.asked(models["model B"], [context])[1][0] < 0 for context in wrong)


def test_points_stay_inside_and_a_forgotten_position_is_met(models):
    plane = ch26.to_plane(models["model A"])
    heights = ch26.reaches(plane)
    assert ch26.outside(models["model A"], heights) == (0, sum(12**t - 6**t for t in range(1, 5)))
    assert ch26.outside(models["model A"], heights - 1e-3)[0] > 0


def test_a_polygon_holds_what_its_heights_allow():
    corners = polygons(ch26.DIRECTIONS, np.full((1, 16), 2.0))[0]
    assert np.allclose((corners @ ch26.DIRECTIONS.T).max(axis=0), 2.0, atol=1e-6)


def test_pieces_of_a_polygon_are_the_polygon():
    corners = np.array([[0.0, 0], [4, 0], [4, 3], [0, 3]])
    pieces = [corners]
    for seed in range(6):
        w, b = generator(seed, "w").normal(size=2), generator(seed, "b").normal()
        pieces = [half for piece in pieces for half in ch26.cut(piece, piece @ w + b)]
    def area(place):
        x, y = place.T
        return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    assert len(pieces) > 3
    assert sum(map(area, pieces)) == pytest.approx(12)
    assert min(map(area, pieces)) > 0


def test_values_alone_enclose_more_than_the_families_reach(models):
    plane = ch26.to_plane(models["model A"])
    assert (ch26.values_only(plane) <= ch26.polygons_of(plane)[1] + 1e-9).all()


def test_forgeries_are_refused_and_the_certificate_holds(models):
    params, other = models.values()
    proof = prove(ch26.to_plane(params), families(ch26.TASK))
    found = ch26.certificate_of(params, proof)
    assert ch26.objection(found, params) == ""
    assert "checksum" in ch26.objection(ch26.flipped(found, 1), params)
    assert "does not fit" in ch26.objection(ch26.shrunk(found, 165, 0.99), params)
    assert ch26.objection(ch26.for_other_weights(found, other), other)
    assert "other weights" in ch26.objection(found, other)


def test_a_hull_holds_all_points_and_no_more_than_can_be_seen():
    points = generator(0, "hull").normal(size=(40, 2))
    reach = (figures.hull(points) @ compass(64).T).max(axis=0) - (points @ compass(64).T).max(axis=0)
    assert reach.min() > 0 and reach.max() < 0.01


def test_the_models_that_were_tried_are_all_that_fail_and_as_many_others():
    fails = IN_THE_PLANE.load().sel(recipe="plain")["proved"].values == 0
    tried = ch26.TRIED.load()
    assert set(np.flatnonzero(fails)) <= set(tried["seed"].values.tolist())
    assert ((tried["wrong"] > 0).values == (tried["proved"].values == 0)[:, None]).all()


def test_a_failure_is_what_forward_passes_say(models):
    found = ch26.failure(ch26.to_plane(models["model B"]))
    assert found.kind == ch26.KINDS[0] and found.worst.endswith("+") and found.distances.sum() == found.numbers.sum()
    context = [11 if word == "+" else int(word) for word in found.worst.split()[:-1]]
    assert ch26.asked(models["model B"], [context])[1] <= 0
    silent = models["model B"] | {"b_U": models["model B"]["b_U"] + 1e6 * (np.arange(12) == 4)}
    assert ch26.failure(ch26.to_plane(silent)).numbers[2] == 0


def test_the_model_of_76_tokens_is_right_where_forward_passes_can_be_made():
    """The farthest number with anything that may stand behind it, drawn at random, and the worst that a test can think
    of: the same token all the way.
    """
    params = params_of(ch26.FAR.load().sel(n_ctx=76, seed=0))
    rng = generator(0, "far")
    rows = rng.choice([1, 3, 5, 7, 9, 11], (120, 75))
    rows[60:] = rows[60:, :1]
    rows[:, 0] = 2 * rng.integers(6, size=120)
    assert ch26.asked(params, rows)[1].min() > 0.7
    assert ch26.asked(params, rng.integers(12, size=(300, 75)))[1].min() > 0.7


@pytest.mark.parametrize("odd", [object(), np.ones((2, 2)), None])
def test_short_names_are_for_weights(odd):
    with pytest.raises(LabError, match=r"^params\['W_E'\]: got"):
        shortened(init(recipe().model) | {"W_E": odd})
