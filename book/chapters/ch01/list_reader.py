r"""Heads that read a price list: queries from the question, keys from the names, values from the prices.

.. math:: a_h = \operatorname{softmax}\big(W_{QK,h}[\text{question}]\big), \quad
          \ell = \sum_h a_h\, W_{OV,h}[\text{prices}]

Two circuits a head. ``W_QK`` = ``W_Q W_K``:sup:`T` / sqrt(d_head) says where to look, and never sees a price;
``W_OV`` = ``W_V W_O`` says what to write, and never sees a name. All questions are put to all lists at once.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.attention import (
    attend,
    attend_pullback,
    merge,
    merge_pullback,
    project,
    project_pullback,
    softmax,
)
from transformer_lab.checks import check_array, check_entries, check_number, check_seed, check_type, check_whole
from transformer_lab.randomness import generator

from .price_list import PriceLists, PriceListTask

__all__ = ["backward", "circuits", "forward", "init", "loss"]

PARAMETERS = ("W_Q", "W_K", "W_V", "W_O")


def init(task: PriceListTask, n_heads: int, *, n_seeds: int = 1, seed: int = 0, d_head: int = 4,
         scale: float = 0.5) -> dict[str, np.ndarray]:
    """Normal weights ``W_Q W_K W_V W_O`` on a leading axis of seeds, each (n_seeds, its inputs, n_heads, d_head).

    >>> init(PriceListTask(), 2, n_seeds=20)["W_V"].shape
    (20, 6, 2, 4)
    """
    check_type("task", task, PriceListTask), check_seed("seed", seed), check_number("scale", scale, low=0)
    n_heads, d_head = check_whole("n_heads", n_heads, low=1), check_whole("d_head", d_head, low=1)
    shapes = {"W_Q": (2 * task.n_names, n_heads, d_head), "W_K": (task.n_names, n_heads, d_head),
              "W_V": (task.n_prices, n_heads, d_head), "W_O": (n_heads, d_head, 1)}
    return {name: np.stack([scale * generator(seed + i, f"init {name}").normal(size=shape)
                            for i in range(check_whole("n_seeds", n_seeds, low=1))])
            for name, shape in shapes.items()}


def forward(params: dict, world: PriceLists) -> dict[str, np.ndarray]:
    """Every activation; ``logits`` (..., lists, questions) above 0 say "the first is dearer".

    The pattern does not depend on the prices, so it has a list axis of length 1.
    """
    asked, names, prices = _rows(params, world)
    q, k, v = project(asked, params["W_Q"]), project(names, params["W_K"]), project(prices, params["W_V"])
    acts = attend(q, k, v)
    return {**acts, "logits": merge(acts["z"], params["W_O"])[..., 0]}


def loss(logits, world: PriceLists):
    r"""Mean of :math:`\ln(1 + e^{\mp \ell})` over the fair questions, in nats."""
    check_type("world", world, PriceLists)
    logits = check_array("logits", logits, shape=world.dearer.shape, kind="inexact", leading=True)
    signed = np.where(world.dearer, logits, -logits)
    return np.logaddexp(0, -signed.real)[..., world.fair].mean(axis=-1)


def backward(params: dict, acts: dict, world: PriceLists) -> dict[str, np.ndarray]:
    """Gradients of the mean loss: :func:`forward`, from its last line to its first."""
    asked, names, prices = _rows(params, world)
    check_entries("acts", acts, ("q", "k", "v", "pattern", "z", "logits"))
    chance = softmax(np.stack([acts["logits"], np.zeros_like(acts["logits"])], axis=-1))[..., 0]
    d_logits = np.where(world.fair, chance - world.dearer, 0) / world.fair.sum()
    d_z, d_W_O = merge_pullback(acts["z"], params["W_O"], d_logits[..., None])
    d = attend_pullback(acts, d_z)
    d_q, d_k = (d[name].sum(axis=-4, keepdims=True) for name in "qk")  # one pattern serves all lists
    from_rows = {"W_Q": (asked, d_q), "W_K": (names, d_k), "W_V": (prices, d["v"])}
    return {name: project_pullback(rows, params[name], d_out)[1] for name, (rows, d_out) in from_rows.items()} | {
        "W_O": d_W_O}


def circuits(params: dict) -> dict[str, np.ndarray]:
    r"""The two circuits of each head (eq-circuits).

    ``W_QK`` (..., n_heads, 2 n_names, n_names), with the scale :math:`1/\sqrt{d_\text{head}}` in it, and ``W_OV``
    (..., n_heads, n_prices): what the head adds to the logit for each price.

    >>> {name: value.shape for name, value in circuits(init(PriceListTask(), 2)).items()}
    {'W_QK': (1, 2, 6, 3), 'W_OV': (1, 2, 6)}
    """
    check_entries("params", params, PARAMETERS)
    by_head = {name: np.moveaxis(params[name], -2, -3) for name in ("W_Q", "W_K", "W_V")}
    scale = params["W_Q"].shape[-1] ** -0.5
    return {"W_QK": scale * by_head["W_Q"] @ by_head["W_K"].mT, "W_OV": (by_head["W_V"] @ params["W_O"])[..., 0]}


def _rows(params, world):
    """One-hot rows: the questions (1, questions, 2 n_names), the names (1, n_names, n_names), the prices."""
    n_names = check_type("world", world, PriceLists).prices.shape[-1]
    check_entries("params", params, PARAMETERS)
    for name, width in {"W_Q": 2 * n_names, "W_K": n_names, "W_V": "n_prices"}.items():
        check_array(name, params[name], shape=(width, "n_heads", "d_head"), kind="inexact", leading=True)
    first, second = np.eye(n_names)[world.questions].swapaxes(0, 1)
    asked, names = np.concatenate([first, second], axis=-1), np.eye(n_names)
    return asked[None], names[None], np.eye(params["W_V"].shape[-3])[world.prices]
