"""Swapping matrices, shares, attention and copying, on heads whose answer is known."""

import numpy as np
import pytest

from chapters.ch03.study import attention_to_target, copying, share_of_writing, swapped_losses
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head, small_head
from transformer_lab.errors import LabError
from transformer_lab.tasks.patterns import PatternTask, sample

TASK, CONFIG = PatternTask(distinct=True), OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
PATTERNS = sample(TASK, 50, seed=0)


def built(look, write):
    return small_head.as_head({"look": look, "away": 0.0, "write": write}, TASK)


def test_swapping_gives_the_exact_losses_of_the_small_head():
    losses = swapped_losses(built(0.0, 0.0), built(3.0, 4.0), CONFIG, PATTERNS)
    sizes = {"neither": (0.0, 0.0), "look": (3.0, 0.0), "write": (0.0, 4.0), "both": (3.0, 4.0)}
    for part, (look, write) in sizes.items():
        exact = small_head.loss({"look": look, "away": 0.0, "write": write}, TASK)
        assert losses[part] == pytest.approx(exact, rel=1e-12)
    assert losses["look"] == losses["neither"]
    assert 0.5 < share_of_writing(**losses) < 1


def test_swapping_takes_learned_positions_with_looking_and_keeps_the_axis_of_seeds():
    config = OneHeadConfig(d_vocab=26, n_ctx=20, positions="learned", d_pos=4)
    first, last = one_head.init(config, n_seeds=3), one_head.init(config, n_seeds=3, seed=9, scale=1.0)
    losses = swapped_losses(first, last, config, PATTERNS)
    mixed = first | {"W_QK": last["W_QK"], "W_pos": last["W_pos"]}
    expected = one_head.loss(one_head.forward(mixed, one_head.encode(PATTERNS.tokens, config, mixed))["logits"],
                             PATTERNS.targets)
    np.testing.assert_array_equal(losses["look"], expected)
    assert losses["both"].shape == (3,)


def test_shares_add_up_whichever_comes_first():
    rng = np.random.default_rng(0)
    neither, look, write, both = rng.normal(size=(4, 10))
    writing = share_of_writing(neither, look, write, both)
    looking = share_of_writing(neither, write, look, both)
    np.testing.assert_allclose(writing + looking, 1)


def test_attention_to_the_target_is_that_of_the_small_head():
    for look in (-2.0, 0.0, 1.5):
        params = {"look": look, "away": 0.0, "write": 1.0}
        expected = small_head.forward(params, TASK)["pattern"][0, TASK.target_slot]
        assert attention_to_target(built(look, 1.0), CONFIG, PATTERNS) == pytest.approx(expected)
    assert attention_to_target(built(0.0, 1.0), CONFIG, PATTERNS) == pytest.approx(1 / 5)


def test_copying():
    assert copying(built(0.0, 3.0)["W_OV"]) == pytest.approx(3 - 3 / 26)
    assert copying(np.stack([np.ones((30, 26)), -np.eye(30, 26)])).tolist() == pytest.approx([0, -25 / 26])
    with pytest.raises(LabError):
        copying(np.zeros(3))
