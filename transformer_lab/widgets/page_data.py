"""What a page loads: models and arrays in one safetensors file, whose header says what each of them is.

The header's entry ``page`` is JSON: ``models``, the configuration of each by name, and what else the explorable
must know. A model's tensors are called ``NAME/W_E``; names and shapes are those of NumPy. ``js/core/page_data.js``
reads all of it.
"""

from __future__ import annotations

import json
import os

import numpy as np
import safetensors.numpy

from ..checks import check_array, check_choice, check_entries, check_type
from ..config import ModelConfig
from ..errors import DtypeError
from ..names import parameter_shapes
from .bundle import JS

__all__ = ["page_bytes", "page_data", "write_page_data"]

FLOATS = (np.float16, np.float32, np.float64)


def page_bytes(models: dict, arrays: dict | None = None, *, dtype=np.float32, **facts) -> bytes:
    """The bytes of some models and arrays.

    Parameters
    ----------
    models : dict
        Name to ``(params, config)``, each without an axis of seeds; further entries of the parameters are left out.
    arrays : dict of array, optional
        Float64, float32, float16, uint16 or uint8.
    dtype : np.float16, np.float32 or np.float64
        What the weights are rounded to; the page calculates in double precision.
    **facts
        Anything that JSON can hold.

    Raises
    ------
    ArgumentError
        A tensor that is missing or of another shape, or a weight too large for the dtype.

    Examples
    --------
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, d_mlp=256, norm="rms")
    >>> facts, arrays = page_data(page_bytes({"small": (init(config), config)}, {"steps": np.uint16([0, 50])}))
    >>> facts["models"]["small"]["norm"], arrays["small/blocks.0.W_Q"].shape, arrays["steps"].tolist()
    ('rms', (64, 4, 16), [0, 50])
    """
    if not any(dtype is kind for kind in FLOATS):
        raise DtypeError("dtype", str(dtype), "np.float16, np.float32 or np.float64", "Choose one of the three.")
    tensors, configs = dict(check_type("arrays", arrays or {}, dict)), {}
    for model, (params, config) in check_type("models", models, dict).items():
        configs[model] = check_type("config", config, ModelConfig).to_dict()
        for name, shape in parameter_shapes(config).items():
            value, top = check_entries("params", params, parameter_shapes(config))[name], np.finfo(dtype).max
            tensors[f"{model}/{name}"] = check_array(f"params[{name!r}]", value, shape=shape, low=-top,
                                                     high=top).astype(dtype)
    page = json.dumps({"models": configs, **facts}, separators=(",", ":"))
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    return safetensors.numpy.save(tensors, {"page": page})


def page_data(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """What :func:`page_bytes` has put into bytes: the facts, with ``models``, and all arrays by name."""
    length = int.from_bytes(check_type("data", data, bytes)[:8], "little")
    return json.loads(json.loads(data[8:8 + length])["__metadata__"]["page"]), safetensors.numpy.load(data)


def shipped_file(name: str):
    """The file of the bytes that an explorable with ``data: "NAME"`` loads."""
    files = {path.stem: path for path in (JS / "data").glob("*.bin")}
    return files[check_choice("name", name, files)]


def write_page_data(name: str, data: bytes) -> None:
    """Write ``js/data/NAME.bin``, which an explorable with ``data: "NAME"`` loads."""
    sibling = JS / "data" / f"{name}.part"
    sibling.write_bytes(data)
    os.replace(sibling, JS / "data" / f"{name}.bin")
