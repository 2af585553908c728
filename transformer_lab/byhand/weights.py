"""The weights of a transformer: drawn at random, one layer's share of them, and all of them as one vector."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..checks import check_choice, check_number, check_seed, check_type, check_whole
from ..config import ModelConfig
from ..errors import DtypeError, ShapeError, UnknownNameError
from ..names import parameter_shapes
from ..randomness import generator
from .explained import explained

__all__ = ["check_params", "init", "layer_of", "pack", "unpack"]

shapes_of = cache(parameter_shapes)

SCHEMES = {  # standard deviation of a matrix with this many rows in and columns out
    "fan_in": lambda n_in, n_out: n_in**-0.5,                   # LeCun et al. 1998
    "xavier": lambda n_in, n_out: (2 / (n_in + n_out)) ** 0.5,  # Glorot and Bengio 2010
    "small": lambda n_in, n_out: 0.02,                          # GPT-2, Radford et al. 2019
}


@explained()
def init(config: ModelConfig, *, n_seeds: int | None = None, seed: int = 0, scheme: str = "fan_in",
         embedding_scale: float = 0.1, dtype=np.float32) -> dict[str, np.ndarray]:
    r"""Weights at the start: :math:`W \sim \mathcal N(0, \sigma^2)`, gains 1, offsets 0.

    Parameters
    ----------
    config : ModelConfig
    n_seeds : int, optional
        With it, every array has a leading axis of this length; its entry i has the weights of ``seed + i``.
    seed : int
        The seed, or the first of them. Each tensor has its own stream: models that differ in one part share the rest.
    scheme : {"fan_in", "xavier", "small"}
        :math:`\sigma = 1/\sqrt{n_\text{in}}`, :math:`\sqrt{2 / (n_\text{in} + n_\text{out})}` or 0.02. What writes to
        the stream, ``W_O`` and ``W_out``, is divided by :math:`\sqrt{2\,n_\text{layers}}` (Radford et al. 2019).
    embedding_scale : float
        :math:`\sigma` of ``W_E`` and ``W_pos``.
    dtype
        ``np.float32`` or ``np.float64``.

    Examples
    --------
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, positions="learned")
    >>> {name: value.shape for name, value in init(config, n_seeds=3).items()}["blocks.0.W_Q"]
    (3, 64, 4, 16)
    """
    check_type("config", config, ModelConfig)
    check_choice("scheme", scheme, SCHEMES)
    check_number("embedding_scale", embedding_scale, low=0)
    n_drawn = 1 if n_seeds is None else check_whole("n_seeds", n_seeds, low=1)
    if dtype not in (np.float32, np.float64):
        raise DtypeError("dtype", str(dtype), "np.float32 or np.float64", "Choose one of the two.")
    seeds = [check_seed("seed", seed) + i for i in range(n_drawn)]
    params = {}
    for name, shape in parameter_shapes(config).items():
        drawn = np.stack([first_value(name, shape, config, scheme, embedding_scale, seed) for seed in seeds])
        params[name] = (drawn[0] if n_seeds is None else drawn).astype(dtype)
    return params


def first_value(name, shape, config, scheme, embedding_scale, seed):
    word = name.rpartition(".")[2]
    if word.startswith(("ln", "b_")):
        return np.full(shape, 1.0 if word.endswith("_w") else 0.0)
    n_in = int(np.prod(shape[:-1])) if word == "W_O" else shape[0]
    scale = embedding_scale if word in ("W_E", "W_pos") else SCHEMES[scheme](n_in, int(np.prod(shape)) // n_in)
    shrink = (2 * config.n_layers) ** -0.5 if word in ("W_O", "W_out") else 1
    return scale * shrink * generator(seed, f"init {name}").normal(size=shape)


def check_params(params, config) -> tuple[int, ...]:
    """The leading axes that all parameters share; a wrong name or shape is named. NaN is left to the training loop."""
    check_type("config", config, ModelConfig)
    shapes, lead = shapes_of(config), None
    for name in check_type("params", params, dict).keys() ^ shapes.keys():
        came = f"{name!r} besides" if name in params else f"no {name!r}"
        raise UnknownNameError("params", came, "the names in parameter_shapes(config)", "Take them from init(config).")
    for name, shape in shapes.items():
        value = params[name]
        lead = value.shape[:-len(shape)] if lead is None else lead
        if value.shape != lead + shape:
            raise ShapeError(f"params[{name!r}]", f"an array of shape {value.shape}", f"{lead + shape}",
                             "Take them from init(config).")
    return lead


@explained()
def layer_of(params: dict, layer: int) -> dict:
    """The parameters of one block, by names without the prefix.

    >>> layer_of({"W_E": 1, "blocks.0.W_Q": 2, "blocks.1.W_Q": 3}, 1)
    {'W_Q': 3}
    """
    return {short: params[name] for name, short in names_in(tuple(params), layer)}


@cache
def names_in(names, layer):
    """The names in a layer, long and short; remembered, for a training step asks four times."""
    prefix = f"blocks.{layer}."
    return [(name, name.removeprefix(prefix)) for name in names if name.startswith(prefix)]


@explained()
def pack(arrays: dict, shapes: dict, out=None) -> np.ndarray:
    """All arrays, end to end, as one vector (..., n); leading axes (seeds) stay.

    >>> pack({"W": np.ones((2, 2)), "b": np.zeros(2)}, {"W": (2, 2), "b": (2,)}).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    parts = [arrays[name].reshape(*arrays[name].shape[:-len(shape)], -1) for name, shape in shapes.items()]
    return np.concatenate(parts, axis=-1, out=out)


@explained(vector="n")
def unpack(vector, shapes: dict) -> dict:
    """Named views into a vector (..., n): changing the vector changes them.

    >>> {name: value.tolist() for name, value in unpack(np.arange(6), {"W": (2, 2), "b": (2,)}).items()}
    {'W': [[0, 1], [2, 3]], 'b': [4, 5]}
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = zip(shapes.items(), np.split(vector, ends[:-1], axis=-1), strict=True)
    return {name: part.reshape(*vector.shape[:-1], *shape) for (name, shape), part in parts}
