"""The one-head model: against the line-by-line version, against PyTorch, and in its dtypes and leading axes."""

import numpy as np
import pytest

from chapters.ch02.one_sequence import one_sequence
from chapters.ch02.twin import OneHead, gradients
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.errors import LabError, NotFiniteError, RangeError, ShapeError, UnknownNameError
from transformer_lab.tasks.patterns import PatternTask, sample

torch = pytest.importorskip("torch")
CONFIGS = [OneHeadConfig(d_vocab=26, n_ctx=20), OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot"),
           OneHeadConfig(d_vocab=26, n_ctx=20, positions="learned", d_pos=8)]


def instance(config, *, n_seeds=None, batch=7, scale=0.5, dtype=np.float64, own=False):
    params = one_head.init(config, n_seeds=n_seeds, seed=3, scale=scale, dtype=dtype)
    patterns = sample(PatternTask(), (n_seeds, batch) if own else batch, seed=4)
    return params, one_head.encode(patterns.tokens, config, params, dtype), patterns.targets


def test_rows_say_letter_and_position():
    tokens = sample(PatternTask(), 9, seed=0).tokens
    plain, one_hot, learned = CONFIGS
    assert plain.d_model == 26 and one_hot.d_model == 46 and learned.d_model == 34
    assert (one_head.encode(tokens, plain).argmax(-1) == tokens).all()
    rows = one_head.encode(tokens, one_hot)
    assert (rows[..., :26].argmax(-1) == tokens).all() and (rows[..., 26:] == np.eye(20)).all()
    assert (rows.sum(axis=-1) == 2).all()
    params = one_head.init(learned, n_seeds=4)
    rows = one_head.encode(tokens, learned, params)
    assert rows.shape == (4, 9, 20, 34)
    assert (rows[..., 26:] == params["W_pos"][:, None]).all() and (rows[2, ..., :26] == np.eye(26)[tokens]).all()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.positions)
def test_batch_form_equals_one_sequence_at_a_time(config):
    params, x, targets = instance(config)
    acts = one_head.forward(params, x)
    grads = one_head.backward(params, acts, targets)
    slow = [one_sequence(params["W_QK"], params["W_OV"], row, int(t)) for row, t in zip(x, targets, strict=True)]
    for name in ("scores", "pattern", "read", "logits", "probs"):
        np.testing.assert_allclose(acts[name], [seen[name] for seen in slow], rtol=1e-12, atol=1e-14)
    assert one_head.loss(acts["logits"], targets) == pytest.approx(np.mean([seen["loss"] for seen in slow]), rel=1e-13)
    for name in ("W_QK", "W_OV"):
        np.testing.assert_allclose(grads[name], np.mean([seen[f"d_{name}"] for seen in slow], axis=0),
                                   rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.positions)
def test_pytorch_agrees_in_every_activation_and_gradient(config):
    params, x, targets = instance(config, n_seeds=3, own=True)
    acts = one_head.forward(params, x)
    twin = OneHead(params)(torch.tensor(x))
    assert acts.keys() == twin.keys()
    for name, value in acts.items():
        np.testing.assert_allclose(value, twin[name].detach().numpy(), rtol=1e-12, atol=1e-14)
    upstream = np.random.default_rng(0).normal(size=acts["logits"].shape)
    mine, theirs = one_head.pullback(params, acts, upstream), gradients(params, x, d_logits=upstream)
    for name in ("W_QK", "W_OV", "x"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-10, atol=1e-13)
    if "W_pos" in params:
        np.testing.assert_allclose(mine["W_pos"], theirs["x"][..., 26:].sum(axis=-3), rtol=1e-10, atol=1e-13)
    mine, theirs = one_head.backward(params, acts, targets), gradients(params, x, targets)
    for name in ("W_QK", "W_OV"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.positions)
def test_a_leading_axis_is_the_same_as_one_model_after_the_other(config):
    params, x, targets = instance(config, n_seeds=5, own=True)
    acts = one_head.forward(params, x)
    grads = one_head.backward(params, acts, targets)
    for i in range(5):
        alone = {name: value[i] for name, value in params.items()}
        seen = one_head.forward(alone, x[i])
        np.testing.assert_allclose(acts["logits"][i], seen["logits"], rtol=1e-12, atol=1e-14)
        for name, grad in one_head.backward(alone, seen, targets[i]).items():
            np.testing.assert_allclose(grads[name][i], grad, rtol=1e-11, atol=1e-15)
    np.testing.assert_array_equal(params["W_QK"][2], one_head.init(config, seed=5, scale=0.5)["W_QK"])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.positions)
def test_float32_stays_float32_and_close(config):
    params, x, targets = instance(config, n_seeds=2, dtype=np.float32)
    acts = one_head.forward(params, x)
    d_logits = np.random.default_rng(0).normal(size=acts["logits"].shape).astype(np.float32)
    arrays = {**acts, **one_head.pullback(params, acts, d_logits), "loss": one_head.loss(acts["logits"], targets),
              **{f"d_{name}": grad for name, grad in one_head.backward(params, acts, targets).items()}}
    assert {name: value.dtype for name, value in arrays.items() if value.dtype != np.float32} == {}
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    loss = one_head.loss(one_head.forward(exact, x.astype(np.float64))["logits"], targets)
    np.testing.assert_allclose(arrays["loss"], loss, rtol=1e-6)


