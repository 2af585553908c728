"""The figure of all heads: every weight that counts is a line, values without length take nothing, words say what is
drawn."""

import re

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.plots import attention_heads

RNG = generator(0, "figure of heads")
WORDS = ["Max", "(", "5", ")"]
PATTERN = RNG.dirichlet(np.ones(4) / 2, size=(2, 3, 4))
ROLE = re.compile(r"--lab-(query|key|value|residual|mlp)\b")


def lines(figure) -> int:
    """Strokes between tokens in the large panel."""
    return sum(len(re.findall("[Mm]", path)) for path in
               re.findall(r'<path d="([^"]+)"[^>]*stroke:var\(--lab-amount', figure.svgs[-1]))


@pytest.mark.parametrize("head", [(0, 0), (1, 2)])
def test_there_is_a_small_table_for_each_head_and_a_line_for_each_weight(head):
    figure = attention_heads(PATTERN, WORDS, head=head)
    assert len(figure.svgs) == 7 and lines(figure) == (PATTERN[head] >= 0.02).sum() > 8
    assert all(f"layer {layer}, head {which}" in figure.alt for layer in range(2) for which in range(3))
    for q, row in enumerate(PATTERN[head]):
        assert f"{WORDS[q]} takes most from {WORDS[row.argmax()]} ({row.max():.2f})" in figure.alt


def test_without_a_head_the_sharpest_is_large():
    sharp = PATTERN.copy()
    sharp[1, 0] = np.eye(4)
    assert "Layer 1, head 0, large" in attention_heads(sharp, WORDS).alt


def test_what_has_no_length_takes_nothing_however_much_attention_it_gets():
    norms = np.ones((2, 3, 4))
    norms[0, 1, 2] = 0
    pattern = PATTERN.copy()
    pattern[0, 1] = np.eye(4)[[2, 2, 2, 2]] * 0.97 + 0.01
    found = attention_heads(pattern, WORDS, head=(0, 1), norms=norms)
    assert lines(attention_heads(pattern, WORDS, head=(0, 1))) == 4 and lines(found) == 0
    assert "attention × length of value" in found.alt


def test_doubled_values_change_nothing():
    norms = RNG.random((2, 3, 4)) + 0.1
    assert attention_heads(PATTERN, WORDS, norms=norms)._repr_html_() == attention_heads(
        PATTERN, WORDS, norms=2 * norms)._repr_html_()


def test_only_query_and_key_wear_a_roles_colour_and_type_is_large_enough():
    page = attention_heads(PATTERN, WORDS)._repr_html_()
    assert set(ROLE.findall(page)) == {"query", "key"}
    assert min(float(size) for size in re.findall(r"font-size:([\d.]+)px", page)) >= 11


@pytest.mark.parametrize("call", [
    lambda: attention_heads(PATTERN, WORDS[:3]), lambda: attention_heads(PATTERN[0], WORDS),
    lambda: attention_heads(PATTERN, WORDS, head=(2, 0)), lambda: attention_heads(PATTERN, WORDS, head=(0, 3)),
    lambda: attention_heads(PATTERN, WORDS, norms=np.ones((2, 4))), lambda: attention_heads(-PATTERN, WORDS),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
