"""Chapter 06's check: every tensor of a whole transformer before three witnesses, at many random draws at once."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from transformer_lab.byhand.gradcheck import Report, check_gradients
from transformer_lab.byhand.transformer import backward, forward, init, loss
from transformer_lab.checks import check_choice, check_type, check_whole
from transformer_lab.config import ModelConfig
from transformer_lab.models.transformer import Transformer
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator

from .planted import PLANTED, with_mistake

__all__ = ["SMALL", "every_tensor"]

#: Two blocks of two heads, learned positions, LayerNorm, and a nonlinearity without a kink, over which central
#: differences would stumble.
SMALL = ModelConfig(d_vocab=6, n_ctx=4, d_model=8, n_heads=2, n_layers=2, d_mlp=8, positions="learned", norm="layer",
                    activation="gelu", read_out="last")


def every_tensor(config: ModelConfig = SMALL, gradient: str = "right", *, n_draws: int = 100, batch: int = 3,
                 entries: int | None = 8, seed: int = 0) -> Report:
    """Hold the gradients of all parameters against complex step, central differences and autograd.

    A draw is one set of normal weights, gains and offsets included, and one batch of tokens and targets.

    Parameters
    ----------
    config : ModelConfig
    gradient : str
        ``"right"``, or a mistake in :data:`~chapters.ch06.planted.PLANTED`.
    n_draws, batch : int
    entries : int, optional
        So many entries of each tensor, drawn at random; None for all.
    seed : int

    Returns
    -------
    Report
        ``report[tensor, witness].errors`` has one relative error a draw.

    Examples
    --------
    >>> every_tensor(n_draws=2, entries=1).message
    'The gradient is right.'
    >>> every_tensor(n_draws=2, entries=1, gradient="twice").ok
    False
    """
    check_choice("gradient", gradient, ("right", *PLANTED))
    params = draws(check_type("config", config, ModelConfig), check_whole("n_draws", n_draws, low=1), seed)
    rng, many = generator(seed, "draws"), (n_draws, check_whole("batch", batch, low=1))
    tokens = rng.integers(config.d_vocab, size=(*many, config.n_ctx))
    targets = rng.integers(config.d_vocab, size=(*many, config.n_ctx) if config.read_out == "all" else many)
    right = partial(backward, targets=targets, config=config)
    chosen = right if gradient == "right" else partial(with_mistake, gradient, targets=targets, config=config)

    def autograd(params):
        found = [by_autograd({name: value[i] for name, value in params.items()}, tokens[i], targets[i], config)
                 for i in range(n_draws)]
        return {name: np.stack([one[name] for one in found]) for name in params}

    return check_gradients(lambda params: loss(forward(params, tokens, config)["logits"], targets, config), params,
                           lambda params: chosen(params=params, acts=forward(params, tokens, config)),
                           witnesses=("complex_step", "central_differences", autograd),
                           independent=1, entries=entries, seed=seed)


def draws(config, n_draws, seed):
    """Weights as they are first drawn, with gains and offsets that are not 1 and 0, where a mistake could hide."""
    params = init(config, n_seeds=n_draws, seed=seed, embedding_scale=1.0, dtype=np.float64)
    rng = generator(seed, "gains")
    return {name: params[name] + 0.3 * rng.normal(size=(n_draws, *shape))
            for name, shape in parameter_shapes(config).items()}


def by_autograd(params, tokens, targets, config):
    """What PyTorch says, for one draw."""
    twin = Transformer(config, params)
    twin.loss(torch.from_numpy(tokens), torch.from_numpy(targets)).backward()
    return {name: value.grad.numpy() for name, value in twin.named_parameters()}
