"""Chapter 01's experiments: what the width of a head does to a softmax, and what one head cannot do."""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.analysis.saturation import entropy, jacobian_size
from transformer_lab.byhand.attention import attend
from transformer_lab.errors import DataError
from transformer_lab.randomness import generator
from transformer_lab.rules import Each, Number, Seed, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.training import Study, fit
from transformer_lab.training.stepper import Stepper

from . import list_reader
from .price_list import PriceListTask, every_list, score

__all__ = ["D_HEADS", "ONE_HEAD", "TWO_HEADS", "measure_widths", "train_readers", "weights"]

#: The widths of a head that are measured: 1, 2, 4, ... 1024.
D_HEADS = 2 ** np.arange(11)


#: What a reader's machine does in a moment.
Size = Whole(1, 1024)


@checked
def measure_widths(n_keys: Size, *, scaled: bool, draws: Whole(2, 1024) = 200, n_queries: Size = 64,
                   d_heads: Wholes("n", low=1, high=1024) = D_HEADS, seed: Seed = 0) -> dict[str, np.ndarray]:
    r"""Scores, entropy and gradient of random attention, for each width of a head.

    A draw is one attention matrix: ``n_queries`` queries of length :math:`\sqrt{d_\text{head}}` in random directions
    (what a norm layer makes of them), ``n_keys`` standard normal keys. Their variance: eq-score-variance.

    Arrays (d_heads, draws), each entry the mean over the queries of one draw: ``variance`` (mean squared score),
    ``entropy`` (nats), ``gradient`` (:func:`~transformer_lab.analysis.saturation.jacobian_size`) and ``asleep`` (the
    share of queries whose gradient is under a thousandth of what two tied keys let through).

    >>> measure_widths(2, scaled=True, draws=3, n_queries=4, d_heads=[8])["entropy"].shape
    (1, 3)
    """
    rows = [[_one_draw(d, n_queries, n_keys, scaled, generator(seed, f"widths {n_keys} {d}", draw))
             for draw in range(draws)] for d in d_heads.tolist()]
    table = np.array(rows).transpose(2, 0, 1)
    return dict(zip(("variance", "entropy", "gradient", "asleep"), table, strict=True))


def _one_draw(d_head, n_queries, n_keys, scaled, rng):
    q, k = rng.normal(size=(n_queries, d_head)), rng.normal(size=(n_keys, d_head))
    q *= np.sqrt(d_head / (q * q).sum(axis=-1, keepdims=True))
    acts = attend(q, k, np.zeros((n_keys, 1)), scale=None if scaled else 1.0)
    gradient = jacobian_size(acts["pattern"])
    return (acts["scores"] ** 2).mean(), entropy(acts["pattern"]).mean(), gradient.mean(), (gradient < 0.25e-3).mean()


def gradients(params: dict, world) -> tuple:
    """The loss on every list and every question, and its gradients."""
    acts = list_reader.forward(params, world)
    return list_reader.loss(acts["logits"], world), list_reader.backward(params, acts, world)


@checked
def train_readers(n_heads: Size, *, seeds: Each(Seed) = range(20), steps: Whole(1) = 400,
                  learning_rate: Number(above=0) = 5.0, scale: Number(low=0, high=1000) = 0.5):
    """Train list readers with so many heads by plain gradient descent, all seeds at once: the stepper and the history.
    There is no chance in it but the initial weights. ``accuracy`` is the share of all fair questions that is answered
    right, exactly.

    >>> reader, history = train_readers(1, seeds=range(2), steps=3)
    >>> history["accuracy"].shape
    (2, 2)
    """
    task = PriceListTask()
    drawn = [list_reader.init(task, n_heads, seed=seed, scale=scale) for seed in seeds]
    reader, world = Stepper({name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}, gradients,
                            "sgd"), every_list(task)
    history = fit(reader, lambda step: world, steps=steps, learning_rate=learning_rate, every=10,
                  evaluate=lambda reader: {"accuracy": score(list_reader.forward(reader.params, world)["logits"],
                                                             world)})
    return reader, history


AXES = {"W_Q": ("seed", "asked", "head", "width"), "W_K": ("seed", "name", "head", "width"),
        "W_V": ("seed", "price", "head", "width"), "W_O": ("seed", "head", "width", "logit")}


def readers(n_heads: int, scale: float, seeds) -> dict:
    """What is kept of the readers with so many heads: the accuracy as they learn, and their weights at the end."""
    reader, history = train_readers(n_heads, seeds=seeds, scale=scale)
    return {"step": ("step", history.steps), "accuracy": (("step", "seed"), history["accuracy"]),
            **{name: (AXES[name], value) for name, value in reader.params.items()}}


def weights(found) -> dict[str, np.ndarray]:
    """The weights in a dataset of one of the two studies, every seed's, as the list reader takes them.

    >>> weights(ONE_HEAD.load().sel(scale=0.5))["W_V"].shape
    (20, 6, 1, 4)
    """
    if not set(AXES) <= set(getattr(found, "data_vars", ())):
        raise DataError(f"There are no weights {', '.join(AXES)} in {type(found).__name__}: pass what load() gives.")
    return {name: found[name].transpose(*axes).values for name, axes in AXES.items()}


#: One head, with the usual initial weights; two heads, with these and with weights twice as large.
ONE_HEAD = Study("readers-one-head", partial(readers, 1), arms={"scale": (0.5,)}, seeds=range(20), together=True)
TWO_HEADS = Study("readers-two-heads", partial(readers, 2), arms={"scale": (0.5, 1.0)}, seeds=range(20), together=True)
