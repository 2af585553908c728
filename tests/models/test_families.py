"""BERT, T5 and ViT: their gradients, their vocabulary, and what each of them must and must not see."""

import itertools
import math

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, generator, lookup
from transformer_lab.byhand.transformer import init
from transformer_lab.models.bert import BERT, Bert, BertConfig
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.transformer import Transformer
from transformer_lab.models.vit import VIT, ViT, ViTConfig, patches
from transformer_lab.names import parameter_shapes
from transformer_lab.taps import keep
from transformer_lab.training.torch_stepper import TorchStepper

SIZE = {"d_vocab": 9, "d_model": 8, "n_heads": 2, "d_mlp": 6, "n_layers": 2}
RNG = generator(0, "families")
TOKENS, SOURCE = torch.tensor([[3, 1, 4, 1, 5], [2, 7, 0, 0, 0]]), torch.tensor([[6, 2, 8, 3], [5, 4, 0, 0]])
IMAGES = torch.from_numpy(RNG.normal(size=(2, 3, 4, 4)))


def made(kind, config, seed=0):
    rng = generator(seed, "weights of a family")
    return kind(config, {name: value + 0.3 * rng.normal(size=value.shape)
                         for name, value in init(config, dtype=np.float64).items()})


def bert(**changes):
    return made(Bert, BertConfig(**SIZE | BERT | {"n_ctx": 6, "n_classes": 3} | changes))


def t5(**changes):
    return made(EncoderDecoder, EncoderDecoderConfig(**SIZE | T5 | {"n_ctx": 6, "n_encoder_layers": 1} | changes))


def vit(**changes):
    return made(ViT, ViTConfig(**SIZE | VIT | {"image": 4, "channels": 3} | changes))


PASSES = {
    "bert": (bert, lambda model, tap: model(TOKENS, tap, types=TOKENS % 2)),
    "bert, classes": (bert, lambda model, tap: model.classify(TOKENS, tap, types=TOKENS % 2)),
    "bert, norms before": (lambda: bert(placement="pre", norm="rms"), lambda model, tap: model(TOKENS, tap)),
    "bert, no norm": (lambda: bert(norm="none"), lambda model, tap: model(TOKENS, tap)),
    "t5": (t5, lambda model, tap: model(SOURCE, TOKENS, tap)),
    "t5, tied": (lambda: t5(tied=True, logit_scale=8**-0.5, gated=False),
                 lambda model, tap: model(SOURCE, TOKENS, tap)),
    "vaswani": (lambda: t5(positions="sinusoidal", norm="layer", placement="post", scaled=True, n_kv_heads=1),
                lambda model, tap: model(SOURCE, TOKENS, tap)),
    "vit": (vit, lambda model, tap: model(IMAGES, tap)),
    "vit, mean": (lambda: vit(read_out="mean", positions="none"), lambda model, tap: model(IMAGES, tap)),
}


def acts_of(name):
    make, run = PASSES[name]
    seen, model = {}, make()
    run(model, lambda word, value: seen.setdefault(word, value))
    return seen, model


@pytest.mark.parametrize("name", PASSES)
def test_every_name_is_in_the_vocabulary_and_has_the_shape_that_it_says(name):
    seen, model = acts_of(name)
    sizes = {"batch": {2}, "pos": {4, 5, 2}, "query": {4, 5}, "key": {4, 5}, "d_vocab": {9}}
    for word, value in {**seen, **dict(model.named_parameters())}.items():
        axes = lookup(word).shape
        axes = axes if value.ndim == len(axes) else ("batch", *axes[2:])  # one row of each
        for axis, length in zip(axes, value.shape, strict=True):
            assert length in sizes.get(axis, {getattr(model.config, axis, None)}), (word, axis)
    assert {lookup(word).kind for word in seen} == {"activation"}
    shapes = {word: tuple(value.shape) for word, value in model.named_parameters()}
    assert shapes == parameter_shapes(model.config)


@pytest.mark.parametrize("name", PASSES)
def test_gradients_are_those_of_small_differences(name):
    make, run = PASSES[name]
    model = make()
    names, values = zip(*model.named_parameters(), strict=True)
    wrapped = torch.nn.Module()
    wrapped.model = model
    wrapped.forward = lambda: run(model, lambda word, value: value)

    def logits(*values):
        return torch.func.functional_call(wrapped, {f"model.{word}": value for word, value in
                                                    zip(names, values, strict=True)}, ())

    assert torch.autograd.gradcheck(logits, values, fast_mode=True)


