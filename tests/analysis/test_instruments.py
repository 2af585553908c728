"""Every instrument finds what was built into a model by hand, in NumPy and in PyTorch alike."""

import numpy as np
import pytest
import torch
from hand_built import ANSWERS, CONFIG, TOKENS, induction_model

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.analysis.ablation import ablate, patch, stand_in
from transformer_lab.analysis.cache import Runner, patterns
from transformer_lab.analysis.heads import (
    STORIES,
    head_effects,
    head_scores,
    pruning_curve,
    scores_with_nulls,
    visible_keys,
)
from transformer_lab.analysis.lens import direct_logit_attribution, logit_lens, per_layer
from transformer_lab.analysis.patching import activation_patching, effect, path_patching
from transformer_lab.analysis.probes import control_labels, fit_probe, predicted, selectivity
from transformer_lab.analysis.rollout import gradient_rollout, rollout
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.models.bert import BERT, Bert, BertConfig
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.transformer import Transformer
from transformer_lab.models.vit import VIT, ViT, ViTConfig
from transformer_lab.parts import BYHAND, PARTS

MADE = {"by hand": lambda config, params: Runner(params, config),
        "PyTorch": lambda config, params: Runner(Transformer(config, params))}
#: Each entry of each table of parts once, with what else it needs, and the switches.
BASE = {"d_vocab": 7, "n_ctx": 6, "d_model": 8, "n_heads": 2, "n_layers": 2, "d_mlp": 12, "norm": "layer",
        "bias_attention": True}
BEYOND = [{field: name} for field, entries in PARTS.items() for name, part in entries.items()
          if BYHAND not in part.where] + [{"n_kv_heads": 1}, {"gated": True}, {"scaled": False}, {"logit_scale": 0.3},
                                          {"placement": "both", "norm": "rms", "bias_attention": False}]
CHANGES = [{field: name} for field, entries in PARTS.items() for name in entries if {field: name} not in BEYOND] + [
    {"norm": "rms", "placement": "post"}, {"placement": "post", "read_out": "mean"}, {"residual": False}, {"d_mlp": 0},
    {"output_projection": False}, {"tied": True}, {"bias_attention": False, "bias_mlp": False, "bias_unembed": False},
    {"pad": 0, "read_out": "mean"}, {"pad": 0, "read_out": "last"}, {"placement": "post", "residual": False}]
ROWS = np.array([[1, 2, 3, 2, 0, 0], [6, 1, 1, 5, 4, 2], [3, 3, 4, 1, 6, 0]])


@pytest.fixture(params=MADE)
def run(request):
    return MADE[request.param](CONFIG, induction_model())


def strewn(config, dtype=np.float64):
    """Weights in which no offset is 0 and no gain 1."""
    rng = generator(0, "strewn")
    return {name: (value + 0.3 * rng.normal(size=value.shape)).astype(dtype)
            for name, value in init(config, dtype=np.float64).items()}


def answer(logits):
    """How far the answers' logits stand above the mean."""
    last = logits[:, -1]
    return float((last[np.arange(len(last)), ANSWERS] - last.mean(axis=-1)).mean())


# one cache for both

@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_both_forms_have_the_same_activations_and_gradients(change):
    config = ModelConfig(**BASE | change)
    params = strewn(config)
    one, two = (make(config, params) for make in MADE.values())
    acts, twin = one.cache(ROWS), two.cache(ROWS)
    d_logits = generator(1, "asked").normal(size=acts["logits"].shape)
    ways, twins = one.gradients(ROWS, d_logits), two.gradients(ROWS, d_logits)
    assert acts.keys() == twin.keys() and twins.keys() >= {f"blocks.{layer}.pattern" for layer in range(2)}
    for one, two in ((acts, twin), (ways, twins)):
        for name in one.keys() & two.keys():  # where one row is read out, the model by hand keeps its axis
            assert np.abs(one[name] - two[name].reshape(one[name].shape)).max() <= 1e-10, name


