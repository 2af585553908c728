"""Run records: a folder with configuration, metrics, weights and a manifest that vouches for every byte.

``config.json``, ``metrics.csv``, ``weights.safetensors`` and, where there are any,
``best.safetensors``, ``trajectory.safetensors`` and ``optimizer.safetensors`` (a checkpoint).
``timing.json`` holds the time it took. ``manifest.json`` holds the sha256 of each file, and what the bytes depend on:
versions, the kernel and the threads of the linear algebra, settings. Its ``content``, a checksum of all but the
timing, is the same whenever the same command runs on the same machine.

A record is written to a temporary sibling and renamed, so it is there whole or not at all.
Reading one parses JSON, CSV and safetensors and nothing else: no byte of it is ever executed.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import threadpoolctl

from ..checks import check_type, check_whole
from ..errors import ArgumentError, DataError
from ..rules import Array, Flags, Whole, Wholes
from ..signatures import checked
from .folders import place
from .history import History, weights_of
from .seals import (
    PATH,
    PLAIN,
    check_plain,
    dumped,
    noted,
    parsed,
    sealed,
    seals,
    sha256,
    understood,
    unsealed,
    vouched,
)
from .tables import history_from, packed, parts, table, unpacked

__all__ = ["Record", "read_record", "write_record"]

FORMAT = 1
TENSOR = Array(finite=False, empty=True) | Wholes(empty=True) | Flags(empty=True)
TENSORS = ("weights", "best", "trajectory", "optimizer")
KNOWN = {"config.json", "metrics.csv", "timing.json", *(f"{kind}.safetensors" for kind in TENSORS)}


@dataclass(frozen=True)
class Record:
    """A run record as it was read. ``state`` holds the weights, and in a checkpoint the optimiser's memory too."""

    path: Path
    config: dict
    history: History
    state: dict[str, np.ndarray]
    manifest: dict
    timing: dict

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The weights after the last step."""
        return weights_of(self.state)

    @property
    def name(self) -> str:
        """The folder's name and the start of its checksum: what a claim cites."""
        content = self.manifest.get("content", self.manifest["sha256"])
        return f"{self.path.name} sha256:{content[:12]}"


def versions() -> dict[str, str]:
    """What a run's bytes depend on, besides its configuration and settings."""
    from .. import __version__

    blas = next((part for part in threadpoolctl.threadpool_info() if part["user_api"] == "blas"), {})
    return {"transformer_lab": __version__, "python": platform.python_version(), "numpy": np.__version__,
            "machine": platform.machine(), "kernel": str(blas.get("architecture", "unknown")),
            "threads": str(blas.get("num_threads", "unknown"))}


@checked
def write_record(folder: PATH, *, config: PLAIN, history: History, state: dict, step: Whole(), stopped: str = "",
                 timing: PLAIN | None = None, conditions: PLAIN | None = None) -> Path:
    """Write a record and return its folder, which must not exist yet.

    Parameters
    ----------
    folder : path
        Where the record goes. Its name must be free: records are never overwritten.
    config : dict
        Plain values that name the run, ready for JSON.
    history, state, step
        What was measured, the stepper's state, and how many updates it has seen.
    stopped : str
        Why the run ended early, if it did.
    timing : dict, optional
        Seconds; the one part of a record that differs from run to run.
    conditions : dict, optional
        Plain values: the settings that the bytes depend on, besides the configuration.

    Raises
    ------
    DataError
        If there is such a folder already.

    Examples
    --------
    >>> import tempfile
    >>> history = History([{"step": 0, "loss": 2.5}, {"step": 10, "loss": 0.5}])
    >>> with tempfile.TemporaryDirectory() as home:
    ...     written = write_record(Path(home) / "run", config={"seed": 1}, history=history,
    ...                            state={"w": np.array([1.0, 2.0])}, step=10)
    ...     found = read_record(written, config={"seed": 1})
    >>> found.history["loss"].tolist(), found.weights["w"].tolist(), found.manifest["step"]
    ([2.5, 0.5], [1.0, 2.0], 10)
    """
    check_plain("stopped", {"stopped": stopped})
    for name, value in state.items():
        TENSOR(f"state[{name!r}]", value)
    if not in_order(history, step):
        raise ArgumentError("history", f"steps that do not go up to {step} at most", "rows in order, none after step",
                            "Pass the history and the step of one run.")
    contents = {"config.json": dumped(config), "metrics.csv": table(history)}
    contents |= {f"{kind}.safetensors": packed(arrays) for kind, arrays in parts(history, state).items() if arrays}
    content = {"step": step, "stopped": stopped, "versions": versions(), "conditions": conditions or {},
               "files": seals(contents)}
    contents["timing.json"] = sealed(timing or {})
    manifest = {"format": FORMAT, "content": content_of(content), **content, "files": seals(contents)}
    return place(folder, contents | {"manifest.json": sealed(manifest)})


