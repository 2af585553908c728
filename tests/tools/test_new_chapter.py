"""make chapter lays a chapter that keeps every rule and every rule of exercises, and refuses what would collide."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

RULES = """
import sys
from pathlib import Path
import chapter
chapter.ROOT = Path.cwd()
from rules import RULES
found = chapter.Chapter.read(Path("book/97-a-new-story.ipynb"))
faults = [(rule.__name__, fault) for rule in RULES for fault in rule(found)]
from chapters.ch97 import exercises
from transformer_lab.exercises import exercises as all_of
for name, exercise in all_of(exercises).items():
    faults += [(name, sentence) for sentence, answer in exercise.mistakes.items()
               if sentence not in exercise(answer).sentence]
    faults += [(name, "also right") for answer in exercise.also_right if not exercise(answer)]
print(len(RULES), len(all_of(exercises)), faults)
"""


@pytest.fixture
def tool():
    """tools/new_chapter.py as a module."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        spec = importlib.util.spec_from_file_location("new_chapter", ROOT / "tools" / "new_chapter.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture
def tree(tmp_path):
    """The plan and the contents of the book, its package, and nothing else."""
    (tmp_path / "book" / "chapters").mkdir(parents=True)
    for name in ("_toc.yml", "book/parts.json", "book/chapters/__init__.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "transformer_lab").symlink_to(ROOT / "transformer_lab")
    return tmp_path


def run(tree, *words):
    paths = os.pathsep.join(map(str, (tree / "book", ROOT, ROOT / "book" / "_ext", ROOT / "tests" / "book")))
    return subprocess.run([sys.executable, *words], cwd=tree, env=os.environ | {"PYTHONPATH": paths},
                          capture_output=True, text=True)


def lay(tree, *arguments):
    source = (f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import new_chapter; from pathlib import Path; "
              f"sys.exit(new_chapter.main({list(arguments)!r}, Path({str(tree)!r})))")
    return run(tree, "-c", source)


def test_a_new_chapter_keeps_every_rule(tree):
    done = lay(tree, "97", "a-new-story")
    assert done.returncode == 0, done.stderr
    checked = run(tree, "-c", RULES)
    count, exercises, faults = checked.stdout.split(" ", 2)
    assert int(count) >= 15 and int(exercises) == 5 and faults.strip() == "[]", checked.stdout + checked.stderr
    assert run(tree, "-m", "pytest", "-q", "tests/chapters/ch97").returncode == 0
    assert "book/97-a-new-story\n" in (tree / "_toc.yml").read_text()
    again = lay(tree, "97", "a-new-story")
    assert again.returncode == 2 and "is there already" in again.stderr


def test_the_contents_and_the_plan_change_by_this_chapter_alone(tool, tree):
    plan, contents = (ROOT / "book" / "parts.json").read_text("utf-8"), (ROOT / "_toc.yml").read_text("utf-8")
    parts = tool.planned(tree, "97", "a-new-story")
    before, after = plan.splitlines(), tool.written_plan(parts).splitlines()
    new = [line for line in after if line not in before]
    assert len(after) == len(before) + 1 and len(new) <= 2 and any("A new story" in line for line in new)
    longer = tool.in_contents(contents, parts, "book/97-a-new-story")
    assert set(longer.splitlines()) - set(contents.splitlines()) <= {
        "      - file: book/97-a-new-story", f"  - caption: {parts[-1]['title']}"}


def test_a_new_part_stands_where_the_plan_has_it(tool):
    parts = [{"title": title, "chapters": [{"document": f"book/{title.lower()}"}]} for title in ("One", "Two", "Three")]
    contents = "parts:\n  - caption: Back matter\n    chapters:\n      - file: book/notation\n"
    for document in ("book/three", "book/one", "book/two"):
        contents = tool.in_contents(contents, parts, document)
    captions = [line.split(": ")[1] for line in contents.splitlines() if "caption" in line]
    assert captions == ["One", "Two", "Three", "Back matter"]
    assert contents.index("file: book/one") < contents.index("caption: Two") < contents.index("file: book/two")


@pytest.mark.parametrize("arguments, words", [
    (("97", "No Slug"), "small letters"), (("9", "short"), "two figures"), ((), "Say which"),
    (("01", "another"), "is planned as"),
])
def test_what_cannot_be_laid_is_refused_in_a_sentence(tree, arguments, words):
    done = lay(tree, *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not list((tree / "book").glob("*.ipynb"))
