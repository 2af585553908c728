"""A font of marks, drawn here, and of raised and lowered figures, scaled from a text font.

The marks are the second sign beside every colour. No open text font has all of these, and a
system's own would differ in size and weight from one reader to the next.
"""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

__all__ = ["MARKS", "SCALED", "marks_font"]

EM, WIDTH = 1000, 760
DRAWN = 3_850_000_000  # a fixed date (seconds since 1904), so that the file is the same each time
Contour = list[tuple[float, float]]


def _ring(radius: float, x: float = 380, y: float = 340, corners: int = 36, turn: float = 0) -> Contour:
    return [(x + radius * cos(turn - 2 * pi * i / corners), y + radius * sin(turn - 2 * pi * i / corners))
            for i in range(corners)]


def _stroke(*points: tuple[float, float], half: float = 42) -> list[Contour]:
    """A line of even width through the points: a bar for each piece, a disc at each corner."""
    bars = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        dx, dy = (x1 - x0) / length * half, (y1 - y0) / length * half
        bars.append([(x0 - dy, y0 + dx), (x1 - dy, y1 + dx), (x1 + dy, y1 - dx), (x0 + dy, y0 - dx)])
    return bars + [_ring(half, x, y, 16) for x, y in points]


MARKS: dict[str, list[Contour]] = {
    "●": [_ring(270)],
    "○": [_ring(270), _ring(200)[::-1]],
    "■": [_ring(340, corners=4, turn=pi / 4)],
    "□": [_ring(340, corners=4, turn=pi / 4), _ring(240, corners=4, turn=pi / 4)[::-1]],
    "◆": [_ring(350, corners=4)],
    "◇": [_ring(350, corners=4), _ring(240, corners=4)[::-1]],
    "▲": [_ring(370, y=280, corners=3, turn=pi / 2)],
    "△": [_ring(370, y=280, corners=3, turn=pi / 2), _ring(220, y=280, corners=3, turn=pi / 2)[::-1]],
    "▼": [_ring(370, y=400, corners=3, turn=-pi / 2)],
    "▶": [_ring(370, x=310, corners=3, turn=0)],
    "▷": [_ring(370, x=310, corners=3, turn=0), _ring(220, x=310, corners=3, turn=0)[::-1]],
    "✓": _stroke((110, 350), (300, 130), (650, 620)),
    "✗": _stroke((150, 110), (610, 570)) + _stroke((150, 570), (610, 110)),
    "⌫": _stroke((60, 340), (240, 560), (710, 560), (710, 120), (240, 120), (60, 340))
         + _stroke((370, 450), (570, 230)) + _stroke((370, 230), (570, 450)),
}
# A raised or lowered sign: the letter that it is made from, and how far its foot is moved.
SCALED = {**{sign: (letter, 330) for sign, letter in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀⁿ", "0123456789+−Tn", strict=True)},
          **{sign: (letter, -130) for sign, letter in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)}}
SCALE = 0.62


def marks_font(letters: TTFont) -> TTFont:
    """The font of all these; ``letters`` is the font, 1000 units an em, that raised signs are made from."""
    names = {sign: f"uni{ord(sign):04X}" for sign in [*MARKS, *SCALED]}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap({ord(mark): name for mark, name in names.items()})
    drawn = {mark: (_drawn(contours), WIDTH) for mark, contours in MARKS.items()}
    drawn |= {sign: _scaled(letters, *made) for sign, made in SCALED.items()}
    glyphs = {names[sign]: glyph for sign, (glyph, _) in drawn.items()}
    widths = {names[sign]: (width, 0) for sign, (_, width) in drawn.items()}
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **glyphs})
    builder.setupHorizontalMetrics({".notdef": (WIDTH, 0), **widths})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupNameTable({"familyName": "Lab Marks", "styleName": "Regular"})
    builder.setupPost()
    builder.font.recalcTimestamp = False
    builder.font["head"].created = builder.font["head"].modified = DRAWN
    return builder.font


def _scaled(letters: TTFont, letter: str, foot: int):
    """A letter made smaller and moved up or down, and its width."""
    glyph, pen = letters.getGlyphSet()[letters.getBestCmap()[ord(letter)]], TTGlyphPen(None)
    glyph.draw(TransformPen(pen, (SCALE, 0, 0, SCALE, 0, foot)))
    return pen.glyph(), round(SCALE * glyph.width)


def _drawn(contours: list[Contour]):
    pen = TTGlyphPen(None)
    for contour in contours:
        pen.moveTo(tuple(map(round, contour[0])))
        for point in contour[1:]:
            pen.lineTo(tuple(map(round, point)))
        pen.closePath()
    return pen.glyph()
