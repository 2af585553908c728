"""The rules of a chapter, and how to keep them. Each rule below takes a Chapter and returns its faults as sentences.

For authors
===========
A chapter is ``book/NN-name.ipynb``, written with fixed cell ids (words like ``derive-softmax``) and executed by
``make execute``. What only this chapter needs stands in ``book/chapters/chNN/``: its solutions and
exercises in ``exercises.py``, its own figures in ``figures.py``, what was run in ``study.py``.

Order
    One H1; right under it the card; then H2 headings that begin with the part's word, in this order:
    Puzzle, Predict, Derive, Check, Experiment, Exercises, What we learned. A part may have several H2. Explore stands
    once, after Predict, where the idea of the explorable is first understood (its place is tested on the built page).
Card
    ::

        ```{admonition} At a glance
        :class: card
        - **Question:** What does a wrong answer change?
        - **In one minute:** Every weight that had a part in it, by a handful of lines that can be checked.
        - **You need:** [how attention reads](01-soft-lookup.ipynb)
        - **Time:** 30 min to read, 60 min to do, 1 min to compute
        - **Seeds:** 20
        - **Claims:** 12
        ```

    Claims is the number of claim() outputs in the chapter.
Numbers
    A number in prose or in a caption must stand, in the same form, in a claim of the chapter, or be inside math,
    code, a citation, the card, an exercise, its solution, or a quiz. Words ("two heads") are free.
Code
    A code cell has at most 12 lines (blank ones and comments not counted) of at most 80 characters, and defines no
    function above 10 lines; one that shows nothing, or states a claim, may have 24. Which code stands open
    is decided by a rule (``lab_site.folding``): a few lines that compute something. The page folds the rest behind what
    it shows, and ``make execute`` folds it in JupyterLab. The tag ``hide-input`` folds more;
    ``{"mystnb": {"code_prompt_show": "The two mistakes"}}`` gives a fold its own title. Only public names of the
    package are used.
Outputs
    Claims, Verdicts, Figures, explorables, small reprs. No error, no stderr, no image file; a widget has text/html.
Figures
    Made by plots.Figure (so it has an alternative text), with a caption in the cell's metadata:
    ``{"mystnb": {"figure": {"name": "fig-jacobian", "caption": "What to see ..."}}}``.
Prose
    Portable MyST, no raw HTML. A section whose heading begins with *Deeper* is folded on the page: what a reader may
    pass over. A question is shown a second time where it is answered (the same object in a cell of its own): both keep
    one answer.
Equations
    A display equation with a ``:label:`` is followed, in the same cell, by the function that computes it, in
    code: `` `byhand.one_head.backward` `` (without ``transformer_lab.``). That function's docstring (or its
    module's) contains the label.
Exercises
    At least five, with Warm-up, Core and Stretch in their titles. In one cell::

        ````{exercise} Warm-up: the softmax Jacobian
        :label: ex-softmax-jacobian
        Text.

        ```{admonition} Hint
        :class: dropdown
        ...
        ```
        ````

    then a code cell, whose id is the exercise's label, with the stub (it raises NotImplementedError) and, as its
    last line, ``ch02.check_softmax_jacobian(softmax_jacobian)``; its output is a Verdict that says what is
    missing. Then, in one cell, the solution, with the very text of ``check_….solution``::

        ````{solution} ex-softmax-jacobian
        :class: dropdown
        ```python
        def softmax_jacobian(pattern): ...
        ```
        ````

Quiz
    In "What we learned", three to five admonitions of class ``quiz``, each with a dropdown that holds the answer.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import itertools
import re
import textwrap
from html import unescape

from chapter import Chapter, caption, data, directives, execute, figure, numbers, reading_text

PACKAGES = ("transformer_lab", "chapters")
PARTS = ("Puzzle", "Predict", "Derive", "Check", "Experiment", "Explore", "Exercises", "What we learned")
CARD = ("Question", "In one minute", "You need", "Time", "Seeds", "Claims")


def parts_in_order(chapter: Chapter):
    """One H1, and under it the eight parts, in order."""
    tops = [words for level, words in chapter.headings if level == 1]
    if len(tops) != 1 or chapter.headings[0][0] != 1:
        yield f"a chapter begins with its one H1; this one has {tops}"
    seen = []
    for level, words in chapter.headings:
        if level == 2:
            part = next((part for part in PARTS if re.match(rf"{part}\b", words)), None)
            if part is None:
                yield f"the heading {words!r} does not begin with the word of a part"
            elif not seen or seen[-1] != part:
                seen.append(part)
    order = [part for part in PARTS if part != "Explore"]
    others = [part for part in seen if part != "Explore"]
    if [part for part, _ in itertools.groupby(others)] != order:
        yield f"the parts are {', '.join(seen)}; they should be {', '.join(order)}"
    if seen.count("Explore") != 1 or "Predict" not in seen[:seen.index("Explore")]:
        yield "Explore stands once, after Predict"


def card_is_complete(chapter: Chapter):
    """The card stands right under the title and says what it has to say."""
    cards = [found for cell in chapter.prose[:2] for found in directives(cell.source) if "card" in found.classes]
    if len(cards) != 1 or len(chapter.of_class("card")) != 1:
        yield "one card (an admonition of class 'card') stands right under the title"
        return
    lines = dict(re.findall(r"^- \*\*([\w ]+):\*\*\s*(.+)", cards[0].body, re.M))
    yield from (f"the card does not say: {key}" for key in CARD if key not in lines)
    if not all(re.search(rf"\d+ min to {verb}", lines.get("Time", "")) for verb in ("read", "do", "compute")):
        yield "the card's time should be '… min to read, … min to do, … min to compute'"
    if not re.match(r"\d+", lines.get("Seeds", "")):
        yield "the card's seeds should begin with a number"
    if lines.get("Claims", "").strip() != str(len(chapter.claims)):
        yield f"the card counts {lines.get('Claims')} claims; the chapter makes {len(chapter.claims)}"


def numbers_are_backed(chapter: Chapter):
    """A number in prose stands, in the same form, in a claim of the chapter."""
    backed = {number for statement in chapter.claims.values() for number in numbers(statement)}
    for cell in chapter.prose:
        for number in numbers(reading_text(cell.source)):
            if number not in backed:
                yield f"cell {cell.id!r}: the number {number!r} stands in no claim"
    for cell in chapter.code:
        for number in numbers(reading_text(caption(cell))):
            if number not in backed:
                yield f"caption of {cell.id!r}: the number {number!r} stands in no claim"


def figures_have_words(chapter: Chapter):
    """A figure has an alternative text and a caption with a name; nothing is shown as an image file."""
    for cell in chapter.code:
        pages = [data(output).get("text/html", "") for output in cell.outputs]
        if any(kind.startswith("image/") for output in cell.outputs for kind in data(output)):
            yield f"cell {cell.id!r} shows an image; make it a plots.Figure"
        for page in pages:
            drawn = re.findall(r'<figure class="lab-fig" role="img" aria-label="([^"]*)"', page)
            if any(len(alt.split()) < 8 for alt in drawn):
                yield f"cell {cell.id!r}: the alternative text should be a full sentence"
            if "<svg" in page and not drawn and "lab-static" not in page:
                yield f"cell {cell.id!r} shows a drawing that is not a plots.Figure"
            if drawn and (not caption(cell) or not figure(cell).get("name", "").startswith("fig-")):
                yield f"cell {cell.id!r}: the figure needs a caption and a name 'fig-…' in the metadata mystnb.figure"
    for cell in chapter.prose:
        if re.search(r"!\[\s*\]\(", cell.source):
            yield f"cell {cell.id!r}: an image without alternative text"


#: Words that are untrue in the other theme, on a phone, or for who does not see colours.
SCREEN_WORDS = re.compile(
    r"\b(?:(?:on|at|to|from|in) (?:the|its|their) (?:far )?(?:left|right)\b(?! (?:answer|way|place|letter))"
    r"|(?:left|right)(?:most|-hand| panels?| column| side| half)\b|left to right\b|right to left\b"
    r"|(?:pale[rst]*|(?:dark|light|bright|faint)(?:er|est|ly)?)\b"
    r"|(?:black|white|gr[ea]y|red|blue|green|orange|purple|yellow|teal|brown)(?:ish)?\b)", re.I)


def captions_hold_on_every_screen(chapter: Chapter):
    """No caption and no alternative text says left, right, pale, dark or a colour: panels and rows have names."""
    for cell in chapter.code:
        pages = [data(output).get("text/html", "") for output in cell.outputs]
        drawn = re.findall(r'class="lab-fig"[^>]* aria-label="([^"]*)"', "".join(pages))
        for words in [caption(cell), *drawn]:
            if found := SCREEN_WORDS.search(unescape(words)):
                yield f"cell {cell.id!r}: the words of the figure say {found[0]!r}, which is not so on every screen"


def outputs_are_visible(chapter: Chapter):
    """What a reader meets is there without a kernel: no error, no stderr, no widget without its page."""
    for cell in chapter.code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {cell.id!r} ends in an error"
            if output.get("name") == "stderr":
                yield f"cell {cell.id!r} writes to stderr"
            if execute.WIDGET in data(output):
                yield f"cell {cell.id!r} holds a widget view; run make execute, and give the widget text/html"


def code_is_short(chapter: Chapter):
    """At most 12 lines a cell (24 where it shows nothing or a claim) and 10 a function, 80 characters a line."""
    for cell in chapter.code:
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]
        most = 24 if execute.folding.kind(cell) in ("check", "set-up") else 12
        if len(lines) > most:
            yield f"cell {cell.id!r} has {len(lines)} lines of code; {most} are allowed"
        if any(len(line) > 80 for line in cell.source.splitlines()):
            yield f"cell {cell.id!r} has a line of more than 80 characters"
        if re.search(r"^\s*[%!]", cell.source, re.M):
            yield f"cell {cell.id!r} uses IPython's own syntax; write Python"
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > 10:
                yield f"cell {cell.id!r}: the function {node.name} has more than 10 lines"


def code_is_folded(chapter: Chapter):
    """JupyterLab folds the code that the page folds, and no tag folds what the rule folds already."""
    folding = execute.folding
    for cell in chapter.code:
        tags = set(cell.metadata.get("tags", []))
        hidden = not folding.is_open(cell) and folding.kind(cell) != "exercise"
        if hidden != cell.metadata.get("jupyter", {}).get("source_hidden", False):
            yield f"cell {cell.id!r} is folded on the page and open in JupyterLab, or the reverse; run make execute"
        if tags & folding.FOLDED and not folding.is_open({**cell, "metadata": {}}):
            yield f"cell {cell.id!r} is folded by the rule; it needs no tag"


def code_lets_pictures_through(chapter: Chapter):
    """At most two open cells of code stand before the next picture, claim or explorable."""
    row = []
    for cell in chapter.code:
        row = [*row, cell.id] if execute.folding.is_open(cell) else row
        if execute.folding.kind(cell) in ("figure", "check", "explorable", "question", "exercise"):
            row = []
        elif len(row) == 3:
            yield f"the code of {', '.join(row)} stands open before there is anything to see"


def prose_is_portable(chapter: Chapter):
    """No raw HTML in prose."""
    for cell in chapter.prose:
        text = re.sub(r"^(`{3,})(\{math\}|(?!\{)).*?^\1|(?<!`)(`+)(?!`).+?\3", " ", cell.source, flags=re.S | re.M)
        text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", " ", text, flags=re.S)
        if found := re.search(r"</?[a-zA-Z][^>]*>|<!--", re.sub(r"<https?://[^>]*>", " ", text)):
            yield f"cell {cell.id!r} has raw HTML: {found[0]}"


def cells_have_names(chapter: Chapter):
    """Every cell has an id that an author chose, so that it never changes by itself."""
    ids = [cell.get("id", "") for cell in chapter.notebook.cells]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"the id {name!r} stands more than once"
    for name in ids:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or re.fullmatch(r"[0-9a-f]{8}", name):
            yield f"the id {name!r} is not a name in words"


def outputs_are_fresh(chapter: Chapter):
    """The committed outputs were made with the committed code."""
    if chapter.notebook.metadata.get(execute.PACKAGE, {}).get("cells") != execute.cells_hash(chapter.notebook):
        yield "the code is not what the outputs were made with; run make execute"
    if [cell.execution_count for cell in chapter.code] != list(range(1, len(chapter.code) + 1)):
        yield "the execution counts are not 1, 2, 3, …; run make execute"


def ledger_agrees(chapter: Chapter):
    """The chapter's ledger file holds the claims that the chapter shows."""
    entries = {entry["id"]: entry["statement"] for entry in chapter.ledger or []}
    if entries != chapter.claims:
        different = sorted({name for name, _ in entries.items() ^ chapter.claims.items()})
        yield f"the ledger and the outputs differ in the claims {', '.join(different)}; run make execute"
    if not chapter.claims:
        yield "a chapter makes claims; this one makes none"


