"""The verb ``certify``: a verdict with its counterexamples, and the same by enumeration."""

from transformer_lab.analysis.certificates.checker import check
from transformer_lab.analysis.certificates.enumerate import enumerate_contexts
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import WANTED, plane_of
from transformer_lab.cli import main
from transformer_lab.tasks.rules import RuleTask
from transformer_lab.training import Run, one_by_one, read_run, train


def test_an_untrained_model_is_refuted_and_enumeration_agrees(tmp_path, capsys):
    run = Run.of(RuleTask(n_ctx=3), **{**WANTED, "d_mlp": 8, "steps": 2, "batch": 4, "warmup": 0})
    folder = str(train(tmp_path / "plane-0", run).path)
    capsys.readouterr()
    assert main(["certify", folder]) == 0
    said = capsys.readouterr().out
    assert "plane-0: wrong on some of all 114 contexts; 18 families" in said and "  wrong by" in said
    assert main(["certify", folder, "--enumerate"]) == 0
    assert capsys.readouterr().out.startswith("plane-0: 114 contexts, ")
    assert main(["certify", str(tmp_path / "none")]) == 1


def test_many_models_of_a_rule_are_trained_and_each_has_its_verdict(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    quick = ["train", "rule", "plus_last_even", "--n-ctx", "4", "--steps", "1500", "--seeds", "6"]
    assert main(quick) == 0
    name = "plus_last_even-0-n-ctx-4-steps-1500-seeds-6"
    said = capsys.readouterr().out
    assert "of 6 models are right on at least 99.9 %" in said and f"certify {'runs/' + name}" in said.replace("'", "")
    run, record = read_run(tmp_path / "runs" / name)
    assert run.training.seeds == 6 and record.weights["W_E"].shape == (6, 12, 2)
    assert record.history["held_out_loss"].shape[1] == 6
    assert main(["certify", name, "--to", str(tmp_path / "c-{seed}.json")]) == 0
    said = capsys.readouterr().out
    proved = [seed for seed in range(6) if f"seed {seed}: proved right on all 1,626 contexts" in said]
    assert f"{len(proved)} of 6 models are proved" in said and proved
    assert sorted(path.name for path in tmp_path.glob("c-*.json")) == [f"c-{seed}.json" for seed in proved]
    for seed, params in enumerate(one_by_one(record.weights, 6)):
        slow = enumerate_contexts(plane_of(params, run.model, 11), families(run.task))
        assert (slow.wrong == 0) == (seed in proved)
        assert seed not in proved or check((tmp_path / f"c-{seed}.json").read_text(), params)[0] == 1626
    assert main(["certify", name, "--to", "one.json"]) == 1 and "Write {seed}" in capsys.readouterr().err
    assert main(["evaluate", name]) == 0 and "wrong on its own" in capsys.readouterr().out
    assert main(["runs"]) == 0 and "; 6 models" in capsys.readouterr().out


def test_a_seed_among_many_is_the_model_that_its_seed_alone_begins_as():
    many, alone = Run.of(RuleTask(), seeds=3, seed=4).stepper().params, Run.of(RuleTask(), seed=6).stepper().params
    assert all((many[name][2] == alone[name]).all() for name in alone)
    batch = Run.of(RuleTask(), seeds=3, batch=5).batches(0)
    assert batch.tokens.shape == (3, 5, 8) and (batch.tokens[0] != batch.tokens[1]).any()


def test_records_from_before_there_were_seeds_are_still_of_the_same_configuration():
    assert not {"seeds", "embedding_scale"} & set(Run.of(RuleTask()).to_dict()["training"])
    run = Run.of(RuleTask(), seeds=2, embedding_scale=0.3)
    assert Run.from_dict(run.to_dict()) == run
