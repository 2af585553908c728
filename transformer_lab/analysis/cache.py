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
from ..wording import unknown, written
from .ablation import as_numpy

__all__ = ["Runner", "patterns"]


class Runner:
    """A model by hand, ``Runner(params, config)``, or one in PyTorch, ``Runner(module)``.

    ``tokens`` are (..., batch, pos); a module may take images there, or a pair, such as an encoder's and a decoder's.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2)
    >>> run = Runner(init(config), config)
    >>> run([[1, 2, 3]]).shape, run.cache([[1, 2, 3]])["blocks.0.pattern"].shape
    ((1, 3, 5), (1, 2, 3, 3))
    """

    def __init__(self, model, config: ModelConfig | None = None):
        self.module = None if isinstance(model, dict) else model
        if self.module is not None and not (callable(model) and hasattr(type(model), "arrays")):
            raise DtypeError("model", written(model), "a dict of parameters, or a Transformer",
                             "Pass Runner(params, config) or Runner(module).")
        found = config if self.module is None else getattr(model, "config", None)
        self.config = check_type("config", found, ModelConfig)
        self.params = model if self.module is None else model.arrays()

    def __call__(self, tokens, tap: Callable | None = None) -> np.ndarray:
        """Logits (..., batch, d_vocab), or (..., batch, pos, d_vocab) where the model is read at all positions."""
        if self.module is None:
            return forward(self.params, tokens_of(tokens), self.config, tap=tap)["logits"]
        import torch

        with at_rest(self.module) as like, torch.no_grad():
            return as_numpy(self.module(*inputs_of(tokens, like), tap=keep if tap is None else tap))

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
        kept = {}
        if self.module is not None:
            return self._autograd(tokens, d_logits)

        def note(name, value):
            layer, dot, short = name.rpartition(".")
            kept[layer + dot + short.removeprefix("d_")] = value
            return value

        acts = forward(self.params, tokens_of(tokens), self.config)
        pullback(self.params, acts, d_logits, self.config, tap=note)
        return kept

    def _autograd(self, tokens, d_logits):
        kept = {}

        def note(name, value):
            kept[name] = value if value.requires_grad else value.requires_grad_()
            return value

        import torch

        with at_rest(self.module) as like:
            logits = self.module(*inputs_of(tokens, like), tap=note)
            d_logits = check_array("d_logits", d_logits, shape=logits.shape, kind="inexact")
            grads = torch.autograd.grad(logits, list(kept.values()), logits.new_tensor(d_logits), allow_unused=True)
        return {name: as_numpy(grad) for name, grad in zip(kept, grads, strict=True) if grad is not None}

    def measured(self, measure: Callable, tokens, tap: Callable | None = None) -> float:
        """The number that a measure makes of the logits."""
        return check_number("measure(logits)", check_callable("measure", measure)(self(tokens, tap)))


def tokens_of(tokens) -> np.ndarray:
    return check_array("tokens", tokens, shape=("batch", "pos"), kind="whole", leading=True).astype(np.int64)


def inputs_of(given, like) -> list:
    """What a module takes, as tensors beside its parameter ``like``."""
    parts = [tokens_of(part) if getattr(getattr(part, "dtype", None), "kind", "") != "f"
             else check_array("tokens", part, shape=(), leading=True)
             for part in (given if isinstance(given, tuple) else (given,))]
    import torch

    return [torch.tensor(part, device=like.device, dtype=like.dtype if part.dtype.kind == "f" else torch.long)
            for part in parts]


@contextmanager
def at_rest(module):
    """A parameter of a module that drops nothing out meanwhile."""
    was = module.training
    module.eval()
    try:
        yield next(module.parameters())
    finally:
        module.train(was)


def patterns(run: Runner, tokens, tap: Callable | None = None, *, name: str = "pattern") -> np.ndarray:
    """Where every head looks: (n_layers, ..., batch, n_heads, query, key). Of a model with two sides the name says
    which: ``"decoder.pattern"``, ``"decoder.cross_pattern"``.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, n_layers=3)
    >>> patterns(Runner(init(config), config), [[1, 2, 3]]).shape
    (3, 1, 2, 3, 3)
    """
    side, dot, short = check_type("name", name, str).rpartition(".")
    acts = check_type("run", run, Runner).cache(tokens, tap)
    found = [value for full, value in acts.items()
             if full.startswith(f"{side}{dot}blocks.") and full.rpartition(".")[2] == short]
    if not found:
        raise unknown("name", name, acts, "an activation of every layer, without its prefix", "Pass 'pattern'.")
    return np.stack(found)
