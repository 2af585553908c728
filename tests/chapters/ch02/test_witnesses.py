"""The chapter's check of a thousand instances, at the size of the book."""

import numpy as np

from chapters.ch02.twin import gradients
from transformer_lab import OneHeadConfig
from transformer_lab.byhand import one_head
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.tasks.patterns import PatternTask, sample
from transformer_lab.training import fit
from transformer_lab.training.stepper import Stepper

CONFIG, TASK = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot"), PatternTask()


def witnesses_agree(params, n_instances=100):
    """Weights of a few models in turn, each time with two fresh lines, against three witnesses on 20 random entries."""
    params = {name: value[np.arange(n_instances) % len(value)] for name, value in params.items()}
    tokens, targets = sample(TASK, (n_instances, 2), seed=0, purpose="witnesses")
    x = one_head.encode(tokens, CONFIG)

    def autograd(params):
        return {name: grad for name, grad in gradients(params, x, targets).items() if name in params}

    return check_gradients(lambda params: one_head.loss(one_head.forward(params, x)["logits"], targets), params,
                           lambda params: one_head.backward(params, one_head.forward(params, x), targets),
                           witnesses=("complex_step", "central_differences", autograd), independent=1, entries=20)


def test_witnesses_agree_at_the_size_of_the_book_before_and_after_training():
    before = one_head.init(CONFIG, n_seeds=5)
    assert witnesses_agree(before).ok
    patterns = sample(TASK, (5, 100), seed=0)
    head = Stepper(before, CONFIG, "sgd")
    fit(head, lambda step: patterns, steps=300, learning_rate=5.0, every=300)
    report = witnesses_agree(head.params)
    assert report.ok, report
    assert report["W_QK", "autograd"].errors.shape == (100,)
