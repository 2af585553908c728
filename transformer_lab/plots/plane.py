"""Points, walks and heights in a plane."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba

from ..checks import check_flag, check_type
from ..errors import EmptyError
from ..theme import color
from .figure import Figure
from .labelled import capital, nested, numbers, pair, per_panel, span, told
from .layout import laid_out
from .style import label, looks, name_line
from .style import panel as empty

__all__ = ["plane"]

CLOSE = 4.5  # px: nearer dots count as coinciding
RINGS = 2    # of dots about one place; more are pressed into them, and counted


def plane(points=None, *, paths=None, heights=None, levels=None, marks: dict | None = None, words: dict | None = None,
          arrows: bool = False, diagonal: str | None = None, accent: str | None = None, x_label: str = "",
          y_label: str = "", x_range=None, y_range=None, square: bool = False, alt: str = "") -> Figure:
    """Points (or vectors from zero), walks and heights over two quantities, a panel for each title.

    Parameters
    ----------
    points : array (n, 2), or dict of arrays by name, or by title and name, optional
        Each kind has its mark; those that coincide are moved into rings, at most two
        dots away; larger piles are counted.
    paths : dict of array (steps, 2), by name, or by title and name, optional
        Walks: an open circle where each starts, a dot where it ends, small dots between.
    heights : dict of (x (n,), y (m,), z (m, n)) by title, optional
        A map of heights, with a line at each of ``levels``; "" for one panel.
    levels : sequence of float, optional
        Rising; without it eight between the ends of z.
    marks, words : dict of (x, y), by name, or by title and name, optional
        Crosses with their names; words alone.
    arrows : bool
        Whether points are vectors, drawn from zero.
    diagonal : str, optional
        The name of a thin dashed line where both quantities are equal.
    accent : str, optional
        The kind or walk that the text is about.
    x_label, y_label : str
        Words with units.
    x_range, y_range : (float, float), optional
    square : bool
        Whether a step is equally long in both directions.
    alt : str
        A sentence in front of the alternative text, which tells what is drawn.

    Examples
    --------
    >>> plane([[0.0, 1.0], [0.5, 0.5]], x_label="to the operation", y_label="to the digit").alt
    'To the operation across, to the digit upwards. 2 dots, across from 0 to 0.5, upwards from 0.5 to 1.'
    """
    shown = {kind: {} if given is None else {
        title: {name: numbers(name or kind, part, ("n", 2)) for name, part in named.items()}
        for title, named in nested(kind, given).items()} for kind, given in (("points", points), ("paths", paths))}
    maps = {title: _map(*_three(title, found))
            for title, found in check_type("heights", {} if heights is None else heights, dict).items()}
    titles = list(dict.fromkeys([*shown["points"], *shown["paths"], *maps]))
    if not titles:
        raise EmptyError("points", "nothing", "points, paths or heights", "Pass at least one.")
    check_type("x_label", x_label, str), check_type("y_label", y_label, str)
    check_flag("square", square), check_flag("arrows", arrows)
    diagonal = None if diagonal is None else check_type("diagonal", diagonal, str)
    names = list(dict.fromkeys(name for kind in shown.values() for named in kind.values() for name in named))
    styles, steps = looks(names, accent), None if levels is None else numbers("levels", levels, ("levels",))
    spots = [{title: {name: pair(name, spot) for name, spot in per_panel(argument, given, title).items()}
              for title in titles} for argument, given in (("marks", marks), ("words", words))]
    ends = [pair(argument, given) if given is not None else _ends(shown, maps, spots, axis, diagonal, arrows)
            for axis, (argument, given) in enumerate((("x_range", x_range), ("y_range", y_range)))]

    def drawer(title):
        def draw(width):
            tall = min(380, width - 40) if not square else 70 + (width - 90) * np.ptp(ends[1]) / np.ptp(ends[0])
            drawing, axes = empty(width, float(np.clip(tall, 170, 520)))
            axes.set(xlim=ends[0], ylim=ends[1], aspect="equal" if square else "auto")
            if title in maps:
                _heights(axes, *maps[title], steps)
            if diagonal is not None:
                _diagonal(axes, diagonal, ends)
            pixels = (np.array([width - 90, tall - 70]) / [np.ptp(end) for end in ends])
            for name, part in shown["points"].get(title, {}).items():
                _points(axes, name, part, styles[name], arrows, pixels, len(shown["points"][title]) > 1)
            for name, part in shown["paths"].get(title, {}).items():
                _path(axes, name, part, styles[name])
            for name, spot in spots[0][title].items():
                axes.plot(*spot, "x", color=color("ink"), markersize=9, markeredgewidth=2)
                name_line(axes, *spot, name, xytext=(8, -11))
            for name, spot in spots[1][title].items():
                name_line(axes, *spot, name, xytext=(0, 0), ha="center")
            label(axes, title, x_label, y_label)
            return drawing
        return draw

    said = [alt, f"{capital(x_label) or 'X'} across, {y_label or 'y'} upwards"]
    for title in titles:
        here = {kind: part.get(title, {}) for kind, part in shown.items()}
        said += _told(title, here, maps.get(title), spots, arrows)
    said.append(f"A dashed diagonal: {diagonal}" if diagonal else "")
    return laid_out([drawer(title) for title in titles], told(*said))


def _three(title: str, found):
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise EmptyError(f"heights[{title!r}]", f"{found!r}"[:60], "(x, y, z)", "Pass both axes and the heights.")
    return found


def _map(x, y, z):
    x, y = numbers("x", x, ("n",)), numbers("y", y, ("m",))
    return x, y, numbers("heights", z, (len(y), len(x)))


def _heights(axes, x, y, z, levels) -> None:
    """Shades between the levels, the higher the darker, and a thin line with its number at each."""
    levels = np.linspace(z.min(), z.max(), 9)[1:-1] if levels is None else levels
    edges = [min(z.min(), levels[0]) - 1e-9, *levels, max(z.max(), levels[-1]) + 1e-9]
    edges = np.unique(edges)
    shades = [to_rgba(color("amount"), round(0.5 * k / (len(edges) - 1), 3)) for k in range(len(edges) - 1)]
    axes.contourf(x, y, z, edges, colors=shades)
    if len(levels) > 1:
        drawn = axes.contour(x, y, z, levels, colors=color("soft"), linewidths=0.6)
        axes.clabel(drawn, fmt="%g", fontsize=11, colors=color("ink"))


def _diagonal(axes, name: str, ends) -> None:
    low, high = max(ends[0][0], ends[1][0]), min(ends[0][1], ends[1][1])
    axes.plot([low, high], [low, high], color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
    place = low + 0.62 * (high - low)
    name_line(axes, place, place, name, xytext=(8, -8))


def apart(points: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The points, those that coincide moved into rings of six, twelve, ... about the first; piles too large to show.

    No point moves by more than ``RINGS`` dots. A pile that needs more rings is pressed together, and returned as
    (index of its first point, number of points), so that its number can be written.
    """
    piles: dict[tuple, list[int]] = {}
    for i, place in enumerate(np.round(points * pixels / CLOSE).tolist()):
        piles.setdefault(tuple(place), []).append(i)
    moved, crowds = points.copy(), []
    for members in piles.values():
        turns = np.arange(1, len(members))
        rings = np.ceil((np.sqrt(12 * turns + 9) - 3) / 6)
        angles = 2 * np.pi * (turns - 3 * rings * (rings - 1)) / (6 * rings)
        pressed = min(1.0, RINGS / max(1.0, rings.max(initial=0)))
        far = CLOSE * pressed * rings
        around = np.stack([far * np.cos(angles), far * np.sin(angles)], axis=-1)
        moved[members[1:]] = points[members[0]] + around / pixels
        crowds += [(members[0], len(members))] if pressed < 1 else []
    return moved, crowds


