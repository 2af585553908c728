"""Figures of chapter 03: every arm is named, phases are shaded where they are, bounds carry their names."""

import re

import numpy as np
import pytest

from chapters.ch03 import figures as plots
from transformer_lab.errors import LabError
from transformer_lab.plots import Figure

ALT = "A figure drawn for a test, with enough words."
STEPS = np.arange(0, 100, 10)
FALLING = np.linspace(3, 0, 10) + np.zeros((4, 1))
LOOK, WRITE = np.linspace(-6, 6, 13), np.linspace(-4, 8, 13)
SADDLE = {"look": -2.0, "write": 0.0}


def words(figure: Figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", "".join(figure.svgs))


def bands(figure: Figure) -> int:
    return sum(svg.count("opacity:.13") for svg in figure.svgs)


def test_every_panel_names_its_lines_its_bound_and_its_unit():
    figure = plots.courses(STEPS, {"One": {"joint": FALLING, "write first": FALLING / 2}, "Two": {"both": FALLING}},
                           "loss (nats)", ALT, bounds={"Two": (0.5, "floor")})
    found = words(figure)
    assert {"One", "Two", "joint", "write first", "both", "floor"} <= set(found)
    assert found.count("loss (nats)") == 2 and found.count("floor") == 1


def test_names_of_lines_that_end_together_are_kept_apart():
    figure = plots.courses(STEPS, {"One": dict.fromkeys(("joint", "write first", "look first"), FALLING)}, "nats", ALT)
    heights = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>(?:joint|write first|look first)</text>',
                                            figure.svgs[0])]
    assert len(heights) == 3 and np.diff(sorted(heights)).min() > 11


@pytest.mark.parametrize("order, count", [("write first", 2), ("look first", 3)])
def test_the_phases_of_looking_are_shaded(order, count):
    figure = plots.courses(STEPS, {"One": {"both": FALLING}}, "nats", ALT, turns={"One": (order, 20)})
    plain = plots.courses(STEPS, {"One": {"both": FALLING}}, "nats", ALT)
    assert bands(figure) - bands(plain) == count and "look" in words(figure) and "look" not in words(plain)


def test_an_unknown_order_and_a_phase_of_no_length_are_refused():
    for turn in (("both", 20), ("write first", 0)):
        with pytest.raises(LabError):
            plots.courses(STEPS, {"One": {"both": FALLING}}, "nats", ALT, turns={"One": turn})


def test_every_seed_is_a_mark_twice():
    copying = np.linspace(-0.04, 0.04, 15)
    figure = plots.coin_toss(copying, 20 * copying, np.full(15, 0.99))
    assert len(re.findall(r"<use ", figure.svgs[0])) == 30 and "0.99" in figure.alt
    assert {"at the start", "after writing was trained"} <= set(words(figure))


def test_a_surface_names_its_walks_and_its_saddle():
    loss = np.abs(LOOK - 3) + np.abs(WRITE - 4)[:, None]
    path = {"look": np.linspace(0, 9, 5), "write": np.linspace(0, 4, 5)}
    figure = plots.surface(LOOK, WRITE, loss, {"joint": path, "look first": path}, SADDLE)
    assert {"joint", "look first", "saddle"} <= set(words(figure)) and "joint, look first" in figure.alt
    with pytest.raises(LabError, match="name"):
        plots.surface(LOOK, WRITE, loss, {"sideways": path}, SADDLE)


def test_a_basin_map_says_how_much_of_it_is_saved():
    ends = np.where(LOOK > 0, 0.0, 3.1) + np.zeros((13, 1))
    figure = plots.basins(LOOK, WRITE, {"joint": ends, "write first": 0 * ends}, SADDLE)
    assert len(figure.svgs) == 2 and "joint 46%" in figure.alt and "write first 100%" in figure.alt
    assert words(figure).count("copies") == 2 and words(figure).count("rules out") == 1