def only_public_names(chapter: Chapter):
    """A chapter uses what the package exports, and nothing that begins with an underscore."""
    for cell in chapter.code:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGES):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not exported(module, alias.name):
                        yield f"cell {cell.id!r}: {node.module} does not export {alias.name}"
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name.startswith("_") and name.strip("_") and not name.endswith("__"):
                yield f"cell {cell.id!r} uses the private name {name}"


def exported(module, name: str) -> bool:
    inside = hasattr(module, "__path__") and importlib.util.find_spec(f"{module.__name__}.{name}") is not None
    return name in getattr(module, "__all__", ()) or (inside and not name.startswith("_"))


def equations_have_functions(chapter: Chapter):
    """A labelled equation is followed by the function that computes it, whose docstring names the equation."""
    for cell in chapter.prose:
        for match in re.finditer(r"^(`{3,})\{math\}\n:label: ([\w-]+)\n.*?^\1", cell.source, re.M | re.S):
            following = re.split(r"^`{3,}\{math\}", cell.source[match.end():], flags=re.M)[0]
            names = re.findall(r"`((?:[a-z_0-9]+\.)+\w+)`", following)
            found = [target for target in map(resolved, names) if target is not None]
            if not found:
                yield f"cell {cell.id!r}: no function of the package is named after the equation {match[2]}"
            elif not any(match[2] in documentation(target) for target in found):
                yield f"cell {cell.id!r}: the docstring of {names[0]} does not name the equation {match[2]}"
    for cell in chapter.prose:
        for label in re.findall(r"\$\$[^$]*\$\$\s*\(([\w-]+)\)", cell.source):
            yield f"cell {cell.id!r}: label the equation {label} with a math directive"


