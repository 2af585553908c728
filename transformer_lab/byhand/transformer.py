r"""A whole transformer, forward and backward, every gradient written by hand.

.. math:: r^0 = x_E + x_\text{pos}, \quad r^{l+1} = \operatorname{block}_l(r^l), \quad
          \ell = \hat r\, W_U + b_U, \quad L = -\ln \operatorname{softmax}(\ell)_\text{target}

with :math:`\hat r` the last norm of the stream where it is read out. Parameters and activations are named and laid out
as :mod:`transformer_lab.names` says, those of layer 0 as ``blocks.0.W_Q``. Parameters may carry leading axes (seeds):
many models then go through the same lines at once, on one batch of tokens (batch, pos) or each on its own
(..., batch, pos). float32 stays float32, and complex parameters work, so that a complex step can check the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ..checks import check_array, check_whole
from ..config import ModelConfig
from ..errors import RangeError, ShapeError
from ..names import lookup, parameter_shapes
from ..parts import BYHAND, check_known
from ..randomness import generator
from ..rules import Choice, Inexact, Number, Seed, Whole, Wholes
from ..signatures import checked
from ..taps import held, keep, prefixed, reached
from .block import Acts, block, block_pullback, embedded, embedded_pullback, read_out, read_out_pullback
from .ends import IGNORED, READ_OUTS, Real, cross_entropy, cross_entropy_pullback, is_real
from .packing import layer_of, lead_of, pack, unpack
from .positions import visible

__all__ = ["backward", "forward", "init", "layer_of", "loss", "loss_and_gradients", "pack", "pullback", "unpack"]


@cache
def shapes_of(config):
    """The shapes of a model that can be run by hand; another is refused."""
    shapes = parameter_shapes(config)
    check_known(config, BYHAND)
    return shapes


EMBEDDED = ("W_E", "W_pos", "W_type", "x_class")

SCHEMES = {  # standard deviation of a matrix with this many rows in and columns out
    "fan_in": lambda n_in, n_out: n_in**-0.5,                   # LeCun et al. 1998
    "xavier": lambda n_in, n_out: (2 / (n_in + n_out)) ** 0.5,  # Glorot and Bengio 2010
    "small": lambda n_in, n_out: 0.02,                          # GPT-2, Radford et al. 2019
}


@checked
def init(config: ModelConfig, *, n_seeds: Whole(1, 10_000) | None = None, seed: Seed = 0,
         scheme: Choice(SCHEMES) = "fan_in", embedding_scale: Number(low=0) = 0.1,
         dtype: Real() = np.float32) -> dict[str, np.ndarray]:
    r"""Weights at the start: :math:`W \sim \mathcal N(0, \sigma^2)`, gains 1, offsets 0.

    With ``n_seeds`` every array has a leading axis of this length; its entry i has the weights of ``seed + i``. Each
    tensor has its own stream: models that differ in one part share the rest. The ``scheme`` says :math:`\sigma`:
    :math:`1/\sqrt{n_\text{in}}`, :math:`\sqrt{2 / (n_\text{in} + n_\text{out})}` or 0.02; what writes to the stream,
    ``W_O`` and ``W_out``, is divided by :math:`\sqrt{2\,n_\text{layers}}` (Radford et al. 2019); ``embedding_scale`` is
    that of ``W_E``, ``W_pos`` and the like.

    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, positions="learned")
    >>> {name: value.shape for name, value in init(config, n_seeds=3).items()}["blocks.0.W_Q"]
    (3, 64, 4, 16)
    """
    seeds, params = [seed + i for i in range(n_seeds or 1)], {}
    for name, shape in parameter_shapes(config).items():
        drawn = np.stack([first_value(name, shape, config, scheme, embedding_scale, seed) for seed in seeds])
        params[name] = (drawn[0] if n_seeds is None else drawn).astype(dtype)
    return params


def first_value(name, shape, config, scheme, embedding_scale, seed):
    word = lookup(name).name
    if word.startswith(("ln", "b_")):
        return np.full(shape, 1.0 if word.endswith("_w") else 0.0)
    n_in = int(np.prod(shape[:-1])) if word == "W_O" else shape[0]
    scale = embedding_scale if word in EMBEDDED else SCHEMES[scheme](n_in, int(np.prod(shape)) // n_in)
    shrink = (2 * config.n_layers) ** -0.5 if word in ("W_O", "W_out") else 1
    return scale * shrink * generator(seed, f"init {name}").normal(size=shape)


@checked
def forward(params: dict, tokens: Wholes("... batch pos", low=0, below="config.d_vocab"), config: ModelConfig, *,
            tap: Callable | None = None, trim: bool = False, masks: Callable | None = None) -> Acts:
    """Every activation of the model, by name: ``embed``, ``pos_embed``, ``blocks.0.resid_pre``, …, ``ln_final`` and
    ``logits``, which is (..., batch, d_vocab), or (..., batch, pos, d_vocab) where ``read_out="all"``.

    There are at most ``n_ctx`` positions, and padding stands at the end of a sequence. ``tap(name, value)`` is called
    at every activation: record it, or return another. Where one position is read out, ``trim`` computes the last block
    for that position alone: logits and gradients are the same; what the last block does after its keys and values has
    one position. ``masks`` are those of dropout (:func:`~transformer_lab.byhand.parts.dropout_masks`).

    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, read_out="last")
    >>> acts = forward(init(config), np.zeros((32, 8), dtype=int), config)
    >>> acts["blocks.1.pattern"].shape, acts["logits"].shape
    ((32, 4, 8, 8), (32, 20))
    """
    check_tokens(tokens, config, lead_of("params", params, shapes_of(config)))
    acts, real = Acts(held(tap)), is_real.unchecked(tokens, config)
    at = READ_OUTS[config.read_out][0](real)
    only = [None] * (config.n_layers - 1) + [at if trim else None]  # the one position that a layer goes on with
    x = embedded(params, tokens, config, acts, masks)
    for layer in range(config.n_layers):
        inner, own = Acts(acts.tap, f"blocks.{layer}."), layer_of.unchecked(params, layer)
        mask = visible.unchecked(tokens, config, only[layer])
        x = block(own, x, config, inner, mask=mask, at=only[layer], masks=masks)
        acts.add_block(inner)
    acts.saved |= {"tokens": tokens, "only": only, "at": None if trim else at, "real": real}
    read_out(params, x, config, acts)
    reached(acts.tap)
    return acts


@checked
def pullback(params: dict, acts: Acts, d_logits: Inexact("...", finite=False), config: ModelConfig, *,
             tap: Callable | None = None) -> dict[str, np.ndarray]:
    """Gradients of all parameters from the gradient of the logits: :func:`forward` from its end to its start.

    ``tap(name, value)`` is called at the gradient of every activation: ``"d_logits"``, …, ``"blocks.0.d_q"``, …,
    ``"d_embed"``.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params = init(config)
    >>> pullback(params, forward(params, np.array([[1, 2]]), config), np.ones((1, 5)), config)["b_U"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    lead_of("params", params, shapes_of(config))
    check_array("d_logits", d_logits, shape=acts["logits"].shape, kind="inexact", finite=False)
    return pulled_back(params, acts, d_logits, config, held(tap))


def pulled_back(params, acts, d_logits, config, tap=keep):
    only = acts.saved["only"]
    grads = read_out_pullback(params, acts, tap("d_logits", d_logits), config, tap)
    for layer in reversed(range(config.n_layers)):
        prefix, own = f"blocks.{layer}.", layer_of.unchecked(params, layer)
        inner = block_pullback(own, acts.blocks[layer], grads["x"], config, prefixed(tap, prefix), at=only[layer])
        grads |= {"x": inner.pop("x")} | {prefix + name: d_param for name, d_param in inner.items()}
    start = embedded_pullback(params, acts.saved["tokens"], config, acts, grads["x"], tap)
    if "W_E" in grads:  # tied: the table is read at both ends
        start["W_E"] = start["W_E"] + grads["W_E"]
    grads |= start
    return {name: grads[name] for name in params}


@checked
def loss(logits, targets, config: ModelConfig) -> np.ndarray:
    """Cross-entropy in nats (...,), the mean over all targets that are not ``IGNORED`` (-100): targets (..., batch), or
    (..., batch, pos) where ``read_out="all"``; further leading axes give each seed its own.

    >>> config = ModelConfig(d_vocab=20, n_ctx=8, read_out="last")
    >>> bool(np.isclose(loss(np.zeros((4, 20)), np.array([1, 2, 3, 4]), config), np.log(20)))
    True
    """
    return cross_entropy.unchecked(*check_targets(targets, logits, config))[0]


@checked
def backward(params: dict, acts: Acts, targets, config: ModelConfig, *,
             tap: Callable | None = None) -> dict[str, np.ndarray]:
    """Gradients of the mean loss with respect to all parameters; parameters and tap as in :func:`pullback`.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params, tokens = init(config), np.array([[1, 2, 3, 4]])
    >>> grads = backward(params, forward(params, tokens, config), np.array([2]), config)
    >>> grads["blocks.0.W_Q"].shape
    (8, 2, 4)
    """
    lead_of("params", params, shapes_of(config))
    return pulled_back(params, acts, loss_and_its_gradient(acts["logits"], targets, config)[1], config, held(tap))


def loss_and_its_gradient(logits, targets, config, weights=None):
    flat, rows = check_targets(targets, logits, config)
    weights = None if weights is None else check_weights(weights, targets, rows)
    value, saved = cross_entropy.unchecked(flat, rows, weights)
    return value, cross_entropy_pullback.unchecked(saved).reshape(logits.shape)


def loss_and_gradients(params: dict, tokens, targets, config: ModelConfig, *, weights=None, masks=None,
                       tap=None) -> tuple[np.ndarray, dict]:
    """What a training step needs, in one pass: the mean loss, and its gradients with respect to all parameters.

    ``weights`` (batch,), (pos,) or of the shape of the targets make it a weighted mean. A ``tap`` is called on the way
    forward and, with the names of the gradients, on the way back: what replaces an activation stops its gradient there,
    as :func:`~transformer_lab.analysis.ablation.ablate` does.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> value, grads = loss_and_gradients(init(config, n_seeds=3), np.array([[1, 2, 3, 4]]), np.array([2]), config)
    >>> value.shape, grads["W_U"].shape
    ((3,), (3, 8, 5))
    """
    acts = forward(params, tokens, config, trim=tap is None, masks=masks, tap=tap)
    value, d_logits = loss_and_its_gradient(acts["logits"], targets, config, weights)
    return value, pulled_back(params, acts, d_logits, config, held(tap))


def check_tokens(tokens, config, lead) -> None:
    """Tokens (batch, pos) or (*lead, batch, pos), not too many, padding at the end."""
    check_whole("tokens.shape[-1]", tokens.shape[-1], high=config.n_ctx)
    if tokens.shape[:-2] not in ((), lead):
        raise ShapeError("tokens", f"an array of shape {tokens.shape}", f"(batch, pos) or {(*lead, 'batch', 'pos')}",
                         "Give the leading axes of the parameters, or none.")
    if config.pad is not None:
        real = is_real.unchecked(tokens, config)
        if not real[..., 0].all() or (real[..., 1:] > real[..., :-1]).any():
            raise RangeError("tokens", f"padding ({config.pad}) before a token", "padding at the end of a sequence",
                             "Move the padding to the end; a sequence has at least one token.")


def check_weights(weights, targets, rows):
    """A weight for each target, in rows as they are."""
    weights = check_array("weights", weights, shape=(), low=0, leading=True)
    try:
        return np.broadcast_to(weights, np.shape(targets)).reshape(rows.shape)
    except ValueError:
        raise ShapeError("weights", f"an array of shape {weights.shape}", f"{np.shape(targets)}, as the targets",
                         "Give a weight for each target.") from None


def check_targets(targets, logits, config):
    """Logits and targets in rows: (..., row, d_vocab) and (..., row), batch and positions end to end."""
    axes = ("batch", "pos") if config.read_out == "all" else ("batch",)
    logits = check_array("logits", logits, shape=(*axes, config.d_vocab), kind="inexact", leading=True, finite=False)
    targets = check_array("targets", targets, shape=logits.shape[-1 - len(axes):-1], kind="whole", low=IGNORED,
                          high=config.d_vocab - 1, leading=True)
    if ((targets < 0) & (targets != IGNORED)).any():
        raise RangeError("targets", str(targets[targets < 0].max()), f"a token, or {IGNORED} where none counts",
                         "Choose a value in this range.")
    n, lead = len(axes), logits.shape[:-1 - len(axes)]
    try:
        np.broadcast_shapes(lead, targets.shape[:targets.ndim - n])
    except ValueError:
        raise ShapeError("targets", f"an array of shape {targets.shape}", f"{logits.shape[:-1]}, or its last {n} axes",
                         "Give one target for each row of logits.") from None
    return (logits.reshape(*logits.shape[:-1 - n], -1, logits.shape[-1]),
            targets.reshape(*targets.shape[:targets.ndim - n], -1))
