"""A claim that does not hold must stop; one that holds must show the statement and never the raw value."""

import json
import math

import numpy as np
import pytest

from transformer_lab import claim, claims
from transformer_lab.errors import ArgumentError, ClaimError, LabError


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(claims, "_stated", {})
    monkeypatch.delenv("TRANSFORMER_LAB_LEDGER", raising=False)


@pytest.mark.parametrize(("value", "bound"), [
    (0.9989999, {"at_least": 0.999}),
    (1.0001, {"at_most": 1}),
    (2, {"equals": 1}),
    ([1.0, 0.5, 1.0], {"at_least": 0.9}),
    (math.nan, {"at_least": 0}),
    (math.inf, {"at_least": 0}),
    ([1.0, math.nan], {"at_most": 2}),
    (0.5, {"at_least": 0.6, "at_most": 0.7}),
    (0.8, {"at_least": 0.6, "at_most": 0.7}),
])
def test_what_does_not_hold_stops(value, bound):
    with pytest.raises(ClaimError, match="does not hold"):
        claim("some-claim", "A statement.", value, **bound)


def test_the_worst_entry_is_named():
    with pytest.raises(ClaimError, match=r"but it is 0\.25"):
        claim("some-claim", "A statement.", [0.9, 0.25, 0.5], at_least=0.95)


def test_the_output_shows_the_statement_and_not_the_value():
    shown = claim("near-pi", "The number is above 3 & below 4.", 3.14159, at_least=3, at_most=4, seeds=20)
    assert repr(shown) == "✓ The number is above 3 & below 4."
    assert "3.14" not in shown._repr_html_()
    assert 'id="claim-near-pi"' in shown._repr_html_()
    assert "3 &amp; below" in shown._repr_html_()
    assert "20 seeds" in shown._repr_html_()


def test_the_ledger_gets_value_bound_and_seeds_and_replaces_an_entry(tmp_path, monkeypatch):
    target = tmp_path / "claims" / "chapter.json"
    monkeypatch.setenv("TRANSFORMER_LAB_LEDGER", str(target))
    claim("first", "One.", np.array([0.5, 0.25]), at_least=0.125, seeds=2)
    claim("second", "Two.", 2, equals=2, record="runs sha256 ab12")
    claim("first", "One.", 0.75, at_least=0.125)
    entries = json.loads(target.read_text("utf-8"))
    assert [entry["id"] for entry in entries] == ["second", "first"]
    assert entries[1] == {"id": "first", "statement": "One.", "bound": "at least 0.125", "value": "0.75", "seeds": 1,
                          "record": ""}
    assert entries[0]["record"] == "runs sha256 ab12"
    assert list(target.parent.iterdir()) == [target], "no half-written file may stay behind"


def test_a_failing_claim_leaves_the_ledger_alone(tmp_path, monkeypatch):
    target = tmp_path / "chapter.json"
    monkeypatch.setenv("TRANSFORMER_LAB_LEDGER", str(target))
    claim("first", "One.", 1, equals=1)
    before = target.read_bytes()
    with pytest.raises(ClaimError):
        claim("second", "Two.", 1, equals=2)
    assert target.read_bytes() == before


def test_one_id_states_one_thing():
    claim("only", "One thing.", 1, equals=1)
    claim("only", "One thing.", 1, equals=1)
    with pytest.raises(ArgumentError, match=r"already states .One thing\."):
        claim("only", "Another thing.", 1, equals=1)


@pytest.mark.parametrize("arguments", [
    {"id": "Not an id"}, {"id": 3}, {"id": ""}, {"statement": " "}, {"statement": None}, {"value": "x"}, {"value": []},
    {"at_least": None}, {"at_least": "0"}, {"at_least": math.nan}, {"seeds": 0}, {"seeds": 1.5},
])
def test_bad_input_is_answered_with_the_packages_own_error(arguments):
    good = {"id": "good", "statement": "Good.", "value": 1, "at_least": 0, "seeds": 1}
    with pytest.raises(LabError):
        claim(**{**good, **arguments})
