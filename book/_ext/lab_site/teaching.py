"""For those who teach: paths through the book, learning goals, and what an instructor knows of each exercise.

Goals and paths are written in ``book/teaching.json``, by the names of the chapters without their numbers; the minutes
come from the chapters' cards, and solutions and common mistakes from the exercises themselves.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

__all__ = ["Goals", "Notes", "Paths", "Task", "card", "connect", "minutes", "notebooks", "tasks"]

SHARES = {"Warm-up": 1, "Core": 2, "Stretch": 3}    # how the minutes of a chapter's exercises are shared out

SPELT = {0x302: "-hat", 0x1D62: "_i", 0x2C7C: "_j"}    # signs of the checkers that the page's fonts do not have


class Task(NamedTuple):
    """An exercise as an instructor sees it."""

    label: str
    title: str
    solution: str
    right: str
    mistakes: tuple[str, ...]

    @property
    def level(self) -> str:
        return self.title.partition(":")[0]


def connect(app) -> None:
    """Add the directives of the pages for teachers."""
    for name, directive in (("learning-paths", Paths), ("learning-goals", Goals), ("instructor-notes", Notes)):
        app.add_directive(name, directive)


def notebooks(root: Path) -> dict[str, Path]:
    """The chapters that there are, by their names without numbers, in order."""
    return {path.stem[3:]: path for path in sorted((root / "book").glob("[0-9][0-9]-*.ipynb"))}


def card(notebook: Path) -> dict[str, str]:
    """The title of a chapter and the lines of its card.

    >>> root = Path(__file__).resolve().parents[3]
    >>> card(notebooks(root)["soft-lookup"])["title"]
    'Attention is a soft lookup'
    """
    text = _sources(notebook)[0][1]
    lines = re.findall(r"^- \*\*([\w ]+):\*\*\s*(.+)$", text, re.M)
    return {"title": re.search(r"^# (.+)$", text, re.M)[1], **dict(lines)}


def _sources(notebook: Path) -> list[tuple[str, str]]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [(cell["id"], "".join(cell["source"])) for cell in cells]


def tasks(notebook: Path) -> list[Task]:
    """The exercises of a chapter, in order."""
    cells, file = _sources(notebook), notebook.parent / "chapters" / f"ch{notebook.name[:2]}" / "exercises.py"
    named = [pair for _, text in cells for pair in re.findall(r"\{exercise\} (.+)\n:label: (\S+)", text)]
    titles = {label: title for title, label in named}
    called = {cell: re.search(r"\.(check_\w+)\(", text) for cell, text in cells if cell in titles}
    checks = {cell: found[1] for cell, found in called.items() if found}
    known = _known(file)
    return [Task(label, titles[label], *known[check]) for label, check in checks.items() if check in known]


def _known(file: Path) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Of each check: the solution's code, the sentence for it, and those of the mistakes; nothing is imported."""
    text = file.read_text("utf-8")
    body = ast.parse(text).body
    code = {node.name: ast.get_source_segment(text, node) for node in body if isinstance(node, ast.FunctionDef)}
    found = {}
    for node in body:
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Exercise":
            options = {each.arg: each.value for each in call.keywords}
            said = tuple(key.value for key in options["mistakes"].keys if isinstance(key, ast.Constant))
            found[node.targets[0].id] = (code.get(ast.unparse(call.args[0]), ""), options["right"].value, said)
    return found


def minutes(all_tasks: list[Task], whole: int) -> dict[str, int]:
    """The minutes of the card shared out: a core exercise has two parts and a stretch three where a warm-up has one.

    >>> minutes([Task("a", "Warm-up: x", "", "", ()), Task("b", "Stretch: y", "", "", ())], 60)
    {'a': 15, 'b': 45}
    """
    parts = {task.label: SHARES.get(task.level, 2) for task in all_tasks}
    return {label: 5 * max(1, round(whole * share / sum(parts.values()) / 5)) for label, share in parts.items()}


def spent(line: str, verb: str) -> int:
    """How many minutes a card says: ``38 min to read, 90 min to do``.

    >>> spent("38 min to read, 90 min to do", "do")
    90
    """
    found = re.search(rf"(\d+) min to {verb}", line)
    return int(found[1]) if found else 0


