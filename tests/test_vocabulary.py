"""The vocabulary is one table: names are unique, every axis is itself defined, every LaTeX symbol is used once."""

import pytest

from transformer_lab import VOCABULARY, lookup
from transformer_lab.errors import UnknownNameError
from transformer_lab.names import _TABLE
from transformer_lab.theme import theme

FREE_AXES = {"batch", "pos", "query", "key"}


def test_names_and_symbols_are_unique():
    assert len(VOCABULARY) == len(_TABLE)
    symbols = [entry.symbol for entry in _TABLE if entry.name != "read"]  # z, as the transformer's: one head reads it
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize("entry", _TABLE, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    assert entry.kind in {"size", "parameter", "activation"}
    assert entry.meaning and not entry.meaning.endswith(".")
    assert set(entry.shape) <= FREE_AXES | {name for name, other in VOCABULARY.items() if other.kind == "size"}
    assert entry.role in theme()["marks"]
    assert bool(entry.equation) == (entry.kind == "activation")


def test_a_near_miss_is_answered_with_the_name_meant():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'resid_pre'\?"):
        lookup("resid_pr")
    with pytest.raises(UnknownNameError, match="notation page"):
        lookup(None)
