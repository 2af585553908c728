"""Chapter 9's heads: where each one looks, and what a trained digit model still knows without a part of it.

A silenced part says what it says on average over the training inputs, place by place.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.analysis.ablation import ablate, means_of, patch
from transformer_lab.analysis.all_answers import accuracies
from transformer_lab.byhand.transformer import forward
from transformer_lab.signatures import checked
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.training import Run

__all__ = ["looks", "rows", "silenced"]

BETWEEN = "blocks.0.resid_post"

#: A run whose model is small enough for examples.
SMALL = Run.of(Digits(), n_layers=1, n_heads=2, d_model=4, d_mlp=4)


@checked
def looks(run: Run, params: dict) -> np.ndarray:
    """The attention, averaged over all inputs of each operation: (layers, heads, operations, from, to).

    >>> from transformer_lab.byhand.transformer import init
    >>> looks(SMALL, init(SMALL.model)).shape
    (1, 2, 5, 8, 8)
    """
    def averaged(inputs):
        acts = forward(params, run.task.encoded(inputs).tokens, run.model)
        return [acts[f"blocks.{layer}.pattern"].mean(axis=0) for layer in range(run.model.n_layers)]

    return np.stack([averaged(inputs) for inputs in by_operation(run)], axis=2)


def by_operation(run) -> list[list]:
    return [[x for x in all_inputs(run.task) if operation_of(x) == name] for name in run.task.operations]


@checked
def silenced(run: Run, params: dict) -> dict[str, np.ndarray]:
    """Accuracy on all inputs, by operation and together (6), of the model and of models with one silenced part.

    >>> from transformer_lab.byhand.transformer import init
    >>> {name: scores.shape for name, scores in silenced(SMALL, init(SMALL.model)).items()}
    {'full': (6,), 'without.head': (1, 2, 6), 'without.attention': (1, 6)}
    """
    def without(name, head=None):
        mean = means_of(partial(forward, params, run.task.encoded(run.task.parts.train).tokens, run.model), name)
        return score(run, params, ablate(name, head=head, value=mean))

    layers, heads = range(run.model.n_layers), range(run.model.n_heads)
    return {"full": score(run, params, None),
            "without.head": np.array([[without(f"blocks.{layer}.z", head) for head in heads] for layer in layers]),
            "without.attention": np.array([without(f"blocks.{layer}.attn_out") for layer in layers])}


def score(run, params, tap) -> np.ndarray:
    inputs = all_inputs(run.task)
    groups = np.array([run.task.operations.index(operation_of(x)) for x in inputs])
    return accuracies(right(run, params, inputs, tap), groups)


def right(run, params, inputs, tap) -> np.ndarray:
    tokens, answers = run.task.encoded(inputs)
    return forward(params, tokens, run.model, tap=tap)["logits"].argmax(-1) == answers


@checked
def rows(run: Run, params: dict) -> np.ndarray:
    """Accuracy of a model in which, between its first two layers, one token's row is what it is on average over all
    questions of that operation, and so says nothing about their digits: (operations, places).

    >>> from transformer_lab.byhand.transformer import init
    >>> rows(SMALL, init(SMALL.model)).shape
    (5, 8)
    """
    def spoiled(inputs):
        mean = means_of(partial(forward, params, run.task.encoded(inputs).tokens, run.model), BETWEEN)
        return [right(run, params, inputs, patch(BETWEEN, mean, [place])).mean() for place in range(run.model.n_ctx)]

    return np.array([spoiled(inputs) for inputs in by_operation(run)])
