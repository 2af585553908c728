"""What a trained model does where it was not trained to: longer windows, as it is and with a change that needs no
training; and what it read, by distance, by order and by heart.

All changes are taps or masks of one forward pass; no weight is touched. Windows had TRAINED characters in training.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from transformer_lab.models.parts import POSITIONS, angles
from transformer_lab.models.transformer import Transformer
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Is, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import Examples
from transformer_lab.tasks.text import shuffled
from transformer_lab.training.held_out import losses_at

__all__ = ["TRAINED", "WAYS", "Changed", "Held", "in_another_order", "looks", "rows_at"]

TRAINED = 32
#: What can be changed for longer windows, of each code, without training.
WAYS = {"none": ("plain", "near"), "learned": ("plain", "last", "again", "squeezed"),
        "sinusoidal": ("plain", "squeezed"), "rotary": ("plain", "squeezed", "near"),
        "alibi": ("plain", "near"), "relative": ("plain", "near")}


@checked
def rows_at(module: Is(Transformer), way: Choice(("last", "again", "squeezed")), n: Whole(1)):
    """The rows (n, d_model) that a model with learned or sinusoidal rows gets in windows of n characters: the last
    trained row again and again, all trained rows again from the first one, or rows at places squeezed into the trained
    ones, between two of which a learned row lies on a straight line.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=3, n_ctx=128, d_model=4, positions="learned", mask="causal")
    >>> module = Transformer(config, init(config))
    >>> rows = rows_at(module, "squeezed", 128)
    >>> bool(torch.allclose(rows[2], (module.W_pos[0] + module.W_pos[1]) / 2)), rows.shape
    (True, torch.Size([128, 4]))
    """
    t = torch.arange(n)
    at = {"last": t.clamp(max=TRAINED - 1), "again": t % TRAINED, "squeezed": t * min(1.0, TRAINED / n)}[way]
    if module.config.positions == "sinusoidal":
        return POSITIONS["sinusoidal"].rows(module, at)
    at = at.clamp(max=TRAINED - 1).double()
    low, high, share = at.floor().long(), at.ceil().long(), (at - at.floor())[:, None].to(module.W_pos.dtype)
    return (1 - share) * module.W_pos[low] + share * module.W_pos[high]


class Changed(nn.Module):
    """A model whose places beyond the trained ones are dealt with in a way of :data:`WAYS`: it reads tokens as the
    model does.
    """

    def __init__(self, module: Transformer, way: str = "plain"):
        super().__init__()
        self.module, self.way = module, way

    def forward(self, tokens):
        """Logits (batch, pos, d_vocab) of tokens (batch, pos)."""
        n = tokens.shape[1]
        if self.way == "plain":
            return self.module(tokens)
        if self.way == "near":
            t = torch.arange(n)
            apart = t[:, None] - t
            return self.module(tokens, mask=(apart >= 0) & (apart < TRAINED))
        turns = POSITIONS["rotary"].turn
        back = torch.arange(n) * (min(1.0, TRAINED / n) - 1)

        def tap(name, value):
            if name == "pos_embed":
                return rows_at.unchecked(self.module, self.way, n).to(value.dtype).expand_as(value)
            return turns(value, back, self.module.config) if name.endswith(("rot_q", "rot_k")) else value

        return self.module(tokens, tap)


class Held(nn.Module):
    """A rotary model with every key in sight, some of whose pairs turn by no more than they did in training: for them a
    key that stands farther away than TRAINED - 1 has the angle of that distance.
    """

    def __init__(self, module: Transformer, pairs: range):
        super().__init__()
        self.module, self.pairs = module, list(pairs)

    def forward(self, tokens):
        """Logits (batch, pos, d_vocab) of tokens (batch, pos)."""
        config, t, seen = self.module.config, torch.arange(tokens.shape[1]), {}
        apart = (t[:, None] - t).clamp(min=0)
        angle = angles(apart, config.d_head, config.rotary_base)                  # (query, key, pair)
        held = angles(apart.clamp(max=TRAINED - 1), config.d_head, config.rotary_base)
        angle[..., self.pairs] = held[..., self.pairs]
        turn = torch.polar(torch.ones_like(angle), angle)

        def tap(name, value):
            if name.endswith((".q", ".k")):
                seen[name[-1]] = torch.view_as_complex(value.unflatten(-1, (-1, 2)).contiguous())
            if not name.endswith(".scores"):
                return value
            q, k = seen["q"], seen["k"]
            products = torch.einsum("bhqp,bhkp,qkp->bhqk", q, k.conj(), turn.to(q.dtype))
            return products.real / config.d_head**0.5

        return self.module(tokens, tap)


@checked
def looks(module: Is(Transformer), found: Examples) -> dict[str, np.ndarray]:
    """Where the last character of windows looks, averaged over them: ``entropy`` (layer, head) of its attention in
    nats, and ``share`` (layer, distance), over heads, of what stands so far back.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=3, n_ctx=4, d_model=4, n_heads=2, mask="causal")
    >>> tokens = np.zeros((1, 4), dtype=int)
    >>> found = looks(Transformer(config, init(config)), Examples(tokens, tokens))
    >>> {name: value.shape for name, value in found.items()}
    {'entropy': (1, 2), 'share': (1, 4)}
    """
    entropy, share = 0, 0

    for tokens in np.array_split(found.tokens, -(-len(found.tokens) // 64)):
        seen = []

        def tap(name, value, seen=seen):
            if name.endswith(".pattern"):
                seen.append(value[:, :, -1].double())                             # (batch, head, key)
            return value

        with torch.no_grad():
            module(torch.as_tensor(tokens), tap)
        rows = torch.stack(seen)                                                  # (layer, batch, head, key)
        entropy = entropy + torch.special.entr(rows).sum(-1).sum(1).numpy()
        share = share + rows.mean(2).sum(1).flip(-1).numpy()
    return {"entropy": entropy / len(found.tokens), "share": share / len(found.tokens)}


@checked
def in_another_order(module: Is(nn.Module), found: Examples, keep: Whole(1)) -> float:
    """The mean loss of the last target where all characters before the last ``keep`` stand in random order.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=4, n_ctx=3, d_model=4, mask="causal")
    >>> module = Transformer(config, {name: 0 * value for name, value in init(config).items()})
    >>> round(in_another_order(module, Examples(np.array([[0, 1, 2]]), np.array([[1, 2, 3]])), 1), 3)
    1.386
    """
    return float(losses_at(module, shuffled(found, keep, seed=0))[-1])


def some(found: Examples, n: int, purpose: str) -> Examples:
    """So many windows at random, each once; the same for every model."""
    at = generator(0, purpose).permutation(len(found.tokens))[:n]
    return Examples(found.tokens[at], found.targets[at])