def test_a_model_that_trains_is_measured_without_dropout_and_trains_on():
    config = ModelConfig(**BASE, dropout=0.5)
    params = strewn(config)
    module = Transformer(config, params).train()
    assert np.abs(Runner(module)(ROWS) - forward(params, ROWS, config)["logits"]).max() <= 1e-10
    assert module.training


def test_a_tap_changes_what_is_kept(run):
    acts = run.cache(TOKENS, ablate("blocks.0.z", head=0))
    assert not acts["blocks.0.z"][:, 0].any() and not acts["blocks.0.attn_out"].any()


def test_the_other_families_are_looked_into_too_and_have_no_attribution():
    bert = BertConfig(d_vocab=9, n_ctx=6, d_model=8, n_heads=2, d_mlp=16, n_layers=2, **BERT)
    run = Runner(Bert(bert, init(bert)))
    assert np.abs(patterns(run, ROWS).sum(axis=-1) - 1).max() <= 1e-6 and patterns(run, ROWS).shape == (2, 3, 2, 6, 6)
    with pytest.raises(LabError, match="plain ModelConfig"):
        direct_logit_attribution(run, ROWS)
    t5 = EncoderDecoderConfig(d_vocab=9, n_ctx=6, d_model=8, n_heads=2, d_mlp=16, n_layers=2, **T5)
    run = Runner(EncoderDecoder(t5, init(t5)))
    assert patterns(run, (ROWS, ROWS[:, :4]), name="decoder.cross_pattern").shape == (2, 3, 2, 4, 6)
    vit = ViTConfig(image=4, patch=2, channels=1, d_vocab=3, d_model=8, n_heads=2, d_mlp=16, n_layers=2, **VIT)
    run, images = Runner(ViT(vit, init(vit))), generator(0, "images").random((3, 1, 4, 4))
    assert gradient_rollout(run, images, np.eye(3)).shape[1:] == patterns(run, images).shape[-2:]


# lens and attribution

@pytest.mark.parametrize(("made", "change"), [(made, change) for made in MADE for change in CHANGES]
                         + [("PyTorch", change) for change in BEYOND], ids=str)
def test_attribution_sums_to_the_logits(made, change):
    config = ModelConfig(**BASE | change)
    for dtype, least in ((np.float64, 1e-10), (np.float32, 1e-5)):
        run = MADE[made](config, strewn(config, dtype))
        parts, logits = direct_logit_attribution(run, ROWS), run(ROWS)
        assert {part.shape for part in parts.values()} == {logits.shape}
        for found in (parts, per_layer(parts)):
            assert np.abs(sum(found.values()) - logits).max() <= least * max(1, np.abs(logits).max())


def test_attribution_names_the_head_that_answers(run):
    parts = direct_logit_attribution(run, TOKENS)
    assert np.abs(parts["blocks.1.head.1"] - run(TOKENS)).max() <= 1e-12
    assert all(not part.any() for name, part in parts.items() if name != "blocks.1.head.1")


@pytest.mark.parametrize("change", [{}, {"norm": "rms"}, {"placement": "post"}, {"norm": "none"},
                                    {"placement": "both", "logit_scale": 0.3}], ids=str)
def test_the_lens_at_the_end_is_the_model(change):
    run = MADE["PyTorch"](config := ModelConfig(**BASE | change), strewn(config))
    assert np.abs(logit_lens(run, ROWS)["blocks.1.resid_post"] - run(ROWS)).max() <= 1e-12


def test_the_lens_sees_the_answer_come_in_the_second_layer(run):
    lens = logit_lens(run, TOKENS)
    assert [bool(lens[f"blocks.{name}"].any()) for name in ("0.resid_pre", "1.resid_pre", "1.resid_post")] == [
        False, False, True]
    assert answer(lens["blocks.1.resid_post"]) > 8


# ablation and patching

@pytest.mark.parametrize("how", ["zero", "mean", "resample"])
def test_ablation_finds_the_two_heads_of_the_circuit(run, how):
    effects = head_effects(run, TOKENS, answer, how=how)
    assert (effects[[0, 1], [0, 1]] < -3).all() and np.abs(effects[[0, 1], [1, 0]]).max() <= 1e-9


