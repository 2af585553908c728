"""The attention visualiser: patterns and answers are NumPy's with any heads ablated; it works by hand and by key."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from transformer_lab.analysis.ablation import ablate
from transformer_lab.analysis.cache import Runner, patterns
from transformer_lab.byhand.attention import softmax
from transformer_lab.errors import LabError
from transformer_lab.taps import chained
from transformer_lab.widgets import AttentionHeads
from transformer_lab.widgets.attention import FACTS, MODELS, read_words
from transformer_lab.widgets.bundle import JS, node, poster

FOUND = """
import { readFileSync } from "node:fs";
import lab from "FOLDER/attention-heads.js";
import { compute } from "FOLDER/attention-heads.js";
import { modelsOf, read } from "FOLDER/heads/model.js";
const bytes = readFileSync(new URL("data/attention-heads.bin", "FOLDER/x"));
const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), { models } = modelsOf(data);
const found = STATES.map((state) => {
  const { weights, found: { probs }, layer, head, query } = compute({ ...lab.defaults, ...state }, data);
  return { weights, probs, at: [layer, head, query] };
});
const texts = TEXTS.map(([name, text]) => read(text, models[name]));
process.stdout.write(JSON.stringify({ found, texts }));
"""


OTHERS = {"digits": "Min ( 3 , 7 , 0 )", "nested": "Min ( 1 , Last ( 9 , 2 ) )",
          "arithmetic": "Max ( 4 , Add ( 5 , 1 ) )", "repeating": "> e c a e c a", "rule": "3 6 9 1 7 5 2 +"}


def found(states=(), texts=()):
    source = FOUND.replace("FOLDER", JS.as_uri()).replace("STATES", json.dumps(list(states)))
    return json.loads(node(source.replace("TEXTS", json.dumps(list(texts)))))


def states():
    rng = np.random.default_rng(0)
    for name, told in MODELS.items():
        for text in told["texts"]:
            for how in ("mean", "zero", "other"):
                shape = FACTS["models"][name]
                every = [[layer, head] for layer in range(shape["n_layers"]) for head in range(shape["n_heads"])]
                out = [each for each in every if rng.random() < 0.3]
                weighted = bool(rng.random() < 0.5)
                yield {"model": name, "text": text, "ablated": out, "how": how, "other": OTHERS[name],
                       "weighted": weighted}


def test_patterns_and_answers_are_numpys_whatever_is_ablated():
    asked = [*states(), {}]
    for state, page in zip(asked, found(asked)["found"], strict=True):
        heads = AttentionHeads(**state)
        run = Runner(heads.params, heads.config)
        tap = chained(*[ablate(f"blocks.{layer}.z", head=head, value=heads.stand_in(layer))
                        for layer, head in heads.ablated])
        weights = patterns(run, [heads.tokens], tap)[:, 0]
        if heads.weighted:
            acts = run.cache([heads.tokens], tap)
            weights = weights * [[[np.linalg.norm(row, axis=-1)] for row in acts[f"blocks.{i}.v"][0]]
                                 for i in range(heads.config.n_layers)]
            weights = weights / weights.max()
        assert np.abs(weights - page["weights"]).max() < 1e-9
        probs = softmax(run([heads.tokens], tap).reshape(-1, heads.config.d_vocab)[-1])
        assert np.abs(probs - page["probs"]).max() < 1e-9


def test_a_mean_is_that_of_the_heads_over_inputs_and_changes_less_than_zero_does():
    heads = AttentionHeads()
    run = Runner(heads.params, heads.config)
    z = run.cache([heads.tokens])["blocks.0.z"]
    assert heads.stand_in(0).shape == z.shape and not AttentionHeads(how="zero").stand_in(1).any()
    rng = np.random.default_rng(1)
    rows = [[15, 17, 2 + a, 19, 2 + b, 19, 2 + c, 18] for a, b, c in rng.integers(10, size=(300, 3))]
    others = run.cache(rows)["blocks.0.z"].mean(axis=0)
    assert np.corrcoef(others.ravel(), heads.stand_in(0).ravel())[0, 1] > 0.9


@pytest.mark.parametrize(("name", "text"), [("digits", "max 5, 3 ,9)"), ("digits", ") ) 12"), ("nested", "FIRST(LAST"),
                                            ("digits", "Sum(1,2)"), ("digits", ""), ("digits", "1" * 9),
                                            ("digits", "[PAD]"), ("arithmetic", "add (5,55)")])
def test_python_and_the_page_read_a_text_alike(name, text):
    page = found(texts=[(name, text)])["texts"][0]
    if "fault" in page:
        with pytest.raises(LabError):
            AttentionHeads(model=name, text=text)
    else:
        assert page["tokens"] == AttentionHeads(model=name, text=text).tokens == read_words(text, MODELS[name]["words"])


def test_what_lies_beyond_the_last_is_the_last_and_nonsense_is_refused():
    assert found([{"layer": 7, "head": 9, "query": 50, "ablated": [[5, 0]]}])["found"][0]["at"] == [1, 3, 7]
    for wrong in ({"model": "gpt"}, {"how": "noise"}, {"ablated": [[0]]}, {"query": -2}, {"layer": -1}, {"text": "?"}):
        with pytest.raises(LabError):
            AttentionHeads(**wrong)


def test_the_still_picture_is_small_for_the_longest_text():
    state = AttentionHeads(model="nested", text=MODELS["nested"]["texts"][1]).state()
    assert len(poster("attention-heads", state)) < 100_000


@pytest.mark.browser
def test_a_head_is_shown_ablated_and_brought_back_by_mouse_and_by_key(open_lab):
    page = open_lab("attention-heads")
    words = page.locator(".lab-words")
    expect(words).to_contain_text("All heads are at work: 5 (100.0 %)")
    page.get_by_role("button", name="Show layer 1, head 2").click()
    expect(words).to_contain_text("Layer 1, head 2")
    switch = page.get_by_role("button", name="Take out layer 0, head 3")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(words).to_contain_text(re.compile(r"Without 0\.3: [^5].*; with all heads: 5 \(100\.0 %\)"))
    expect(page.locator(".lab-picture text.code.end").last).to_have_text("5")  # what it said with all heads is kept
    other = page.get_by_role("button", name="Take out layer 0, head 0")
    other.focus()
    page.keyboard.press("Enter")
    expect(words).to_contain_text("Without 0.0, 0.3")
    page.keyboard.press("Space")
    expect(words).to_contain_text("Without 0.3")
    page.get_by_role("button", name="All heads back").click()
    expect(words).to_contain_text("All heads are at work")


def test_what_stands_in_is_the_other_texts_where_that_is_as_long():
    heads = AttentionHeads(how="other", other="min(3,7,0)")
    run = Runner(heads.params, heads.config)
    there = read_words("min(3,7,0)", MODELS["digits"]["words"])
    assert np.array_equal(heads.stand_in(1), run.cache([there])["blocks.1.z"])
    heads.other = "min(3,7)"
    assert np.array_equal(heads.stand_in(1), run.cache([heads.tokens])["blocks.1.z"])


@pytest.mark.browser
def test_heads_of_another_text_are_put_in_and_unlike_lengths_are_named(open_lab):
    page = open_lab("attention-heads", {"ablated": [[0, 3]]})
    page.get_by_role("radio", name="another text's").click()
    words, other = page.locator(".lab-words"), page.get_by_role("textbox", name="Other text")
    expect(words).to_contain_text("With 0.3 from Max ( 2 , 0 , 9 ): 9")   # the head carries the largest digit
    other.fill("max(2,0,5)")
    expect(words).to_contain_text("With 0.3 from Max ( 2 , 0 , 5 ): 5 (100.0 %)")
    other.fill("max(2,0)")
    expect(other).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".lab-said").last).to_contain_text("Got 6 tokens; the text above has 8")


@pytest.mark.browser
def test_a_query_shows_its_lines_alone_and_the_numbers_of_its_row(open_lab):
    page = open_lab("attention-heads", {"layer": 1, "head": 0})
    queries = page.get_by_role("slider", name="Query")
    queries.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(queries).to_have_attribute("aria-valuetext", "2")
    shown = page.locator(".lab-picture text.end.soft").all_text_contents()
    shares = [float(text) for text in shown if re.fullmatch(r"\d\.\d\d", text)]
    assert len(shares) == 8 and abs(sum(shares) - 1) < 0.05
    box = queries.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 2.5 * box["height"] / 8)
    expect(queries).to_have_attribute("aria-valuetext", "all queries")


@pytest.mark.browser
def test_another_model_and_a_text_of_ones_own(open_lab):
    page = open_lab("attention-heads")
    page.get_by_label("Model").select_option("nested")
    expect(page.get_by_role("textbox", name="Text")).to_have_value(MODELS["nested"]["texts"][0])
    typed = page.get_by_role("textbox", name="Text")
    typed.fill("last(min(6,3), 4)")
    expect(page.get_by_label("Example")).to_have_value("Last ( Min ( 6 , 3 ) , 4 )")
    typed.fill("last(min(6,3)?")
    expect(typed).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".lab-said")).to_contain_text("this model knows")


@pytest.mark.browser
def test_the_table_says_what_each_head_alone_is_worth(open_lab):
    page = open_lab("attention-heads")
    page.get_by_role("button", name="Table", exact=True).click()
    rows = page.locator(".lab-more table").nth(1).locator("tbody tr")
    expect(rows).to_have_count(8)
    expect(rows.nth(3)).to_have_text(re.compile(r"^0\.30\.\d\d %\d$"))  # without it the answer is gone
    expect(rows.nth(0)).to_have_text("0.0100.00 %5")
