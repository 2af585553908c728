"""The verbs ``figures`` and ``animate``: what each figure draws, against a model written out token by token."""

import io
import os
import re
import stat
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from transformer_lab.analysis.plane_models import recipe
from transformer_lab.byhand.transformer import init
from transformer_lab.cli import certify, drawings, films, main
from transformer_lab.cli.animate import moments
from transformer_lab.cli.figures import lines, trained_again
from transformer_lab.cli.view import everywhere, view_of
from transformer_lab.tasks.rules import RuleTask, floor
from transformer_lab.training import History, Run, read_record, read_run, train, write_record

RUN = recipe(how="plain")
PARAMS = init(RUN.model, seed=5)
W = {name.removeprefix("blocks.0."): value.astype(float) for name, value in PARAMS.items()}
METRICS = {"step": np.arange(0, 500, 100), "loss": np.linspace(2.4, 1.9, 5), "held_out_loss": np.linspace(2.5, 2, 5),
           "held_out_accuracy": np.linspace(0.1, 0.3, 5)}


class Walk:
    """One sequence through the model, place by place."""

    def __init__(self, words):
        tokens = [11 if word == "+" else int(word) for word in words]
        n = len(tokens)
        self.x = np.array([W["W_E"][token] + W["W_pos"][place] for place, token in enumerate(tokens)])
        self.q, self.k, self.v = (self.x @ W[name][:, 0] for name in ("W_Q", "W_K", "W_V"))
        self.raw = np.array([[self.q[t] @ self.k[i] / 2**0.5 for i in range(n)] for t in range(n)])
        self.pattern = np.zeros((n, n))
        for t in range(n):
            powers = np.exp(self.raw[t, :t + 1] - self.raw[t, :t + 1].max())
            self.pattern[t, :t + 1] = powers / powers.sum()
        self.read = self.pattern @ self.v
        self.mid = self.x + self.read
        self.post = self.mid + np.maximum(self.mid @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"]
        self.logits = self.post @ W["W_U"] + W["b_U"]
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        self.odds = powers / powers.sum(axis=1, keepdims=True)


class Drawn:
    """In place of the figures: what they were asked to draw."""

    def __init__(self):
        self.calls = []

    def of(self, kind):
        def draw(*args, **options):
            self.calls.append((kind, args[0] if args else None, options))
            return self
        return draw

    def __add__(self, other):
        return self

    def tables(self):
        return {title: np.asarray(values, float) for kind, data, _ in self.calls if kind == "cells"
                for title, values in (data.items() if isinstance(data, dict) else [("", data)])}


@pytest.fixture
def drawn(monkeypatch):
    found = Drawn()
    for kind in ("plane", "cells", "bars", "curves"):
        monkeypatch.setattr(drawings, kind, found.of(kind))
    return found


@pytest.fixture(scope="module")
def view():
    return view_of(RUN, PARAMS, METRICS, seed=3)


def walks(view):
    return {" ".join(words): Walk(words) for words, _ in view.demos}


def points(token=None):
    """Every token in every place, token by token."""
    return np.array([W["W_E"][each] + W["W_pos"][place] for each in (range(12) if token is None else [token])
                     for place in range(8)])


def image(name):
    return points() @ W[name][:, 0]


def likeliest(heights, x, y, where):
    """Whether the tallest table at a place is that of the token which the model says there."""
    row, across = where
    z = np.array([x[across], y[row]])
    after = z + np.maximum(z @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"]
    said = int((after @ W["W_U"] + W["b_U"]).argmax())
    return max(heights, key=lambda word: heights[word][row, across]) == ("+" if said == 11 else str(said))


def close(found, wanted):
    return np.allclose(np.asarray(found, float), wanted, atol=1e-4)


def draw(view, number):
    drawings.DRAWINGS[number][2](view)


def test_one_counts_weights_and_two_has_the_floor(view, drawn):
    draw(view, 1), draw(view, 2)
    assert sum(drawn.calls[0][1]) == 250
    panels, options = drawn.calls[1][1], drawn.calls[1][2]
    assert close(panels["Cross-entropy (nats)"]["training"], METRICS["loss"])
    assert close(panels["Right next tokens (%)"]["held out"], 100 * METRICS["held_out_accuracy"])
    assert options["bounds"]["Cross-entropy (nats)"]["floor"] == floor(RUN.task)


def test_five_to_nine_draw_embeddings_queries_keys_and_values(view, drawn):
    for number in (5, 6, 7, 8, 9):
        draw(view, number)
    tables = drawn.tables()
    assert close(tables["Tokens"], W["W_E"].T) and close(tables["Places"], W["W_pos"].T)
    assert close(tables["W_Q"], W["W_Q"][:, 0]) and close(tables["W_V"], W["W_V"][:, 0])
    six, seven, eight, nine = [call for call in drawn.calls if call[0] == "plane"]
    assert close(six[1]["Tokens"]["in focus"], W["W_E"][0:11:2]) and close(six[1]["Tokens"]["sign"], W["W_E"][[11]])
    assert close(six[1]["Tokens in places"]["other"], np.concatenate([points(odd) for odd in range(1, 11, 2)]))
    assert list(seven[1]) == [*map(str, range(11)), "+"] and close(seven[1]["4"][""], points())
    x, y, table = seven[2]["heights"]["4"]
    whole = {word: found[2] for word, found in seven[2]["heights"].items()}
    assert all(likeliest(whole, x, y, where) for where in ((0, 0), (40, 13), (79, 60))) and table.max() <= 1
    for title, kind, name in (("Queries", "query", "W_Q"), ("Keys", "key", "W_K"), ("Values", "value", "W_V")):
        assert close(eight[1][title][kind], image(name))
    assert close(nine[1]["query"], image("W_Q")) and close(nine[1]["key"], image("W_K"))


def test_ten_and_eleven_draw_one_query_and_what_values_say_in_the_stream(view, drawn):
    draw(view, 10), draw(view, 11)
    (_, kinds, ten), (_, ends, eleven) = drawn.calls
    query, keys = points(11)[5] @ W["W_Q"][:, 0], image("W_K").reshape(12, 8, 2)
    assert close(kinds["Query + in place 5"]["may be read"], keys[:, :6].reshape(-1, 2))
    assert close(kinds["Query + in place 5"]["hidden by the mask"], keys[:, 6:].reshape(-1, 2))
    x, y, field = ten["heights"]["Query + in place 5"]
    assert field[3, 70] == pytest.approx((query[0] * x[70] + query[1] * y[3]) / 2**0.5, abs=1e-4)
    ladder = points(11)[7] + image("W_V").reshape(12, 8, 2)[0:11:2, 0]
    assert close(ends[""]["in focus"], ladder)  # the last sign, moved by the value of each even number in place 0
    x, y, heights = eleven["regions"][""]
    assert all(likeliest(heights, x, y, where) for where in ((5, 5), (40, 40), (70, 20)))


def test_twelve_to_eighteen_follow_three_different_sequences(view, drawn):
    found = walks(view)
    assert len(found) == 3
    for number in range(12, 19):
        draw(view, number)
    tables = [(title, np.asarray(values, float)) for kind, data, _ in drawn.calls if kind == "cells"
              for title, values in data.items()]
    flat = [call for call in drawn.calls if call[0] == "plane"]
    for place, (title, walk) in enumerate(found.items()):
        named = [values for name, values in tables if name.startswith(f"{title}: ")]
        assert close(named[0], walk.raw) and close(named[1], walk.v) and close(named[2], walk.x)
        seen = [values for name, values in tables if name == "masked"][place]
        assert np.isnan(seen[np.triu_indices(8, 1)]).all() and close(np.nan_to_num(seen), walk.raw * np.tri(8))
        assert close([values for name, values in tables if name == "attention"][place], walk.pattern)
        reads = [values for name, values in tables if name == "read"]
        assert close(reads[place], walk.read) and close(reads[3 + place], walk.read)
        assert close([values for name, values in tables if name == "after"][place], walk.mid)
        assert close(flat[0][1][title]["this sequence"], walk.x) and close(flat[0][1][title]["all"], points())
        shown = flat[1 + place]
        assert close(shown[1]["Before"][""], walk.x) and close(shown[1]["After"][""], walk.mid)
        assert close(shown[2]["moves"]["Where attention takes it"][""], np.stack([walk.x, walk.mid], axis=1))


def test_nineteen_to_twenty_seven_draw_whole_tables_and_planes(view, drawn):
    found = walks(view)
    first = next(iter(found.values()))
    draw(view, 19)
    assert close(drawn.tables()["key, dimension 1"], image("W_K").reshape(12, 8, 2)[..., 1])
    draw(view, 20)
    table = drawn.tables()[""]
    for t, query, i, key in ((0, 0, 0, 0), (7, 11, 2, 4), (3, 5, 6, 10)):
        wanted = points(query)[t] @ W["W_Q"][:, 0] @ (points(key)[i] @ W["W_K"][:, 0]) / 2**0.5
        assert table[12 * t + query, 12 * i + key] == pytest.approx(wanted, abs=1e-4)
    draw(view, 21)
    assert close(drawn.tables()[""], table[12 * 7 + 11].reshape(8, 12))
    draw(view, 22)
    rows = [np.asarray(values, float) for kind, data, _ in drawn.calls if kind == "cells" and isinstance(data, dict)
            for title, values in data.items() if title == "probabilities" or title.endswith("logits")]
    for place, walk in enumerate(found.values()):
        assert close(rows[2 * place], walk.logits) and close(rows[2 * place + 1], walk.odds)
    drawn.calls.clear()
    for number in range(23, 28):
        draw(view, number)
    moves, entropy, summary, fields, feeds, hidden = drawn.calls
    for title, walk in found.items():
        assert close(moves[2]["moves"][title][""], np.stack([walk.x, walk.mid], axis=1))
        assert close(feeds[2]["moves"][title]["feed-forward"], np.stack([walk.mid, walk.post], axis=1))
    table = entropy[2]["heights"]["How open it is (nats)"][2]
    odds = np.array([heights[17, 30] for heights in summary[2]["regions"]["If one value is all"][2].values()])
    assert table[17, 30] == pytest.approx(-(odds * np.log(odds)).sum())
    ends = points(11)[7] + image("W_V")
    assert close(summary[1]["If one value is all"][""], ends)
    for place, (title, field) in enumerate(fields[2]["heights"].items()):
        assert close(fields[1][title]["key"], first.k[:place + 1])
        assert field[2][4, 9] == pytest.approx(first.q[place] @ [field[0][9], field[1][4]] / 2**0.5, abs=1e-4)
    for unit, (a, b, c) in enumerate(hidden[2]["lines"]["feed-forward"]):
        assert np.allclose([a, b, c], [*W["W_in"][:, unit], W["b_in"][unit]], atol=1e-6)
    assert len(hidden[2]["lines"]["feed-forward"]) == 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    run = RUN.replace(steps=6, batch=4, warmup=0, seeds=2)
    return train(tmp_path_factory.mktemp("runs") / "rule-0", run, every=2).path


def test_figures_are_written_at_journal_size_and_text_with_marks(folder, capsys):
    assert main(["figures", str(folder), "--figure", "2", "3", "4", "20", "--journal", "--seed", "1"]) == 0
    assert "4 figures" in capsys.readouterr().out
    made = folder.parent / "rule-0-seed-1-figures"
    assert sorted(path.name for path in made.iterdir()) == [
        "02-learning-curve.pdf", "02-learning-curve.svg", "03-samples.txt", "04-written.txt", "20-all-scores.pdf",
        "20-all-scores.svg"]
    svg = ET.parse(made / "20-all-scores.svg").getroot()
    assert float(svg.get("width")[:-2]) == pytest.approx(183 / 25.4 * 72, abs=0.01)
    box = re.search(rb"MediaBox \[ 0 0 ([\d.]+)", (made / "20-all-scores.pdf").read_bytes())
    assert float(box[1]) == pytest.approx(183 / 25.4 * 72, abs=0.01)
    groups = [each.get("transform") for each in svg.iter() if (each.get("transform") or "").startswith("scale(0.")]
    assert groups[0] == f"scale({183 / 25.4 * 72 / 868:.6g})"
    text = (made / "04-written.txt").read_text()
    assert text.startswith("before training: first choice right on ") and "\nnow: first choice" in text


def test_marks_stand_under_the_tokens_that_they_are_about():
    shown = lines(RuleTask(), np.array([[10, 11, 10, 11, 4, 3]]))
    assert shown == "10 + 10 + 4 3\n.  . =  . x ."


def test_a_step_is_trained_again_and_is_that_of_the_run(folder, capsys, monkeypatch):
    run, record = read_run(folder)
    kept = trained_again(run, [0, 3, 6])
    assert all(np.array_equal(kept[6][name], value) for name, value in record.weights.items())
    seen = []
    monkeypatch.setitem(drawings.DRAWINGS, 1, ("architecture", False, lambda view: seen.append(view) or
                                               drawings.architecture(view)))
    assert main(["figures", str(folder), "--figure", "1", "--step", "3"]) == 0
    assert all(np.array_equal(value, kept[3][name][0]) for name, value in seen[0].params.items())
    assert (folder.parent / "rule-0-seed-0-step-3-figures" / "01-architecture.pdf").exists()


@pytest.mark.parametrize(("words", "said"), [
    (["--figure", "99"], "20 all-scores"), (["--step", "7"], "0 to 6"), (["--seed", "2"], "0 to 1")])
def test_what_is_not_there_is_named(folder, words, said, capsys):
    assert main(["figures", str(folder), *words]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["figures", "--step", "3"], ["animate"], ["certify"]])
def test_a_target_is_looked_at_before_anything_is_computed(words, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Run, "stepper", lambda run: pytest.fail("it trained first"))
    monkeypatch.setattr(certify, "plane_of", lambda *arguments: pytest.fail("it proved first"))
    (tmp_path / "file").write_text("mine")
    command = [words[0], str(folder), *words[1:], "--to"]
    for place in (tmp_path / "file" / "below-{seed}", tmp_path / "file" / "below" / "{seed}"):
        assert main([*command, str(place)]) == 1
        assert "Choose another with --to" in capsys.readouterr().err
    monkeypatch.setattr(Path, "touch", partial(failing, OSError(30, "Read-only file system")))
    assert main([*command, str(tmp_path / "{seed}")]) == 1
    assert "Read-only file system. Choose another with --to" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def failing(fault, *arguments):
    raise fault


@pytest.mark.parametrize("name", ["", ".", "there"])
def test_a_certificate_has_the_name_of_a_file(name, tmp_path, capsys, monkeypatch):
    folder = train(tmp_path / "plane-0", RUN.replace(steps=1, batch=2, warmup=0), every=1).path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert main(["certify", str(folder), "--to", name]) == 1
    assert "is a folder. Name a file in it" in capsys.readouterr().err


def test_a_model_that_met_nan_is_neither_judged_nor_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    assert main(["train", "rule", "lucky7", "--steps", "20", "--learning-rate", "1e30", "--to", "div"]) == 1
    assert "The run stopped at step 1" in capsys.readouterr().err
    for verb in ("evaluate", "certify", "figures", "animate"):
        assert main([verb, "div"]) == 1
        said = capsys.readouterr()
        assert said.err.startswith("transformer-lab: div never learned, and has no answers. The run stopped at step 1")
    assert [path.name for path in tmp_path.iterdir()] == ["div"]


@pytest.mark.parametrize(("rows", "words"), [
    ([{"step": 6, "held_out_loss": 1.0}], "metric: got 'loss'"), ([], "metric: got 'loss'"),
    ([{"step": 6, "loss": np.ones(3)}], "says loss of 3 models at step 6, and 2 were trained")])
def test_a_record_that_lacks_what_is_drawn_is_a_sentence(rows, words, folder, tmp_path, capsys):
    record = read_record(folder)
    path = write_record(tmp_path / "odd-0", config=record.config, history=History(rows), state=record.weights, step=6)
    assert main(["figures", str(path), "--figure", "2"]) == 1
    assert words in capsys.readouterr().err


def test_planes_are_left_out_where_there_are_more_dimensions(tmp_path, capsys, monkeypatch):
    path = train(tmp_path / "back", recipe("step_back", "plain").replace(steps=2, batch=4, warmup=0)).path
    assert main(["figures", str(path), "--figure", "5", "6"]) == 1
    assert "d_model=4" in capsys.readouterr().err
    few = {number: drawings.DRAWINGS[number] for number in (5, 6, 13)}
    monkeypatch.setattr(drawings, "DRAWINGS", few)
    assert main(["figures", str(path)]) == 0
    assert "1 left out: Figure 6 (embedding-points) draws the plane" in capsys.readouterr().out
    assert main(["animate", str(path)]) == 1 and "draws the plane" in capsys.readouterr().err


def test_films_have_their_frames_and_ffmpeg_is_given_them_all(folder, tmp_path, capsys, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert main(["animate", str(folder), "--frames", "3", "--film", "3", "--to", str(tmp_path / "films")]) == 0
    assert "1 films of 3 pictures" in capsys.readouterr().out
    with Image.open(tmp_path / "films" / "03-queries-and-keys.gif") as film:
        assert film.n_frames == 3 and film.size == Image.open(io.BytesIO(
            (tmp_path / "films" / "03-queries-and-keys.mp4").read_bytes())).size
    assert (tmp_path / "films" / "03-queries-and-keys.mp4").read_bytes().count(b"\x89PNG") == 3
    fake.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    assert main(["animate", str(folder), "--frames", "2", "--film", "3"]) == 1
    assert "no such codec" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "part"), [(1, "x"), (2, "q"), (3, "k"), (5, "x")])
