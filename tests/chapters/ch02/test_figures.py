"""The figures of the one-head model: their words come from the data, they stay small, and nonsense is refused."""

import numpy as np
import pytest

from chapters.ch02 import figures as many_heads
from chapters.ch02.one_sequence import one_sequence
from transformer_lab import LabError, OneHeadConfig, generator
from transformer_lab.byhand.one_head import encode, init
from transformer_lab.plots import one_head
from transformer_lab.tasks.patterns import PatternTask, sample, spell

CONFIG = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
LINE = sample(PatternTask(), 1, seed=0)
TOKENS = spell(LINE.tokens)[0]
X = encode(LINE.tokens, CONFIG)[0]
PARAMS = init(CONFIG, scale=1.0)
SEEN = one_sequence(PARAMS["W_QK"], PARAMS["W_OV"], X, int(LINE.targets[0]))
RUNS = generator(0, "runs").random((20, 26)).cumsum(axis=1) / 26


def sparse(rows, columns, at, value):
    matrix = np.full((rows, columns), -0.001)
    matrix[at] = value
    return matrix


FIGURES = {
    "matrices": (lambda: one_head.both_matrices(sparse(46, 46, (45, 31), 14.2), sparse(46, 26, (2, 3), 8.0)),
                 "weights from −0.001 to 14, the largest in the row of position 20 and the column of position 6. "
                 "What to write: W_OV: 46 rows and 26 columns, weights from −0.001 to 8, the largest in the row of "
                 "letter C"),
    "input": (lambda: one_head.input_rows(X, TOKENS), "A table of 20 rows and 46 columns"),
    "strips": (lambda: one_head.strips({"a": np.arange(20) / 20}, TOKENS),
               "from 0 to 0.95, the largest for K, number 20"),
    "jacobian": (lambda: one_head.jacobian(SEEN["jacobian"], TOKENS), "A square table of 20 rows. On the diagonal"),
    "sum": (lambda: one_head.running_sum(SEEN["products"], TOKENS),
            "only the rows of letter K and position 20 fill up"),
    "same": (lambda: one_head.three_gradients(SEEN["d_W_OV"], SEEN["d_W_OV"], 1e9, "W_OV"), "is empty"),
    "other": (lambda: one_head.three_gradients(SEEN["d_W_OV"], SEEN["d_W_OV"] * 0.999, 1e9, "W_OV"), "visible cells"),
    "steps": (lambda: many_heads.error_by_step(10.0 ** -np.arange(1, 6),
                                               {"central": np.array([0.1, 1e-3, 1e-5, 1e-4, 1e-3])}),
              "central: best near a step of 1e-3, where the error is about 1e-5; at the smallest step about 1e-3."),
    "curves": (lambda: many_heads.learning_curves(np.arange(26), {"an arm": np.clip(RUNS, 0, 1)}, {"ceiling": 0.305}),
               "ceiling: a dashed line at 30.5 percent."),
    "attention": (lambda: many_heads.attention_by_position(np.tile([0.8, 0.1, 0.1], (4, 1)), [0]),
                  "Positions 1 get 80 to 80 percent of the attention, every other one 10.0 to 10.0 percent."),
    "unseen": (lambda: many_heads.unseen_letters(np.array([0, 0.04]), np.array([0, 0.04])),
               "2 dots on a dashed diagonal"),
    "apart": (lambda: many_heads.unseen_letters(np.array([0, 0.04]), np.array([0, 0.05])), "2 dots about a dashed"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_words_come_from_the_data_and_the_bytes_repeat(name):
    draw, words = FIGURES[name]
    assert words in draw().alt
    assert draw()._repr_html_() == draw()._repr_html_()
    assert all(len(svg) < 25_000 for svg in draw().svgs)


@pytest.mark.parametrize("call", [
    lambda: one_head.both_matrices(np.ones((4, 5)), np.ones((4, 3))), lambda: one_head.input_rows(X, TOKENS[:-1]),
    lambda: one_head.both_matrices(np.ones((4, 4)), np.ones((5, 3))), lambda: one_head.strips({"a": np.ones(3)}, "AB"),
    lambda: one_head.jacobian(np.ones((3, 3)), "AB"), lambda: one_head.running_sum(np.ones((2, 3, 4)), "AB"),
    lambda: one_head.three_gradients(np.ones((3, 3)), np.ones((3, 2)), 1e9, "W"),
    lambda: many_heads.learning_curves(np.arange(2), {"arm": np.ones((3, 3))}, {}),
    lambda: many_heads.learning_curves(np.arange(2), {"arm": np.full((3, 2), 40.0)}, {}),
    lambda: many_heads.attention_by_position(-np.ones((2, 3)), [0]),
    lambda: many_heads.unseen_letters(np.ones(2), np.ones(3)),
])
def test_nonsense_is_refused_in_the_package_s_own_words(call):
    with pytest.raises(LabError):
        call()
