"""The transformer that can be seen entirely: two dimensions, 250 weights, and the proof, at the reader's hand."""

from __future__ import annotations

import re

import numpy as np

from ..byhand.transformer import unpack
from ..checks import check_choice, check_number, check_type, check_whole
from ..config import ModelConfig
from ..errors import DtypeError, RangeError
from ..names import parameter_shapes
from ..rules import By, Choice, Whole
from ..tasks.rule_table import RULES
from ..wording import written
from .base import Explorable, Synced, shipped_bytes
from .page_data import shipped_data

__all__ = ["PlaneModel"]

RULE, LONGEST, N_SEEDS = RULES["plus_last_even"], 8, 24
WORDS = RULE.spelt(range(RULE.d_vocab)).split()
TENSORS = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_in", "b_in", "W_out", "b_out", "W_U", "b_U")


def shapes() -> dict[str, tuple]:
    """The shape of each tensor, by its short name."""
    return {name: tuple(shape) for name, shape in shipped_data("plane-model")[0]["shapes"]}


def tokens_of(argument, value) -> list[int]:
    """The tokens of a sequence such as "4 7 +"."""
    words = re.findall(r"\d+|\+|[^\d+\s,]+", check_type(argument, value, str))
    for word in words:
        if word not in WORDS:
            raise RangeError(argument, written(word), "numbers from 0 to 10 and +", 'Write "4 7 +".')
    check_whole(f"the number of tokens of {argument}", len(words), low=1, high=LONGEST)
    return [WORDS.index(word) for word in words]


def of_sequence(argument, value) -> str:
    return RULE.spelt(tokens_of(argument, value))


def of_edits(argument, value) -> list[list]:
    """Weights that the reader set: [tensor, entry counted row by row, value]."""
    made = []
    if not isinstance(value, list | tuple):
        raise DtypeError(argument, f"a {type(value).__name__}", "a list", 'Write [["W_E", 0, 0.5]].')
    for edit in value:
        if not (isinstance(edit, list | tuple) and len(edit) == 3):
            raise DtypeError(argument, written(edit), "[tensor, entry, value]", 'Write ["W_E", 0, 0.5].')
        name, entry, number = edit
        size = int(np.prod(shapes()[check_choice(f"{argument}: tensor", name, TENSORS)]))
        made.append([name, check_whole(f"{argument}: entry of {name}", entry, low=0, high=size - 1),
                     check_number(f"{argument}: value", number, low=-1000, high=1000)])
    return made


class PlaneModel(Explorable, draws="plane-model"):
    """One layer, one head, two dimensions (part V): the plane of its stream, and the proof over all contexts.

    The ``view`` is the "plane" with the regions of the prediction, the "scores" of all keys, the "attention" of the
    sequence, or the plane with the polygons of the "proof". One of 24 models is shown, ``seed``; of 17 (proved), 0
    (nearly right) and 4 (far from it) as it was at ``step`` of its training. ``edits`` set weights, each ``[tensor,
    entry, value]`` with the entry counted row by row. ``tensor`` and ``entry`` say which weight the slider moves,
    ``family`` which of the 168 families is outlined, ``other`` with which seed it is compared (-1: with none).

    >>> model = PlaneModel(sequence="4, 7 +", edits=[["W_E", 0, 0.5]])
    >>> model.sequence, float(model.params["W_E"][0, 0]), model.tokens.tolist()
    ('4 7 +', 0.5, [[4, 7, 11]])
    """

    data = shipped_bytes("plane-model")
    view = Synced("plane", Choice(("plane", "scores", "attention", "proof")))
    sequence = Synced("6 3 + 6 4 1 9 +", By(of_sequence))
    seed = Synced(17, Whole(0, N_SEEDS - 1))
    step = Synced(2400, Whole(0, 2400))
    edits = Synced([], By(of_edits))
    tensor = Synced("W_E", Choice(TENSORS))
    entry = Synced(0, Whole(0, 63))
    family = Synced(167, Whole(0, 167))
    other = Synced(-1, Whole(-1, N_SEEDS - 1))

    @property
    def config(self) -> ModelConfig:
        """The configuration of all these models."""
        return ModelConfig(**shipped_data("plane-model")[0]["config"])

    @property
    def params(self) -> dict[str, np.ndarray]:
        """The weights as shown, edits included."""
        facts, arrays = shipped_data("plane-model")
        row = np.searchsorted(arrays["steps"], self.step, side="right") - 1
        kept = arrays[f"seed-{self.seed}"][row] if self.seed in facts["followed"] else arrays["last"][self.seed]
        params = unpack(kept.astype(float), parameter_shapes(self.config))
        for name, entry, value in self.edits:
            params[next(long for long in params if long.rpartition(".")[2] == name)].flat[entry] = value
        return params

    @property
    def tokens(self) -> np.ndarray:
        """The sequence, (1, length)."""
        return np.array([tokens_of("sequence", self.sequence)])
