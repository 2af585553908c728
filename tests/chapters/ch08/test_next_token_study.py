"""The decoder's study: its measures against counting by hand, and what its records must show."""

from pathlib import Path

import numpy as np
import pytest

from chapters.ch08 import next_token
from chapters.ch08.next_token import ARMS, MEASURED, measure, run_of
from transformer_lab import LabError, generator
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.byhand.transformer import init, loss_and_gradients
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.expressions import EOS, answer_tokens, tokenize, value
from transformer_lab.tasks.next_token import bounds, every_target
from transformer_lab.training import Run, read_record, train

DATA = Path(__file__).resolve().parents[3] / "data" / "digits"


def test_the_measures_count_what_they_say():
    """The shipped model with a bias towards one digit makes mistakes of all kinds; they are counted one by one."""
    model, _ = load(DATA / "two-digits-0")
    bias = model.params["b_U"].copy()
    bias[5] += 9
    model = DigitModel(model.run, model.params | {"b_U": bias})
    inputs = model.run.task.parts.held_out[:150]
    forced, free, first, whole = [], [], np.zeros(3, dtype=int), 0
    for x in inputs:
        question, answer = tokenize(x), [*answer_tokens(value(x)), EOS]
        said = model.logits(np.array([question + answer[:-1]]))[0].argmax(-1)[len(question) - 1:]
        forced += [a == b for a, b in zip(said, answer, strict=True)]
        written = list(question)
        while len(written) < len(question) + len(answer):
            written.append(int(model.logits(np.array([written[:model.run.model.n_ctx]]))[0, -1].argmax()))
            if written[-1] == EOS:
                break
        written = written[len(question):] + [None] * 3
        hits = [a == b for a, b in zip(written, answer, strict=False)]
        free += hits
        whole += all(hits)
        if not all(hits):
            first[hits.index(False)] += 1
    found = measure(model, inputs)
    assert 0 < whole < len(inputs) and found["whole"] == whole / len(inputs)
    assert found["forced"] == pytest.approx(np.mean(forced)) and found["free"] == pytest.approx(np.mean(free))
    assert [found[f"wrong_at_{i}"] for i in range(3)] == first.tolist()


def test_an_answer_that_is_not_written_has_no_other_targets():
    with pytest.raises(LabError, match="counted: got 'all'"):
        RECIPES["digits"].replace(counted="all")


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_trained_on_the_tokens_that_it_counts(tmp_path, arm):
    run = run_of(arm, 3).replace(steps=1, warmup=0, examples=200, held_out=0.1)
    rows = generator(3, "batch", 0).integers(180, size=run.training.batch)
    batch = run.task.encoded([run.task.parts.train[i] for i in rows])
    batch = every_target(batch) if arm == "all" else batch
    value, _ = loss_and_gradients(init(run.model, seed=3), *batch, run.model)
    assert train(tmp_path / "run", run).history["loss"][0] == value


@pytest.mark.parametrize("arm", ARMS)
def test_the_shipped_curves(arm):
    record, run = read_record(DATA / f"next-token-{arm}"), run_of(arm, 0)
    best, last = bounds(run.task, run.task.parts.held_out), record.history.rows[-1]
    assert Run.from_dict(record.config["run"]) == run
    assert record.history.steps.tolist() == list(MEASURED) and record.state["bounds"].tolist() == list(best)
    history = record.history
    assert (history["loss_all"] > best.loss).all() and history["whole"].shape == (len(MEASURED), next_token.SEEDS)
    wrong = sum(history[f"wrong_at_{i}"] for i in range(3))
    np.testing.assert_allclose(1 - history["whole"], wrong / len(run.task.parts.held_out), atol=1e-12)
    assert last["whole"].min() > {"answer": 0.998, "all": 0.98}[arm]
    if arm == "all":
        assert np.abs(last["all_tokens"] - best.accuracy).max() < 0.02 and last["loss_all"].max() < best.loss + 0.02


def test_a_small_arm_is_measured_as_it_learns(tmp_path, monkeypatch):
    small = RECIPES["two-digits"].replace(n_layers=1, n_heads=1, d_model=8, d_mlp=8, steps=3, warmup=1, batch=4,
                    examples=200, held_out=0.1)
    monkeypatch.setattr(next_token, "RECIPES", {"two-digits": small})
    monkeypatch.setattr(next_token, "MEASURED", (0, 3))
    record = next_token.record("all", tmp_path / "runs", tmp_path / "data")
    assert record.history["whole"].shape == (2, next_token.SEEDS) and record.config["run"]["task"]["counted"] == "all"
    params = load(tmp_path / "runs" / "next-token-all-1")[0].params
    found = measure(DigitModel(small.replace(counted="all", seed=1), params), small.task.parts.held_out)
    assert record.history["loss_all"][-1, 1] == found["loss_all"]
