"""The decoding explorable: grammar, exact values and every logit are the package's, and keys alone build everything."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from chapters.ch10.page import MODELS, decode_bytes
from transformer_lab import generator
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.byhand.transformer import forward
from transformer_lab.errors import LabError
from transformer_lab.places import shipped
from transformer_lab.tasks.answers import shares
from transformer_lab.tasks.digits import check_expression, draw
from transformer_lab.tasks.expressions import EOS, answer_text, parse, spell, tokenize, value
from transformer_lab.widgets import Decoding
from transformer_lab.widgets.asked import OPERATIONS
from transformer_lab.widgets.bundle import JS, node

FOLDER = (JS / "decoding").as_uri()
SOURCE = f"""import {{ readFileSync }} from "node:fs"; import {{ text }} from "node:stream/consumers";
import lab, {{ EXAMPLES, code, compute, shuffled }} from "{(JS / "decoding.js").as_uri()}";
import * as grammar from "{(JS / "core" / "expression.js").as_uri()}"; import {{ modelsOf }} from "{FOLDER}/model.js";
import {{ beyond }} from "{FOLDER}/training.js";
import {{ choices, pressed }} from "{FOLDER}/edit.js"; import {{ chance, shares, taken }} from "{FOLDER}/sample.js";
const file = readFileSync("{JS / "data" / "decode.bin"}");
const data = new DataView(file.buffer, file.byteOffset, file.length), given = JSON.parse(await text(process.stdin));
const {{ tasks, decoded }} = modelsOf(data);
"""
ASKED = {"nested": "Max ( First ( 2 , 8 ) , Second ( 5 , 1 ) )", "two-digits": "Max ( 5 , 42 , 17 )",
         "arithmetic": "Add ( Add ( 9 , 8 ) , Add ( 4 , 9 ) )"}


def page(expression, given=None):
    return json.loads(node(f"{SOURCE} process.stdout.write(JSON.stringify({expression}));", json.dumps(given)))


@pytest.fixture(scope="module")
def models():
    """The models as the page has them: weights in half precision, calculation in double."""
    return {name: rounded(load(shipped("digits", f"{name}-0"))[0]) for name in MODELS}


def rounded(model):
    return DigitModel(model.run, {key: w.astype(np.float16).astype(float) for key, w in model.params.items()})


def anything(rng, operations, level=1):
    """An expression as a reader may build it, in training or not."""
    deeper = rng.random(int(rng.integers(2, 5))) < [1, 0.5, 0.3, 0][level]
    return str(rng.choice(operations)), tuple(anything(rng, operations, level + 1) if inner else int(rng.integers(200))
                                              for inner in deeper)


def built(seed, model, n, longest):
    rng, operations = generator(seed, "built"), OPERATIONS[model]
    some = (anything(rng, operations, int(rng.integers(1, 3))) for _ in range(100 * n))
    return [x for x in some if len(tokenize(x)) <= longest][:n]


def test_the_shipped_bytes_are_those_of_the_records():
    assert (JS / "data" / "decode.bin").read_bytes() == decode_bytes()


def test_the_pages_table_of_models_is_that_of_the_records(models):
    table = page("tasks")
    assert list(table) == list(models)
    for name, model in models.items():
        task, config, shown = model.run.task, model.run.model.to_dict(), table[name]
        assert {key: shown[key] for key in config} == config
        assert task.min_args == task.max_args == shown["n_args"] and task.low == 0
        assert (list(task.operations), task.high, task.depth, task.n_answer) == (
            shown["operations"], shown["high"], shown["depth"], shown["n_answer"])


@pytest.mark.parametrize("name", MODELS)
def test_rounded_models_answer_as_the_unrounded_do(name, models):
    fresh = draw(models[name].run.task, 2000, seed=2, purpose="fresh")
    assert models[name].said(fresh) == load(shipped("digits", f"{name}-0"))[0].said(fresh)


@pytest.mark.parametrize("name", MODELS)
def test_answers_logits_and_attention_are_those_of_the_package(name, models):
    model, task = models[name], models[name].run.task
    usual, strange = draw(task, 60, seed=3, purpose="fresh"), built(4, name, 60, model.run.model.n_ctx)
    got = page("given.texts.map((text) => decoded(given.name, text, { pick: 'likeliest', draws: 0 }))",
               {"name": name, "texts": [spell(tokenize(x)) for x in usual + strange]})
    said = [spell(run["answer"]) for run in got]
    assert said[:60] == model.said(usual)
    for x, run in zip(usual + strange, got, strict=True):
        written = []
        for step in run["steps"]:
            acts = forward(model.params, np.array([[*tokenize(x), *written]]), model.run.model)
            assert np.abs(acts["logits"][0, -1] - step["logits"]).max() <= 1e-9
            patterns = np.concatenate([acts[f"blocks.{layer}.pattern"][0, :, -1] for layer in (0, 1)])
            assert np.abs(patterns - step["patterns"]).max() <= 1e-9
            written.append(int(acts["logits"][0, -1].argmax()))
        assert run["ended"] == (written[-1] == EOS) and run["answer"] == [token for token in written if token != EOS]
        assert run["ended"] or len(written) == task.n_answer + 1 or len(tokenize(x)) + len(written) > task.n_ctx


WAYS = [{"temperature": t, "top_k": k, "top_p": p}
        for t in (0.1, 1.0, 2.7) for k in (1, 3, 20) for p in (0.05, 0.6, 1.0)]


def test_what_is_drawn_from_is_what_the_package_draws_from():
    logits = generator(8, "logits").normal(scale=2, size=(20, 20))
    got = page("given.ways.map((way) => given.logits.map((row) => shares(row, { pick: 'drawn', ...way })))",
               {"ways": WAYS, "logits": logits.tolist()})
    for way, found in zip(WAYS, got, strict=True):
        np.testing.assert_allclose(found, shares(logits, **way), rtol=0, atol=1e-12)
        assert ((np.array(found) > 0) == (shares(logits, **way) > 0)).all()


def test_tokens_are_drawn_as_often_as_their_shares_say():
    """Five thousand chances, of which no two are alike; the same draw always gives the same token."""
    logits, n = np.log([[0.05, 0.4, 0.25, 0.1, 0.2]]), 5000
    way = {"pick": "drawn", "temperature": 1.5, "top_k": 4, "top_p": 0.9}
    ask = """[...Array(given.n).keys()].map((n) => { const p = shares(given.logits, given.way), u = chance(n, n % 4);
             return [u, taken(given.logits, p, given.way, u)]; })"""
    given = {"n": n, "logits": logits[0].tolist(), "way": way}
    drawn = page(ask, given)
    chances, tokens = np.array(drawn).T
    wanted = shares(logits, temperature=1.5, top_k=4, top_p=0.9)[0]
    found = np.bincount(tokens.astype(int), minlength=5) / n
    assert (abs(found - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / n)).all() and found[0] == 0
    assert len(set(chances)) > 0.99 * n and chances.min() >= 0 and chances.max() < 1
    assert page(ask, given) == drawn


def test_drawing_from_one_token_writes_what_the_likeliest_writes_and_another_draw_writes_something_else():
    ways = [{"pick": "drawn", "temperature": 1, "top_k": k, "top_p": 1, "draws": d}
            for k, d in [(1, 0), *((24, d) for d in range(12))]]
    said = page("given.ways.map((how) => decoded('arithmetic', given.text, how).answer)",
                {"ways": [{"pick": "likeliest", "draws": 0}, *ways], "text": ASKED["arithmetic"]})
    assert said[0] == said[1] and len({tuple(answer) for answer in said}) > 1


@pytest.mark.parametrize("name", MODELS)
def test_grammar_and_exact_values_are_those_of_the_package(name):
    expressions = built(5, name, 300, 60)
    assert len(expressions) == 300
    texts = [spell(tokenize(x)) for x in expressions]
    found = page("given.map((text) => { const { x } = grammar.parse(text), { tokens, nodes } = grammar.written(x); "
                 "return [grammar.spell(x), tokens, grammar.value(x), grammar.spellTokens(tokens), nodes.length]; })",
                 texts)
    for x, text, (spelt, tokens, exact, joined, n_nodes) in zip(expressions, texts, found, strict=True):
        assert spelt == joined == text and tokens == tokenize(x) and str(exact) == answer_text(value(x))
        assert n_nodes == text.count("(") + sum(word.isdigit() for word in text.split())


def depth(x):
    return 1 + max(map(depth, x[1])) if isinstance(x, tuple) else 0


@pytest.mark.parametrize("name", MODELS)
def test_what_is_marked_is_what_training_cannot_have_had(name, models):
    task = models[name].run.task
    expressions = built(6, name, 200, 60) + draw(task, 200, seed=6)

    def drawable(x):
        try:
            return check_expression(task, x) == x and depth(x) == task.depth
        except LabError:
            return False

    marked = page("given.texts.map((text) => beyond(grammar.parse(text).x, tasks[given.name]).some(Boolean))",
                  {"name": name, "texts": [spell(tokenize(x)) for x in expressions]})
    assert [not strange for strange in marked] == [drawable(x) for x in expressions]
    assert 50 < sum(marked) <= 200


def test_the_reason_stands_at_the_number_or_operation_that_is_new():
    assert page('given.map(([name, text]) => beyond(grammar.parse(text).x, tasks[name]))', [
        ["nested", "Max ( First ( Min ( 2 , 8 ) , 5 ) , 1 )"], ["nested", "Max ( 12 , Last ( 6 , 3 ) )"],
        ["nested", "Max ( 3 , 8 )"], ["two-digits", "Last ( 4 , 100 )"]]) == [
        ["", "", "3 operations inside each other", "", "", "", ""], ["", "numbers above 9", "Last", "", ""],
        ["no operation inside", "", ""], ["2 arguments", "", "numbers above 99"]]


@pytest.mark.parametrize("name", MODELS)
def test_whatever_is_pressed_gives_an_expression_that_python_takes_too(name):
    """Random presses, buttons and keys, 300 of them one after the other."""
    keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter", "+", "-", *"0259sml"]
    rolls = generator(7, "presses").random((300, 2)).tolist()
    states = page("""(() => {
        let state = { ...lab.defaults, model: given.name, expression: EXAMPLES[given.name][0][0] };
        return given.rolls.map(([one, other]) => {
            const now = compute(state, data), some = choices(state, now).flat();
            const key = given.keys[Math.floor(one * 2 * given.keys.length)];
            const change = key ? pressed(state, now, key) : some[Math.floor(other * some.length)].change;
            return state = { ...state, ...change };
        }); })()""", {"name": name, "keys": keys, "rolls": rolls})
    assert len({state["expression"] for state in states}) > 100
    lengths = []
    for state in states:
        assert Decoding(**state).state() == state
        lengths.append(len(tokenize(parse(state["expression"]))))
    assert max(lengths) > load(shipped("digits", f"{name}-0"))[0].run.model.n_ctx


def test_a_press_or_key_does_what_it_says():
    """(state, key or button, what comes of it)."""
    cases = [(2, "7", "First ( 7 , 8 )"), (2, "+1", "First ( 3 , 8 )"), (2, "ArrowDown", "First ( 1 , 8 )"),
             (2, "Min", "First ( Min ( 2 , 5 ) , 8 )"), (2, "s", "First ( Second ( 2 , 5 ) , 8 )"), (1, "Enter", "2"),
             (1, "its value 2", "2"), (1, "l", "Last ( 2 , 8 )"), (1, "+", "First ( 2 , 8 , 0 )"),
             (1, "− argument", "First ( 2 , 8 )"), (1, "3", "3"), (1, "ArrowUp", "Second ( 2 , 8 )"),
             (1, "m", "Max ( 2 , 8 )")]
    got = page("""given.map(([selected, what]) => {
        const state = { ...lab.defaults, selected }, now = compute(state, data);
        const button = choices(state, now).flat().find(({ text, change }) => text === what && !/^\\d$/.test(what));
        return (button?.change ?? pressed(state, now, what)).expression; })""", [case[:2] for case in cases])
    assert got == [f"Max ( {wanted} , Second ( 5 , 1 ) )" for *_, wanted in cases]
    assert page("[pressed(lab.defaults, compute(lab.defaults, data), 'x'), "
                "pressed({ ...lab.defaults, selected: 0 }, compute({ ...lab.defaults, selected: 0 }, data), '4')]") == [
        None, None]


def test_shuffle_draws_what_training_draws_and_always_the_same():
    found = page("Object.values(tasks).map((task) => [...Array(40).keys()].map((n) => shuffled(task, n)))")
    assert found == page("Object.values(tasks).map((task) => [...Array(40).keys()].map((n) => shuffled(task, n)))")
    for name, texts in zip(MODELS, found, strict=True):
        task = load(shipped("digits", f"{name}-0"))[0].run.task
        assert all(check_expression(task, parse(text)) and depth(parse(text)) == task.depth for text in texts)
        assert len(set(texts)) >= 39


@pytest.mark.parametrize(("state", "fault"), [
    ({"model": "nest"}, "Did you mean 'nested'"), ({"expression": "Add(2, 3)"}, "got 'Add'"),
    ({"expression": "Max(2, 300)"}, "got 300"), ({"expression": "Max(2)"}, "Max's arguments: got 1"),
    ({"expression": "Max(Max(1, 2, 3, 4), Max(1, 2, 3, 4), Max(1, 2, 3))"}, "the number of tokens: got 33"),
    ({"step": -1}, "step: got -1"), ({"selected": 24}, "selected: got 24"), ({"expression": "Max(2"}, "after 'Max"),
    ({"expression": "Sort(2, 1)"}, "got 'Sort'")])
def test_the_python_class_refuses_what_the_page_cannot_show(state, fault):
    with pytest.raises(LabError, match=fault):
        Decoding(**state)


def test_python_moves_to_another_model_with_an_expression_of_its_own():
    lab = Decoding(model="arithmetic", expression="add(2, max(3, 4))")
    assert lab.expression == "Add ( 2 , Max ( 3 , 4 ) )"
    with pytest.raises(LabError, match="got 'Add'"):
        lab.model = "nested"


@pytest.mark.browser
def test_an_expression_is_built_by_keys_and_decoded(open_lab):
    lab = open_lab("decoding")
    words, chosen = lab.locator(".lab-words"), lab.locator("[role=spinbutton][tabindex='0']")
    expect(words).to_contain_text("step 1 of 2: the model goes on with 2")
    chosen.focus()
    for key in ("9", "ArrowLeft", "s", "ArrowLeft", "ArrowDown"):     # Add has no token here: before Max is Last
        lab.keyboard.press(key)
    expect(lab.locator("[role=spinbutton]").first).to_be_focused()
    expect(words).to_contain_text("Last ( Second ( 9 , 8 ) , Second ( 5 , 1 ) )")
    expect(words).to_contain_text("Not in training: Last.")
    expect(chosen).to_have_attribute("aria-valuetext", "Last, exactly 1, not in training")
    lab.keyboard.press("m")
    expect(words).to_contain_text("Max ( Second ( 9 , 8 ) , Second ( 5 , 1 ) ), step 1 of 2: the model goes on with 8")
    lab.get_by_role("button", name="Next").click()
    expect(words).to_contain_text("goes on with [EOS]")
    expect(words).to_contain_text("It wrote 8. The exact value is 8: right.")
    expect(lab.locator(".lab-picture")).to_contain_text("✓ right")
    expect(lab.get_by_role("button", name="Next")).to_be_disabled()
    lab.get_by_label("Step").focus()
    lab.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("step 1 of 2")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_an_expression_is_built_by_press_and_everything_follows(open_lab, width):
    lab = open_lab("decoding", width=width, touch=width == 390)
    words, part = lab.locator(".lab-words"), lab.locator("[role=spinbutton]")
    part.nth(3).click()
    lab.locator(".lab-put", has_text="Min").click()
    expect(words).to_contain_text("First ( 2 , Min ( 8 , 1 ) )")
    expect(words).to_contain_text("has 21 tokens. This model has positions for 17: it cannot read it.")
    expect(lab.locator(".lab-picture")).to_contain_text("21 tokens: the model has positions for 17.")
    expect(part).to_have_count(9)
    expect(lab.locator(".lab-cell")).to_have_count(0)
    part.nth(6).click()
    lab.locator(".lab-put", has_text="its value 1").click()
    expect(words).to_contain_text("Max ( First ( 2 , Min ( 8 , 1 ) ) , 1 ), step 1 of 2")
    expect(words).to_contain_text("Not in training: 3 operations inside each other.")
    expect(lab.locator(".lab-token.strange")).to_have_count(1)
    expect(lab.locator(".lab-cell")).to_have_count(8 * 16 + 5)
    lab.get_by_role("combobox", name="Model").select_option("two-digits")
    expect(words).to_contain_text("Max ( 5 , 42 , 17 ), step 1 of 3")
    before = words.inner_text()
    lab.get_by_role("button", name="Shuffle").click()
    expect(words).not_to_have_text(before)
    lab.get_by_role("button", name="Table").click()
    expect(lab.locator("caption")).to_have_count(2)
    lab.get_by_role("button", name="Reset").click()
    expect(words).to_contain_text(ASKED["nested"])


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 720, 390])
def test_nothing_runs_over_an_edge_in_any_example(open_lab, width):
    examples = page("EXAMPLES")
    lab = open_lab("decoding", width=width)
    for name in MODELS:
        lab.get_by_role("combobox", name="Model").select_option(name)
        for text, _ in examples[name]:
            lab.get_by_role("combobox", name="Example").select_option(text)
            for _ in range(3):
                assert lab.evaluate("document.documentElement.scrollWidth <= innerWidth")
                over = lab.evaluate("""() => {
                    const lab = document.querySelector('.lab').getBoundingClientRect();
                    return [...document.querySelectorAll('.lab-picture text')].filter((text) => {
                        const box = text.getBoundingClientRect();
                        return box.left < lab.left - 1 || box.right > lab.right + 1;
                    }).map((text) => text.textContent); }""")
                assert over == [], (text, over)
                if lab.get_by_role("button", name="Next").is_enabled():
                    lab.get_by_role("button", name="Next").click()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_token_is_drawn_by_temperature_and_cut(open_lab, width):
    lab = open_lab("decoding", width=width, touch=width == 390)
    words = lab.locator(".lab-words")
    lab.get_by_role("combobox", name="Model").select_option("arithmetic")
    lab.get_by_role("combobox", name="Example").select_option("Add ( Add ( 9 , 8 ) , Add ( 4 , 9 ) )")
    expect(lab.get_by_label("Temperature")).to_have_count(0)
    lab.get_by_role("radio", name="drawn").click()
    expect(words).to_contain_text("drawn from 24 at temperature 1.0")
    for label, key, said in (("Top k", "Home", "drawn from 1 at"), ("Top k", "ArrowRight", "drawn from 2 at"),
                             ("Temperature", "End", "drawn from 2 at temperature 3.0"),
                             ("Top p", "Home", "drawn from 1 at")):
        lab.get_by_label(label).focus()
        lab.keyboard.press(key)
        expect(words).to_contain_text(said)
    expect(lab.locator(".lab-picture")).to_contain_text("cut off")
    lab.get_by_label("Top p").focus()
    lab.keyboard.press("End")
    seen = set()
    for _ in range(12):
        lab.get_by_role("button", name="Draw again").click()
        seen.add(words.inner_text())
    assert len(seen) > 1
    assert lab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    lab.get_by_role("radio", name="the likeliest").click()
    expect(lab.get_by_label("Temperature")).to_have_count(0)
