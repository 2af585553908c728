"""Blindness to order: measured on attention, and its price counted against two other counts."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from chapters.ch04.order import blind_ceiling, equivariance_gap, invariance_gap, orders
from transformer_lab import LabError, generator
from transformer_lab.byhand.attention import causal_mask, multi_head
from transformer_lab.byhand.positions import sinusoids
from transformer_lab.tasks.patterns import PatternTask, brute_force_ceiling

N_CTX, D_MODEL = 6, 8


def head(seed, mask=None, layers=1):
    """Attention with a residual stream, two heads a layer."""
    rng = generator(seed, "weights")
    params = [{name: rng.normal(size=shape) / 2 for name, shape in
               [("W_Q", (8, 2, 4)), ("W_K", (8, 2, 4)), ("W_V", (8, 2, 4)), ("W_O", (2, 4, 8))]} for _ in range(layers)]

    def run(x):
        for layer in params:
            x = x + multi_head(layer, x, mask)["attn_out"]
        return x

    return run


def rows(seed):
    return generator(seed, "rows").normal(size=(N_CTX, D_MODEL))


def test_orders_are_all_orders_and_each_once():
    table = orders(5, fixed=[0, -1])
    assert len({tuple(row) for row in table}) == len(table) == 6
    assert (table[:, [0, -1]] == [0, 4]).all() and (np.sort(table, axis=1) == np.arange(5)).all()
    assert (orders(3, fixed=(0, 1, 2)) == [[0, 1, 2]]).all()


@pytest.mark.parametrize("seed", range(5))
def test_attention_without_positions_commutes_with_every_order_of_its_rows(seed):
    assert equivariance_gap(head(seed, layers=2), rows(seed)) < 1e-13


@pytest.mark.parametrize("seed", range(5))
def test_positions_and_a_causal_mask_each_break_it(seed):
    places = sinusoids(N_CTX, D_MODEL)
    assert equivariance_gap(lambda x: head(seed)(x + places), rows(seed)) > 0.1
    assert equivariance_gap(head(seed, causal_mask(N_CTX)), rows(seed)) > 0.1


def test_under_a_causal_mask_one_layer_reads_a_bag_at_its_last_row_and_two_layers_do_not():
    stay = orders(N_CTX, fixed=[-1])
    one, two = (lambda x, n=n: head(0, causal_mask(N_CTX), n)(x)[:, -1] for n in (1, 2))
    assert invariance_gap(one, rows(0), stay) < 1e-13
    assert invariance_gap(two, rows(0), stay) > 0.01


def test_the_gap_is_the_largest_over_all_orders_and_not_a_mean():
    x = np.array([[0.0], [0.0], [1.0]])
    assert equivariance_gap(lambda x: x * (x[:, :1] == 1), x) == 1  # seen only where the 1 comes first
    assert equivariance_gap(lambda x: x * (x[:, :1] == 1), x, orders(3, fixed=[2])) == 0


def test_first_of_three_digits_can_be_right_in_43_of_100():
    """By counting: the largest multiplicity is 1 in 720 of 1,000 triples, 2 in 270 and 3 in 10."""
    triples = np.array(list(product(range(10), repeat=3)))
    assert blind_ceiling(triples, triples[:, 0]) == Fraction(720 * 1 + 270 * 2 + 10 * 3, 3000) == Fraction(43, 100)
    assert blind_ceiling(triples, triples.max(axis=1)) == 1


def test_the_ceiling_agrees_with_that_of_the_patterns_when_the_last_token_is_marked():
    task = PatternTask(alphabet=4, period=3, n_ctx=7)
    letters = np.array(list(product(range(4), repeat=3)))
    tokens = letters[:, task.slots]
    tokens[:, -1] += 4  # a token of its own: the bag now says which one came last
    assert blind_ceiling(tokens, letters[:, task.target_slot]) == brute_force_ceiling(task, positions=False)


@pytest.mark.parametrize("call", [
    lambda: orders(9), lambda: orders(3, fixed=[3]), lambda: equivariance_gap("f", np.ones((2, 2))),
    lambda: equivariance_gap(lambda x: x, np.ones(3)), lambda: blind_ceiling([[1, 2]], [1, 2]),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
