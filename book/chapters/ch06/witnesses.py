"""Chapter 06's check: every tensor of a whole transformer before three witnesses, at many random draws at once."""

from __future__ import annotations

import numpy as np
import torch

from transformer_lab.byhand.gradcheck import Report, check_gradients
from transformer_lab.byhand.transformer import forward, init, loss
from transformer_lab.config import ModelConfig
from transformer_lab.models.transformer import Transformer
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Seed, Whole
from transformer_lab.signatures import checked

from .planted import ARMS, gradients

__all__ = ["SMALL", "every_tensor"]

#: Two blocks of two heads, learned positions, LayerNorm, and a nonlinearity without a kink, over which central
#: differences would stumble.
SMALL = ModelConfig(d_vocab=6, n_ctx=4, d_model=8, n_heads=2, n_layers=2, d_mlp=8, positions="learned", norm="layer",
                    activation="gelu", read_out="last")


@checked
def every_tensor(config: ModelConfig = SMALL, gradient: Choice(ARMS) = "right", *, n_draws: Whole(1) = 100,
                 batch: Whole(1) = 3, entries: Whole(1) | None = None, seed: Seed() = 0) -> Report:
    """Hold the gradients of all parameters against complex step, central differences and autograd: all entries, or
    ``entries`` of each tensor. A draw is one set of normal weights, gains and offsets included, and one batch.
    ``report[tensor, witness].errors`` has one relative error a draw.

    >>> every_tensor(n_draws=2, entries=1).message
    'The gradient is right.'
    >>> every_tensor(n_draws=2, entries=1, gradient="twice").ok
    False
    """
    params, rng, many = draws(config, n_draws, seed), generator(seed, "draws"), (n_draws, batch)
    tokens = rng.integers(config.d_vocab, size=(*many, config.n_ctx))
    targets = rng.integers(config.d_vocab, size=(*many, config.n_ctx) if config.read_out == "all" else many)

    def autograd(params):
        twins = [Transformer(config, {name: value[i] for name, value in params.items()}) for i in range(n_draws)]
        for twin, *case in zip(twins, torch.from_numpy(tokens), torch.from_numpy(targets), strict=True):
            twin.loss(*case).backward()
        found = [dict(twin.named_parameters()) for twin in twins]
        return {name: np.stack([one[name].grad.numpy() for one in found]) for name in params}

    return check_gradients(lambda params: loss(forward(params, tokens, config)["logits"], targets, config), params,
                           lambda params: gradients(gradient, params, (tokens, targets), config)[1],
                           witnesses=("complex_step", "central_differences", autograd),
                           independent=1, entries=entries, seed=seed)


def draws(config, n_draws, seed):
    """Weights as they are first drawn, with gains and offsets that are not 1 and 0, where a mistake could hide."""
    params = init(config, n_seeds=n_draws, seed=seed, embedding_scale=1.0, dtype=np.float64)
    rng = generator(seed, "gains")
    return {name: params[name] + 0.3 * rng.normal(size=(n_draws, *shape))
            for name, shape in parameter_shapes(config).items()}
