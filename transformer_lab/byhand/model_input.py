"""What goes into a model, checked once: parameters, tokens and targets; and what each query may see of the tokens."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..checks import check_array, check_type, check_whole
from ..config import ModelConfig
from ..errors import RangeError, ShapeError, UnknownNameError
from ..names import parameter_shapes
from .attention import causal_mask, padding_mask
from .cross_entropy import IGNORED
from .read_out import is_real

__all__ = ["check_params", "check_targets", "check_tokens", "visible"]

shapes_of = cache(parameter_shapes)


def check_params(params, config) -> tuple[int, ...]:
    """The leading axes that all parameters share; a wrong name or shape is named. NaN is left to the training loop."""
    if check_type("config", config, ModelConfig).positions == "one_hot" or config.d_pos:
        raise UnknownNameError("config", f"positions={config.positions!r}, d_pos={config.d_pos}",
                               "'none', 'learned' or 'sinusoidal', with d_pos=0",
                               "A transformer adds positions to the stream; those of one-head models are joined to it.")
    shapes, lead = shapes_of(config), None
    for name in check_type("params", params, dict).keys() ^ shapes.keys():
        came = f"{name!r} besides" if name in params else f"no {name!r}"
        raise UnknownNameError("params", came, "the names in parameter_shapes(config)", "Take them from init(config).")
    for name, shape in shapes.items():
        value = params[name]
        lead = value.shape[:-len(shape)] if lead is None else lead
        if value.shape != lead + shape:
            raise ShapeError(f"params[{name!r}]", f"an array of shape {value.shape}", f"{lead + shape}",
                             "Take them from init(config).")
    return lead


def check_tokens(tokens, config, lead) -> np.ndarray:
    """Tokens (batch, pos) or (*lead, batch, pos), not too many, padding at the end; ``embed`` checks their range."""
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


def visible(tokens, config, at=None):
    """Where queries may look: bool that broadcasts to (..., batch, n_heads, query, key), or None for everywhere.

    With ``at`` (..., batch) there is one query in each sequence, at that position.

    >>> config = ModelConfig(d_vocab=6, n_ctx=3, mask="causal", pad=0)
    >>> visible(np.array([[3, 4, 0]]), config).astype(int).tolist()
    [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]
    """
    if config.pad is None and config.mask == "bidirectional":
        return None
    past = np.array(True)
    if config.mask == "causal":
        past = causal_mask(tokens.shape[-1])
        past = past if at is None else past[at][..., None, None, :]
    return past if config.pad is None else past & padding_mask(is_real(tokens, config))
