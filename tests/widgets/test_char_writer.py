"""The small writer: every chance is that of the model by hand, of PyTorch, and of the counts; draws are as they say."""

import json

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from chapters.ch12.page import CONFIG, ORDER, TASK, counted
from transformer_lab import generator
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward
from transformer_lab.errors import LabError
from transformer_lab.models.transformer import Transformer
from transformer_lab.tasks.ngrams import NGrams
from transformer_lab.widgets import CharWriter
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_data, shipped_file

SOURCE = f"""import {{ readFileSync }} from "node:fs"; import {{ text }} from "node:stream/consumers";
import lab, {{ code, compute }} from "{(JS / "char-writer.js").as_uri()}";
import {{ begins, booked }} from "{(JS / "writer" / "run.js").as_uri()}";
const file = readFileSync("{JS / "data" / "char-writer.bin"}");
const data = new DataView(file.buffer, file.byteOffset, file.length), given = JSON.parse(await text(process.stdin));
const whole = (state) => lab.finished(state, data)[1];
"""
LONG = {"text": "KING RICHARD III:\n", "length": 250}  # longer than a window and a half


def page(expression, given=None):
    return json.loads(node(f"{SOURCE} process.stdout.write(JSON.stringify({expression}));", json.dumps(given)))


def written(state):
    return page("(({ letters, p, start, at }) => ({ letters: letters.join(''), p, start, at }))(whole(given))", state)


def window(place):
    """Where the model begins to read: up to a window from the start, then in steps of half of one."""
    half = CONFIG.n_ctx // 2
    return 0 if place <= CONFIG.n_ctx else half * -(-(place - CONFIG.n_ctx) // half)


def test_counts_and_facts_are_those_of_the_text():
    facts, arrays = page_data(shipped_file("char-writer").read_bytes())
    assert facts["models"]["writer"] == CONFIG.to_dict() and facts["order"] == ORDER
    assert facts["alphabet"] == TASK.alphabet.characters
    for name, wanted in counted().items():
        assert np.array_equal(arrays[name], wanted) and arrays[name].dtype == wanted.dtype


def test_every_chance_is_that_of_the_model_by_hand_and_of_pytorch():
    writer, run = CharWriter(**LONG), written(LONG)
    letters, params = run["letters"], writer.params
    module = Transformer(writer.config, params).double().eval()
    assert len(letters) == len(LONG["text"]) + LONG["length"] and letters.startswith(LONG["text"])
    assert page("given.map((place) => begins(place, booked(data).config))", list(range(1, 300))) == [
        window(place) for place in range(1, 300)]
    for place in (1, 5, 60, 128, 129, 180, 192, 193, 250, len(letters) - 1):
        row = writer.encode(letters[window(place):place])[None]
        assert 1 <= row.shape[1] <= CONFIG.n_ctx
        wanted = softmax(forward(params, row, writer.config)["logits"][0, -1])
        twin = torch.softmax(module(torch.as_tensor(row))[0, -1], dim=-1).detach().numpy()
        token = writer.encode(letters[place])[0]
        assert abs(run["p"][place] - wanted[token]) <= 1e-9
        assert abs(twin - wanted).max() <= 1e-9


def test_patterns_are_those_of_the_model():
    writer = CharWriter()
    letters, patterns = page("(({ letters, patterns }) => [letters.slice(0, -1).join(''), patterns])(whole(given))",
                             {"text": "ROMEO:\nMy", "length": 40})
    acts = forward(writer.params, writer.encode(letters)[None], writer.config)
    for layer, heads in enumerate(patterns):
        assert abs(acts[f"blocks.{layer}.pattern"][0, :, -1] - heads).max() <= 1e-9


def test_the_ruler_says_what_the_counts_say():
    model = NGrams(TASK.parts[0], ORDER, CONFIG.d_vocab)
    rng, held_out = generator(0, "rulers"), TASK.parts[1]
    rows = [held_out[start:start + length] for start, length in
            zip(rng.integers(len(held_out) - 9, size=60), rng.integers(1, 8, size=60), strict=True)]
    rows += list(rng.integers(CONFIG.d_vocab, size=(40, 6)))  # most of them never seen
    found = page("given.map((row) => booked(data).ruler(row))", [row.tolist() for row in rows])
    for row, chances in zip(rows, found, strict=True):
        assert np.sum(chances) == pytest.approx(1, abs=1e-12)
        assert abs(model.chances(row[None])[0] - chances).max() <= 1e-12


def test_what_is_written_depends_on_the_draw_and_a_longer_text_goes_on_with_the_shorter():
    states = [{"text": "ROMEO:\n", "length": length, "draws": draws} for length, draws in ((30, 0), (60, 0), (30, 1))]
    short, longer, other = (written(state)["letters"] for state in states)
    assert longer.startswith(short) and len(longer) == len(short) + 30
    assert other != short and written(states[0])["letters"] == short
    one = [written({"text": "ROMEO:\n", "length": 30, "top_k": 1, "draws": draws})["letters"] for draws in (0, 1)]
    assert one[0] == one[1]


def test_characters_are_drawn_as_often_as_the_model_says():
    """The first character behind one beginning, over 600 draws, against the ten likeliest chances."""
    state = 'text: "ROMEO:", length: 1, temperature: 1'
    found, top = page(f"[given.map((draws) => whole({{ {state}, draws }}).letters.at(-1)), whole({{ {state} }}).top]",
                      list(range(600)))
    for entry in top:
        share, count = entry["share"], found.count(entry["letter"])
        assert abs(count - 600 * share) <= 4 * np.sqrt(600 * share * (1 - share)) + 1


@pytest.mark.parametrize("given", [{"text": "Rom\u00e9o"}, {"text": "x"}, {"text": "a" * 61}, {"length": 401},
                                   {"temperature": 0}, {"top_k": 66}])
def test_what_the_model_cannot_read_is_refused(given):
    with pytest.raises(LabError):
        CharWriter(**given)


@pytest.mark.browser
def test_typed_text_is_read_and_a_strange_character_is_named(open_lab):
    lab = open_lab("char-writer")
    field = lab.get_by_label("Beginning")
    field.fill("JULIET:|O #")
    expect(lab.locator(".lab-said")).to_contain_text("never seen #")
    field.fill("JULIET:|O ")
    expect(lab.locator(".lab-said")).to_contain_text("new line")
    expect(lab.locator(".lab-words")).to_contain_text("The 120 characters that it has written", timeout=20_000)
    place = lab.get_by_role("slider", name="Character")
    place.focus()
    for _ in range(3):
        lab.keyboard.press("ArrowLeft")
    expect(place).to_have_attribute("aria-valuenow", "126")
