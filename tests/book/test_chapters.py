"""Every chapter keeps every rule, and every rule catches a chapter that breaks it."""

import sys
import types

import nbformat
import pytest
from chapter import ROOT, Chapter, execute, numbers, reading_text
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rules import RULES

from transformer_lab.exercises import Exercise

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
MODULE = "chapters.ch99.exercises"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_keeps_the_rule(path, rule):
    faults = list(rule(Chapter.read(path)))
    assert not faults, "\n".join(faults)


def test_there_are_chapters_and_each_claim_has_one_home():
    assert CHAPTERS
    homes = [(name, path.stem) for path in CHAPTERS for name in Chapter.read(path).claims]
    assert len(dict(homes)) == len(homes), "two chapters use one claim id"


# --- a small chapter that keeps all rules, and what breaks each ------------------------------------------------------

def double(x):
    return 2 * x


check_double = Exercise(double, "the result", [(3.0,)], right="Twice as large.", mistakes={})


CARD = """# A title

```{admonition} At a glance
:class: card
- **Question:** What is two times three?
- **In one minute:** It is six.
- **You need:** [the index](index.md)
- **Time:** 1 min to read, 2 min to do, 3 min to compute
- **Seeds:** 1
- **Claims:** 1
```"""
EQUATION = """## Derive: the rule

```{math}
:label: eq-wait
w = 1
```
Computed by `randomness.generator`, cited from {cite}`somebody2020`, a {term}`token`."""
EXERCISE = """````{exercise} %s: double it
:label: ex-%s
Double 7.

```{admonition} Hint
:class: dropdown
Add it to itself.
```
````"""
STUB = "def mine(x):\n    raise NotImplementedError\n\nch99.check_double(mine)"
SOLUTION = """````{solution} ex-%s
:class: dropdown
```python
def double(x):
    return 2 * x
```
````"""
QUIZ = """```{admonition} Question
:class: quiz
Why 5?

:::{admonition} Answer
:class: dropdown
Because.
:::
```"""
CLAIM_HTML = ('<p class="lab-claim" id="claim-six"><span class="lab-tick" aria-hidden="true">✓</span> '
              "Two times three is 6.</p>")
FIGURE_HTML = ('<figure class="lab-fig" role="img" aria-label="A long enough sentence that says what is there."><svg/>'
               "</figure>")
VERDICT_HTML = check_double(lambda x: None)._repr_html_()


def shown(name, source, html, **metadata):
    output = new_output("execute_result", data={"text/html": html, "text/plain": "x"}, execution_count=1)
    return new_code_cell(source, id=name, outputs=[output], metadata=metadata)


def good_cells():
    def text(name, source):
        return new_markdown_cell(source, id=name)

    yield text("title", CARD)
    yield text("puzzle", "## Puzzle: six\n\nWe get 6, that is $2 \\cdot 3$, as `3 + 3` says.")
    yield text("predict", "## Predict")
    yield text("derive", EQUATION)
    yield text("check", "## Check numerically")
    code = "from transformer_lab import claim, equals\nclaim('six', 'Two times three is 6.', equals('2 · 3', 6, 6))"
    yield shown("claim-six", code, CLAIM_HTML)
    yield text("experiment", "## Experiment")
    yield shown("picture", "1", FIGURE_HTML, mystnb={"figure": {"name": "fig-six", "caption": "The 6."}})
    yield text("explore", "## Explore")
    yield text("exercises", "## Exercises")
    for number, level in enumerate(("Warm-up", "Core", "Core", "Core", "Stretch")):
        yield text(f"ask-{number}", EXERCISE % (level, number))
        yield shown(f"ex-{number}", STUB, VERDICT_HTML)
        yield text(f"answer-{number}", SOLUTION % number)
    yield text("learned", "## What we learned\n\n" + "\n\n".join([QUIZ] * 3))


@pytest.fixture
def good(monkeypatch):
    """The small chapter, and its exercises as a module of the package."""
    module = types.ModuleType(MODULE)
    module.check_double = check_double
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setattr("transformer_lab.generator.__doc__", "Computes eq-wait.")
    notebook = new_notebook(cells=list(good_cells()))
    execute.tidy(notebook, records={})
    execute.folding.hide_sources(notebook)
    nbformat.validate(notebook)
    return Chapter(notebook, "99-good", [{"id": "six", "statement": "Two times three is 6."}])