def resolved(name: str):
    module, _, attribute = name.rpartition(".")
    try:
        home = module if module.startswith("chapters.") else f"transformer_lab.{module}"
        return getattr(importlib.import_module(home), attribute, None)
    except ImportError:
        return None


def documentation(target) -> str:
    return (inspect.getdoc(target) or "") + (inspect.getmodule(target).__doc__ or "")


def exercises_are_whole(chapter: Chapter):
    """At least five exercises, each with a hint, a stub that is not right yet, and the tested solution."""
    exercises, solutions = chapter.directive("exercise"), chapter.directive("solution")
    if len(exercises) < 5:
        yield f"a chapter has at least five exercises; this one has {len(exercises)}"
    for level in ("Warm-up", "Core", "Stretch"):
        if not any(entry.argument.startswith(level) for entry in exercises):
            yield f"no exercise's title begins with {level}"
    for entry in exercises:
        label = entry.options.get("label", "")
        if not any("dropdown" in inner.classes for inner in directives(entry.body)):
            yield f"the exercise {label!r} has no folded hint"
        yield from stub_faults(chapter, label)
        answers = [solution for solution in solutions if solution.argument == label]
        if len(answers) != 1 or "dropdown" not in answers[0].classes:
            yield f"the exercise {label!r} needs one folded solution"
        else:
            yield from solution_faults(chapter, label, answers[0].body)


