"""Chapter 01's experiments: what the width of a head does to a softmax, and what one head cannot do."""

from __future__ import annotations

from functools import partial
from statistics import NormalDist

import numpy as np

from transformer_lab.analysis.saturation import entropy, jacobian_size
from transformer_lab.byhand.attention import attend
from transformer_lab.checks import check_range
from transformer_lab.errors import DataError
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Number, Seed, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.training import Study, fit
from transformer_lab.training.stepper import Stepper

from .price_list import every_list, forward, gradients, init, score

__all__ = ["D_HEADS", "ONE_HEAD", "TWO_HEADS", "fit_power_law", "mean_interval", "measure_widths", "weights"]

D_HEADS = 2 ** np.arange(11)          # the widths of a head that are measured: 1, 2, 4, ... 1024
Size = Whole(1, 1024)                 # what a reader's machine does in a moment
Level = Number(low=0.5, high=0.9999)  # the share of repetitions in which an interval holds the true value


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


@checked
def mean_interval(draws: Array("... draw"), level: Level = 0.99) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis, and the half-width of its interval (normal approximation).

    >>> mean, margin = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]), level=0.95)
    >>> float(mean), round(float(margin), 3)
    (2.5, 1.265)
    """
    check_range("draws", draws.shape[-1], low=2, what="a number of draws")
    error = draws.std(axis=-1, ddof=1) / np.sqrt(draws.shape[-1])
    return draws.mean(axis=-1), NormalDist().inv_cdf(0.5 + level / 2) * error


@checked
def fit_power_law(x: Array("n", low=np.finfo(float).tiny), draws: Array("n draw"), level: Level = 0.99):
    r"""Slope and intercept of :math:`\ln \bar y` on :math:`\ln x`, weighted by the spread of the draws at each x, and
    the half-widths of their intervals; the means of the draws are above 0.

    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> line, margins = fit_power_law(x, 3 * x[:, None] ** 2 * np.array([0.9, 1.0, 1.1]))
    >>> np.exp(line).round(3).tolist()
    [7.389, 3.0]
    """
    check_range("different x", len(set(x.tolist())), low=2)
    mean, margin = mean_interval(draws, level)
    check_range("mean and spread of draws", min(mean.min(), margin.min()), low=np.finfo(float).tiny)
    line, spread = np.polyfit(np.log(x), np.log(mean), 1, w=mean / margin, cov="unscaled")
    return line, np.sqrt(np.diag(spread))


AXES = {"W_Q": ("seed", "asked", "head", "width"), "W_K": ("seed", "name", "head", "width"),
        "W_V": ("seed", "price", "head", "width"), "W_O": ("seed", "head", "width", "logit")}


def readers(n_heads: int, scale: float, seeds, steps: int = 400) -> dict:
    """Readers with so many heads, trained by plain gradient descent, all seeds at once, with no chance in it but the
    initial weights: the share of all fair questions answered right as they learn, and the weights at the end."""
    world, reader = every_list(), Stepper(init(n_heads, seeds, scale=scale), gradients, "sgd")
    history = fit(reader, lambda step: world, steps=steps, learning_rate=5.0, every=10, evaluate=lambda reader: {
        "accuracy": score(forward(reader.params, world)["logits"], world)})
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
