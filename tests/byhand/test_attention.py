"""Attention by hand against PyTorch, forward and backward, with random upstream gradients."""

import numpy as np
import pytest
import torch

from transformer_lab import LabError, generator
from transformer_lab.byhand import attention
from transformer_lab.byhand.attention import (
    attend,
    attend_pullback,
    causal_mask,
    multi_head,
    multi_head_pullback,
    padding_mask,
    softmax,
    softmax_pullback,
)

MASKS = {
    "none": lambda rng, shape: None,
    "causal": lambda rng, shape: np.tri(shape[-2], shape[-1], dtype=bool),
    "padding": lambda rng, shape: padding_mask(np.arange(shape[-1]) < rng.integers(1, shape[-1] + 1, (shape[0], 1))),
    "arbitrary": lambda rng, shape: (rng.random(shape) < 0.5) | np.eye(shape[-2], shape[-1], dtype=bool),
}


def relative(ours, theirs):
    theirs = theirs.detach().numpy() if torch.is_tensor(theirs) else theirs
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300)


def torch_of(*arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


@pytest.mark.parametrize("masking", MASKS)
@pytest.mark.parametrize("seed", range(5))
def test_attend_is_scaled_dot_product_attention(masking, seed):
    rng = generator(seed, "attend")
    n_query, n_key, d_head, d_value = rng.integers(1, 9, 4)
    q, k = rng.normal(size=(3, 2, n_query, d_head)), rng.normal(size=(3, 2, n_key, d_head))
    v, d_z = rng.normal(size=(3, 2, n_key, d_value)), rng.normal(size=(3, 2, n_query, d_value))
    mask = MASKS[masking](rng, (3, 2, n_query, n_key))
    tq, tk, tv = torch_of(q, k, v)
    z = torch.nn.functional.scaled_dot_product_attention(
        tq, tk, tv, attn_mask=None if mask is None else torch.tensor(np.broadcast_to(mask, (3, 2, n_query, n_key))))
    z.backward(torch.tensor(d_z))
    acts = attend(q, k, v, mask)
    grads = attend_pullback(acts, d_z)
    assert relative(acts["z"], z) < 1e-13
    for name, theirs in {"q": tq, "k": tk, "v": tv}.items():
        assert np.abs(grads[name] - theirs.grad.numpy()).max() < 1e-12, name


def pytorch_heads(params, d_model, n_heads):
    """torch.nn.MultiheadAttention with our weights."""
    twin = torch.nn.MultiheadAttention(d_model, n_heads, bias=False, batch_first=True, dtype=torch.float64)
    inward = np.concatenate([params[name].reshape(d_model, -1).T for name in ("W_Q", "W_K", "W_V")])
    twin.in_proj_weight.data = torch.tensor(inward)
    twin.out_proj.weight.data = torch.tensor(params["W_O"].reshape(-1, d_model).T.copy())
    return twin


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_multi_head_is_pytorch_multihead_attention(cross, seed):
    rng = generator(seed, "heads")
    batch, n_query, n_heads, d_head = rng.integers(1, 6, 4)
    d_model = n_heads * d_head
    params = random_params(rng, d_model, n_heads, d_head)
    x, source = rng.normal(size=(batch, n_query, d_model)), rng.normal(size=(batch, 7, d_model))
    mask = None if cross else causal_mask(int(n_query))
    d_out = rng.normal(size=x.shape)
    twin = pytorch_heads(params, d_model, n_heads)
    tx, ts = torch_of(x, source)
    rows = ts if cross else tx
    out, pattern = twin(tx, rows, rows, attn_mask=None if mask is None else torch.tensor(~mask),
                        average_attn_weights=False)
    out.backward(torch.tensor(d_out))
    acts = multi_head(params, x, mask, source=source if cross else None)
    grads = multi_head_pullback(params, acts, d_out)
    assert relative(acts["attn_out"], out) < 1e-13
    assert relative(acts["pattern"], pattern) < 1e-13
    assert relative(grads["x"], tx.grad) < 1e-12
    if cross:
        assert relative(grads["source"], ts.grad) < 1e-12
    inward = np.concatenate([grads[name].reshape(d_model, -1).T for name in ("W_Q", "W_K", "W_V")])
    assert relative(inward, twin.in_proj_weight.grad) < 1e-12
    assert relative(grads["W_O"].reshape(-1, d_model).T, twin.out_proj.weight.grad) < 1e-12


def random_params(rng, d_model, n_heads, d_head, lead=(), dtype=np.float64):
    shapes = dict.fromkeys(("W_Q", "W_K", "W_V"), (d_model, n_heads, d_head)) | {"W_O": (n_heads, d_head, d_model)}
    return {name: rng.normal(size=(*lead, *shape)).astype(dtype) for name, shape in shapes.items()}


def test_seeds_on_a_leading_axis_are_independent_models():
    rng = generator(0, "seeds")
    params, x = random_params(rng, 6, 2, 3, lead=(4,)), rng.normal(size=(5, 7, 6))
    acts = multi_head(params, x, causal_mask(7))
    d_out = rng.normal(size=acts["attn_out"].shape)
    grads = multi_head_pullback(params, acts, d_out)
    for seed in range(4):
        one = {name: value[seed] for name, value in params.items()}
        alone = multi_head(one, x, causal_mask(7))
        assert relative(acts["attn_out"][seed], alone["attn_out"]) < 1e-14
        for name, grad in multi_head_pullback(one, alone, d_out[seed]).items():
            assert relative(grads[name][seed], grad) < 1e-13, name


def test_float32_stays_float32():
    rng = generator(0, "dtype")
    params = random_params(rng, 6, 2, 3, dtype=np.float32)
    x = rng.normal(size=(2, 5, 6)).astype(np.float32)
    acts = multi_head(params, x, causal_mask(5))
    grads = multi_head_pullback(params, acts, acts["attn_out"])
    values = [value for value in (*acts.values(), *grads.values()) if value is not None]
    assert {value.dtype for value in values} == {np.dtype(np.float32)}


def test_a_query_that_may_look_nowhere_reads_nothing_and_passes_no_gradient():
    rng = generator(0, "blind")
    q, k, v = rng.normal(size=(3, 2, 4, 5))
    mask = np.ones((4, 4), bool)
    mask[1] = False
    with np.errstate(all="raise"):
        acts = attend(q, k, v, mask)
        grads = attend_pullback(acts, rng.normal(size=(2, 4, 5)))
    assert not acts["pattern"][:, 1].any() and not acts["z"][:, 1].any() and not grads["q"][:, 1].any()
    others = np.delete(np.arange(4), 1)
    assert np.array_equal(acts["z"][:, others], attend(q[:, others], k, v)["z"])
    assert all(np.isfinite(grad).all() for grad in grads.values())


def test_what_is_hidden_cannot_leak():
    rng = generator(0, "leak")
    q, k, v = rng.normal(size=(3, 6, 4))
    later = k + np.where(np.arange(6)[:, None] > 3, 1e6, 0), v - np.where(np.arange(6)[:, None] > 3, 1e6, 0)
    assert np.array_equal(attend(q, k, v, causal_mask(6))["z"][:4], attend(q, *later, causal_mask(6))["z"][:4])


def test_large_scores_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert softmax(np.array([1e4, 1e4 - np.log(3), -1e4])).round(12).tolist() == [0.75, 0.25, 0]


def test_the_tap_sees_every_activation_and_may_replace_it():
    rng = generator(0, "tap")
    params, x = random_params(rng, 6, 2, 3), rng.normal(size=(2, 5, 6))
    seen = {}
    acts = multi_head(params, x, tap=lambda name, value: seen.setdefault(name, value))
    assert list(seen) == ["q", "k", "v", "scores", "pattern", "z", "attn_out"]
    assert all(acts[name] is value for name, value in seen.items())
    first = np.zeros((5, 5))
    first[:, 0] = 1
    patched = multi_head(params, x, tap=lambda name, value: first + 0 * value if name == "pattern" else value)
    assert relative(patched["z"], np.broadcast_to(acts["v"][:, :, :1], acts["z"].shape)) < 1e-15


def test_the_complex_step_agrees():
    rng = generator(0, "complex")
    params, x, upstream = random_params(rng, 4, 2, 3), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 4))
    acts = multi_head(params, x, causal_mask(5))
    grads = multi_head_pullback(params, acts, upstream)
    for name, value in params.items():
        direction = rng.normal(size=value.shape)
        moved = params | {name: value + 1e-30j * direction}
        slope = (multi_head(moved, x, causal_mask(5))["attn_out"] * upstream).sum().imag / 1e-30
        assert abs(slope - (grads[name] * direction).sum()) < 1e-12 * abs(slope), name