def test_what_stands_in_comes_from_another_input(run):
    z = run.cache(TOKENS)["blocks.1.z"]
    found = stand_in(lambda tap: run(TOKENS, tap), "blocks.1.z", "resample", seed=3)
    source = [[bool((found[i] == z[j]).all()) for j in range(4)] for i in range(4)]
    assert np.sum(source) == 4 and not np.trace(source)


def test_heads_that_do_nothing_go_first(run):
    found = pruning_curve(run, TOKENS, answer, how="zero")
    assert set(found.order[:2]) == {(0, 1), (1, 0)} and np.ptp(found.values[:3]) <= 1e-9 and found.values[3] < 5


def other():
    """The same tokens with another one behind the earlier copy: another answer."""
    source = TOKENS.copy()
    source[:, 2] = [3, 2, 1, 5]
    return source


def told_apart(logits):
    last = logits[:, -1]
    return float((last[np.arange(4), ANSWERS] - last[np.arange(4), other()[:, 2]]).mean())


@pytest.mark.parametrize("there_and_back", [False, True])
def test_all_patched_is_the_full_effect_and_nothing_patched_is_none(run, there_and_back):
    ends = (TOKENS, other())[::-1 if there_and_back else 1]
    streams = activation_patching(run, *ends, told_apart, "resid_pre", places=False)
    assert np.abs(streams - 1).max() <= 1e-12
    by_place = activation_patching(run, *ends, told_apart, "resid_pre")
    assert np.abs(by_place - [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0]]).max() <= 1e-9   # what was read stands at place 2
    heads = activation_patching(run, *ends, told_apart, "z")
    wanted = np.zeros((2, 2, 5))
    wanted[1, 1, 4] = 1                                                         # and is written at place 4, by 1.1
    assert np.abs(heads - wanted).max() <= 1e-9


def test_patching_one_head_leaves_the_others():
    z = np.zeros((1, 2, 3, 4))
    found = patch("blocks.0.z", np.ones_like(z), [1], head=0)("blocks.0.z", z)
    assert found.sum() == 4 and found[0, 0, 1].all()


def test_the_path_through_keys_carries_the_circuit_and_no_other_does(run):
    source = TOKENS.copy()
    source[:, [1, 2]] = TOKENS[:, [2, 1]]     # the copy of the last token moves a place; what stands behind it changes
    other_answers, rows = source[:, 3], np.arange(4)

    def share(sender, receiver):
        last = path_patching(run, TOKENS, source, sender, receiver)[:, -1]
        return float((last[rows, ANSWERS] - last[rows, other_answers]).mean())

    before = float((run(TOKENS)[rows, -1, ANSWERS] - run(TOKENS)[rows, -1, other_answers]).mean())
    assert before > 9
    moved = share(("blocks.0.z", 0), ("blocks.1.k", 1))
    assert moved < -9                         # keys alone: now place 3 says that the token stood before it
    for sender, receiver in [(("blocks.0.z", 0), ("blocks.1.q", 1)), (("blocks.0.z", 0), ("blocks.1.v", 1)),
                             (("blocks.0.z", 1), ("blocks.1.k", 1)), (("blocks.0.z", 0), ("blocks.1.k", 0)),
                             (("blocks.0.z", 0), ("logits", None))]:
        assert abs(share(sender, receiver) - before) <= 1e-9, (sender, receiver)


def test_all_paths_from_one_sender_are_the_sender():
    """The way straight to the logits, and what goes through the one layer behind it, are all that there is."""
    config = ModelConfig(d_vocab=7, n_ctx=6, d_model=8, n_heads=1, n_layers=2)
    run, source = Runner(strewn(config), config), ROWS[::-1].copy()
    sender, theirs = ("blocks.0.z", 0), run.cache(source)
    whole = run.cache(ROWS, patch("blocks.0.z", theirs["blocks.0.z"]))
    direct = path_patching(run, ROWS, source, sender, ("logits", None))
    inner = run.cache(ROWS)["blocks.1.attn_out"] @ run.params["W_U"]
    assert np.abs(direct + whole["blocks.1.attn_out"] @ run.params["W_U"] - inner - whole["logits"]).max() <= 1e-10


# rollout

