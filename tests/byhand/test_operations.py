"""Every operation of the transformer against the complex step and against PyTorch, with random upstream gradients."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.ends import (
    IGNORED,
    cross_entropy,
    cross_entropy_pullback,
    embed,
    embed_pullback,
    mean_of,
    mean_of_pullback,
    one_hot,
    pick,
    pick_pullback,
)
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.byhand.parts import (
    dropout_masks,
    feed_forward,
    gelu,
    gelu_pullback,
    layer_norm,
    layer_norm_pullback,
    linear,
    linear_pullback,
    relu,
    relu_pullback,
    rms_norm,
    rms_norm_pullback,
    row_mean,
    row_sum,
)
from transformer_lab.byhand.positions import sinusoids
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.models.transformer import Transformer
from transformer_lab.names import parameter_shapes

TOKENS, REAL = np.array([[1, 1, 0, 4], [2, 3, 1, 1]]), np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool)
TARGETS = np.array([2, 0, IGNORED, 4, IGNORED, 1])
X, W, b = (2, 4, 3), (3, 5), (5,)

# name -> shapes of the inputs, forward, pullback (inputs, upstream -> gradients), the same in PyTorch
OPERATIONS = {
    "linear": ({"x": X, "W": W, "b": b}, lambda p: linear(p["x"], p["W"], p["b"]),
               lambda p, up: linear_pullback(p["x"], p["W"], up), lambda p: p["x"] @ p["W"] + p["b"]),
    "layer_norm": ({"x": X, "w": (3,), "b": (3,)}, lambda p: layer_norm(p["x"], p["w"], p["b"])[0],
                   lambda p, up: layer_norm_pullback(layer_norm(p["x"], p["w"], p["b"])[1], p["w"], up),
                   lambda p: F.layer_norm(p["x"], (3,), p["w"], p["b"])),
    "rms_norm": ({"x": X, "w": (3,)}, lambda p: rms_norm(p["x"], p["w"])[0],
                 lambda p, up: rms_norm_pullback(rms_norm(p["x"], p["w"])[1], p["w"], up),
                 lambda p: F.rms_norm(p["x"], (3,), p["w"], eps=1e-5)),
    "relu": ({"u": X}, lambda p: relu(p["u"]), lambda p, up: (relu_pullback(p["u"], up),), lambda p: F.relu(p["u"])),
    "gelu": ({"u": X}, lambda p: gelu(p["u"]), lambda p, up: (gelu_pullback(p["u"], up),),
             lambda p: F.gelu(p["u"], approximate="tanh")),
    "embed": ({"W_E": (5, 3)}, lambda p: embed(TOKENS, p["W_E"]), lambda p, up: (embed_pullback(TOKENS, p["W_E"], up),),
              lambda p: F.embedding(torch.tensor(TOKENS), p["W_E"])),
    "pick": ({"x": X}, lambda p: pick(p["x"], np.array([2, 0])),
             lambda p, up: (pick_pullback(np.array([2, 0]), up, 4),), lambda p: p["x"][[0, 1], [2, 0]][:, None]),
    "mean_of": ({"x": X}, lambda p: mean_of(p["x"], REAL), lambda p, up: (mean_of_pullback(REAL, up),),
                lambda p: torch.stack([p["x"][0, :3].mean(0), p["x"][1].mean(0)])[:, None]),
    "cross_entropy": ({"logits": (6, 5)}, lambda p: cross_entropy(p["logits"], TARGETS)[0],
                      lambda p, up=1: (up * cross_entropy_pullback(cross_entropy(p["logits"], TARGETS)[1]),),
                      lambda p: F.cross_entropy(p["logits"], torch.tensor(TARGETS))),
}


def autograd(of):
    def witness(params, upstream=None):
        leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
        out = of(leaves)
        out.backward(None if upstream is None else torch.tensor(upstream))
        return {name: leaf.grad.numpy() for name, leaf in leaves.items()}
    return witness


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_forward_and_pullback_against_two_witnesses(name, seed):
    shapes, forward, pullback, in_torch = OPERATIONS[name]
    rng = generator(seed, name)
    params = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    theirs = in_torch({key: torch.tensor(value) for key, value in params.items()}).numpy()
    np.testing.assert_allclose(forward(params), theirs, rtol=1e-13, atol=1e-14)
    report = check_gradients(forward, params, lambda p, *up: dict(zip(p, pullback(p, *up), strict=True)),
                             witnesses=("complex_step", autograd(in_torch)), seed=seed)
    assert report.ok, report


@pytest.mark.parametrize("name", OPERATIONS)
def test_float32_stays_float32(name):
    shapes, forward, pullback, _ = OPERATIONS[name]
    params = {key: np.ones(shape, np.float32) for key, shape in shapes.items()}
    out = np.asarray(forward(params))
    assert out.dtype == np.float32
    assert {grad.dtype for grad in pullback(params, out)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("cross_entropy", "embed")])
def test_seeds_on_a_leading_axis_are_independent(name):
    shapes, forward, pullback, _ = OPERATIONS[name]
    params = {key: generator(0, key).normal(size=(3, *shape)) for key, shape in shapes.items()}
    out = forward(params)
    up = generator(0, "up").normal(size=out.shape)
    grads = pullback(params, up)
    for seed in range(3):
        alone = {key: value[seed] for key, value in params.items()}
        np.testing.assert_allclose(out[seed], forward(alone), rtol=1e-13, atol=1e-15)
        for grad, lone in zip(grads, pullback(alone, up[seed]), strict=True):
            np.testing.assert_allclose(grad[seed], lone, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_an_embedding_is_a_scatter_add():
    d_x = generator(0, "scatter").normal(size=(2, 4, 3))
    table = np.zeros((5, 3))
    np.add.at(table, TOKENS, d_x)
    np.testing.assert_allclose(embed_pullback(TOKENS, table, d_x), table, rtol=1e-14)


def test_a_lookup_is_exact():
    W_E = generator(0, "lookup").normal(size=(5, 3)).astype(np.float32)
    assert np.array_equal(embed(TOKENS, W_E), W_E[TOKENS])
    assert np.array_equal(one_hot(TOKENS, 5).argmax(-1), TOKENS)


def test_sums_are_sums():
    x = generator(0, "sums").normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(row_sum(x), x.sum(axis=(-3, -2)), rtol=1e-13)
    np.testing.assert_allclose(row_mean(x), x.mean(axis=-1, keepdims=True), rtol=1e-13, atol=1e-16)


def test_sinusoids_are_the_formula():
    found = sinusoids(50, 16)
    for t in (0, 1, 17, 49):
        for i in range(8):
            assert found[t, 2 * i] == pytest.approx(np.sin(t / 10000 ** (2 * i / 16)), abs=1e-14)
            assert found[t, 2 * i + 1] == pytest.approx(np.cos(t / 10000 ** (2 * i / 16)), abs=1e-14)
    assert not found.flags.writeable, "the table is shared; no one may write into it"


def test_cross_entropy_survives_large_logits_and_no_targets():
    with np.errstate(all="raise", under="ignore"):
        value, saved = cross_entropy(np.array([[1e4, 0.0], [0.0, -1e4]]), np.array([0, 1]))
        assert value == pytest.approx(5e3)
        value, saved = cross_entropy(np.ones((2, 3)), np.array([IGNORED, IGNORED]))
    assert value == 0 and not cross_entropy_pullback(saved).any()


def test_sums_of_halves_are_right():
    value, saved = cross_entropy(np.zeros((1, 70_000), np.float16), np.array([3]))
    assert value == pytest.approx(np.log(70_000), rel=1e-6)
    assert cross_entropy_pullback(saved).sum(dtype=float) == pytest.approx(0, abs=1e-3)
    value, _ = cross_entropy(np.zeros((70_000, 2), np.float16), np.zeros(70_000, int))
    assert value == pytest.approx(np.log(2), rel=1e-5)
    x = np.full((1, 1, 4), 300, np.float16) * np.float16([1, -1, 1, -1])
    assert rms_norm(x, np.ones(4, np.float16))[0] == pytest.approx(np.sign(x))
    assert row_sums_of_ones(70_000) == pytest.approx(70_000)


def row_sums_of_ones(n):
    return linear_pullback(np.ones((1, n, 1), np.float16), np.ones((1, 1)), np.ones((1, n, 1), np.float16))[2]


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_the_scale_of_weights_does_not_matter(scale):
    logits, targets = generator(0, "scale").normal(size=(4, 3)), np.array([0, 1, 2, 0])
    weights = np.array([1, 1, 0.5, 0])
    value, saved = cross_entropy(logits, targets, weights)
    scaled, other = cross_entropy(logits, targets, weights * scale)
    assert scaled == pytest.approx(value, rel=1e-14) and other["share"] == pytest.approx(saved["share"], rel=1e-14)
    model = Transformer(CONFIG, {name: np.ones(shape) for name, shape in parameter_shapes(CONFIG).items()})
    theirs = [model.loss(torch.tensor([[1, 2, 0]]), torch.tensor([[1, 0, 2]]),
                         torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64) * by).item() for by in (1.0, scale)]
    assert theirs[0] > 0 and theirs[1] == pytest.approx(theirs[0], rel=1e-14)


CONFIG = ModelConfig(d_vocab=3, n_ctx=3, d_model=4)


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_row_of_weight_0_may_be_anything(lost):
    logits, targets = np.array([[1.0, 2.0], [lost, lost]]), np.array([0, 1])
    value, saved = cross_entropy(logits, targets, np.array([1.0, 0.0]))
    alone, own = cross_entropy(logits[:1], targets[:1])
    assert value == alone and np.array_equal(cross_entropy_pullback(saved), [cross_entropy_pullback(own)[0], [0, 0]])
    with np.errstate(invalid="ignore"):
        assert np.isnan(cross_entropy(logits, targets, np.array([1.0, 0.1]))[0])


def matrix(array):
    return array.view(np.matrix)


def test_lists_and_matrices_among_parameters_are_read_as_arrays():
    x, W = np.arange(12.0).reshape(1, 3, 4), np.arange(20.0).reshape(4, 5)
    params = {"W_in": W, "W_out": W.T}
    want = feed_forward(params, x, "relu")["mlp_out"]
    for kind in (np.ndarray.tolist, matrix):
        given = {name: kind(value) for name, value in params.items()}
        assert np.array_equal(feed_forward(given, x, "relu")["mlp_out"], want)
    with pytest.raises(LabError, match=r"^params\['W_in'\]: got a masked array"):
        feed_forward(params | {"W_in": np.ma.masked_array(W, W > 3)}, x, "relu")


@pytest.mark.parametrize("spoiled", [matrix, np.ndarray.tolist, lambda a: np.ma.masked_array(a, a > 0),
                                     lambda a: a.astype(np.float16), lambda a: a > 0, lambda a: a.astype(str)])
def test_a_model_says_which_parameter_it_cannot_calculate_with(spoiled):
    params = init(CONFIG, dtype=np.float64)
    with pytest.raises(LabError, match=r"^params\['W_E'\]: got"):
        forward(params | {"W_E": spoiled(params["W_E"])}, np.array([[1, 2]]), CONFIG)


def test_what_does_not_count_in_a_loss_may_be_anything():
    logits = np.array([[0.0, 0.0], [np.nan, np.inf], [0.0, -np.inf]])
    loss, saved = cross_entropy(logits, np.array([1, IGNORED, 0]))
    assert loss == np.log(2) / 2 and np.isfinite(cross_entropy_pullback(saved)).all()
    assert np.isnan(cross_entropy(logits, np.array([1, 0, 0]))[0])


def test_dropout_keeps_the_mean_and_the_share():
    mask = dropout_masks(0.3, 0, step=5)("blocks.0.attn_out", np.ones((500, 200), np.float32))
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    assert abs((mask == 0).mean() - 0.3) < 0.005 and abs(mask.mean() - 1) < 0.01


def test_dropout_masks_differ_by_step_place_and_seed_and_repeat():
    x = np.ones((8, 8))
    mask = dropout_masks(0.5, 0, 0)("a", x)
    assert np.array_equal(mask, dropout_masks(0.5, 0, 0)("a", x))
    others = [dropout_masks(0.5, 0, 1)("a", x), dropout_masks(0.5, 1, 0)("a", x), dropout_masks(0.5, 0, 0)("b", x)]
    assert not any(np.array_equal(mask, other) for other in others)


def test_the_feed_forward_layer_is_tapped():
    params = {"W_in": np.eye(2), "b_in": np.zeros(2), "W_out": np.eye(2), "b_out": np.zeros(2)}
    seen = []
    feed_forward(params, np.ones((1, 1, 2)), "relu", lambda name, value: seen.append(name) or value)
    assert seen == ["mlp_pre", "mlp_post", "mlp_out"]


BAD = {
    "W": lambda: linear(np.ones((1, 2, 3)), np.ones((4, 5)), np.ones(5)),
    "w": lambda: layer_norm(np.ones((1, 2, 3)), np.ones(4), np.ones(3)),
    "tokens": lambda: embed(np.array([[0.5]]), np.ones((3, 2))),
    "targets": lambda: cross_entropy(np.ones((2, 3)), np.ones(4, int)),
    "d_y": lambda: linear_pullback(np.ones((1, 2, 3)), np.ones((3, 5)), np.ones((1, 2, 4))),
    "u": lambda: gelu(None),
}


@pytest.mark.parametrize("argument", BAD)
def test_what_does_not_fit_is_named(argument):
    with pytest.raises(LabError, match=f"^{argument}: got"):
        BAD[argument]()
