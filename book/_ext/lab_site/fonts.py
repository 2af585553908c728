"""The fonts of the book: cut down to what its pages use, and a metric twin for each while it loads.

Every face comes from npm (``@fontsource-variable``, KaTeX). Cutting takes seconds, so each result is
kept in the build folder under the hash of what it was made from.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from transformer_lab.theme import theme

from .marks import MARKS, SCALED, marks_font
from .math import MODULES

__all__ = ["FACES", "Face", "cached", "cut", "font_css", "write_fonts"]

logging.getLogger("fontTools").setLevel(logging.WARNING)   # it tells of every table it cuts

# ¹²³ are left to the font of marks, so that they look like ⁰⁴⁵.
LATIN = string.printable.strip() + " " + "".join(chr(point) for point in range(0xA0, 0x100) if chr(point) not in SCALED)
LATIN += "–—‘’“”‚„•…′″−†‡ŒœŠšŽžıłŁőűčć"
GREEK = "".join(map(chr, range(0x391, 0x3CA)))
SYMBOLS = "←→↑↓↔⇒⇔∀∂∃∅∇∈∉∏∑√∝∞∧∨∩∪∫≈≠≡≤≥⊂⊕⊗⊤⋅⟨⟩ℓℝ"
FEATURES = ["kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum", "lnum", "sups"]
# How often a letter comes in English text, per thousand: what the width of a line depends on.
FREQUENT = {"e": 101, "t": 73, "a": 65, "o": 60, "i": 56, "n": 56, "s": 51, "h": 49, "r": 48, "d": 34, "l": 32, "c": 22,
            "u": 22, "m": 19, "w": 19, "f": 18, "g": 16, "y": 16, "p": 15, "b": 15, "v": 8, "k": 6, " ": 190}


@dataclass(frozen=True)
class Face:
    """One ``@font-face``: where it comes from, which weights and which characters it keeps."""

    use: str
    source: str
    weight: tuple[int, int]
    characters: str
    italic: bool = False

    @property
    def file(self) -> str:
        part = "-greek" if self.characters == GREEK else "-italic" if self.italic else ""
        return (f"{self.family.lower().replace(' ', '-')}{part}") + ".woff2"

    @property
    def family(self) -> str:
        return theme()["fonts"].get(self.use, self.use)


def _fontsource(family: str, part: str, style: str = "normal") -> str:
    return f"@fontsource-variable/{family}/files/{family}-{part}-wght-{style}.woff2"


INTERFACE = Face("interface", _fontsource("source-sans-3", "latin"), (400, 700), LATIN)
FACES = (
    Face("text", _fontsource("source-serif-4", "latin"), (400, 700), LATIN),
    Face("text", _fontsource("source-serif-4", "latin", "italic"), (400, 400), LATIN, italic=True),
    Face("text", _fontsource("source-serif-4", "greek"), (400, 400), GREEK),
    INTERFACE,
    Face("interface", _fontsource("source-sans-3", "greek"), (400, 400), GREEK),
    Face("code", _fontsource("source-code-pro", "latin"), (400, 600), LATIN),
    Face("code", _fontsource("source-code-pro", "greek"), (400, 400), GREEK),
    Face("Lab Symbols", "katex/dist/fonts/KaTeX_Main-Regular.woff2", (400, 400), SYMBOLS),
)
# Fonts that stand in while a face loads: what every system has, with its mean letter width in units of an em.
TWINS = {"text": (("Georgia", 0.441), ("Times New Roman", 0.398), ("DejaVu Serif", 0.509)),
         "interface": (("Arial", 0.439), ("DejaVu Sans", 0.504)),
         "code": (("Courier New", 0.6), ("Menlo", 0.602), ("DejaVu Sans Mono", 0.602))}
#: Entries of a font's table of names that tell of its makers: copyright, trademark, vendor, designer, licence.
TOLD = {0, 7, 8, 9, 10, 11, 12, 13, 14}
GENERIC = {"text": "serif", "interface": "sans-serif", "code": "monospace"}


def cached(store: Path, key: bytes, make: Callable[[], bytes]) -> bytes:
    """What ``make`` returned the last time it was asked with this key, or what it returns now."""
    kept = store / hashlib.sha256(key).hexdigest()[:32]
    if not kept.exists():
        store.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".part")
        half.write_bytes(make())
        half.replace(kept)
    return kept.read_bytes()


def cut(source: bytes, characters: str, weight: tuple[int, int] | None = None, family: str = "") -> bytes:
    """A woff2 font with these characters alone, and of its weight axis this part, under our own name."""
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    options = Options(layout_features=FEATURES, hinting=False, desubroutinize=True, notdef_outline=True,
                      bidi_closure=False, name_IDs=[*range(7), 13, 14])
    subsetter = Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    if weight and "fvar" in font:
        font = instantiateVariableFont(font, {"wght": weight[0] if weight[0] == weight[1] else weight})
    return _woff2(renamed(font, family) if family else font)


def renamed(font: TTFont, family: str) -> TTFont:
    """The font under another name: "Source" is reserved for the whole, unchanged fonts (OFL 1.1, condition 3)."""
    for record in font["name"].names:
        if record.nameID not in TOLD:
            text = re.sub(r"Source( ?)(?:Serif ?4|Sans ?3|Code ?Pro)", family, record.toUnicode())
            record.string = text if record.nameID != 6 else text.replace(" ", "")
    return font


def _woff2(font: TTFont) -> bytes:
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def write_fonts(folder: Path, store: Path) -> None:
    """Put every face, cut, into a folder of the site."""
    folder.mkdir(parents=True, exist_ok=True)
    for face in FACES:
        source = (MODULES / face.source).read_bytes()
        key = source + repr((face, face.family, FEATURES)).encode()
        (folder / face.file).write_bytes(
            cached(store, key, lambda s=source, f=face: cut(s, f.characters, f.weight, f.family)))
    letters, drawn = (MODULES / INTERFACE.source).read_bytes(), Path(__file__).with_name("marks.py").read_bytes()
    (folder / "marks.woff2").write_bytes(cached(store, letters + drawn, lambda: _woff2(marks_font(
        instantiateVariableFont(TTFont(io.BytesIO(letters)), {"wght": 450})))))


def font_css(folder: Path) -> str:
    """The ``@font-face`` rules for the fonts that :func:`write_fonts` put into a folder."""
    rules = [_rule(face.family, f'url("fonts/{face.file}")', face.weight, _ranges(face.characters), face.italic)
             for face in FACES]
    rules.append(_rule("Lab Marks", 'url("fonts/marks.woff2")', (400, 400), _ranges("".join([*MARKS, *SCALED]))))
    mains = {face.use: folder / face.file for face in FACES if face.characters == LATIN and not face.italic}
    rules += [_twin(use, TTFont(mains[use]), *twin) for use, twins in TWINS.items() for twin in twins]
    return "\n".join([*rules, f":root {{ {' '.join(map(_stack, TWINS))} }}"])


def _stack(use: str) -> str:
    """The order in which a browser looks for a letter: the face, the marks, then what every system has."""
    name = theme()["fonts"][use]
    names = [name, "Lab Marks", "Lab Symbols", *(f"{name} Twin {local}" for local, _ in TWINS[use])]
    return f"--lab-font-{use}: {', '.join(map(json.dumps, names))}, {GENERIC[use]};"


def _rule(family: str, src: str, weight: tuple[int, int], ranges: str, italic: bool = False) -> str:
    span = str(weight[0]) if weight[0] == weight[1] else f"{weight[0]} {weight[1]}"
    return (f'@font-face {{ font-family: "{family}"; src: {src} format("woff2"); font-weight: {span}; '
            f'font-style: {"italic" if italic else "normal"}; font-display: swap; unicode-range: {ranges}; }}')


def _twin(use: str, font: TTFont, local: str, width: float) -> str:
    """A local font stretched to our metrics, so that no line breaks anew when the real one arrives."""
    em, scale = font["head"].unitsPerEm, mean_width(font) / width
    up, down = (font["hhea"].ascent / em / scale, -font["hhea"].descent / em / scale)
    return (f'@font-face {{ font-family: "{theme()["fonts"][use]} Twin {local}"; src: local("{local}"); '
            f"size-adjust: {scale:.2%}; ascent-override: {up:.2%}; descent-override: {down:.2%}; "
            "line-gap-override: 0%; }")


def mean_width(font: TTFont) -> float:
    """The mean width of a letter in English text, in units of an em."""
    names, widths = font.getBestCmap(), font["hmtx"]
    total = sum(count * widths[names[ord(letter)]][0] for letter, count in FREQUENT.items())
    return total / sum(FREQUENT.values()) / font["head"].unitsPerEm


def _ranges(characters: str) -> str:
    """The characters as a CSS ``unicode-range``, neighbours joined.

    >>> _ranges("abcz")
    'U+61-63, U+7A'
    """
    points, spans = sorted(set(map(ord, characters))), []
    for point in points:
        if spans and point == spans[-1][1] + 1:
            spans[-1][1] = point
        else:
            spans.append([point, point])
    return ", ".join(f"U+{low:X}" + (f"-{high:X}" if high > low else "") for low, high in spans)
