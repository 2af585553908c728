"""The small writer: a trained character model that goes on with a text, beside what counting expects."""

from __future__ import annotations

import numpy as np
from traitlets import validate

from ..errors import RangeError
from ..rules import Number, Whole
from ..tasks.text import Alphabet
from .base import Explorable, Synced, WithModel, shipped_bytes
from .page_data import shipped_data

__all__ = ["CharWriter"]

FACTS, _ = shipped_data("char-writer")
ALPHABET = Alphabet(FACTS["alphabet"])
LETTERS = len(ALPHABET)


class CharWriter(WithModel, Explorable, draws="char-writer"):
    """A character model on a beginning, and the ``length`` characters that it writes behind it.

    Each is drawn at this temperature, from the ``top_k`` likeliest alone, of these from the fewest that have ``top_p``
    together; another number of ``draws`` gives other chances. ``at`` is the place that is looked into (0: the last).

    >>> writer = CharWriter(text="ROMEO:\\n")
    >>> writer.encode("Ro").tolist(), writer.config.n_ctx
    ([30, 53], 128)
    """

    data = shipped_bytes("char-writer")
    shown = "writer"
    text = Synced("ROMEO:\n", str)
    length = Synced(120, Whole(0, 400))
    temperature = Synced(0.8, Number(0.1, 2))
    top_k = Synced(LETTERS, Whole(1, LETTERS))
    top_p = Synced(1.0, Number(0.05, 1))
    draws = Synced(0, Whole())
    at = Synced(0, Whole(0, 459))

    @property
    def alphabet(self) -> str:
        """The characters that the model knows, in the order of its tokens."""
        return ALPHABET.characters

    def encode(self, text: str) -> np.ndarray:
        """Tokens (pos,) of a text; a character that the model does not know is named."""
        return ALPHABET.encode(text)

    @validate("text")
    def _fits(self, proposal):
        tokens = self.encode(proposal["value"])
        if not 2 <= len(tokens) <= 60:
            raise RangeError("text", f"{len(tokens)} characters", "2 to 60", "Write more, or fewer.")
        return proposal["value"]