@pytest.mark.parametrize("name", PASSES)
def test_every_activation_reaches_the_answer(name):
    make, run = PASSES[name]
    model, seen = make(), acts_of(name)[0]
    answer = run(model, lambda word, value: value)
    for edited in seen:
        moved = run(model, lambda word, value, edited=edited: value + (word == edited) * torch.linspace(
            0, 1, value.numel(), dtype=value.dtype).reshape(value.shape).sin())
        assert not torch.allclose(moved, answer, rtol=1e-9), edited


@pytest.mark.parametrize("name", PASSES)
def test_pytorchs_own_attention_gives_the_same(name):
    make, run = PASSES[name]
    model = make()
    slow = run(model, lambda word, value: value)
    assert torch.allclose(run(model.fuse(), keep), slow, rtol=1e-9)


def test_bert_sees_both_sides_and_no_padding():
    model = bert()
    full, short = model(TOKENS), model(TOKENS[1:, :2])
    assert torch.allclose(full[1:, :2], short, rtol=1e-10)
    assert torch.allclose(model.classify(TOKENS)[1:], model.classify(TOKENS[1:, :2]), rtol=1e-10)
    for place in range(5):
        other = TOKENS.clone()
        other[0, place] = 8
        gaps = (model(other)[0] - full[0]).abs().max(dim=-1).values
        assert (gaps > 1e-6).all(), "every row sees every token"
    assert not torch.allclose(model(TOKENS, types=torch.ones_like(TOKENS)), full)


@pytest.mark.parametrize("fused", [False, True])
def test_bert_refuses_a_row_that_is_all_padding(fused):
    model = bert().fuse(fused)
    for call in (model, model.classify):
        with pytest.raises(LabError, match=r"^tokens: got nothing but padding \(0\) in row 1; allowed is a token"):
            call(torch.tensor([[3, 0], [0, 0]]))
        assert call(torch.tensor([[3, 0], [0, 4]])).isfinite().all()
    assert bert(pad=None)(torch.zeros(1, 2, dtype=int)).isfinite().all()


PADDED = {"d_vocab": 9, "n_ctx": 4, "d_model": 8, "n_heads": 2, "d_mlp": 8, "pad": 0}


def test_a_source_that_is_all_padding_is_refused():
    config, begun = EncoderDecoderConfig(**PADDED | T5), torch.tensor([[0], [0]])
    model = EncoderDecoder(config, init(config)).eval()
    with pytest.raises(LabError, match=r"^source: got nothing but padding \(0\) in row 1; allowed is a token"):
        model(torch.tensor([[3, 0], [0, 0]]), begun)
    assert model(torch.tensor([[3, 0], [0, 4]]), begun).isfinite().all()


def test_a_row_that_is_all_padding_is_refused_where_every_query_sees_all():
    both, causal = (Transformer(config, init(config)).eval() for config in (
        ModelConfig(**PADDED, mask=mask) for mask in ("bidirectional", "causal")))
    tokens = torch.tensor([[0, 0], [0, 3]])
    with pytest.raises(LabError, match=r"^tokens: got nothing but padding \(0\) in row 0"):
        both(tokens)
    assert both(tokens[1:]).isfinite().all() and causal(tokens).isfinite().all()


def test_the_loss_of_bert_is_of_tokens_or_of_classes():
    model, targets = bert(), torch.full_like(TOKENS, -100)
    targets[0, 2] = 7
    assert model.loss(TOKENS, targets).item() == pytest.approx(-model(TOKENS).log_softmax(-1)[0, 2, 7].item())
    classes = model.classify(TOKENS).log_softmax(-1)
    assert model.loss(TOKENS, torch.tensor([2, -100])).item() == pytest.approx(-classes[0, 2].item())


def test_what_a_bert_was_not_made_for_it_refuses():
    with pytest.raises(LabError, match=r"^config.n_classes: got 0"):
        bert(n_classes=0).classify(TOKENS)
    with pytest.raises(LabError, match=r"^config.masked_lm: got False"):
        bert(masked_lm=False)(TOKENS)
    for types in (TOKENS[:1] % 2, TOKENS.double(), TOKENS + 5):
        with pytest.raises(LabError, match=r"^types: got"):
            bert()(TOKENS, types=types)


