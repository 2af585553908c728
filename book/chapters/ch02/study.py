"""Chapter 02's check: do algebra, complex step, central differences and autograd agree, at a thousand places?"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand import one_head
from transformer_lab.byhand.gradcheck import Report, check_gradients
from transformer_lab.checks import check_entries, check_type, check_whole
from transformer_lab.config import OneHeadConfig
from transformer_lab.tasks.patterns import PatternTask, sample

from .twin import gradients

__all__ = ["witnesses_agree"]


def witnesses_agree(params: dict, config: OneHeadConfig, task: PatternTask, *, n_instances: int = 1000, batch: int = 2,
                    entries: int | None = 20, seed: int = 0) -> Report:
    """Hold the gradients of the mean loss against three witnesses, on many instances at once.

    An instance is one set of weights and one batch of fresh patterns.

    Parameters
    ----------
    params : dict of array
        Weights with a leading axis of models, as they were drawn or as training left them. Where there are fewer
        models than instances, they take turns, each time with another batch.
    config, task
        What the weights and the patterns are for.
    n_instances, batch : int
    entries : int, optional
        So many entries of each tensor, drawn at random; None for all.
    seed : int

    Returns
    -------
    Report
        ``report[tensor, witness].errors`` has one relative error an instance.

    Examples
    --------
    >>> config, task = OneHeadConfig(d_vocab=4, n_ctx=6, positions="one_hot"), PatternTask(4, 3, 6)
    >>> witnesses_agree(one_head.init(config, n_seeds=10), config, task, n_instances=10, entries=3)
    tensor  witness              relative error
    W_QK    complex_step         ✓ ≤ 1e-12
    W_OV    complex_step         ✓ ≤ 1e-12
    W_QK    central_differences  ✓ ≤ 1e-07
    W_OV    central_differences  ✓ ≤ 1e-07
    W_QK    autograd             ✓ ≤ 1e-10
    W_OV    autograd             ✓ ≤ 1e-10
    The gradient is right.
    """
    check_type("config", config, OneHeadConfig), check_entries("params", params, ("W_QK", "W_OV"))
    turns = np.arange(check_whole("n_instances", n_instances, low=1)) % len(params["W_QK"])
    params = {name: np.asarray(value)[turns] for name, value in params.items()}
    tokens, targets = sample(task, (n_instances, batch), seed=seed, purpose="witnesses")

    def forward(params):
        return one_head.forward(params, one_head.encode(tokens, config, params))

    def autograd(params):
        found = gradients(params, one_head.encode(tokens, config, params), targets)
        found["W_pos"] = found["x"][..., config.d_vocab:].sum(axis=-3)
        return {name: found[name] for name in params}

    return check_gradients(lambda params: one_head.loss(forward(params)["logits"], targets), params,
                           lambda params: one_head.backward(params, forward(params), targets),
                           witnesses=("complex_step", "central_differences", autograd),
                           independent=1, entries=entries, seed=seed)
