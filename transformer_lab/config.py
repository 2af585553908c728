"""ModelConfig and TrainConfig: frozen dataclasses that check themselves and list every fault at once.

A field declares its rule beside its default, so a new field is one line, and reading the
class tells what is allowed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial

from .checks import check_choice, check_flag, check_number, check_seed, check_whole
from .errors import ConfigError, LabError

__all__ = ["Config", "ModelConfig", "TrainConfig"]


def field(rule, default=dataclasses.MISSING):
    """A dataclass field with its rule: ``rule(name, value)`` returns the value or raises a LabError."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def whole(default=dataclasses.MISSING, low=1):
    """A whole number of at least ``low``."""
    return field(partial(check_whole, low=low), default)


def choice(*allowed: str):
    """One of a few names; the first is the default."""
    return field(partial(check_choice, allowed=allowed), allowed[0])


def check_token(name, value):
    """A token, or None where there is no such token."""
    return None if value is None else check_whole(name, value, low=0)


@dataclass(frozen=True)
class Config:
    """The part that all configurations share: checking, and a round trip through plain dicts."""

    def __post_init__(self):
        faults = list(self._faults())
        if faults:
            raise ConfigError(type(self).__name__, faults)

    def _faults(self):
        for entry in dataclasses.fields(self):
            try:
                value = entry.metadata["rule"](entry.name, getattr(self, entry.name))
                object.__setattr__(self, entry.name, value)
            except LabError as fault:
                yield str(fault)

    def to_dict(self) -> dict:
        """All fields as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict):
        """The configuration with these fields; unknown and missing names are faults like any other."""
        known = {entry.name: entry for entry in dataclasses.fields(cls)}
        faults = [f"{name}: got a field that is not known; allowed is one of {', '.join(known)}. Remove it."
                  for name in values if name not in known]
        faults += [f"{name}: got nothing; it has no default. Give it a value." for name, entry in known.items()
                   if entry.default is dataclasses.MISSING and name not in values]
        if faults:
            raise ConfigError(cls.__name__, faults)
        return cls(**values)


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a model: the one-head models and the whole transformer, by hand or in PyTorch.

    Parameters
    ----------
    d_vocab, n_ctx : int
        How many tokens there are, and how many positions the model sees.
    n_layers, n_heads : int
        Blocks, and attention heads in each.
    positions : str
        ``"none"``: no position code. ``"learned"``: a row for each position, ``"sinusoidal"``: a fixed row, added to
        the embedded token. ``"one_hot"``: a one-hot position joined to the one-hot token (one-head models).
    d_pos : int
        Width of a learned position row that is joined to the token (one-head models); 0 where there is none.
    d_model, d_head, d_mlp : int
        Widths of the stream, of a head and of the feed-forward layer. ``d_model=0`` stands for the width of the one-hot
        rows, ``d_head=0`` for ``d_model // n_heads``, ``d_mlp=0`` for no feed-forward layer.
    mask : str
        What a query may see: everything (``"bidirectional"``), or itself and what came before (``"causal"``).
    pad : int or None
        The token that fills up short rows at their end. No query sees it, no read-out uses it.
    norm, placement : str
        ``"none"``, ``"layer"`` or ``"rms"``; before each part of a block (``"pre"``, with one more norm at the end)
        or after the part has been added to the stream (``"post"``).
    activation : str
        ``"relu"`` or ``"gelu"``, in the feed-forward layer.
    residual, output_projection, tied : bool
        Whether a part is added to the stream or replaces it; whether heads write through ``W_O`` or are laid side by
        side; whether the unembedding is ``W_E`` transposed.
    read_out : str
        Where logits are read: at ``"all"`` positions, the ``"first"``, the ``"last"``, or off their ``"mean"``.
    dropout : float
        Share of entries zeroed in training, from 0 to 0.99.

    Examples
    --------
    >>> ModelConfig(d_vocab=26, n_ctx=20, positions="one_hot").d_model
    46
    >>> digits = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, norm="layer")
    >>> digits.d_head
    16
    >>> ModelConfig(d_vocab=0, n_ctx=20, positions="onehot")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: ModelConfig has 2 faults:
      - d_vocab: got 0; allowed is a whole number of at least 1. Choose a value in this range.
      - positions: got 'onehot'; allowed is one of 'none', 'one_hot', 'learned', 'sinusoidal'. Did you mean 'one_hot'?
    """

    d_vocab: int = whole()
    n_ctx: int = whole()
    n_layers: int = whole(1)
    n_heads: int = whole(1)
    positions: str = choice("none", "one_hot", "learned", "sinusoidal")
    d_pos: int = whole(0, low=0)
    d_model: int = whole(0, low=0)
    d_head: int = whole(0, low=0)
    d_mlp: int = whole(0, low=0)
    mask: str = choice("bidirectional", "causal")
    pad: int | None = field(check_token, None)
    norm: str = choice("none", "layer", "rms")
    placement: str = choice("pre", "post")
    activation: str = choice("relu", "gelu")
    residual: bool = field(check_flag, True)
    output_projection: bool = field(check_flag, True)
    tied: bool = field(check_flag, False)
    read_out: str = choice("all", "first", "last", "mean")
    dropout: float = field(partial(check_number, low=0, high=0.99), 0.0)

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        wrong = {fault.partition(":")[0] for fault in faults}
        if not wrong & {"d_vocab", "n_ctx", "positions", "d_pos", "d_model"}:
            yield from self._width_faults()
        if not wrong & {"n_heads", "d_head", "d_model"}:
            yield from self._head_faults()
        if not wrong & {"pad", "d_vocab"} and self.pad is not None and self.pad >= self.d_vocab:
            yield f"pad: got {self.pad}; allowed is a token below d_vocab={self.d_vocab}. Choose one of the tokens."

    def _width_faults(self):
        joined = {"one_hot": self.n_ctx, "learned": self.d_pos}.get(self.positions, 0)
        if self.positions == "learned" and not (self.d_pos or self.d_model):
            yield "d_pos: got 0; allowed is at least 1 where positions='learned'. Give the width of a position row."
        elif self.d_model == 0:
            object.__setattr__(self, "d_model", self.d_vocab + joined)
        elif joined and self.d_model != self.d_vocab + joined:
            yield (f"d_model: got {self.d_model}; allowed is {self.d_vocab + joined}, token and position joined. "
                   "Leave d_model out, or take positions that are added to the stream.")
        if self.positions == "sinusoidal" and self.d_model % 2:
            yield f"d_model: got {self.d_model}; allowed is an even width where positions='sinusoidal'. Add one."

    def _head_faults(self):
        if self.d_head == 0 and self.d_model % self.n_heads:
            yield (f"n_heads: got {self.n_heads}; allowed is a divisor of d_model={self.d_model}. "
                   "Choose one, or give d_head.")
        elif self.d_head == 0:
            object.__setattr__(self, "d_head", self.d_model // self.n_heads)
        elif not self.output_projection and self.n_heads * self.d_head != self.d_model:
            yield (f"d_head: got {self.d_head}; allowed is d_model / n_heads where output_projection=False. "
                   "Leave d_head out.")


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained.

    Parameters
    ----------
    steps : int
        Updates of the weights.
    learning_rate : float
        Size of an update, above 0.
    n_seeds : int
        Independent models, trained at once on a leading axis.
    seed : int
        The first of their seeds; the others follow it.

    Examples
    --------
    >>> TrainConfig(steps=500, learning_rate=5.0, n_seeds=20).to_dict()
    {'steps': 500, 'learning_rate': 5.0, 'n_seeds': 20, 'seed': 0}
    """

    steps: int = whole()
    learning_rate: float = field(partial(check_number, above=0))
    n_seeds: int = whole(1)
    seed: int = field(check_seed, 0)
