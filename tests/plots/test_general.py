"""The general figures on random data: every datum is drawn, words come from it, arms never wear a role's colour."""

import re

import numpy as np
import pytest
import xarray as xr

from transformer_lab import LabError, generator
from transformer_lab.plots import Figure, bars, cells, curves, dots, fewer, film, lines, plane, strips, svg
from transformer_lab.plots.dots import swarm

RNG = generator(0, "general figures")
STEPS, RUNS = np.arange(0, 50, 5), RNG.random((7, 10))
ARMS = {"SGD": RUNS, "Adam": 1 + RUNS}
AXES = {"x_label": "training step", "y_label": "share right"}
TABLE = RNG.normal(size=(3, 4))
ROLE = re.compile(r"--lab-(query|key|value|residual|mlp)\b")

ALL = {
    "curves": lambda scale=1.0: curves({name: scale * runs for name, runs in ARMS.items()}, STEPS, **AXES,
                                       bounds={"ceiling": 2.0}, shade={"trained": [(0, 10)]}),
    "lines": lambda scale=1.0: lines({name: scale * runs[0] for name, runs in ARMS.items()}, STEPS, **AXES,
                                     margins={name: 0.1 * runs[0] for name, runs in ARMS.items()}),
    "dots": lambda scale=1.0: dots({name: scale * runs[:, -1] for name, runs in ARMS.items()}, x_label="share right"),
    "bars": lambda scale=1.0: bars(scale * RUNS[:, :3], ["Max", "(", "5"], x_label="attention"),
    "cells": lambda scale=1.0: cells(scale * TABLE, rows=list("abc"), columns=list("defg"), unit="weight"),
    "film": lambda scale=1.0: film({"step 0": scale * TABLE, "step 9": TABLE}, unit="weight"),
    "strips": lambda scale=1.0: strips({"p": scale * TABLE[0]}, "abcd"),
    "plane": lambda scale=1.0: plane({"SGD": scale * RNG.random((5, 2)), "Adam": np.eye(2)}, x_label="to the row",
                                     y_label="left"),
}


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def marks(figure: Figure) -> int:
    return len(re.findall(r"<use ", "".join(figure.svgs)))


@pytest.mark.parametrize("name", ALL)
def test_the_alternative_text_is_made_from_the_data(name):
    assert ALL[name]().alt != ALL[name](scale=3.0).alt and len(ALL[name]().alt.split()) >= 8


@pytest.mark.parametrize("name", ALL)
def test_every_colour_follows_the_theme_and_none_is_a_roles(name):
    page = ALL[name]()._repr_html_()
    bare = re.sub(r"var\(--lab-[\w-]+,\s?#[0-9a-f]{6}\)", "", page)
    assert not re.search(r"#[0-9a-f]{3,8}\b(?!\")", re.sub(r'(href="#|url\(#)\w+', "", bare))
    assert not ROLE.search(page)


@pytest.mark.parametrize("name", ALL)
def test_type_is_never_below_eleven_pixels(name):
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", ALL[name]()._repr_html_())]
    assert sizes and min(sizes) >= 11


@pytest.mark.parametrize("name", sorted(set(ALL) - {"plane"}))
def test_the_same_data_give_the_same_bytes(name):
    assert ALL[name]()._repr_html_() == ALL[name]()._repr_html_()


def test_a_role_has_its_colour_and_an_arm_may_have_the_accent_only():
    assert "--lab-query" in curves({"query": RUNS, "SGD": RUNS}, STEPS, **AXES).svgs[0]
    accented = curves(ARMS, STEPS, **AXES, accent="Adam")
    assert "--lab-link" in accented.svgs[0] and not ROLE.search(accented.svgs[0])
    with pytest.raises(LabError, match="accent"):
        curves(ARMS, STEPS, **AXES, accent="query")


def test_every_run_is_a_piece_of_a_thin_line_and_every_line_has_its_name():
    figure = curves({"SGD": RUNS}, STEPS, **AXES)
    thin = re.search(r'd="([^"]+)"[^>]*stroke-width:.7', figure.svgs[0])[1]
    assert len(re.findall("[Mm]", thin)) == len(RUNS)
    assert {"SGD", "Adam", "training step", "share right", "ceiling", "trained"} <= set(words(ALL["curves"]()))


