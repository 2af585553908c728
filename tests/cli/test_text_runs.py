"""Runs on text: trained, stopped and gone on with, asked, judged beside n-grams and listed, as all others are."""

import numpy as np
import pytest

from transformer_lab.cli import main, text_runs
from transformer_lab.tasks import text
from transformer_lab.tasks.ngrams import NGrams
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, read_record, read_run, train
from transformer_lab.training.torch_stepper import TorchStepper

TASK = TextTask("sonnet", n_ctx=16)
SMALL = {"n_layers": 1, "n_heads": 2, "d_model": 16, "d_mlp": 32, "batch": 4, "warmup": 2}
KINDS = {"by hand": {}, "PyTorch": {"library": "torch"}, "Muon in few bits": {
    "library": "torch", "optimizer": "muon", "precision": "bfloat16", "positions": "rotary", "norm": "rms",
    "silent": True, "lowest": 0.1}}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(kind, tmp_path, monkeypatch):
    run = Run.of(TASK, steps=7, **SMALL, **kind)
    whole, stepper = train(tmp_path / "whole", run, every=2, checkpoint_every=2), type(run.stepper())
    step, calls = stepper.step, []

    def stopped(self, *given):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(self, *given)

    monkeypatch.setattr(stepper, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "again", run, every=2, checkpoint_every=2)
    again = train(tmp_path / "again", run, every=2, checkpoint_every=2)
    assert len(calls) == 6 + 7 - 4
    for name in ("metrics.csv", "weights.safetensors"):
        assert (whole.path / name).read_bytes() == (again.path / name).read_bytes()
    assert read_run(tmp_path / "again")[0] == run


def test_both_libraries_train_the_same_run():
    found = {}
    for library in ("numpy", "torch"):
        run = Run.of(TASK, steps=5, library=library, **SMALL)
        stepper = run.stepper()
        losses = [float(stepper.step(run.batches(step), run.learning_rate(step))["loss"]) for step in range(5)]
        found[library] = [*losses, *run.evaluation()(stepper).values()]
    assert isinstance(stepper, TorchStepper)
    np.testing.assert_allclose(found["numpy"], found["torch"], rtol=1e-4)


def test_it_is_trained_told_asked_and_listed(capsys):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    assert main(["train", "text", "--text", "sonnet", "--n-ctx", "16", "--steps", "30", *words, "--to", "runs/s"]) == 0
    record = read_record("runs/s")
    last = record.history.rows[-1]
    said = capsys.readouterr().out
    assert f"{last['held_out_loss']:.3f} nats a character on held-out text" in said and 'ask runs/s "ROMEO:"' in said
    assert main(["ask", "s", "Shall"]) == 0
    said = capsys.readouterr().out
    assert said.count(" %") == 5 and len(said.partition("\n\n")[2]) == 17 + 1  # as much as it sees, and a last one
    assert main(["evaluate", "s"]) == 0
    assert f"{last['held_out_loss']:.3f}" in capsys.readouterr().out
    assert main(["runs"]) == 0
    assert "the next character of sonnet, from up to 16 before it" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "sentence"), [("Élan", "'É' at position 0"), ("", "nothing to go on from")])
def test_what_is_no_beginning_is_a_sentence(words, sentence, capsys):
    train("runs/s", Run.of(TASK, steps=2, **SMALL | {"warmup": 0}))
    assert main(["ask", "s", words]) == 1
    assert sentence in capsys.readouterr().err


def test_the_rulers_are_the_n_grams_over_the_whole_held_out_text():
    known, held_out = TASK.parts
    found = text_runs.rulers(TASK, (0, 1, 3))
    assert found[0] == pytest.approx(np.log(len(TASK.alphabet)))
    assert found[3] == NGrams(known, 3, len(TASK.alphabet)).losses(held_out).mean()


def test_the_held_out_loss_of_a_run_is_the_mean_over_all_windows():
    run = Run.of(TASK, steps=1, **SMALL | {"warmup": 0})
    stepper = run.stepper()
    logits = run.read(stepper.params, text.tests(TASK)[0].tokens).astype(float)
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    paid = -np.log(np.take_along_axis(chances, text.tests(TASK)[0].targets[..., None], -1))
    assert run.evaluation()(stepper)["held_out_loss"] == pytest.approx(paid.mean(), rel=1e-5)
