"""A tap returns a value of the same shape, and one that should replace an activation must meet it; on every model."""

import numpy as np
import pytest
import torch

from transformer_lab import ModelConfig, OneHeadConfig
from transformer_lab.analysis.ablation import ablate, patch
from transformer_lab.byhand import one_head, transformer
from transformer_lab.errors import LabError, ShapeError, UnknownNameError
from transformer_lab.models.transformer import Transformer

CONFIG = ModelConfig(d_vocab=7, n_ctx=5, d_model=8, n_heads=2, n_layers=2, d_mlp=12, read_out="last")
PARAMS = transformer.init(CONFIG, dtype=np.float64)
TOKENS = np.array([[1, 2, 3]])
ONE = OneHeadConfig(d_vocab=7, n_ctx=3)
PASSES = {
    "by hand": lambda tap: transformer.forward(PARAMS, TOKENS, CONFIG, tap=tap),
    "the twin": lambda tap: Transformer(CONFIG, PARAMS)(torch.tensor(TOKENS), tap),
    "one head": lambda tap: one_head.forward(one_head.init(ONE), one_head.encode(TOKENS, ONE), tap),
}
WRONG = {"None": lambda name, value: None, "a row less": lambda name, value: value[:0],
         "a broadcast": lambda name, value: value[..., :1]}


@pytest.mark.parametrize("made", PASSES)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_tap_must_not_return_is_named(made, wrong):
    with pytest.raises(ShapeError, match=r"^tap\('\w+', value\): got"):
        PASSES[made](WRONG[wrong])


@pytest.mark.parametrize("made", PASSES)
@pytest.mark.parametrize("tap", [ablate("blocks.2.z"), ablate("blocks.99.attn_out"), ablate("ln2"), ablate("rot_q"),
                                 patch("pos_embed", np.ones((1, 3, 8)))])
def test_a_tap_that_meets_nothing_is_refused(made, tap):
    with pytest.raises(UnknownNameError, match=r"^tap: got .*an activation of this model"):
        PASSES[made](tap)


def test_a_gradient_of_the_wrong_shape_is_named():
    with pytest.raises(LabError, match=r"^tap\('d_logits', value\)"):
        transformer.loss_and_gradients(PARAMS, TOKENS, np.array([1]), CONFIG, tap=lambda name, value: (
            value[:0] if name.startswith("d_") else value))
