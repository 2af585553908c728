"""Labelled arrays on disk: an ``xarray.Dataset`` as safetensors and JSON, every byte vouched for, nothing unpickled.

A folder holds ``arrays.safetensors`` (numbers), ``dataset.json`` (dimensions, texts, attributes, configuration),
``timing.json`` and ``manifest.json``, which has the versions and the sha256 of the others. The data have a checksum of
their own, ``content``: it does not depend on how long the measuring took.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from ..checks import check_type
from ..errors import DataError, DtypeError, installed
from ..rules import By
from ..signatures import checked
from .folders import place, settled
from .records import difference, versions
from .seals import (
    PATH,
    PLAIN,
    check_plain,
    dumped,
    noted,
    parsed,
    readable,
    sealed,
    seals,
    sha256,
    understood,
    unsealed,
    vouched,
)
from .tables import packed, unpacked

__all__ = ["read_dataset", "write_dataset"]

FORMAT = 1
FILES = ("arrays.safetensors", "dataset.json", "timing.json")

#: What reading adds to the attributes; it is never written among them.
ADDED = ("record", "config", "versions", "timing")


def xarray():
    """The library, imported when first needed: the rest of the package does without."""
    return installed("xarray", "Studies")


def check_dataset(argument: str, value):
    """A dataset whose variables can be named in a file."""
    check_type(argument, value, xarray().Dataset)
    for name in [*value.variables, *value.dims]:
        check_type(f"a name in {argument}", name, str)
    return value


@checked
def write_dataset(folder: PATH, dataset: By(check_dataset), *, config: PLAIN, made_with: PLAIN | None = None,
                  timing: PLAIN | None = None, replace: bool = False) -> Path:
    """Write a dataset and return its folder.

    Parameters
    ----------
    folder : path
    dataset : xarray.Dataset
        Numbers, truth values and text. Each keeps its dtype.
    config : dict
        Plain values that name what was measured, ready for JSON.
    made_with : dict, optional
        The versions that the data were made with, if not those of now.
    timing : dict, optional
        Seconds.
    replace : bool
        Whether a folder that is there gives way, once the new one is whole.

    Examples
    --------
    >>> import tempfile
    >>> coins = xarray().Dataset({"heads": ("throw", [True, False, True])})
    >>> with tempfile.TemporaryDirectory() as home:
    ...     found = read_dataset(write_dataset(Path(home) / "coins", coins, config={"coin": 0.5}))
    >>> found["heads"].values.tolist(), found.attrs["config"]
    ([True, False, True], {'coin': 0.5})
    """
    said = dumped(check_plain("dataset", described(dataset, config)))
    numbers = {name: variable.values for name, variable in dataset.variables.items() if not is_text(variable)}
    contents = {"arrays.safetensors": packed(numbers), "dataset.json": said}
    content = sha256("".join(map(sha256, contents.values())).encode())
    contents["timing.json"] = dumped(timing or {})
    manifest = {"format": FORMAT, "versions": made_with or versions(), "content": content, "files": seals(contents)}
    return place(folder, contents | {"manifest.json": sealed(manifest)}, replace=replace)


def described(dataset, config: dict) -> dict:
    """All of a dataset but its numbers, as plain values."""
    attributes = {name: value for name, value in dataset.attrs.items() if name not in ADDED}
    variables = [{"name": name, "dims": list(variable.dims), "attrs": plain(variable.attrs),
                  "coordinate": name in dataset.coords, "text": variable.values.tolist() if is_text(variable) else None}
                 for name, variable in dataset.variables.items()]
    return {"config": config, "attrs": plain(attributes), "variables": variables}


def is_text(variable) -> bool:
    """Whether a variable holds text. What is neither text nor numbers is refused."""
    values = np.asarray(variable.values)
    if values.dtype.kind == "U" or (values.dtype.kind == "O" and all(isinstance(one, str) for one in values.flat)):
        return True
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise DtypeError("dataset", f"an array of {values.dtype} along {', '.join(variable.dims) or 'nothing'}",
                         "real numbers, truth values or text", "Convert it with array.astype(...).")
    return False


def plain(value):
    """NumPy's numbers and arrays, and tuples, as what JSON knows."""
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


@checked
def read_dataset(folder: PATH, *, config: PLAIN | None = None):
    """The dataset in a folder, every byte of it checked.

    Its ``attrs`` have what was written, and ``record`` (what a claim cites), ``config``, ``versions`` and ``timing``.

    Raises
    ------
    DataError
        If anything is missing, damaged, from another format or another configuration than ``config``.

    Examples
    --------
    >>> from transformer_lab.places import shipped
    >>> rulers = read_dataset(shipped("studies", "rulers"))
    >>> rulers.attrs["config"]["study"], rulers.attrs["record"].split()[0]
    ('rulers', 'rulers')
    """
    with readable(folder):
        folder.exists()  # a name that no folder can have is said
    manifest, contents = steadily(folder)
    with understood(folder):
        found = parsed(contents["dataset.json"])
        dataset = built(found["variables"], unpacked(contents["arrays.safetensors"]), found["attrs"])
        timing = parsed(contents["timing.json"])
    if config is not None and found["config"] != (wanted := json.loads(dumped(config))):
        raise DataError(f"{folder} is of another configuration: {difference(found['config'], wanted)[:300]}. "
                        "Move it away to make it anew, or go back to the configuration that is in its dataset.json.")
    noted(folder / "manifest.json")
    return dataset.assign_attrs(record=f"{folder.name} sha256:{manifest['content'][:12]}", config=found["config"],
                                versions=manifest["versions"], timing=timing)


def steadily(folder: Path) -> tuple[dict, dict[str, bytes]]:
    """The manifest and the files that it vouches for; tried again, for another process may be placing new ones."""
    for pause in (0.01, 0.1):
        try:
            return once(settled(folder))
        except DataError:
            time.sleep(pause)
    return once(settled(folder))


def once(folder: Path) -> tuple[dict, dict[str, bytes]]:
    manifest = unsealed(folder / "manifest.json")
    with understood(folder / "manifest.json"):
        if manifest["format"] != FORMAT:
            raise DataError(f"{folder} has format {manifest['format']!r}, and this version reads format {FORMAT}. "
                            "Use the version of transformer_lab that wrote it, or make it again.")
        return manifest, {name: vouched(folder / name, manifest["files"][name]) for name in FILES}


def built(variables: list[dict], arrays: dict, attributes: dict):
    """The dataset with these variables."""
    parts = {one["name"]: (one["dims"], arrays[one["name"]] if one["text"] is None else np.array(one["text"], str),
                           one["attrs"]) for one in variables}
    coordinates = {one["name"] for one in variables if one["coordinate"]}
    return xarray().Dataset({name: part for name, part in parts.items() if name not in coordinates},
                            {name: part for name, part in parts.items() if name in coordinates}, attributes)
