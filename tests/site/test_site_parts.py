"""The parts of the site's extension, each by itself: mathematics, fonts, polish, directives, folds, numbers."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from fontTools.ttLib import TTFont
from sample_book import ROOT

from lab_site import chapters, fonts, letters, marks, math, page, roles, search, strips
from lab_site.assets import katex_css
from lab_site.directives import box_tokens, fold, fold_deeper
from lab_site.page import CORRECTIONS, polish
from transformer_lab import VOCABULARY


@pytest.fixture
def warnings():
    """What the site's modules warn of, through Sphinx's logger, while a test runs."""
    heard, logger = [], logging.getLogger("sphinx")
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logger.addHandler(handler)
    yield heard
    logger.removeHandler(handler)


# Mathematics

def test_a_formula_becomes_html_with_mathml_beside_it():
    html = math.render(r"\frac{\partial L}{\partial W_{OV}}", display=True)
    assert "<mfrac>" in html and 'class="katex katex-display"' in html and "<script" not in html


@pytest.mark.parametrize(("tex", "expected"), [
    (r"q = x W_Q, \; k = x W_K, \; v = x W_V", ["query", "query", "key", "key", "value", "value"]),
    (r"s_j = \mathbf{q} \cdot \mathbf{k}_j / \sqrt{d_\text{head}}", ["query", "key"]),
    (r"v \leftarrow \beta_2 v + (1 - \beta_2) g^2", []),
    (r"\text{k} + q + v", []), (r"\sin \omega (t + k)", [])])
def test_letters_of_attention_are_marked_where_a_query_meets_a_key(tex, expected):
    assert re.findall(r'class="[^"]*\bof-(\w+)[^"]*"', math.render(tex, display=True)) == expected
    assert set(roles.marks(tex).values()) >= {f"of-{role}" for role in expected}
    assert "of-" not in math.render(tex)


@pytest.mark.parametrize("tex", [r"\frac{a", r"\unknown", r"a \\ b $"])
def test_a_formula_that_katex_cannot_read_is_an_error(tex):
    with pytest.raises(math.FormulaError):
        math.render(tex)
    assert "katex" in math.render("x"), "the process goes on after an error"


@pytest.mark.parametrize("entry", VOCABULARY.values(), ids=VOCABULARY.keys())
def test_every_symbol_and_equation_of_the_vocabulary_can_be_set(entry):
    for tex in filter(None, (entry.symbol, entry.equation)):
        assert "katex-error" not in math.render(tex)


# Fonts

def test_a_cut_font_has_the_characters_asked_for_and_no_others():
    source = (math.MODULES / fonts.FACES[0].source).read_bytes()
    font = TTFont(io.BytesIO(fonts.cut(source, "aé", (400, 600))))
    assert set(font.getBestCmap()) == {ord("a"), ord("é")}
    assert [(axis.minValue, axis.maxValue) for axis in font["fvar"].axes] == [(400, 600)]


def test_a_font_is_cut_once_and_then_kept(tmp_path):
    made = []
    for _ in range(2):
        assert fonts.cached(tmp_path, b"key", lambda: made.append(1) or b"font") == b"font"
    assert len(made) == 1 and fonts.cached(tmp_path, b"other key", lambda: b"other") == b"other"


def test_the_marks_of_the_theme_are_in_the_font_of_marks():
    drawn = marks.marks_font(TTFont(math.MODULES / fonts.INTERFACE.source)).getBestCmap()
    wanted = {entry["glyph"] for entry in fonts.theme()["marks"].values()} - {"·"}
    assert set(map(chr, drawn)) == set(marks.MARKS) | set(marks.SCALED) and wanted <= set(marks.MARKS)


def test_the_twin_of_a_font_takes_the_room_of_the_font(tmp_path):
    """The stretched local font and ours set the same English text to the same width, within a percent."""
    fonts.write_fonts(tmp_path / "fonts", tmp_path / "store")
    css = fonts.font_css(tmp_path / "fonts")
    ours = fonts.mean_width(TTFont(tmp_path / "fonts" / "lab-serif.woff2"))
    adjust = float(css.split('Twin Georgia"; src: local("Georgia"); size-adjust: ')[1].split("%")[0]) / 100
    assert adjust * dict(fonts.TWINS["text"])["Georgia"] == pytest.approx(ours, rel=0.01)


def test_katex_keeps_one_format_and_what_is_used(tmp_path):
    css = katex_css("≤", tmp_path, tmp_path / "store")
    assert ".ttf" not in css and '.woff"' not in css
    main = TTFont(tmp_path / "KaTeX_Main-Regular.woff2").getBestCmap()
    assert ord("≤") in main and ord("x") in main and ord("≥") not in main


# Polish

HTML = {
    "thebe": '<script type="text/x-thebe-config">\n{requestKernel: true}\n</script>\n    '
             "<script>kernelName = 'python3'</script>",
    "application/vnd.jupyter.widget-state+json": '<script type="application/vnd.jupyter.widget-state+json">{}</script>',
    '<span class="n">': '<span></span><span class="k">if</span><span class="w"> </span><span class="n">x</span>',
    "<pre>": '<pre><span class="s2">"a</span><span class="s2">b"</span>\n <span class="s2">"c"</span> '
             '<span class="k">if</span> x <span class="k">else</span></pre>',
    "<strong>In one minute:</strong>": "<ul><li><p><strong>In one minute:</strong> It is <em>six</em>.</p></li></ul>",
    'class="lab-verdict lab-not-yet"': '<p class="lab-verdict lab-not-yet"><span>✗</span> Not filled in yet.</p>',
    "<table": "<table><tr><td>1</td></tr></table>",
    "class='margin-toggle'><span":
        "<label for='sidenote-role-1' class='margin-toggle'><span id=\"id1\">\n<sup>1</sup></span>\n\n</label>",
    '-content">': '<section id="solution-content">x</section>',
    "doc-biblioentry": '<div class="citation" id="id2" role="doc-biblioentry">',
    "citation-list": '<div role="list" class="citation-list">',
    'class="headerlink"': '<a class="headerlink" href="#a" title="Link to this heading">#</a>',
    "<summary><h": '<summary><h3>Deeper<a class="headerlink" href="#a" title="Link">#</a></h3></summary>',
}
POLISHED = {
    "thebe": "", "application/vnd.jupyter.widget-state+json": "",
    '<span class="n">': '<span class="k">if</span> x',
    "<pre>": '<pre><span class="s2">"ab"\n "c"</span> <span class="k">if</span> x <span class="k">else</span></pre>',
    "<strong>In one minute:</strong>":
        '<ul><li><details class="minute"><summary>In one minute<span class="visually-hidden">:</span></summary>'
        " <p>It is <em>six</em>.</p></details></li></ul>",
    'class="lab-verdict lab-not-yet"':
        '<p class="lab-verdict lab-not-yet">To try it, run the notebook: <code>make lab</code>.</p>',
    "<table": '<div class="table-scroll" role="group" aria-label="Table">'
              "<table><tr><td>1</td></tr></table></div>",
    "class='margin-toggle'><span": "<label for='sidenote-role-1' class='margin-toggle'>"
                                   '<span class="visually-hidden">Note </span><sup>1</sup></label>',
    '-content">': '<section class="solution-content">x</section>',
    "doc-biblioentry": '<div class="citation" id="id2">',
    "citation-list": '<div class="citation-list">',
    'class="headerlink"': '<a class="headerlink" href="#a" aria-label="Link to this heading" tabindex="-1">#</a>',
    "<summary><h": "<summary><h3>Deeper</h3></summary>",
}


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.sign)
def test_each_correction_corrects(correction, warnings):
    assert polish(HTML[correction.sign], "page") == POLISHED[correction.sign]
    assert not warnings


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.sign)
def test_a_correction_that_no_longer_matches_is_told(correction, warnings):
    polish(f"{correction.sign} in other words", "page")
    assert any(correction.why in warning for warning in warnings)


CLAIM = '<p class="lab-claim" id="claim-one"><span class="lab-tick" aria-hidden="true">✓</span> One is odd.</p>'


ENTRY = {"id": "one", "seeds": 1, "bounds": [{"name": "rest < 2", "bound": "equal to 1", "value": "1"}]}


def test_a_claim_is_linked_to_the_ledger_and_says_its_value(warnings):
    line = BeautifulSoup(polish(CLAIM, "page", {"one": ENTRY}), "html.parser")
    assert line.a["href"] == "ledger.html#claim-one" and not warnings
    assert line.get_text() == "✓ One is odd. rest < 2: exactly 1 · ledger"


def test_names_of_records_stand_in_the_ledger_alone(warnings):
    old = CLAIM.replace("</p>", ' <span class="lab-claim-source">20 seeds · record runs sha256:ab12</span></p>')
    assert "sha256" not in polish(old, "page", {"one": ENTRY}) and not warnings


def test_a_claim_without_a_record_is_told(warnings):
    assert polish(CLAIM, "page", {"two": ENTRY}) == CLAIM
    assert "make execute" in warnings[0]


def bound(dots, limits, rival=()):
    return {"name": "share <b>", "bound": "at least 0.5", "value": "…", "entries": len(dots), "rival": "untrained",
            "rival_value": "0.1", "dots": dots, "limits": limits, "rival_dots": list(rival)}


def test_a_strip_has_a_dot_for_each_seed_and_marks_the_limits_and_the_rival():
    marks = strips.strip(bound([0.6, 0.7, 0.7, 0.9], [0.5, None], [0.3, 0.3]))
    (rival,), (limit,), places = marks["rival"], marks["limits"], [x for x, _ in marks["layers"][0]]
    assert rival < limit < places[0] < places[1] == places[2] < places[3]
    assert places[3] - places[0] == pytest.approx(3 * (places[1] - places[0]), abs=0.3), "the axis is linear"
    assert len(set(marks["layers"][0])) == 4, "dots that coincide stand above one another"


def test_a_pile_of_dots_is_a_few_paths_each_without_two_dots_in_one_place():
    layers = strips.strip(bound([0.5] * 7 + [1.0] * 40, [None, None]))["layers"]
    assert [len(layer) for layer in layers] == [6, 6, 4, *[3] * 4, 3 + 40 - 24]
    assert all(len(set(layer)) == len(layer) for layer in layers[:-1]) and sum(map(len, layers)) == 47


@pytest.mark.parametrize(("rival", "arrows"), [([-9], ["left"]), ([99, 0.4], ["right"]), ([None], []), ([], [])])
def test_a_rival_that_is_far_away_is_an_arrow_and_does_not_squeeze_the_dots(rival, arrows):
    marks = strips.strip(bound([0.6, 0.9], [0.5, None], rival))
    assert marks["arrows"] == arrows
    (first, second), = marks["layers"]
    assert second[0] - first[0] > strips.WIDTH / 2


def test_a_strip_of_equal_values_stands_inside_its_axis():
    marks = strips.strip(bound([0, 0], [0, 0]))
    assert all(0 < x < strips.WIDTH for x, _ in marks["layers"][0]) and len(marks["limits"]) == 1


def test_a_claim_with_seeds_shows_its_strip_with_everything_escaped(warnings):
    entry = {"id": "one", "seeds": 20, "bounds": [bound([0.6, 0.9], [0.5, None], [0.1])]}
    html = polish(CLAIM, "page", {"one": entry})
    line = BeautifulSoup(html, "html.parser")
    drawn = "".join(path["d"] for path in line.select("svg .strip-dots"))
    assert drawn.count("h0") == 2 and "<b>" not in html and "share &lt;b&gt;" in html
    assert line.svg["aria-label"].endswith("the rival, untrained: 0.1")
    assert line.get_text(" ", strip=True).endswith("at least 0.5 · 20 seeds · ledger")


# Folds and tokens

def test_what_folds_becomes_details_with_its_title_as_plain_words():
    link = nodes.reference("", "Exercise 1", refuri="#ex")
    title, answer = nodes.title("", "Solution to ", link), nodes.paragraph("", "Count.")
    note = nodes.admonition("", title, answer, classes=["dropdown"])
    tree = nodes.document(None, None)
    tree += note
    fold(None, tree, "page")
    html = "".join(node.astext() for node in tree)
    assert html == '<details class="admonition dropdown"><summary>Solution to Exercise 1</summary>Count.</details>'
    assert not list(tree.findall(nodes.reference))


def test_a_section_called_deeper_is_folded_under_its_own_heading_and_no_other_is():
    tree = nodes.document(None, None)
    for words in ("Deeper: n keys", "Rare, and deeper"):
        tree += nodes.section("", nodes.title("", words), nodes.paragraph("", "A proof."), ids=["here"])
    fold_deeper(None, tree, "page")
    first, second = ([child.astext() for child in section] for section in tree)
    assert first == ['<details class="deeper"><summary>', "Deeper: n keys", "</summary>", "A proof.", "</details>"]
    assert second == ["Rare, and deeper", "A proof."]


def test_code_of_one_capital_or_sign_is_a_token_and_a_variable_is_none():
    tree = nodes.document(None, None)
    tree += [nodes.literal("", text) for text in ("A", "7", "+", "x", "d_model")]
    box_tokens(None, tree, "page")
    assert [node["classes"] for node in tree] == [["token"], ["token"], ["token"], [], []]


# The plan of the book

def test_the_plan_has_a_beginning_and_five_parts_and_its_chapters_count_up():
    parts = chapters.read_plan(ROOT)
    assert len(parts) == 6
    numbers = [chapter.number for part in parts for chapter in part.chapters]
    assert numbers == list(range(len(numbers)))


def test_every_chapter_in_the_contents_is_in_the_plan():
    planned = {chapter.document for part in chapters.read_plan(ROOT) for chapter in part.chapters}
    contents = (ROOT / "_toc.yml").read_text("utf-8")
    written = {line.split("file:")[1].strip(" }]") for line in contents.splitlines() if "file:" in line}
    assert {document for document in written if chapters.number_of(document) is not None} <= planned


def test_what_the_ledger_holds_is_text_whatever_it_is():
    claim = {"id": '"><script>', "statement": "<b>", "seeds": "<i>", "bounds": [{"name": "<u>"}]}
    page = chapters.filled("ledger.html", chapters=[("02-x", 2, "<p>", [claim])], count=1)
    assert not {"<script>", "<b>", "<i>", "<u>", "<p>"} & set(re.findall(r"<[^>]*>", page))


@pytest.mark.parametrize(("text", "is_json"), [("a\x00b", False), ("a\ud800b", False), ('"a\\u0000b"', True),
                                               ('"a\\ud83db"', True), ('"a\\ude00b"', True)])
def test_letters_that_no_page_can_show_are_found_and_replaced(text, is_json):
    clean, count = letters.strange(text, is_json)
    assert count == 1 and "\ufffd" in clean and clean.encode("utf-8")


def test_letters_of_two_halves_and_written_backslashes_are_left_alone():
    for text in (r'"\ud83d\ude00"', r'"a\\u0000"', "plain ✓"):
        assert letters.strange(text, True) == (text, 0)


def test_the_search_has_words_of_sections_and_terms_and_no_code():
    tree = nodes.document(None, None)
    inner = nodes.section("", nodes.title("", "Inner"), nodes.paragraph("", "Below."), ids=["inner"])
    code = nodes.literal_block("", "x = 1")
    formula = nodes.paragraph("", "", nodes.Text("With "), nodes.math("", "W_{Q}"))
    tree += nodes.section("", nodes.title("", "Outer"), code, formula, inner, ids=["outer"])
    outer, below = ("outer", "Outer", "With W_Q", "section"), ("inner", "Inner", "Below.", "section")
    assert list(search.entries(tree)) == [outer, below]


def test_the_description_of_a_page_is_its_first_paragraph_cut_at_a_word():
    tree = nodes.document(None, None)
    tree += nodes.paragraph("", "word " * 60)
    assert len(page.describe(tree)) <= 160 and page.describe(tree).endswith("word …")


def test_the_claims_of_the_chapters_in_the_book_come_from_the_records(tmp_path):
    (tmp_path / "data" / "claims").mkdir(parents=True)
    (tmp_path / "data" / "claims" / "02-x.json").write_text(json.dumps([{"id": "a"}, {"id": "b"}]))
    assert chapters.read_ledger(tmp_path, {"book/02-x"}) == {"02-x": [{"id": "a"}, {"id": "b"}]}
    assert chapters.read_ledger(tmp_path, {"book/03-y"}) == {}
