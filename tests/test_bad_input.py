"""Every public function answers nonsense with one of the package's own errors, whatever the argument.

`CALLS` holds one call that works for each public function. The test replaces each of its arguments
in turn by things that no one should pass; the function may cope, but what it raises must be a LabError.
A public function that is missing from the table fails the test, so the table is always complete.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from bad_input_calls import CALLS, EXEMPT

import chapters
import transformer_lab
from transformer_lab.errors import LabError

NONSENSE = {
    "None": None, "a word": "nonsense", "minus one": -1, "a fraction": 0.37, "NaN": float("nan"), "an empty list": [],
    "an empty array": np.empty((0, 3)), "an array with NaN": np.full((2, 3), np.nan), "an object": object(),
    "too many axes": np.zeros((1,) * 9), "a dict": {"unknown": 1}, "huge tokens": np.full((2, 3), 10**9),
    "strings": np.array(["a", "b"]), "ragged rows": [[1.0], [1.0, 2.0]], "True": True,
}
SKIPPED_PACKAGES = ("lab_site",)


def public_functions() -> dict:
    """Each function of each module's ``__all__``, by its path in the package."""
    found = {}
    packages = [(transformer_lab, "transformer_lab."), (chapters, "chapters.")]
    for module in (found for package, prefix in packages for found in pkgutil.walk_packages(package.__path__, prefix)):
        if module.name.endswith("__main__"):
            continue
        members = importlib.import_module(module.name)
        for name in getattr(members, "__all__", ()):
            member = getattr(members, name)
            if inspect.isfunction(member) or hasattr(member, "__wrapped__"):
                found[f"{member.__module__.removeprefix('transformer_lab.')}.{member.__name__}"] = member
    return found


FUNCTIONS = public_functions()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A function that takes a folder may make one of any name."""
    monkeypatch.chdir(tmp_path)


def test_the_table_is_complete_and_holds_nothing_that_is_gone():
    assert set(CALLS) | set(EXEMPT) == set(FUNCTIONS)
    assert not set(CALLS) & set(EXEMPT)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_call_in_the_table_works(name):
    FUNCTIONS[name](**CALLS[name]())


@pytest.mark.parametrize("name", sorted(CALLS))
def test_nonsense_is_answered_with_the_packages_own_error(name):
    strangers = []
    for argument in CALLS[name]():
        for kind, value in NONSENSE.items():
            try:
                with np.errstate(all="ignore"):
                    FUNCTIONS[name](**{**CALLS[name](), argument: value})
            except LabError as error:
                assert str(error).strip()
            except Exception as error:
                strangers.append(f"{argument}={kind}: {type(error).__name__}: {error}")
    assert not strangers, "\n".join(strangers)