BUGS = {
    "no softmax Jacobian": ("softmax_pullback", lambda pattern, d_pattern: d_pattern),
    "Jacobian without its second term": ("softmax_pullback", lambda pattern, d_pattern: pattern * d_pattern),
    "wrong sign": ("softmax_pullback", lambda pattern, d_pattern: -softmax_pullback(pattern, d_pattern)),
    "scale forgotten": ("_scale", lambda q, scale: 1.0),
    "scaled by d, not by its root": ("_scale", lambda q, scale: 1 / q.shape[-1]),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_seen(bug, monkeypatch):
    rng = generator(0, "bugs")
    q, k, v, d_z = rng.normal(size=(4, 2, 6, 5))
    acts = attend(q, k, v)
    tq, tk, tv = torch_of(q, k, v)
    torch.nn.functional.scaled_dot_product_attention(tq, tk, tv).backward(torch.tensor(d_z))
    name, wrong = BUGS[bug]
    wrong.unchecked = wrong
    monkeypatch.setattr(attention, name, wrong)
    assert relative(attend_pullback(acts, d_z)["q"], tq.grad) > 0.1


BAD = {
    "k": lambda a: attend(a[:, :3], a, a),
    "v": lambda a: attend(a, a, a[:4]),
    "q": lambda a: attend(np.full((6, 5), np.nan), a, a),
    "mask": lambda a: attend(a, a, a, np.ones((6, 6), int)),
    "scale": lambda a: attend(a, a, a, scale=np.inf),
    "n_ctx": lambda a: causal_mask(0),
    "real": lambda a: padding_mask([1, 0]),
    "x": lambda a: multi_head(random_params(generator(0, "bad"), 4, 2, 3), a[None]),
    r"params\['W_O'\]": lambda a: multi_head(random_params(generator(0, "bad"), 5, 2, 3) | {"W_O": a[None]}, a[None]),
}


@pytest.mark.parametrize("argument", BAD)
def test_bad_input_is_named(argument):
    with pytest.raises(LabError, match=f"^{argument}: got"):
        BAD[argument](generator(0, "bad").normal(size=(6, 5)))


def test_a_mask_of_the_wrong_shape_is_named():
    with pytest.raises(LabError, match="broadcasts to"):
        attend(*np.ones((3, 6, 5)), np.ones((4, 4), bool))
