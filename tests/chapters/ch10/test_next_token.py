"""The measures of a writer against counting by hand."""

import numpy as np
import pytest

from chapters.ch10.next_token import measure
from transformer_lab import LabError, places
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.expressions import EOS, answer_tokens, tokenize, value


def test_the_measures_count_what_they_say():
    """The shipped model with a bias towards one digit makes mistakes of all kinds; they are counted one by one."""
    model, _ = load(places.shipped("digits", "two-digits-0"))
    bias = model.params["b_U"].copy()
    bias[5] += 9
    model = DigitModel(model.run, model.params | {"b_U": bias})
    inputs = model.run.task.parts.held_out[:150]
    forced, free, first, whole = [], [], np.zeros(3, dtype=int), 0
    for x in inputs:
        question, answer = tokenize(x), [*answer_tokens(value(x)), EOS]
        said = model.logits(np.array([question + answer[:-1]]))[0].argmax(-1)[len(question) - 1:]
        forced += [a == b for a, b in zip(said, answer, strict=True)]
        written = list(question)
        while len(written) < len(question) + len(answer):
            written.append(int(model.logits(np.array([written[:model.run.model.n_ctx]]))[0, -1].argmax()))
            if written[-1] == EOS:
                break
        written = written[len(question):] + [None] * 3
        hits = [a == b for a, b in zip(written, answer, strict=False)]
        free += hits
        whole += all(hits)
        if not all(hits):
            first[hits.index(False)] += 1
    found = measure(model, inputs)
    assert 0 < whole < len(inputs) and found["whole"] == whole / len(inputs)
    assert found["forced"] == pytest.approx(np.mean(forced)) and found["free"] == pytest.approx(np.mean(free))
    assert [found[f"wrong_at_{i}"] for i in range(3)] == first.tolist()


def test_an_answer_that_is_not_written_has_no_other_targets():
    with pytest.raises(LabError, match="counted: got 'all'"):
        RECIPES["digits"].replace(counted="all")
