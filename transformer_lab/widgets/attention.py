"""The attention visualiser: every head of a trained model on any text, and what the model says without some of them."""

from __future__ import annotations

import numpy as np
from traitlets import validate

from ..byhand.transformer import forward
from ..errors import RangeError, UnknownNameError
from ..rules import Choice, Each, Whole
from ..signatures import checked
from .base import Explorable, Synced, WithModel, shipped_bytes
from .page_data import shipped_data

__all__ = ["AttentionHeads", "read_words"]

FACTS, ARRAYS = shipped_data("attention-heads")
MODELS = FACTS["heads"]


@checked
def read_words(text: str, words: Each(str)) -> list[int]:
    """A text as tokens: the longest word that fits, again and again; capitals and spaces do not matter.

    >>> read_words("max(5, 10)", ["Max", "(", ")", ",", "1", "0", "5", "10"])
    [0, 1, 6, 3, 7, 2]
    """
    known = sorted((word for word in words if not word.startswith("[")), key=lambda word: -len(word))
    tokens, rest = [], text.strip()
    while rest:
        hit = next((word for word in known if rest.lower().startswith(word.lower())), None)
        if hit is None:
            raise UnknownNameError("text", repr(rest[:12]), f"the words {' '.join(known)}", "Write it with these.")
        tokens.append(list(words).index(hit))
        rest = rest[len(hit):].strip()
    return tokens


class AttentionHeads(WithModel, Explorable, draws="attention-heads"):
    """A trained model on a text: all heads, one of them large, and the next token when the heads in ``ablated``, each a
    layer and a head, are out.

    In place of an ablated head's ``z`` stands its mean over inputs, place by place, or zero, or what it is on the text
    ``other``, if that is as long: ``how`` says which. With ``weighted`` each
    weight is multiplied by the length of the value that it takes. The ``query`` (-1: all) is the row whose lines are
    drawn. Beyond the model's last layer, head or token the last one is meant.

    >>> AttentionHeads(text="max(5,3,9)", ablated=[[0, 3]]).tokens
    [15, 17, 7, 19, 5, 19, 11, 18]
    """

    data = shipped_bytes("attention-heads")
    model = Synced("digits", Choice(MODELS))
    text = Synced("Max ( 2 , 0 , 5 )", str)
    layer = Synced(0, Whole(0, 99))
    head = Synced(3, Whole(0, 99))
    query = Synced(-1, Whole(-1, 999))
    weighted = Synced(False, bool)
    ablated = Synced([], Each(Each(Whole(0), 2), 0))
    how = Synced("mean", Choice(("mean", "zero", "other")))
    other = Synced("Max ( 2 , 0 , 9 )", str)

    @property
    def shown(self) -> str:
        """The name of the model in the page's data."""
        return self.model

    @property
    def tokens(self) -> list[int]:
        """The text as the model reads it."""
        return read_words(self.text, MODELS[self.model]["words"])

    def stand_in(self, layer: int) -> np.ndarray:
        """What stands in for the ``z`` of ablated heads: (1, n_heads, pos, d_head)."""
        if self.how == "other":
            there = read_words(self.other, MODELS[self.model]["words"])
            tokens = there if len(there) == len(self.tokens) else self.tokens
            return forward(self.params, np.array([tokens]), self.config)[f"blocks.{layer}.z"]
        mean = ARRAYS[f"mean.{self.model}.{layer}"].astype(float)[None, :, :len(self.tokens)]
        return mean if self.how == "mean" else 0 * mean

    @validate("model", "text", "other")
    def _fits(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        given = {"model": self.model, "text": self.text} | {"text" if name == "other" else name: value}
        words, most = MODELS[given["model"]]["words"], FACTS["models"][given["model"]]["n_ctx"]
        tokens = read_words(given["text"], words)
        if not 1 <= len(tokens) <= most:
            raise RangeError("text", f"{len(tokens)} tokens", f"1 to {most} for this model", "Write fewer, or more.")
        return " ".join(words[token] for token in tokens) if name != "model" else value
