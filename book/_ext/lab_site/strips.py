"""What stands behind a claim's sentence, in its line: a strip with a dot for each seed, or the value and its bound.

The strip is drawn from the ledger, so that what a notebook shows stays the same on every machine. Its axis holds the
dots and the limits; a rival that lies far beyond them is an arrow at the end.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from .chapters import filled

__all__ = ["note", "strip"]

WIDTH, HEIGHT, EDGE = 168, 18, 6
STEP, ROWS = 4, 3      # px between dots that would coincide; rows of them above one another, then they are piled
LAYERS = 8             # dots of a pile that darken what lies below them; more of them are not told apart
MANY = 60              # dots from which on they are paler
FAR = 3                # how many times the span of dots and limits a rival may be away


class Axis(NamedTuple):
    """From numbers to pixels; what lies outside is brought to the edge."""

    low: float
    high: float

    def at(self, number: float) -> float:
        share = (number - self.low) / (self.high - self.low)
        return round(EDGE + min(max(share, 0), 1) * (WIDTH - 2 * EDGE), 1)

    def outside(self, number: float) -> bool:
        return not self.low <= number <= self.high


def note(claim: dict) -> str:
    """The quiet end of a claim's line, as HTML; ``claim`` is its entry in the ledger."""
    drawn = next((bound for bound in claim["bounds"] if bound.get("dots")), None)
    bound = drawn or claim["bounds"][0]
    return filled("claim.html", claim=claim, bound=bound, words=_words(bound, drawn is not None),
                  strip=drawn and strip(drawn))


def _words(bound: dict, drawn: bool) -> str:
    if drawn:
        return bound["bound"]
    exactly = bound["bound"].startswith("equal to")
    return f"{bound['name']}: " + (f"exactly {bound['value']}" if exactly else f"{bound['value']}, {bound['bound']}")


def strip(bound: dict) -> dict:
    """Where the marks of a bound's strip stand, in pixels, and what it says to those who do not see it."""
    dots, rival = (_finite(bound[name]) for name in ("dots", "rival_dots"))
    limits = _finite(bound["limits"])
    axis = _axis(dots + limits, rival)
    arrows = {"left" if number < axis.low else "right" for number in rival if axis.outside(number)}
    return {"width": WIDTH, "height": HEIGHT, "middle": HEIGHT / 2, "edge": EDGE, "layers": _swarm(map(axis.at, dots)),
            "limits": sorted({axis.at(limit) for limit in limits}), "arrows": sorted(arrows),
            "rival": sorted({axis.at(number) for number in rival if not axis.outside(number)}),
            "many": len(dots) > MANY, "says": _says(bound)}


def _finite(numbers: list) -> list[float]:
    return [number for number in numbers if number is not None]


def _axis(inner: list[float], rival: list[float]) -> Axis:
    low, high = min(inner), max(inner)
    room = FAR * ((high - low) or abs(high) or 1)
    near = [number for number in rival if low - room <= number <= high + room]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.04 * ((high - low) or abs(high) or 1)
    return Axis(low - pad, high + pad)


def _swarm(places) -> list[list[tuple[float, float]]]:
    """Dots that would lie on one another, above and below instead; a pile is in layers, each of which is one path."""
    seen, layers = Counter(), []
    for place in sorted(places):
        slot = round(place / STEP)
        row = seen[slot] % ROWS
        layer = min(seen[slot] // ROWS, LAYERS - 1)
        layers += [[] for _ in range(layer + 1 - len(layers))]
        layers[layer].append((place, HEIGHT / 2 + STEP * ((row + 1) // 2) * (-1) ** row))
        seen[slot] += 1
    return layers


def _says(bound: dict) -> str:
    rival = f"; the rival, {bound['rival']}: {bound['rival_value']}" if bound["rival"] else ""
    return f"{bound['name']}, {bound['entries']} values: {bound['value']}; must be {bound['bound']}{rival}"
