"""Where the norm stands in a block: five ways to wire it, one of them by mistake, and weights at the start."""

from __future__ import annotations

import numpy as np
from torch import nn

from transformer_lab.byhand.transformer import init
from transformer_lab.config import ModelConfig
from transformer_lab.models.block import Block, below
from transformer_lab.models.transformer import Transformer
from transformer_lab.rules import Choice, Is, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run

__all__ = ["FIRST", "PLACEMENTS", "TASK", "MisWired", "MisWiredBlock", "first_weights", "model_of", "run_of"]

TASK = TextTask(n_ctx=32)

#: The ways to wire a block, and what the configuration calls them.
PLACEMENTS = {"before": {"placement": "pre"}, "after": {"placement": "post"}, "both": {"placement": "both"},
              "none": {"placement": "pre", "norm": "none"}, "mis-wired": {"placement": "pre"}}

#: How large the maps W_O and W_out, which write to the stream, are at first, beside 1 / sqrt(rows), for n layers.
FIRST = {"plain": lambda n_layers: 1.0, "shrunk": lambda n_layers: (2 * n_layers) ** -0.5,
         "silent": lambda n_layers: 0.0}

SHAPE = {"n_heads": 4, "positions": "none", "activation": "relu", "bias_mlp": False, "bias_unembed": False}
TRAINING = {"library": "torch", "batch": 8, "steps": 160, "warmup": 32, "lowest": 0.02, "beta2": 0.99,
            "weight_decay": 0.1, "embedding_scale": 1.0, "limit": 20.0}


class MisWiredBlock(Block):
    """A block with the norm before, by mistake: what the feed-forward layer says is added to the norm's output, and not
    to the stream.
    """

    def added(self, ln, x, part, tap):
        """A part added to the stream, the second one to the rows that it has read."""
        if ln != "ln2":
            return super().added(ln, x, part, tap)
        rows = self.norm(("pre",), ln, x, tap)
        return rows + part(rows)


class MisWired(Transformer):
    """The transformer of such blocks.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, d_mlp=16)
    >>> type(MisWired(config, first_weights(config)).blocks[0]).__name__
    'MisWiredBlock'
    """

    def __init__(self, config: ModelConfig, params: dict):
        super().__init__(config, params)
        self.blocks = nn.ModuleList(MisWiredBlock(config, below(params, f"blocks.{layer}."))
                                    for layer in range(config.n_layers))


@checked
def first_weights(config: Is(ModelConfig), first: Choice(FIRST) = "plain", seed: Seed = 0) -> dict:
    """Weights at the start: N(0, 1 / rows), embeddings N(0, 1), and what writes to the stream as ``first`` says.
    Queries are zero: every position begins by looking at all that it may see alike.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=64, n_heads=2, d_mlp=256, n_layers=8)
    >>> plain, shrunk = (first_weights(config, first)["blocks.0.W_out"] for first in ("plain", "shrunk"))
    >>> bool(np.allclose(plain, 4 * shrunk)), float(abs(first_weights(config)["blocks.0.W_Q"]).max())
    (True, 0.0)
    """
    params = init(config, seed=seed, embedding_scale=1.0)
    writes = np.float32(FIRST[first](config.n_layers) / FIRST["shrunk"](config.n_layers))
    factors = {"W_O": writes, "W_out": writes, "W_Q": np.float32(0)}
    return {name: value * factors.get(name.rpartition(".")[2], np.float32(1)) for name, value in params.items()}


@checked
def run_of(placement: Choice(PLACEMENTS), n_layers: Whole(1, 64), *, norm: Choice(("layer", "rms")) = "layer",
           d_model: Whole(8, 1024) = 32, seed: Seed = 0, **training) -> Run:
    """A run with the norm in this place: of so many layers, ``d_model`` wide, on Tiny Shakespeare.

    >>> run_of("none", 4).model.norm, run_of("after", 4, steps=50, learning_rate=0.1).training.steps
    ('none', 50)
    """
    shape = SHAPE | {"n_layers": n_layers, "d_model": d_model, "d_mlp": 4 * d_model, "norm": norm}
    return Run.of(TASK, **shape | PLACEMENTS[placement], **TRAINING | {"seed": seed} | training)


@checked
def model_of(placement: Choice(PLACEMENTS), config: Is(ModelConfig), params: dict) -> Transformer:
    """The model, its blocks wired as ``placement`` says.

    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, d_mlp=16)
    >>> type(model_of("mis-wired", config, first_weights(config))).__name__
    'MisWired'
    """
    return (MisWired if placement == "mis-wired" else Transformer)(config, params)
