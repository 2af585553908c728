"""The pages for teachers: what they say of the exercises is what the exercises do, and the paths add up."""

import doctest
import importlib
import inspect
import json
import textwrap
from html import unescape

import pytest
from sample_book import ROOT

from lab_site import teaching
from transformer_lab.exercises import exercises

CHAPTERS = teaching.notebooks(ROOT)
PLAN = json.loads((ROOT / "book" / "teaching.json").read_text("utf-8"))


def test_the_examples_of_the_module():
    assert doctest.testmod(teaching).failed == 0


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_an_instructor_reads_is_what_the_checkers_know(name):
    """Read from the source without importing it, and by importing it."""
    module = importlib.import_module(f"chapters.ch{CHAPTERS[name].name[:2]}.exercises")
    known, told = exercises(module), teaching.tasks(CHAPTERS[name])
    assert len(told) == len(known) >= 5
    answers = {exercise.right: exercise for exercise in known.values()}
    for task in told:
        exercise = answers[task.right]
        assert task.mistakes == tuple(exercise.mistakes) and len(task.mistakes) >= 3
        assert task.solution == textwrap.dedent(inspect.getsource(exercise.solution)).rstrip()
        assert task.level in teaching.SHARES


@pytest.mark.parametrize("name", CHAPTERS)
def test_minutes_share_out_what_the_card_allows(name):
    tasks, whole = teaching.tasks(CHAPTERS[name]), teaching.spent(teaching.card(CHAPTERS[name])["Time"], "do")
    shared = teaching.minutes(tasks, whole)
    assert abs(sum(shared.values()) - whole) <= 3 * len(tasks)
    levels = {level: {shared[task.label] for task in tasks if task.level == level} for level in teaching.SHARES}
    assert max(levels["Warm-up"]) <= min(levels["Core"]) <= max(levels["Core"]) <= min(levels["Stretch"])


@pytest.mark.parametrize("path", PLAN["paths"], ids=[path["title"] for path in PLAN["paths"]])
def test_a_path_adds_up_and_names_chapters_with_goals(path):
    assert sum(time for _, time, _ in path["steps"]) == path["minutes"]
    for name, _, what in path["steps"]:
        assert name in CHAPTERS and len(PLAN["goals"][name]) >= 2 and what.endswith((".", "?"))


def test_the_pages_hold_every_goal_and_every_mistake(built_site):
    teach, notes = (unescape((built_site / "book" / f"{name}.html").read_text("utf-8")).replace("’", "'")
                    for name in ("teaching", "instructors"))
    assert [goal for name in CHAPTERS for goal in PLAN["goals"].get(name, []) if goal not in teach] == []
    for path in CHAPTERS.values():
        assert f'href="{path.stem}.html#' in notes
        for task in teaching.tasks(path):
            said = [words.translate(teaching.SPELT) for words in (*task.mistakes, task.right)]
            assert [words for words in said if words not in notes] == [], task.title