def test_rollout_follows_the_circuit_to_the_token_that_was_copied(run):
    looks = patterns(run, TOKENS)
    d_logits = np.zeros_like(run(TOKENS))
    d_logits[np.arange(4), -1, ANSWERS] = 1
    flow = rollout(looks)
    assert np.abs(flow.sum(axis=-1) - 1).max() <= 1e-12
    by_loops = np.array([[(looks[1, b].mean(0) + np.eye(5)) / 2 @ ((looks[0, b].mean(0) + np.eye(5)) / 2)
                          for b in range(4)]])[0]
    assert np.abs(flow - by_loops).max() <= 1e-12
    asked = gradient_rollout(run, TOKENS, d_logits)[:, -1] - np.eye(5)[-1]
    assert (asked.argmax(axis=-1) == 2).all() and np.abs(np.delete(asked, 2, axis=-1)).max() < 1e-3 * asked[:, 2].min()


def test_gradients_weigh_the_patterns_layer_by_layer():
    config = ModelConfig(**BASE, mask="causal", read_out="last")
    run, asked = Runner(strewn(config), config), np.eye(7)[[1, 4, 2]]
    looks, slopes = patterns(run, ROWS), run.gradients(ROWS, asked)
    for b in range(3):
        first, second = (np.mean([np.maximum(looks[layer, b, h] * slopes[f"blocks.{layer}.pattern"][b, h], 0)
                                  for h in range(2)], axis=0) for layer in range(2))
        paths = np.eye(6) + first + second + second @ first   # what passes by, through one layer, and through both
        assert np.abs(gradient_rollout(run, ROWS, asked)[b] - paths).max() <= 1e-12


# head scores

def by_loops(name, pattern, tokens, marks):
    shares = []
    for row, looks in zip(tokens, pattern, strict=True):
        for q, token in enumerate(row):
            keys = [k for k in range(q + 1) if {
                "previous": k == q - 1, "first": k == 0 < q, "same_token": row[k] == token,
                "duplicate": row[k] == token and k < q, "induction": 0 < k < q and row[k - 1] == token,
                "delimiter": row[k] in marks, "long_range": q - k >= len(row) / 2}[name]]
            if keys:
                shares.append(looks[q, keys].sum())
    return np.mean(shares)


@pytest.mark.parametrize("name", STORIES)
def test_scores_are_what_loops_count(name):
    config = ModelConfig(**BASE, mask="causal")
    looks = patterns(Runner(strewn(config), config), ROWS)
    found = head_scores(looks, ROWS, seen=visible_keys(ROWS, config), delimiters=[1, 3])
    wanted = [[by_loops(name, looks[layer, :, head], ROWS, [1, 3]) for head in range(2)] for layer in range(2)]
    assert np.abs(found[name] - wanted).max() <= 1e-12


def test_the_circuits_heads_have_their_names_and_beat_their_nulls(run):
    scores = scores_with_nulls(run, TOKENS, draws=30)
    assert scores.found["previous"][0, 0] > 0.999 > 0.9 > scores.uniform["previous"]
    assert scores.found["induction"][1, 1] > 0.999 > scores.shuffled["induction"][:, 1, 1].max()
    # the head that looks one place back does so whatever stands there: a duplicate's score of its own, but no more
    moved = scores.shuffled["previous"][:, 0, 0]
    assert np.abs(moved - scores.found["previous"][0, 0]).max() <= 1e-9
    assert np.isnan(scores.found["delimiter"]).all()


def test_padding_asks_nothing():
    config = ModelConfig(**BASE, pad=0)
    tokens, run = np.array([[1, 2, 3, 0, 0, 0]]), Runner(strewn(config), config)
    short = head_scores(patterns(run, tokens[:, :3]), tokens[:, :3])
    whole = head_scores(patterns(run, tokens), tokens, seen=visible_keys(tokens, config))
    assert all(np.allclose(short[name], whole[name], equal_nan=True) for name in STORIES if name != "long_range")
    null = scores_with_nulls(run, np.vstack([tokens, [[4, 4, 1, 2, 0, 0]]]), draws=3).shuffled  # padding stays last
    assert np.isfinite(null["previous"]).all()


