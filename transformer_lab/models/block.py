"""One block, of which every model of this package is made: its parts are switches of the configuration.

    pre   x + f(norm(x))          post   norm(x + f(x))          both   x + norm(f(norm(x)))

with attention as f, in a decoder attention to its encoder too, then the feed-forward layer. Names of parameters and
activations are those of :mod:`transformer_lab.names`, without their layer; those of attention to another side begin
with ``cross_``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..config import ModelConfig
from ..errors import DtypeError, ShapeError
from ..taps import keep, prefixed
from .parts import ACTIVATIONS, MASKS, NORMS, POSITIONS, SPARSITY

__all__ = ["Block", "Cache", "Part", "Sight", "Stack"]

OPTIONAL = ("b_Q", "b_K", "b_V", "b_O", "W_O", "b_in", "b_gate", "b_out")


class Part(nn.Module):
    """A module with named parameters of its own (None for those that the configuration leaves out)."""

    def __init__(self, config: ModelConfig, params: dict, optional: tuple[str, ...] = ()):
        super().__init__()
        self.config = config
        for name in dict.fromkeys([*params, *optional]):
            self.register_parameter(name, nn.Parameter(torch.tensor(params[name])) if name in params else None)

    def norm(self, placements, ln, x, tap):
        norm = NORMS[self.config.norm]
        if norm is None or self.config.placement not in placements:
            return x
        return tap(ln, norm(x, self, ln, self.config.eps))

    def fuse(self, fused: bool = True):
        """Let attention that no tap watches be PyTorch's own, or not; returns the model."""
        for module in self.modules():
            if isinstance(module, Block):
                module.fused = fused
        return self

    def dropout(self, x):
        return F.dropout(x, self.config.dropout, self.training)

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all parameters, as the NumPy model takes them."""
        return {name: value.detach().numpy().copy() for name, value in self.named_parameters()}


class Sight(NamedTuple):
    """What queries may see of keys, and how they lean towards them; both broadcast to (batch, n_heads, query, key)."""

    mask: torch.Tensor | None = None
    lean: torch.Tensor | None = None
    places: torch.Tensor | None = None  # of the queries, and of the keys where there is no cache
    causal: bool = False                # whether the mask says that and no more


EVERYWHERE = Sight()


class Cache:
    """Keys and values of each layer at ``length`` places, filled as tokens are read.

    ``places`` (batch, pos) are those of the tokens that the next pass reads, ``real`` (batch, length) says which of
    them are no padding. A place may be written again: what stands there is what was read last.
    """

    def __init__(self, n_layers: int, batch: int, length: int):
        self.layers = [{} for _ in range(n_layers)]
        self.real, self.rows = torch.zeros(batch, length, dtype=torch.bool), torch.arange(batch)[:, None]
        self.places, self.reach = torch.zeros(batch, 0, dtype=torch.int64), 0

    def move(self, places) -> None:
        self.places, self.reach = places, int(places.max()) + 1

    def check(self, tokens) -> None:
        """Refuse tokens (batch, pos) that the cache has no places for."""
        if tuple(self.places.shape) != tuple(tokens.shape):
            raise ShapeError("tokens", f"a tensor of shape {tuple(tokens.shape)}",
                             f"{tuple(self.places.shape)}, as the places of the cache", "Call cache.move first.")

    def put(self, layer, name, new):
        """Write the new rows (batch, heads, pos, d_head) to their places; returns all that have been reached."""
        if name not in layer:
            layer[name] = new.new_zeros(*self.real.shape, new.shape[1], new.shape[3])
        layer[name][self.rows, self.places] = new.transpose(1, 2)
        return layer[name][:, :self.reach].transpose(1, 2)

    def pick(self, rows) -> None:
        """Go on with these rows of the batch."""
        self.layers = [{name: value[rows] for name, value in layer.items()} for layer in self.layers]
        self.real = self.real[rows]


class Block(Part):
    """One block, from stream to stream (batch, pos, d_model)."""

    fused = False  # whether attention that no tap watches is PyTorch's own: faster, equal but for rounding

    def __init__(self, config: ModelConfig, params: dict, cross: bool = False):
        super().__init__(config, params, OPTIONAL + tuple(f"cross_{name}" for name in OPTIONAL[:5] if cross))

    def forward(self, x, sight=EVERYWHERE, tap=keep, *, memory=None, source=None, across=EVERYWHERE):
        """The stream as it leaves the block. ``memory`` is a cache and this layer's part of it; a decoder's block sees
        the rows ``source`` (batch, key, d_model) of its encoder as ``across`` says.
        """
        x = tap("resid_pre", x)
        x = tap("resid_mid", self.added("ln1", x, lambda rows: self.attention(rows, rows, sight, tap, memory), tap))
        if source is not None:
            def look(rows):
                return self.attention(rows, source, across, prefixed(tap, "cross_"), at="cross_")
            x = tap("cross_resid_mid", self.added("cross_ln1", x, look, tap))
        return tap("resid_post", self.added("ln2", x, partial(self.mlp, tap=tap), tap) if self.config.d_mlp else x)

    def added(self, ln, x, part, tap):
        """A part, with its norms and dropout, added to the stream; without residual connections, in its place."""
        out = part(self.norm(("pre", "both"), ln, x, tap))
        out = self.dropout(self.norm(("both",), f"{ln}_post", out, tap))
        return self.norm(("post",), ln, x + out if self.config.residual else out, tap)

    def attention(self, x, source, sight, tap, memory=None, at=""):
        (W_Q, b_Q), (W_K, b_K), (W_V, b_V), (W_O, b_O) = (
            (getattr(self, f"{at}W_{head}"), getattr(self, f"{at}b_{head}")) for head in "QKVO")
        q = tap("q", heads(x, W_Q, b_Q))                                          # (batch, n_heads, query, d_head)
        k = tap("k", heads(source, W_K, b_K))                                     # (batch, kv_heads, key, d_head)
        v = tap("v", heads(source, W_V, b_V))
        turn = POSITIONS[self.config.positions].turn
        if turn is not None and not at:
            q, k = (tap(f"rot_{name}", turn(rows, sight.places, self.config)) for name, rows in (("q", q), ("k", k)))
        if memory is not None:
            cache, layer = memory
            k, v = cache.put(layer, "k", k), cache.put(layer, "v", v)
        z = self.quickly(q, k, v, sight) if self.fused and tap is keep else self.attend(q, k, v, sight, tap)
        out = z.transpose(1, 2).flatten(2)
        return tap("attn_out", out if W_O is None else affine(out, W_O.flatten(0, 1), b_O))

    def attend(self, q, k, v, sight, tap):
        if group := self.config.n_heads // self.config.kv_heads - 1:
            k, v = (rows.repeat_interleave(group + 1, dim=1) for rows in (k, v))
        scores = q @ k.mT                                                         # (batch, n_heads, query, key)
        scores = scores / math.sqrt(q.shape[-1]) if self.config.scaled else scores
        scores = tap("scores", scores if sight.lean is None else scores + sight.lean.to(scores.dtype))
        seen = scores if sight.mask is None else scores.masked_fill(~sight.mask, -torch.inf)
        pattern = tap("pattern", seen.softmax(dim=-1))
        if self.training and self.config.dropout_pattern:
            pattern = F.dropout(pattern, self.config.dropout_pattern)
        return tap("z", pattern @ v)                                              # (batch, n_heads, query, d_head)

    def quickly(self, q, k, v, sight):
        mask, grouped = None if sight.causal else sight.mask, self.config.n_kv_heads > 0
        if sight.lean is not None:
            lean = sight.lean.to(q.dtype)
            mask = lean if mask is None else torch.where(mask, lean, -torch.inf)
        return F.scaled_dot_product_attention(
            q, k, v, mask, self.config.dropout_pattern if self.training else 0.0, sight.causal,
            scale=None if self.config.scaled else 1.0, enable_gqa=grouped)

    def mlp(self, x, tap):
        hidden = mlp_pre = tap("mlp_pre", affine(x, self.W_in, self.b_in))        # (batch, pos, d_mlp)
        if self.config.gated:
            hidden = tap("mlp_gate", affine(x, self.W_gate, self.b_gate))
        mlp_post = ACTIVATIONS[self.config.activation](hidden)
        mlp_post = tap("mlp_post", mlp_post * mlp_pre if self.config.gated else mlp_post)
        return tap("mlp_out", affine(mlp_post, self.W_out, self.b_out))


def affine(x, W, b):
    return x @ W if b is None else F.linear(x, W.mT, b)


def heads(x, W, b):
    """(batch, pos, d_model) -> (batch, n_heads, pos, d_head)"""
    rows = affine(x, W.flatten(1), None if b is None else b.flatten())
    return rows.view(*x.shape[:-1], *W.shape[1:]).transpose(1, 2)


class Stack(Part):
    """Blocks one after the other: what all models have between their start and their read-out."""

    def __init__(self, config: ModelConfig, params: dict, optional: tuple[str, ...] = (), cross: bool = False):
        super().__init__(config, {name: value for name, value in params.items() if "." not in name}, optional)
        self.blocks = nn.ModuleList(Block(config, below(params, f"blocks.{layer}."), cross)
                                    for layer in range(config.n_layers))

    def placed(self, x, tap, cache=None):
        """Embedded rows with their positions, if those are rows too."""
        if (rows := POSITIONS[self.config.positions].rows) is not None:
            places = torch.arange(x.shape[1]) if cache is None else cache.places
            x = x + tap("pos_embed", rows(self, places).to(x.dtype).expand_as(x))
        return x

    def stream(self, x, real, tap, *, cache=None, mask=None, source=None, seen=None):
        """The stream (batch, pos, d_model) after all blocks. ``real`` (batch, pos) says which rows are no padding, or
        is None for all; ``seen`` says so of the rows ``source`` of an encoder. A ``mask`` that broadcasts to (batch,
        n_heads, query, key) stands in the place of the configuration's.
        """
        sight = self.sight(x.shape[1], real, cache, mask)
        across = Sight(None if seen is None else seen[:, None, None, :])
        for layer, block in enumerate(self.blocks):
            memory = None if cache is None else (cache, cache.layers[layer])
            x = block(x, sight, prefixed(tap, f"blocks.{layer}."), memory=memory, source=source, across=across)
        return x

    def sight(self, n, real=None, cache=None, mask=None) -> Sight:
        """What each of n rows may see of them and of what the cache holds."""
        if mask is not None:
            check_mask(mask, n, n if cache is None else cache.reach)
        config, places, keys = self.config, torch.arange(n), torch.arange(n)
        if cache is not None:
            places, keys = cache.places, torch.arange(cache.reach)
            if real is not None:
                cache.real[cache.rows, places] = real
                real = cache.real[:, :cache.reach]
        q, lean = places[..., None], POSITIONS[config.positions].lean
        rules = [rule(q, keys, config) for rule in (MASKS[config.mask], SPARSITY[config.sparsity]) if rule is not None]
        rules = [rule if rule.ndim == 2 else rule[:, None] for rule in rules] if mask is None else [mask]
        plain = (mask is None and real is None and cache is None and lean is None and len(rules) == 1
                 and config.mask == "causal")
        if real is not None:
            rules.append(real[:, None, None, :])
        seen = None
        for rule in rules:
            seen = rule if seen is None else seen & rule
        if real is not None and len(rules) > 1:  # a query that would see nothing but padding sees itself
            itself = (q == keys).unflatten(0, (-1, 1) if q.ndim == 3 else (1, -1))
            seen = seen | (itself & ~seen.any(dim=-1, keepdim=True))
        return Sight(seen, None if lean is None else lean(self, q, keys), places, plain)


def check_mask(mask, queries: int, keys: int) -> None:
    """Refuse all but truth values, True where one may look, that broadcast to (batch, n_heads, query, key)."""
    if type(mask) is not torch.Tensor or mask.dtype != torch.bool or mask.layout != torch.strided or mask.is_meta:
        came = f"a tensor of {mask.dtype}" if type(mask) is torch.Tensor else f"a {type(mask).__name__}"
        raise DtypeError("mask", came, "a tensor of truth values, True where one may look", "Pass mask == 0 for a mask "
                         "that is added to the scores (0 and -inf).")
    if not 2 <= mask.ndim <= 4 or any(found not in (1, wanted) for found, wanted in zip(
            mask.shape[-2:], (queries, keys), strict=True)):
        raise ShapeError("mask", f"a tensor of shape {tuple(mask.shape)}", f"(..., {queries}, {keys})",
                         "Give a row for each query and a column for each key.")


def below(params: dict, prefix: str) -> dict:
    """The parameters whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
