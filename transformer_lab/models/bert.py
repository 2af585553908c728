"""BERT: a stack that sees both sides guesses masked tokens, or the class of a whole text (Devlin et al. 2019).

    tokens + segments + positions → norm → blocks → a row a token → what was masked
                                                  → the first row → the class
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..checks import check_callable, check_choice
from ..config import ModelConfig
from ..errors import RangeError, ShapeError
from ..names import shapes, stack_parameters
from ..parts import PARTS
from ..rules import Whole
from ..taps import held, keep, reached
from .block import Stack, affine
from .ends import check_tokens, checked_params, cross_entropy, padding_apart, whole
from .parts import ACTIVATIONS, NORMS

__all__ = ["BERT", "Bert", "BertConfig"]

#: The choices of BERT: ``BertConfig(d_vocab=…, n_ctx=…, d_model=…, …, **BERT)``.
BERT = {"positions": "learned", "norm": "layer", "placement": "post", "eps": 1e-12, "activation": "gelu_exact",
        "bias_attention": True, "tied": True, "pad": 0}


@dataclass(frozen=True)
class BertConfig(ModelConfig):
    """A ModelConfig, and what is read off the rows.

    Parameters
    ----------
    n_types : int
        Kinds of segments, such as first and second sentence.
    masked_lm, n_classes : bool, int
        Whether tokens are guessed; how many classes a text may be of, 0 for no classifier.
    """

    n_types: Whole(1) = 2
    masked_lm: bool = True
    n_classes: Whole() = 0

    def parameters(self) -> dict[str, tuple[int, ...]]:
        norm = PARTS["norm"][self.norm].params
        names = ["W_E", "W_type", *(f"ln_embed_{part}" for part in norm), *stack_parameters(self)]
        if self.masked_lm:
            names += ["W_mlm", "b_mlm", *(f"ln_mlm_{part}" for part in norm)]
            names += ["W_U"] * (not self.tied) + ["b_U"] * self.bias_unembed
        return shapes(self, names + ["W_pool", "b_pool", "W_class", "b_class"] * (self.n_classes > 0))


class Bert(Stack):
    """The model, with parameters by their names.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = BertConfig(d_vocab=9, n_ctx=6, d_model=8, n_heads=2, d_mlp=16, n_classes=3, **BERT)
    >>> model, tokens = Bert(config, init(config)), torch.tensor([[1, 2, 3, 4, 0, 0]])
    >>> model(tokens).shape, model.classify(tokens).shape
    (torch.Size([1, 6, 9]), torch.Size([1, 3]))
    """

    def __init__(self, config: BertConfig, params: dict):
        super().__init__(config, checked_params(config, BertConfig, params), ("W_U", "b_U"))

    def forward(self, tokens, tap=keep, *, types=None, mask=None):
        """Logits (batch, pos, d_vocab) of what each token is, from tokens and their segments (batch, pos), or none."""
        self.has("masked_lm")
        tap, config = held(tap), self.config
        x = ACTIVATIONS[config.activation](affine(self.rows(tokens, tap, types, mask), self.W_mlm, self.b_mlm))
        norm = NORMS[config.norm]
        x = tap("mlm", x if norm is None else norm(x, self, "ln_mlm", config.eps))
        logits = tap("logits", affine(x, self.W_E.mT if config.tied else self.W_U, self.b_U))
        reached(tap)
        return logits

    def classify(self, tokens, tap=keep, *, types=None, mask=None):
        """Logits (batch, n_classes) of the class of each text."""
        self.has("n_classes")
        tap = held(tap)
        pooled = tap("pooled", affine(self.rows(tokens, tap, types, mask)[:, 0], self.W_pool, self.b_pool).tanh())
        logits = tap("class_logits", affine(self.dropout(pooled), self.W_class, self.b_class))
        reached(tap)
        return logits

    def rows(self, tokens, tap=keep, types=None, mask=None):
        """A row for each token (batch, pos, d_model), by what stands on both sides of it."""
        check_callable("tap", tap)
        check_tokens("tokens", tokens, self.config)
        real = padding_apart("tokens", tokens, self.config.pad)
        types = torch.zeros_like(tokens) if types is None else types
        whole("types", types, self.config.n_types)
        if types.shape != tokens.shape:
            raise ShapeError("types", f"a tensor of shape {tuple(types.shape)}", f"{tuple(tokens.shape)}",
                             "Give one for each token.")
        x = tap("embed", F.embedding(tokens.long(), self.W_E)) + tap("type_embed", self.W_type[types])
        x = self.dropout(self.norm(tuple(PARTS["placement"]), "ln_embed", self.placed(x, tap), tap))
        return self.norm(("pre", "both"), "ln_final", self.stream(x, real, tap, mask=mask), tap)

    def has(self, field: str):
        """Refuse what a model made without this does not have."""
        check_choice("field", field, ("masked_lm", "n_classes"))
        if not getattr(self.config, field):
            raise RangeError(f"config.{field}", repr(getattr(self.config, field)), "one that this asks for",
                             "Make the model with it.")

    def loss(self, tokens, targets, weights=None, tap=keep):
        """Mean cross-entropy in nats over the targets that are not -100: tokens (batch, pos), or classes (batch,)."""
        classes = isinstance(targets, torch.Tensor) and targets.ndim == 1
        return cross_entropy((self.classify if classes else self)(tokens, tap), targets, weights)
