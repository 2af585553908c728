"""The order study: the arms differ in one thing, the terms add up, and a few steps already show who is blind."""

from fractions import Fraction

import numpy as np
import pytest

from chapters.ch04 import study as order
from chapters.ch04.order import blind_ceiling
from chapters.ch04.places import TERMS
from transformer_lab import LabError
from transformer_lab.byhand.positions import sinusoids
from transformer_lab.byhand.transformer import forward


@pytest.fixture(scope="module")
def trained():
    return {arm: order.train(arm, seeds=range(3), steps=60, every=60) for arm in order.ARMS}


def test_attention_on_the_digits_is_a_share_and_an_edit_of_the_scores_moves_it(trained):
    params, config = trained["learned"][0], order.config_of("learned")

    def only_digits(name, value):
        outside = np.isin(np.arange(8), order.ARGUMENTS, invert=True)
        return value - 1e9 * outside.astype(value.dtype) if name == order.SCORES else value

    assert all(((share > 0) & (share < 1)).all() for share in order.on_digits(params, config).values())
    assert np.allclose(list(order.on_digits(params, config, only_digits).values()), 1)


def test_every_input_of_every_operation_is_there_once():
    rows = np.concatenate([tokens for tokens, _ in order.inputs().values()])
    assert rows.shape == (5000, 8) and len(np.unique(rows, axis=0)) == 5000


CEILINGS = {name: blind_ceiling(*rows) for name, rows in order.inputs().items()}


def test_the_ceilings_are_those_of_counting():
    want = {"First": Fraction(43, 100), "Second": Fraction(43, 100), "Last": Fraction(43, 100)}
    assert want | {"Max": Fraction(1), "Min": Fraction(1)} == CEILINGS


def test_no_order_blind_model_passes_its_ceiling_trained_or_not(trained):
    for arm in ("no positions", "no positions, two layers"):
        for scores in (trained[arm][1], order.accuracy(trained[arm][0], order.config_of(arm))):
            for name, bound in CEILINGS.items():
                assert np.nanmax(scores[name]) <= float(bound)


def test_an_order_blind_model_gives_all_orders_of_a_question_one_answer(trained):
    params, config = trained["no positions, two layers"][0], order.config_of("no positions, two layers")
    tokens = order.inputs()["First"][0]
    swapped = tokens[:, [0, 1, 6, 3, 2, 5, 4, 7]]
    straight, turned = (forward(params, rows, config)["logits"] for rows in (tokens, swapped))
    np.testing.assert_allclose(straight, turned, atol=1e-4 * abs(straight).max())


def test_seeds_share_neither_first_weights_nor_batches_and_do_not_depend_on_their_company():
    pair, alone = (order.train("learned", seeds=seeds, steps=2, every=1)[0] for seeds in ([4, 5], [5]))
    for name in alone:
        np.testing.assert_allclose(pair[name][1], alone[name][0], atol=1e-6)
    first = order.untrained("learned", [4, 5])
    assert not np.array_equal(first["W_E"][0], first["W_E"][1])
    moved = pair["b_U"] - first["b_U"]            # its gradient depends on nothing but the batch at the first step
    assert not np.array_equal(moved[0], moved[1])


def test_the_shipped_record_is_what_a_seed_does_now():
    shipped = order.POSITIONS.load().sel(arm="sinusoidal", seed=[3])
    again = order.measured("sinusoidal", [3])
    np.testing.assert_allclose(again["accuracy"][1], shipped["accuracy"], atol=0.02)


@pytest.mark.parametrize("arm", ["sinusoidal", "learned"])
def test_the_four_terms_are_the_scores_and_their_shares_sum_to_one(trained, arm):
    params, config = trained[arm][0], order.config_of(arm)
    tokens = order.inputs()["Max"][0][:7]
    acts = forward(params, tokens, config)
    places = sinusoids(8, 16)[None] if arm == "sinusoidal" else params["W_pos"]
    for seed in range(3):
        x = params["W_E"][seed][tokens] + places[min(seed, len(places) - 1)]
        q, k = (x @ params[f"blocks.0.{name}"][seed, :, 0] for name in ("W_Q", "W_K"))
        np.testing.assert_allclose(acts[order.SCORES][seed, :, 0], q @ k.swapaxes(-1, -2) / 4, atol=1e-4)
    for row in order.shares(params, config).values():
        assert set(row) == set(TERMS)
        np.testing.assert_allclose(sum(row.values()), 1, atol=1e-5)


def test_what_the_terms_take_out_one_by_one_is_the_whole_score(trained):
    params, config = trained["sinusoidal"][0], order.config_of("sinusoidal")
    tokens = order.inputs()["Min"][0][:5]
    whole = forward(params, tokens, config)[order.SCORES]
    parts = [whole - forward(params, tokens, config, tap=order.without(term, params))[order.SCORES]
             for term in TERMS]
    np.testing.assert_allclose(sum(parts), whole, atol=1e-4)
    assert all(np.abs(part).max() > 1e-3 for part in parts)


@pytest.mark.parametrize("call", [
    lambda: order.train("no place", seeds=[0]), lambda: order.train("learned", seeds=[0], steps=0),
    lambda: order.config_of(None),
    lambda: order.without("places", {}), lambda: order.shares([], order.config_of("learned")),
    lambda: order.shares(order.untrained("no positions", [0]), order.config_of("no positions")),
    lambda: order.accuracy(order.untrained("learned", [0]), order.config_of("learned"),
                           order.without("token-token", {"W_Q": 1})),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
