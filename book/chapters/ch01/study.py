"""Chapter 01's experiments: what the width of a head does to a softmax, and what one head cannot do."""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.analysis.saturation import entropy, jacobian_size
from transformer_lab.byhand.attention import attend
from transformer_lab.checks import check_array, check_flag, check_whole
from transformer_lab.randomness import generator
from transformer_lab.training import History, Study, fit
from transformer_lab.training.stepper import Stepper

from . import list_reader
from .price_list import PriceListTask, every_list, score

__all__ = ["D_HEADS", "ONE_HEAD", "TWO_HEADS", "measure_widths", "train_readers", "weights"]

#: The widths of a head that are measured: 1, 2, 4, ... 1024.
D_HEADS = 2 ** np.arange(11)


def measure_widths(n_keys: int, *, scaled: bool, draws: int = 200, n_queries: int = 64, d_heads=D_HEADS,
                   seed: int = 0) -> dict[str, np.ndarray]:
    r"""Scores, entropy and gradient of random attention, for each width of a head.

    A draw is one attention matrix: ``n_queries`` queries of length :math:`\sqrt{d_\text{head}}` in random directions
    (what a norm layer makes of them), ``n_keys`` standard normal keys. Their variance: eq-score-variance.

    Returns
    -------
    dict
        Arrays (d_heads, draws), each entry the mean over the queries of one draw: ``variance`` (mean squared score),
        ``entropy`` (nats), ``gradient`` (:func:`~transformer_lab.analysis.saturation.jacobian_size`) and ``asleep``
        (the share of queries whose gradient is under a thousandth of what two tied keys let through).
    """
    check_flag("scaled", scaled), check_whole("draws", draws, low=2)
    sizes = check_whole("n_queries", n_queries, low=1), check_whole("n_keys", n_keys, low=1)
    rows = [[_one_draw(d, *sizes, scaled, generator(seed, f"widths {n_keys} {d}", draw)) for draw in range(draws)]
            for d in check_array("d_heads", d_heads, shape=("n",), kind="whole", low=1, high=10**6).tolist()]
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


def train_readers(n_heads: int, *, seeds=range(20), steps: int = 400, learning_rate: float = 5.0, scale: float = 0.5,
                  task: PriceListTask | None = None) -> tuple[Stepper, History]:
    """Train list readers with so many heads by plain gradient descent, all seeds at once. There is no chance in it but
    the initial weights. ``accuracy`` is the share of all fair questions that is answered right, exactly.

    >>> reader, history = train_readers(1, seeds=range(2), steps=3)
    >>> history["accuracy"].shape
    (2, 2)
    """
    task = PriceListTask() if task is None else task
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
    """The weights in a dataset of one of the two studies, every seed's, as the list reader takes them."""
    return {name: found[name].transpose(*axes).values for name, axes in AXES.items()}


#: One head, with the usual initial weights; two heads, with these and with weights twice as large.
ONE_HEAD = Study("readers-one-head", partial(readers, 1), arms={"scale": (0.5,)}, seeds=range(20), together=True)
TWO_HEADS = Study("readers-two-heads", partial(readers, 2), arms={"scale": (0.5, 1.0)}, seeds=range(20), together=True)
