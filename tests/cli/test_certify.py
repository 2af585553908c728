"""The verb ``certify``: a verdict with its counterexamples, and the same by enumeration."""

from transformer_lab.analysis.certificates.plane import WANTED
from transformer_lab.cli import main
from transformer_lab.tasks.rules import RuleTask
from transformer_lab.training import Run, train


def test_an_untrained_model_is_refuted_and_enumeration_agrees(tmp_path, capsys):
    run = Run.of(RuleTask(n_ctx=3), **{**WANTED, "d_mlp": 8, "steps": 2, "batch": 4, "warmup": 0})
    folder = str(train(tmp_path / "plane-0", run).path)
    capsys.readouterr()
    assert main(["certify", folder]) == 0
    said = capsys.readouterr().out
    assert "plane-0: wrong on some of all 114 contexts; 18 families" in said and "  wrong by" in said
    assert main(["certify", folder, "--enumerate"]) == 0
    assert capsys.readouterr().out.startswith("114 contexts, ")
    assert main(["certify", str(tmp_path / "none")]) == 1
