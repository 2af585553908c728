"""What figures of a model of a rule are drawn from, against sums written out by hand."""

import numpy as np
import pytest

from transformer_lab.analysis import views
from transformer_lab.analysis.plane_models import recipe
from transformer_lab.analysis.rule_scores import judged, sampled
from transformer_lab.analysis.saturation import entropy
from transformer_lab.byhand.transformer import init
from transformer_lab.errors import DataError
from transformer_lab.randomness import generator
from transformer_lab.tasks.rules import RuleTask

RUN = recipe(how="plain")
PARAMS = init(RUN.model, seed=5)
W = {name.removeprefix("blocks.0."): value.astype(float) for name, value in PARAMS.items()}


def odds_at(z, hidden=True):
    """The softmax of the logits at one point of the stream."""
    after = z + np.maximum(z @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"] if hidden else z
    powers = np.exp(after @ W["W_U"] + W["b_U"])
    return powers / powers.sum()


def test_every_token_in_every_place_is_the_sum_of_two_rows_and_its_images():
    found = views.pairs(PARAMS, RUN.model)
    for token in range(12):
        for place in range(8):
            x = W["W_E"][token] + W["W_pos"][place]
            assert np.allclose(found.x[token, place], x, atol=1e-6)
            for part, name in ((found.q, "W_Q"), (found.k, "W_K"), (found.v, "W_V")):
                assert np.allclose(part[token, 0, place], x @ W[name][:, 0], atol=1e-5)


def test_a_score_is_a_product_over_the_root_of_two():
    found, table = views.pairs(PARAMS, RUN.model), views.score_table(views.pairs(PARAMS, RUN.model))
    for t, query, i, key in ((0, 3, 7, 11), (5, 11, 2, 4), (7, 11, 7, 11)):
        wanted = found.q[query, 0, t].astype(float) @ found.k[key, 0, i].astype(float) / 2**0.5
        assert table[t, query, i, key] == pytest.approx(wanted)
    x, y = np.array([0.5, -1.0]), np.array([2.0])
    field = views.score_field(np.array([1.0, 3.0]), x, y)
    assert field[0].tolist() == pytest.approx([6.5 / 2**0.5, 5 / 2**0.5])


@pytest.mark.parametrize(("at", "hidden"), [("resid_mid", True), ("resid_post", False)])
def test_the_landscape_is_that_of_each_point_alone(at, hidden):
    x, y = np.linspace(-2, 2, 5), np.linspace(-1, 3, 4)
    found = views.chances(PARAMS, RUN.model, x, y, at)
    for row, across in np.ndindex(4, 5):
        assert np.allclose(found[row, across], odds_at(np.array([x[across], y[row]]), hidden), atol=1e-6)
    assert entropy(found)[2, 1] == pytest.approx(-sum(p * np.log(p) for p in found[2, 1]))


def test_a_model_in_more_dimensions_has_no_landscape():
    deep = recipe("step_back").model
    with pytest.raises(DataError, match="d_model=4"):
        views.chances(init(deep), deep, np.arange(2.0), np.arange(2.0))


@pytest.mark.parametrize("rule", ["plus_last_even", "lucky7", "step_back"])
def test_demonstrations_differ_and_the_rule_speaks_in_them(rule):
    task = RuleTask(rule)
    rows = views.demos(task, 3, seed=2)
    assert len({tuple(row) for row in rows.tolist()}) == 3 and rows.shape == (3, task.n_ctx)


def test_what_a_model_writes_is_judged_token_by_token():
    task = RuleTask("plus_last_even")
    tokens = sampled(PARAMS, RUN.model, task, generator(0, "written").random((30, 20)))
    marks = judged(task, tokens)
    assert tokens.shape == (20, 30) and (marks == -1).any()
    for row, found in zip(tokens.tolist(), marks.tolist(), strict=True):
        assert row[0] != 11 and found[0] == 0
        for place in range(1, 30):
            evens = [token for token in row[:place] if token % 2 == 0]
            allowed = evens[-1:] or range(0, 11, 2)
            wanted = (1 if row[place] in allowed else -1) if row[place - 1] == 11 else 0
            assert found[place] == wanted
