"""The exact order test against a slow one that tries every order, and against what must be so."""

from itertools import permutations

import numpy as np
import pytest

from chapters.ch09.digit_geometry import cosines, order_correlation, order_test
from transformer_lab import LabError, generator

ROWS = generator(0, "digit rows").normal(size=(3, 6, 8))


def slow_test(similarity):
    """All orders, one after the other, with NumPy's own correlation."""
    n = len(similarity)
    i, j = np.triu_indices(n, 1)
    found = [np.corrcoef(similarity[i, j], abs(order[i] - order[j]))[0, 1]
             for order in map(np.array, permutations(range(n)))]
    return found[0], sum(value <= found[0] + 1e-9 for value in found), np.histogram(found, np.linspace(-1, 1, 11))[0]


def test_the_test_tries_every_order():
    similarity = cosines(ROWS)
    found = order_test(similarity, bins=10)
    for seed, table in enumerate(similarity):
        true, as_steep, counts = slow_test(table)
        assert found.correlation[seed] == pytest.approx(true, abs=1e-12)
        assert found.as_steep[seed] == as_steep and found.p[seed] == as_steep / 720
        assert np.array_equal(found.counts[seed], counts)
    np.testing.assert_allclose(order_correlation(similarity), found.correlation, atol=1e-12)


def test_numbers_on_a_line_are_the_best_of_all_orders_of_ten():
    line = np.stack([np.cos(np.arange(10) / 6), np.sin(np.arange(10) / 6)], axis=-1)
    found = order_test(cosines(line))
    assert found.orders == 3_628_800 == found.counts.sum() and found.as_steep == 2
    assert order_test(-cosines(line)).as_steep == found.orders


def test_p_is_uniform_where_there_is_no_order():
    p = order_test(cosines(generator(1, "digit rows").normal(size=(400, 5, 8)))).p
    for level in (0.1, 0.3, 0.5, 0.8):
        assert (p <= level).mean() == pytest.approx(level, abs=0.075)  # three standard errors


def test_cosines_do_not_see_lengths():
    lengths = generator(2, "lengths").uniform(0.1, 10, size=(3, 6, 1))
    np.testing.assert_allclose(cosines(lengths * ROWS), cosines(ROWS), atol=1e-12)
    assert cosines(ROWS)[..., range(6), range(6)] == pytest.approx(1)


@pytest.mark.parametrize("call", [
    lambda: cosines([[0.0, 0.0], [1.0, 0.0]]), lambda: cosines([1.0]), lambda: order_test(np.eye(2)),
    lambda: order_test(np.eye(11)), lambda: order_correlation(np.ones((4, 4))), lambda: order_test(np.eye(4), bins=0),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
