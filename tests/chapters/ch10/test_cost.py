"""The cost of a token, counted a second time: by the matrix products that the forward pass makes."""

import numpy as np
import pytest

from chapters.ch10.cost import multiply_adds, parameters
from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import forward, init

SHAPES = [ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, positions="learned",
                      norm="layer", mask="causal"),
          ModelConfig(d_vocab=7, n_ctx=5, d_model=6, n_heads=3, d_head=4, n_layers=3, d_mlp=10, mask="causal"),
          ModelConfig(d_vocab=9, n_ctx=3, d_model=8, n_heads=2, output_projection=False, tied=True, mask="causal")]


@pytest.mark.parametrize("config", SHAPES)
def test_a_model_has_as_many_numbers_as_it_starts_with(config):
    assert parameters(config) == sum(value.size for value in init(config).values())


@pytest.mark.parametrize("config", SHAPES)
@pytest.mark.parametrize("last", [False, True])
def test_multiply_adds_are_those_of_the_products(config, last):
    """From the sizes of what each product takes and gives: as many as its results times the length of their sums."""
    position = config.n_ctx - 1 if last else 0
    acts = forward(init(config), np.zeros((1, position + 1), dtype=int), config)
    count = acts["logits"][0, position].size * config.d_model
    for layer in range(config.n_layers):
        heads = {name: acts[f"blocks.{layer}.{name}"][0, :, position] for name in ("q", "k", "v", "z", "scores")}
        count += sum(heads[name].size * config.d_model for name in ("q", "k", "v"))
        count += heads["scores"].size * config.d_head + heads["z"].size * (position + 1)
        count += config.d_model * heads["z"].size * config.output_projection
        if config.d_mlp:
            count += acts[f"blocks.{layer}.mlp_pre"][0, position].size * config.d_model + config.d_model * config.d_mlp
    assert multiply_adds(config, position) == count
