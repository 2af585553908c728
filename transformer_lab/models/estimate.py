"""What a model will cost, told from its configuration before it is built: parameters, memory, operations and time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..config import ModelConfig
from ..names import parameter_shapes
from ..rules import Number, Whole
from ..signatures import checked
from .encoder_decoder import EncoderDecoderConfig

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True)
class Estimate:
    """What one step of training with AdamW costs, and what writing remembers.

    ``flops`` counts a multiplication and an addition each, in matrix products alone: ``forward`` of one pass over the
    batch, ``step`` of a pass there and back. Memory is in bytes: ``weights``; ``training`` also with gradients and the
    two memories of the optimiser; ``activations`` are those that the way back needs; ``cache`` are the keys and values
    of a full context.
    """

    parameters: int
    forward: int
    weights: int
    activations: int
    cache: int

    @property
    def step(self) -> int:
        return 3 * self.forward

    @property
    def training(self) -> int:
        return 4 * self.weights

    @property
    def memory(self) -> int:
        return self.training + self.activations

    @checked
    def seconds(self, flops_per_second: Number(above=0)) -> float:
        """How long a step takes on a machine that does so many operations in a second."""
        return self.step / flops_per_second


@checked
def estimate(config: ModelConfig, batch: Whole(1) = 1, *, length: Whole(1) | None = None,
             bytes_per_number: Number(above=0, high=64) = 4) -> Estimate:
    """The cost of a configuration, of any family, at a batch of sequences of a length (``n_ctx``, if not given).

    >>> from transformer_lab.models.transformer import GPT2
    >>> small = ModelConfig(d_vocab=50257, n_ctx=1024, n_layers=12, n_heads=12, d_model=768, d_mlp=3072, **GPT2)
    >>> found = estimate(small)
    >>> f"{found.parameters:,}", round(found.weights / 2**20), round(found.forward / 1e9)
    ('124,439,808', 475, 292)
    """
    n = config.n_ctx if length is None else length
    parameters = sum(math.prod(shape) for shape in parameter_shapes(config).values())
    sides = [(config, False)]
    if isinstance(config, EncoderDecoderConfig):
        sides = [(config.encoder, False), (config.decoder, True)]
    products = sum(side.n_layers * (attention_flops(side, n) * (1 + cross) + mlp_flops(side, n))
                   for side, cross in sides)
    kept = sum(side.n_layers * (attention_kept(side, n) * (1 + cross) + mlp_kept(side, n)) + n * normed(side)
               for side, cross in sides)
    writer = sides[-1][0]
    numbers = 2 * writer.n_layers * writer.kv_heads * writer.d_head * n
    ends = end_flops(config, n)
    rows = n if config.read_out == "all" else 1
    return Estimate(parameters, int(batch * (products + ends)), int(bytes_per_number * parameters),
                    int(bytes_per_number * batch * (kept + rows * config.d_vocab)),
                    int(bytes_per_number * batch * numbers))


def attention_flops(c, n) -> int:
    """Of one layer, over n rows: queries, keys, values and output, then scores and what they weigh."""
    maps = c.d_model * c.d_head * (2 * c.kv_heads + c.n_heads * (1 + c.output_projection))
    return 2 * n * maps + 4 * n * n * c.n_heads * c.d_head


def mlp_flops(c, n) -> int:
    return 2 * n * c.d_model * c.d_mlp * (2 + c.gated)


def end_flops(c, n) -> int:
    """Of the read-out, and of what a family does before it."""
    if hasattr(c, "d_patch"):
        return 2 * (n - (c.read_out == "first")) * c.d_patch * c.d_model + 2 * c.d_model * c.d_vocab
    if hasattr(c, "masked_lm"):
        return c.masked_lm * 2 * n * c.d_model * (c.d_model + c.d_vocab)
    return 2 * (n if c.read_out == "all" else 1) * c.d_model * c.d_vocab


def attention_kept(c, n) -> int:
    """Numbers of one layer that the way back needs: rows and their norms, queries, keys and values of every head, the
    pattern, and what was read.
    """
    turned = 2 * n * c.d_head * (c.positions == "rotary")
    return n * (normed(c) + 4 * c.n_heads * c.d_head) + c.n_heads * n * n + turned


def mlp_kept(c, n) -> int:
    return n * (normed(c) + c.d_mlp * (2 + 2 * c.gated)) * bool(c.d_mlp)


def normed(c) -> int:
    """Numbers of a row that stay of it and of its norms."""
    each = {"none": 0, "layer": 1, "rms": 2}[c.norm]
    return c.d_model * (1 + each * (1 + (c.placement == "both")))
