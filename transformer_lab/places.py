"""Where things lie: shipped records, and what the reader trains; the same places whatever the working folder is."""

from __future__ import annotations

import os
from pathlib import Path

from .checks import check_type

__all__ = ["HOME", "runs", "shipped"]

#: The folder of ``data`` and ``runs``: the clone, or what the environment variable ``TRANSFORMER_LAB_HOME`` names.
HOME = Path(os.environ.get("TRANSFORMER_LAB_HOME") or Path(__file__).resolve().parents[1])


def shipped(*names: str) -> Path:
    """A folder of the shipped evidence.

    >>> shipped("digits", "digits-0").parts[-3:]
    ('data', 'digits', 'digits-0')
    """
    return HOME.joinpath("data", *(check_type("names", name, str) for name in names))


def runs(*names: str) -> Path:
    """A folder for runs that are trained here; nothing in it is shipped.

    >>> runs("lengths-0").parts[-2:]
    ('runs', 'lengths-0')
    """
    return HOME.joinpath("runs", *(check_type("names", name, str) for name in names))