def stub_faults(chapter: Chapter, label: str):
    cell = next((cell for cell in chapter.code if cell.id == label), None)
    if cell is None or "NotImplementedError" not in cell.source or not check_name(cell.source):
        yield f"the exercise {label!r} needs a code cell with that id, with a stub and its check"
    elif not any('class="lab-verdict lab-not-yet"' in data(output).get("text/html", "") for output in cell.outputs):
        yield f"the stub of {label!r} is not answered with what is missing"


def check_name(source: str) -> str:
    found = re.search(r"(check_\w+)\(\w+\)\s*$", source.strip())
    return found[1] if found else ""


def solution_faults(chapter: Chapter, label: str, body: str):
    cell = next((cell for cell in chapter.code if cell.id == label), None)
    check = getattr(importlib.import_module(f"chapters.{chapter.module}.exercises"),
                    check_name(cell.source) if cell else "", None)
    shown = re.search(r"^```python\n(.*?)^```", body, re.M | re.S)
    if check is None or not hasattr(check, "solution"):
        yield f"the exercise {label!r} has no check in chapters.{chapter.module}.exercises"
    elif shown is None or shown[1].strip() != textwrap.dedent(inspect.getsource(check.solution)).strip():
        yield f"the solution of {label!r} is not the text of {check.solution.__name__}"
    elif not check(check.solution):
        yield f"the solution of {label!r} is rejected: {check(check.solution)}"


def quiz_is_there(chapter: Chapter):
    """Three to five quiz questions, each with a folded answer."""
    questions = chapter.of_class("quiz")
    if not 3 <= len(questions) <= 5:
        yield f"a chapter has three to five quiz questions; this one has {len(questions)}"
    for question in questions:
        if not any("dropdown" in inner.classes for inner in directives(question.body)):
            yield f"the quiz question {question.argument or question.body[:30]!r} has no folded answer"


def sources_are_cited(chapter: Chapter):
    """A chapter cites, and links its words to the glossary."""
    text = "\n".join(cell.source for cell in chapter.prose)
    for role in ("cite", "term"):
        if not re.search(rf"\{{{role}[\w:]*\}}`", text):
            yield f"the chapter has no {{{role}}}"


RULES = (parts_in_order, card_is_complete, numbers_are_backed, figures_have_words,
         captions_hold_on_every_screen, outputs_are_visible, code_is_short,
         code_is_folded, code_lets_pictures_through,
         prose_is_portable, cells_have_names, outputs_are_fresh, ledger_agrees, only_public_names,
         equations_have_functions, exercises_are_whole, quiz_is_there, sources_are_cited)
