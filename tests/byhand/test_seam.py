"""Rotary positions through the seam, masks that select, and what is refused where it would have been silently wrong."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.analysis.ablation import ablate, means_of, patch
from transformer_lab.analysis.saturation import entropy, jacobian_size
from transformer_lab.byhand.attention import attend, multi_head, softmax
from transformer_lab.byhand.ends import cross_entropy, embed_pullback, one_hot, pick
from transformer_lab.byhand.gradcheck import check_gradients, complex_step
from transformer_lab.byhand.optimizers import OPTIMIZERS, make_optimizer
from transformer_lab.byhand.positions import rotate, rotate_pullback
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.models.transformer import Transformer

RNG = generator(0, "seam")
CONFIG = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, n_layers=2, d_mlp=12, positions="rotary", mask="causal")
PARAMS, TOKENS = init(CONFIG, dtype=np.float64), RNG.integers(7, size=(3, 5))


def test_dot_products_of_turned_rows_depend_on_the_distance_alone():
    q, k = RNG.normal(size=(2, 1, 6))
    dots = [(rotate(q, np.array([t + 3])) @ rotate(k, np.array([t])).T).item() for t in range(50)]
    assert np.ptp(dots) < 1e-12 and abs(dots[0] - (q @ k.T).item()) > 1e-3
    assert np.allclose(np.linalg.norm(rotate(q, np.array([9]))), np.linalg.norm(q))


def test_the_gradient_of_a_turn_is_right():
    up, places = RNG.normal(size=(3, 4, 6)), np.arange(4)
    report = check_gradients(lambda p: (rotate(p["x"], places) * up).sum(), {"x": RNG.normal(size=(3, 4, 6))},
                             {"x": rotate_pullback(up, places)})
    assert report.ok, report


MASKED = np.ma.masked_array([True, False], [False, True])


@pytest.mark.parametrize("n_heads", [1, 2, 8])
def test_alibi_takes_the_distance_off_every_score(n_heads):
    config = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=n_heads, positions="alibi")
    params, plain = init(config, dtype=np.float64), dataclasses.replace(config, positions="none")
    gap = forward(params, TOKENS, config)["blocks.0.scores"] - forward(params, TOKENS, plain)["blocks.0.scores"]
    for h, t, j in itertools.product(range(n_heads), range(5), range(5)):
        assert gap[:, h, t, j] == pytest.approx(-(2 ** (-8 * (h + 1) / n_heads)) * abs(t - j), abs=1e-14)
    assert np.diff(gap[0, 0, 4]).min() > 0, "the nearer key scores higher"


def test_a_bias_is_added_to_the_scores_before_they_are_tapped():
    q, k, bias = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4)), RNG.normal(size=(3, 3))
    found, seen = attend(q, k, k, bias=bias, tap=lambda name, value: value), attend(q, k, k)["scores"] + bias
    assert np.allclose(found["scores"], seen) and np.allclose(found["pattern"], softmax(seen))
    W = {name: RNG.normal(size=(4, 2, 2)) for name in ("W_Q", "W_K", "W_V")}
    assert np.allclose(multi_head(W, q, bias=bias)["scores"], multi_head(W, q)["scores"] + bias)
    with pytest.raises(LabError, match=r"^seam\[0\]: got"):
        multi_head(W, q, seam=(1, 2))
    with pytest.raises(LabError, match=r"^bias: got an array of shape \(4, 4\)"):
        attend(q, k, k, bias=np.zeros((4, 4)))


@pytest.mark.parametrize("bad", [np.array([0.0, -np.inf]), "causal", np.nan, 0.5, np.array([0, 1]), [True, False],
                                 MASKED, np.array([[True, False]]).view(np.matrix)])
def test_a_mask_is_made_of_truth_values_everywhere(bad):
    x, W = np.ones((1, 2, 4)), {name: np.ones((4, 2, 2)) for name in ("W_Q", "W_K", "W_V")}
    for call in (lambda: softmax(np.ones(2), bad), lambda: attend(x, x, x, bad), lambda: multi_head(W, x, bad)):
        with pytest.raises(LabError, match=r"^mask: got"):
            call()


@pytest.mark.parametrize("hidden", [np.inf, np.nan, -np.inf])
def test_what_is_hidden_cannot_poison_its_row(hidden):
    assert softmax(np.array([0.0, hidden, 0.0]), np.array([True, False, True])).tolist() == [0.5, 0, 0.5]


def test_a_long_row_of_small_numbers_adds_up():
    assert softmax(np.zeros(70_000, np.float16)).sum(dtype=float) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("laid", [np.asfortranarray, lambda a: a.T.copy().T, lambda a: a[::-1].copy()[::-1]])
def test_weights_are_updated_however_they_lie_in_memory(name, laid):
    first, g = RNG.normal(size=(2, 3, 4))
    plain, other = first.copy(), laid(first)
    for theta in (plain, other):
        optimizer = make_optimizer(name, theta)
        for _ in range(3):
            optimizer.update(theta, g, 0.1)
    assert np.array_equal(plain, other) and not np.array_equal(plain, first)


MODEL = Transformer(CONFIG, PARAMS)
AT = {"w": np.array([1.0, -2.0])}
REFUSED = {
    "targets": [lambda t=t: cross_entropy(np.ones((1, 3)), np.array([t])) for t in (99, -1, 1.5, np.nan)],
    "tokens": [lambda: one_hot(np.array([3]), 3), lambda: one_hot(np.array([-1]), 3),
               lambda: embed_pullback(np.array([[9]]), np.ones((3, 2)), np.ones((1, 1, 2))),
               lambda: MODEL(torch.tensor([[-1]])), lambda: MODEL(torch.ones(1, 6, dtype=int)),
               lambda: MODEL(torch.tensor([[1.0]]))],
    "at": [lambda: pick(np.ones((1, 3, 2)), np.array([3])), lambda: pick(np.ones((1, 3, 2)), np.array([-1]))],
    r"f\(params\)": [lambda: complex_step(lambda p: None, AT), lambda: complex_step(lambda p: np.nan, AT),
                     lambda: complex_step(lambda p: p["w"].sum() + 1j, AT)],
    "f": [lambda f=f: complex_step(lambda p: p["w"].sum() + np.sum(f(p["w"])), AT)
          for f in (np.abs, np.conj, np.sign, np.angle, np.linalg.norm, lambda w: np.vdot(w, w), np.round,
                    np.rint, np.real, abs, lambda w: w.round(3), lambda w: w.conj(),
                    lambda w: 1j * np.asarray(w).imag, lambda w: np.asarray(w).round(9), lambda w: w.tolist()[0].real,
                    lambda w: np.asarray(w).real ** 2, lambda w: np.where(np.asarray(w).imag != 0, 0, w))]
    + [lambda: complex_step(lambda p: np.real(p["w"]).sum(), AT),
       lambda: complex_step(lambda p: p["w"].sum(axis=-1) + np.asarray(p["v"]).real.sum(axis=-1),
                            {"w": np.ones((2, 3)), "v": np.ones((2, 3))}, independent=1)],
}


@pytest.mark.parametrize(("argument", "call"), [(name, call) for name, calls in REFUSED.items() for call in calls])
def test_what_was_silently_wrong_is_refused(argument, call):
    with pytest.raises(LabError, match=f"^{argument}: got"):
        call()


def both(tap):
    ours, theirs = forward(PARAMS, TOKENS, CONFIG, tap=tap), {}

    def seen(name, value):
        theirs[name] = value if tap is None else tap(name, value)
        return theirs[name]

    MODEL(torch.tensor(TOKENS), seen)
    return ours, theirs


OTHER = forward(PARAMS, (TOKENS + 1) % 7, CONFIG)
TAPS = [ablate("blocks.0.z", head=1), ablate("blocks.1.mlp_out", value=OTHER["blocks.1.mlp_out"].mean(0)),
        patch("blocks.0.resid_post", torch.tensor(OTHER["blocks.0.resid_post"]), [1, 3]),
        patch("embed", OTHER["embed"])]


@pytest.mark.parametrize("tap", TAPS)
def test_taps_do_the_same_to_both_models(tap):
    ours, theirs = both(tap)
    assert np.abs(ours["logits"] - theirs["logits"].detach().numpy()).max() < 1e-13
    assert np.abs(ours["logits"] - forward(PARAMS, TOKENS, CONFIG)["logits"]).max() > 1e-6


def test_measures_take_arrays_of_both_models():
    ours, theirs = both(None)
    for measure in (entropy, jacobian_size):
        assert np.allclose(measure(ours["blocks.1.pattern"]), measure(theirs["blocks.1.pattern"]), atol=1e-14)
    name = "blocks.0.mlp_out"
    by_hand = means_of(lambda tap: forward(PARAMS, TOKENS, CONFIG, tap=tap), name)
    assert np.allclose(by_hand, means_of(lambda tap: MODEL(torch.tensor(TOKENS), tap), name), atol=1e-14)
