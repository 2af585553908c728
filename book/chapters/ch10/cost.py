r"""What one more token costs: multiplications and additions, counted from the shape of a model.

With the keys and values of the tokens before it at hand, the token at position :math:`t` (from 0) takes

.. math:: 4\, d_\text{model} n_\text{heads} d_\text{head} + 2\, d_\text{model} d_\text{mlp}
          + 2\, (t + 1)\, n_\text{heads} d_\text{head}

multiply-adds in a layer, and :math:`d_\text{model} d_\text{vocab}` for its logits (eq-multiply-adds). Looking up a row,
norms, nonlinearities and the softmax are left out: they are few.
"""

from __future__ import annotations

from math import prod

from transformer_lab.checks import check_whole
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.signatures import checked

__all__ = ["multiply_adds", "parameters"]


@checked
def parameters(config: ModelConfig) -> int:
    """How many numbers a model learns.

    >>> parameters(ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, norm="layer"))
    102164
    """
    return sum(prod(shape) for shape in parameter_shapes(config).values())


@checked
def multiply_adds(config: ModelConfig, position: int) -> int:
    """Multiply-adds for the logits at ``position``, the earlier keys and values being known (eq-multiply-adds).

    >>> multiply_adds(ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256), 7)
    101632
    """
    seen = 1 + check_whole("position", position, low=0, high=config.n_ctx - 1)
    heads = config.n_heads * config.d_head
    attention = (3 + config.output_projection) * config.d_model * heads + 2 * seen * heads
    return config.n_layers * (attention + 2 * config.d_model * config.d_mlp) + config.d_model * config.d_vocab
