"""How a part of a block meets the residual stream: norm before or after, dropout, and the sum. Forward and backward."""

from __future__ import annotations

from .norms import NORMS

__all__ = ["dropped", "dropped_pullback", "norm_if", "norm_if_pullback", "onto"]


def norm_if(placement, ln, x, params, config, acts):
    """The norm called ``ln`` of x if the configuration places it here, ``"pre"`` or ``"post"``; else x itself."""
    if config.norm == "none" or config.placement != placement:
        return x
    norm, _, parts = NORMS[config.norm]
    y, acts.saved[ln] = norm(x, *(params[f"{ln}_{part}"] for part in parts))
    acts[ln] = y
    return acts[ln]


def norm_if_pullback(placement, ln, d_y, params, config, acts, tap, grads):
    """The gradient of x; those of gain and offset go into ``grads``."""
    if config.norm == "none" or config.placement != placement:
        return d_y
    _, norm_pullback, parts = NORMS[config.norm]
    d_x, *d_parts = norm_pullback(acts.saved[ln], params[f"{ln}_w"], tap(f"d_{ln}", d_y))
    grads.update({f"{ln}_{part}": d_part for part, d_part in zip(parts, d_parts, strict=True)})
    return d_x


def dropped(name, x, acts, masks):
    """x, some entries zeroed where there are masks: dropout of what a part adds to the stream, and of the embedded
    tokens (Vaswani et al. 2017, section 5.4).
    """
    if masks is None:
        return x
    acts.saved["mask of " + name] = mask = masks(acts.prefix + name, x)
    return x * mask


def dropped_pullback(name, d_x, acts):
    mask = acts.saved.get("mask of " + name)
    return d_x if mask is None else d_x * mask


def onto(stream, out, config):
    """The stream with what a part wrote added; without residual connections, what it wrote. (Same for gradients.)"""
    return stream + out if config.residual else out
