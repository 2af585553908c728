"""Every option of the block in PyTorch: gradients by differences, and what it does by rules written out in loops."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.transformer import forward, init, loss_and_gradients
from transformer_lab.models.parts import ACTIVATIONS, MASKS, NORMS, POSITIONS, READ_OUTS, SPARSITY, buckets
from transformer_lab.models.transformer import Transformer
from transformer_lab.names import lookup
from transformer_lab.parts import BEYOND, BYHAND, PAGE, PARTS, TWIN, check_known

TABLES = {"norm": NORMS, "activation": ACTIVATIONS, "mask": MASKS, "sparsity": SPARSITY, "positions": POSITIONS,
          "read_out": READ_OUTS}
SIZE = {"d_vocab": 6, "n_ctx": 7, "d_model": 8, "n_heads": 4, "d_mlp": 6, "window": 3, "prefix": 2, "n_buckets": 4,
        "max_distance": 5}
BESIDES = {"n_kv_heads": (0, 1, 2), "d_head": (0, 6), "pad": (None, 0), "rotary_base": (10000.0, 50.0),
           "logit_scale": (1.0, 0.5), "dropout_pattern": (0.0,), "eps": (1e-5, 0.1)}
CHOICES = {name: tuple(entries) for name, entries in PARTS.items()} | BESIDES | {
    entry.name: (False, True) for entry in dataclasses.fields(ModelConfig) if entry.type == "bool"}


def config(**parts):
    if not parts.get("output_projection", True):
        parts["d_head"] = 0
    return ModelConfig(**SIZE | parts)


def covering(seed):
    """For each value of each choice a model that has it, all else drawn."""
    rng = generator(seed, "covering the twin")
    for name, values in CHOICES.items():
        for value in values:
            drawn = {key: several[rng.integers(len(several))] for key, several in CHOICES.items()}
            yield pytest.param(config(**drawn | {name: value}), id=f"{name}={value}")


MODELS = [*covering(0), *covering(1)]


def example(config, seed=0):
    """A model nowhere special in double precision, and tokens, of which the last may be padding."""
    rng = generator(seed, "example of the twin")
    params = {name: value + 0.3 * rng.normal(size=value.shape)
              for name, value in init(config, seed=seed, dtype=np.float64).items()}
    tokens = rng.integers(1, config.d_vocab, size=(2, config.n_ctx))
    if config.pad is not None:
        tokens[0, 5:] = config.pad
    return Transformer(config, params), torch.tensor(tokens)


def test_the_tables_have_an_entry_for_each_part_and_no_other():
    assert set(TABLES) | {"placement"} == set(PARTS)
    for field, table in TABLES.items():
        assert list(table) == [name for name, part in PARTS[field].items() if TWIN in part.where]


@pytest.mark.parametrize("config", MODELS)
def test_gradients_of_every_option_are_those_of_small_differences(config):
    model, tokens = example(config)
    names, values = zip(*model.named_parameters(), strict=True)

    def logits(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (tokens,))

    assert torch.autograd.gradcheck(logits, values, fast_mode=True)
    loss = logits(*values).sum()
    unmoved = {name for name, grad in zip(names, torch.autograd.grad(loss, values, allow_unused=True), strict=True)
               if grad is None}
    assert not unmoved, "a parameter that nothing depends on"


@pytest.mark.parametrize("config", MODELS)
def test_every_activation_has_the_shape_that_the_vocabulary_says(config):
    model, tokens = example(config)
    seen = {}
    logits = model(tokens, lambda name, value: seen.setdefault(name, value))
    assert torch.isfinite(logits).all() and seen["logits"] is logits
    for name, value in seen.items():
        axes = lookup(name).shape
        if value.ndim == len(axes):
            for axis, length in zip(axes, value.shape, strict=True):
                assert length == {"batch": 2}.get(axis, 7 if axis in ("pos", "query", "key") else length)
                assert axis in ("batch", "pos", "query", "key") or length == getattr(config, axis)


@pytest.mark.parametrize("config", MODELS)
def test_pytorchs_own_attention_gives_the_same(config):
    model, tokens = example(config)
    slow = model(tokens)
    np.testing.assert_allclose(model.fuse()(tokens).detach(), slow.detach(), rtol=1e-9, atol=1e-10)
    assert any(block.fused for block in model.blocks) and not any(block.fused for block in model.fuse(False).blocks)


SEES = {  # what a query at q sees at k, by the rule in words
    "bidirectional": lambda q, k: True, "causal": lambda q, k: k <= q, "prefix": lambda q, k: k <= q or k < 2}
KEEPS = {
    "none": lambda q, k: True, "local": lambda q, k: -3 < q - k < 3,
    "strided": lambda q, k: -3 < q - k < 3 or (q - k) % 3 == 0, "global": lambda q, k: -3 < q - k < 3 or 0 in (q, k)}


@pytest.mark.parametrize(("mask", "sparsity"), [*itertools.product(MASKS, KEEPS)])
def test_a_query_takes_from_what_it_may_see_and_from_nothing_else(mask, sparsity):
    model, tokens = example(config(mask=mask, sparsity=sparsity))
    seen = {}
    model(tokens, lambda name, value: seen.setdefault(name, value))
    rule = [[SEES[mask](q, k) and KEEPS[sparsity](q, k) for k in range(7)] for q in range(7)]
    assert np.array_equal((seen["blocks.0.pattern"] > 0).all(dim=(0, 1)).numpy(), rule)
    assert torch.allclose(seen["blocks.0.pattern"].sum(-1), torch.ones((), dtype=torch.float64))


def test_random_blocks_come_in_blocks_and_are_as_many_as_asked_for():
    few, more = (example(config(sparsity=kind, n_global=0, n_ctx=30, n_random=2))[0].sight(30).mask
                 for kind in ("local", "random"))
    assert (more | few).equal(more)
    assert example(config(sparsity="random", n_random=10, n_ctx=30))[0].sight(30).mask.all()
    drawn = more.reshape(10, 3, 10, 3)
    whole = drawn.all(dim=3).all(dim=1)
    assert (whole.sum(1) >= 2).all() and (whole.sum(1) <= 5).all() and not whole.all()


@pytest.mark.parametrize("sparsity", ["local", "strided"])
def test_what_a_window_hides_changes_nothing(sparsity):
    model, tokens = example(config(mask="causal", sparsity=sparsity, read_out="all"))
    before = model(tokens)
    hidden = [k for k in range(7) if k <= 6 and not KEEPS[sparsity](6, k)]
    for k in range(7):
        other = tokens.clone()
        other[:, k] = tokens[:, k] % 5 + 1
        assert torch.equal(before[:, 6], model(other)[:, 6]) == (k in hidden)


@pytest.mark.parametrize("sparsity", ["none", "local", "strided", "global", "random"])
@pytest.mark.parametrize("fused", [False, True])
def test_padding_before_a_text_spoils_nothing_and_is_not_seen(sparsity, fused):
    config = ModelConfig(d_vocab=7, n_ctx=6, d_model=8, n_heads=2, n_layers=2, mask="causal", pad=0, sparsity=sparsity,
                         window=2, n_random=0)
    model = Transformer(config, init(config)).eval().fuse(fused)
    text, padded = torch.tensor([[3, 1, 2]]), torch.tensor([[0, 0, 0, 3, 1, 2]])
    assert model(padded).isfinite().all()
    if sparsity in ("none", "local"):  # the others count from the first position
        torch.testing.assert_close(model(padded)[:, 3:], model(text))


def test_a_mask_that_is_given_stands_in_the_place_of_the_configurations():
    model, tokens = example(config(mask="bidirectional"))
    causal = dataclasses.replace(model.config, mask="causal")
    other = Transformer(causal, model.arrays())
    assert torch.equal(model(tokens, mask=torch.ones(7, 7, dtype=torch.bool).tril()), other(tokens))
    assert not torch.allclose(model(tokens), other(tokens))


def test_grouped_heads_are_heads_of_equal_keys_and_values():
    grouped, tokens = example(config(n_kv_heads=2, positions="rotary", bias_attention=True))
    params = {name: np.repeat(value, 2, axis=-2) if name.endswith(("W_K", "W_V", "b_K", "b_V")) else value
              for name, value in grouped.arrays().items()}
    assert params["blocks.0.W_K"].shape == (8, 4, 2) and grouped.arrays()["blocks.0.W_K"].shape == (8, 2, 2)
    whole = Transformer(dataclasses.replace(grouped.config, n_kv_heads=4), params)
    assert torch.allclose(whole(tokens), grouped(tokens), rtol=1e-12)


def test_gates_norms_on_both_sides_and_plain_scores_are_what_their_equations_say():
    model, tokens = example(config(gated=True, activation="silu", placement="both", norm="rms", scaled=False))
    seen = {}
    model(tokens, lambda name, value: seen.setdefault(name.removeprefix("blocks.0."), value))
    gate, post = seen["mlp_gate"], seen["mlp_post"]
    assert torch.allclose(post, gate * torch.sigmoid(gate) * seen["mlp_pre"], rtol=1e-12)
    assert torch.allclose(seen["scores"], torch.einsum("bhqd,bhkd->bhqk", seen["q"], seen["k"]), rtol=1e-12)
    for ln, out, start, end in (("ln1", "attn_out", "resid_pre", "resid_mid"),
                                ("ln2", "mlp_out", "resid_mid", "resid_post")):
        x = seen[out]
        normed = x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * getattr(model.blocks[0], f"{ln}_post_w")
        assert torch.allclose(seen[end], seen[start] + normed, rtol=1e-10)


@pytest.mark.parametrize(("mask", "wanted"), [
    ("causal", {0: 0, -1: 1, -2: 2, -3: 3, -4: 4, -5: 4, -6: 5, -7: 6, -8: 7, -100: 7, 5: 0}),
    ("bidirectional", {0: 0, -1: 1, -2: 2, -4: 2, -5: 3, -100: 3, 1: 5, 2: 6, 4: 6, 5: 7, 100: 7})])
def test_distances_fall_into_classes_that_grow(mask, wanted):
    rule = config(mask=mask, n_buckets=8, max_distance=10)
    found = buckets(torch.tensor([*wanted]), rule).tolist()
    assert found == [*wanted.values()]


def test_a_relative_bias_moves_the_scores_by_its_class():
    model, tokens = example(config(positions="relative", mask="causal"))
    seen = {}
    model(tokens, lambda name, value: seen.setdefault(name, value))
    q, k = seen["blocks.0.q"], seen["blocks.0.k"]
    gap = seen["blocks.0.scores"] - q @ k.mT / math.sqrt(2)
    for one, other in itertools.combinations(itertools.product(range(7), range(7)), 2):
        if (same := one[0] - one[1] == other[0] - other[1]):
            assert torch.allclose(gap[:, :, *one], gap[:, :, *other]) == same
    assert torch.allclose(gap[0, :, 3, 2], model.W_rel[1]) and torch.allclose(gap[0, :, 0, 6], model.W_rel[0])


def test_dropout_of_patterns_acts_in_training_alone():
    model, tokens = example(config(dropout_pattern=0.5))
    plain = model.eval()(tokens)
    torch.manual_seed(0)
    seen = {}
    model.train()(tokens, lambda name, value: seen.setdefault(name, value))
    assert not torch.allclose(seen["logits"], plain) and torch.equal(model.eval()(tokens), plain)
    mixed = seen["blocks.0.pattern"] @ seen["blocks.0.v"]
    assert not torch.allclose(mixed, seen["blocks.0.z"])


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, entries in PARTS.items()
                                             for name, part in entries.items() if BYHAND not in part.where])
def test_what_only_pytorch_has_is_refused_by_hand_and_on_the_page(field, name):
    refused = config(**{field: name})
    with pytest.raises(LabError, match=f"^config.{field}: got {name!r}; allowed is what the model by hand has"):
        forward(init(refused), np.ones((1, 4), int), refused)
    with pytest.raises(LabError, match=f"^config.{field}: got {name!r}; allowed is what the page's model has"):
        check_known(refused, PAGE)


@pytest.mark.parametrize(("field", "value"), [("gated", True), ("scaled", False), ("n_kv_heads", 2),
                                              ("rotary_base", 50.0), ("dropout_pattern", 0.1), ("logit_scale", 2.0)])
def test_other_settings_of_pytorch_alone_are_refused_by_hand(field, value):
    refused = config(**{field: value})
    assert {"gated", "scaled", "n_kv_heads", "rotary_base", "dropout_pattern", "logit_scale"} == set(BEYOND)
    with pytest.raises(LabError, match=f"^config.{field}: got {value!r}; allowed is what the model by hand has"):
        loss_and_gradients(init(refused), np.ones((1, 4), int), np.ones((1, 4), int), refused)
    check_known(refused, TWIN)


def test_older_configurations_are_written_as_before_and_read_back():
    assert [*config().to_dict()][-1] == "max_distance"
    plain = ModelConfig(d_vocab=5, n_ctx=4, n_heads=2, d_model=8, n_kv_heads=2)
    assert [*plain.to_dict()][-1] == "dropout" and plain.kv_heads == 2 and plain.n_kv_heads == 0
    for each in MODELS:
        assert ModelConfig.from_dict(each.values[0].to_dict()) == each.values[0]
    wider = dataclasses.replace(plain, n_heads=4, d_head=2)
    assert wider.kv_heads == 4, "heads that are not grouped stay so"


@pytest.mark.parametrize(("parts", "fault"), [({"n_kv_heads": 3}, "n_kv_heads"), ({"window": 0}, "window"),
                                              ({"max_distance": 4, "n_buckets": 8}, "max_distance")])
def test_what_does_not_fit_is_a_fault(parts, fault):
    with pytest.raises(LabError, match=f"- {fault}: got"):
        config(**parts)
