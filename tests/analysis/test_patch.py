"""Swapping: nothing swapped changes nothing, everything swapped is the other run, and one place is that place alone."""

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.analysis.ablation import followed, patch
from transformer_lab.byhand.transformer import forward, init

CONFIG = ModelConfig(d_vocab=6, n_ctx=5, d_model=8, n_heads=2, n_layers=2, d_mlp=16, mask="causal", norm="layer")
PARAMS = init(CONFIG, seed=3)
RNG = np.random.default_rng(3)
HERE, THERE = RNG.integers(6, size=(2, 7, 5))
NAME = "blocks.0.resid_post"


def with_swap(places, name=NAME):
    other = forward(PARAMS, THERE, CONFIG)
    tap = patch(name, other[name], np.array(places, dtype=int))
    return forward(PARAMS, HERE, CONFIG, tap=tap), other


def test_all_places_swapped_are_the_other_run():
    acts, other = with_swap(range(5))
    assert np.array_equal(acts["logits"], other["logits"])


def test_a_place_that_is_swapped_changes_itself_and_what_comes_after():
    acts, other = with_swap([2])
    before = forward(PARAMS, HERE, CONFIG)
    assert np.array_equal(acts[NAME][:, 2], other[NAME][:, 2])
    assert np.array_equal(acts[NAME][:, [0, 1, 3, 4]], before[NAME][:, [0, 1, 3, 4]])
    assert np.array_equal(acts["logits"][:, :2], before["logits"][:, :2])
    assert not np.isclose(acts["logits"][:, 4], before["logits"][:, 4]).all(axis=-1).any()


def test_answers_follow_where_all_is_swapped_and_stay_where_nothing_is_read():
    other = forward(PARAMS, THERE, CONFIG)
    said = other["logits"][:, 2].argmax(-1)

    def logits_with(tap):
        return forward(PARAMS, HERE, CONFIG, tap=tap)["logits"][:, 2]

    assert followed(logits_with, NAME, range(5), other[NAME], said) == 1
    kept = forward(PARAMS, HERE, CONFIG)["logits"][:, 2].argmax(-1)
    assert followed(logits_with, NAME, [3, 4], other[NAME], kept) == 1


def test_the_given_activation_is_not_changed():
    value = np.zeros((1, 2, 3))
    patch("z", np.ones((1, 2, 3)), [0])("z", value)
    assert not value.any()
