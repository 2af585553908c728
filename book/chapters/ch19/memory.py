"""What is kept so that it need not be computed again, and what is computed again so that it need not be kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from transformer_lab.byhand import transformer
from transformer_lab.byhand.block import Acts, block, block_pullback
from transformer_lab.byhand.packing import layer_of
from transformer_lab.checks import check_entries, check_whole
from transformer_lab.config import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.rules import Each, Flags, Inexact, Seed, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.taps import keep

__all__ = ["SHAPES", "cache_entries", "chain", "in_segments", "multiplications", "read_one_by_one", "writer"]

#: Published shapes: layers, heads, heads of keys and values, numbers a head, tokens in view.
SHAPES = {"GPT-2": (12, 12, 12, 64, 1024), "Llama 2, 7B": (32, 32, 32, 128, 4096),
          "Llama 2, 70B": (80, 64, 8, 128, 4096)}


@checked
def multiplications(n: Whole(), d: Whole(1), d_mlp: Whole() = 0) -> tuple[int, int]:
    r"""Multiplications of a block, those that grow as n and those that grow as n squared: :math:`4 n d^2 + 2 n d\,
    d_\text{mlp}` and :math:`2 n^2 d` (eq-multiplications).

    >>> multiplications(3, 2)
    (48, 36)
    """
    return 4 * n * d**2 + 2 * n * d * d_mlp, 2 * n**2 * d


@checked
def cache_entries(n_tokens: Whole(), n_layers: Whole(1), n_kv: Whole(1), d_head: Whole(1)) -> int:
    r"""How many numbers the keys and values of a text are: :math:`2\, n\, n_\text{layers} n_\text{kv} d_\text{head}`
    (eq-cache).

    >>> cache_entries(1024, 12, 12, 64)
    18874368
    """
    return 2 * n_tokens * n_layers * n_kv * d_head


@checked
def writer(n_ctx: Whole(1, 4096), d_model: Whole(4, 1024) = 128, n_layers: Whole(1, 100) = 4,
           seed: Seed = 0) -> tuple[dict, ModelConfig]:
    """A causal model with random weights: what it writes makes no sense, and takes as long as what does."""
    config = ModelConfig(d_vocab=64, n_ctx=n_ctx, d_model=d_model, n_heads=4, n_layers=n_layers, d_mlp=4 * d_model,
                         positions="learned", norm="layer", mask="causal")
    return transformer.init(config, seed=seed, embedding_scale=1.0, dtype=np.float64), config


@checked
def read_one_by_one(params: dict, config: ModelConfig, tokens: Wholes("token", low=0, below="config.d_vocab"),
                    places: Wholes("token", low=0, below="config.n_ctx") | None = None) -> np.ndarray:
    """The logits (token, d_vocab) after each token, each read by itself while keys and values are kept in a cache; with
    ``places`` the tokens are put there, in place of one behind the other.

    >>> params, config = writer(4, d_model=8, n_layers=2)
    >>> whole = transformer.forward(params, np.array([[5, 1, 9]]), config)["logits"][0]
    >>> bool(abs(read_one_by_one(params, config, [5, 1, 9]) - whole).max() < 1e-12)
    True
    """
    import torch

    from transformer_lab.models.block import Cache
    from transformer_lab.models.transformer import Transformer
    check_whole("len(tokens)", len(tokens), high=config.n_ctx)
    model, cache, logits = Transformer(config, params), Cache(config.n_layers, 1, config.n_ctx), []
    with torch.no_grad():
        for place, token in zip(np.arange(len(tokens)) if places is None else places, tokens, strict=True):
            cache.move(torch.tensor([[place]]))
            logits.append(model(torch.tensor([[token]]), cache=cache)[0, 0].numpy())
    return np.array(logits)


@checked
def chain(params: dict, config: ModelConfig, mask: Flags("... query key") | None) -> list[tuple]:
    """The blocks of a model as pairs: forward(x) gives the stream and what is kept; pullback(kept, d) goes back.

    >>> layers = chain(*writer(4, d_model=8, n_layers=2), np.tri(4, dtype=bool))
    >>> forward, pullback = layers[0]
    >>> stream, kept = forward(np.ones((1, 4, 8)))
    >>> len(layers), stream.shape, pullback(kept, stream)[0].shape
    (2, (1, 4, 8), (1, 4, 8))
    """
    def forward(p, x):
        acts = Acts(keep)
        return block(p, x, config, acts, mask=mask), acts

    def pullback(p, acts, d):
        grads = block_pullback(p, acts, d, config, keep)
        return grads.pop("x"), grads

    check_entries("params", params, parameter_shapes(config))
    layers = [layer_of(params, layer) for layer in range(config.n_layers)]
    return [(partial(forward, p), partial(pullback, p)) for p in layers]


@checked
def in_segments(layers: Each(Each(Callable, 2)), x: Inexact("..."), d_out: Inexact("..."),
                segments: Whole(1) | None = None) -> dict:
    """The gradients of a chain of layers where only what goes into each segment is kept, and the rest computed again.

    Without ``segments`` everything is kept. Beside ``d_x`` and ``grads`` are ``alive``, the most layers and inputs of
    segments that were kept at once, and ``calls``, how often a layer ran forward (eq-checkpoints).

    >>> double = (lambda x: (2 * x, x), lambda kept, d: (2 * d, {"w": kept * d}))
    >>> [(found["alive"], found["calls"], float(found["d_x"])) for found in
    ...  (in_segments([double] * 4, 1.0, 1.0), in_segments([double] * 4, 1.0, 1.0, 2))]
    [(4, 4, 16.0), (4, 8, 16.0)]
    """
    ends = np.linspace(0, len(layers), (segments or 1) + 1).round().astype(int)
    parts, inputs, calls = [layers[a:b] for a, b in pairwise(ends)], [x], 0

    def ahead(part, x):
        nonlocal calls
        kept, calls = [], calls + len(part)
        for forward, _ in part:
            x, acts = forward(x)
            kept.append(acts)
        return x, kept

    for part in parts if segments else ():
        inputs.append(ahead(part, inputs[-1])[0])
    d, grads, alive = d_out, [], 0
    for needed, part in reversed([*enumerate(parts, 1)]):  # so many of the inputs from here on
        kept = ahead(part, inputs[needed - 1])[1]
        alive = max(alive, len(kept) + (needed if segments else 0))
        for _, pullback in reversed(part):
            d, found = pullback(kept.pop(), d)
            grads.insert(0, found)
    return {"d_x": d, "grads": grads, "alive": alive, "calls": calls}