class Page(SphinxDirective):
    """A directive that reads the chapters and ``book/teaching.json``."""

    def run(self) -> list[nodes.Node]:
        self.root = Path(self.env.srcdir)
        self.chapters = notebooks(self.root)
        for path in (self.root / "book" / "teaching.json", *self.chapters.values()):
            self.env.note_dependency(str(path))
        self.env.note_reread()
        self.plan = json.loads((self.root / "book" / "teaching.json").read_text("utf-8"))
        return self.made()

    def section(self, title: str, anchor: str, *inner: nodes.Node) -> nodes.section:
        made = nodes.section("", nodes.title("", title), *inner, ids=[anchor], names=[anchor])
        self.state.document.note_implicit_target(made)
        return made

    def link(self, name: str) -> nodes.reference:
        path = self.chapters[name]
        words = f"{int(path.name[:2])} {card(path)['title']}"
        return nodes.reference("", words, refuri=f"{path.stem}.html", internal=True)


class Paths(Page):
    """Each path: who it is for, and its steps with their minutes."""

    def made(self) -> list[nodes.Node]:
        return [self._path(path) for path in self.plan["paths"]]

    def _path(self, path: dict) -> nodes.section:
        steps = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".")
        for name, time, what in path["steps"]:
            if name in self.chapters:
                line = nodes.paragraph("", "", self.link(name), nodes.Text(f", {_spelt(time)}. {what}"))
                steps += nodes.list_item("", line)
        anchor = re.sub(r"\W+", "-", path["title"].lower())
        return self.section(path["title"], f"path-{anchor}", paragraph(path["about"]), steps)


class Goals(Page):
    """What a learner can do after each chapter; its question, where no goals are written yet."""

    def made(self) -> list[nodes.Node]:
        found = []
        for name, path in self.chapters.items():
            lines, said = self.plan["goals"].get(name, []), card(path)
            items = [nodes.list_item("", paragraph(line)) for line in lines or [said.get("Question", "")]]
            time = nodes.Text(f", {_plain(said['Time'])}")
            title = nodes.paragraph("", "", nodes.strong("", "", self.link(name)), time)
            found += [title, nodes.bullet_list("", *items)]
        return found


class Notes(Page):
    """Of each exercise: the minutes to plan for, the mistakes that its checker knows, and the solution in a fold."""

    def made(self) -> list[nodes.Node]:
        return [self._chapter(name, path) for name, path in self.chapters.items()]

    def _chapter(self, name: str, path: Path) -> nodes.section:
        said, all_tasks = card(path), tasks(path)
        self.env.note_dependency(str(path.parent / "chapters" / f"ch{path.name[:2]}" / "exercises.py"))
        time = minutes(all_tasks, spent(said["Time"], "do"))
        first = nodes.paragraph("", "", self.link(name), nodes.Text(f": {_plain(said['Time'])}."))
        title = f"Chapter {int(path.name[:2])}: {said['title']}"
        parts = [self._task(task, path, time[task.label]) for task in all_tasks]
        return self.section(title, f"notes-{name}", first, *parts)

    def _task(self, task: Task, path: Path, time: int) -> nodes.section:
        link = nodes.reference("", "the exercise", refuri=f"{path.stem}.html#{task.label}", internal=True)
        mistakes = nodes.bullet_list("", *(nodes.list_item("", paragraph(_whole(line))) for line in task.mistakes))
        fold = [nodes.raw("", '<details class="code"><summary>Solution</summary>', format="html"),
                nodes.literal_block("", task.solution, language="python"), nodes.raw("", "</details>", format="html")]
        return self.section(task.title, f"notes-{task.label}",
                            nodes.paragraph("", "", nodes.Text(f"About {time} minutes; "), link,
                                            nodes.Text(". What the checker says to a wrong answer that it knows:")),
                            mistakes, paragraph(f"To a right one: {task.right}"), *(fold if task.solution else []))


def paragraph(words: str) -> nodes.paragraph:
    return nodes.paragraph("", words)


def _plain(text: str) -> str:
    """A line of a card without its marks."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*$]", r"\1", text)


def _whole(sentence: str) -> str:
    r"""A sentence of a checker, in letters that the page has; one that goes on with the learner's numbers ends in dots.

    >>> _whole("At x\u0302 it is"), _whole("Look at a\u1d62.")
    ('At x-hat it is …', 'Look at a_i.')
    """
    said = sentence.translate(SPELT)
    return said if said[-1] in ".?" else f"{said} …"


def _spelt(time: int) -> str:
    return f"{time} minutes" if time < 180 else f"{time / 60:g} hours"
