"""The reference: nothing that the package offers is missing, what it says is so, and its examples run."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from html import unescape

import pytest
from sample_book import ROOT

import transformer_lab
from lab_site import reference

MODULES = {info.name: importlib.import_module(info.name) for info in pkgutil.walk_packages(
    transformer_lab.__path__, "transformer_lab.") if not info.name.endswith("__main__")}


def test_the_examples_of_the_reference_itself():
    assert doctest.testmod(reference).failed == 0


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if hasattr(module, "__all__")])
def test_every_name_that_a_module_offers_has_a_place(name):
    missing = [each for each in MODULES[name].__all__ if f"{name}.{each}" not in reference.places()
               and inspect.getmodule(getattr(MODULES[name], each)) is MODULES[name]]
    assert missing == []


def test_a_package_s_own_names_lead_to_where_they_are_defined():
    places = reference.places()
    assert places["plots.Figure"] == places["transformer_lab.plots.figure.Figure"]
    assert places["training.fit"] and places["widgets.SoftLookup"] and places["lookup"] == places["names.lookup"]


def functions():
    """Each public function: its entry, and the names of its arguments as ``inspect`` sees them on the function."""
    for name in reference.modules():
        for entry in reference.entries(name):
            found = getattr(MODULES[name], entry.name, None)
            if inspect.isfunction(found):
                yield entry, list(inspect.signature(inspect.unwrap(found)).parameters)


def test_a_signature_names_the_arguments_that_python_sees_in_order():
    compared = 0
    for entry, wanted in functions():
        given = entry.signature.partition("(")[2]
        seen = [re.search(rf"(?<![\w.']){name}(?=[:=,)])", given) for name in wanted]
        places = [match.start() for match in seen if match]
        assert len(places) == len(wanted) and places == sorted(places), entry.signature
        compared += 1
    assert compared > 150


def test_the_pages_hold_every_signature_and_every_line_of_the_docstrings_examples(built_site):
    for name in reference.modules():
        page = (built_site / "book" / "reference" / f"{reference.page_of(name)}.html").read_text("utf-8")
        bare = unescape(re.sub(r"<[^>]+>", "", page))
        for entry in reference.entries(name):
            assert f'id="{name}.{entry.name}"' in page
            examples = [line.partition("  # doctest")[0] for line in entry.doc.splitlines() if line.startswith(">>>")]
            assert [line for line in [entry.signature, *examples] if line not in bare] == [], entry.name


def test_an_equation_that_a_docstring_names_is_a_link_to_it(built_site):
    page = (built_site / "book" / "reference" / "byhand.html").read_text("utf-8")
    assert re.search(r'href="\.\./\d\d-[\w-]+\.html#equation-eq-attention"', page)
    assert not re.search(r"\beq-attention\b(?!\")", re.sub(r"<[^>]+>|#equation-[\w-]+", "", page))


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "book" / "using.md").read_text("utf-8"), re.M | re.S)


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_using_the_package_run_elsewhere(number, tmp_path):
    assert len(examples()) == 3
    done = subprocess.run([sys.executable, "-W", "error", "-c", examples()[number]], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout or (tmp_path / "weights.svg").exists()
