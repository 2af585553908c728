"""Proofs by geometry are held to enumeration, enumeration to plain forward passes; a spoiled certificate is refused."""

import copy
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from transformer_lab import ModelConfig, TrainConfig
from transformer_lab.analysis.certificates import checker
from transformer_lab.analysis.certificates.checker import check
from transformer_lab.analysis.certificates.enumerate import enumerate_contexts
from transformer_lab.analysis.certificates.exact import examine
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import WANTED, gaps, plane_of
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.analysis.certificates.record import certificate, sealed, write_certificate
from transformer_lab.analysis.certificates.support import compass, support
from transformer_lab.analysis.certificates.until_proved import train_until_proved
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.errors import ConfigError, DataError
from transformer_lab.randomness import generator
from transformer_lab.tasks.rules import RuleTask, oracle, sample
from transformer_lab.training import fit
from transformer_lab.training.stepper import Stepper

PLUS = 11


def config_of(n_ctx):
    return ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=n_ctx)


def trained(n_ctx, n_seeds, steps):
    task = RuleTask(n_ctx=n_ctx, balanced=True, free=0.25)
    stepper = Stepper(init(config_of(n_ctx), n_seeds=n_seeds, embedding_scale=0.3), config_of(n_ctx), weight_decay=0.01,
                      beta2=0.98)
    fit(stepper, lambda step: sample.unchecked(task, (n_seeds, 32), seed=0, step=step), steps=steps, every=steps,
        learning_rate=warmup_linear(3e-2, steps, 50))
    return [{name: value[seed].copy() for name, value in stepper.params.items()} for seed in range(n_seeds)]


def wild(n_ctx, seed):
    """Weights of no meaning, with large scores and many lines across the plane."""
    params = init(config_of(n_ctx), seed=seed, embedding_scale=1.0)
    return {name: value + generator(seed, f"wild {name}").normal(size=value.shape, scale=0.7).astype(np.float32)
            for name, value in params.items()}


@pytest.fixture(scope="module")
def models():
    """Models of every kind: n_ctx and weights."""
    found = [(n_ctx, wild(n_ctx, seed)) for n_ctx in (4, 5) for seed in range(12)]
    for n_ctx, n_seeds, steps in ((4, 8, 300), (4, 8, 1200), (5, 6, 1200), (6, 6, 1500)):
        found += [(n_ctx, params) for params in trained(n_ctx, n_seeds, steps)]
    return found


@pytest.fixture(scope="module")
def proved(models):
    """A model at four positions that is right everywhere, with its certificate."""
    for n_ctx, params in models:
        proof = prove(plane_of(params, config_of(n_ctx), PLUS), families(RuleTask(n_ctx=n_ctx)))
        if n_ctx == 4 and proof.proved:
            return params, certificate(RuleTask(n_ctx=4), params, proof)
    raise AssertionError("no model at four positions was proved")


def test_the_families_are_all_contexts_with_an_even_number_each_once():
    task, met = RuleTask(n_ctx=4), set()
    for boxes in families(task):
        for answer, allowed in zip(boxes.answers, boxes.allowed, strict=True):
            found = set(itertools.product(*(np.flatnonzero(row).tolist() for row in allowed)))
            assert not met & found
            met |= found
            for context in found:
                assert np.flatnonzero(oracle(task, [*context, PLUS])[-1]).tolist() == [answer]
    every = {context for t in range(4) for context in itertools.product(range(12), repeat=t)}
    assert met == {context for context in every if any(token % 2 == 0 for token in context)}


def test_the_map_of_the_plane_is_the_model(models):
    n_ctx, params = models[-1]
    plane = plane_of(params, config_of(n_ctx), PLUS)
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    rows = generator(0, "rows").integers(12, size=(200, n_ctx))
    rows[:, -1] = PLUS
    acts = forward(exact, rows, config_of(n_ctx))
    assert np.allclose(plane.scores[-1][np.arange(n_ctx), rows], acts["blocks.0.scores"][:, 0, -1], atol=1e-12)
    logits, z = acts["logits"][:, -1], acts["blocks.0.resid_mid"][:, -1]
    found = gaps(plane, np.ascontiguousarray(z.T), 4)
    assert np.allclose(found.T, logits[:, [4]] - np.delete(logits, 4, axis=1), atol=1e-10)


