"""What JupyterLab saves: stills stay, numbers of models that die with their kernel go, what is no notebook is left."""

import copy

import pytest

from transformer_lab.widgets.saving import MODEL, keep_stills


def notebook(output):
    return {"type": "notebook", "content": {"cells": [{"outputs": [output]}]}}


@pytest.mark.parametrize("html", ['<div class="lab-static">', ["<div ", 'class="lab-static">']])
def test_a_still_stays_and_its_model_goes(html):
    saved = notebook(output := {"data": {MODEL: {"model_id": "ab"}, "text/html": html}})
    keep_stills(saved)
    assert saved == notebook(output) and output == {"data": {"text/html": html}}


@pytest.mark.parametrize("model", [
    {}, {"type": "file", "content": "lab-static"}, {"type": "notebook"}, {"type": "notebook", "content": None},
    {"type": "notebook", "content": {"cells": [5, {"outputs": "text"}]}}, notebook(None), notebook({"data": []}),
    notebook({"data": {MODEL: {}, "text/html": 5}}), notebook({"data": {MODEL: {}, "text/html": "<p>"}})])
def test_what_has_no_still_is_saved_as_it_is(model):
    before = copy.deepcopy(model)
    keep_stills(model)
    assert model == before
