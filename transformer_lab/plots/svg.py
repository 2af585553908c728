"""From matplotlib's SVG to a small one that follows the page's theme.

Colours become ``var(--lab-NAME, #light)``, so that one drawing serves both themes; text
takes the page's interface face; coordinates are rounded to a tenth of a pixel and written
relative to each other; ids are prefixed, and nothing is styled outside the drawing.
"""

from __future__ import annotations

import hashlib
import html
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

from ..errors import UnknownNameError
from ..theme import theme
from ..wording import written
from .fewer import CELLS, SVG, XLINK, gather, join

__all__ = ["inline", "plain"]

DROPPED = ("metadata", "style", "title")
FAMILY = "var(--lab-font-interface, system-ui, sans-serif)"
CODE = "var(--lab-font-code, monospace)"
# What the root already says, or what is SVG's own default: no need to say it again.
DEFAULTS = {"stroke-linejoin": "round", "stroke-linecap": "butt", "text-anchor": "start", "stroke-width": "1",
            "fill": "#000000", "opacity": "1", "stroke-dashoffset": "0", "stroke-miterlimit": "100000"}


#: What XML cannot hold: control characters, halves of a pair.
UNWRITABLE = re.compile("[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")


def plain(text: str) -> str:
    r"""Text as a page can hold it, each sign that none can hold as the one for what cannot be shown.

    >>> ascii(plain("a\0b"))
    "'a\\ufffdb'"
    """
    return UNWRITABLE.sub("\ufffd", text)


def inline(svg: str) -> str:
    """The drawing as one ``<svg>`` element for a page, with colours and type from the theme.

    A colour that is not in ``theme.json`` is refused: it would not change with the theme.
    """
    root = ElementTree.fromstring(svg)
    gather(root)
    _strip(root)
    join(root)
    width, height = (float(root.get(side).removesuffix("pt")) for side in ("width", "height"))
    body = _prefixed("".join(_written(child) for child in root))
    return (f'<svg viewBox="0 0 {_short(width)} {_short(height)}" aria-hidden="true" '
            f'style="width:100%;max-width:{_short(width)}px;height:auto;fill:currentColor;font-family:{FAMILY};'
            f'stroke-linejoin:round;overflow:visible">{body}</svg>')


def _strip(parent) -> None:
    for child in list(parent):
        _strip(child)
        tag = child.tag.removeprefix(SVG) if isinstance(child.tag, str) else "comment"
        empty = tag in ("g", "defs") and not len(child)
        nothing = tag == "path" and "fill: none" in child.get("style", "") and "stroke:" not in child.get("style", "")
        if tag in DROPPED or tag == "comment" or empty or nothing:
            parent.remove(child)


def _written(node) -> str:
    """The element as text, its styles shortened, and groups that say nothing left out."""
    tag = node.tag.removeprefix(SVG)
    if tag == "a":                                    # a drawing leads nowhere, whatever set_url was given
        return "".join(_written(child) for child in node)
    if tag == "g" and node.get("id", "").startswith(CELLS):
        return _cells(node.get("id"), node[0])
    attributes = dict(_attributes(tag, node))
    body = "".join(_written(child) for child in node)
    if tag == "g" and not attributes:
        return body
    text = html.escape((node.text or "").strip(), quote=False)
    opening = f"<{tag}" + "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"{opening}>{text}{body}</{tag}>" if text or body else f"{opening}/>"


def _cells(gid: str, box) -> str:
    """Cells as strokes in units of a cell, a few bytes each; the patch that is replaced gives place and colour."""
    _, rows, columns, thickness, path = gid.split(" ", 4)
    corners = re.findall(r"-?[\d.]+", box.get("d"))
    left, top, right, bottom = (float(number) for number in corners[:2] + corners[4:6])
    scale = f"{_short((right - left) / int(columns), 4)} {_short((bottom - top) / int(rows), 4)}"
    styles = dict(rule.split(":", 1) for rule in _styles(box.get("style")))
    style = f"fill:none;stroke:{styles['fill']};stroke-width:{thickness};opacity:{styles.get('opacity', '1')}"
    return (f'<path transform="translate({_short(left)} {_short(top)})scale({scale})" d="{path}" '
            f'shape-rendering="crispEdges" style="{style}"/>')


def _attributes(tag, node):
    if node.get("id") and tag != "g":
        yield "id", node.get("id")
    for name in ("x", "y", "width", "height"):
        if node.get(name):
            yield name, _short(float(node.get(name)))
    for name, value in (("d", shortened_path(node.get("d", ""))), ("transform", _turn(node.get("transform", ""))),
                        ("href", node.get(XLINK + "href")), ("clip-path", node.get("clip-path")),
                        ("style", ";".join(_styles(node.get("style", ""))))):
        if value:
            yield name, value


def _turn(transform: str) -> str:
    """The transform, its numbers shortened; a rotation by nothing and a shift by nothing are left out."""
    kept = [part for part in re.findall(r"\w+\([^)]*\)", transform)
            if not re.match(r"rotate\(-?0(\.0*)?[ ,)]|translate\(0[ ,]+0\)", part)]
    return " ".join(re.sub(r"-?\d+\.\d+", lambda match: _short(float(match[0]), 3), part) for part in kept)


