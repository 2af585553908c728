"""ModelConfig, OneHeadConfig and TrainConfig: frozen dataclasses that check themselves and list every fault at once.

A field's annotation is its rule, as in a signature, so a new field is one line, and reading the class tells what is
allowed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .config_base import Config
from .parts import PARTS
from .rules import Choice, Number, Seed, Whole

__all__ = ["SETTINGS", "Config", "ModelConfig", "OneHeadConfig", "TrainConfig"]


WIDEST = 2**16  # the largest models in the world are narrower; more is a slip of the hand


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of a transformer, by hand or in PyTorch. What each choice means stands in
    :data:`transformer_lab.parts.PARTS`.

    Parameters
    ----------
    d_vocab, n_ctx : int
        How many tokens there are, and how many positions the model sees.
    n_layers, n_heads : int
        Blocks, and attention heads in each.
    positions : str
        ``"none"``; ``"learned"`` or ``"sinusoidal"`` rows, added to the embedded token; ``"rotary"`` queries and keys;
        ``"alibi"``, scores that fall with the distance; ``"relative"``, a learned bias of the scores.
    d_model, d_head, d_mlp : int
        Widths of the stream, of a head and of the feed-forward layer. ``d_model=0`` stands for ``d_vocab``,
        ``d_head=0`` for ``d_model // n_heads``, ``d_mlp=0`` for no feed-forward layer.
    n_kv_heads : int
        Heads of keys and values, a divisor of ``n_heads``: a group of queries shares each. ``n_kv_heads=0`` stands for
        ``n_heads``.
    mask, prefix : str, int
        What a query may see: everything (``"bidirectional"``), itself and what came before (``"causal"``), or that and
        the first ``prefix`` positions (``"prefix"``).
    sparsity, window, n_global, n_random : str, int, int, int
        What is left of that: all (``"none"``), what is nearer than ``window`` (``"local"``), also each ``window``-th
        (``"strided"``), or also ``n_global`` positions (``"global"``) and ``n_random`` blocks (``"random"``).
    pad : int or None
        The token that fills up short rows at their end. No query sees it, no read-out uses it.
    norm, placement, eps : str, str, float
        ``"none"``, ``"layer"`` or ``"rms"``; before each part of a block (``"pre"``, with one more norm at the end),
        after the part has been added to the stream (``"post"``), or before and after it (``"both"``); what is added
        under the norm's root.
    activation, gated : str, bool
        ``"relu"``, ``"gelu"`` (the tanh form), ``"gelu_exact"``, ``"silu"`` or ``"squared_relu"``; whether it acts on
        gates that multiply the hidden layer.
    scaled, logit_scale : bool, float
        Whether scores are divided by the root of ``d_head``; what logits are multiplied by.
    rotary_base, n_buckets, max_distance : float, int, int
        The base of rotary positions' wavelengths; classes of distances, and where the last begins.
    residual, output_projection, tied : bool
        Whether a part is added to the stream or replaces it; whether heads write through ``W_O`` or are laid side by
        side; whether the unembedding is ``W_E`` transposed.
    bias_attention, bias_mlp, bias_unembed : bool
        Whether there are ``b_Q b_K b_V`` (and ``b_O`` beside ``W_O``), ``b_in b_out``, ``b_U``.
    read_out : str
        Where logits are read: at ``"all"`` positions, the ``"first"``, the ``"last"``, or off their ``"mean"``.
    dropout, dropout_pattern : float
        Share of entries zeroed in training, from 0 to 0.99, of what a part adds to the stream, and of the patterns.

    Examples
    --------
    >>> digits = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, norm="layer")
    >>> digits.d_head
    16
    >>> ModelConfig(d_vocab=0, n_ctx=20, positions="rotory")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ConfigError: ModelConfig has 2 faults:
      - d_vocab: got 0; allowed is a whole number of at least 1. Choose a value in this range.
      - positions: got 'rotory'; allowed is one of 'none', 'learned', 'sinusoidal', 'rotary', 'alibi', \
'relative'. Did you mean 'rotary'?
    """

    d_vocab: Whole(1)
    n_ctx: Whole(1)
    n_layers: Whole(1, 1000) = 1
    n_heads: Whole(1, WIDEST) = 1
    positions: Choice(PARTS["positions"]) = "none"
    d_model: Whole(0, WIDEST) = 0
    d_head: Whole(0, WIDEST) = 0
    d_mlp: Whole(0, WIDEST) = 0
    mask: Choice(PARTS["mask"]) = "bidirectional"
    pad: Whole() | None = None
    norm: Choice(PARTS["norm"]) = "none"
    placement: Choice(PARTS["placement"]) = "pre"
    eps: Number(above=0) = 1e-5
    activation: Choice(PARTS["activation"]) = "relu"
    residual: bool = True
    output_projection: bool = True
    tied: bool = False
    bias_attention: bool = False
    bias_mlp: bool = True
    bias_unembed: bool = True
    read_out: Choice(PARTS["read_out"]) = "all"
    dropout: Number(low=0, high=0.99) = 0.0
    n_kv_heads: Whole(0, WIDEST) = 0
    prefix: Whole() = 0
    sparsity: Choice(PARTS["sparsity"]) = "none"
    window: Whole(1) = 8
    n_global: Whole() = 1
    n_random: Whole() = 1
    gated: bool = False
    scaled: bool = True
    logit_scale: Number(above=0) = 1.0
    rotary_base: Number(low=1) = 10000.0
    n_buckets: Whole(4) = 32
    max_distance: Whole(3) = 128
    dropout_pattern: Number(low=0, high=0.99) = 0.0

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values."""
        return self.n_kv_heads or self.n_heads

    def to_dict(self) -> dict:
        """All fields as plain values; from ``n_kv_heads`` on, which older records do not know, only what was chosen."""
        found = super().to_dict()
        kept = [*found][[*found].index("n_kv_heads"):]
        usual = {entry.name: entry.default for entry in dataclasses.fields(self)}
        return {name: value for name, value in found.items() if name not in kept or value != usual[name]}

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        wrong = {fault.partition(":")[0] for fault in faults}
        if not wrong & {"d_model", "d_vocab"} and self.d_model == 0:
            object.__setattr__(self, "d_model", self.d_vocab)
        if not wrong & {"n_heads", "d_head", "d_model", "d_vocab", "output_projection"}:
            yield from self._head_faults()
        if not wrong & {"n_heads", "n_kv_heads"} and self.n_heads == self.n_kv_heads:
            object.__setattr__(self, "n_kv_heads", 0)
        elif not wrong & {"n_heads", "n_kv_heads"} and self.n_heads % self.kv_heads:
            yield (f"n_kv_heads: got {self.n_kv_heads}; allowed is a divisor of n_heads={self.n_heads}. "
                   "Choose one, or leave it out.")
        if not wrong & {"n_buckets", "max_distance"} and self.max_distance <= self.n_buckets // 2:
            yield (f"max_distance: got {self.max_distance}; allowed is more than half of n_buckets={self.n_buckets}. "
                   "Take fewer buckets, or a longer distance.")
        width = "positions" not in wrong and PARTS["positions"][self.positions].even
        if width and width not in wrong and getattr(self, width) % 2:
            yield (f"{width}: got {getattr(self, width)}; allowed is an even width where "
                   f"positions={self.positions!r}. Add one.")
        if not wrong & {"pad", "d_vocab"} and self.pad is not None and self.pad >= self.d_vocab:
            yield f"pad: got {self.pad}; allowed is a token below d_vocab={self.d_vocab}. Choose one of the tokens."

    def _head_faults(self):
        if self.d_head == 0 and self.d_model % self.n_heads:
            yield (f"n_heads: got {self.n_heads}; allowed is a divisor of d_model={self.d_model}. "
                   "Choose one, or give d_head.")
        elif self.d_head == 0:
            object.__setattr__(self, "d_head", self.d_model // self.n_heads)
        elif not self.output_projection and self.n_heads * self.d_head != self.d_model:
            yield (f"d_head: got {self.d_head}; allowed is d_model / n_heads where output_projection=False. "
                   "Leave d_head out.")


#: Which fields of a TrainConfig are settings of its optimiser.
SETTINGS = {"adamw": ("beta1", "beta2", "weight_decay"), "adam": ("beta1", "beta2"),
            "momentum": ("mu",), "sgd": (), "muon": ("mu", "weight_decay", "rest", "beta1", "beta2")}


@dataclass(frozen=True)
class OneHeadConfig(Config):
    """The shape of a one-head model, whose input rows are one-hot tokens with the position joined to them.

    Parameters
    ----------
    d_vocab, n_ctx : int
        How many tokens there are, and how many positions the model sees.
    positions : str
        ``"none"``, ``"one_hot"``, or ``"learned"`` rows of width ``d_pos``.
    d_pos : int
        Width of a learned row; 0 for none.

    Examples
    --------
    >>> OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot").d_model
    46
    """

    d_vocab: Whole(1)
    n_ctx: Whole(1)
    positions: Choice(("none", "one_hot", "learned")) = "none"
    d_pos: Whole() = 0

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if not faults and self.positions == "learned" and self.d_pos == 0:
            yield "d_pos: got 0; allowed is at least 1 where positions='learned'. Give the width of a position row."

    @property
    def d_model(self) -> int:
        """Width of an input row: the token, and the position beside it."""
        return self.d_vocab + {"none": 0, "one_hot": self.n_ctx, "learned": self.d_pos}[self.positions]


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained.

    Parameters
    ----------
    steps, batch : int
        Updates of the weights, and examples in each.
    learning_rate : float
        The peak of the schedule, above 0.
    warmup : int
        Steps to reach it.
    schedule : str
        From the peak to 0 in a straight line (``"linear"``), along a ``"cosine"``, or ``"constant"``.
    lowest : float
        Share of the peak below which the rate does not fall.
    optimizer : str
        ``"adamw"``, ``"adam"``, ``"momentum"``, ``"sgd"`` or, in PyTorch, ``"muon"``; the first and the last decay
        weights.
    beta1, beta2, weight_decay, mu : float
        The optimiser's settings; those of others have no effect.
    rest : float
        With Muon, the share of the learning rate that what is no map of a block has.
    clip : float
        The largest norm of a gradient; 0 for no limit.
    limit : float
        A loss above which a run has diverged, and ends; 0 for none.
    seed : int
        Of the first weights, the batches and the dropout masks.
    seeds : int
        Models that are trained at once, from the first weights of ``seed``, ``seed + 1``, ..., each on its own batches.
    embedding_scale : float
        Standard deviation of the first embeddings, of tokens and of positions.
    scheme : str
        How large the first maps are: ``"fan_in"``, ``"xavier"`` or ``"small"``.
    silent : bool
        Whether ``W_O`` and ``W_out`` are 0 at first, so that the blocks begin by adding nothing.
    library : str
        ``"numpy"``, the model by hand, or ``"torch"``, the PyTorch model, which has more parts.
    precision, compiled, device : str, bool, str
        In PyTorch: whether matrix products are in ``"float32"`` or ``"bfloat16"``; whether ``torch.compile`` writes the
        code; where the model is, ``"cpu"`` or ``"cuda"``.

    Examples
    --------
    >>> TrainConfig(steps=500, learning_rate=0.1, optimizer="momentum", weight_decay=0.0).settings
    {'mu': 0.9}
    """

    steps: Whole(1) = 2000
    batch: Whole(1, WIDEST) = 64
    learning_rate: Number(above=0) = 3e-3
    warmup: Whole() = 100
    schedule: Choice(("linear", "cosine", "constant")) = "linear"
    optimizer: Choice(SETTINGS) = "adamw"
    beta1: Number(low=0, high=0.9999) = 0.9
    beta2: Number(low=0, high=0.9999) = 0.98
    weight_decay: Number(low=0) = 0.1
    mu: Number(low=0, high=0.9999) = 0.9
    clip: Number(low=0) = 0.0
    seed: Seed = 0
    seeds: Whole(1, 10_000) = 1
    embedding_scale: Number(low=0) = 0.1
    lowest: Number(low=0, high=1) = 0.0
    rest: Number(above=0) = 0.25
    limit: Number(low=0) = 0.0
    scheme: Choice(("fan_in", "xavier", "small")) = "fan_in"
    silent: bool = False
    library: Choice(("numpy", "torch")) = "numpy"
    precision: Choice(("float32", "bfloat16")) = "float32"
    compiled: bool = False
    device: str = "cpu"

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if not faults and self.warmup > self.steps:
            yield f"warmup: got {self.warmup}; allowed is at most steps={self.steps}. Shorten it."
        if not faults and self.weight_decay and "weight_decay" not in SETTINGS[self.optimizer]:
            yield f"weight_decay: got {self.weight_decay}; allowed is 0 with {self.optimizer!r}. Take 'adamw' to decay."
        if not faults and self.library == "numpy":
            for name, by_hand in (("optimizer", self.optimizer != "muon"), ("precision", self.precision == "float32"),
                                  ("compiled", not self.compiled), ("device", self.device == "cpu")):
                if not by_hand:
                    yield (f"{name}: got {getattr(self, name)!r}; allowed is what the model by hand can do where "
                           "library='numpy'. Take library='torch', or leave it out.")
        elif not faults and self.seeds > 1:
            yield f"seeds: got {self.seeds}; allowed is 1 with library='torch'. Train one model at a time."

    def to_dict(self) -> dict:
        """All fields as plain values; from ``seeds`` on, which older records do not know, only what was chosen."""
        found, usual = super().to_dict(), {entry.name: entry.default for entry in dataclasses.fields(self)}
        newer = [*found][[*found].index("seeds"):]
        return {name: value for name, value in found.items() if name not in newer or value != usual[name]}

    @property
    def settings(self) -> dict[str, float]:
        """Those of the optimiser."""
        return {name: getattr(self, name) for name in SETTINGS[self.optimizer]}
