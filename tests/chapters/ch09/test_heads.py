"""What the heads study measures, against slow counting on a small model, and the shipped study against the weights."""

import numpy as np
import pytest

from chapters.ch09.heads import looks, rows, silenced
from transformer_lab import places
from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.training import Run, study, train

RUN = Run.of(Digits(), n_layers=2, n_heads=2, d_model=16, d_mlp=8, steps=150, warmup=10)
INPUTS = all_inputs(RUN.task)


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """A small model that has begun to learn."""
    return train(tmp_path_factory.mktemp("heads") / "run", RUN).weights


def test_where_heads_look_is_averaged_operation_by_operation(params):
    found, rows_of_max = looks(RUN, params), slice(3000, 4000)
    pattern = forward(params, RUN.task.encoded(INPUTS).tokens[rows_of_max], RUN.model)["blocks.1.pattern"]
    assert found.shape == (2, 2, 5, 8, 8)
    np.testing.assert_allclose(found[1, :, 3], pattern.mean(0), atol=1e-6)


def test_silencing_is_putting_the_mean_over_training_inputs_in_its_place(params):
    found, (tokens, answers) = silenced(RUN, params), RUN.task.encoded(INPUTS)
    z = {layer: forward(params, RUN.task.encoded(RUN.task.parts.train).tokens, RUN.model)[f"blocks.{layer}.z"].mean(0)
         for layer in range(2)}

    def score(gone):
        def tap(name, value):
            for layer, head in gone:
                if name == f"blocks.{layer}.z":
                    value = value.copy()
                    value[:, head] = z[layer][head]
            return value

        return (forward(params, tokens, RUN.model, tap=tap)["logits"].argmax(-1) == answers).mean()

    assert found["full"][-1] == pytest.approx(score([]), abs=1e-3)
    assert found["without.head"][0, 1, -1] == pytest.approx(score([(0, 1)]), abs=1e-3)
    assert found["without.head"][1, 0, -1] == pytest.approx(score([(1, 0)]), abs=1e-3)
    assert found["without.attention"][0, -1] == pytest.approx(score([(0, 0), (0, 1)]), abs=1e-3)
    assert found["full"][-1] > 0.25 and len(set(found["without.head"][..., -1].ravel())) > 2


def test_a_row_is_spoiled_by_its_mean_over_the_questions_of_its_operation(params):
    left, (tokens, answers) = rows(RUN, params), RUN.task.encoded(INPUTS)
    assert left.shape == (5, 8)
    for operation, place in ((0, 0), (3, 4), (4, 7)):
        asked = slice(1000 * operation, 1000 * operation + 1000)

        def tap(name, value, place=place):
            if name == "blocks.0.resid_post":
                value = np.array(value)
                value[:, place] = value[:, place].mean(axis=0)  # all thousand questions are in this batch
            return value

        said = forward(params, tokens[asked], RUN.model, tap=tap)["logits"].argmax(-1)
        assert left[operation, place] == pytest.approx((said == answers[asked]).mean(), abs=1e-3)
    assert len(set(left.ravel())) > 10


def test_the_shipped_study_is_what_the_shipped_weights_do():
    found, (model, _) = study("heads").load(), load(places.shipped("digits", "digits-0"))
    first = found.sel(seed=0)
    np.testing.assert_allclose(found.pattern.astype(float).sum("key"), 1, atol=5e-3)
    np.testing.assert_allclose(first.pattern, looks(model.run, model.params), atol=2e-3)
    np.testing.assert_allclose(first["without.row"], rows(model.run, model.params), atol=0.005)
    again = silenced(model.run, model.params)
    for name in ("full", "without.head", "without.attention"):
        np.testing.assert_allclose(first[name], again[name], atol=0.005)
    np.testing.assert_allclose(found.full, study("dynamics").load()["all"].sel(step=2000), atol=0.002)
