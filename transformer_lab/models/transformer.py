"""The transformer in PyTorch: the twin of :mod:`transformer_lab.byhand.transformer`, differentiated by autograd.

Same configuration, same parameter names and layouts, same activations under the same names: weights move between the
two bit for bit, and tests compare every activation and every gradient.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..checks import check_array, check_type
from ..config import ModelConfig
from ..errors import UnknownNameError
from ..names import parameter_shapes

__all__ = ["Block", "Transformer"]


def keep(name, value):
    return value


class Part(nn.Module):
    """A module with named parameters of its own, and the norms that they belong to."""

    def __init__(self, config: ModelConfig, params: dict):
        super().__init__()
        self.config = config
        for name, value in params.items():
            self.register_parameter(name, nn.Parameter(torch.tensor(value)))

    def norm(self, placement, ln, x, tap):
        if self.config.norm == "none" or self.config.placement != placement:
            return x
        gain = getattr(self, f"{ln}_w")
        if self.config.norm == "rms":
            return tap(ln, F.rms_norm(x, gain.shape, gain, eps=1e-5))
        return tap(ln, F.layer_norm(x, gain.shape, gain, getattr(self, f"{ln}_b"), eps=1e-5))

    def dropout(self, x):
        return F.dropout(x, self.config.dropout, self.training)


class Block(Part):
    """One block, from stream to stream (batch, pos, d_model)."""

    def forward(self, x, mask=None, tap=keep):
        x = tap("resid_pre", x)
        out = self.dropout(self.attention(self.norm("pre", "ln1", x, tap), mask, tap))
        x = tap("resid_mid", self.norm("post", "ln1", x + out if self.config.residual else out, tap))
        if self.config.d_mlp:
            out = self.dropout(self.mlp(self.norm("pre", "ln2", x, tap), tap))
            x = self.norm("post", "ln2", x + out if self.config.residual else out, tap)
        return tap("resid_post", x)

    def attention(self, x, mask, tap):
        q, k, v = (tap(name, self.heads(x, W)) for name, W in (("q", self.W_Q), ("k", self.W_K), ("v", self.W_V)))
        scores = tap("scores", q @ k.mT / math.sqrt(q.shape[-1]))                 # (batch, n_heads, query, key)
        seen = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
        z = tap("z", tap("pattern", seen.softmax(dim=-1)) @ v)                    # (batch, n_heads, query, d_head)
        out = z.transpose(1, 2).flatten(2)
        return tap("attn_out", out @ self.W_O.flatten(0, 1) if self.config.output_projection else out)

    @staticmethod
    def heads(x, W):
        return (x @ W.flatten(1)).unflatten(-1, W.shape[1:]).transpose(1, 2)      # (batch, n_heads, pos, d_head)

    def mlp(self, x, tap):
        phi = F.relu if self.config.activation == "relu" else lambda u: F.gelu(u, approximate="tanh")
        mlp_post = tap("mlp_post", phi(tap("mlp_pre", x @ self.W_in + self.b_in)))
        return tap("mlp_out", mlp_post @ self.W_out + self.b_out)


class Transformer(Part):
    """The whole model.

    Parameters
    ----------
    config : ModelConfig
    params : dict of array
        As the NumPy model has them, without an axis of seeds; copied, bit for bit.

    Examples
    --------
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
        if check_type("params", params, dict).keys() != shapes.keys():
            wrong = ", ".join(sorted(params.keys() ^ shapes.keys()))
            raise UnknownNameError("params", f"names that do not fit: {wrong}", "the names in parameter_shapes(config)",
                                   "Take them from transformer_lab.byhand.transformer.init(config).")
        params = {name: check_array(f"params[{name!r}]", params[name], shape=shape) for name, shape in shapes.items()}
        super().__init__(config, {name: value for name, value in params.items() if "." not in name})
        self.blocks = nn.ModuleList(
            Block(config, {name.removeprefix(f"blocks.{layer}."): value for name, value in params.items()
                           if name.startswith(f"blocks.{layer}.")}) for layer in range(config.n_layers))

    def forward(self, tokens, tap=keep):
        """Logits (batch, d_vocab), or (batch, pos, d_vocab) where ``read_out="all"``, from tokens (batch, pos)."""
        x = tap("embed", self.W_E[tokens])
        if self.config.positions != "none":
            x = x + tap("pos_embed", self.places(tokens.shape[-1]).expand_as(x))
        x, mask = self.dropout(x), self.visible(tokens)
        for layer, block in enumerate(self.blocks):
            x = block(x, mask, lambda name, value, layer=layer: tap(f"blocks.{layer}.{name}", value))
        x = self.norm("pre", "ln_final", tap("resid_read", self.read(x, tokens)), tap)
        return tap("logits", x @ (self.W_E.mT if self.config.tied else self.W_U) + self.b_U)

    def loss(self, tokens, targets):
        """Mean cross-entropy in nats over the targets that are not -100."""
        return F.cross_entropy(self(tokens).flatten(end_dim=-2), targets.flatten(), ignore_index=-100)

    def places(self, n):
        if self.config.positions == "learned":
            return self.W_pos[:n]
        pair = torch.arange(0, self.config.d_model, 2, dtype=torch.float64) / self.config.d_model
        angle = torch.arange(n)[:, None] / 10000**pair
        return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).to(self.W_E.dtype)

    def real(self, tokens):
        return torch.ones_like(tokens, dtype=torch.bool) if self.config.pad is None else tokens != self.config.pad

    def visible(self, tokens):
        if self.config.pad is None and self.config.mask == "bidirectional":
            return None
        n = tokens.shape[-1]
        past = torch.ones(n, n, dtype=torch.bool)
        return (past.tril() if self.config.mask == "causal" else past) & self.real(tokens)[:, None, None, :]

    def read(self, x, tokens):
        real = self.real(tokens)
        if self.config.read_out == "mean":
            return (x * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)
        if self.config.read_out == "all":
            return x
        return x[:, 0] if self.config.read_out == "first" else x[torch.arange(len(x)), real.sum(dim=1) - 1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of all parameters, as the NumPy model takes them."""
        return {name: value.detach().numpy().copy() for name, value in self.named_parameters()}
