r"""A whole transformer, forward and backward, every gradient written by hand.

.. math:: r^0 = x_E + x_\text{pos}, \quad r^{l+1} = \operatorname{block}_l(r^l), \quad
          \ell = \hat r\, W_U + b_U, \quad L = -\ln \operatorname{softmax}(\ell)_\text{target}

with :math:`\hat r` the last norm of the stream where it is read out. Parameters and activations are named and laid out
as :mod:`transformer_lab.names` says, those of layer 0 as ``blocks.0.W_Q``. Parameters may carry leading axes (seeds):
many models then go through the same lines at once, on one batch of tokens (batch, pos) or each on its own
(..., batch, pos). float32 stays float32, and complex parameters work, so that a complex step can check the gradients.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_callable, check_flag, check_type, check_whole
from ..config import ModelConfig
from ..errors import RangeError, ShapeError
from .attention import keep, tap_or_keep
from .block import (
    Acts,
    block,
    block_pullback,
    embedded,
    embedded_pullback,
    prefixed,
    read_out,
    read_out_pullback,
)
from .ends import IGNORED, READ_OUTS, cross_entropy, cross_entropy_pullback, is_real
from .softmax import visible
from .weights import check_params, init, layer_of

__all__ = ["backward", "forward", "init", "loss", "loss_and_gradients", "pullback"]


def forward(params: dict, tokens, config: ModelConfig, *, tap=None, trim: bool = False, masks=None) -> Acts:
    """Every activation of the model, by name.

    Parameters
    ----------
    params : dict of array
        From :func:`init`, or of the same names and shapes.
    tokens : array of int (batch, pos) or (..., batch, pos)
        At most ``n_ctx`` positions; padding, where there is any, at the end of a sequence.
    config : ModelConfig
    tap : callable (name, value) -> value, optional
        Called at every activation: record it, or return another.
    trim : bool
        Where one position is read out, compute the last block for that position alone. Logits and gradients are the
        same; what the last block does after its keys and values has one position.
    masks : callable, optional
        Dropout, from :func:`~transformer_lab.byhand.parts.dropout_masks`.

    Returns
    -------
    Acts
        A dict of ``embed``, ``pos_embed``, ``blocks.0.resid_pre``, …, ``ln_final`` and ``logits``, which is
        (..., batch, d_vocab), or (..., batch, pos, d_vocab) where ``read_out="all"``.

    Examples
    --------
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, read_out="last")
    >>> acts = forward(init(config), np.zeros((32, 8), dtype=int), config)
    >>> acts["blocks.1.pattern"].shape, acts["logits"].shape
    ((32, 4, 8, 8), (32, 20))
    """
    tokens = check_tokens(tokens, config, check_params(params, config))
    acts, real, trim = Acts(tap_or_keep(tap)), is_real(tokens, config), check_flag("trim", trim)
    at = READ_OUTS[config.read_out][0](real)
    masks = None if masks is None else check_callable("masks", masks)
    only = [None] * (config.n_layers - 1) + [at if trim else None]  # the one position that a layer goes on with
    x = embedded(params, tokens, config, acts, masks)
    for layer in range(config.n_layers):
        inner = Acts(acts.tap, f"blocks.{layer}.")
        x = block(layer_of(params, layer), x, config, inner, mask=visible(tokens, config, only[layer]), at=only[layer],
                  masks=masks)
        acts.add_block(inner)
    acts.saved |= {"tokens": tokens, "only": only, "at": None if trim else at, "real": real}
    read_out(params, x, config, acts)
    return acts


def pullback(params: dict, acts: Acts, d_logits, config: ModelConfig, *, tap=None) -> dict[str, np.ndarray]:
    """Gradients of all parameters from the gradient of the logits: :func:`forward` from its end to its start.

    Parameters
    ----------
    params, acts, config
        As they went into :func:`forward`, and what it gave.
    d_logits : array of the shape of ``acts["logits"]``
    tap : callable (name, value) -> value, optional
        Called at the gradient of every activation: ``"d_logits"``, …, ``"blocks.0.d_q"``, …, ``"d_embed"``.
    """
    check_params(params, config)
    logits = check_type("acts", acts, Acts)["logits"]
    check_array("d_logits", d_logits, shape=logits.shape, kind="inexact", finite=False)
    return pullback_unchecked(params, acts, d_logits, config, tap_or_keep(tap))


def pullback_unchecked(params, acts, d_logits, config, tap=keep):
    only = acts.saved["only"]
    grads = read_out_pullback(params, acts, tap("d_logits", d_logits), config, tap)
    for layer in reversed(range(config.n_layers)):
        prefix = f"blocks.{layer}."
        inner = block_pullback(layer_of(params, layer), acts.blocks[layer], grads["x"], config, prefixed(tap, prefix),
                               at=only[layer])
        grads |= {"x": inner.pop("x")} | {prefix + name: d_param for name, d_param in inner.items()}
    start = embedded_pullback(params, acts.saved["tokens"], config, acts, grads["x"], tap)
    if "W_E" in grads:  # tied: the table is read at both ends
        start["W_E"] = start["W_E"] + grads["W_E"]
    grads |= start
    return {name: grads[name] for name in params}


def loss(logits, targets, config: ModelConfig) -> np.ndarray:
    """Cross-entropy in nats, the mean over all targets that are not ``IGNORED`` (-100).

    Parameters
    ----------
    logits : array
        ``forward(...)["logits"]``.
    targets : array of int (batch,), or (batch, pos) where ``read_out="all"``
        Further leading axes give each seed its own targets.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, read_out="last")
    >>> bool(np.isclose(loss(np.zeros((4, 20)), np.array([1, 2, 3, 4]), config), np.log(20)))
    True
    """
    return cross_entropy(*check_targets(targets, logits, config))[0]


def backward(params: dict, acts: Acts, targets, config: ModelConfig, *, tap=None) -> dict[str, np.ndarray]:
    """Gradients of the mean loss with respect to all parameters; parameters and tap as in :func:`pullback`.

    Examples
    --------
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params, tokens = init(config), np.array([[1, 2, 3, 4]])
    >>> grads = backward(params, forward(params, tokens, config), np.array([2]), config)
    >>> grads["blocks.0.W_Q"].shape
    (8, 2, 4)
    """
    logits = check_type("acts", acts, Acts)["logits"]
    _, saved = cross_entropy(*check_targets(targets, logits, config))
    return pullback(params, acts, cross_entropy_pullback(saved).reshape(logits.shape), config, tap=tap)


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
    logits, rows = check_targets(targets, acts["logits"], config)
    value, saved = cross_entropy(logits, rows, None if weights is None else check_weights(weights, targets, rows))
    d_logits = cross_entropy_pullback(saved).reshape(acts["logits"].shape)
    return value, pullback_unchecked(params, acts, d_logits, config, tap_or_keep(tap))


def check_tokens(tokens, config, lead) -> np.ndarray:
    """Tokens (batch, pos) or (*lead, batch, pos), not too many, padding at the end; ``one_hot`` checks their range."""
    tokens = check_array("tokens", tokens, shape=("batch", "pos"), kind="whole", leading=True)
    check_whole("tokens.shape[-1]", tokens.shape[-1], high=config.n_ctx)
    if tokens.shape[:-2] not in ((), lead):
        raise ShapeError("tokens", f"an array of shape {tokens.shape}", f"(batch, pos) or {(*lead, 'batch', 'pos')}",
                         "Give the leading axes of the parameters, or none.")
    if config.pad is not None:
        real = is_real(tokens, config)
        if not real[..., 0].all() or (real[..., 1:] > real[..., :-1]).any():
            raise RangeError("tokens", f"padding ({config.pad}) before a token", "padding at the end of a sequence",
                             "Move the padding to the end; a sequence has at least one token.")
    return tokens


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
    axes = ("batch", "pos") if check_type("config", config, ModelConfig).read_out == "all" else ("batch",)
    check_array("logits", logits, shape=(*axes, config.d_vocab), kind="inexact", leading=True, finite=False)
    targets = check_array("targets", targets, shape=logits.shape[-1 - len(axes):-1], kind="whole", low=IGNORED,
                          high=config.d_vocab - 1, leading=True)
    if ((targets < 0) & (targets != IGNORED)).any():
        raise RangeError("targets", str(targets[targets < 0].max()), f"a token, or {IGNORED} where none counts",
                         "Choose a value in this range.")
    n = len(axes)
    return (logits.reshape(*logits.shape[:-1 - n], -1, logits.shape[-1]),
            targets.reshape(*targets.shape[:targets.ndim - n], -1))
