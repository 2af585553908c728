"""The verb ``attention``: the pattern that is drawn is the model's, and the table has the scores of its heads."""

import re

import numpy as np
import pytest
from PIL import Image

from transformer_lab import plots
from transformer_lab.analysis.digit_model import load
from transformer_lab.byhand.transformer import forward
from transformer_lab.cli import main
from transformer_lab.places import shipped
from transformer_lab.tasks.expressions import parse, tokenize


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def asked(monkeypatch):
    """What the figure was asked to draw."""
    calls = []

    class Drawn:
        def save(self, path):
            calls[-1]["path"] = path

    monkeypatch.setattr(plots, "attention_heads", lambda pattern, words, **options: calls.append(
        {"pattern": pattern, "words": words, **options}) or Drawn())
    return calls


def acts_of(text, name="digits-0"):
    model, _ = load(shipped("digits", name))
    return forward(model.params, np.array([tokenize(parse(text))]), model.run.model)


@pytest.mark.parametrize(("name", "text"), [("digits-0", "Max(5, 8, 3)"), ("nested-0", "Max(5, Min(8, 2))")])
def test_the_pattern_is_the_models_and_the_norms_are_those_of_its_values(asked, capsys, name, text):
    assert main(["attention", name, text, "--layer", "1", "--head", "2", "--norms", "--out", "heads.pdf"]) == 0
    [call], acts = asked, acts_of(text, name)
    assert call["head"] == (1, 2) and call["path"] == "heads.pdf"
    assert " ".join(call["words"]).replace(" ", "") == text.replace(" ", "")
    for layer in range(2):
        assert np.abs(call["pattern"][layer] - acts[f"blocks.{layer}.pattern"][0]).max() <= 1e-6
        lengths = np.sqrt((acts[f"blocks.{layer}.v"][0].astype(float) ** 2).sum(axis=-1))
        assert np.abs(call["norms"][layer] - lengths).max() <= 1e-5
    assert "2 layers of 4 heads, on" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_a_file_of_each_kind_is_written(tmp_path, kind):
    out = tmp_path / f"heads.{kind}"
    assert main(["attention", "digits-0", "max(5,8,3)", "--out", str(out)]) == 0
    if kind == "png":
        with Image.open(out) as picture:
            assert picture.size[0] > 800
    else:
        assert out.read_bytes()[:5] in (b"<?xml", b"%PDF-") and out.stat().st_size > 5000


def test_a_model_of_a_rule_is_read_token_by_token_and_scored(asked, capsys):
    assert main(["train", "rule", "plus_last_even", "--steps", "30", "--seeds", "2", "--to", "mine"]) == 0
    assert main(["attention", "mine", "6 3 + 4", "--seed", "1"]) == 0
    assert asked[0]["words"] == ["6", "3", "+", "4"] and asked[0]["pattern"].shape == (1, 1, 4, 4)
    assert main(["attention", "mine", "--scores"]) == 0
    assert "layer 0, head 0" in capsys.readouterr().out


def test_scores_say_that_the_second_layer_looks_at_the_operation(capsys):
    assert main(["attention", "digits-0", "--scores"]) == 0
    heads, *rows = capsys.readouterr().out.splitlines()
    column = re.split(r"\s{2,}", heads.strip()).index("first") + 1
    shares = {re.split(r"\s{2,}", row)[0]: re.split(r"\s{2,}", row)[column] for row in rows if row.startswith("layer")}
    assert len(shares) == 8
    assert all(float(shares[f"layer 1, head {head}"].split()[0]) > 0.9 for head in range(4))
    assert {share.split()[1] for share in shares.values()} == {"(0.12)"}  # one of eight places


@pytest.mark.parametrize(("arguments", "words"), [
    (["digits-0"], "nothing to read"), (["digits-0", "Max(5,,3)"], "expression"),
    (["digits-0", "Max(5,8,3,1,2)"], "1 to 8 tokens"), (["digits-0", "Max(5,8,3)", "--layer", "2"], "--layer"),
    (["digits-0", "Max(5,8,3)", "--head", "-1"], "--head"), (["digits-0", "Max(5,8,3)", "--seed", "3"], "--seed"),
    (["digits-0", "Max(5,8,3)", "--out", "heads.gif"], ".svg, .pdf or .png"), (["none", "Max(5,8,3)"], "no run"),
])
def test_a_mistake_gets_a_sentence(capsys, arguments, words):
    assert main(["attention", *arguments]) == 1
    assert words in capsys.readouterr().err
