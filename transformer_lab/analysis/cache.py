"""One model as all instruments see it: tokens in, NumPy arrays of named activations out, whatever it is made of.

The names are those of :mod:`transformer_lab.names`, ``"blocks.0.pattern"``, and of the field: its table
``TRANSFORMER_LENS`` has those of TransformerLens. A tap ``tap(name, value) -> value`` changes a run on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np

from ..byhand.transformer import forward, pullback
from ..checks import check_array, check_callable, check_number, check_type
from ..config import ModelConfig
from ..errors import DtypeError
from ..taps import chained, keep
from .ablation import as_numpy

__all__ = ["Runner", "patterns"]


class Runner:
    """A model by hand, ``Runner(params, config)``, or one in PyTorch, ``Runner(module)``.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2)
    >>> run = Runner(init(config), config)
    >>> run([[1, 2, 3]]).shape, run.cache([[1, 2, 3]])["blocks.0.pattern"].shape
    ((1, 3, 5), (1, 2, 3, 3))
    """

    def __init__(self, model, config: ModelConfig | None = None):
        self.module = None if isinstance(model, dict) else model
        if self.module is not None and not (callable(model) and hasattr(model, "arrays")):
            raise DtypeError("model", f"{model!r:.60}", "a dict of parameters, or a Transformer",
                             "Pass Runner(params, config) or Runner(module).")
        found = config if self.module is None else getattr(model, "config", None)
        self.config = check_type("config", found, ModelConfig)
        self.params = model if self.module is None else model.arrays()

    def __call__(self, tokens, tap: Callable | None = None) -> np.ndarray:
        """Logits (..., batch, d_vocab), or (..., batch, pos, d_vocab) where the model is read at all positions."""
        tokens = tokens_of(tokens)
        if self.module is None:
            return forward(self.params, tokens, self.config, tap=tap)["logits"]
        with at_rest(self.module) as (torch, device), torch.no_grad():
            return as_numpy(self.module(torch.tensor(tokens, device=device), keep if tap is None else tap))

    def cache(self, tokens, tap: Callable | None = None) -> dict[str, np.ndarray]:
        """Every activation by name, as a run with this tap leaves it."""
        kept = {}

        def note(name, value):
            kept[name] = as_numpy(value)
            return value

        self(tokens, note if tap is None else chained(tap, note))
        return kept

    def gradients(self, tokens, d_logits) -> dict[str, np.ndarray]:
        """The gradient of every activation, by its name, from the gradient of the logits."""
        tokens, kept = tokens_of(tokens), {}
        if self.module is not None:
            return self._autograd(tokens, d_logits)

        def note(name, value):
            layer, dot, short = name.rpartition(".")
            kept[layer + dot + short.removeprefix("d_")] = value
            return value

        pullback(self.params, forward(self.params, tokens, self.config), d_logits, self.config, tap=note)
        return kept

    def _autograd(self, tokens, d_logits):
        kept = {}

        def note(name, value):
            kept[name] = value if value.requires_grad else value.requires_grad_()
            return value

        with at_rest(self.module) as (torch, device):
            logits = self.module(torch.tensor(tokens, device=device), note)
            d_logits = check_array("d_logits", d_logits, shape=logits.shape, kind="inexact")
            grads = torch.autograd.grad(logits, list(kept.values()), logits.new_tensor(d_logits), allow_unused=True)
        return {name: as_numpy(grad) for name, grad in zip(kept, grads, strict=True) if grad is not None}

    def measured(self, measure: Callable, tokens, tap: Callable | None = None) -> float:
        """The number that a measure makes of the logits."""
        return check_number("measure(logits)", check_callable("measure", measure)(self(tokens, tap)))


def tokens_of(tokens) -> np.ndarray:
    return check_array("tokens", tokens, shape=("batch", "pos"), kind="whole", leading=True).astype(np.int64)


@contextmanager
def at_rest(module):
    """PyTorch, and the device of a module that drops nothing out meanwhile."""
    import torch

    was = module.training
    module.eval()
    try:
        yield torch, next(module.parameters()).device
    finally:
        module.train(was)


def patterns(run: Runner, tokens, tap: Callable | None = None) -> np.ndarray:
    """Where every head looks: (n_layers, ..., batch, n_heads, query, key).

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, n_layers=3)
    >>> patterns(Runner(init(config), config), [[1, 2, 3]]).shape
    (3, 1, 2, 3, 3)
    """
    acts = check_type("run", run, Runner).cache(tokens, tap)
    return np.stack([acts[f"blocks.{layer}.pattern"] for layer in range(run.config.n_layers)])