# probes

def test_a_probe_is_ridge_regression():
    rng = generator(0, "probe")
    x, labels = rng.normal(size=(60, 5)) * [1, 2, 3, 4, 5] + 7, rng.integers(3, size=60)
    centred = x - x.mean(0)
    extra = np.sqrt(0.1 * np.trace(centred.T @ centred) / 5) * np.eye(5)         # ridge as least squares on more rows
    one_hot = np.eye(3)[labels]
    W = np.linalg.lstsq(np.vstack([centred, extra]), np.vstack([one_hot - one_hot.mean(0), np.zeros((5, 3))]))[0]
    probe = fit_probe(x, labels, penalty=0.1)
    assert np.abs(probe[:-1] - W).max() <= 1e-12
    assert np.abs((x @ probe[:-1] + probe[-1]).mean(axis=0) - one_hot.mean(axis=0)).max() <= 1e-12
    assert (predicted(probe, 1000 * x) == (1000 * x @ W + probe[-1]).argmax(-1)).all()


def test_a_probe_that_only_knows_tokens_has_no_selectivity_and_one_on_context_has():
    rng = generator(1, "selectivity")
    kinds, context = rng.integers(40, size=2000), rng.integers(2, size=2000)
    x = np.hstack([np.eye(40)[kinds], context[:, None] - 0.5])
    alone, told = selectivity(x[:, :40], kinds % 2, kinds), selectivity(x[:, 40:], context, kinds)
    assert alone.accuracy == alone.control == 1 and told.accuracy == 1 and told.selectivity > 0.3
    noise = selectivity(rng.normal(size=(2000, 8)), context, kinds)
    assert abs(noise.accuracy - 0.5) < 0.06
    fitted = selectivity(rng.normal(size=(120, 60)), context[:120], kinds[:120])  # a weight a row: learnt by heart
    assert fitted.accuracy < 0.7


def test_control_labels_depend_on_the_kind_alone_and_are_as_frequent():
    rng = generator(2, "control")
    kinds, labels = rng.integers(3000, size=9000), (rng.random(9000) < 0.2).astype(int)
    found = control_labels(kinds, labels)
    assert all(len(set(found[kinds == kind])) <= 1 for kind in range(50)) and abs(found.mean() - 0.2) < 0.03


@pytest.mark.parametrize("call", [
    lambda: Runner("model"), lambda: Runner({}, None), lambda: Runner(torch.nn.Linear(2, 2)),
    lambda: Runner(init(CONFIG), CONFIG)([[1.5]]), lambda: Runner(Transformer(CONFIG, init(CONFIG)))([[-1]]),
    lambda: effect(1.0, 2.0, 2.0), lambda: patch("z", np.ones((1, 2, 3, 4)), head=2)("z", np.zeros((1, 2, 3, 4))),
    lambda: stand_in(lambda tap: tap("embed", np.ones((1, 2, 3))), "embed", "resample"),
    lambda: activation_patching(Runner(init(CONFIG), CONFIG), TOKENS, TOKENS[:, 1:], answer),
    lambda: activation_patching(Runner(init(CONFIG), CONFIG), TOKENS, other(), answer, "mlp_out"),
    lambda: path_patching(Runner(init(CONFIG), CONFIG), TOKENS, other(), ("blocks.0.q", 0), ("logits", None)),
    lambda: path_patching(Runner(init(CONFIG), CONFIG), TOKENS, other(), ("blocks.0.z", 0), ("blocks.7.k", 0)),
    lambda: path_patching(Runner(init(CONFIG), CONFIG), TOKENS, other(), ("blocks.0.z", 0, 1), ("blocks.1.k", 0)),
    lambda: per_layer({"embed": "one"}), lambda: per_layer({1: np.ones(2)}), lambda: per_layer({"embed": None}),
    lambda: per_layer({"blocks.0.head.0": np.ones(2), "blocks.0.head.1": np.ones(3)}),
    lambda: predicted(np.ones((3, 2)), np.ones((4, 3))), lambda: selectivity(np.ones((1, 2)), [0], [0]),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()

