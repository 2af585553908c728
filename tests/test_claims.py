"""A claim that does not hold must stop; one that cannot fail must stop too; its output shows no raw value."""

import datetime
import json
import math
from fractions import Fraction

import numpy as np
import pytest

from transformer_lab import at_least, at_most, between, claim, claims, equals
from transformer_lab.errors import ArgumentError, ClaimError, LabError


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(claims, "_stated", {})
    monkeypatch.delenv("TRANSFORMER_LAB_LEDGER", raising=False)


def stated(*bounds, id="some-claim", **more):
    return claim(id, "A statement.", *bounds, **more)


@pytest.mark.parametrize("bound", [
    at_least("x", 0.9989999, 0.999), at_most("x", 1.0001, 1), equals("x", 2, 1),
    at_least("x", [1.0, 0.5, 1.0], 0.9), at_least("x", math.nan, 0), at_least("x", math.inf, 0),
    at_most("x", -math.inf, 0), at_most("x", [1.0, math.nan], 2),
    between("x", 0.5, 0.6, 0.7), between("x", 0.8, 0.6, 0.7), equals("x", Fraction(1, 3), 0.333),
    equals("x", 2**60 + 1, 2**60),
])
def test_what_does_not_hold_stops(bound):
    with pytest.raises(ClaimError, match="does not hold"):
        stated(at_least("y", 1, 0), bound)


@pytest.mark.parametrize("bound", [
    at_least("x", 0.999, 0.999), at_most("x", np.float32(1), 1), equals("x", np.array([2, 2]), 2),
    between("x", [0.6, 0.7], 0.6, 0.7), equals("x", Fraction(1, 3), Fraction(1, 3)), equals("x", 2**60 + 1, 2**60 + 1),
])
def test_what_holds_is_shown(bound):
    assert repr(stated(bound)) == "✓ A statement."


def test_the_worst_entry_of_the_bound_is_named():
    with pytest.raises(ClaimError, match=r"needs share right at least 0\.95, but it is 0\.25"):
        stated(at_least("share right", [0.9, 0.25, 0.5], 0.95))


@pytest.mark.parametrize("value", [True, [True, False], np.True_, "x", 1j, [1j], None, [], {},
                                   np.datetime64("2026-01-01"), datetime.date(2026, 1, 1),
                                   np.ma.array([1.0, 2.0], mask=[0, 1]), [[1], [1, 2]]])
@pytest.mark.parametrize("of", ["value", "limit", "rival"])
def test_what_is_no_measurement_is_refused(value, of):
    with pytest.raises(LabError):
        if of == "rival":
            at_least("x", 1.0, 0.5, rival=("null", value))
        else:
            at_least("x", **{"value": 1.0, "limit": 0.5, of: value})


@pytest.mark.parametrize("make", [
    lambda rival: at_least("x", 0.9, 0.5, rival=rival), lambda rival: at_most("x", 0.1, 0.5, rival=rival),
    lambda rival: equals("x", 1, 1, rival=rival), lambda rival: between("x", 0.5, 0.4, 0.6, rival=rival),
])
def test_a_rival_must_break_the_bound(make):
    assert make(("null", [0.9, 0.1, 0.5])).rival == "null"
    keeps = {"at least 0.5": 0.5, "at most 0.5": 0.5, "equal to 1": 1, "from 0.4 to 0.6": 0.4}
    with pytest.raises(ClaimError, match="cannot fail"):
        make(("null", keeps[make(None).bound]))


def test_an_experiment_needs_a_rival_and_says_on_what_it_was_measured():
    bare, rival = at_least("x", [0.9, 1.0], 0.5), at_least("x", [0.9, 1.0], 0.5, rival=("untrained", 0.1))
    with pytest.raises(ClaimError, match="without a rival"):
        stated(bare, sample="all inputs")
    for more in ({"seeds": 2}, {"record": "a sha256:1"}):
        with pytest.raises(ClaimError, match="without a rival"):
            stated(bare, sample="all inputs", **more)
        with pytest.raises(ClaimError, match="on what it was measured"):
            stated(rival, **more)
        assert stated(rival, bare, sample="all inputs", **more)


@pytest.mark.parametrize(("value", "limit", "shown"), [
    (0.99996, 1, "0.99996"), (0.5, 0.5, "0.5"), (123457, 99, "123457"), (1 / 3, 0, "0.3333"),
    (0.95 + 1e-15, 0.95, "0.950000000000001"),
])
def test_a_value_is_written_with_the_digits_that_tell_it_from_its_bound(value, limit, shown):
    assert at_most("x", value, limit).value == shown
    assert at_least("x", value, limit).value == shown


