"""The frame of the exercises: what can go wrong before an answer is judged, and what every chapter must have."""

import importlib
import pkgutil
import runpy
from pathlib import Path

import numpy as np
import pytest

import chapters
from transformer_lab.exercises import Objection, Verdict, checker, checkers, expect

CHAPTERS = [info.name for info in pkgutil.iter_modules(chapters.__path__)]
TABLES = Path(__file__).with_name("chapters")


def double(x):
    return 2 * x


@checker(double, right="Twice as large.")
def check_double(answer):
    expect("the result", answer(np.array([1.0, 2.0])), [2.0, 4.0])


def raises_not_implemented(x):
    raise NotImplementedError


def changes_its_input(x):
    x *= 2
    return x


@pytest.mark.parametrize("answer, words", [
    (raises_not_implemented, "Not filled in yet"), (lambda x: None, "returned nothing"),
    (lambda x: ..., "returned nothing"), (lambda x: x / "2", "stopped with TypeError"),
    (lambda: 3, "stopped with TypeError"), (3.0, "Pass your function itself"),
    (changes_its_input, "work on copies"), (lambda x: 2.0, "the shape ()"), (lambda x: "four", "an array of numbers"),
    (lambda x: x * np.nan, "not a finite number"), (lambda x: x, "at index (1,) it is 2, and it should be 4"),
])
def test_a_wrong_answer_gets_one_sentence(answer, words):
    verdict = check_double(answer)
    assert not verdict and words in verdict.sentence and "\n" not in verdict.sentence


def test_a_right_answer_is_accepted_however_it_is_written():
    for answer in (double, lambda x: x + x, lambda x: (2 * x).tolist()):
        assert check_double(answer)


def test_a_verdict_shows_its_sentence():
    assert repr(Verdict(True, "Fine.")) == "✓ Fine." and repr(Verdict(False, "No.")) == "✗ No."
    assert Verdict(False, "a < b").__repr__() == "✗ a < b"
    assert 'class="lab-verdict lab-not-yet"' in Verdict(False, "a < b")._repr_html_()
    assert "a &lt; b" in Verdict(False, "a < b")._repr_html_()


def test_a_number_is_judged_relative_to_its_size():
    expect("it", 1e-20, 1e-20)
    with pytest.raises(Objection):
        expect("it", 2e-20, 1e-20)
    with pytest.raises(Objection):
        expect("it", 1e-20, 0.0)


def planted(table: str) -> list:
    """The entries of a table (``RIGHT`` or ``WRONG``) in every chapter's test file: (checker, answer, …)."""
    tables = [runpy.run_path(TABLES / chapter / "test_exercises.py").get(table, []) for chapter in CHAPTERS]
    return [pytest.param(*entry, id=entry[0].__name__) for entries in tables for entry in entries]


RIGHT, WRONG = planted("RIGHT"), planted("WRONG")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_solutions_pass_stubs_fail_and_mistakes_are_planted(chapter):
    found = checkers(importlib.import_module(f"chapters.{chapter}.exercises"))
    assert found
    for check in found.values():
        assert check(check.solution), check(check.solution)
        assert check.__doc__ and not check(raises_stub)
        assert sum(entry.values[0] is check for entry in WRONG) >= 3


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_another_right_answer_is_accepted(check, answer):
    assert check(answer), check(answer)


@pytest.mark.parametrize(("check", "answer", "words"), WRONG)
def test_a_planted_mistake_is_rejected_with_a_useful_sentence(check, answer, words):
    verdict = check(answer)
    assert not verdict and words in verdict.sentence and verdict.sentence[-1] in ".?", verdict


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nonsense_never_raises(chapter):
    ragged = [[1], [1, 2]]
    for check in checkers(importlib.import_module(f"chapters.{chapter}.exercises")).values():
        for answer in (None, lambda *a: None, lambda *a: "word", lambda *a: np.array([]), lambda *a: ragged):
            assert not check(answer)


def raises_stub(*arguments):
    raise NotImplementedError
