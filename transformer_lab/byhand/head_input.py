"""From a configuration and tokens to arrays: the weights of a one-head model, and its input rows."""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_entries, check_number, check_seed, check_type, check_whole
from ..config import ModelConfig
from ..errors import DtypeError
from ..randomness import generator

__all__ = ["encode", "init"]


def init(config: ModelConfig, *, n_seeds: int | None = None, seed: int = 0, scale: float = 0.1,
         dtype=np.float64) -> dict[str, np.ndarray]:
    r"""Weights drawn from a normal distribution, :math:`W \sim \mathcal N(0, \text{scale}^2)`.

    Parameters
    ----------
    config : ModelConfig
        ``d_vocab``, ``n_ctx``, ``positions`` and ``d_pos`` are used.
    n_seeds : int, optional
        With it, every array has a leading axis of this length; its entry i has the weights of ``seed + i``.
    seed : int
        The seed, or the first of them.
    scale : float
        Standard deviation, at least 0.
    dtype
        ``np.float64`` or ``np.float32``.

    Returns
    -------
    dict
        ``W_QK`` (..., d_model, d_model), ``W_OV`` (..., d_model, d_vocab), and with learned positions ``W_pos``
        (..., n_ctx, d_pos).

    Examples
    --------
    >>> params = init(ModelConfig(d_vocab=26, n_ctx=20, positions="one_hot"), n_seeds=50)
    >>> {name: value.shape for name, value in params.items()}
    {'W_QK': (50, 46, 46), 'W_OV': (50, 46, 26)}
    """
    check_number("scale", scale, low=0)
    n_drawn = 1 if n_seeds is None else check_whole("n_seeds", n_seeds, low=1)
    first, dtype = check_seed("seed", seed), _real("dtype", dtype)
    drawn = {name: np.stack([scale * generator(first + i, f"init {name}").normal(size=shape) for i in range(n_drawn)])
             for name, shape in _shapes(check_type("config", config, ModelConfig)).items()}
    return {name: (value[0] if n_seeds is None else value).astype(dtype) for name, value in drawn.items()}


def encode(tokens, config: ModelConfig, params: dict | None = None, dtype=np.float64) -> np.ndarray:
    r"""Input rows: the one-hot token, and beside it the position: one-hot, learned, or none.

    :math:`x_t = e_{\text{token}_t} \oplus p_t`, so the rows are ``d_vocab`` wide without positions, ``d_vocab + n_ctx``
    with one-hot ones, ``d_vocab + d_pos`` with learned ones.

    Parameters
    ----------
    tokens : array of int (batch, T) or (..., batch, T)
        With T at most ``n_ctx``.
    config : ModelConfig
    params : dict, optional
        Needed for learned positions, whose rows are ``params["W_pos"]``; the result then has that array's leading axes.
    dtype
        Dtype of the rows where nothing is learned.

    Examples
    --------
    >>> encode([[2, 0]], ModelConfig(d_vocab=3, n_ctx=2, positions="one_hot")).astype(int).tolist()
    [[[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]]
    """
    check_type("config", config, ModelConfig)
    tokens = check_array("tokens", tokens, shape=("batch", "T"), kind="whole", low=0, high=config.d_vocab - 1,
                         leading=True)
    length = check_whole("tokens.shape[-1]", tokens.shape[-1], high=config.n_ctx)
    places = positions_of(config, params, _real("dtype", dtype))[..., :length, :]
    letters = np.eye(config.d_vocab, dtype=places.dtype)[tokens]
    lead = np.broadcast_shapes(letters.shape[:-1], places.shape[:-1])
    return np.concatenate([np.broadcast_to(part, (*lead, part.shape[-1])) for part in (letters, places)], axis=-1)


def _shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    shapes = {"W_QK": (config.d_model, config.d_model), "W_OV": (config.d_model, config.d_vocab)}
    return shapes | ({"W_pos": (config.n_ctx, config.d_pos)} if config.positions == "learned" else {})


def positions_of(config: ModelConfig, params: dict | None, dtype) -> np.ndarray:
    """What stands beside the token at each position: (n_ctx, 0), (n_ctx, n_ctx) or (..., 1, n_ctx, d_pos)."""
    if config.positions != "learned":
        return np.eye(config.n_ctx, config.d_model - config.d_vocab, dtype=dtype)
    W_pos = check_entries("params", params, ["W_pos"])["W_pos"]
    return check_array("params['W_pos']", W_pos, shape=(config.n_ctx, config.d_pos), kind="inexact",
                       leading=True)[..., None, :, :]


def _real(argument: str, dtype):
    if not isinstance(dtype, (type, np.dtype)) or dtype not in (np.float32, np.float64):
        raise DtypeError(argument, str(dtype), "np.float64 or np.float32", "Choose one of the two.")
    return np.dtype(dtype)