def test_taps_see_everything_and_may_change_it():
    params, x, targets = instance(CONFIGS[1])
    names = []
    acts = one_head.forward(params, x, tap=lambda name, value: names.append(name) or value)
    assert names == list(acts)
    even = one_head.forward(params, x, tap=lambda name, value: 0 * value if name == "scores" else value)
    np.testing.assert_allclose(even["pattern"], 1 / 20)
    np.testing.assert_allclose(even["read"], x.mean(axis=-2))
    backwards = []
    one_head.backward(params, acts, targets, tap=lambda name, value: backwards.append(name) or value)
    assert backwards == ["d_logits", "d_read", "d_pattern", "d_scores", "d_q", "d_W_QK", "d_W_OV"]


def test_no_later_token_is_seen_because_none_is_there():
    """Cutting the sequence after the query row changes nothing: the causal mask of the last row is all ones."""
    params, x, _ = instance(CONFIGS[0])
    full = x @ params["W_QK"] @ x.mT / np.sqrt(26)
    masked = np.where(np.tri(20, dtype=bool), full, -1e9)
    np.testing.assert_allclose(one_head.forward(params, x)["scores"], masked[:, -1], rtol=1e-12)


def test_with_w_ov_at_zero_the_gradient_of_w_qk_is_exactly_zero():
    params, x, targets = instance(CONFIGS[1])
    params["W_OV"][:] = 0
    grads = one_head.backward(params, one_head.forward(params, x), targets)
    assert (grads["W_QK"] == 0).all() and (grads["W_OV"] != 0).any()


def test_a_tiny_loss_and_its_gradient_keep_their_digits():
    gap = 60.0
    logits = np.array([[0.0, gap, 0.0]])
    assert one_head.loss(logits, [1]) == pytest.approx(2 * np.exp(-gap), rel=1e-14)
    params = {"W_QK": np.zeros((3, 3)), "W_OV": gap * np.eye(3)}
    x = np.eye(3)[[[1, 1]]]
    grads = one_head.backward(params, one_head.forward(params, x), [1])
    assert grads["W_OV"][1, 1] == pytest.approx(-2 * np.exp(-gap), rel=1e-13)


def test_generation_goes_on_with_what_it_wrote():
    follow = {"W_QK": np.zeros((46, 46)), "W_OV": np.vstack([20 * np.eye(26), np.zeros((20, 26))])}
    follow["W_QK"][26 + 19, 26:46:5] = 200  # position 19 looks at positions 0, 5, 10, 15
    start = sample(PatternTask(), 6, seed=1).tokens
    written = one_head.generate(follow, CONFIGS[1], start, 30)
    assert written.shape == (6, 50) and (written[:, :20] == start).all() and (written[:, 5:] == written[:, :-5]).all()
    assert (one_head.generate(follow, CONFIGS[1], start[2], 30) == written[2]).all()
    learned = one_head.init(CONFIGS[2])
    assert one_head.generate(learned, CONFIGS[2], [3, 1, 4], 2).shape == (5,)


def test_bad_input_is_named():
    config = CONFIGS[1]
    params, x, targets = instance(config)
    acts = one_head.forward(params, x)
    with pytest.raises(NotFiniteError, match=r"^x: got nan at index \(0, 0, 0\)"):
        one_head.forward(params, np.where(np.arange(46) == 0, np.nan, x))
    with pytest.raises(NotFiniteError, match=r"^W_OV: got inf at index"):
        one_head.forward(params | {"W_OV": np.full((46, 26), np.inf)}, x)
    with pytest.raises(ShapeError, match=r"params\['W_QK'\]"):
        one_head.forward(params | {"W_QK": np.zeros((26, 26))}, x)
    with pytest.raises(UnknownNameError, match="params: got no 'W_OV'"):
        one_head.forward({"W_QK": params["W_QK"]}, x)
    with pytest.raises(RangeError, match="tokens"):
        one_head.encode([[26]], config)
    with pytest.raises(RangeError, match="tokens"):
        one_head.encode(np.zeros((1, 21), int), config)
    with pytest.raises(UnknownNameError, match="W_pos"):
        one_head.encode([[0]], CONFIGS[2], params)
    with pytest.raises(ShapeError, match="targets"):
        one_head.backward(params, acts, targets[:3])
    with pytest.raises(ShapeError, match="d_logits"):
        one_head.pullback(params, acts, np.zeros((7, 25)))
    for call in (lambda: one_head.init(config, dtype=np.int64), lambda: one_head.init(26), lambda: gradients(params, x),
                 lambda: one_sequence(1, 2, 3, 4), lambda: gradients(params, x, targets, d_logits=acts["logits"]),
                 lambda: one_head.generate(params, config, [], 3), lambda: one_head.init(config, scale=np.nan)):
        with pytest.raises(LabError):
            call()