def test_what_was_not_measured_is_left_out():
    half = np.where(STEPS < 20, RUNS, np.nan)
    assert "values" in curves({"SGD": half}, STEPS, **AXES).alt


@pytest.mark.parametrize("count", [1, 4, 20])
def test_every_value_is_a_dot_even_where_all_coincide(count):
    assert marks(dots({"SGD": np.ones(count), "Adam": RNG.random(count)}, x_label="share")) == 2 * count
    assert ("×20" in words(dots({"SGD": np.ones(20)}, x_label="share", x_range=(0, 1))))


def test_swarmed_dots_do_not_cover_each_other():
    across = np.round(RNG.random(60) * 40)
    up = swarm(across, 5.0)
    far = np.maximum(np.abs(np.subtract.outer(across, across)) / 5, np.abs(np.subtract.outer(up, up)))
    assert far[~np.eye(60, dtype=bool)].min() >= 1


def test_series_of_a_row_have_marks_of_their_own_and_a_key():
    figure = dots({"": {"W_Q": {"complex step": 1e-15, "autograd": 1e-14}}}, log=True, x_label="error",
                  bounds={"allowed": 1e-10})
    assert marks(figure) == 2 and {"complex step", "autograd", "W_Q", "allowed"} <= set(words(figure))


def test_what_chance_gives_stands_above_the_dots():
    figure = dots({"trained": np.full(6, -0.8)}, null={"every order": ([-1, 0, 1], [3, 5])}, x_label="r")
    assert marks(figure) == 6 and "every order" in words(figure)


def test_every_bar_has_its_number_and_every_run_a_tick():
    assert {"0.37", "1.00", "Max"} <= set(words(bars([0.374, 1.0], ["Max", "("], x_label="share")))
    assert marks(ALL["bars"]()) == 21


