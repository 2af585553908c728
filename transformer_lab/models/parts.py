"""The parts of a block in PyTorch, in a table each: norms, nonlinearities, masks, sparsity, positions and read-outs.

What each is called and means stands in :data:`transformer_lab.parts.PARTS`; what ``byhand`` has too is tested against
it. Places are positions as whole numbers: (pos,) for rows that all start at 0, or (batch, pos).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from ..randomness import generator

__all__ = ["ACTIVATIONS", "MASKS", "NORMS", "POSITIONS", "READ_OUTS", "SPARSITY", "Code"]


def layer_norm(x, part, ln, eps):
    gain = getattr(part, f"{ln}_w")
    return F.layer_norm(x, gain.shape, gain, getattr(part, f"{ln}_b"), eps=eps)


def rms_norm(x, part, ln, eps):
    gain = getattr(part, f"{ln}_w")
    return F.rms_norm(x, gain.shape, gain, eps=eps)


NORMS = {"none": None, "layer": layer_norm, "rms": rms_norm}
ACTIVATIONS = {"relu": F.relu, "gelu": partial(F.gelu, approximate="tanh"), "gelu_exact": F.gelu, "silu": F.silu,
               "squared_relu": lambda u: F.relu(u).square()}


# What a query at place q (..., query, 1) may see of keys at places k (key,): truth values (..., query, key).

def causal(q, k, config):
    return k <= q


def prefix(q, k, config):
    return (k <= q) | (k < config.prefix)


def local(q, k, config):
    return (q - k).abs() < config.window


def strided(q, k, config):
    return local(q, k, config) | ((q - k) % config.window == 0)


def globally(q, k, config):
    return local(q, k, config) | (k < config.n_global) | (q < config.n_global)


def randomly(q, k, config):
    blocks = random_blocks(-(-config.n_ctx // config.window), config.n_random)
    return globally(q, k, config) | blocks[q // config.window, k // config.window]


@cache
def random_blocks(n, chosen):
    """For each block of positions some others, drawn once and for all: truth values (n, n)."""
    order = generator(0, "random blocks").random((n, n)).argsort(axis=1).argsort(axis=1)
    return torch.from_numpy(np.asarray(order < chosen))


MASKS = {"bidirectional": None, "causal": causal, "prefix": prefix}
SPARSITY = {"none": None, "local": local, "strided": strided, "global": globally, "random": randomly}


def angles(places, width, base):
    return places[..., None] / base ** (torch.arange(0, width, 2, dtype=torch.float64) / width)


def learned(model, places):
    return model.W_pos[:len(places)] if places.ndim == 1 else model.W_pos[places]


def sinusoids(model, places):
    angle = angles(places, model.config.d_model, 10000)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)


def rotate(x, places, config):
    """Pairs of numbers (..., pos, d_head) as complex ones, each multiplied by the unit number of its angle."""
    angle = angles(places, x.shape[-1], config.rotary_base)[..., None, :, :]                   # (..., 1, pos, pair)
    unit = torch.polar(torch.ones((), dtype=torch.float64), angle)
    x = x.float() if x.dtype == torch.bfloat16 else x
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * unit.to(pairs.dtype)).flatten(-2)


def alibi(model, q, k):
    n_heads = model.config.n_heads
    slopes = torch.exp2(-8 / n_heads * torch.arange(1, n_heads + 1, dtype=torch.float64))
    return -slopes[:, None, None] * (q - k).abs()[..., None, :, :]


def relative(model, q, k):
    return model.W_rel[buckets(k - q, model.config)].movedim(-1, -3)


def buckets(offset, config):
    """The class of each distance (Raffel et al. 2020): near ones have one each, further ones share, ever more a class;
    both sides have half of the classes, or what came before all of them.
    """
    n, side = config.n_buckets, 0
    if config.mask == "causal":
        offset = -offset.clamp(max=0)
    else:
        n = n // 2
        side, offset = (offset > 0) * n, offset.abs()
    exact = n // 2
    growth = torch.log(offset.clamp(min=1).float() / exact) / math.log(config.max_distance / exact)
    return side + torch.where(offset < exact, offset, (exact + (growth * (n - exact)).long()).clamp(max=n - 1))


class Code(NamedTuple):
    """Rows ``(model, places)`` to add to the stream, what turns queries and keys ``(x, places, config)``, and what is
    added to the scores, ``(model, q, k)`` with places as a mask has them.
    """

    rows: Callable | None = None
    turn: Callable | None = None
    lean: Callable | None = None


POSITIONS = {"none": Code(), "learned": Code(rows=learned), "sinusoidal": Code(rows=sinusoids),
             "rotary": Code(turn=rotate), "alibi": Code(lean=alibi), "relative": Code(lean=relative)}


def at_last(x, real):
    return x[torch.arange(len(x)), real.sum(dim=1) - 1]


def mean(x, real):
    return (x * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)


READ_OUTS = {"all": lambda x, real: x, "first": lambda x, real: x[:, 0], "last": at_last, "mean": mean}