def test_a_decoder_sees_what_came_before_and_the_whole_source_without_its_padding():
    model = t5()
    full = model(SOURCE, TOKENS)
    for place in range(5):
        other = TOKENS.clone()
        other[:, place] = 8
        same = [torch.equal(model(SOURCE, other)[:, t], full[:, t]) for t in range(5)]
        assert same == [t < place for t in range(5)]
    for place in range(4):
        other = SOURCE.clone()
        other[0, place] = 1
        assert (model(other, TOKENS)[0] - full[0]).abs().max(dim=-1).values.min() > 1e-6
    assert torch.allclose(model(SOURCE[1:, :2], TOKENS[1:]), full[1:], rtol=1e-10)
    pattern = acts_of("t5")[0]["decoder.blocks.1.cross_pattern"]
    assert torch.allclose(pattern.sum(-1), torch.ones((), dtype=torch.float64)) and not pattern[1, ..., 2:].any()
    assert (pattern[0] > 0).all()


def test_the_loss_of_an_encoder_decoder_is_that_of_each_token_after_those_before_it():
    model = t5(start=7)
    targets = torch.tensor([[3, 1, 4], [2, 5, -100]])
    wanted = []
    for row, n in ((0, 3), (1, 2)):
        for t in range(n):
            before = torch.tensor([[7, *targets[row, :t].tolist()]])
            wanted.append(-model(SOURCE[row:row + 1], before)[0, -1].log_softmax(-1)[targets[row, t]].item())
    assert model.loss(SOURCE, targets).item() == pytest.approx(np.mean(wanted))


def test_patches_are_the_squares_of_an_image():
    cut = patches(IMAGES, 2)
    for (r, c), at in zip(itertools.product(range(2), range(2)), range(4), strict=True):
        square = IMAGES[:, :, 2 * r:2 * r + 2, 2 * c:2 * c + 2]
        assert torch.equal(cut[:, at], square.reshape(2, -1))


def test_a_class_does_not_depend_on_the_order_of_patches_that_take_their_places_along():
    model, order = vit(), torch.tensor([2, 0, 3, 1])
    squares = IMAGES.unflatten(3, (2, 2)).unflatten(2, (2, 2)).permute(0, 1, 2, 4, 3, 5).flatten(2, 3)
    moved = squares[:, :, order].unflatten(2, (2, 2)).permute(0, 1, 2, 4, 3, 5).flatten(4).flatten(2, 3)
    assert torch.equal(patches(moved, 2), patches(IMAGES, 2)[:, order])
    weights = model.arrays()
    weights["W_pos"] = weights["W_pos"][[0, *(order + 1).tolist()]]
    other = ViT(model.config, weights)
    assert torch.allclose(other(moved), model(IMAGES), rtol=1e-10)
    assert not torch.allclose(model(moved), model(IMAGES))


@pytest.mark.parametrize(("fields", "fault"), [({"patch": 3}, "patch"), ({"n_ctx": 4}, "n_ctx"),
                                               ({"read_out": "last"}, "read_out")])
def test_an_image_that_does_not_fall_into_patches_is_a_fault(fields, fault):
    with pytest.raises(LabError, match=f"- {fault}: got"):
        ViTConfig(**SIZE | VIT | {"image": 4} | fields)


@pytest.mark.parametrize("images", [IMAGES[:, :1], IMAGES.long(), IMAGES[0], None, IMAGES[:0]])
def test_other_images_are_refused(images):
    with pytest.raises(LabError, match=r"^images: got"):
        vit()(images)


def test_an_encoder_as_long_as_its_decoder_is_said_in_one_way():
    assert t5(n_encoder_layers=2).config == t5(n_encoder_layers=0).config != t5(n_encoder_layers=1).config


@pytest.mark.parametrize("make", [bert, t5, vit])
def test_configurations_are_read_back_and_their_first_weights_have_a_scale(make):
    config = make().config
    assert type(config).from_dict(config.to_dict()) == config
    for name, value in init(config).items():
        word = lookup(name).name
        if word.startswith(("b_", "ln")):
            assert (value == (1 if word.endswith("_w") else 0)).all()
        else:
            assert 0.02 < value.std() < 1, name


@pytest.mark.parametrize(("make", "batch"), [
    (lambda: t5(n_layers=1), (SOURCE.numpy(), SOURCE.numpy())),
    (lambda: bert(n_layers=1), (TOKENS.numpy(), TOKENS.numpy())),
    (lambda: bert(n_layers=1), (TOKENS.numpy(), np.array([1, 2]))),
    (lambda: vit(n_layers=1), (IMAGES.numpy(), np.array([3, 8])))],
    ids=["t5 copies", "bert copies", "bert classifies", "vit"])
def test_each_of_them_learns_two_examples_by_heart(make, batch):
    stepper = TorchStepper(make(), "adam")
    losses = [stepper.step(batch, 0.02)["loss"] for _ in range(60)]
    assert losses[0] > 0.5 and losses[-1] < 0.05 and math.isfinite(losses[-1])