@pytest.mark.parametrize("which", [0, 13, 25, 33])
def test_enumeration_is_what_forward_passes_of_every_context_say(models, which):
    n_ctx, params = models[which]
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    margins = []
    for t in range(1, n_ctx):
        rows = np.array(list(itertools.product(range(12), repeat=t)))
        rows = np.hstack([rows[(rows % 2 == 0).any(axis=1)], np.full(((rows % 2 == 0).any(axis=1).sum(), 1), PLUS)])
        logits = forward(exact, rows, config_of(n_ctx))["logits"][:, -1]
        answer = oracle(RuleTask(n_ctx=n_ctx), rows)[:, -1].argmax(axis=1)
        right = logits[np.arange(len(rows)), answer]
        logits[np.arange(len(rows)), answer] = -np.inf
        margins.append(right - logits.max(axis=1))
    margins = np.concatenate(margins)
    found = enumerate_contexts(plane_of(params, config_of(n_ctx), PLUS), families(RuleTask(n_ctx=n_ctx)), most=10**6)
    assert (found.contexts, found.wrong) == (margins.size, (margins <= 0).sum())
    assert found.margin == pytest.approx(margins.min(), abs=1e-9)
    assert len(set(found.counterexamples)) == found.wrong


def agree(n_ctx, params):
    plane, boxes = plane_of(params, config_of(n_ctx), PLUS), families(RuleTask(n_ctx=n_ctx))
    slow, proof, exact = enumerate_contexts(plane, boxes), prove(plane, boxes), examine(plane, boxes)
    assert proof.proved == (slow.wrong == 0)
    assert (exact.contexts, exact.wrong) == (slow.contexts, slow.wrong)
    assert exact.margin == pytest.approx(slow.margin, abs=1e-6)
    assert all(margin <= 0 for margin, _ in proof.counterexamples)
    if proof.proved:
        assert 0 < proof.margin <= slow.margin + 1e-9
    return proof


def test_geometry_agrees_with_enumeration_on_models_of_every_kind(models):
    verdicts = [agree(*model).proved for model in models]
    assert 2 < sum(verdicts) < len(verdicts) - 2, "both verdicts must be met"


def test_geometry_agrees_with_enumeration_at_eight_positions():
    assert len([agree(8, params) for params in trained(8, 2, 1500)]) == 2


def test_with_few_directions_boxes_are_split_and_the_verdict_is_the_same(models):
    split = 0
    for n_ctx, params in models[24:40]:
        plane, boxes = plane_of(params, config_of(n_ctx), PLUS), families(RuleTask(n_ctx=n_ctx))
        few, many = prove(plane, boxes, directions=3), prove(plane, boxes, directions=64)
        assert few.proved == many.proved
        split += few.boxes > many.boxes
    assert split, "no box was split"


def test_counterexamples_are_answered_wrong_by_the_model_itself(models):
    met = 0
    for n_ctx, params in models[:30]:
        exact = {name: value.astype(np.float64) for name, value in params.items()}
        proof = prove(plane_of(params, config_of(n_ctx), PLUS), families(RuleTask(n_ctx=n_ctx)))
        for margin, context in proof.counterexamples[:20]:
            logits = forward(exact, np.array([context]), config_of(n_ctx))["logits"][0, -1]
            answer = int(oracle(RuleTask(n_ctx=n_ctx), list(context))[-1].argmax())
            assert margin == pytest.approx(logits[answer] - np.delete(logits, answer).max(), abs=1e-9)
            met += 1
    assert met > 50


def test_a_box_alone_reaches_as_far_as_among_others():
    for seed in range(6):
        plane = plane_of(wild(4, seed), config_of(4), PLUS)
        for boxes in families(RuleTask(n_ctx=4)):
            together = support(plane, boxes, compass(16)).heights
            alone = [[support(plane, boxes.pick([box]), compass(16)[[side]]).heights.item() for side in range(16)]
                     for box in range(len(boxes.answers))]
            assert np.allclose(alone, together, rtol=1e-12, atol=1e-12)