def test_the_small_chapter_keeps_all_rules(good):
    assert [fault for rule in RULES for fault in rule(good)] == []


def change(cell, old, new):
    """A change of one cell's text."""
    def plant(chapter):
        target = next(entry for entry in chapter.notebook.cells if entry.id == cell)
        assert old in target.source
        target.source = target.source.replace(old, new)
    return plant


def set_output(cell, **values):
    """A change of one cell's output data."""
    def plant(chapter):
        target = next(entry for entry in chapter.notebook.cells if entry.id == cell)
        target.outputs[0].data = {kind.replace("_", "/", 1).replace("__", "."): text for kind, text in values.items()}
    return plant


def drop(*cells):
    def plant(chapter):
        chapter.notebook.cells = [cell for cell in chapter.notebook.cells if cell.id not in cells]
    return plant


def on_cell(cell, action):
    return lambda chapter: action(next(entry for entry in chapter.notebook.cells if entry.id == cell))


def caption_says(words):
    return on_cell("picture", lambda cell: cell.metadata.mystnb.figure.update(caption=words))


def stderr(cell):
    cell.outputs.append(new_output("stream", name="stderr", text="warned"))


def error(cell):
    cell.outputs = [new_output("error", ename="E", evalue="e", traceback=[])]


def widget(cell):
    cell.outputs[0].data[execute.WIDGET] = {"model_id": "x"}


def three_values(chapter):
    """Three open cells with nothing to see between them."""
    value = new_output("execute_result", data={"text/plain": "3"}, execution_count=1)
    chapter.notebook.cells[1:1] = [new_code_cell("1 + 2", id=f"value-{i}", outputs=[value]) for i in range(3)]


