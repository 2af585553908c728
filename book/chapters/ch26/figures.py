"""The figures of chapter 26: which token wins where in the plane, what contexts reach, and a toy of nine points."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.plane import Plane
from transformer_lab.analysis.certificates.support import compass, polygons
from transformer_lab.checks import check_whole
from transformer_lab.plots import Figure
from transformer_lab.plots.figure import laid_out
from transformer_lab.plots.placed import draw_regions, told_regions
from transformer_lab.plots.style import empty, label, name_line
from transformer_lab.rules import Array, Each, Number
from transformer_lab.signatures import checked
from transformer_lab.theme import color

__all__ = ["landscape", "toy"]

FINE = 160  # points along each side of the map of regions


def landscape(planes: dict[str, Plane], around: dict, *, dots=None, outlines=None, marks=None) -> Figure:
    """A panel a title: regions by the token that wins there, in a frame around some places; on top dots (n, 2),
    outlines (n, corner, 2), crosses.
    """
    drawn = {kind: found or {} for kind, found in (("dots", dots), ("polygons", outlines), ("crosses", marks))}
    maps = {title: regions(plane, np.reshape(around[title], (-1, 2))) for title, plane in planes.items()}

    def draw(title, width):
        drawing, axes = empty(width, min(360.0, 0.95 * width))
        draw_regions(axes, *maps[title])
        axes.set(xlim=maps[title][0][[0, -1]], ylim=maps[title][1][[0, -1]])
        axes.plot(*np.transpose(drawn["dots"].get(title, np.empty((0, 2)))), "o", color=color("ink"), markersize=2.2,
                  alpha=0.5, markeredgewidth=0)
        for corners in drawn["polygons"].get(title, ()):
            corners = corners[np.abs(corners - np.roll(corners, 1, axis=0)).max(axis=1) > 1e-4]
            axes.fill(*corners.T, facecolor=color("link"), edgecolor=color("link"), alpha=0.45, linewidth=1)
        axes.plot(*np.transpose(drawn["crosses"].get(title, np.empty((0, 2)))), "x", color=color("ink"), markersize=8,
                  markeredgewidth=1.8)
        label(axes, title, "first number of the stream", "second number of the stream")
        return drawing

    return laid_out(planes, draw, [told for title, found in maps.items() for told in (
        *told_regions(title, found, {}),
        "In them " + ", ".join(f"{len(part[title])} {kind}" for kind, part in drawn.items() if title in part))])


def regions(plane: Plane, places: np.ndarray):
    """A grid with a little room about places (n, 2), and the logits of all tokens there, by their names."""
    low, high = places.min(axis=0), places.max(axis=0)
    x, y = np.linspace(low - 0.12 * (high - low), high + 0.12 * (high - low), FINE).T
    z = np.stack(np.meshgrid(x, y), axis=-1)
    active = np.maximum(z @ plane.lines[:2] + plane.lines[2], 0)
    logits = active @ plane.hidden + z @ plane.direct[:2] + plane.direct[2]
    return x, y, {"+" if token == plane.query else str(token): logits[..., token] for token in range(logits.shape[-1])}


def hull(points: np.ndarray) -> np.ndarray:
    """A polygon that encloses points so closely that nobody sees that it is not their hull."""
    return polygons(compass(720), (points @ compass(720).T).max(axis=0)[None])[0]


@checked
def toy(points: Array("n 2"), names: Each(str), reach: Number(), values: Array("m 2")) -> Figure:
    """Nine points with the names of their contexts, the hull around them, how far they reach, and the values' hull.

    >>> places, values = np.array([[0.0, 0], [2, 1], [1, 2]]), np.array([[-1.0, -1], [3, 0], [1, 4]])
    >>> toy(places, ["0 +", "2 +", "4 +"], 2.0, values)  # doctest: +ELLIPSIS
    Figure: 3 dots, one a context, named 0 +, 2 +, 4 +; ...
    """
    check_whole("len(names)", len(names), low=len(points), high=len(points))

    def draw(_, width):
        drawing, axes = empty(width, min(330.0, 0.8 * width))
        axes.fill(*hull(values).T, facecolor="none", edgecolor=color("soft"), linewidth=1.2, linestyle=(0, (1.2, 1.6)))
        axes.fill(*hull(points).T, facecolor=color("link"), edgecolor=color("link"), alpha=0.2, linewidth=1.5)
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
