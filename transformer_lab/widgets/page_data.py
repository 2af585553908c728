"""What a page loads: models and arrays in one safetensors file, whose header says what each of them is.

The header's entry ``page`` is JSON: ``models``, the configuration of each by name, and what else the explorable
must know. A model's tensors are called ``NAME/W_E``; names and shapes are those of NumPy. ``js/core/page_data.js``
reads all of it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import safetensors.numpy

from ..checks import check_array, check_choice, check_entries
from ..config import ModelConfig
from ..errors import DataError, DtypeError
from ..names import parameter_shapes
from ..parts import PAGE, check_known
from ..places import written_whole
from ..rules import Choice, as_array
from ..signatures import checked
from .bundle import JS, to_json

__all__ = ["page_bytes", "page_data", "page_model", "write_page_data"]

KINDS = ("float64", "float32", "float16", "uint16", "uint8")


@checked
def page_bytes(models: dict, arrays: dict | None = None, *, dtype: Choice(KINDS[:3]) = "float32", **facts) -> bytes:
    """The bytes of models (name to ``(params, config)``, without an axis of seeds), arrays, and facts for JSON.

    Weights are rounded to ``dtype``; the page calculates in double precision. Arrays are float64, float32, float16,
    uint16 or uint8.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, d_mlp=256, norm="rms")
    >>> facts, arrays = page_data(page_bytes({"small": (init(config), config)}, {"steps": np.uint16([0, 50])}))
    >>> facts["models"]["small"]["norm"], arrays["small/blocks.0.W_Q"].shape, arrays["steps"].tolist()
    ('rms', (64, 4, 16), [0, 50])
    """
    tensors, configs = {}, {}
    for name, value in (arrays or {}).items():
        if str(getattr(value, "dtype", None)) not in KINDS:
            raise DtypeError(f"arrays[{name!r}]", f"a {type(value).__name__}", f"an array of {', '.join(KINDS)}",
                             "Convert with array.astype(...).")
        tensors[name] = np.ascontiguousarray(as_array(f"arrays[{name!r}]", value, "numbers"))
    for name, pair in models.items():
        match pair:
            case (dict() as params, ModelConfig() as config):
                check_known(config, PAGE)
                configs[name] = config.to_dict()
                tensors |= {f"{name}/{key}": value for key, value in _rounded(params, config, np.dtype(dtype))}
            case _:
                raise DtypeError(f"models[{name!r}]", f"a {type(pair).__name__}", "(params, config)", "Pass both.")
    return safetensors.numpy.save(tensors, {"page": to_json("facts", {"models": configs, **facts}, sort_keys=False)})


def _rounded(params: dict, config: ModelConfig, dtype: np.dtype):
    """The tensors that the configuration names; one that does not fit into the dtype is refused."""
    shapes, top = parameter_shapes(config), np.finfo(dtype).max
    for name, value in check_entries("params", params, shapes).items():
        if name in shapes:
            fits = check_array(f"params[{name!r}]", value, shape=shapes[name], low=-top, high=top)
            yield name, np.ascontiguousarray(fits.astype(dtype))


@checked
def page_data(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """What :func:`page_bytes` has put into bytes: the facts, with ``models``, and all arrays by name."""
    try:
        arrays, length = safetensors.numpy.load(data), int.from_bytes(data[:8], "little")
        return json.loads(json.loads(data[8:8 + length])["__metadata__"]["page"]), arrays
    except (safetensors.SafetensorError, ValueError, KeyError):
        raise DataError("These are not the bytes of a page; page_bytes makes them.") from None


def page_model(data: bytes, name: str = "model") -> tuple[dict[str, np.ndarray], ModelConfig]:
    """The parameters of one of the models in a page's bytes, in double precision, and its configuration."""
    facts, arrays = page_data(data)
    configs = facts["models"]
    config, start = configs[check_choice("name", name, configs)], f"{name}/"
    params = {key.removeprefix(start): value.astype(float) for key, value in arrays.items() if key.startswith(start)}
    return params, ModelConfig(**config)


def shipped_file(name: str) -> Path:
    """The file of the bytes that an explorable with ``data: "NAME"`` loads."""
    files = {path.stem: path for path in (JS / "data").glob("*.bin")}
    return files[check_choice("name", name, files)]


@cache
def shipped(name: str) -> bytes:
    """What an explorable with ``data: "NAME"`` loads."""
    return shipped_file(name).read_bytes()


@cache
def shipped_data(name: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The facts and the arrays in it."""
    return page_data(shipped(name))


def write_page_data(name: str, data: bytes) -> None:
    """Write ``js/data/NAME``, which an explorable loads: the old file stays until the new one is whole."""
    with written_whole(JS / "data" / name) as half:
        half.write_bytes(data)
