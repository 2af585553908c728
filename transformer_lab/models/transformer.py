"""The transformer in PyTorch: the twin of :mod:`transformer_lab.byhand.transformer`, differentiated by autograd.

Same configuration, same parameter names and layouts, same activations under the same names: weights move between the
two bit for bit, and tests compare every activation and every gradient, over all entries of the tables of parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..checks import check_array, check_type
from ..config import ModelConfig
from ..errors import DtypeError, RangeError, ShapeError, UnknownNameError
from ..names import IGNORED, TWIN, check_known, parameter_shapes
from ..taps import held, keep, prefixed, reached

__all__ = ["ACTIVATIONS", "MASKS", "NORMS", "POSITIONS", "READ_OUTS", "Block", "Transformer"]


def layer_norm(x, part, ln, eps):
    gain = getattr(part, f"{ln}_w")
    return F.layer_norm(x, gain.shape, gain, getattr(part, f"{ln}_b"), eps=eps)


def rms_norm(x, part, ln, eps):
    gain = getattr(part, f"{ln}_w")
    return F.rms_norm(x, gain.shape, gain, eps=eps)


def angles(n, width):
    return torch.arange(n)[:, None] / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)


def sinusoids(model, n):
    angle = angles(n, model.config.d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).to(model.W_E.dtype)


def rotate(x):
    """Pairs of numbers (..., pos, d_head) as complex ones, each multiplied by the unit number of its angle."""
    unit = torch.polar(torch.ones((), dtype=torch.float64), angles(*x.shape[-2:]))
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * unit.to(pairs.dtype)).flatten(-2)


def alibi(scores):
    n_heads, n = scores.shape[1:3]
    slopes = torch.exp2(-8 / n_heads * torch.arange(1, n_heads + 1, dtype=torch.float64))
    place = torch.arange(n)
    return -slopes[:, None, None] * (place[:, None] - place).abs()


class Code(NamedTuple):
    """Rows to add to the stream, what turns queries and keys, and what is added to the scores."""

    rows: Callable | None = None
    turn: Callable | None = None
    lean: Callable | None = None


def at_last(x, real):
    return x[torch.arange(len(x)), real.sum(dim=1) - 1]


def mean(x, real):
    return (x * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)


def whole(argument, tensor, below, besides=0):
    """Refuse all but a tensor of whole numbers from 0 that are less than ``below``, or equal to ``besides``."""
    if not isinstance(tensor, torch.Tensor) or tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DtypeError(argument, f"{getattr(tensor, 'dtype', type(tensor).__name__)}", "a tensor of whole numbers",
                         f"Pass torch.tensor({argument}).")
    if tensor.numel() and bool((((tensor < 0) & (tensor != besides)) | (tensor >= below)).any()):
        raise RangeError(argument, "{} to {}".format(*map(int, tensor.aminmax())), f"tokens from 0 to {below - 1}",
                         "Choose a value in this range.")


# The same names as in byhand: what they are stands in names.PARTS.
NORMS = {"none": None, "layer": layer_norm, "rms": rms_norm}
ACTIVATIONS = {"relu": F.relu, "gelu": partial(F.gelu, approximate="tanh"), "gelu_exact": F.gelu, "silu": F.silu,
               "squared_relu": lambda u: F.relu(u).square()}
MASKS = {"bidirectional": None, "causal": lambda n: torch.ones(n, n, dtype=torch.bool).tril()}
POSITIONS = {"none": Code(), "learned": Code(rows=lambda model, n: model.W_pos[:n]), "sinusoidal": Code(rows=sinusoids),
             "rotary": Code(turn=rotate), "alibi": Code(lean=alibi)}
READ_OUTS = {"all": lambda x, real: x, "first": lambda x, real: x[:, 0], "last": at_last, "mean": mean}


class Part(nn.Module):
    """A module with named parameters of its own (None for those that the configuration leaves out)."""

    def __init__(self, config: ModelConfig, params: dict, optional: tuple[str, ...]):
        super().__init__()
        self.config = config
        for name in dict.fromkeys([*params, *optional]):
            self.register_parameter(name, nn.Parameter(torch.tensor(params[name])) if name in params else None)

    def norm(self, placement, ln, x, tap):
        norm = NORMS[self.config.norm]
        if norm is None or self.config.placement != placement:
            return x
        return tap(ln, norm(x, self, ln, self.config.eps))

    def dropout(self, x):
        return F.dropout(x, self.config.dropout, self.training)


class Block(Part):
    """One block, from stream to stream (batch, pos, d_model)."""

    def __init__(self, config: ModelConfig, params: dict):
        super().__init__(config, params, ("b_Q", "b_K", "b_V", "b_O", "W_O", "b_in", "b_out"))

    def forward(self, x, mask=None, tap=keep):
        x = tap("resid_pre", x)
        out = self.dropout(self.attention(self.norm("pre", "ln1", x, tap), mask, tap))
        x = tap("resid_mid", self.norm("post", "ln1", x + out if self.config.residual else out, tap))
        if self.config.d_mlp:
            out = self.dropout(self.mlp(self.norm("pre", "ln2", x, tap), tap))
            x = self.norm("post", "ln2", x + out if self.config.residual else out, tap)
        return tap("resid_post", x)

    def attention(self, x, mask, tap):
        q = tap("q", heads(x, self.W_Q, self.b_Q))                                # (batch, n_heads, query, d_head)
        k = tap("k", heads(x, self.W_K, self.b_K))
        v = tap("v", heads(x, self.W_V, self.b_V))
        code = POSITIONS[self.config.positions]
        if code.turn is not None:
            q, k = tap("rot_q", code.turn(q)), tap("rot_k", code.turn(k))
        scores = q @ k.mT / math.sqrt(q.shape[-1])                                # (batch, n_heads, query, key)
        scores = tap("scores", scores if code.lean is None else scores + code.lean(scores).to(scores.dtype))
        seen = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
        z = tap("z", tap("pattern", seen.softmax(dim=-1)) @ v)                    # (batch, n_heads, query, d_head)
        out = z.transpose(1, 2).flatten(2)
        return tap("attn_out", out if self.W_O is None else affine(out, self.W_O.flatten(0, 1), self.b_O))

    def mlp(self, x, tap):
        mlp_pre = tap("mlp_pre", affine(x, self.W_in, self.b_in))                 # (batch, pos, d_mlp)
        mlp_post = tap("mlp_post", ACTIVATIONS[self.config.activation](mlp_pre))
        return tap("mlp_out", affine(mlp_post, self.W_out, self.b_out))


def affine(x, W, b):
    return x @ W if b is None else x @ W + b


def heads(x, W, b):
    """(batch, pos, d_model) -> (batch, n_heads, pos, d_head)"""
    return affine(x, W.flatten(1), None if b is None else b.flatten()).unflatten(-1, W.shape[1:]).transpose(1, 2)


class Transformer(Part):
    """The whole model, with parameters as the NumPy model has them, without an axis of seeds; copied, bit for bit.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params = {name: np.ones(shape) for name, shape in parameter_shapes(config).items()}
    >>> model = Transformer(config, params)
    >>> model(torch.tensor([[1, 2, 3, 4]])).shape
    torch.Size([1, 5])
    >>> all(np.array_equal(value, params[name]) for name, value in model.arrays().items())
    True
    """

    def __init__(self, config: ModelConfig, params: dict):
        shapes = parameter_shapes(check_type("config", config, ModelConfig))
        check_known(config, TWIN)
        if check_type("params", params, dict).keys() != shapes.keys():
            wrong = ", ".join(sorted(params.keys() ^ shapes.keys()))
            raise UnknownNameError("params", f"names that do not fit: {wrong}", "the names in parameter_shapes(config)",
                                   "Take them from transformer_lab.byhand.transformer.init(config).")
        params = {name: check_array(f"params[{name!r}]", params[name], shape=shape) for name, shape in shapes.items()}
        super().__init__(config, {name: value for name, value in params.items() if "." not in name}, ("b_U",))
        self.blocks = nn.ModuleList(
            Block(config, {name.removeprefix(f"blocks.{layer}."): value for name, value in params.items()
                           if name.startswith(f"blocks.{layer}.")}) for layer in range(config.n_layers))

    def forward(self, tokens, tap=keep):
        """Logits (batch, d_vocab), or (batch, pos, d_vocab) where ``read_out="all"``, from tokens (batch, pos)."""
        self.check(tokens)
        tap = held(tap)
        x = tap("embed", self.W_E[tokens])                                        # (batch, pos, d_model)
        if (rows := POSITIONS[self.config.positions].rows) is not None:
            x = x + tap("pos_embed", rows(self, tokens.shape[-1]).expand_as(x))
        x, real = self.dropout(x), self.real(tokens)
        mask = self.visible(real)
        for layer, block in enumerate(self.blocks):
            x = block(x, mask, prefixed(tap, f"blocks.{layer}."))
        x = tap("resid_read", READ_OUTS[self.config.read_out](x, real))
        x = self.norm("pre", "ln_final", x, tap)
        logits = tap("logits", affine(x, self.W_E.mT if self.config.tied else self.W_U, self.b_U))
        reached(tap)
        return logits

    def loss(self, tokens, targets, weights=None, tap=keep):
        """Mean cross-entropy in nats over the targets that are not -100, or their mean with these weights."""
        logits = self(tokens, tap)                                                # (..., d_vocab)
        whole("targets", targets, self.config.d_vocab, besides=IGNORED)
        if weights is not None and not isinstance(weights, torch.Tensor):
            raise DtypeError("weights", type(weights).__name__, "a tensor of numbers", "Pass torch.tensor(weights).")
        if weights is not None and not bool((torch.isfinite(weights) & (weights >= 0)).all()):
            raise RangeError("weights", "a negative one, NaN or infinity", "finite numbers of at least 0", "Mend them.")
        if targets.shape != logits.shape[:-1]:
            raise ShapeError("targets", f"a tensor of shape {tuple(targets.shape)}", f"{tuple(logits.shape[:-1])}",
                             "Give one target for each row of logits.")
        logits, rows = logits.flatten(end_dim=-2), targets.flatten()
        if weights is None:
            return F.cross_entropy(logits, rows, ignore_index=IGNORED)
        weights = weights.expand(targets.shape).flatten() * (rows != IGNORED)
        weights = weights / 2.0 ** (math.frexp(float(weights.max()))[1] - 1)  # as by hand: no sum overflows
        rows, total = torch.where(weights == 0, IGNORED, rows), weights.sum()
        costs = F.cross_entropy(logits, rows, ignore_index=IGNORED, reduction="none")
        return (costs * weights).sum() / torch.where(total == 0, 1, total)

    def check(self, tokens):
        """Refuse what indexing would accept: tokens from the end of the table, and more of them than positions."""
        whole("tokens", tokens, self.config.d_vocab)
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= self.config.n_ctx or not len(tokens):
            raise ShapeError("tokens", f"a tensor of shape {tuple(tokens.shape)}",
                             f"(batch, at most {self.config.n_ctx})", "Pass one row for each sequence.")

    def real(self, tokens):
        return torch.ones_like(tokens, dtype=torch.bool) if self.config.pad is None else tokens != self.config.pad

    def visible(self, real):
        mask = MASKS[self.config.mask]
        mask = None if mask is None else mask(real.shape[-1])
        if self.config.pad is None:
            return mask
        return real[:, None, None, :] if mask is None else mask & real[:, None, None, :]

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all parameters, as the NumPy model takes them."""
        return {name: value.detach().numpy().copy() for name, value in self.named_parameters()}
