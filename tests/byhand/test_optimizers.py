"""Optimisers against torch.optim, clipping against torch.nn.utils, schedules against their formulas."""

import math

import numpy as np
import pytest
import torch

from transformer_lab import LabError, generator
from transformer_lab.byhand.optimizers import OPTIMIZERS, AdamW, clip, make_optimizer, warmup_cosine, warmup_linear
from transformer_lab.byhand.transformer import pack, unpack

N = 70_000  # more than two of the blocks that an update is worked through in
PAIRS = {
    "sgd": ({}, lambda p: torch.optim.SGD(p, lr=1)),
    "momentum": ({"mu": 0.8}, lambda p: torch.optim.SGD(p, lr=1, momentum=0.8)),
    "adam": ({"beta2": 0.98, "eps": 1e-6}, lambda p: torch.optim.Adam(p, lr=1, betas=(0.9, 0.98), eps=1e-6)),
    "adamw": ({"beta1": 0.8, "weight_decay": 0.1}, lambda p: torch.optim.AdamW(p, lr=1, betas=(0.8, 0.999),
                                                                               weight_decay=0.1)),
}


def gradients(step, shape=(N,)):
    sizes = 10.0 ** generator(0, "sizes").integers(-4, 2, size=shape)
    return generator(0, "gradients", step).normal(size=shape) * sizes


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps_are_those_of_torch_optim(name):
    settings, make_theirs = PAIRS[name]
    theta = generator(0, "theta").normal(size=N)
    weights = torch.tensor(theta, requires_grad=True)
    ours, theirs = make_optimizer(name, theta, **settings), make_theirs([weights])
    for step in range(10):
        rate = theirs.param_groups[0]["lr"] = 0.01 * (step + 1)
        weights.grad = torch.tensor(gradients(step))
        theirs.step()
        ours.update(theta, gradients(step), rate)
    np.testing.assert_allclose(theta, weights.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_seeds_are_independent_and_a_state_resumes_bit_for_bit(name):
    theta = generator(0, "theta").normal(size=(3, 500)).astype(np.float32)
    alone, optimizer = theta[1].copy(), make_optimizer(name, theta, **PAIRS[name][0])
    lone = make_optimizer(name, alone, **PAIRS[name][0])
    for step in range(6):
        if step == 3:
            saved, theta = {key: np.array(value) for key, value in optimizer.state().items()}, theta.copy()
            optimizer = OPTIMIZERS[name](**PAIRS[name][0])
            optimizer.load_state(saved)
        g = gradients(step, (3, 500)).astype(np.float32)
        optimizer.update(theta, g, 0.01)
        lone.update(alone, g[1], 0.01)
    assert theta.dtype == np.float32
    assert np.array_equal(theta[1], alone)


def test_the_norm_is_clipped_for_each_seed():
    g = gradients(0, (4, 300)) * np.array([1e-3, 1, 10, 100])[:, None]
    for seed, clipped in enumerate(g.copy()):
        leaf = torch.zeros(300, dtype=torch.float64, requires_grad=True)
        leaf.grad = torch.tensor(clipped)
        norm = torch.nn.utils.clip_grad_norm_([leaf], 2.0)
        alone = clipped[None].copy()
        assert clip(alone, 2.0)[0] == pytest.approx(norm.item(), rel=1e-12)
        np.testing.assert_allclose(alone[0], leaf.grad.numpy(), rtol=1e-6)  # PyTorch adds 1e-6 to the norm
        g_all = g.copy()
        clip(g_all, 2.0)
        assert np.array_equal(g_all[seed], alone[0])
    assert np.array_equal(g_all[0], g[0]), "a short gradient is left alone, to the bit"
    assert np.sqrt((g_all[1:] ** 2).sum(-1)) == pytest.approx(2)


def test_the_schedules_are_their_formulas():
    for step in range(100):
        up = (step + 1) / 10 if step < 10 else None
        share = (step - 10) / 90
        assert warmup_linear(3e-3, 100, 10)(step) == pytest.approx(3e-3 * (up or 1 - share))
        cosine = 0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2
        assert warmup_cosine(3e-3, 100, 10, floor=0.1)(step) == pytest.approx(3e-3 * (up or cosine))
    assert warmup_linear(1.0, 100, floor=0.2)(95) == 0.2
    assert warmup_linear(1.0, 10, 10)(9) == 1.0 and warmup_linear(1.0, 10, 10)(10) == 0.0


def test_a_vector_of_all_weights_has_named_views():
    shapes = {"W": (2, 3), "b": (3,)}
    arrays = {name: generator(0, name).normal(size=(4, *shape)) for name, shape in shapes.items()}
    theta = pack(arrays, shapes)
    views = unpack(theta, shapes)
    assert theta.shape == (4, 9) and all(np.array_equal(views[name], arrays[name]) for name in shapes)
    theta += 1
    assert all(np.array_equal(views[name], arrays[name] + 1) for name in shapes)


def of_another_model():
    optimizer = AdamW()
    optimizer.load_state({"t": 1, "m": np.zeros(2), "v": np.zeros(2)})
    return optimizer


def read_only():
    theta = np.ones(3)
    theta.setflags(write=False)
    return theta


NOT_IN_PLACE = {"a list": lambda: [1.0, 2.0], "whole numbers": lambda: np.ones(3, int), "read-only": read_only,
                "masked": lambda: np.ma.masked_array(np.ones(3), [0, 1, 0]),
                "a matrix": lambda: np.ones((1, 3)).view(np.matrix),
                "half": lambda: np.ones(3, np.float16)}


@pytest.mark.parametrize("kind", NOT_IN_PLACE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_that_cannot_change_in_place_are_refused(name, kind):
    with pytest.raises(LabError, match=r"^theta: got"):
        OPTIMIZERS[name]().update(NOT_IN_PLACE[kind](), np.ones(3), 0.1)


@pytest.mark.parametrize("kind", NOT_IN_PLACE)
def test_gradients_that_cannot_change_in_place_are_refused(kind):
    with pytest.raises(LabError, match=r"^g: got"):
        clip(NOT_IN_PLACE[kind](), 0.1)


LAID = {"Fortran": np.asfortranarray, "turned": lambda a: a.T.copy().T,
        "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
        "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2]}


@pytest.mark.parametrize("laid", LAID)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_order_in_memory_does_not_matter(name, laid):
    before, g = generator(0, "laid").normal(size=(2, 3, 4))
    want, got = before.copy(), LAID[laid](before.copy())
    OPTIMIZERS[name]().update(want, g, 0.1)
    OPTIMIZERS[name]().update(got, LAID[laid](g), 0.1)
    assert np.array_equal(got, want) and not np.array_equal(got, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lengths_whose_squares_overflow_or_vanish_are_right(dtype):
    far = np.sqrt(np.finfo(dtype).max) * 100
    g = np.array([[3 * far, 4 * far], [3 / far, 4 / far], [0.3, 0.4], [0, 0]], dtype)
    norm = clip(g, 1.0)
    assert norm.dtype == dtype
    np.testing.assert_allclose(norm, np.array([5 * far, 5 / far, 0.5, 0], dtype), rtol=1e-6)
    np.testing.assert_allclose(g, np.array([[0.6, 0.8], [3 / far, 4 / far], [0.3, 0.4], [0, 0]], dtype), rtol=1e-6)


@pytest.mark.parametrize("lost", [np.inf, -np.inf, np.nan])
def test_a_gradient_that_is_not_finite_stays_and_so_do_its_neighbours(lost):
    g = np.array([[lost, 1.0], [3.0, 4.0]])
    norm = clip(g, 1.0)
    np.testing.assert_array_equal(norm, [abs(lost), 5.0])
    np.testing.assert_allclose(g, [[lost, 1.0], [0.6, 0.8]], rtol=1e-15)


def test_the_length_is_the_plain_one_to_the_bit_where_that_is_right():
    g = gradients(3, (5, 200)).astype(np.float32)
    plain = np.sqrt(np.einsum("...i,...i->...", g, g))
    want = g * (2.0 / np.maximum(plain, 2.0))[:, None]
    assert np.array_equal(clip(g, 2.0), plain) and np.array_equal(g, want)
    mixed = np.concatenate([g, np.zeros((1, 200), np.float32)])  # a seed of no gradient changes no other seed's bits
    assert np.array_equal(clip(mixed, 9.0)[:5], np.sqrt(np.einsum("...i,...i->...", g, g)))


BAD = {
    "learning_rate": lambda: AdamW().update(np.zeros(3), np.zeros(3), float("nan")),
    "state": lambda: AdamW().load_state({"t": 1, "m": np.zeros(2)}),
    r"state\['t'\]": lambda: AdamW().load_state({"t": -1, "m": np.zeros(2), "v": np.zeros(2)}),
    "g": lambda: AdamW().update(np.zeros(3), np.zeros(4), 0.1),
    "m": lambda: of_another_model().update(np.zeros(3), np.zeros(3), 0.1),
    "name": lambda: make_optimizer("adamm", np.zeros(3)),
    "beta2": lambda: AdamW(beta2=1.0),
    "max_norm": lambda: clip(np.ones(3), 0),
    "theta": lambda: AdamW().update(np.ones(3, np.float16), np.ones(3, np.float16), 0.1),
    r"state\['v'\]": lambda: AdamW().load_state({"t": 1, "m": np.zeros(2), "v": np.array([1.0, -1.0])}),
    r"state\['m'\]": lambda: AdamW().load_state({"t": 0, "m": np.ones(2), "v": np.zeros(2)}),
    r"state\['v'\]: got an array of shape \(3,\)": lambda: AdamW().load_state(
        {"t": 1, "m": np.zeros(2), "v": np.zeros(3)}),
    "warmup": lambda: warmup_linear(1.0, 10, 11),
    "floor": lambda: warmup_cosine(1.0, 10, 1, floor=2),
    "peak": lambda: warmup_linear(0, 10),
}


@pytest.mark.parametrize("argument", BAD)
def test_bad_input_is_named(argument):
    with pytest.raises(LabError, match=f"^{argument}" + ": got" * (": got" not in argument)):
        BAD[argument]()


@pytest.mark.parametrize("name", ["t", "m", "v"])
def test_a_state_with_a_mask_is_refused(name):
    state = {"t": np.array(1), "m": np.zeros(2), "v": np.zeros(2)}
    state[name] = np.ma.masked_array(state[name], True)
    with pytest.raises(LabError, match=f"^state\\['{name}'\\]: got a masked array"):
        AdamW().load_state(state)


def test_what_starts_with_no_memory_loads_and_goes_on():
    optimizer, theta = AdamW(), np.ones(2)
    optimizer.load_state(AdamW().start(theta).state())
    optimizer.update(theta, np.ones(2), 0.1)
    other = np.ones(2)
    AdamW().update(other, np.ones(2), 0.1)
    assert np.array_equal(theta, other)