def test_the_output_shows_the_statement_and_not_the_value():
    shown = claim("near-pi", "The number is above 3 & below 4.", between("x", 3.14159, 3, 4, rival=("e", 2.718)),
                  sample="one number", seeds=20)
    assert repr(shown) == "✓ The number is above 3 & below 4."
    assert "3.14" not in shown._repr_html_()
    assert 'id="claim-near-pi"' in shown._repr_html_()
    assert "3 &amp; below" in shown._repr_html_()
    assert "20 seeds" in shown._repr_html_()
    recorded = stated(at_least("x", 1, 0, rival=("null", -1)), sample="all", record="runs sha256:ab12")
    assert "ab12" not in recorded._repr_html_(), "names of records and hashes stand in the ledger alone"


def test_the_ledger_gets_every_bound_and_replaces_an_entry(tmp_path, monkeypatch):
    target = tmp_path / "claims" / "chapter.json"
    monkeypatch.setenv("TRANSFORMER_LAB_LEDGER", str(target))
    stated(at_least("x", 1, 0), id="first")
    stated(equals("y", 2, 2), id="second")
    stated(at_least("x", np.array([0.5, 0.25]), 0.125, rival=("null", 0)), equals("y", 2, 2), id="first", seeds=2,
           sample="all", record="runs sha256 ab12")
    entries = json.loads(target.read_text("utf-8"))
    assert [entry["id"] for entry in entries] == ["second", "first"]
    assert entries[1] == {
        "id": "first", "statement": "A statement.", "sample": "all", "seeds": 2, "record": "runs sha256 ab12",
        "bounds": [
            {"name": "x", "bound": "at least 0.125", "value": "0.25 to 0.5", "entries": 2, "rival": "null",
             "rival_value": "0", "limits": [0.125, None], "dots": [0.5, 0.25], "rival_dots": [0]},
            {"name": "y", "bound": "equal to 2", "value": "2", "entries": 1, "rival": "", "rival_value": ""}]}
    assert list(target.parent.iterdir()) == [target], "no half-written file may stay behind"


@pytest.mark.parametrize(("value", "seeds", "kept"), [([1, 2], 1, False), ([2, 2], 2, True), (2, 2, False),
                                                      ([2] * 400, 3, True), ([2] * 401, 3, False)])
def test_the_ledger_keeps_single_entries_where_they_are_those_of_seeds(tmp_path, monkeypatch, value, seeds, kept):
    monkeypatch.setenv("TRANSFORMER_LAB_LEDGER", str(tmp_path / "chapter.json"))
    stated(at_least("x", value, 1, rival=("null", [0, math.nan])), sample="all", seeds=seeds)
    bound = json.loads((tmp_path / "chapter.json").read_text("utf-8"))[0]["bounds"][0]
    assert (bound.get("dots") == np.ravel(value).tolist()) is kept
    assert bound.get("rival_dots", [0, None]) == [0, None] and ("limits" in bound) is kept


def test_a_failing_claim_leaves_the_ledger_alone(tmp_path, monkeypatch):
    target = tmp_path / "chapter.json"
    monkeypatch.setenv("TRANSFORMER_LAB_LEDGER", str(target))
    stated(equals("x", 1, 1), id="first")
    before = target.read_bytes()
    with pytest.raises(ClaimError):
        stated(equals("x", 1, 2), id="second")
    assert target.read_bytes() == before


def test_one_id_states_one_thing():
    stated(equals("x", 1, 1))
    stated(equals("x", 1, 1))
    with pytest.raises(ArgumentError, match=r"already states .A statement\."):
        claim("some-claim", "Another thing.", equals("x", 1, 1))


@pytest.mark.parametrize("arguments", [
    {"id": "Not an id"}, {"id": 3}, {"id": ""}, {"statement": " "}, {"statement": None}, {"seeds": 0}, {"seeds": 1.5},
    {"sample": 3}, {"record": None},
])
def test_bad_input_is_answered_with_the_packages_own_error(arguments):
    good = {"id": "good", "statement": "Good.", "seeds": 1}
    with pytest.raises(LabError):
        claim(*({**good, **arguments}.pop(name) for name in ("id", "statement")), equals("x", 1, 1),
              **{name: value for name, value in {**good, **arguments}.items() if name not in ("id", "statement")})


def test_a_claim_needs_a_bound_and_bounds_need_names():
    with pytest.raises(LabError):
        stated()
    with pytest.raises(LabError):
        at_least(" ", 1, 0)
    with pytest.raises(LabError):
        between("x", 1, 2, 2)
    with pytest.raises(LabError):
        at_least("x", 1, 0, rival=3)
    with pytest.raises(LabError):
        at_least("x", 1, math.inf)


def test_a_rival_that_was_never_measured_is_refused():
    for values in (math.nan, [math.nan, math.nan]):
        with pytest.raises(LabError, match="NaN"):
            at_least("x", 2, 1, rival=("null", values))
    assert at_least("x", 2, 1, rival=("null", [0, math.nan])).rival_value
