"""How many multiplications and additions a training step takes: counted from the shapes, term by term."""

from __future__ import annotations

import math

from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked

__all__ = ["forward_flops", "step_flops", "weights_of"]


@checked
def forward_flops(config: ModelConfig) -> dict[str, int]:
    r"""Operations of the matrix products for one token on the way forward, by part (eq-forward-flops).

    A product of a row of :math:`m` numbers with an :math:`m \times n` matrix takes :math:`2mn`: each entry is
    multiplied and added. Norms, softmax, activations and the table of embeddings are left out, as PyTorch's counter
    does.

    >>> config = ModelConfig(d_vocab=65, n_ctx=64, d_model=64, n_heads=4, d_mlp=256, n_layers=2)
    >>> forward_flops(config)
    {'maps of attention': 65536, 'scores and sums': 32768, 'feed-forward': 131072, 'unembedding': 8320}
    """
    d, layers, inner = config.d_model, config.n_layers, config.n_heads * config.d_head
    return {"maps of attention": layers * 8 * d * inner, "scores and sums": layers * 4 * config.n_ctx * inner,
            "feed-forward": layers * 4 * d * config.d_mlp, "unembedding": 2 * d * config.d_vocab}


@checked
def step_flops(config: ModelConfig, tokens: Whole(1)) -> int:
    """Operations of a training step of so many tokens: the way back multiplies each matrix twice, so three times those
    of the way forward (eq-step-flops).

    >>> step_flops(ModelConfig(d_vocab=65, n_ctx=64, d_model=64, n_heads=4, d_mlp=256, n_layers=2), 1024)
    730202112
    """
    return 3 * tokens * sum(forward_flops(config).values())


@checked
def weights_of(config: ModelConfig) -> dict[str, int]:
    """How many numbers a model has: in the table of tokens and the unembedding, and in all else.

    >>> weights_of(ModelConfig(d_vocab=65, n_ctx=64, d_model=8, n_heads=2, n_layers=1, d_mlp=32, positions="rotary",
    ...                        norm="rms", bias_mlp=False, bias_unembed=False))
    {'tables': 1040, 'blocks': 792}
    """
    sizes = {"tables": 0, "blocks": 0}
    for name, shape in parameter_shapes(config).items():
        sizes["tables" if name in ("W_E", "W_U") else "blocks"] += math.prod(shape)
    return sizes
