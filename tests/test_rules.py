"""Signatures are held to: against a brute-force matcher of shapes, and one wrong call for each kind of rule."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from transformer_lab import errors, places
from transformer_lab.config import ModelConfig
from transformer_lab.rules import Array, Choice, Each, Entries, Flags, Inexact, Number, Seed, Whole, Wholes, rule_of
from transformer_lab.signatures import checked
from transformer_lab.training import read_record

SHAPES = [shape for n in range(4) for shape in itertools.product((1, 2, 3), repeat=n)]
TABLE = {"relu": max, "gelu": min}


def by_brute_force(words: tuple[str, ...], shapes) -> bool:
    """Whether any choice of lengths explains all shapes: tries every length for every name, every split of a lead."""
    names = sorted({axis.lstrip("#") for text in words for axis in text.split() if axis[0] not in "*_."})
    return any(explained(words, shapes, dict(zip(names, lengths, strict=True)))
               for lengths in itertools.product((1, 2, 3), repeat=len(names)))


def explained(words, shapes, length) -> bool:
    leads = []
    for text, shape in zip(words, shapes, strict=True):
        axes = text.split()
        last = [axis for axis in axes if axis[0] not in "*."]
        lead, rest = shape[:max(0, len(shape) - len(last))], shape[max(0, len(shape) - len(last)):]
        if len(rest) != len(last) or (lead and len(axes) == len(last)):
            return False
        if not all(axis == "_" or size == length[axis.lstrip("#")] or (axis[0] == "#" and size == 1)
                   for axis, size in zip(last, rest, strict=True)):
            return False
        leads += [(axes[0], lead)] if axes and axes[0][0] == "*" else []
    exact = {lead for kind, lead in leads if kind == "*batch"}
    try:
        np.broadcast_shapes(*(lead for kind, lead in leads if kind == "*#batch"))
    except ValueError:
        return False
    return len(exact) < 2


@pytest.mark.parametrize(("first", "second"), [
    ("a b", "b a"), ("*batch a", "*batch a"), ("*batch a b", "b _"), ("... a", "a"), ("*#batch a", "*#batch a"),
    ("#a b", "a b"), ("a b", "#a b"), ("", "a"), ("a a", "... a"), ("*batch", "*batch a"),
])
def test_named_axes_agree_as_a_brute_force_search_says(first, second):
    @checked
    def both(x: Array(first), y: Array(second)):
        return True

    both.__annotations__ = both.unchecked.__annotations__ = {"x": Array(first), "y": Array(second)}
    for shapes in itertools.product(SHAPES, repeat=2):
        try:
            found = both(np.ones(shapes[0]), np.ones(shapes[1]))
        except errors.ShapeError:
            found = False
        assert found == by_brute_force((first, second), shapes), shapes


@checked
def lookup(tokens: Wholes("*batch pos", low=0, below="d_vocab"), table: Array("d_vocab d_model"), *names: str,
           n: Whole(1, 9) = 3, rate: Number(low=0, high=1) | None = None, kind: Choice(TABLE) = "relu",
           mask: Flags("*batch pos") | None = None, seed: Seed = 0, tap: Callable | None = None, distinct: bool = False,
           config: ModelConfig | None = None, layers: Each(Whole(0, 5)) = (0,), some: int | str = 1,
           params: Entries(W_QK="d_model d_model") | None = None):
    """Looks up."""
    return locals()


TOKENS, ROWS = np.array([[0, 1], [2, 2]]), np.ones((3, 4))


def test_what_is_allowed_comes_in_the_form_the_function_goes_on_with():
    got = lookup(TOKENS.tolist(), ROWS, "a", n=np.int64(4), rate=1, layers=[1, np.int8(2)], some="x")
    assert got["tokens"].dtype == np.int64 and got["table"] is ROWS and got["names"] == ("a",)
    assert (type(got["n"]), type(got["rate"]), got["layers"]) == (int, float, (1, 2))
    assert lookup(TOKENS, np.full((3, 4), 1e308))["table"].max() == 1e308
    assert lookup.unchecked("any", "thing")["n"] == 3


@pytest.mark.parametrize(("changed", "error", "words"), [
    ({"tokens": TOKENS + 1}, errors.RangeError, "tokens: got 3; allowed is entries from 0 to 2"),
    ({"tokens": TOKENS - 1}, errors.RangeError, "tokens: got -1"),
    ({"tokens": TOKENS[0, 0]}, errors.ShapeError, r"tokens: got an array of shape \(\); allowed is \(\*batch, pos\)"),
    ({"tokens": TOKENS > 0}, errors.DtypeError, "truth|bool"),
    ({"tokens": np.ma.masked_array(TOKENS, TOKENS > 1)}, errors.DtypeError, "masked"),
    ({"table": ROWS * 1j}, errors.DtypeError, "complex128"),
    ({"table": ROWS.astype(object)}, errors.DtypeError, "table"),
    ({"table": ROWS * np.nan}, errors.NotFiniteError, r"nan at index \(0, 0\)"),
    ({"table": ROWS[:0]}, errors.EmptyError, "empty"),
    ({"mask": np.zeros((2, 2))}, errors.DtypeError, "mask: got an array of dtype float64; allowed is truth values"),
    ({"mask": np.ones((2, 3), bool)}, errors.ShapeError, r"allowed is \(2, 2\)"),
    ({"mask": np.ones((3, 2), bool)}, errors.ShapeError, r"allowed is \(2, 2\)"),
    ({"n": 0}, errors.RangeError, "n: got 0; allowed is a whole number from 1 to 9"),
    ({"n": True}, errors.DtypeError, "n: got True"),
    ({"rate": 1.5}, errors.RangeError, "from 0 to 1"),
    ({"rate": "1e400"}, errors.DtypeError, "rate"),
    ({"rate": 10**400}, errors.NotFiniteError, "rate"),
    ({"kind": "rely"}, errors.UnknownNameError, "Did you mean 'relu'"),
    ({"kind": ["relu"]}, errors.UnknownNameError, "kind"),
    ({"seed": 2**63}, errors.RangeError, "seed"),
    ({"tap": 3}, errors.DtypeError, "a function"),
    ({"distinct": 1}, errors.DtypeError, "True or False"),
    ({"config": {}}, errors.DtypeError, "ModelConfig"),
    ({"layers": [1, 6]}, errors.RangeError, r"layers\[1\]: got 6"),
    ({"layers": []}, errors.RangeError, r"len\(layers\)"),
    ({"layers": 3}, errors.DtypeError, "a list or tuple"),
    ({"some": 1.5}, errors.DtypeError, "some"),
    ({"params": {"W_Q": ROWS}}, errors.UnknownNameError, "no 'W_QK'"),
    ({"params": {"W_QK": ROWS}}, errors.ShapeError, r"params\['W_QK'\]: .* allowed is \(4, 4\)"),
])
def test_a_wrong_argument_is_named_with_what_came_and_what_is_allowed(changed, error, words):
    with pytest.raises(error, match=words):
        lookup(**{"tokens": TOKENS, "table": ROWS} | changed)


def test_extra_positional_arguments_are_held_to_their_rule_too():
    with pytest.raises(errors.DtypeError, match="names: got 3"):
        lookup(TOKENS, ROWS, "a", 3)


def test_lengths_may_be_counts_and_attributes_of_other_arguments():
    @checked
    def rows(x: Array("n config.n_ctx"), n: Whole(), config: ModelConfig):
        return x

    rows.unchecked.__annotations__ = {"x": Array("n config.n_ctx"), "n": Whole(), "config": ModelConfig}
    config = ModelConfig(d_vocab=3, n_ctx=4)
    assert rows(np.ones((2, 4)), 2, config).shape == (2, 4)
    for wrong in (np.ones((2, 3)), np.ones((3, 4))):
        with pytest.raises(errors.ShapeError, match=r"allowed is \(2, 4\)"):
            rows(wrong, 2, config)


def test_methods_and_the_default_arguments_are_left_as_they_are():
    class Scaler:
        @checked
        def scale(self, x: Inexact("row"), by: Number(above=0) = -1):
            return x * by

    assert Scaler().scale([1.0]).tolist() == [-1.0]
    assert Scaler().scale(np.array([1j]), by=2).tolist() == [2j]
    with pytest.raises(errors.RangeError):
        Scaler().scale([1.0], by=-1)


def test_python_says_itself_what_is_missing_or_too_much():
    for args, kwargs in [((), {}), ((TOKENS,), {"tokens": TOKENS, "table": ROWS}), ((TOKENS, ROWS), {"typo": 1})]:
        with pytest.raises(TypeError, match="lookup"):
            lookup(*args, **kwargs)


def test_help_shows_the_rules_and_the_docstring():
    assert lookup.__doc__ == "Looks up." and "below='d_vocab'" in str(inspect.signature(lookup)).replace('"', "'")


def test_a_rule_can_be_asked_by_itself_as_fields_of_a_configuration_do():
    assert Whole(low=1)("steps", 3) == 3
    with pytest.raises(errors.RangeError, match="steps"):
        Whole(low=1)("steps", 0)


@pytest.mark.parametrize(("rule", "value"), [
    (Array("n", low=0), [-1.0]), (Each(Array("n", low=0)), [[1.0], [-1.0]]), (Whole() | Array("n", high=1), [2.0]),
    (Whole(), 10**6 + 1), pytest.param(Each(Seed()), range(10**9), id="endless"),
    pytest.param(Number(high=1), 10**5000, id="long"),
    pytest.param(Whole(1, 9), 10**5000, id="longer than Python writes"),
])
def test_bounds_hold_wherever_a_rule_stands(rule, value):
    with pytest.raises((errors.RangeError, errors.NotFiniteError), match=r"^(thing(\[1\])?|len\(thing\)): got"):
        rule("thing", value)


def test_that_a_count_ends_at_a_million_is_said_to_whom_it_surprises():
    with pytest.raises(errors.RangeError, match=r"of at least 1\. "):
        Whole(1)("steps", 0)
    with pytest.raises(errors.RangeError, match=r"from 1 to 1000000\. "):
        Whole(1)("steps", 10**7)
    assert Whole(1, None)("steps", 10**7) == 10**7


def test_what_no_memory_holds_is_no_array():
    with pytest.raises(errors.DtypeError, match=r"^x: got range\(0, 1000000000000000\)"):
        Array("n")("x", range(10**15))


@pytest.mark.parametrize("value", [0, 0.0, -1e-300])
def test_a_number_above_zero_is_not_zero(value):
    with pytest.raises(errors.RangeError, match=r"^rate: got .*; allowed is a number above 0"):
        Number(above=0)("rate", value)
    assert Number(above=0)("rate", 1e-300) == 1e-300


def failing(kind):
    """Something whose own methods fail, whoever asks."""
    def fail(self, *args, **kwargs):
        raise RuntimeError("a method of a reader's own")

    methods = ("__eq__", "__len__", "__iter__", "__bool__", "__repr__", "__str__", "__array__", "__float__")
    return type("Failing", (kind,), dict.fromkeys(methods, fail))()


@pytest.mark.parametrize("rule", [Whole(), Number(), Array("n"), Choice(["a"]), Each(Whole()), Whole() | Array("n"),
                                  rule_of(str), rule_of(dict), rule_of(bool), Entries(W="n")], ids=repr)
@pytest.mark.parametrize("kind", [object, float, list, dict])
def test_what_fails_when_it_is_looked_at_is_refused(rule, kind):
    with pytest.raises(errors.LabError, match=r"^x: got "):
        rule("x", failing(kind))


@pytest.mark.parametrize("value", [np.broadcast_to(1.0, (10**6, 10**6)), range(10**9), range(10**30)])
def test_one_number_repeated_without_end_is_refused_at_once(value):
    with pytest.raises(errors.LabError, match=r"^x: got "):
        Array("...")("x", value)


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"])
def test_what_no_file_can_be_called_is_refused(path):
    for call in (lambda: rule_of(Path)("x", Path(path)), lambda: places.runs(path), lambda: read_record(path)):
        with pytest.raises(errors.LabError, match="a name that a file can have"):
            call()
