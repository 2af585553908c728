"""Points, walks and heights in a plane."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba

from ..errors import EmptyError, ShapeError
from ..rules import Each
from ..signatures import checked
from ..theme import color
from ..wording import written
from .figure import Figure, laid_out
from .labelled import Span, by_title, capital, listed, nested, numbers, pair, per_panel, short, span
from .placed import CLOSE, checked_regions, draw_lines, draw_names, draw_regions, named_above, told_regions
from .style import BOUND, empty, label, looks, name_line

__all__ = ["plane"]

RINGS = 2    # of dots about one place; more are pressed into them, and counted


@checked
def plane(points=None, *, paths=None, moves=None, heights: dict | None = None, levels=None, regions: dict | None = None,
          lines: dict | None = None, names: dict | None = None, marks: dict | None = None, words: dict | None = None,
          arrows: Each(str, 0) | bool = False, diagonal: str | None = None, accent: str | None = None,
          x_label: str = "", y_label: str = "", x_range: Span | None = None, y_range: Span | None = None,
          square: bool = False, alt: str = "") -> Figure:
    """Points (or vectors from zero), walks, heights and regions over two quantities, a panel for each title.

    ``points`` (n, 2) have a mark for each kind; those that coincide are moved into rings, at most two dots away, and
    larger piles are counted. With ``names``, n words by kind, each dot stays where it is and has its name beside it.
    With ``arrows`` they are vectors from zero, or the kinds named there are. ``paths`` (steps, 2) are walks: an open
    circle where each starts, a dot where it ends; ``moves`` (n, 2, 2) are arrows, each from a point to a point.
    ``heights`` has (x (n,), y (m,), z (m, n)) by title, "" for one panel, with a line at each of ``levels``, which
    rise; ``regions`` has (x, y, {name: heights (m, n)}): a place belongs to the name whose height is largest.
    ``lines`` are a x + b y + c = 0 by name, (a, b, c) or many (n, 3).
    ``marks`` are crosses with their names, ``words`` names alone, each at (x, y). ``diagonal`` names a dashed line
    where both quantities are equal; ``square`` makes a step equally long in both directions.

    >>> plane([[0.0, 1.0], [0.5, 0.5]], x_label="to the operation", y_label="to the digit").alt
    'To the operation across, to the digit upwards. 2 dots, across from 0 to 0.5, upwards from 0.5 to 1.'
    """
    shown = {kind: {} if given is None else {
        title: {name: numbers(name or kind, part, shape) for name, part in named.items()}
        for title, named in nested(kind, given).items()} for kind, given, shape in
        (("points", points, ("n", 2)), ("paths", paths, ("n", 2)), ("moves", moves, ("n", 2, 2)))}
    maps = {title: _map(title, found) for title, found in (by_title("heights", heights) if heights else {}).items()}
    parted = {title: checked_regions(title, found)
              for title, found in (by_title("regions", regions) if regions else {}).items()}
    titles = list(dict.fromkeys([*shown["points"], *shown["paths"], *shown["moves"], *maps, *parted]))
    if not titles:
        raise EmptyError("points", "nothing", "points, paths, moves, heights or regions", "Pass at least one.")
    levels = None if levels is None else numbers("levels", levels, ("levels",))
    across = {title: {name: np.atleast_2d(numbers(name, found, (3,) if np.ndim(found) == 1 else ("n", 3)))
                      for name, found in per_panel("lines", lines, title, titles).items()} for title in titles}
    styles = looks([name for kind in (*shown.values(), across) for named in kind.values() for name in named], accent)
    crosses, spots = ({title: {name: pair(name, spot) for name, spot in found.items()}
                       for title in titles for found in [per_panel(argument, given, title, titles)]}
                      for argument, given in (("marks", marks), ("words", words)))
    beside = {title: per_panel("names", names, title, titles) for title in titles}
    vectors = {name for named in shown["points"].values() for name in named} if arrows is True else set(arrows or ())
    values = _values(shown, maps | parted, [*crosses.values(), *spots.values()], bool(vectors))
    ends = [given or _ends(values, [0, 1] if diagonal is not None and not maps else [axis], bool(maps or parted))
            for axis, given in enumerate((x_range, y_range))]

    def draw(title, width):
        tall = min(380, width - 40) if not square else 70 + (width - 90) * np.ptp(ends[1]) / np.ptp(ends[0])
        drawing, axes = empty(width, tall := float(np.clip(tall, 170, 520)))
        axes.set(xlim=ends[0], ylim=ends[1], aspect="equal" if square else "auto")
        pixels = np.array([width - 90, tall - 70]) / np.ptp(ends, axis=1)
        if title in maps:
            _heights(axes, *maps[title], levels)
        if title in parted:
            draw_regions(axes, *parted[title])
        for name, found in across[title].items():
            draw_lines(axes, name, found, styles[name])
        if diagonal is not None:
            _diagonal(axes, diagonal, ends)
        _points(axes, shown["points"].get(title, {}), beside[title], vectors, styles, pixels)
        for name, part in shown["moves"].get(title, {}).items():
            _moves(axes, name, part, styles[name])
        for name, part in shown["paths"].get(title, {}).items():
            _path(axes, name, part, styles[name])
        for name, spot in crosses[title].items():
            axes.plot(*spot, "x", color=color("ink"), markersize=9, markeredgewidth=2)
            name_line(axes, *spot, name, xytext=(8, -11))
        for name, spot in spots[title].items():
            name_line(axes, *spot, name, xytext=(0, 0), ha="center")
        label(axes, title, x_label, y_label, 26 if beside[title] and len(beside[title]) > 1 else 8)
        return drawing

    said = [alt, f"{capital(x_label) or 'X'} across, {y_label or 'y'} upwards"]
    for title in titles:
        here = {kind: part.get(title, {}) for kind, part in shown.items()}
        said += _told(title, here, maps.get(title), crosses[title], vectors)
        said += told_regions(title, parted.get(title), across[title])
    return laid_out(titles, draw, [*said, f"A dashed diagonal: {diagonal}" if diagonal else ""])


def _map(title: str, found):
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise ShapeError(f"heights[{title!r}]", written(found), "(x, y, z)", "Pass both axes and the heights.")
    x, y = numbers("x", found[0], ("n",)), numbers("y", found[1], ("m",))
    if min(len(x), len(y)) < 2:
        raise ShapeError(f"heights[{title!r}]", f"{len(y)} × {len(x)} heights", "at least 2 × 2", "Pass a grid.")
    return x, y, numbers("heights", found[2], (len(y), len(x)))


def _values(shown: dict, maps: dict, spots: list, arrows: bool) -> np.ndarray:
    """All places (n, 2) that the axes have to hold; the corners of the maps, where there are any."""
    if maps:
        return np.array([[extreme(x), extreme(y)] for x, y, _ in maps.values() for extreme in (np.min, np.max)])
    parts = [part.reshape(-1, 2) for kind in shown.values() for named in kind.values() for part in named.values()]
    return np.concatenate([*parts, *([spot] for named in spots for spot in named.values()), np.zeros((int(arrows), 2))])


def _points(axes, kinds, beside, vectors, styles, pixels) -> None:
    """Dots or vectors of each kind; where names stand beside them, the kinds are named above."""
    several, taken = len(kinds) > 1, []
    taken += [(place * pixels, np.array([4, 4])) for part in kinds.values() for place in part]
    for name, part in kinds.items():
        if name in vectors:
            _arrows(axes, "" if name in beside else name, part, styles[name])
        elif name in beside:
            hue, _, mark = styles[name]
            axes.plot(*part.T, mark if several else "o", color=color(hue), markersize=5.5,
                      markeredgewidth=0, clip_on=False)
        else:
            _dots(axes, name, part, styles[name], pixels, several)
    for name in [name for name in kinds if name in beside]:
        found = listed("names", beside[name])
        if len(found) != len(kinds[name]):
            raise ShapeError(f"names[{name!r}]", f"{len(found)} names", f"{len(kinds[name])}", "Give one for each.")
        draw_names(axes, kinds[name], found, pixels, taken)
    named_above(axes, {name: styles[name] for name in kinds if name in beside and name not in vectors})


def _ends(values, axes, tight: bool) -> tuple[float, float]:
    low, high = values[:, axes].min(), values[:, axes].max()
    size = 0 if tight else (high - low) or abs(values[:, axes]).max() or 1.0
    return float(low - 0.06 * size), float(high + 0.06 * size)


def _heights(axes, x, y, z, levels) -> None:
    """Shades between the levels, the higher the darker, and a thin line with its number at each."""
    levels = np.linspace(z.min(), z.max(), 9)[1:-1] if levels is None else np.unique(levels)
    edges = np.unique([min(z.min(), levels[0]) - 1e-9, *levels, max(z.max(), levels[-1]) + 1e-9])
    shades = [to_rgba(color("amount"), round(0.5 * k / (len(edges) - 1), 3)) for k in range(len(edges) - 1)]
    axes.contourf(x, y, z, edges, colors=shades)
    if len(levels) > 1:
        drawn = axes.contour(x, y, z, levels, colors=color("soft"), linewidths=0.6)
        axes.clabel(drawn, fmt="%g", fontsize=11, colors=color("ink"))


def _diagonal(axes, name: str, ends) -> None:
    low, high = max(ends[0][0], ends[1][0]), min(ends[0][1], ends[1][1])
    axes.plot([low, high], [low, high], color=color("ink"), **BOUND)
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


def _arrows(axes, name, part, style) -> None:
    hue, dash, _ = style
    for place in part:
        axes.annotate("", place, (0, 0), arrowprops={"arrowstyle": "-|>", "color": color(hue), "linewidth": 1.8,
                                                     "shrinkA": 0, "shrinkB": 0, "linestyle": dash})
    if name:
        name_line(axes, *part[-1], name, xytext=(0, -13))


def _moves(axes, name, part, style) -> None:
    """Arrows from point to point; where they are many they are thin, and their name stands at the longest."""
    hue, dash, _ = style
    for start, end in part:
        axes.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>", "color": color(hue), "linewidth": 1.4 if len(part) < 30 else 0.7, "shrinkA": 0,
            "shrinkB": 0, "linestyle": dash, "mutation_scale": 11 if len(part) < 30 else 7})
    if name:
        longest = part[np.hypot(*(part[:, 1] - part[:, 0]).T).argmax(), 1]
        name_line(axes, *longest, name, xytext=(0, -13), ha="center")


def _dots(axes, name, part, style, pixels, several: bool) -> None:
    moved, crowds = apart(part, pixels)
    for first, _ in crowds:
        near = [other for other, _ in crowds if np.abs((part[other] - part[first]) * pixels).max() < 30]
        if first == near[0]:  # piles side by side are counted together
            total = sum(number for other, number in crowds if other in near)
            name_line(axes, *part[first], f"×{total}", xytext=(0, -20), ha="center")
    axes.plot(*moved.T, style[2] if several else "o", color=color(style[0]), markersize=4.5, alpha=0.6,
              markeredgewidth=0, clip_on=False)
    if name:
        name_line(axes, *part[part[:, 0].argmax()], name, xytext=(0, -13), ha="right")


def _path(axes, name, part, style) -> None:
    hue, dash, _ = style
    axes.plot(*part.T, color=color(hue), linestyle=dash, linewidth=1.6)
    if len(part) <= 60:
        axes.plot(*part.T, "o", color=color(hue), markersize=3, markeredgewidth=0)
    axes.plot(*part[0], "o", color=color("ink"), markerfacecolor=color("page"), markersize=7)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inside = part[(left <= part[:, 0]) & (part[:, 0] <= right) & (bottom <= part[:, 1]) & (part[:, 1] <= top)]
    inside = inside if len(inside) else part[:1]
    end = inside[-1]
    axes.plot(*end, "o", color=color(hue), markersize=6.5)
    far, rose = end[0] > (left + right) / 2, inside[len(inside) * 3 // 4:, 1].mean() < end[1]
    if name:  # not where the path came from
        name_line(axes, *end, name, xytext=(-9 if far else 9, 12 if rose else -12), ha="right" if far else "left")


def _told(title: str, shown: dict, heights, crosses: dict, vectors: set):
    before = f"{title}: a" if title else "A"
    for kind, noun in (("points", "dots"), ("paths", "steps of a walk"), ("moves", "arrows, which end")):
        for name, part in shown[kind].items():
            part = part[:, 1] if kind == "moves" else part
            noun = "arrows from zero" if name in vectors and kind == "points" else noun
            which = ", ".join(filter(None, [title, name]))
            yield (f"{which + ': ' if which else ''}{len(part)} {noun}, across from {span(part[:, 0])}, "
                   f"upwards from {span(part[:, 1])}")
    if heights is not None:
        x, y, z = map(span, heights)
        yield f"{before} map of heights from {z}, across from {x}, upwards from {y}"
    for name, (x, y) in crosses.items():
        yield f"{before} cross at ({short(x)}, {short(y)}): {name}"
