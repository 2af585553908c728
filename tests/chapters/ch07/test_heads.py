"""What the heads study measures, against slow counting on a small model, and its shipped record against the weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chapters.ch07 import heads
from chapters.ch07.grid import Grid
from chapters.ch07.heads import PLACES, load, looks, means, quiet, rows, scorer, ship, silenced
from transformer_lab.byhand.transformer import forward
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.tasks.expressions import TOKENS
from transformer_lab.training import read_record
from transformer_lab.training.digits import DigitRun, train
from transformer_lab.training.digits import load as load_run

DATA = Path(__file__).resolve().parents[3] / "data" / "digits"
RUN = DigitRun(task=DigitTask(), n_layers=2, n_heads=2, d_model=16, d_mlp=8, steps=150, warmup=10)
INPUTS = all_inputs(RUN.task)


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """A small model that has begun to learn."""
    return train(tmp_path_factory.mktemp("heads") / "run", RUN).weights


def test_where_heads_look_is_counted_input_by_input(params):
    found, (tokens, answers) = looks(RUN, params), RUN.encoded(INPUTS)
    assert [TOKENS[token] for token in tokens[3058][list(PLACES)]] == ["0", "5", "8"]
    rows = slice(3000, 4000)  # Max
    pattern = forward(params, tokens[rows], RUN.model)["blocks.1.pattern"]
    np.testing.assert_allclose(found["pattern"][1, :, 3], pattern.mean(0), atol=1e-6)
    for head, start in ((0, 7), (1, 0)):
        hit = even = 0.0
        for row, asked, answer in zip(pattern[:, head, start], tokens[rows], answers[rows], strict=True):
            places = [place for place in (2, 4, 6) if asked[place] == answer]
            hit += row[places].sum()
            even += row[[2, 4, 6]].sum() * len(places) / 3
        assert found["right"][1, head, 3, start] == pytest.approx(hit / 1000, rel=1e-4)
        assert found["even"][1, head, 3, start] == pytest.approx(even / 1000, rel=1e-4)


def test_silencing_is_putting_the_mean_over_training_inputs_in_its_place(params):
    found, (tokens, answers) = silenced(RUN, params), RUN.encoded(INPUTS)
    z = {layer: forward(params, RUN.encoded(RUN.parts.train).tokens, RUN.model)[f"blocks.{layer}.z"].mean(0)
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
    assert found["only.head"][1, 0, -1] == pytest.approx(score([(0, 0), (0, 1), (1, 1)]), abs=1e-3)
    assert found["only.in_layer"][1, 0, -1] == pytest.approx(score([(1, 1)]), abs=1e-3)
    assert found["without.attention"][0, -1] == pytest.approx(score([(0, 0), (0, 1)]), abs=1e-3)
    assert found["full"][-1] > 0.25 and len(set(found["without.head"][..., -1].ravel())) > 2


def test_a_row_is_spoiled_by_its_mean_over_the_questions_of_its_operation(params):
    left, (tokens, answers) = rows(RUN, params)["without.row"], RUN.encoded(INPUTS)
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


def test_a_small_study_is_shipped(tmp_path, monkeypatch):
    short = replace(RUN, steps=2, warmup=1)
    monkeypatch.setattr(heads, "GRID", Grid({"digits": {}}, seeds=(3,), at=(2,), every=1, recipe=short))
    record = ship(runs=tmp_path / "runs", data=tmp_path / "data")
    assert record.state["pattern"].shape == (1, 2, 2, 5, 8, 8) and record.state["only.head"].shape == (1, 2, 2, 6)
    assert load(tmp_path / "data").name == record.name


def test_the_shipped_record_is_what_the_shipped_weights_do():
    state, (model, _) = load(DATA).state, load_run(DATA / "digits-0")
    assert state["pattern"].shape == (20, 2, 4, 5, 8, 8)
    np.testing.assert_allclose(state["pattern"].astype(float).sum(-1), 1, atol=5e-3)
    found = looks(model.run, model.params)
    np.testing.assert_allclose(state["pattern"][0], found["pattern"], atol=2e-3)
    np.testing.assert_allclose(state["right"][0], found["right"], atol=1e-3)
    np.testing.assert_allclose(state["without.row"][0, :3, [0, 7]], [[0.1] * 3, [1.0] * 3], atol=0.01)
    score, said = scorer(model.run, model.params), means(model.run, model.params)
    for layer, head in ((0, 2), (1, 3)):
        again = score([quiet(said, layer, head)])
        np.testing.assert_allclose(state["without.head"][0, layer, head], again, atol=0.005)
    final = read_record(DATA / "dynamics-study").state["all"][0, :, -1]
    np.testing.assert_allclose(state["full"], final, atol=0.002)
