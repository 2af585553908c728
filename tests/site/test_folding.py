"""Which code stands open: a table of cells, and where the fold stands on the page."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from lab_site import folding

FIGURE, CLAIM = '<figure class="lab-fig" role="img">', '<p class="lab-claim" id="claim-x">'
VERDICT, VALUE = '<p class="lab-verdict lab-not-yet">', ""
CHOICE = '<div class="lab-static" data-lab="choice"><p class="lab-verdict">'
LAB = '<div class="lab-static" data-lab="positions">'
LOOK = "d_s = J @ d_a\nstrips({'s': d_s}, letters)"
DRAWING = "d_s = J @ d_a\nlines(\n  d_s,\n  x_label='gap')"
TABLE = [
    ("s = q @ k.T\ns.shape", VALUE, "value", True),
    ("prices['bread'], prices['tea']", VALUE, "value", True),
    ("found = study('leak').load()\nscores = found.accuracy\nnames = 1\ndict(found.sizes)", VALUE, "value", False),
    ("k = np.array([1.0])\nv = k\nq = k\nacts = attend(q, k, v)\nprint(acts)", VALUE, "value", True),
    ("delta = p.copy()\ndelta[3] -= 1\nletters = 'AB'\nstrips(delta, letters)", FIGURE, "figure", True),
    (LOOK, FIGURE, "figure", True), (DRAWING, FIGURE, "figure", False),
    ("x = 1\nplots.lines(x * y)", FIGURE, "figure", False), ("heads(0)", FIGURE, "figure", False),
    (LOOK, CLAIM, "check", False), ("s = q @ k\nclaim('x')", CLAIM, "check", False),
    ("def f(x):\n    raise NotImplementedError\n\nch01.check_f(f)", VERDICT, "exercise", False),
    ("y = x @ W\nChoice(id='x')", CHOICE, "question", False), ("Positions(d=4)", LAB, "explorable", False),
    ("import numpy as np", None, "set-up", False), ("x = a @ b", None, "set-up", False),
    ("def f(x):\n    return x @ x.T\n\ndef g(x):\n    return x - x.mean()", None, "set-up", True),
    ("def f(x):\n    q = x @ W\n    return q @ x.T", None, "set-up", True),
    ("def f(x):\n    q = first(x)\n    return second(q)", None, "set-up", False),
    ("\n".join(f"x{i} = a @ b" for i in range(11)) + "\nx1", VALUE, "value", False),
]


def cell(source, html, **metadata):
    data = {"text/plain": "3"} | ({"text/html": html} if html else {})
    outputs = [] if html is None else [{"output_type": "execute_result", "data": data}]
    return {"cell_type": "code", "source": source, "outputs": outputs, "metadata": metadata}


@pytest.mark.parametrize(("source", "html", "kind", "stands_open"), TABLE)
def test_code_stands_open_where_it_computes_something_in_a_few_lines(source, html, kind, stands_open):
    assert (folding.kind(cell(source, html)), folding.is_open(cell(source, html))) == (kind, stands_open)


def test_a_tag_folds_what_the_rule_leaves_open_and_opens_nothing():
    assert not folding.is_open(cell(LOOK, FIGURE, tags=["hide-input"]))
    assert not folding.is_open(cell("heads(0)", FIGURE, tags=["show-input"]))


def test_the_source_of_a_file_may_come_as_lines():
    lines = cell(LOOK.splitlines(keepends=True), FIGURE)
    lines["outputs"][0]["data"]["text/html"] = ["<div>", FIGURE]
    assert folding.is_open(lines) and folding.kind(lines) == "figure"


def test_jupyterlab_folds_the_same_code_but_for_the_stubs():
    cells = [cell("heads(0)", FIGURE, jupyter={"outputs_hidden": True}), cell(LOOK, FIGURE),
             cell("f(x)", VERDICT, jupyter={"source_hidden": True})]
    folding.hide_sources({"cells": cells})
    assert [entry["metadata"].get("jupyter") for entry in cells] == [
        {"outputs_hidden": True, "source_hidden": True}, None, None]


def test_the_fold_stands_behind_what_the_cell_shows_and_says_what_it_holds(sample_site):
    page = BeautifulSoup((sample_site / "book" / "02-sample.html").read_text("utf-8"), "html.parser")
    folds = {fold.parent["class"][1]: fold for fold in page.select(".cell > details")}
    assert set(folds) == {"tag_shows-figure", "tag_shows-check", "tag_shows-question", "tag_shows-set-up"}
    for sort, fold in folds.items():
        assert fold.parent.find_all(recursive=False)[-1] is fold and fold.select_one(".cell_input pre")
        assert "open" not in fold.attrs, sort
    assert folds["tag_shows-check"].summary.get_text() == "Code of this check"
    opened = [code.get_text().strip() for code in page.select("article .cell > .cell_input")]
    assert [code.splitlines()[0] for code in opened] == ["def loss(p):", "tokens[3]"]
