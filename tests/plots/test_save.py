"""A figure as a file: what is drawn is in it, in the light colours, whole or not at all, and the same each time."""

import re
import zlib
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from transformer_lab import LabError
from transformer_lab.plots import bars, cells, curves, dots, lines, plane
from transformer_lab.plots.save import KINDS, placed
from transformer_lab.theme import color

VALUES = np.array([[0.9, -0.9, 0.0], [0.0, 0.45, -0.45]])


def figure():
    return cells(VALUES, unit="score", limit=0.9, written=None) + lines({"rising": [1, 2, 3]}, [0, 1, 2],
                                                                       y_label="loss", bounds={"the floor": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_the_same_each_time_and_also_when_saved_twice(kind, tmp_path):
    one, other = figure(), figure()
    for name, drawn in (("a", one), ("b", one), ("c", other)):
        drawn.save(tmp_path / f"{name}.{kind}")
    assert len({(tmp_path / f"{name}.{kind}").read_bytes() for name in "abc"}) == 1
    assert len(list(tmp_path.iterdir())) == 3, "nothing half written is left"


def test_an_svg_holds_the_words_and_no_variable_of_the_page(tmp_path):
    figure().save(tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text("utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg") and "var(" not in text
    assert all(f">{word}<" in text for word in ("rising", "loss", "the floor", "score"))


def test_a_pdf_holds_vectors(tmp_path):
    figure().save(tmp_path / "x.pdf")
    content = (tmp_path / "x.pdf").read_bytes()
    found = re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", content, re.S)
    streams = [zlib.decompressobj().decompress(part) for part in found]
    assert content.startswith(b"%PDF-") and any(part.count(b" re") + part.count(b" l") > 20 for part in streams)
    assert b"/Subtype /Image" not in content


def test_the_cells_of_a_matrix_stand_in_a_picture_where_they_stand_in_the_matrix(tmp_path):
    """Look at the picture: a cell's colour lies between the page and its hue, the further the larger the entry."""
    cells(VALUES, limit=0.9, written=None).save(tmp_path / "x.png")
    picture = matplotlib.image.imread(tmp_path / "x.png")[:, :1020, :3]  # without its bar of colours
    page, ends = rgb("page"), {1: rgb("positive"), -1: rgb("negative")}
    full = [np.argwhere(np.abs(picture - end).max(-1) < 0.02) for end in ends.values()]
    top, left = full[0].min(0)
    down, across = full[0].max(0) - (top, left) + 1
    assert full[1].min(0)[1] == pytest.approx(left + across, abs=3), "the second cell of the first row is beside it"
    for (row, column), value in np.ndenumerate(VALUES):
        seen = picture[int(top + (row + 0.2) * down), int(left + (column + 0.25) * across)]
        want = page + abs(value) / 0.9 * (ends[1 if value > 0 else -1] - page)
        np.testing.assert_allclose(seen, want, atol=0.05)


def rgb(name: str) -> np.ndarray:
    return np.array([int(color(name)[i:i + 2], 16) for i in (1, 3, 5)]) / 255


def test_panels_stand_side_by_side_as_on_the_page_and_never_overlap():
    places, width, height = placed([(288, 200)] * 4, 868)
    assert places == [(0, 0), (302, 0), (0, 214), (302, 214)] and (width, height) == (590, 414)


@pytest.mark.parametrize(("name", "sentence"), [
    ("x.jpg", "allowed is a name that ends in .svg, .pdf or .png"), ("x", "Pass 'x.svg'"), ("no/x.svg", "cannot be")])
def test_another_ending_or_a_folder_that_is_not_there_is_refused_with_a_sentence(name, sentence, tmp_path):
    with pytest.raises(LabError, match=sentence):
        figure().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "x.svg").write_text("old")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("transformer_lab.places.os.replace", full)
    with pytest.raises(LabError, match="No space left"):
        figure().save(tmp_path / "x.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg"] and (tmp_path / "x.svg").read_text() == "old"


def test_a_place_where_there_can_be_no_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LabError, match=r"below\.svg cannot be written: Not a directory"):
        figure().save(tmp_path / "file" / "below.svg")


def test_a_saved_figure_still_shows_itself_as_before(tmp_path):
    drawn = figure()
    before = drawn._repr_html_()
    drawn.save(tmp_path / "x.png")
    assert drawn._repr_html_() == before


@pytest.mark.parametrize("draw", [
    lambda n: curves({"a": n.reshape(2, 3)}, n[:3], bounds={"top": 3}, x_range=(0, 5)), lambda n: lines({"a": n}, n),
    lambda n: dots({"a": n}, bounds={"mean": 2}, x_range=(0, 9)), lambda n: bars(n[1:], ["a", "b", "c", "d", "e"]),
    lambda n: plane({"a": n.reshape(3, 2)}, x_range=(0, 5), y_range=(0, 5)), lambda n: cells(n.reshape(2, 3))])
def test_whole_numbers_are_numbers_and_draw_the_same(draw):
    assert draw(np.arange(6))._repr_html_() == draw(np.arange(6.0))._repr_html_()
