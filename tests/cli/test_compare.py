"""The verb ``compare``: the table has what differs and the last measures, the figure the curves."""

import pytest

from transformer_lab.cli import main
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, train

SMALL = {"n_layers": 1, "n_heads": 2, "d_model": 16, "d_mlp": 32, "batch": 4, "warmup": 0, "steps": 4}


@pytest.fixture(autouse=True)
def runs(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run = Run.of(TextTask("sonnet", n_ctx=16), **SMALL)
    return [train(f"runs/{name}", run.replace(**changes), every=2) for name, changes in
            (("one", {}), ("fast", {"learning_rate": 0.01}), ("two", {"seeds": 2}))]


def test_the_table_says_what_differs_and_where_runs_end(runs, capsys):
    assert main(["compare", "one", "fast", "two"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert "learning rate" in head and "seeds" in head and "batch" not in head
    for record, line in zip(runs, lines, strict=True):
        assert line.split()[0] == record.path.name and f"{record.history['held_out_loss'][-1].mean():.4f}" in line
    assert "0.01" in lines[1]


def test_curves_are_drawn(capsys, tmp_path):
    assert main(["compare", "one", "two", "--metric", "loss", "--out", "drawn/curves.svg"]) == 0
    assert "<svg" in (tmp_path / "drawn" / "curves.svg").read_text()
    assert "drawn/curves.svg: loss over the steps" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "sentence"), [
    (["one", "one"], "named twice"), (["nine"], "There is no run 'nine'"), (["one", "--out", "a.doc"], ".svg"),
    (["one", "--metric", "los", "--out", "a.svg"], "Did you mean 'loss'")])
def test_what_cannot_be_compared_is_a_sentence(words, sentence, capsys):
    assert main(["compare", *words]) == 1
    assert sentence in capsys.readouterr().err


def test_a_run_is_told_to_a_tracker_when_it_is_whole(capsys, tmp_path):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    for _ in range(2):
        assert main(["train", "text", "--text", "sonnet", "--n-ctx", "16", *words, "--track", "tensorboard",
                     "--to", "runs/s"]) == 0
        assert "runs/tracked/tensorboard/s: for tensorboard" in capsys.readouterr().out
    assert len(list((tmp_path / "runs" / "tracked").rglob("*tfevents*"))) == 1
