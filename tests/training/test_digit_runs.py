"""Real digit runs, small: they resume, written answers are what the model says alone, bad runs are refused."""

import itertools

import numpy as np
import pytest
from kill_runs import contents

from transformer_lab import ModelConfig
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.errors import ConfigError, DataError
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.expressions import EOS, spell, tokenize
from transformer_lab.training import Run, fit, read_record, train, write_record
from transformer_lab.training.stepper import Stepper

SMALL = Run.of(Digits(operations=("Max", "First")), n_layers=1, n_heads=2, d_model=16, d_mlp=32, steps=40, batch=16,
               warmup=5)
WRITTEN = SMALL.replace(task=Digits(operations=("Max", "Add"), min_args=1, max_args=3, high=12, written=True))


@pytest.mark.parametrize("run", [SMALL, WRITTEN, SMALL.replace(clip=0.5)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path, monkeypatch, run):
    train(tmp_path / "whole", run, every=10, checkpoint_every=10)
    original, count = Stepper.step, itertools.count()

    def stopped(self, batch, learning_rate):
        if next(count) == 25:
            raise KeyboardInterrupt
        return original(self, batch, learning_rate)

    monkeypatch.setattr(Stepper, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", run, every=10, checkpoint_every=10)
    train(tmp_path / "run", run, every=10, checkpoint_every=10)
    assert next(count) == 46 and contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_stepper_with_dropout_and_seeds_resumes_bit_for_bit():
    config = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, d_mlp=16, norm="layer", read_out="last", dropout=0.2)
    tokens = np.random.default_rng(0).integers(7, size=(12, 5))

    def stepper():
        return Stepper(init(config, n_seeds=3), config, "adamw", max_norm=1.0, seed=4)

    whole, first, second = stepper(), stepper(), stepper()
    fit(whole, lambda step: (tokens, tokens[:, 0]), steps=9, learning_rate=0.01)
    fit(first, lambda step: (tokens, tokens[:, 0]), steps=4, learning_rate=0.01)
    second.load_state({name: np.array(value) for name, value in first.state().items()})
    history = fit(second, lambda step: (tokens, tokens[:, 0]), steps=9, learning_rate=0.01, start=4)
    assert history["loss"].shape == (6, 3)
    alone = Stepper({name: value[1] for name, value in init(config, n_seeds=3).items()}, config, max_norm=1.0, seed=5)
    fit(alone, lambda step: (tokens, tokens[:, 0]), steps=9, learning_rate=0.01)
    np.testing.assert_allclose(alone.params["W_E"], whole.params["W_E"][1], atol=1e-5)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, second.state()[name])


def test_dropout_differs_from_step_to_step():
    config = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, d_mlp=16, read_out="last", dropout=0.3)
    stepper, tokens = Stepper(init(config), config, "sgd"), np.arange(60).reshape(12, 5) % 7
    losses = [float(stepper.step((tokens, tokens[:, 0]), 1e-12)["loss"]) for _ in range(5)]
    assert len(set(losses)) == 5


def test_every_part_of_a_run_follows_from_its_configuration(tmp_path):
    record = train(tmp_path / "run", SMALL)
    model, again = load(tmp_path / "run")
    assert model.run == SMALL and again.name == record.name
    assert not set(model.run.task.parts.train) & set(model.run.task.parts.held_out)
    assert SMALL.replace(data_seed=1).task.parts != SMALL.task.parts == SMALL.replace(seed=1).task.parts
    assert record.history["held_out_accuracy"][-1] == model.right(SMALL.task.parts.held_out).mean()
    assert record.history["held_out_accuracy"][-1] > record.history["held_out_accuracy"][0]


def test_the_ranking_of_a_read_answer_is_the_softmax(tmp_path):
    model = DigitModel(SMALL, init(SMALL.model, seed=3))
    expression = ("Max", (5, 8, 3))
    logits = forward(model.params, np.array([tokenize(expression)]), SMALL.model)["logits"][0].astype(np.float64)
    probs = np.exp(logits) / np.exp(logits).sum()
    order = np.argsort(-probs)[:5]
    ranked = model.top(expression)
    np.testing.assert_allclose([entry.probability for entry in ranked], probs[order], rtol=1e-5)
    texts = [spell([token] if token != EOS else []) or "(nothing)" for token in order]
    assert [entry.text for entry in ranked] == texts


def test_the_ranking_of_a_written_answer_is_that_of_trying_all_of_them(tmp_path):
    """A beam as wide as the vocabulary keeps every first token, so two-token answers are found exactly."""
    run = WRITTEN.replace(task=Digits(operations=("Max",), min_args=2, max_args=2, written=True))
    model, expression, width = DigitModel(run, init(run.model, seed=3)), ("Max", (5, 8)), run.model.d_vocab
    question = tokenize(expression)

    def log_probs(tokens):
        logits = forward(model.params, np.array([tokens]), run.model)["logits"][0, -1].astype(np.float64)
        return logits - np.log(np.exp(logits).sum())

    first = log_probs(question)
    both = {(a, b): first[a] + log_probs([*question, a])[b] for a in range(width) if a != EOS for b in range(width)}
    both[EOS,] = first[EOS]
    best = sorted(both.values(), reverse=True)[:width]
    ranked = model.top(expression, n=width)
    np.testing.assert_allclose(np.log([entry.probability for entry in ranked]), best, rtol=1e-4)


def test_what_a_model_says_alone_is_what_it_says_token_by_token(tmp_path):
    train(tmp_path / "run", WRITTEN.replace(steps=150))
    model, record = load(tmp_path / "run")
    expressions = model.run.task.parts.held_out[:60]
    for expression, said in zip(expressions, model.said(expressions), strict=True):
        tokens = tokenize(expression)
        for _ in range(model.run.task.n_answer + 1):
            logits = forward(model.params, np.array([tokens]), model.run.model)["logits"]
            tokens = [*tokens, int(logits[0, -1].argmax())]
            if tokens[-1] == EOS or len(tokens) > model.run.model.n_ctx:
                break
        assert said == spell([token for token in tokens[len(tokenize(expression)):] if token != EOS])
    assert model.right(model.run.task.parts.held_out).mean() == record.history["held_out_accuracy"][-1]


@pytest.mark.parametrize(("change", "faults"), [
    ({"warmup": 41}, 1), ({"n_heads": 3}, 1), ({"examples": 1500}, 1), ({"high": 99, "max_args": 4}, 2),
    ({"depth": 2}, 2), ({"held_out": 0, "examples": -1}, 2), ({"n_ctx": 3, "read_out": "all"}, 2),
    ({"beta2": 1, "steps": 0}, 2)])
def test_a_run_lists_all_its_faults(change, faults):
    with pytest.raises(ConfigError) as found:
        SMALL.replace(**change)
    assert len(found.value.faults) == faults


def test_a_record_of_something_else_is_no_digit_run(tmp_path):
    history = read_record(train(tmp_path / "run", SMALL).path).history
    write_record(tmp_path / "other", config={"task": "letters"}, history=history, state={"W": np.zeros(2)}, step=40)
    with pytest.raises(DataError, match="no run of a task"):
        load(tmp_path / "other")
    write_record(tmp_path / "wrong", config=SMALL.to_dict(), history=history, state={"W": np.zeros(2)}, step=40)
    with pytest.raises(DataError, match="weights of another model"):
        load(tmp_path / "wrong")
