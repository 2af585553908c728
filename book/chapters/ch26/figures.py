"""The figures of chapter 26: which token wins where in the plane, what contexts reach, and a toy of nine points."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.plane import Plane, gaps
from transformer_lab.checks import check_whole
from transformer_lab.plots import Figure
from transformer_lab.plots.figure import laid_out
from transformer_lab.plots.style import empty, label, name_line
from transformer_lab.rules import Array, Each, Number
from transformer_lab.signatures import checked
from transformer_lab.theme import color

__all__ = ["close_up", "frame_of", "hull", "landscape", "toy"]

FINE = 160  # points along each side of the map of regions
SHADES = (0.36, 0.08, 0.22, 0.5)  # of regions; neighbours have different ones
ACROSS, UPWARDS = "first number of the stream", "second number of the stream"


@checked
def frame_of(places: Array("n 2")) -> tuple[tuple[float, float], tuple[float, float]]:
    """A frame with a little room about places (n, 2)."""
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    room = 0.12 * (high - low)
    return tuple(zip((low - room).tolist(), (high + room).tolist(), strict=True))


def landscape(planes: dict[str, Plane], *, dots: dict | None = None, polygons: dict | None = None,
              marks: dict | None = None, frames: dict, alt: str = "") -> Figure:
    """A panel a title: regions by the token that wins there; on top dots (n, 2), outlines (n, corner, 2), crosses."""
    dots, polygons, marks = dots or {}, polygons or {}, marks or {}
    maps = {title: _winners(plane, *frames[title]) for title, plane in planes.items()}

    def draw(title, width):
        drawing, axes = empty(width, min(360.0, 0.95 * width))
        axes.set(xlim=frames[title][0], ylim=frames[title][1])
        _regions(axes, *maps[title])
        if title in dots:
            axes.plot(*np.asarray(dots[title]).T, "o", color=color("ink"), markersize=2.2, alpha=0.5, markeredgewidth=0)
        for outline in polygons.get(title, ()):
            outline = outline[np.abs(outline - np.roll(outline, 1, axis=0)).max(axis=1) > 1e-4]
            axes.fill(*outline.T, facecolor=color("link"), edgecolor=color("link"), alpha=0.45, linewidth=1)
        if title in marks:
            axes.plot(*np.asarray(marks[title]).T, "x", color=color("ink"), markersize=8, markeredgewidth=1.8)
        label(axes, title, ACROSS, UPWARDS)
        return drawing

    said = [alt]
    for title, (*_, tokens) in maps.items():
        kinds = (("dots", dots), ("polygons", polygons), ("crosses", marks))
        there = ", ".join(f"{len(found[title])} {kind}" for kind, found in kinds if title in found)
        names = ", ".join(map(_spelt, tokens))
        said.append(f"{title + ': r' if title else 'R'}egions of the plane in which {names} win; in them {there}")
    return laid_out(planes, draw, said)


def _spelt(token: int) -> str:
    return "+" if token == 11 else str(token)


def _winners(plane: Plane, across, upwards):
    """The map: its axes, the lead of each token that wins somewhere (token, y, x), and these tokens."""
    x, y = np.linspace(*across, FINE), np.linspace(*upwards, FINE)
    places = np.stack(np.meshgrid(x, y)).reshape(2, -1)
    leads = np.stack([gaps(plane, places, token).min(axis=0) for token in range(plane.direct.shape[1])])
    leads = leads.reshape(-1, FINE, FINE)
    tokens = [token for token, lead in enumerate(leads) if (lead > 0).sum() > 20]
    return x, y, leads[tokens], tokens


def _regions(axes, x, y, leads, tokens) -> None:
    """Each region in another grey than its neighbours, with its token where it is widest on the edge of the frame."""
    shades = _shades(leads.argmax(axis=0), len(tokens))
    for lead, token, shade in zip(leads, tokens, shades, strict=True):
        axes.contourf(x, y, lead, [0, np.inf], colors=[color("other")], alpha=SHADES[shade])
        place = max(_edges(x, y, lead > 0), key=len, default=[])
        if len(place) > 8:
            name_line(axes, *place[len(place) // 2], _spelt(token), xytext=(0, 0), ha="center", fontweight="bold")


def _shades(winner: np.ndarray, regions: int) -> list[int]:
    """A shade for each region (y, x) that none of its neighbours has: the first that is free."""
    beside = [winner[:, :-1] + regions * winner[:, 1:], winner[:-1] + regions * winner[1:]]
    pairs = {divmod(int(code), regions) for part in beside for code in np.unique(part)}
    pairs |= {pair[::-1] for pair in pairs}
    found: list[int] = []
    for region in range(regions):
        taken = {found[other] for other in range(region) if (region, other) in pairs}
        found.append(min(set(range(len(SHADES))) - taken, default=0))
    return found


def _edges(x, y, inside):
    """Stretches of the frame's edge, a little inside of it, that lie in a region: lists of (x, y)."""
    near, far = 6, FINE - 7
    for along in ([(j, i) for i in range(FINE)] for j in (near, far)):
        for transpose in (False, True):
            places = [(i, j) if transpose else (j, i) for j, i in along]
            runs = [[]]
            for row, column in places:
                if inside[row, column]:
                    runs[-1].append((x[column], y[row]))
                elif runs[-1]:
                    runs.append([])
            yield from runs