PLANTED = [
    ("parts_in_order", change("check", "## Check", "## Prove")),
    ("parts_in_order", change("predict", "## Predict", "## Explore")),
    ("parts_in_order", change("explore", "## Explore", "## Experiment")),
    ("parts_in_order", change("explore", "## Explore", "## Explore: this\n\n## Exercises\n\n## Explore: that")),
    ("parts_in_order", drop("experiment")),
    ("parts_in_order", change("puzzle", "## Puzzle", "# Puzzle")),
    ("card_is_complete", change("title", "card", "note")),
    ("card_is_complete", change("title", "- **Seeds:** 1\n", "")),
    ("card_is_complete", change("title", "**Seeds:** 1", "**Seeds:** many")),
    ("card_is_complete", change("title", "- **In one minute:** It is six.\n", "")),
    ("card_is_complete", change("title", "2 min to do, ", "")),
    ("card_is_complete", change("title", "**Claims:** 1", "**Claims:** 2")),
    ("numbers_are_backed", change("puzzle", "We get 6", "We get 6.0")),
    ("numbers_are_backed", change("puzzle", "We get 6", "We get 6 %")),
    ("numbers_are_backed", change("puzzle", "We get 6", "We get −6")),
    ("numbers_are_backed", change("explore", "Explore", "Explore\n\n:::{note}\nMove 7.\n:::")),
    ("numbers_are_backed", on_cell("picture", lambda cell: cell.metadata.mystnb.figure.update(caption="The 7."))),
    ("figures_have_words", set_output("picture", text_html=FIGURE_HTML.replace("A long enough sentence", ""))),
    ("figures_have_words", set_output("picture", text_html="<svg></svg>")),
    ("figures_have_words", set_output("picture", image_png="iVBOR")),
    ("figures_have_words", on_cell("picture", lambda cell: cell.metadata.pop("mystnb"))),
    ("figures_have_words", change("explore", "Explore", "Explore\n\n![](picture.svg)")),
    *[("captions_hold_on_every_screen", caption_says(words)) for words in
      ("The dark cells.", "Look at the left panel.", "Weights, on the right.", "A grey bell.", "Paler further back.")],
    ("captions_hold_on_every_screen", set_output("picture", text_html=FIGURE_HTML.replace("A long", "The darkest, a"))),
    ("outputs_are_visible", on_cell("picture", stderr)),
    ("outputs_are_visible", on_cell("picture", error)),
    ("outputs_are_visible", on_cell("picture", widget)),
    ("code_is_short", change("picture", "1", "1\n" * 13)),
    ("code_is_short", change("picture", "1", "x" * 81)),
    ("code_is_short", change("picture", "1", "def f():\n    '''\n" + "\n" * 8 + "    '''\n    return 1\nf()")),
    ("code_is_short", change("picture", "1", "%matplotlib inline")),
    ("code_is_folded", on_cell("claim-six", lambda cell: cell.metadata.pop("jupyter"))),
    ("code_is_folded", on_cell("claim-six", lambda cell: cell.metadata.update(tags=["hide-input"]))),
    ("code_is_folded", on_cell("ex-2", lambda cell: cell.metadata.update(jupyter={"source_hidden": True}))),
    ("code_lets_pictures_through", three_values),
    ("prose_is_portable", change("explore", "Explore", "Explore <b>this</b>")),
    ("prose_is_portable", change("explore", "Explore", "Explore\n\n<!-- later -->")),
    ("cells_have_names", on_cell("explore", lambda cell: cell.update(id="check"))),
    ("cells_have_names", on_cell("explore", lambda cell: cell.update(id="ab12cd34"))),
    ("outputs_are_fresh", change("picture", "1", "2")),
    ("outputs_are_fresh", on_cell("picture", lambda cell: cell.update(execution_count=9))),
    ("ledger_agrees", lambda chapter: chapter.ledger.clear()),
    ("ledger_agrees", lambda chapter: chapter.ledger[0].update(statement="Other words.")),
    ("only_public_names", change("claim-six", "import claim", "import claim, Claim")),
    ("only_public_names", change("picture", "1", "claim.__wrapped._hidden")),
    ("equations_have_functions", change("derive", "`randomness.generator`", "itself")),
    ("equations_have_functions", change("derive", "eq-wait", "eq-other")),
    ("equations_have_functions", change("check", "## Check numerically", "## Check\n\n$$x$$ (eq-x)")),
    ("exercises_are_whole", drop("ask-3", "ex-3", "answer-3")),
    ("exercises_are_whole", change("ask-4", "Stretch", "Hard")),
    ("exercises_are_whole", change("ask-1", ":class: dropdown", ":class: tip")),
    ("exercises_are_whole", drop("ex-2")),
    ("exercises_are_whole", set_output("ex-2", text_html="<p>fine</p>")),
    ("exercises_are_whole", change("ex-2", "check_double", "check_treble")),
    ("exercises_are_whole", drop("answer-2")),
    ("exercises_are_whole", change("answer-2", ":class: dropdown\n", "")),
    ("exercises_are_whole", change("answer-2", "2 * x", "x + x")),
    ("quiz_is_there", change("learned", ":class: quiz", ":class: note")),
    ("quiz_is_there", change("learned", ":class: dropdown", ":class: tip")),
    ("sources_are_cited", change("derive", "{cite}`somebody2020`", "somebody")),
    ("sources_are_cited", change("derive", "{term}`token`", "token")),
]


@pytest.mark.parametrize("name, plant", PLANTED, ids=[f"{index}-{name}" for index, (name, _) in enumerate(PLANTED)])
def test_a_planted_fault_is_found(good, name, plant):
    plant(good)
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert list(rule(good)), f"{name} found nothing"


@pytest.mark.parametrize("words", [
    "How hard four losses pull the logit of the right answer.", "Right answers on fresh lines.", "It is highlighted.",
    "What is left of the accuracy.", "On the right way.", "Heads that are told right.",
])
def test_a_caption_may_speak_of_what_is_right_and_what_is_left(good, words):
    caption_says(words)(good)
    rule = next(rule for rule in RULES if rule.__name__ == "captions_hold_on_every_screen")
    assert list(rule(good)) == []


def test_every_rule_has_a_planted_fault():
    assert {rule.__name__ for rule in RULES} == {name for name, _ in PLANTED}


@pytest.mark.parametrize("text, found", [
    ("about 30.5 % of 26 letters", ["30.5 %", "26"]), ("W1 and float64, 1e-12 off", ["1e−12"]),
    ("x = $26 + 3$ and `d = 46`", []), ("as in {cite}`old1999` and [here](02-x.ipynb)", []),
    ("1. first\n2. then 5", ["5"]),
    ("[a sum](set:decoding?x=Max(First(Min(2,8),5),1)&step=0) of (7)", ["7"]),
    ("a 20-letter line, −3 and 1,000", ["20", "−3", "1,000"]), ("(sec-4)=\n# Part", []),
])
def test_numbers_are_found_where_a_reader_meets_them(text, found):
    assert numbers(reading_text(text)) == found
