"""What a page loads of a model: its weights as bytes, in the order and layout that ``js/core/transformer.js`` reads."""

from __future__ import annotations

import os

import numpy as np

from ..byhand.weights import pack
from ..checks import check_array, check_entries, check_type
from ..config import ModelConfig
from ..errors import ArgumentError, DtypeError
from ..names import parameter_shapes
from .bundle import JS

__all__ = ["page_bytes", "write_page_data"]

#: What the model on the page is; sizes, mask and the place of the read-out are free.
PAGE = {"positions": "learned", "norm": "layer", "placement": "pre", "activation": "relu", "residual": True,
        "output_projection": True, "tied": False}


def page_bytes(params: dict, config: ModelConfig, dtype=np.float32) -> bytes:
    """The weights, little-endian, one tensor after the other in the order of ``parameter_shapes``, heads side by side.

    Parameters
    ----------
    params : dict of array
        Of one model, without an axis of seeds; further entries are left out.
    config : ModelConfig
        With learned positions, Pre-LN and ReLU, read at ``"last"`` or ``"all"``.
    dtype : np.float32 or np.float16

    Raises
    ------
    ArgumentError
        A model that the page does not compute, or a weight too large for the dtype.

    Examples
    --------
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, positions="learned",
    ...                      norm="layer", read_out="last")
    >>> len(page_bytes(init(config), config, np.float16)) // 2
    102676
    """
    if not any(dtype is kind for kind in (np.float32, np.float16)):
        raise DtypeError("dtype", str(dtype), "np.float32 or np.float16", "Choose one of the two.")
    shapes = _shapes(check_type("config", config, ModelConfig))
    for name in shapes:
        value = check_entries("params", params, shapes)[name]
        check_array(f"params[{name!r}]", value, shape=shapes[name], low=-np.finfo(dtype).max, high=np.finfo(dtype).max)
    return pack(params, shapes).astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def _shapes(config) -> dict:
    other = [f"{name}={getattr(config, name)!r}" for name, value in PAGE.items() if getattr(config, name) != value]
    if other or config.read_out not in ("last", "all") or config.n_heads * config.d_head != config.d_model:
        raise ArgumentError("config", ", ".join(other) or f"{config}", f"{PAGE}, read_out 'last' or 'all', and heads "
                            "that share d_model", "The page computes no other model; see js/core/transformer.js.")
    return parameter_shapes(config)


def write_page_data(name: str, data: bytes) -> None:
    """Write ``js/data/NAME.bin``, which an explorable with ``data: "NAME"`` loads."""
    sibling = JS / "data" / f"{name}.part"
    sibling.write_bytes(data)
    os.replace(sibling, JS / "data" / f"{name}.bin")
