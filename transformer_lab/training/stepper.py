"""The NumPy transformer with its optimiser, as :func:`~transformer_lab.training.fit.fit` wants it."""

from __future__ import annotations

import numpy as np

from ..byhand.memory import keep_freed_memory
from ..byhand.optimizers import clip, make_optimizer
from ..byhand.parts import dropout_masks
from ..byhand.transformer import loss_and_gradients
from ..byhand.weights import pack, unpack
from ..checks import check_number, check_seed, check_type
from ..config import ModelConfig
from ..names import parameter_shapes
from .history import OPTIMIZER

__all__ = ["Stepper"]


class Stepper:
    """One update after the other: forward, loss, backward, clip, optimiser.

    Parameters
    ----------
    params : dict
        The first weights, from :func:`~transformer_lab.byhand.transformer.init`; copied. Leading axes are seeds.
    config : ModelConfig
    optimizer : str
        A name in :data:`~transformer_lab.byhand.optimizers.OPTIMIZERS`.
    max_norm : float
        The largest norm of the gradient; 0 for no limit.
    seed : int
        Of the dropout masks; where weights have an axis of seeds, entry i has those of ``seed + i``.
    settings
        Those of the optimiser.

    Examples
    --------
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=2, d_model=8, read_out="last")
    >>> stepper = Stepper(init(config), config, "adam")
    >>> batch = np.array([[1, 2], [3, 4]]), np.array([3, 0])
    >>> losses = [stepper.step(batch, 0.1)["loss"] for _ in range(30)]
    >>> bool(losses[0] > 1.5 and losses[-1] < 0.01)
    True
    """

    def __init__(self, params: dict, config: ModelConfig, optimizer: str = "adamw", *, max_norm: float = 0.0,
                 seed: int = 0, **settings):
        self.config, self.shapes = check_type("config", config, ModelConfig), parameter_shapes(config)
        self.max_norm, seed = check_number("max_norm", max_norm, low=0), check_seed("seed", seed)
        keep_freed_memory()
        self.theta = pack(check_type("params", params, dict), self.shapes)
        self.gradient = np.empty_like(self.theta)
        self.params = unpack(self.theta, self.shapes)
        self.seeds = seed if self.theta.ndim == 1 else [seed + i for i in range(len(self.theta))]
        self.optimizer = make_optimizer(optimizer, self.theta, **settings)

    def step(self, batch, learning_rate: float) -> dict:
        """Update the weights on ``(tokens, targets)``; returns the loss before the update."""
        tokens, targets = batch
        dropout = self.config.dropout
        masks = dropout_masks(dropout, self.seeds, self.optimizer.t) if dropout else None
        value, grads = loss_and_gradients(self.params, tokens, targets, self.config, masks=masks)
        pack(grads, self.shapes, out=self.gradient)
        if self.max_norm:
            clip(self.gradient, self.max_norm)
        self.optimizer.update(self.theta, self.gradient, learning_rate)
        return {"loss": value}

    def state(self) -> dict:
        """The weights by name, and the optimiser's memory."""
        return self.params | {OPTIMIZER + name: value for name, value in self.optimizer.state().items()}

    def load_state(self, state: dict) -> None:
        """Put a state back, bit for bit."""
        for name, value in self.params.items():
            value[...] = state[name]
        self.optimizer.load_state({name.removeprefix(OPTIMIZER): value for name, value in state.items()
                                   if name.startswith(OPTIMIZER)})
