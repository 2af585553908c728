"""The chapter's check of a thousand instances, at the size of the book."""

import numpy as np
import pytest

from chapters.ch02.study import witnesses_agree
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.errors import LabError
from transformer_lab.tasks.patterns import PatternTask, sample
from transformer_lab.training import fit
from transformer_lab.training.stepper import Stepper

CONFIG, TASK = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot"), PatternTask()


def test_witnesses_agree_at_the_size_of_the_book_before_and_after_training():
    before = one_head.init(CONFIG, n_seeds=5)
    assert witnesses_agree(before, CONFIG, TASK, n_instances=100).ok
    patterns = sample(TASK, (5, 100), seed=0)
    head = Stepper(before, CONFIG, "sgd")
    fit(head, lambda step: patterns, steps=300, learning_rate=5.0, every=300)
    report = witnesses_agree(head.params, CONFIG, TASK, n_instances=100)
    assert report.ok, report
    assert report["W_QK", "autograd"].errors.shape == (100,)


def test_bad_input():
    params = one_head.init(CONFIG, n_seeds=2)
    for change in ({"params": {}}, {"config": 26}, {"task": "patterns"}, {"n_instances": 0}, {"entries": 0},
                   {"params": {name: np.full_like(value, np.nan) for name, value in params.items()}}):
        with pytest.raises(LabError):
            witnesses_agree(**({"params": params, "config": CONFIG, "task": TASK} | change))
