"""The frame of the exercises, and every chapter's exercises: what is right passes, each mistake gets its sentence."""

import importlib
import itertools
import pkgutil

import numpy as np
import pytest

import chapters
from transformer_lab.exercises import Exercise, Objection, Verdict, exercises

CHAPTERS = [info.name for info in pkgutil.iter_modules(chapters.__path__)]
MODULES = {chapter: importlib.import_module(f"chapters.{chapter}.exercises") for chapter in CHAPTERS}
ALL = [pytest.param(exercise, id=f"{chapter}.{name}") for chapter, module in MODULES.items()
       for name, exercise in exercises(module).items()]


def double(x):
    return 2 * x


def only_positive(answer, x):
    if (answer(x) < 0).any():
        raise Objection("Nothing here is below zero.")
    return answer(x)


check_double = Exercise(double, "the result", [(np.array([1.0, 2.0]),)], right="Twice as large.", hint="Look again.",
                        mistakes={"One more is not twice as much.": lambda x: x + 1, "This is half.": lambda x: x / 2})
check_both = Exercise(lambda x, n: (x + n, x * n), ("the sum", "the product"), lambda rng: (rng.normal(size=3), 2),
                      right="Both.", mistakes={"The sum adds.": lambda x, n: (x - n, x * n)})


def raises_not_implemented(*arguments):
    raise NotImplementedError


def changes_its_input(x):
    x *= 2
    return x


@pytest.mark.parametrize("answer, words", [
    (raises_not_implemented, "Not filled in yet"), (lambda x: None, "returned nothing"),
    (lambda x: ..., "returned nothing"), (lambda x: x / "2", "stopped with TypeError"),
    (lambda: 3, "stopped with TypeError"), (3.0, "Pass your function itself"),
    (changes_its_input, "work on copies"), (lambda x: 2.0, "the shape ()"), (lambda x: "four", "an array of numbers"),
    (lambda x: "4", "an array of numbers"), (lambda x: 2j * x, "an array of numbers"),
    (lambda x: x * np.nan, "not a finite number"),
    (lambda x: x, "at index (1,) it is 2, and it should be 4. Look again."),
    (lambda x: 1.0 + x, "One more is not"), (lambda x: 0.5 * x, "This is half."),
])
def test_a_wrong_answer_gets_one_sentence(answer, words):
    verdict = check_double(answer)
    assert not verdict and words in verdict.sentence and "\n" not in verdict.sentence


def test_a_right_answer_is_accepted_however_it_is_written():
    for answer in (double, lambda x: x + x, lambda x: (2 * x).tolist()):
        assert check_double(answer)


def test_a_mistake_is_known_by_the_part_that_it_gets_wrong():
    """Whoever errs in the sum as the mistake does, and in the product besides, is told of the sum."""
    assert check_both(lambda x, n: (x - n, x)).sentence == "The sum adds."
    assert "the product" in check_both(lambda x, n: (x + n, x)).sentence
    assert "Return 2 results" in check_both(lambda x, n: x).sentence


def test_a_case_is_named_and_a_measure_may_object():
    named = Exercise(double, "it", {"minus one": (np.array([-1.0]),)}, right="Fine.", mistakes={})
    assert "it for minus one is off" in named(lambda x: x).sentence
    counted = Exercise(lambda n: n + 1, "it", [(3,)], right="Fine.", mistakes={})
    assert "it for n=3 is off" in counted(lambda n: n).sentence
    measured = Exercise(lambda x: x, "it", [(np.ones(2),)], right="Fine.", mistakes={}, measure=only_positive)
    assert measured(np.copy) and measured(np.negative).sentence == "Nothing here is below zero."


def test_a_number_is_judged_relative_to_its_size():
    cases = ((1e-20, 1e-20, True), (1e-20, 2e-20, False), (0.0, 1e-20, False), (1e20, 1e20 + 1e5, True))
    for want, got, right in cases:
        assert bool(Exercise(lambda w=want: w, "it", [()], right="Fine.", mistakes={})(lambda g=got: g)) == right


def test_a_verdict_shows_its_sentence():
    assert repr(Verdict(True, "Fine.")) == "✓ Fine." and repr(Verdict(False, "a < b")) == "✗ a < b"
    assert 'class="lab-verdict lab-not-yet"' in Verdict(False, "a < b")._repr_html_()
    assert "a &lt; b" in Verdict(False, "a < b")._repr_html_()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_exports_its_exercises(chapter):
    assert sorted(exercises(MODULES[chapter])) == sorted(MODULES[chapter].__all__)


@pytest.mark.parametrize("exercise", ALL)
def test_what_is_right_passes_and_each_mistake_gets_its_own_sentence(exercise):
    assert exercise(exercise.solution)
    for answer in exercise.also_right:
        assert exercise(answer), exercise(answer)
    assert len(exercise.mistakes) >= 3
    for sentence, answer in exercise.mistakes.items():
        verdict = exercise(answer)
        assert not verdict and sentence in verdict.sentence and verdict.sentence[-1] in ".?", (sentence, verdict)
    outcomes = map(exercise.outcomes, exercise.mistakes.values())
    for one, other in itertools.combinations(outcomes, 2):
        assert not all(map(exercise.same, one, other))


@pytest.mark.parametrize("exercise", ALL)
def test_a_stub_and_nonsense_fail_and_never_raise(exercise):
    ragged = [[1], [1, 2]]
    for answer in (None, lambda *a: None, lambda *a: "word", lambda *a: np.array([]), lambda *a: ragged):
        assert not exercise(answer)
    assert "Not filled in" in exercise(raises_not_implemented).sentence
