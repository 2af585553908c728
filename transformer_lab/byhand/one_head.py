r"""One attention head that answers at its last token, forward and backward side by side.

No residual stream, no feed-forward layer, no bias; the embedding and the unembedding are the identity. What is left
are two matrices: ``W_QK`` decides where to look, ``W_OV`` what to write. Chapter 2 derives the equation below
(eq-one-head) and its gradients for a batch (eq-grad-batch).

.. math:: s = \frac{x_\text{last} W_{QK}\, x^\top}{\sqrt{d_\text{model}}}, \quad a = \operatorname{softmax}(s), \quad
          z = x^\top a, \quad \ell = z W_{OV}, \quad L = -\ln \operatorname{softmax}(\ell)_\text{target}

Only the last query row is computed, because only its answer is scored. A causal mask hides what comes *after* the
query; nothing comes after the last token, so its row of the mask is all ones and no mask is needed here.

Parameters may carry leading axes (seeds): dozens of models then go through the same lines at once. The input rows
may be shared by all of them, (batch, n_ctx, d_model), or be each model's own, (..., batch, n_ctx, d_model). float32
stays float32, and complex parameters work, so that a complex step can check the gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..checks import check_array, check_entries
from ..config import OneHeadConfig
from ..errors import NotFiniteError, ShapeError
from ..randomness import generator
from ..rules import Inexact, Number, Seed, Whole, Wholes
from ..signatures import checked
from ..taps import held, reached
from .attention import softmax, softmax_pullback
from .ends import Real

__all__ = ["backward", "encode", "forward", "generate", "init", "loss", "pullback"]

PARAMETERS = ("W_QK", "W_OV")
#: The axes of what the backward pass reads; its numbers are not looked at: NaN stays NaN.
AXES = {name: Inexact(f"*#lead {axes}", finite=False) for name, axes in {
    "W_QK": "d_model d_model", "W_OV": "d_model d_vocab", "W_pos": "_ d_pos", "x": "batch n_ctx d_model",
    "q": "batch d_model", "pattern": "batch n_ctx", "read": "batch d_model", "logits": "batch d_vocab",
    "probs": "batch d_vocab", "d_logits": "batch d_vocab"}.items()}


@checked
def init(config: OneHeadConfig, *, n_seeds: Whole(1, 10_000) | None = None, seed: Seed = 0,
         scale: Number(low=0) = 0.1, dtype: Real() = np.float64) -> dict[str, np.ndarray]:
    r"""Weights drawn from a normal distribution, :math:`W \sim \mathcal N(0, \text{scale}^2)`: ``W_QK``, ``W_OV``,
    and ``W_pos`` where positions are learned.

    With ``n_seeds`` every array has a leading axis of this length; its entry i has the weights of ``seed + i``.

    >>> params = init(OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot"), n_seeds=50)
    >>> {name: value.shape for name, value in params.items()}
    {'W_QK': (50, 46, 46), 'W_OV': (50, 46, 26)}
    """
    drawn = {name: np.stack([scale * generator(seed + i, f"init {name}").normal(size=shape)
                             for i in range(n_seeds or 1)]) for name, shape in shapes_of(config).items()}
    return {name: (value[0] if n_seeds is None else value).astype(dtype) for name, value in drawn.items()}


def shapes_of(config: OneHeadConfig) -> dict[str, tuple[int, int]]:
    shapes = {"W_QK": (config.d_model, config.d_model), "W_OV": (config.d_model, config.d_vocab)}
    return shapes | ({"W_pos": (config.n_ctx, config.d_pos)} if config.positions == "learned" else {})


@checked
def encode(tokens: Wholes("... batch T", low=0, below="config.d_vocab"), config: OneHeadConfig,
           params: dict | None = None, dtype: Real() = np.float64) -> np.ndarray:
    r"""Input rows: the one-hot token, and beside it the position, :math:`x_t = e_{\text{token}_t} \oplus p_t`:
    ``d_vocab`` wide without positions, ``d_vocab + n_ctx`` with one-hot ones, ``d_vocab + d_pos`` with learned ones.

    There are at most ``n_ctx`` tokens. Learned positions are ``params["W_pos"]``, and the rows then have that array's
    leading axes; ``dtype`` is that of the rows where nothing is learned.

    >>> encode([[2, 0]], OneHeadConfig(d_vocab=3, n_ctx=2, positions="one_hot")).astype(int).tolist()
    [[[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]]
    """
    length = Whole(high=config.n_ctx)("tokens.shape[-1]", tokens.shape[-1])
    places = positions_of(config, params, dtype)[..., :length, :]
    letters = np.eye(config.d_vocab, dtype=places.dtype)[tokens]
    lead = np.broadcast_shapes(letters.shape[:-1], places.shape[:-1])
    return np.concatenate([np.broadcast_to(part, (*lead, part.shape[-1])) for part in (letters, places)], axis=-1)


def positions_of(config: OneHeadConfig, params: dict | None, dtype) -> np.ndarray:
    """What stands beside the token at each position: (n_ctx, 0), (n_ctx, n_ctx) or (..., 1, n_ctx, d_pos)."""
    if config.positions != "learned":
        return np.eye(config.n_ctx, config.d_model - config.d_vocab, dtype=dtype)
    W_pos = check_entries("params", params, ["W_pos"])["W_pos"]
    return check_array("params['W_pos']", W_pos, shape=(config.n_ctx, config.d_pos), kind="inexact",
                       leading=True)[..., None, :, :]


@checked
def forward(params: dict, x, tap: Callable | None = None) -> dict[str, np.ndarray]:
    """Every activation of the head, from the rows ``x`` (..., batch, n_ctx, d_model) of :func:`encode`: ``x``, the
    query ``q`` (..., batch, d_model), ``scores`` and ``pattern`` (..., batch, n_ctx), ``read`` (..., batch, d_model),
    ``logits`` and ``probs`` (..., batch, d_vocab).

    ``tap(name, value)`` is called at every activation: record it, or return another.

    >>> config = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
    >>> acts = forward(init(config, n_seeds=3), encode(np.zeros((4, 20), dtype=int), config))
    >>> acts["pattern"].shape, bool(np.allclose(acts["pattern"].sum(axis=-1), 1))
    ((3, 4, 20), True)
    """
    tap, (params, x) = held(tap), fitting(params, x)
    with np.errstate(invalid="ignore", over="ignore"):
        x = tap("x", x)
        q = tap("q", x[..., -1, :] @ params["W_QK"])
        scores = tap("scores", times_rows(x, q) / math.sqrt(x.shape[-1]))
        pattern = tap("pattern", softmax.unchecked(scores))
        read = tap("read", mix_rows(pattern, x))
        logits = tap("logits", read @ params["W_OV"])
        probs = tap("probs", softmax.unchecked(logits))
    if not np.isfinite(probs).all():
        name_the_culprit(params | {"x": x})
    reached(tap)
    return {"x": x, "q": q, "scores": scores, "pattern": pattern, "read": read, "logits": logits, "probs": probs}


@checked
def pullback(params: dict, acts: dict, d_logits, *, to_x: bool = True,
             tap: Callable | None = None) -> dict[str, np.ndarray]:
    r"""Gradients of everything, from the gradient of the logits: :func:`forward`, from its last line to its first.

    .. math:: \partial W_{OV} = z\,\delta^\top, \quad \partial z = W_{OV}\,\delta, \quad
              \partial a = x\,\partial z, \quad \partial s = (\operatorname{diag}(a) - a a^\top)\,\partial a, \quad
              \partial W_{QK} = \frac{1}{\sqrt{d_\text{model}}} \sum_j \partial s_j \; x_\text{last} x_j^\top

    for one sequence, with :math:`\delta = \partial\ell`; over the batch they add up. Returns ``W_QK``, ``W_OV``;
    ``W_pos`` where it is among the parameters; and with ``to_x`` the gradient of the input rows, by far the largest
    array. The tap is called at every gradient: ``"d_read"``, ``"d_pattern"``, ...
    """
    tap = held(tap)
    params = read_arrays("params", params, (*PARAMETERS, *({"W_pos"} & params.keys())), sizes := {})
    acts = read_arrays("acts", acts, ("x", "q", "pattern", "read", "logits"), sizes)
    x, pattern = acts["x"], acts["pattern"]
    d_logits = check_array("d_logits", d_logits, shape=acts["logits"].shape, kind="inexact")
    check_places(params, x, d_logits)
    root = math.sqrt(x.shape[-1])
    d_read = tap("d_read", d_logits @ params["W_OV"].mT)
    d_pattern = tap("d_pattern", times_rows(x, d_read))
    d_scores = tap("d_scores", softmax_pullback.unchecked(pattern, d_pattern))
    d_q = tap("d_q", mix_rows(d_scores, x) / root)
    grads = {"W_QK": tap("d_W_QK", x[..., -1, :].mT @ d_q), "W_OV": tap("d_W_OV", acts["read"].mT @ d_logits)}
    if "W_pos" in params:  # the gradient of the rows, added up over the batch, in the columns of the position
        d_rows = pattern.mT @ d_read + d_scores.mT @ acts["q"] / root
        d_rows[..., -1, :] += (d_q @ params["W_QK"].mT).sum(axis=-2)
        grads["W_pos"] = np.zeros_like(params["W_pos"], dtype=d_rows.dtype)
        grads["W_pos"][..., :x.shape[-2], :] = tap("d_rows", d_rows)[..., d_logits.shape[-1]:]
    if to_x:
        d_x = pattern[..., None] * d_read[..., None, :] + d_scores[..., None] * acts["q"][..., None, :] / root
        d_x[..., -1, :] += d_q @ params["W_QK"].mT
        grads["x"] = tap("d_x", d_x)
    return grads


@checked
def loss(logits: Inexact("... batch d_vocab"), targets) -> np.ndarray:
    r"""Cross-entropy in nats, averaged over the batch: :math:`L = \ln \sum_v e^{\ell_v} - \ell_\text{target}`.

    With the largest logit :math:`m` taken out, :math:`L = \ln(1 + \sum_{v \ne m} e^{\ell_v - m}) + m -
    \ell_\text{target}`, so that a loss of 1e-9 still has all its digits.

    >>> bool(np.isclose(loss(np.zeros((4, 26)), [1, 2, 3, 4]), np.log(26)))
    True
    """
    largest = logits.real.argmax(axis=-1, keepdims=True)
    below = logits - np.take_along_axis(logits, largest, axis=-1)
    others = np.exp(below)
    np.put_along_axis(others, largest, 0, axis=-1)
    target = np.take_along_axis(below, one_each(targets, logits), axis=-1)[..., 0]
    return (np.log1p(others.sum(axis=-1)) - target).mean(axis=-1)


@checked
def backward(params: dict, acts: dict, targets, *, tap: Callable | None = None) -> dict[str, np.ndarray]:
    r"""Gradients of the mean loss with respect to the parameters: :math:`\delta = (p - y) / \text{batch}`, pulled back.

    >>> config = OneHeadConfig(d_vocab=26, n_ctx=20)
    >>> params, tokens = init(config), np.zeros((4, 20), dtype=int)
    >>> grads = backward(params, forward(params, encode(tokens, config)), [0, 1, 2, 3])
    >>> {name: grad.shape for name, grad in grads.items()}
    {'W_QK': (26, 26), 'W_OV': (26, 26)}
    """
    acts = read_arrays("acts", acts, ("logits", "probs"), {})
    d_logits, target = acts["probs"] / acts["probs"].shape[-2], one_each(targets, acts["logits"])
    np.put_along_axis(d_logits, target, 0, axis=-1)
    np.put_along_axis(d_logits, target, -d_logits.sum(axis=-1, keepdims=True), axis=-1)  # p - 1 without cancellation
    d_logits = held(tap)("d_logits", d_logits)
    return pullback(params, acts, d_logits, to_x=False, tap=tap)


@checked
def generate(params: dict, config: OneHeadConfig, start: Wholes("... T"), n: Whole(1)) -> np.ndarray:
    """Write ``n`` further tokens behind ``start`` (T) or (batch, T), each the most probable one after the last
    ``n_ctx`` tokens, by a head without leading axes.

    The head learns to answer at position ``n_ctx - 1`` alone: from fewer than ``n_ctx`` tokens it answers with a query
    that it never trained, where it has positions.

    >>> config = OneHeadConfig(d_vocab=3, n_ctx=4)
    >>> generate({"W_QK": -9 * np.eye(3), "W_OV": np.eye(3)}, config, [0, 1, 0, 1], 4).tolist()
    [0, 1, 0, 1, 0, 1, 0, 1]
    """
    tokens = np.atleast_2d(start)
    for name in check_entries("params", params, PARAMETERS).keys() & PARAMETERS:
        check_array(f"params[{name!r}]", params[name], shape=(None, None), kind="inexact")
    for _ in range(n):
        logits = forward(params, encode(tokens[:, -config.n_ctx:], config, params))["logits"]
        tokens = np.concatenate([tokens, logits.argmax(axis=-1)[:, None]], axis=-1)
    return tokens.reshape(*start.shape[:-1], -1)


def times_rows(x, vector):
    """The product of every row with one vector a sequence: (..., n_ctx, d) and (..., d) to (..., n_ctx)."""
    return (x @ vector[..., None])[..., 0]


def mix_rows(weights, x):
    """The rows of every sequence, added up with these weights: (..., n_ctx) and (..., n_ctx, d) to (..., d)."""
    return (weights[..., None, :] @ x)[..., 0, :]


def fitting(params: dict, x) -> tuple[dict, np.ndarray]:
    """Weights and input rows, if they fit each other; their numbers are looked at later, in the output."""
    x = check_array("x", x, shape=("batch", "n_ctx", "d_model"), kind="inexact", leading=True, finite=False)
    check_entries("params", params, PARAMETERS)
    found = {name: check_array(f"params[{name!r}]", params[name], shape=(x.shape[-1], columns), kind="inexact",
                               leading=True, finite=False)
             for name, columns in zip(PARAMETERS, (x.shape[-1], "d_vocab"), strict=True)}
    return params | found, x


def read_arrays(argument: str, arrays: dict, names, sizes: dict) -> dict:
    """The arrays, those of these names found to have the axes that are theirs."""
    check_entries(argument, arrays, names)
    return arrays | {name: AXES[name].asked(f"{argument}[{name!r}]", arrays[name], sizes, {}) for name in names}


def check_places(params: dict, x, d_logits) -> None:
    """Learned positions as wide as what stands beside the letter, and as many as the rows at least."""
    wanted = (x.shape[-2], x.shape[-1] - d_logits.shape[-1])
    if "W_pos" in params and ((found := params["W_pos"].shape[-2:])[0] < wanted[0] or found[1] != wanted[1]):
        raise ShapeError("params['W_pos']", f"an array of shape {found}", f"(at least {wanted[0]}, {wanted[1]})",
                         "Pass the parameters that the rows were made with.")


def name_the_culprit(arrays: dict) -> None:
    for name, value in arrays.items():
        check_array(name, value, shape=(None,) * np.ndim(value), kind="inexact")
    raise NotFiniteError("params", "weights so large that a score overflows", "scores that fit the dtype",
                         "Scale the weights down, or train with a smaller learning rate.")


def one_each(targets, logits) -> np.ndarray:
    targets = check_array("targets", targets, shape=("batch",), kind="whole", low=0, high=logits.shape[-1] - 1,
                          leading=True)
    if targets.shape != logits.shape[:-1][-targets.ndim:]:
        raise ShapeError("targets", f"an array of shape {targets.shape}", f"{logits.shape[:-1]} or its last axes",
                         "Give one target for each row of logits.")
    return np.broadcast_to(targets, logits.shape[:-1])[..., None]