def test_what_has_a_tiny_weight_and_reaches_further_is_found():
    plane, boxes = plane_of(wild(3, 0), config_of(3), PLUS), families(RuleTask(n_ctx=3))[1].pick([6])  # anything, 0
    scores, values = np.full((3, 3, 12), -60.0), np.full((3, 12, 2), 5.0)
    scores[:, 0, 1] = 40
    for heavy in generator(0, "heavy").uniform(1, 2, 50):
        values[0, 1] = heavy
        reached = support(plane._replace(scores=scores, values=values), boxes, compass(4))
        assert reached.heights[0, 0] == pytest.approx(plane.start[2, 0] + 5)


def test_no_context_reaches_beyond_the_support_function():
    plane = plane_of(wild(6, 3), config_of(6), PLUS)
    for boxes in families(RuleTask(n_ctx=6))[2:]:
        reached = support(plane, boxes, compass(12))
        for box in range(0, len(boxes.answers), 5):
            for seed in range(50):
                context = [generator(seed, "context", i).choice(np.flatnonzero(row))
                           for i, row in enumerate(boxes.allowed[box])]
                row = np.arange(boxes.t), context
                a = np.exp(plane.scores[boxes.t][row])
                own = np.exp(plane.scores[boxes.t, boxes.t, PLUS])
                z = plane.start[boxes.t] + (a @ plane.values[row] + own * plane.values[boxes.t, PLUS]) / (a.sum() + own)
                assert (compass(12) @ z <= reached.heights[box] + 1e-9).all()


def test_a_model_of_another_kind_is_refused():
    config = ModelConfig(d_vocab=12, n_ctx=8, d_model=4, d_mlp=8)
    with pytest.raises(ConfigError, match="d_model: got 4; allowed is 2"):
        plane_of(init(config), config, PLUS)


def test_a_certificate_holds_and_is_written_whole(proved, tmp_path):
    params, found = proved
    path = write_certificate(tmp_path / "proof.json", found)
    contexts, margin = check(path.read_text(), params)
    assert contexts == found["contexts"] == 1626
    assert margin == pytest.approx(found["margin"], abs=1e-6)
    assert [each.name for each in tmp_path.iterdir()] == ["proof.json"]


def test_the_checker_is_small_and_shares_no_code_with_the_prover():
    lines = Path(checker.__file__).read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 80
    assert [line for line in lines if "import" in line] == ["import hashlib", "import json", "import numpy as np",
                                                            "from ...errors import DataError"]


def test_a_split_certificate_holds_and_every_part_counts(models):
    met = 0
    for n_ctx, params in models[24:]:
        task = RuleTask(n_ctx=n_ctx)
        proof = prove(plane_of(params, config_of(n_ctx), PLUS), families(task), directions=3)
        if not proof.proved or proof.boxes == len(proof.trees) or n_ctx > 4:
            continue
        found, met = certificate(task, params, proof), met + 1
        assert check(json.dumps(found), params)[0] == found["contexts"]
        tree = next(tree for tree in found["families"] if "parts" in tree)
        for spoiled in (tree["parts"][1:], tree["parts"][::-1], tree["parts"] + tree["parts"][:1]):
            kept, tree["parts"] = tree["parts"], spoiled
            with pytest.raises(DataError):
                check(json.dumps(sealed(found)), params)
            tree["parts"] = kept
    assert met, "no certificate was split"


def numbers_in(value, path=()):
    if isinstance(value, dict | list):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers_in(entry, (*path, key))
    elif isinstance(value, int | float):
        yield path


def spoiled_at(found, path, change):
    spoiled = copy.deepcopy(found)
    inner = spoiled
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = change(inner[path[-1]])
    return spoiled


def test_flipping_any_number_makes_the_checker_fail(proved):
    params, found = proved
    paths = list(numbers_in(found))
    assert len(paths) > 1000
    for path in paths[::7]:
        with pytest.raises(DataError, match="its own checksum"):
            check(json.dumps(spoiled_at(found, path, lambda value: value + 1)), params)


