"""make chapter N=09 NAME=slug: lay a chapter that keeps every rule, to be filled: its notebook, package and tests.

The notebook comes from ``tools/skeleton``, is run once, and is put into ``_toc.yml`` behind the chapters of its part,
and into the plan ``book/parts.json`` where it is not there yet. ``make renumber`` gives it the number of its place.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import execute

ROOT = Path(__file__).resolve().parents[1]
FORMS = Path(__file__).parent / "skeleton"


class Refused(Exception):
    """Why no chapter was laid, in one sentence."""


def planned(root: Path, number: str, slug: str) -> list[dict]:
    """The plan with this chapter in it: as it is, or, where its number is free, at the end of the last part."""
    if not re.fullmatch(r"\d\d", number) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise Refused(f"Got N={number} NAME={slug}; allowed are two figures and small letters with hyphens, as in "
                      "`make chapter N=09 NAME=baseline-and-method`.")
    parts = json.loads((root / "book" / "parts.json").read_text("utf-8"))
    names = [entry["document"].removeprefix("book/") for part in parts for entry in part["chapters"]]
    if f"{number}-{slug}" not in names:
        if other := next((name for name in names if name.startswith(number)), None):
            raise Refused(f"{number} is planned as {other}: take that name, or a free number, move the chapter to its "
                          "place in _toc.yml and book/parts.json, and run `make renumber`.")
        title = slug.replace("-", " ").capitalize()
        parts[-1]["chapters"].append({"document": f"book/{number}-{slug}", "title": title, "question": f"{title}?"})
    return parts


def in_contents(contents: str, parts: list[dict], document: str) -> str:
    """``_toc.yml`` with the document behind the chapters of its part; a part that is new there gets its caption."""
    titles = [part["title"] for part in parts]
    at = next(i for i, part in enumerate(parts) if any(entry["document"] == document for entry in part["chapters"]))
    line, caption = f"      - file: {document}\n", f"  - caption: {titles[at]}\n"
    new = "" if caption in contents else f"{caption}    chapters:\n"
    followers = [*titles[at + 1:], "Back matter"]
    end = min(contents.index(words) for title in followers if (words := f"  - caption: {title}\n") in contents)
    return contents[:end] + new + line + contents[end:]


def written_plan(parts: list[dict]) -> str:
    """The plan as it is kept: a line a chapter."""
    def part_text(part):
        chapters = ",\n".join(f"   {json.dumps(entry, ensure_ascii=False)}" for entry in part["chapters"])
        head = "".join(f"  {json.dumps(key)}: {json.dumps(part[key], ensure_ascii=False)},\n" for key in part
                       if key != "chapters")
        return f" {{\n{head}  \"chapters\": [\n{chapters}\n  ]\n }}"
    return "[\n" + ",\n".join(map(part_text, parts)) + "\n]\n"


def cells_of(form: str, solutions: dict[str, str], words: dict[str, str]):
    """The cells of the form: ``%%% kind name words``, and the text below it."""
    for head, body in re.findall(r"^%%% ([^\n]+)\n(.*?)(?=^%%%|\Z)", form, re.M | re.S):
        kind, name, *more = head.split(" ", 2)
        if kind == "exercise":
            yield from exercise(name, more[0], body.strip(), solutions[name], words)
        elif kind == "text":
            yield cell("markdown", name, body)
        else:
            label, _, caption = more[0].partition(": ") if more else ("", "", "")
            yield cell("code", name, body, {"mystnb": {"figure": {"caption": caption, "name": label}}} if label else {})


def exercise(name: str, title: str, text: str, solution: str, words: dict[str, str]):
    """What is asked, the stub with its checker, and the solution, which is the text of the tested function."""
    label = f"ex-{words['slug']}-{name.replace('_', '-')}"
    yield cell("markdown", f"ask-{label}", f"````{{exercise}} {title}\n:label: {label}\n{text}\n\n"
               "```{admonition} Hint\n:class: dropdown\nA first step.\n```\n````")
    stub = solution.splitlines()[0]
    yield cell("code", label, f"{stub}\n    raise NotImplementedError\n\nch{words['number']}.check_{name}({name})")
    yield cell("markdown", f"answer-{label}",
               f"````{{solution}} {label}\n:class: dropdown\n```python\n{solution}\n```\n````")


def cell(kind: str, name: str, text: str, metadata: dict | None = None) -> dict:
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": metadata or {}, **code,
            "source": text.strip("\n").splitlines(keepends=True)}


def lay(root: Path, number: str, slug: str) -> list[Path]:
    """Write all files of the chapter; what is there already is not touched."""
    parts, document = planned(root, number, slug), f"book/{number}-{slug}"
    package, tests = root / "book" / "chapters" / f"ch{number}", root / "tests" / "chapters" / f"ch{number}"
    if taken := [path for path in (root / f"{document}.ipynb", package, tests) if path.exists()]:
        raise Refused(f"{taken[0].relative_to(root)} is there already; a chapter is not laid twice.")
    entry = next(entry for part in parts for entry in part["chapters"] if entry["document"] == document)
    words = {"number": number, "slug": slug, "title": entry["title"], "lower": entry["title"].lower(),
             "question": entry["question"]}
    form = {path.name: filled(path.read_text("utf-8"), words) for path in FORMS.iterdir() if path.is_file()}
    solutions = {node.name: ast.get_source_segment(form["exercises.py"], node)
                 for node in ast.parse(form["exercises.py"]).body if isinstance(node, ast.FunctionDef)}
    notebook = {"cells": list(cells_of(form["chapter.md"], solutions, words)), "metadata": {}, "nbformat": 4,
                "nbformat_minor": 5}
    contents = root / "_toc.yml"
    files = {package / "__init__.py": form["init.txt"], package / "exercises.py": form["exercises.py"],
             tests / f"test_{slug.replace('-', '_')}.py": form["test.txt"],
             root / f"{document}.ipynb": json.dumps(notebook, indent=1, ensure_ascii=False) + "\n",
             root / "book" / "parts.json": written_plan(parts),
             contents: in_contents(contents.read_text("utf-8"), parts, document)}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return [path.relative_to(root) for path in files]


def filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda match: words.get(match[1], match[0]), text)


def main(arguments: list[str], root: Path = ROOT) -> int:
    if len(arguments) != 2 or not all(arguments):
        print("Say which: `make chapter N=09 NAME=baseline-and-method`.", file=sys.stderr)
        return 2
    try:
        files = lay(root, *arguments)
    except Refused as why:
        print(why, file=sys.stderr)
        return 2
    if not execute.bring_up_to_date(root / files[3], root, force=True):
        return 1
    print("Written:", *files, sep="\n  ")
    print("Every rule passes as it stands. Now put your story in; `tests/book/rules.py` says at its top what it needs.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
