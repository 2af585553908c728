"""What the attention visualiser loads is written from the shipped records, and its means are over real places."""

import numpy as np

from chapters.ch18.page import heads_bytes, means
from transformer_lab import ModelConfig
from transformer_lab.analysis.cache import Runner
from transformer_lab.byhand.transformer import init
from transformer_lab.widgets.page_data import shipped_file


def test_the_shipped_file_is_what_the_records_give():
    assert heads_bytes() == shipped_file("attention-heads").read_bytes()


def test_padding_has_no_part_in_a_mean():
    config = ModelConfig(d_vocab=6, n_ctx=4, d_model=8, n_heads=2, mask="causal")
    tokens, run = np.array([[1, 2, 3, 0], [4, 5, 0, 0]]), Runner(init(config, dtype=np.float64), config)
    [found], z = means(run, tokens), run.cache(tokens)["blocks.0.z"]
    assert np.abs(found[:, :2] - z[:, :, :2].mean(axis=0)).max() < 1e-12
    assert np.abs(found[:, 2] - z[0, :, 2]).max() < 1e-12 and not found[:, 3].any()