def test_a_flipped_number_is_found_without_the_checksum(proved):
    """Even sealed anew: a corner moved inwards leaves a context out, and all else is counted again."""
    params, found = proved
    paths = list(numbers_in(found))
    corners = [path for path in paths if "corners" in path]
    for path in [path for path in paths if path not in corners]:
        for change in (lambda value: -value - 1, lambda value: value + 1e-4 * (1 + abs(value))):
            with pytest.raises(DataError):
                check(json.dumps(sealed(spoiled_at(found, path, change))), params)
    for i in generator(0, "flips").choice(len(corners), 150, replace=False):
        polygon = found["families"][corners[i][1]]["corners"]
        inwards = (0.1 * np.array(polygon[corners[i][3]]) + 0.9 * np.mean(polygon, axis=0)).tolist()
        with pytest.raises(DataError, match=r"does not fit|a lead is wrong"):
            check(json.dumps(sealed(spoiled_at(found, corners[i][:4], lambda value, to=inwards: to))), params)


def test_missing_families_other_weights_and_broken_text_are_refused(proved):
    params, found = proved
    fewer = found | {"families": found["families"][:-1]}
    nudged = {name: np.nextafter(value, np.float32(9)) if name == "b_U" else value for name, value in params.items()}
    for text, weights in ((json.dumps(sealed(fewer)), params), (json.dumps(found), nudged), ("[]", params),
                          (json.dumps(found)[:-30], params), (json.dumps(sealed(found | {"rule": "x"})), params)):
        with pytest.raises(DataError):
            check(text, weights)


def test_a_model_that_is_wrong_somewhere_has_no_certificate():
    params = init(config_of(4))
    proof = prove(plane_of(params, config_of(4), PLUS), families(RuleTask(n_ctx=4)))
    with pytest.raises(DataError, match="it is wrong by"):
        certificate(RuleTask(n_ctx=4), params, proof)


@pytest.mark.parametrize("rule, first", [("lucky7", 1), ("step_back", 3)])
def test_families_of_a_token_so_far_back_are_all_contexts_and_their_answers_those_of_the_rule(rule, first):
    task, query = RuleTask(rule, n_ctx=5), RuleTask(rule).of.operator
    found = families(task)
    assert [boxes.t for boxes in found] == list(range(first, 5))
    for boxes in found[:2]:
        contexts = np.array(list(itertools.product(range(11), repeat=boxes.t)))
        if rule == "lucky7":
            contexts = contexts[contexts[:, -1] != 7]
        inside = boxes.allowed[:, np.arange(boxes.t), contexts].all(axis=-1)      # (box, context)
        assert (inside.sum(axis=0) == 1).all()
        asked = np.hstack([contexts, np.full((len(contexts), 1), query)])
        said = oracle(task, asked)[:, -1]
        assert (said.sum(axis=-1) == 1).all() and (said.argmax(axis=-1) == boxes.answers[inside.argmax(axis=0)]).all()


def test_a_proof_of_lucky7_and_trying_every_context_agree():
    task = RuleTask("lucky7", n_ctx=4)
    for seed in range(4):
        config = ModelConfig(**WANTED, d_mlp=32, d_vocab=11, n_ctx=4)
        stepper = Stepper(init(config, seed=seed, embedding_scale=0.3), config, beta2=0.98)
        fit(stepper, lambda step, seed=seed: sample.unchecked(task, 32, seed=seed, step=step), steps=300 + 300 * seed,
            every=2000, learning_rate=3e-2)
        plane = plane_of(stepper.params, config, 7)
        proof, tried = prove(plane, families(task)), enumerate_contexts(plane, families(task))
        assert proof.contexts == tried.contexts == 10 * (1 + 11 + 121)
        assert proof.proved == (tried.wrong == 0) and (tried.margin > 0) == proof.proved
        with pytest.raises(DataError, match="no certificate of lucky7"):
            certificate(task, stepper.params, proof)


def test_training_that_looks_at_a_share_of_the_families_is_over_when_all_are_proved():
    config, training = config_of(4), TrainConfig(steps=1500, batch=32, learning_rate=3e-2, weight_decay=0.01, warmup=50)
    task = RuleTask(n_ctx=4, balanced=True, free=0.25)
    found = train_until_proved(task, config, training, 4, every=100, share=0.3)
    assert found.proved.any()
    for seed in np.flatnonzero(found.proved):
        params = {name: value[seed] for name, value in found.params.items()}
        slow = enumerate_contexts(plane_of(params, config, PLUS), families(task))
        assert slow.wrong == 0 and found.margins[seed] <= slow.margin + 1e-9
