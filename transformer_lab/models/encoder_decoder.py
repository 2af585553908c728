"""T5: an encoder reads one sequence, a decoder writes another and looks back at it (Vaswani et al. 2017; Raffel et al.
2020).

    source → encoder, which sees both sides → rows
    tokens → decoder, which sees what came before and, in each block, those rows → the next token
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..checks import check_callable
from ..config import ModelConfig
from ..errors import ShapeError
from ..names import IGNORED, shapes, stack_parameters
from ..parts import PARTS
from ..rules import Choice, Whole
from ..taps import held, keep, prefixed, reached
from .block import Part, Stack, affine, below
from .ends import check_tokens, checked_params, cross_entropy, padding_apart, whole

__all__ = ["T5", "EncoderDecoder", "EncoderDecoderConfig"]

#: The choices of T5, as of version 1.1: ``EncoderDecoderConfig(d_vocab=…, n_ctx=…, d_model=…, …, **T5)``.
T5 = {"positions": "relative", "norm": "rms", "eps": 1e-6, "activation": "gelu", "gated": True, "scaled": False,
      "bias_mlp": False, "bias_unembed": False, "pad": 0}


@dataclass(frozen=True)
class EncoderDecoderConfig(ModelConfig):
    """The ModelConfig of the decoder; the encoder's differs in its mask and maybe its length.

    Parameters
    ----------
    n_encoder_layers : int
        Blocks of the encoder; 0 stands for ``n_layers``.
    pad, start : int
        The token that fills up sources at their end, and the one that stands before what the decoder writes.
    """

    mask: Choice(PARTS["mask"]) = "causal"
    n_encoder_layers: Whole(0, 1000) = 0
    start: Whole() = 0

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if not faults and self.n_encoder_layers == self.n_layers:
            object.__setattr__(self, "n_encoder_layers", 0)

    @property
    def encoder(self) -> ModelConfig:
        return self.side(n_layers=self.n_encoder_layers or self.n_layers, mask="bidirectional")

    @property
    def decoder(self) -> ModelConfig:
        return self.side(pad=None)  # what came before has no padding

    def side(self, **changes) -> ModelConfig:
        plain = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(ModelConfig)}
        return ModelConfig(**plain | changes)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        names = ["W_E", *(f"encoder.{name}" for name in stack_parameters(self.encoder)),
                 *(f"decoder.{name}" for name in stack_parameters(self.decoder, cross=True))]
        return shapes(self, names + ["W_U"] * (not self.tied) + ["b_U"] * self.bias_unembed)


class EncoderDecoder(Part):
    """The model, with parameters by their names.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = EncoderDecoderConfig(d_vocab=9, n_ctx=6, d_model=8, n_heads=2, d_mlp=16, **T5)
    >>> model = EncoderDecoder(config, init(config))
    >>> model(torch.tensor([[1, 2, 3, 4]]), torch.tensor([[0, 5]])).shape
    torch.Size([1, 2, 9])
    """

    def __init__(self, config: EncoderDecoderConfig, params: dict):
        params = checked_params(config, EncoderDecoderConfig, params)
        super().__init__(config, {name: value for name, value in params.items() if "." not in name}, ("W_U", "b_U"))
        self.encoder = Stack(config.encoder, below(params, "encoder."))
        self.decoder = Stack(config.decoder, below(params, "decoder."), cross=True)

    def forward(self, source, tokens, tap=keep):
        """Logits (batch, pos, d_vocab) of the token after each, from sources and tokens (batch, pos)."""
        tap = held(tap)
        check_tokens("source", source, self.config), check_tokens("tokens", tokens, self.config)
        if len(source) != len(tokens):
            raise ShapeError("tokens", f"{len(tokens)} sequences", f"{len(source)}, one a source", "Pass as many.")
        logits = self.decode(tokens, *self.encode(source, tap), tap)
        reached(tap)
        return logits

    def encode(self, source, tap=keep):
        """A row for each token of the sources (batch, pos, d_model), and which of them are no padding."""
        check_tokens("source", source, self.config), check_callable("tap", tap)
        real = padding_apart("source", source, self.config.pad)
        return self._side(self.encoder, source, prefixed(tap, "encoder."), real=real), real

    def decode(self, tokens, rows, seen=None, tap=keep, *, cache=None):
        """Logits of the token after each, by what came before and the rows of the encoder."""
        check_tokens("tokens", tokens, self.config), check_callable("tap", tap)
        x = self._side(self.decoder, tokens, prefixed(tap, "decoder."), cache=cache, source=rows, seen=seen)
        logits = affine(x, self.W_E.mT if self.config.tied else self.W_U, self.b_U)
        return tap("logits", logits if self.config.logit_scale == 1 else logits * self.config.logit_scale)

    def _side(self, stack, tokens, tap, real=None, cache=None, **beyond):
        x = self.dropout(stack.placed(tap("embed", F.embedding(tokens.long(), self.W_E)), tap, cache))
        x = stack.stream(x, real, tap, cache=cache, **beyond)
        return self.dropout(stack.norm(("pre", "both"), "ln_final", x, tap))

    def loss(self, source, targets, weights=None, tap=keep):
        """Mean cross-entropy in nats over the targets (batch, pos) that are not -100, each after those before it."""
        whole("targets", targets, self.config.d_vocab, besides=IGNORED)
        if targets.ndim != 2:
            raise ShapeError("targets", f"a tensor of shape {tuple(targets.shape)}", "(batch, pos)", "Pass such a one.")
        before = torch.full_like(targets, self.config.start)
        before[:, 1:] = targets[:, :-1].clamp(min=0)
        return cross_entropy(self(source, before, tap), targets, weights)