@checked
def hull(points: Array("n 2")) -> np.ndarray:
    """The corners of the convex hull of points (n, 2), counterclockwise.

    >>> hull(np.array([[0.0, 0], [1, 1], [2, 0], [1, 3]])).tolist()
    [[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]]
    """
    points, found = sorted(map(tuple, points)), []
    for way in (points, points[::-1]):
        half = []
        for place in way:
            while len(half) > 1 and np.linalg.det(np.subtract([half[-1], place], half[-2])) <= 0:
                half.pop()
            half.append(place)
        found += half[:-1]
    return np.array(found or points[:1])


@checked
def toy(points: Array("n 2"), names: Each(str), reach: Number(), values: Array("m 2")) -> Figure:
    """Nine points with the names of their contexts, the hull around them, how far they reach, and the values' hull.

    >>> places, values = np.array([[0.0, 0], [2, 1], [1, 2]]), np.array([[-1.0, -1], [3, 0], [1, 4]])
    >>> toy(places, ["0 +", "2 +", "4 +"], 2.0, values)  # doctest: +ELLIPSIS
    Figure: 3 dots, one a context, named 0 +, 2 +, 4 +; ...
    """
    check_whole("len(names)", len(names), low=len(points), high=len(points))
    values = hull(values)
    around = hull(points)

    def draw(_, width):
        drawing, axes = empty(width, min(330.0, 0.8 * width))
        axes.plot(*values[[*range(len(values)), 0]].T, color=color("soft"), linewidth=1.2, linestyle=(0, (1.2, 1.6)))
        axes.fill(*around.T, facecolor=color("link"), edgecolor=color("link"), alpha=0.2, linewidth=1.5)
        axes.axvline(reach, color=color("ink"), linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(*points.T, "o", color=color("ink"), markersize=5)
        for place, name in zip(points, names, strict=True):
            name_line(axes, *place, name, xytext=(-9, 9), ha="center")
        name_line(axes, reach, 1, f"λ = {reach:g}", xycoords=axes.get_xaxis_transform(), xytext=(5, -6))
        label(axes, "", "first number of z: how far it reaches", "second number of z")
        return drawing

    said = (f"{len(points)} dots, one a context, named {', '.join(names)}; the polygon that is their hull; a dashed "
            f"line upwards at {reach:g}, which touches it; and a dotted polygon around all values, larger than it")
    return laid_out([""], draw, [said])


@checked
def close_up(outlines: Array("n corner 2"), least: Array("n")):
    """The polygons (n, corner, 2) in which the answer does not win everywhere, and a frame around them.

    >>> here = np.array([[0.0, 0], [1, 0], [0, 1]])
    >>> failing, (across, upwards) = close_up(np.array([here, here + 5]), np.array([0.3, -0.1]))
    >>> failing.tolist(), [round(bound, 2) for bound in across]
    ([[[5.0, 5.0], [6.0, 5.0], [5.0, 6.0]]], [4.88, 6.12])
    """
    failing = outlines[least <= 0]
    return failing, frame_of(failing.reshape(-1, 2))
