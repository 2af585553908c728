"""Figures: the same bytes each time, the page's colours, words for those who do not see them, and no leak."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from transformer_lab import LabError, generator
from transformer_lab.plots import Figure
from transformer_lab.plots.cells import color_bar, heatmap
from transformer_lab.plots.figure import laid_out
from transformer_lab.plots.style import bounded, empty, label, name_line
from transformer_lab.plots.svg import inline, shortened_path
from transformer_lab.theme import color

ALT = "A figure drawn for a test."


def matrix(rows=46, columns=46):
    return generator(0, "matrix").normal(size=(rows, columns))


def drawn_matrix():
    drawing, axes = empty(330, 300)
    values = matrix()
    values[19] += 6 * np.cos(np.arange(46))
    limit = heatmap(axes, values)
    color_bar(drawing, axes, limit, "weight")
    label(axes, "Where to look", "key", "query")
    return drawing


def drawn_lines():
    drawing, axes = empty()
    runs = generator(0, "runs").random((20, 60)).cumsum(axis=1) / 40
    axes.plot(np.arange(60), runs.T, color=color("value"), alpha=0.3)
    bounded(axes, {"ceiling": 0.3})
    name_line(axes, 3, 0.1, "start")
    return drawing


def test_drawing_twice_gives_the_same_bytes():
    first, second = (Figure([drawn_matrix(), drawn_lines()], ALT)._repr_html_() for _ in range(2))
    assert first == second


def test_the_result_is_one_well_formed_figure_with_a_role_and_words():
    tree = ElementTree.fromstring(Figure(drawn_lines(), 'Lines & a "quote" <rise>.')._repr_html_())
    assert tree.tag == "figure" and tree.get("class") == "lab-fig" and tree.get("role") == "img"
    assert tree.get("aria-label") == 'Lines & a "quote" <rise>.'
    assert [svg.get("aria-hidden") for svg in tree.iter("svg")] == ["true"]


def test_every_colour_is_a_variable_of_the_theme():
    page = Figure([drawn_matrix(), drawn_lines()], ALT)._repr_html_()
    bare = re.sub(r"var\(--lab-[\w-]+,\s?#[0-9a-f]{6}\)", "", page)
    assert "var(--lab-positive,#a8123e)" in page and "var(--lab-value,#2b8f7c)" in page
    assert not re.search(r"#[0-9a-f]{3,8}\b(?!\")", re.sub(r'(href="#|url\(#)\w+', "", bare))


def test_a_colour_outside_the_theme_is_refused():
    drawing, axes = empty()
    axes.plot([0, 1], color="#123456")
    with pytest.raises(LabError, match="#123456"):
        Figure(drawing, ALT)


def test_nothing_leaks_to_the_page():
    page = Figure([drawn_matrix(), drawn_lines()], ALT)._repr_html_()
    assert "<style" not in page and "<metadata" not in page and "DejaVu" not in page and "<?xml" not in page


def test_an_address_given_to_a_drawing_is_dropped_and_what_stands_there_is_drawn():
    drawing, axes = empty(200, 100)
    line, = axes.plot([0, 1], [0, 1], color=color("ink"))
    line.set_url('javascript:alert(1)"><script>')
    svg, = Figure(drawing, "A line that leads nowhere.").svgs
    assert "script" not in svg and "<a" not in svg and "M" in svg


def test_ids_are_used_and_differ_between_figures():
    def ids(drawing):
        page = Figure(drawing, ALT)._repr_html_()
        names, used = re.findall(r' id="([^"]+)"', page), re.findall(r'(?:href="#|url\(#)([^")]+)', page)
        assert set(names) == set(used) and len(names) == len(set(names))
        return set(names)

    def dots(shift):
        drawing, axes = empty()
        axes.plot([0, 1, 2], [0, 1, shift], "o-", color=color("query"))
        return drawing

    first, second = ids(dots(0)), ids(dots(1))
    assert first and second and not first & second


def test_figures_stay_small():
    assert len(Figure(drawn_matrix(), ALT)._repr_html_()) < 28_000
    assert len(Figure(drawn_lines(), ALT)._repr_html_()) < 22_000


def test_cells_stand_where_the_matrix_has_them():
    """Read the drawn strokes back, and compare them with the matrix."""
    values = np.array([[1.0, 1.0, 0.0], [0.0, -1.0, 0.5]])
    drawing, axes = empty()
    heatmap(axes, values, limit=1, signs=False)
    seen = np.zeros_like(values)
    for path in re.findall(r'<path transform="translate[^>]*>', inline_of(drawing)):
        shade = float(re.search(r"opacity:([\d.]+)", path)[1]) * (1 if "positive" in path else -1)
        x = y = 0.0
        for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", re.search(r' d="([^"]*)"', path)[1]):
            step = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
            if command == "h":
                seen[int(y), round(x):round(x + step[0])] = shade
            x, y = (step[0], step[1]) if command == "M" else (x + step[0], y + (step[1] if command == "m" else 0))
    np.testing.assert_allclose(seen, values)


def inline_of(drawing):
    return Figure(drawing, ALT).svgs[0]


def test_negative_cells_have_a_sign_that_needs_no_colour():
    drawing, axes = empty()
    heatmap(axes, np.array([[1.0, -1.0]]))
    with_signs = inline_of(drawing)
    drawing, axes = empty()
    heatmap(axes, np.array([[1.0, -1.0]]), signs=False)
    assert "--lab-page" in with_signs and "--lab-page" not in inline_of(drawing)


def test_a_smooth_path_is_written_by_the_points_that_it_needs_and_passes_all_others():
    turn = np.linspace(0, 1.9 * np.pi, 2000)
    points = np.stack([150 + 140 * np.cos(turn), 100 + 60 * np.sin(3 * turn)], axis=1)
    kept = points_of(written(points))
    assert len(kept) < len(points) / 5
    pieces, along = np.diff(kept, axis=0), points[:, None] - kept[:-1]
    share = np.clip((along * pieces).sum(-1) / (pieces * pieces).sum(-1), 0, 1)
    assert np.linalg.norm(along - share[..., None] * pieces, axis=-1).min(1).max() < 0.18  # a tenth, and the grid's own


def test_a_path_keeps_the_corners_of_steps_and_the_tip_of_a_needle():
    steps = np.array([[0, 0], [5, 0], [10, 0], [10, 4], [20, 4], [20, 30], [20, 4], [40, 4.]])
    np.testing.assert_array_equal(points_of(written(steps)), np.delete(steps, 1, axis=0))


def test_a_path_keeps_its_points_to_a_twentieth_of_a_pixel():
    points = generator(0, "path").random((200, 2)) * 300
    np.testing.assert_allclose(points_of(written(points)), points, atol=0.0501)


def written(points):
    return shortened_path(" ".join(f"{'L' if i else 'M'} {x:.6f} {y:.6f}" for i, (x, y) in enumerate(points)))


def points_of(short):
    steps, here = [], np.zeros(2)
    for command, numbers in re.findall(r"([Mlhv])([^Mlhv]*)", short):
        values = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        if command in "hv":
            values = [values[0], 0] if command == "h" else [0, values[0]]
        for pair in np.reshape(values, (-1, 2)):
            here = here + pair
            steps.append(here)
    return np.array(steps)


@pytest.mark.parametrize("call", [
    lambda: Figure("no drawing", ALT), lambda: Figure([], ALT), lambda: Figure(drawn_lines(), "short"),
    lambda: Figure(drawn_lines(), None), lambda: empty(0), lambda: heatmap(empty()[1], np.zeros(3)),
    lambda: heatmap(empty()[1], np.array([[np.nan]])), lambda: heatmap(empty()[1], np.ones((2, 2)), "sgined"),
    lambda: heatmap(empty()[1], np.ones((2, 2)), limit=0), lambda: Figure(drawn_lines(), ALT, []),
])
def test_bad_input_is_answered_with_the_package_s_own_error(call):
    with pytest.raises(LabError):
        call()


def test_drawing_leaves_matplotlib_s_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    Figure(drawn_lines(), ALT)
    assert dict(matplotlib.rcParams) == before


def test_inline_refuses_nothing_that_matplotlib_draws_in_the_house_style():
    drawing, axes = empty()
    axes.bar([0, 1], [1, 2], color=color("query"))
    axes.axvspan(0, 1, color=color("other"), alpha=0.1)
    axes.fill_between([0, 1], [0, 1], hatch="//", facecolor="none", edgecolor=color("soft"))
    axes.annotate("", (0, 0), (1, 1), arrowprops={"arrowstyle": "->", "color": color("ink")})
    assert inline_of(drawing).startswith("<svg viewBox")
    assert callable(inline)


@pytest.mark.parametrize("said", ["one text", None, ["a", 1]])
def test_what_a_figure_says_is_a_list_of_sentences(said):
    with pytest.raises(LabError, match="said"):
        laid_out([""], lambda title, width: empty(width, 90)[0], said)
    with pytest.raises(LabError, match="width"):
        laid_out([""], lambda title, width: empty(width, 90)[0], ["A panel"], 1)
    assert laid_out([""], lambda title, width: empty(width, 90)[0], ["A panel", "", "No more."]).alt == (
        "A panel. No more.")