def content_of(manifest: dict) -> str:
    """The checksum of all that a manifest vouches for but the timing."""
    parts = {name: manifest[name] for name in ("step", "stopped", "versions", "conditions")}
    files = {name: seal for name, seal in manifest["files"].items() if name != "timing.json"}
    return sha256(dumped(parts | {"files": files}))


def check_manifest(manifest: dict) -> None:
    """What a manifest says besides its seals; old records say less."""
    check_whole("step", manifest["step"], low=0), check_type("stopped", manifest["stopped"], str)
    for name, version in check_type("versions", manifest["versions"], dict).items():
        check_type(f"versions.{name}", version, str)
    check_type("conditions", manifest.get("conditions", {}), dict)
    if "content" in manifest and manifest["content"] != content_of(manifest):
        raise ValueError("content")


@checked
def read_record(folder: PATH, *, config: PLAIN | None = None) -> Record:
    """Read a record after checking every byte of it.

    Parameters
    ----------
    folder : path
    config : dict, optional
        The configuration that it must have.

    Raises
    ------
    DataError
        If anything is missing, damaged, from another format or another configuration.
    """
    manifest = unsealed(folder / "manifest.json")
    with understood(folder / "manifest.json"):
        if manifest["format"] is True or manifest["format"] != FORMAT:
            raise DataError(f"{folder} is a record of format {manifest['format']!r}, and this version reads format "
                            f"{FORMAT}. Use the version of transformer_lab that wrote it, or train the run again.")
        check_manifest(manifest)
        contents = {name: vouched(folder / name, manifest["files"][name]) for name in KNOWN & set(manifest["files"])}
    with understood(folder):
        found = check_type("config.json", parsed(contents["config.json"]), dict)
        tensors = {kind: unpacked(contents.get(f"{kind}.safetensors")) for kind in TENSORS}
        if not tensors["weights"]:
            raise KeyError("weights.safetensors")
        history = history_from(contents["metrics.csv"], tensors["best"], tensors["trajectory"])
        if not in_order(history, manifest["step"]):
            raise ValueError("steps")
    if config is not None and found != (wanted := json.loads(dumped(config))):
        raise DataError(f"{folder} is a run of another configuration: {difference(found, wanted)}. "
                        "Choose another folder, or the configuration that is in its config.json.")
    noted(folder / "manifest.json")
    return Record(folder, found, history, tensors["weights"] | tensors["optimizer"], manifest,
                  unsealed(folder / "timing.json"))


def in_order(history: History, last: int) -> bool:
    """Whether steps go up, and none comes after the last."""
    steps = [-1, *(row["step"] for row in history.rows), last + 1]
    return all(step < later for step, later in pairwise(steps)) and all(0 <= step <= last for step in history.kept)


def difference(found: dict, wanted: dict, before: str = "") -> str:
    """The fields in which two configurations differ, in words.

    >>> difference({"seed": 1, "task": {"low": 0, "high": 9}}, {"seed": 1, "task": {"low": 1, "high": 5}})
    'task.high is 9, not 5, task.low is 0, not 1'
    """
    pairs = ((before + name, found.get(name), wanted.get(name)) for name in sorted({*found, *wanted}))
    return ", ".join(difference(old, new, f"{name}.") if isinstance(old, dict) and isinstance(new, dict)
                     else f"{name} is {old!r}, not {new!r}" for name, old, new in pairs if old != new)
