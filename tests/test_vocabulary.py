"""The vocabulary is one table: names are unique, every axis is itself defined, every LaTeX symbol is used once."""

import pytest

from transformer_lab import VOCABULARY, ModelConfig, lookup, names
from transformer_lab.errors import DtypeError, UnknownNameError
from transformer_lab.names import _TABLE
from transformer_lab.parts import BYHAND, check_known
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


@pytest.mark.parametrize("ask", [names.parameter_shapes, names.stack_parameters,
                                 lambda config: names.shapes(config, ()), lambda config: check_known(config, BYHAND)])
def test_what_is_no_configuration_is_refused_wherever_one_is_read(ask):
    for nonsense in (None, 5, {}, [None], object()):
        with pytest.raises(DtypeError, match=r"^config: got .*; allowed is a ModelConfig"):
            ask(nonsense)


def test_an_activation_is_no_parameter_of_a_configuration():
    with pytest.raises(UnknownNameError, match="names: got 'pattern'; allowed is a parameter of this configuration"):
        names.shapes(ModelConfig(d_vocab=5, n_ctx=3), ["W_E", "pattern"])
