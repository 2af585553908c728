"""What stands in a plane beside dots: regions with their names, straight lines, and a name beside every dot."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from ..errors import ShapeError
from ..theme import color
from ..wording import written
from .labelled import numbers
from .style import GLYPHS, name_line

CLOSE = 4.5  # px: nearer dots count as coinciding
TINTS = (0.04, 0.24, 0.12, 0.32)  # opacity of neighbouring regions
LETTER, TALL = 7.2, 13            # px, of a letter in a name
REACH = (9, 15, 24, 34, 46)       # px from a dot to the middle of its name; from the third on a hair joins them
TURNS = np.stack([np.cos(np.arange(16) * np.pi / 8), np.sin(np.arange(16) * np.pi / 8)], axis=-1)


def checked_regions(title: str, found):
    """Both axes, and a table of heights (m, n) for each name: a place belongs to the name whose height is largest."""
    if not isinstance(found, tuple | list) or len(found) != 3 or not isinstance(found[2], dict) or len(found[2]) < 2:
        raise ShapeError(f"regions[{title!r}]", written(found), "(x, y, {name: heights}) with two names or more",
                         "Pass both axes and a table for each name.")
    x, y = numbers("x", found[0], ("n",)), numbers("y", found[1], ("m",))
    return x, y, {name: numbers(name, table, (len(y), len(x))) for name, table in found[2].items()}


def draw_regions(axes: Axes, x, y, tables: dict) -> None:
    """Each region in a tint, with a line around it and its name where it is widest."""
    heights = np.stack(list(tables.values()))
    first, second = np.sort(heights, axis=0)[-1], np.sort(heights, axis=0)[-2]
    tint = 0
    for name, table in tables.items():
        inside = table == first
        if not inside.any():
            continue
        lead = np.where(inside, table - second, table - first)
        axes.contourf(x, y, lead, [0, max(float(lead.max()), 1e-9) * 1.01],
                      colors=[to_rgba(color("other"), TINTS[tint % len(TINTS)])])
        if not inside.all():
            axes.contour(x, y, lead, [0], colors=color("soft"), linewidths=0.7)
        tint += 1
        if (spot := inmost(inside)) is not None:
            axes.annotate(name, (x[spot[1]], y[spot[0]]), color=color("soft"), fontsize=13, fontweight="bold",
                          ha="center", va="center")


def inmost(inside: np.ndarray) -> tuple[int, int] | None:
    """A cell of the region that is furthest from its edge; None where it is only a few cells wide.

    >>> inmost(np.pad(np.ones((7, 9), bool), 1))[0]
    4
    """
    left, rounds = inside, 0
    while True:
        padded = np.pad(left, 1)
        less = left & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
        if not less.any():
            break
        left, rounds = less, rounds + 1
    spots = np.argwhere(left)
    return tuple(map(int, spots[len(spots) // 2])) if rounds >= 3 else None


def draw_lines(axes: Axes, name: str, found, style) -> None:
    """Each line a x + b y + c = 0, across the whole panel; its name at its end, where there is one line."""
    hue, dash, _ = style
    ends = []
    for a, b, c in found:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        across = [(x, -(a * x + c) / b) for x in (left, right) if b]
        across += [(-(b * y + c) / a, y) for y in (bottom, top) if a]
        ends = sorted({(x, y) for x, y in across if left <= x <= right and bottom <= y <= top})
        if len(ends) > 1:
            axes.plot(*zip(ends[0], ends[-1], strict=True), color=color(hue), linewidth=1.2 if len(found) < 4 else 0.8,
                      linestyle=dash)
    if name and len(found) == 1 and len(ends) > 1:
        name_line(axes, *ends[-1], name, xytext=(-4, 9), ha="right")


def draw_names(axes: Axes, places: np.ndarray, names: list[str], pixels: np.ndarray, taken: list) -> None:
    """A name beside each dot, where it covers no dot and no other name; ``taken`` has their boxes in px, and grows.

    Dots that coincide have their names in one line.
    """
    for place, name in together(places, names, pixels):
        middle, size = place * pixels, np.array([LETTER * len(name), TALL]) / 2
        spots = [middle + (far + size[0] * abs(turn[0]) * (far < 20)) * turn for far in REACH for turn in TURNS]
        spot = min(enumerate(spots), key=lambda item: (overlaps(item[1], size, taken), item[0]))[1]
        taken.append((spot, size))
        move = spot - middle
        if np.hypot(*move) > REACH[2]:
            axes.annotate("", place, move * 0.8, textcoords="offset points", arrowprops={
                "arrowstyle": "-", "color": color("other"), "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3})
        name_line(axes, *place, name, xytext=tuple(move), ha="center")


def together(places: np.ndarray, names: list[str], pixels: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Places with their names; of places that coincide the first, with the names of all.

    >>> [name for _, name in together(np.array([[0, 0], [3, 0], [0.01, 0]]), ["a", "b", "c"], np.array([9, 9]))]
    ['a c', 'b']
    """
    found: list[tuple[np.ndarray, str]] = []
    for place, name in zip(places, names, strict=True):
        near = [i for i, (other, _) in enumerate(found) if np.hypot(*(other - place) * pixels) < CLOSE]
        if near:
            found[near[0]] = found[near[0]][0], f"{found[near[0]][1]} {name}"
        else:
            found.append((place, name))
    return found


def named_above(axes: Axes, styles: dict) -> None:
    """The marks of several kinds with their names, above the axes."""
    for (name, (hue, _, mark)), place in zip(styles.items(), np.linspace(0, 0.99, len(styles) + 1)[:-1], strict=True):
        if len(styles) > 1:
            name_line(axes, place, 1, name, xycoords="axes fraction", xytext=(12, 10))
            name_line(axes, place, 1, GLYPHS[mark], hue, xycoords="axes fraction", xytext=(0, 10))


def told_regions(title: str, found, lines: dict):
    """What is drawn of these, in words, from the data."""
    where = f"{title}: " if title else ""
    if found is not None:
        tables = found[2]
        winner = np.stack(list(tables.values())).argmax(axis=0)
        shares = [f"{name} {np.mean(winner == i):.0%}" for i, name in enumerate(tables) if (winner == i).any()]
        yield f"{where}{len(shares)} regions, with their shares of the panel: {', '.join(shares)}"
    for name, part in lines.items():
        yield f"{where}{len(part)} straight line{'s' * (len(part) > 1)}: {name}"


def overlaps(spot, size, taken) -> float:
    """How much of a box lies on those that are taken, in square pixels."""
    shared = [np.clip(size + other - np.abs(spot - at), 0, None).prod() for at, other in taken]
    return round(float(sum(shared)), 1)
