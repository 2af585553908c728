"""What a score is made of, and operations counted."""

import numpy as np
import pytest

from chapters.ch04.places import score_terms
from transformer_lab import generator
from transformer_lab.analysis.operations import count_operations
from transformer_lab.byhand.attention import attend
from transformer_lab.byhand.ends import one_hot


def test_the_four_terms_sum_to_the_scores_of_attention():
    rng = generator(0, "terms")
    x_E, x_pos, W_Q, W_K = (rng.normal(size=shape) for shape in [(5, 8), (5, 8), (8, 3), (8, 3)])
    x = x_E + x_pos
    scores = attend(x @ W_Q, x @ W_K, x @ W_K)["scores"]
    np.testing.assert_allclose(sum(score_terms(x_E, x_pos, W_Q, W_K).values()), scores, atol=1e-13)
    terms = score_terms(x_E, 0 * x_pos, W_Q, W_K)
    assert [name for name, value in terms.items() if value.any()] == ["token-token"]
    assert score_terms(x_E, x_pos, W_Q, W_K)["token-place"][1, 2] == pytest.approx(
        sum(x_E[1] @ W_Q[:, j] * (x_pos[2] @ W_K[:, j]) for j in range(3)) / np.sqrt(3))


def test_counting_finds_what_the_definitions_say():
    tokens, table = np.array([1, 1, 0, 4]), generator(0, "table").normal(size=(5, 3))
    hot = one_hot(tokens, 5)
    assert count_operations(lambda hot, table: hot @ table, hot, table)["multiply"] == 4 * 5 * 3
    assert count_operations(lambda table: table[tokens], table) == {"multiply": 0, "add": 0}
    assert count_operations(lambda a: 2 * a + a, np.ones(7)) == {"multiply": 7, "add": 7}
    assert count_operations(lambda a: a.sum(), np.ones(7)) == {"multiply": 0, "add": 6}
