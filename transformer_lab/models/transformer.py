"""The transformer in PyTorch: the twin of :mod:`transformer_lab.byhand.transformer`, differentiated by autograd.

Same configuration, same parameter names and layouts, same activations under the same names: weights move between the
two bit for bit, and tests compare every activation and every gradient, over all entries of the tables of parts.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..checks import check_type
from ..config import ModelConfig
from ..taps import held, keep, reached
from .block import Cache, Stack, affine
from .ends import check_tokens, checked_params, cross_entropy, padding_apart, whole
from .parts import READ_OUTS

__all__ = ["GPT2", "LLAMA", "Transformer"]

#: What a language model is, and the choices of two: ``ModelConfig(d_vocab=…, n_ctx=…, d_model=…, …, **GPT2)``.
CAUSAL = {"mask": "causal", "bias_unembed": False}
GPT2 = CAUSAL | {"positions": "learned", "norm": "layer", "activation": "gelu", "tied": True, "bias_attention": True}
LLAMA = CAUSAL | {"positions": "rotary", "norm": "rms", "eps": 1e-6, "activation": "silu", "gated": True,
                  "bias_mlp": False}


class Transformer(Stack):
    """The whole model, with parameters as the NumPy model has them, without an axis of seeds; copied, bit for bit.

    >>> import numpy as np
    >>> from transformer_lab.names import parameter_shapes
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params = {name: np.ones(shape) for name, shape in parameter_shapes(config).items()}
    >>> model = Transformer(config, params)
    >>> model(torch.tensor([[1, 2, 3, 4]])).shape
    torch.Size([1, 5])
    >>> all(np.array_equal(value, params[name]) for name, value in model.arrays().items())
    True
    """

    def __init__(self, config: ModelConfig, params: dict):
        super().__init__(config, checked_params(config, ModelConfig, params), ("b_U",))

    def forward(self, tokens, tap=keep, *, cache=None, mask=None):
        """Logits (batch, d_vocab), or (batch, pos, d_vocab) where ``read_out="all"``, from tokens (batch, pos).

        With a :class:`~transformer_lab.models.block.Cache` the tokens stand at its ``places``, and see what it holds.
        A ``mask`` of truth values (…, query, key) stands in the place of the configuration's.
        """
        check_tokens("tokens", tokens, self.config)
        if cache is not None:
            check_type("cache", cache, Cache).check(tokens)
        tap = held(tap)
        if self.config.mask == "bidirectional":  # other masks let a query that would see only padding see itself
            padding_apart("tokens", tokens, self.config.pad)
        x = self.placed(tap("embed", F.embedding(tokens.long(), self.W_E)), tap, cache)  # (batch, pos, d_model)
        real = self.real(tokens)
        x = self.stream(self.dropout(x), None if self.config.pad is None else real, tap, cache=cache, mask=mask)
        x = tap("resid_read", READ_OUTS[self.config.read_out](x, real))
        logits = affine(self.norm(("pre", "both"), "ln_final", x, tap), self.unembedding(), self.b_U)
        logits = tap("logits", logits if self.config.logit_scale == 1 else logits * self.config.logit_scale)
        reached(tap)
        return logits

    def unembedding(self):
        return self.W_E.mT if self.config.tied else self.W_U

    def loss(self, tokens, targets, weights=None, tap=keep):
        """Mean cross-entropy in nats over the targets that are not -100, or their mean with these weights."""
        return cross_entropy(self(tokens, tap), targets, weights)

    def real(self, tokens):
        """Which of the tokens (batch, pos) are no padding."""
        whole("tokens", tokens, self.config.d_vocab)
        return torch.ones_like(tokens, dtype=torch.bool) if self.config.pad is None else tokens != self.config.pad