def _points(axes, name, part, style, arrows: bool, pixels, several: bool) -> None:
    hue, dash, mark = style
    if arrows:
        for x, y in part:
            axes.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": color(hue), "linewidth": 1.8,
                                                          "shrinkA": 0, "shrinkB": 0, "linestyle": dash})
        place = part[-1]
    else:
        place = part[part[:, 0].argmax()]
        moved, crowds = apart(part, pixels)
        for first, _ in crowds:
            near = [other for other, _ in crowds if np.abs((part[other] - part[first]) * pixels).max() < 30]
            if first == near[0]:  # piles side by side are counted together
                total = sum(number for other, number in crowds if other in near)
                name_line(axes, *part[first], f"×{total}", xytext=(0, -20), ha="center")
        axes.plot(*moved.T, mark if several else "o", color=color(hue), markersize=4.5, alpha=0.6,
                  markeredgewidth=0, clip_on=False)
    if name:
        name_line(axes, *place, name, xytext=(0, -13), ha="right" if not arrows else "left")


def _path(axes, name, part, style) -> None:
    hue, dash, _ = style
    axes.plot(*part.T, color=color(hue), linestyle=dash, linewidth=1.6)
    if len(part) <= 60:
        axes.plot(*part.T, "o", color=color(hue), markersize=3, markeredgewidth=0)
    axes.plot(*part[0], "o", color=color("ink"), markerfacecolor=color("page"), markersize=7)
    inside = part[_within(part, axes)]
    end = inside[-1] if len(inside) else part[0]
    axes.plot(*end, "o", color=color(hue), markersize=6.5)
    far = end[0] > sum(axes.get_xlim()) / 2
    if name:
        name_line(axes, *end, name, xytext=(-9, -12) if far else (9, -12), ha="right" if far else "left")


def _within(part, axes) -> np.ndarray:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return (part[:, 0] >= left) & (part[:, 0] <= right) & (part[:, 1] >= bottom) & (part[:, 1] <= top)


def _ends(shown, maps, spots, axis: int, diagonal, arrows) -> tuple[float, float]:
    if maps:
        values = np.concatenate([found[axis] for found in maps.values()])
        return float(values.min()), float(values.max())
    axes = (0, 1) if diagonal is not None else (axis,)
    parts = [part[:, list(axes)].ravel() for kind in shown.values() for named in kind.values()
             for part in named.values()]
    parts += [[spot[at] for spot in named.values() for at in axes] for kind in spots for named in kind.values()]
    values = np.concatenate([np.asarray(part, dtype=float) for part in parts] + ([[0.0]] if arrows else []))
    size = np.ptp(values) or abs(values).max() or 1.0
    return float(values.min() - 0.06 * size), float(values.max() + 0.06 * size)


def _told(title: str, shown: dict, heights, spots, arrows: bool) -> list[str]:
    said = []
    for kind, noun in (("points", "arrows from zero" if arrows else "dots"), ("paths", "steps of a walk")):
        for name, part in shown[kind].items():
            which = ", ".join(filter(None, [title, name]))
            said.append(f"{which + ': ' if which else ''}{len(part)} {noun}, across from {span(part[:, 0])}, "
                        f"upwards from {span(part[:, 1])}")
    if heights is not None:
        said.append(f"{title + ': a' if title else 'A'} map of heights from {span(heights[2])}, across from "
                    f"{span(heights[0])}, upwards from {span(heights[1])}")
    for name, (x, y) in spots[0][title].items():
        said.append(f"{title + ': a' if title else 'A'} cross at ({x:.3g}, {y:.3g}): {name}".replace("-", "−"))
    return said
