"""Chapter 14: what its package computes, against witnesses that share no code with it."""

import numpy as np

from chapters import ch14


def test_shares_are_those_of_the_package():
    from transformer_lab.byhand.attention import softmax

    x = np.array([0.0, 1.0, 3.0])
    assert np.allclose(ch14.check_shares.solution(x), softmax(x))
