r"""Heads that read a price list: queries from the question, keys from the names, values from the prices.

.. math:: a_h = \operatorname{softmax}\big(W_{QK,h}[\text{question}]\big), \quad
          \ell = \sum_h a_h\, W_{OV,h}[\text{prices}]

Two circuits a head. ``W_QK`` = ``W_Q W_K``:sup:`T` / sqrt(d_head) says where to look, and never sees a price;
``W_OV`` = ``W_V W_O`` says what to write, and never sees a name. All questions are put to all lists at once.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand import attention
from transformer_lab.checks import check_array, check_entries, check_range
from transformer_lab.randomness import generator
from transformer_lab.rules import Entries, Number, Seed, Whole
from transformer_lab.signatures import checked

from .price_list import PriceLists, PriceListTask, every_list  # noqa: F401  (the examples use it)

__all__ = ["backward", "circuits", "forward", "init", "loss"]

Weights = Entries(W_Q="*seeds asked n_heads d_head", W_K="*seeds n_names n_heads d_head",
                  W_V="*seeds n_prices n_heads d_head", W_O="*seeds n_heads d_head 1")


@checked
def init(task: PriceListTask, n_heads: Whole(1, 1024), *, n_seeds: Whole(1, 1024) = 1, seed: Seed = 0,
         d_head: Whole(1, 1024) = 4, scale: Number(low=0) = 0.5) -> dict[str, np.ndarray]:
    """Normal weights ``W_Q W_K W_V W_O`` on a leading axis of seeds, each (n_seeds, its inputs, n_heads, d_head).

    >>> init(PriceListTask(), 2, n_seeds=20)["W_V"].shape
    (20, 6, 2, 4)
    """
    shapes = {"W_Q": (2 * task.n_names, n_heads, d_head), "W_K": (task.n_names, n_heads, d_head),
              "W_V": (task.n_prices, n_heads, d_head), "W_O": (n_heads, d_head, 1)}
    return {name: np.stack([scale * generator(seed + i, f"init {name}").normal(size=shape)
                            for i in range(n_seeds)]) for name, shape in shapes.items()}


@checked
def forward(params: Weights, world: PriceLists) -> dict[str, np.ndarray]:
    """Every activation; ``logits`` (..., lists, questions) above 0 say "the first is dearer".

    The pattern does not depend on the prices, so it has a list axis of length 1.

    >>> task = PriceListTask()
    >>> forward(init(task, 2, n_seeds=5), every_list(task))["logits"].shape
    (5, 216, 6)
    """
    by_letter = zip("QKV", _rows(params, world), strict=True)
    acts = attention.attend(*(attention.project(rows, params[f"W_{letter}"]) for letter, rows in by_letter))
    return {**acts, "logits": attention.merge(acts["z"], params["W_O"])[..., 0]}


@checked
def loss(logits, world: PriceLists) -> np.ndarray:
    r"""Mean of :math:`\ln(1 + e^{\mp \ell})` over the fair questions, in nats.

    >>> float(loss(np.zeros((216, 6)), every_list(PriceListTask())) == np.log(2))
    1.0
    """
    logits = check_array("logits", logits, shape=world.dearer.shape, kind="inexact", leading=True)
    signed = np.where(world.dearer, logits, -logits)
    return np.logaddexp(0, -signed.real)[..., world.fair].mean(axis=-1)


@checked
def backward(params: Weights, acts: dict, world: PriceLists) -> dict[str, np.ndarray]:
    """Gradients of the mean loss: :func:`forward`, from its last line to its first.

    >>> task = PriceListTask()
    >>> params, world = init(task, 2, n_seeds=5), every_list(task)
    >>> backward(params, forward(params, world), world)["W_V"].shape
    (5, 6, 2, 4)
    """
    check_entries("acts", acts, ("q", "k", "v", "pattern", "z", "logits"))
    chance = attention.softmax(np.stack([acts["logits"], np.zeros_like(acts["logits"])], axis=-1))[..., 0]
    d_logits = np.where(world.fair, chance - world.dearer, 0) / world.fair.sum()
    d_z, d_W_O = attention.merge_pullback(acts["z"], params["W_O"], d_logits[..., None])
    d = attention.attend_pullback(acts, d_z)
    d |= {name: d[name].sum(axis=-4, keepdims=True) for name in "qk"}  # one pattern serves all lists
    return {f"W_{letter}": attention.project_pullback(rows, params[f"W_{letter}"], d[letter.lower()])[1]
            for letter, rows in zip("QKV", _rows(params, world), strict=True)} | {"W_O": d_W_O}


@checked
def circuits(params: Weights) -> dict[str, np.ndarray]:
    r"""The two circuits of each head (eq-circuits).

    ``W_QK`` (..., n_heads, 2 n_names, n_names), with the scale :math:`1/\sqrt{d_\text{head}}` in it, and ``W_OV``
    (..., n_heads, n_prices): what the head adds to the logit for each price.

    >>> {name: value.shape for name, value in circuits(init(PriceListTask(), 2)).items()}
    {'W_QK': (1, 2, 6, 3), 'W_OV': (1, 2, 6)}
    """
    by_head = {name: np.moveaxis(params[name], -2, -3) for name in ("W_Q", "W_K", "W_V")}
    scale = params["W_Q"].shape[-1] ** -0.5
    return {"W_QK": scale * by_head["W_Q"] @ by_head["W_K"].mT, "W_OV": (by_head["W_V"] @ params["W_O"])[..., 0]}


def _rows(params, world):
    """One-hot rows: the questions (1, questions, 2 n_names), the names (1, n_names, n_names), the prices."""
    n_names = world.prices.shape[-1]
    for name, width in {"W_Q": 2 * n_names, "W_K": n_names}.items():
        check_range(f"rows of {name}", params[name].shape[-3], low=width, high=width)
    check_range("n_prices", world.prices.max() + 1, high=params["W_V"].shape[-3])
    first, second = np.eye(n_names)[world.questions].swapaxes(0, 1)
    asked, names = np.concatenate([first, second], axis=-1), np.eye(n_names)
    return asked[None], names[None], np.eye(params["W_V"].shape[-3])[world.prices]
