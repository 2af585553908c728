"""Silencing an activation is what setting the weights behind it would do, and nothing else changes."""

import numpy as np
import pytest

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.analysis.ablation import ablate, means_of
from transformer_lab.byhand.transformer import forward, init

CONFIG = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, n_layers=2, d_mlp=12, positions="learned", norm="layer",
                     read_out="last")
RNG = generator(0, "ablation")
PARAMS = {name: value + 0.3 * RNG.normal(size=value.shape)
          for name, value in init(CONFIG, n_seeds=3, dtype=np.float64).items()}
TOKENS = RNG.integers(7, size=(3, 6, 5))

# the same model with a part taken out, made by zero weights instead
BY_WEIGHTS = {("blocks.0.attn_out", None): {"blocks.0.W_O": ...}, ("blocks.1.z", 1): {"blocks.1.W_O": np.s_[:, 1]},
              ("blocks.1.mlp_out", None): {"blocks.1.W_out": ..., "blocks.1.b_out": ...}}


@pytest.mark.parametrize(("name", "head"), BY_WEIGHTS)
def test_silence_is_what_zero_weights_do(name, head):
    zeroed = {key: value.copy() for key, value in PARAMS.items()}
    for key, where in BY_WEIGHTS[name, head].items():
        zeroed[key][where] = 0
    got = forward(PARAMS, TOKENS, CONFIG, tap=ablate(name, head=head))
    want = forward(zeroed, TOKENS, CONFIG)
    assert np.abs(got["logits"] - want["logits"]).max() <= 1e-12
    assert np.abs(got["logits"] - forward(PARAMS, TOKENS, CONFIG)["logits"]).max() > 1e-3


def test_a_mean_stands_in_for_the_part_on_every_input():
    name = "blocks.0.mlp_out"
    acts = forward(PARAMS, TOKENS, CONFIG)
    means = means_of(lambda tap: forward(PARAMS, TOKENS, CONFIG, tap=tap), name)
    assert means.shape == (3, 1, 5, 8)
    assert np.abs(means[:, 0] - acts[name].mean(axis=1)).max() <= 1e-14
    changed = forward(PARAMS, TOKENS, CONFIG, tap=ablate(name, value=means))
    assert np.ptp(changed[name], axis=1).max() == 0
    assert np.abs(changed["blocks.0.resid_post"] - acts["blocks.0.resid_mid"] - means).max() <= 1e-14


def test_only_the_named_head_is_replaced_and_the_original_is_left_alone():
    z = RNG.normal(size=(3, 6, 2, 5, 4))
    before, changed = z.copy(), ablate("blocks.0.z", head=0)("blocks.0.z", z)
    assert (z == before).all() and (changed[:, :, 1] == z[:, :, 1]).all() and not changed[:, :, 0].any()


@pytest.mark.parametrize("call", [
    lambda: ablate("blocks.0.attnout"), lambda: ablate("blocks.0.z", head=-1),
    lambda: ablate("blocks.0.z", head=5)("blocks.0.z", np.zeros((1, 2, 3, 4))),
    lambda: ablate("embed", value=np.ones((2, 3)))("embed", np.zeros((1, 4, 5))),
    lambda: means_of(lambda tap: forward(PARAMS, TOKENS, CONFIG, tap=tap), "blocks.2.mlp_out"),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