def test_every_number_of_a_small_table_is_written_and_a_gap_is_a_dash():
    table = np.where(np.eye(3, 4, dtype=bool), np.nan, TABLE)
    figure = cells(table, rows=list("abc"), columns=list("defg"), strong=["d"])
    written = [f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−") for value in table[~np.isnan(table)]]
    assert set(written) <= set(words(figure)) and words(figure).count("–") == 3 and "font-weight:700" in figure.svgs[0]


def test_strips_write_their_numbers_and_names():
    written = words(strips({"": [0.25, -0.5, 0.001]}, "ABC", wrap=2))
    assert set(written) == {"0.25", "A", "−0.50", "B", "0", "C"}


def test_panels_share_a_scale_and_each_has_its_bar_with_the_unit():
    figure = film({"small": 0.01 * TABLE, "large": TABLE}, unit="weight")
    assert words(figure).count("weight") == 2
    assert figure.svgs[0] != film({"small": 0.01 * TABLE}, unit="weight").svgs[0]


def test_dots_that_coincide_in_the_plane_are_all_seen():
    figure = plane(np.zeros((12, 2)), x_label="x", y_label="y")
    places = re.findall(r'<use [^>]*x="([\d.]+)"[^>]*y="([\d.]+)"', figure.svgs[0])
    assert len(set(places)) == 12


def test_moves_are_arrows_from_point_to_point_and_hold_the_axes_open():
    moves = {"feed-forward": [[[0, 0], [4, 1]], [[1, 1], [-3, 9]]]}
    figure = plane({"residual stream": [[0, 0], [1, 1]]}, moves=moves, x_label="x", y_label="y")
    assert "feed-forward: 2 arrows, which end, across from −3 to 4, upwards from 1 to 9" in figure.alt
    drawn, = figure.panels
    (low, high), (bottom, top) = drawn.axes[0].get_xlim(), drawn.axes[0].get_ylim()
    assert low < -3 and high > 4 and bottom < 0 and top > 9
    with pytest.raises(LabError, match="moves"):
        plane(moves=[[0, 0], [1, 1]])


def test_dots_that_coincide_share_one_line_of_names():
    figure = plane({"odd": [[0, 0], [1e-4, 0], [1, 1]]}, names={"odd": "135"}, x_label="x", y_label="y")
    assert ">1 3<" in figure.svgs[0] and ">5<" in figure.svgs[0]


def test_walks_heights_and_marks_stand_in_the_plane():
    height = np.add.outer(np.arange(4.0) ** 2, np.arange(5.0) ** 2)
    figure = plane(paths={"joint": [[0, 0], [1, 1], [2, 2]]}, heights={"": (np.arange(5), np.arange(4), height)},
                   levels=[1, 4], marks={"saddle": (1, 1)}, x_label="look", y_label="write")
    assert {"joint", "saddle"} <= set(words(figure))
    assert "3 steps of a walk" in figure.alt and "0 to 25" in figure.alt


def test_labelled_data_bring_their_words_units_and_names():
    data = xr.DataArray(RNG.random((2, 3, 7, 10)), dims=("optimizer", "rate", "seed", "step"), name="share",
                        coords={"optimizer": ["SGD", "Adam"], "rate": [0.1, 1, 10], "step": STEPS})
    data.attrs = {"long_name": "accuracy", "units": "%"}
    data["step"].attrs["long_name"] = "training step"
    figure = curves(data, "step", panel="rate", line="optimizer")
    assert len(figure.svgs) == 3 and {"SGD", "Adam", "accuracy (%)", "training step", "10.0"} <= set(words(figure))
    assert "7 runs" in figure.alt
    assert curves(data.transpose("step", ...), "step", panel="rate", line="optimizer").svgs == figure.svgs
    shown = cells(data.isel(rate=0, step=0).rename("loss"))
    assert {"SGD", "Adam", "optimizer", "seed"} <= set(words(shown))
    assert len(dots(data.isel(rate=0, step=-1), row="optimizer").alt.split("7 dots")) == 3


@pytest.mark.parametrize("panels, width", [(1, 560), (2, 288), (3, 280), (5, 280)])
def test_panels_have_the_width_of_their_place_and_a_second_drawing_for_phones(panels, width):
    figure = curves({f"panel {i}": {"SGD": RUNS} for i in range(panels)}, STEPS, **AXES)
    assert all(svg.startswith(f'<svg viewBox="0 0 {width} ') for svg in figure.svgs)
    narrow = re.findall(r'<svg viewBox="0 0 340 ', figure._repr_html_())
    assert len(narrow) == (panels if width > 340 else 0)


def test_figures_add_up():
    both = ALL["cells"]() + ALL["bars"]()
    assert len(both.svgs) == 2 and ALL["cells"]().alt in both.alt and ALL["bars"]().alt in both.alt


@pytest.mark.browser
def test_one_of_both_drawings_is_seen_and_none_is_shrunk(chromium):
    for width in (390, 1280):
        page = chromium.new_page(viewport={"width": width, "height": 800})
        page.set_content(f"<body style='margin:10px'>{ALL['curves']()._repr_html_()}</body>")
        seen = page.evaluate("[...document.querySelectorAll('svg')].map(svg => [svg.getBoundingClientRect().width,"
                             "svg.viewBox.baseVal.width]).filter(([width]) => width > 0)")
        assert len(seen) == 1 and seen[0][0] == seen[0][1]
        page.close()


@pytest.mark.parametrize("call", [
    lambda: curves({}, STEPS), lambda: curves({"a": {}}, STEPS), lambda: curves({"a": RUNS[:, :2]}, STEPS),
    lambda: curves(ARMS, STEPS, log="z"), lambda: curves(ARMS, STEPS, y_range=3), lambda: curves(ARMS, "step"),
    lambda: curves(ARMS, STEPS, bounds={"ceiling": "high"}), lambda: curves(ARMS, STEPS, x_label=3),
    lambda: lines({"a": RUNS[0]}, STEPS, margins={"a": RUNS[0, :3]}), lambda: dots({"a": [[1.0]]}),
    lambda: dots({"a": ["x"]}), lambda: dots({"a": [1.0]}, null={"b": [1]}), lambda: bars([1.0], ["a", "b"]),
    lambda: strips({"a": np.ones(3)}, "ABC", wrap=0), lambda: strips({"a": np.ones((2, 2))}, "AB"),
    lambda: curves(ARMS, STEPS, x_range=(2, 2)), lambda: plane(heights={"": ([1], [1], [[1.0]])}),
    lambda: cells(np.zeros(3)), lambda: cells(TABLE, rows=["a"]), lambda: cells(TABLE, kind="sgined"),
    lambda: cells(TABLE, limit=0), lambda: film([]), lambda: strips({"a": np.ones(3)}, "AB"), lambda: plane(),
    lambda: plane(np.zeros((3, 3))), lambda: plane(heights={"": (1, 2)}),
    lambda: plane(np.zeros((2, 2)), marks={"a": 1}), lambda: curves(ARMS, STEPS, y_label={"": 3}),
    lambda: lines({"a": RUNS[0]}, STEPS, margins={"a": -RUNS[0]}),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()


@pytest.mark.parametrize(("draw", "words"), [
    (lambda: curves(ARMS, STEPS, **AXES, margins={"SDG": STEPS}), "a name in margins: got 'SDG'"),
    (lambda: curves(ARMS, STEPS, **AXES, laws={"theory": STEPS}), "a name in laws: got 'theory'"),
    (lambda: curves({"one": ARMS}, STEPS, y_label={"two": "loss"}), "a title in y_label: got 'two'"),
    (lambda: curves({"one": ARMS}, STEPS, **AXES, bounds={"two": {"chance": 0.1}}), "a title in bounds: got 'two'"),
    (lambda: curves({"one": ARMS}, STEPS, **AXES, shade={"two": {"rest": [[0, 1]]}}), "a title in shade: got 'two'"),
    (lambda: plane({"one": {"odd": [[0, 0]]}}, names={"two": {"odd": "1"}}), "a title in names: got 'two'"),
])
def test_what_is_given_for_something_that_is_not_drawn_is_refused(draw, words):
    with pytest.raises(LabError, match=re.escape(words)):
        draw()


def test_a_crowd_of_marks_is_a_few_paths_each_mark_where_it_stood(monkeypatch):
    data, each = {"odd": RNG.random((200, 2))}, re.compile(r'<use x="([\d.]+)" y="([\d.]+)"')
    paths = re.findall(r'd="(M[^"]*h0)" style="stroke:[^"]*stroke-linecap:round', plane(data).svgs[0])
    monkeypatch.setattr(fewer, "CROWD", 1000)
    marks = np.array(each.findall(plane(data).svgs[0]), float)
    assert len(paths) == fewer.LAYERS and len(marks) == 200
    for layer, path in enumerate(paths):
        moves = [re.findall(r"-?(?:\d+\.?\d*|\.\d+)", move) for move in re.split("h0", path)[:-1]]
        np.testing.assert_allclose(np.cumsum(np.array(moves, float), axis=0), marks[layer::fewer.LAYERS], atol=0.11)


def test_a_crowd_in_many_rows_is_a_few_paths_a_row_and_none_of_its_marks_is_lost():
    rows = {f"seed {i}": np.linspace(0, 1, 20) for i in range(20)}
    drawn, few = dots(rows).svgs[0], dots({"seed 0": rows["seed 0"], "seed 1": rows["seed 1"][:2]}).svgs[0]
    assert few.count("<use") == 22, "so few marks are no crowd"
    assert drawn.count("<use") == 0 and drawn.count("h0") == 400
    assert drawn.count("stroke-linecap:round") == 20 * 3, "seven marks a path"


def test_bars_that_do_not_meet_are_one_path_and_those_that_do_are_not():
    def drawn(*boxes):
        paths = "".join(f'<g id="p"><path d="M {x} 0 L {x + 5} 0 L {x + 5} 9 L {x} 9 z" '
                        f'style="fill: #667085; opacity: 0.5"/></g>' for x in boxes)
        whole = f'<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="9pt">{paths}</svg>'
        return re.findall(r'd="([^"]*)"', svg.inline(whole))

    assert drawn(0, 10, 20) == ["M0 0h5v9h-5zm10 0h5v9h-5zm10 0h5v9h-5z"]
    assert drawn(0, 3) == ["M0 0h5v9h-5z", "M3 0h5v9h-5z"], "where they meet they darken"
