"""The transformer in PyTorch: the twin of :mod:`transformer_lab.byhand.transformer`, differentiated by autograd.

Same configuration, same parameter names and layouts, same activations under the same names: weights move between the
two bit for bit, and tests compare every activation and every gradient, over all entries of the tables of parts.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from ..checks import check_array, check_type
from ..config import ModelConfig
from ..errors import DtypeError, RangeError, ShapeError, UnknownNameError
from ..names import IGNORED, parameter_shapes
from ..parts import TWIN, check_known
from ..taps import held, keep, reached
from .block import Stack, affine
from .parts import READ_OUTS

__all__ = ["GPT2", "LLAMA", "Transformer"]

#: What a language model is, and the choices of two: ``ModelConfig(d_vocab=…, n_ctx=…, d_model=…, …, **GPT2)``.
CAUSAL = {"mask": "causal", "bias_unembed": False}
GPT2 = CAUSAL | {"positions": "learned", "norm": "layer", "activation": "gelu", "tied": True, "bias_attention": True}
LLAMA = CAUSAL | {"positions": "rotary", "norm": "rms", "eps": 1e-6, "activation": "silu", "gated": True,
                  "bias_mlp": False}


def whole(argument, tensor, below, besides=0):
    """Refuse all but a tensor of whole numbers from 0 that are less than ``below``, or equal to ``besides``."""
    if not isinstance(tensor, torch.Tensor) or tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DtypeError(argument, f"{getattr(tensor, 'dtype', type(tensor).__name__)}", "a tensor of whole numbers",
                         f"Pass torch.tensor({argument}).")
    if tensor.numel() and bool((((tensor < 0) & (tensor != besides)) | (tensor >= below)).any()):
        raise RangeError(argument, "{} to {}".format(*map(int, tensor.aminmax())), f"tokens from 0 to {below - 1}",
                         "Choose a value in this range.")


def checked_params(config, params) -> dict:
    """The parameters that the configuration asks for, with their shapes."""
    shapes = parameter_shapes(config)
    check_known(config, TWIN)
    if check_type("params", params, dict).keys() != shapes.keys():
        wrong = ", ".join(sorted(params.keys() ^ shapes.keys()))
        raise UnknownNameError("params", f"names that do not fit: {wrong}", "the names in parameter_shapes(config)",
                               "Take them from transformer_lab.byhand.transformer.init(config).")
    return {name: check_array(f"params[{name!r}]", params[name], shape=shape) for name, shape in shapes.items()}


def cross_entropy(logits, targets, weights=None):
    """Mean cross-entropy in nats of logits (..., d_vocab) over the targets (...) that are not -100, or their mean with
    these weights.

    >>> round(cross_entropy(torch.zeros(2, 4), torch.tensor([3, -100])).item(), 4)
    1.3863
    """
    whole("targets", targets, logits.shape[-1], besides=IGNORED)
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


class Transformer(Stack):
    """The whole model, with parameters as the NumPy model has them, without an axis of seeds; copied, bit for bit.

    >>> import numpy as np
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> params = {name: np.ones(shape) for name, shape in parameter_shapes(config).items()}
    >>> model = Transformer(config, params)
    >>> model(torch.tensor([[1, 2, 3, 4]])).shape
    torch.Size([1, 5])
    >>> all(np.array_equal(value, params[name]) for name, value in model.arrays().items())
    True
    """

    def __init__(self, config: ModelConfig, params: dict):
        params = checked_params(check_type("config", config, ModelConfig), params)
        super().__init__(config, params, ("b_U",))

    def forward(self, tokens, tap=keep, *, cache=None, mask=None):
        """Logits (batch, d_vocab), or (batch, pos, d_vocab) where ``read_out="all"``, from tokens (batch, pos).

        With a :class:`~transformer_lab.models.block.Cache` the tokens stand at its ``places``, and see what it holds.
        A ``mask`` of truth values (…, query, key) stands in the place of the configuration's.
        """
        self.check(tokens)
        tap = held(tap)
        x = self.placed(tap("embed", self.W_E[tokens]), tap, cache)               # (batch, pos, d_model)
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

    def check(self, tokens):
        """Refuse what indexing would accept: tokens from the end of the table, and more of them than positions."""
        whole("tokens", tokens, self.config.d_vocab)
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= self.config.n_ctx or not len(tokens):
            raise ShapeError("tokens", f"a tensor of shape {tuple(tokens.shape)}",
                             f"(batch, at most {self.config.n_ctx})", "Pass one row for each sequence.")

    def real(self, tokens):
        return torch.ones_like(tokens, dtype=torch.bool) if self.config.pad is None else tokens != self.config.pad
