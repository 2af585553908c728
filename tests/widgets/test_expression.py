"""The page's one parser of expressions is the package's: what is one, what it is, what it is worth, what is said."""

import json
import string

import numpy as np
import pytest

from transformer_lab import generator
from transformer_lab.errors import LabError
from transformer_lab.tasks.expressions import OPERATIONS, TOKENS, parse, spell, tokenize, value
from transformer_lab.widgets.bundle import JS, node

SOURCE = f"""import * as page from "{(JS / "core" / "expression.js").as_uri()}";
import {{ TOKENS }} from "{(JS / "core" / "tokens.js").as_uri()}"; import {{ text }} from "node:stream/consumers";
const given = JSON.parse(await text(process.stdin));
const told = (x) => (typeof x === "number" ? x : [x.name, x.inside.map(told)]);
const out = given.map((one) => {{ const {{ x, fault }} = page.parse(one); return fault ? {{ fault }}
  : {{ x: told(x), value: page.value(x), spelt: page.spell(x), tokens: page.written(x).tokens }}; }});
process.stdout.write(JSON.stringify([out, TOKENS, Object.keys(page.OPERATIONS)]));"""
PIECES = [*OPERATIONS, "max", "SORT", "second-LARGEST", "Max-", "Maximum", "(", "(", ")", ")", ",", ",", " ", "  ", "0",
          "7",
          "12", "007", "1000000000", "1000000001", "9" * 19,
          "-1", "1.5", "+", "%", "é", "Ω", "[", "\n", "\t"]


def well_formed(rng, level=0):
    """A text that is an expression, spelt carelessly."""
    if level and rng.random() < 0.3 + 0.2 * level:
        return str(rng.integers(0, 10 ** rng.integers(1, 9)))
    name, space = str(rng.choice([*OPERATIONS])), lambda: " " * int(rng.integers(3))
    name = [name, name.lower(), name.upper()][rng.integers(3)]
    inside = f"{space()},{space()}".join(well_formed(rng, level + 1) for _ in range(rng.integers(1, 5)))
    return f"{space()}{name}{space()}({space()}{inside}{space()}){space()}"


def damaged(rng, text):
    """A text with a few signs left out, put in, or put elsewhere."""
    signs = list(text)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(signs))) if signs else 0
        signs[at:at + int(rng.integers(2))] = list(rng.choice([*PIECES, ""]))
    return "".join(signs)


def texts():
    rng = generator(0, "texts")
    fine = [well_formed(rng) for _ in range(1500)]
    yield from fine
    yield from (damaged(rng, text) for text in fine)
    yield from ("".join(rng.choice(PIECES, rng.integers(0, 14))) for _ in range(1500))
    yield from ("".join(rng.choice(list(string.printable), rng.integers(0, 30))) for _ in range(500))
    yield from ["", " ", "7", "Max(" * 60 + "1" + ")" * 60, "Max(" * 99 + "1", "Max(" + ",".join("1" * 100) + ")"]


def read(text):
    """What the package makes of a text, in the page's words."""
    try:
        x = parse(text)
    except LabError as error:
        return {"fault": str(error)}
    listed = lambda x: [x[0], [listed(part) for part in x[1]]] if isinstance(x, tuple) else x  # noqa: E731
    worth = value(x)
    return {"x": listed(x), "value": list(worth) if isinstance(worth, tuple) else worth, "spelt": spell(tokenize(x)),
            "tokens": tokenize(x)}


@pytest.fixture(scope="module")
def found():
    given = list(texts())
    pages, tokens, operations = json.loads(node(SOURCE, json.dumps(given)))
    assert tokens == list(TOKENS) and operations == list(OPERATIONS)
    return list(zip(given, pages, map(read, given), strict=True))


def test_five_thousand_texts_mean_the_same_or_nothing_on_both_sides(found):
    assert len(found) > 5000
    for text, page, ours in found:
        assert ("fault" in page) == ("fault" in ours), (text, page, ours)
        assert "fault" in page or page == ours | {"spelt": page["spelt"]}, text
        assert "fault" in page or page["spelt"].replace(" ", "") == ours["spelt"].replace(" ", "")
    share = np.mean(["fault" in page for _, page, _ in found])
    assert 0.4 < share < 0.9


def test_a_fault_of_grammar_is_told_in_the_same_words(found):
    told = [(page["fault"], ours["fault"]) for text, page, ours in found if "fault" in page
            and ours["fault"].startswith("expression: got") and not set(text) & set("'\\\n\t\r\x0b\x0c")
            and text.isprintable() and "sorted list" not in ours["fault"]]
    assert len(told) > 1500
    for page, ours in told:
        assert ours.startswith("expression: g" + page[1:]), (page, ours)
