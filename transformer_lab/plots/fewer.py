"""The same drawing with fewer elements, for a page is slow with many: crowds of marks, and shapes that look alike."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from itertools import cycle
from xml.etree import ElementTree

__all__ = ["CELLS", "SVG", "XLINK"]

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
CELLS = "cells"  # the gid of a patch that stands for many cells: "cells ROWS COLUMNS THICKNESS PATH"
CROWD = 24       # equal marks that are a crowd
LAYERS, APART = 8, 8  # the most paths for a group of it, and the marks for which it has one
NEAR = 1.0       # px around a shape in which another would meet it


def gather(root) -> None:
    """A crowd of equal marks as a few paths, for a page is slow with an element each; where marks meet they darken."""
    shapes = {f"#{path.get('id')}": path for path in root.iter(f"{SVG}path")}
    crowds = defaultdict(list)
    for group in root.iter(f"{SVG}g"):
        kinds = {(mark.tag, mark.get(XLINK + "href"), mark.get("style", "")) for mark in group}
        if len(kinds) == 1 < len(group) and group[0].tag == f"{SVG}use":
            d, own = (shapes[group[0].get(XLINK + "href")].get(name, "") for name in ("d", "style"))
            crowds[d, f"{group[0].get('style', '')};{own}"].append(group)
    for (d, style), groups in crowds.items():
        if sum(map(len, groups)) >= CROWD:
            for group in groups:
                _layered(group, d, style)
    _drop_unused(root)


def _layered(group, d: str, style: str) -> None:
    """The marks of a group as paths, of which each has marks that are not neighbours."""
    marks = list(group)
    for mark in marks:
        group.remove(mark)
    layers = min(LAYERS, math.ceil(len(marks) / APART))
    for layer in range(layers):
        ElementTree.SubElement(group, f"{SVG}path", _crowd(d, style, marks[layer::layers]))


def _drop_unused(root) -> None:
    """Shapes of marks that no mark has any more go."""
    used = {mark.get(XLINK + "href") for mark in root.iter(f"{SVG}use")}
    for defs in root.iter(f"{SVG}defs"):
        for path in defs.findall(f"{SVG}path"):
            if f"#{path.get('id')}" not in used:
                defs.remove(path)


def _crowd(d: str, style: str, marks: list) -> dict[str, str]:
    """One path for equal marks; discs are strokes of no length with round ends, a tenth of the bytes."""
    disc = re.match(r"M 0 ([\d.]+)\s+C", d)
    if not disc or d.count("C") != 8 or "stroke" in style:
        return {"d": " ".join(_moved(d, mark) for mark in marks), "style": style}
    places = (f"{mark.get('x')} {mark.get('y')}" for mark in marks)
    ends = f"fill: none;stroke-width: {2 * float(disc[1])};stroke-linecap: round"
    return {"d": " ".join(f"M {place} L {place}" for place in places),
            "style": f"{style.replace('fill', 'stroke')};{ends}"}


def _moved(d: str, mark) -> str:
    """A mark's path where the mark stands, on the grid of a tenth of a pixel, so that all have one shape."""
    place = cycle(round(float(mark.get(axis)), 1) for axis in "xy")
    return re.sub(r"-?[\d.]+", lambda number: f"{float(number[0]) + next(place):.6f}", d)


def join(root) -> None:
    """Shapes that look alike and follow one another as one path, where that draws the same."""
    last, boxes = None, []
    for parent, node in _shapes(root):
        if node.tag != f"{SVG}path" or not node.get("d"):
            last = None
            continue
        box, style = _box(node.get("d")), node.get("style", "")
        alike = last is not None and all(last.get(name) == node.get(name) for name in ("style", "clip-path"))
        flat = "fill: none" in style and "opacity" not in style
        if alike and (flat or not any(_meet(box, other) for other in boxes)):
            last.set("d", f"{last.get('d')} {node.get('d')}")
            parent.remove(node)
        else:
            last, boxes = node, []
        boxes.append(box)


def _shapes(parent):
    """What is drawn, in its order, each with what holds it; a group that does something counts as one shape."""
    for child in list(parent):
        tag, does = child.tag.removeprefix(SVG), {"clip-path", "transform"} & set(child.keys())
        if tag in ("g", "a") and not does and not child.get("id", "").startswith(CELLS):
            yield from _shapes(child)
        elif tag != "defs":
            yield parent, child


def _box(d: str) -> tuple[float, ...]:
    """Left, upper, right and lower edge of a path, with room for its stroke."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", d)]
    across, down = numbers[::2], numbers[1::2]
    return min(across) - NEAR, min(down) - NEAR, max(across) + NEAR, max(down) + NEAR


def _meet(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