def test_the_axes_of_a_film_stand_still_and_hold_everything(number, part, monkeypatch):
    seen = Drawn()
    monkeypatch.setattr(films, "plane", seen.of("plane"))
    late = {name: 2 * value for name, value in PARAMS.items()}
    found = [view_of(RUN, params, METRICS) for params in (PARAMS, late)]
    frame = films.FILMS[number][1](found)
    frame(found[0], 0)
    first = [call[2] for call in seen.calls]
    seen.calls.clear()
    frame(found[1], 10)
    for before, (_, _, after) in zip(first, seen.calls, strict=True):
        for name in ("x_range", "y_range"):
            assert before.get(name) == after.get(name)
    spots = np.concatenate([everywhere(view, part) for view in found])
    if number == 5:
        (x, y, _), = seen.calls[0][2]["regions"].values()
    else:
        x, y = (seen.calls["xqkv".index(part) if number == 2 else 0][2][name] for name in ("x_range", "y_range"))
    assert min(x) <= spots[:, 0].min() and max(x) >= spots[:, 0].max()
    assert min(y) <= spots[:, 1].min() and max(y) >= spots[:, 1].max()


def test_moments_begin_at_the_first_step_and_end_at_the_last():
    assert moments(5000, 40)[0] == 0 and moments(5000, 40)[-1] == 5000 and len(moments(5000, 40)) == 40
    assert moments(5, 1) == [5] and moments(3, 100) == [0, 1, 2, 3]
