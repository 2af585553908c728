r"""A model of one head on a stream two wide, as a map of the plane.

At a query in position t everything depends on one point of the plane (eq-plane-point),

.. math:: z = x_t + \frac{\sum_{i \le t} a_i(\tau_i)\, v_i(\tau_i)}{\sum_{i \le t} a_i(\tau_i)}, \qquad
          a_i(\tau) = e^{q_t \cdot k_i(\tau) / \sqrt 2},

with :math:`\tau_i` the token in position i: the average is one of points that are known beforehand. The logits are a
function of z, affine between the lines on which a hidden unit switches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...byhand.transformer import layer_of
from ...checks import check_array, check_entries
from ...config import ModelConfig
from ...errors import ConfigError
from ...names import parameter_shapes
from ...rules import Whole
from ...signatures import checked

__all__ = ["Plane", "plane_of"]

#: What the proof needs of a model.
WANTED = {"n_layers": 1, "n_heads": 1, "d_model": 2, "d_head": 2, "positions": "learned", "mask": "causal",
          "norm": "none", "activation": "relu", "residual": True, "output_projection": False, "bias_attention": False,
          "tied": False, "bias_mlp": True, "bias_unembed": True, "read_out": "all"}


class Plane(NamedTuple):
    """A model and one query token, in float64; arrays by position t of the query, position i and token there."""

    query: int
    start: np.ndarray    # (t, 2) the stream at the query, before attention
    scores: np.ndarray   # (t, i, token) of the query in t with the token in i ≤ t
    values: np.ndarray   # (i, token, 2)
    lines: np.ndarray    # (3, d_mlp) a hidden unit is z · lines[:2] + lines[2] before its ReLU
    hidden: np.ndarray   # (d_mlp, token) what a hidden unit adds to the logits
    direct: np.ndarray   # (3, token) what the stream adds to them, and their offset

    @property
    def n_ctx(self) -> int:
        return len(self.start)


@checked
def plane_of(params: dict, config: ModelConfig, query: Whole(0, "config.d_vocab")) -> Plane:
    """The model as a map of the plane, where it is of the kind that can be: one head, one layer, two dimensions.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=8)
    >>> plane_of(init(config), config, 11).scores.shape
    (8, 8, 12)
    """
    faults = [f"{name}: got {getattr(config, name)!r}; allowed is {value!r} for a proof in the plane. Train such a one."
              for name, value in WANTED.items() if getattr(config, name) != value]
    if config.d_mlp == 0 or config.pad is not None:
        faults.append("d_mlp, pad: allowed are a feed-forward layer and no padding. Train such a model.")
    if faults:
        raise ConfigError("ModelConfig", faults)
    check_weights(params, config)
    p = {name: np.asarray(value, np.float64) for name, value in {**params, **layer_of(params, 0)}.items()}
    x = p["W_E"] + p["W_pos"][:, None]                                       # (i, token, 2)
    q, k, v = (x @ p[name][:, 0] for name in ("W_Q", "W_K", "W_V"))
    return Plane(query, x[:, query], np.einsum("td,ixd->tix", q[:, query], k) / np.sqrt(2), v,
                 np.vstack([p["W_in"], p["b_in"]]), p["W_out"] @ p["W_U"],
                 np.vstack([p["W_U"], p["b_out"] @ p["W_U"] + p["b_U"]]))


def check_weights(params, config):
    """The weights of one model of this kind."""
    check_entries("params", params, shapes := parameter_shapes(config))
    for name, shape in shapes.items():
        check_array(f"params[{name!r}]", params[name], shape=shape)


def gaps(plane: Plane, z: np.ndarray, answer: int) -> np.ndarray:
    """By how much the logit of the answer is above that of each other token at points z (2, n): (token - 1, n)."""
    hidden, direct = (np.delete(table[:, [answer]] - table, answer, axis=1) for table in (plane.hidden, plane.direct))
    active = plane.lines[:2].T @ z
    active += plane.lines[2][:, None]
    np.maximum(active, 0, out=active)
    found = hidden.T @ active
    found += direct[:2].T @ z
    found += direct[2][:, None]
    return found