def _styles(style: str):
    for rule in filter(None, (rule.strip() for rule in style.split(";"))):
        name, value = (part.strip() for part in rule.split(":", 1))
        if name == "font":
            size = re.search(r"([\d.]+)px", value)[1]
            yield f"font-size:{_short(float(size))}px"
            if weight := re.search(r"\b(bold|[5-9]00)\b", value):
                yield f"font-weight:{weight[1]}"
        elif name == "font-family":
            if "monospace" in value:
                yield f"font-family:{CODE}"
        elif DEFAULTS.get(name) != value:
            yield f"{name}:{_themed(value)}"


def _themed(value: str) -> str:
    """``#26528c`` as ``var(--lab-query,#26528c)``; other numbers shortened."""
    if not value.startswith("#"):
        return re.sub(r"\d+\.\d+", lambda match: _short(float(match[0]), 3), value).replace(", ", ",")
    names = {code: name for name, code in theme()["light"].items()}
    if value not in names:
        raise UnknownNameError("color", written(value), "a colour of transformer_lab/theme.json",
                               "Draw with transformer_lab.theme.color(name), and use opacity for shades.")
    return f"var(--lab-{names[value]},{value})"


def shortened_path(d: str) -> str:
    """The path on a grid of a tenth of a pixel, each point relative to the one before; what a line passes anyway goes.

    >>> shortened_path("M 10 20 L 12 20 L 15.04 20 L 15 25 L 10 25 z")
    'M10 20h5v5h-5z'
    """
    out, here, start = "", (0, 0), (0, 0)
    for run in re.findall(r"L[^MCQz]*|[MCQz][^MLCQz]*", d):
        command, tenths = run[0], [round(float(number) * 10) for number in re.findall(r"[^\sMLCQz]+", run)]
        if command == "z":
            out, here = out + "z", start
            continue
        points = list(zip(tenths[::2], tenths[1::2], strict=True))
        if command == "L":
            points = _thinned([here, *points])
            out += "".join(_line(end[0] - begin[0], end[1] - begin[1]) for begin, end in pairwise([here, *points]))
        elif command == "M":
            start = points[-1]
            out += "m" + _joined(_from(here, points)) if out else "M" + _joined(points)
        else:
            out += command.lower() + _joined(_from(here, points))
        here = points[-1]
    return re.sub(r"l[^a-z]+(?:l[^a-z]+)+", _one_letter, out)


def _from(here, points) -> list[tuple[int, int]]:
    return [(x - here[0], y - here[1]) for x, y in points]


def _line(dx: int, dy: int) -> str:
    if dx and dy:
        return "l" + _joined([(dx, dy)])
    return f"v{_short(dy / 10)}" if dy else f"h{_short(dx / 10)}"


def _thinned(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points after the first, without those that a line between two others passes within a tenth of a pixel."""
    kept, passed = points[:1], []
    for point in points[1:]:
        if any(_off(one, kept[-1], point) > 1 for one in passed):
            kept.append(passed[-1])
            passed = []
        passed.append(point)
    return [*kept[1:], *passed[-1:]]


def _off(point, begin, end) -> float:
    """How far the point is from the straight piece between two others."""
    (x, y), (dx, dy) = _from(begin, [point, end])
    along = (x * dx + y * dy) / ((dx * dx + dy * dy) or 1)
    along = min(max(along, 0), 1)
    return math.hypot(x - along * dx, y - along * dy)


def _one_letter(run) -> str:
    """A letter that repeats the one before may be left out: ``l1 2l-3 4l5 6`` is ``l1 2-3 4 5 6``."""
    return "l" + re.sub(r"l(?=-)", "", run[0][1:]).replace("l", " ")


def _joined(pairs) -> str:
    return re.sub(r" (?=-)", "", " ".join(_short(number / 10) for pair in pairs for number in pair))


def _short(number: float, digits: int = 1) -> str:
    text = re.sub(r"^(-?)0\.", r"\1.", f"{number:.{digits}f}".rstrip("0").rstrip("."))
    return "0" if text == "-0" else text


def _prefixed(body: str) -> str:
    """Ids that something refers to get a prefix made from the drawing and a number; the others go.

    matplotlib makes ids from coordinates before they are rounded: a last bit must not show in ours.
    """
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    numbers = {old: f"{index}" for index, old in enumerate(used)}
    body = re.sub(r' id="([^"]+)"', lambda match: f' id="{numbers[match[1]]}"' if match[1] in used else "", body)
    body = re.sub(r'(href="#|url\(#)([^")]+)', lambda match: match[1] + numbers[match[2]], body)
    prefix = "f" + hashlib.sha256(body.encode()).hexdigest()[:8]
    return re.sub(r'( id="|href="#|url\(#)(\d+)', rf"\g<1>{prefix}\g<2>", body)
