"""What is kept so that it need not be computed again, and what is computed again so that it need not be kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from time import process_time

import numpy as np

from transformer_lab.byhand import transformer
from transformer_lab.byhand.attention import attend, merge, project
from transformer_lab.byhand.block import Acts, block, block_pullback
from transformer_lab.byhand.parts import feed_forward, layer_norm
from transformer_lab.config import ModelConfig
from transformer_lab.rules import Each, Inexact, Whole
from transformer_lab.signatures import checked
from transformer_lab.taps import keep

__all__ = ["SHAPES", "cache_bytes", "cache_entries", "chain", "empty_cache", "in_segments", "multiplications",
           "next_logits", "write_tokens", "writer"]

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


def cache_bytes(name: str, *, n_kv: int | None = None, each: int = 2) -> int:
    """Bytes of a full cache of a published shape; with ``n_kv``, of the same model with so many heads of keys.

    >>> cache_bytes("Llama 2, 7B") / 2**30
    2.0
    """
    n_layers, _, heads, d_head, n_ctx = SHAPES[name]
    return each * cache_entries(n_ctx, n_layers, n_kv or heads, d_head)


def writer(n_ctx: int, d_model: int = 128, n_layers: int = 4, seed: int = 0) -> tuple[dict, ModelConfig]:
    """A causal model with random weights: what it writes makes no sense, and takes as long as what does."""
    config = ModelConfig(d_vocab=64, n_ctx=n_ctx, d_model=d_model, n_heads=4, n_layers=n_layers, d_mlp=4 * d_model,
                         positions="learned", norm="layer", mask="causal", read_out="last")
    return transformer.init(config, seed=seed, embedding_scale=1.0, dtype=np.float64), config


def empty_cache(config) -> np.ndarray:
    """Room for keys and values: (layer, 2, head, pos, d_head)."""
    return np.zeros((config.n_layers, 2, config.n_heads, config.n_ctx, config.d_head))


def next_logits(params, config, token: int, place: int, cache) -> np.ndarray:
    """The logits after one more token, which stands at ``place``; its keys and values go into the cache.

    >>> params, config = writer(4, d_model=8, n_layers=2)
    >>> cache = empty_cache(config)
    >>> kept = [next_logits(params, config, token, place, cache) for place, token in enumerate([5, 1, 9])]
    >>> whole = transformer.forward(params, np.array([[5, 1, 9]]), config)["logits"][0]
    >>> bool(abs(kept[-1] - whole).max() < 1e-12)
    True
    """
    x = (params["W_E"][token] + params["W_pos"][place])[None, None]
    for layer, stored in enumerate(cache):
        p = {name.partition(f"blocks.{layer}.")[2]: value for name, value in params.items()}
        h = layer_norm.unchecked(x, p["ln1_w"], p["ln1_b"], config.eps)[0]
        q, k, v = (project.unchecked(h, p[f"W_{letter}"]) for letter in "QKV")
        stored[0, :, place], stored[1, :, place] = k[0, :, 0], v[0, :, 0]
        keys, values = stored[:, :, :place + 1]
        x = x + merge.unchecked(attend.unchecked(q[0], keys, values)["z"][None], p["W_O"])
        h = layer_norm.unchecked(x, p["ln2_w"], p["ln2_b"], config.eps)[0]
        x = x + feed_forward.unchecked(p, h, config.activation, keep)["mlp_out"]
    h = layer_norm.unchecked(x, params["ln_final_w"], params["ln_final_b"], config.eps)[0]
    return (h @ params["W_U"] + params["b_U"])[0, 0]


def write_tokens(n: int, *, cached: bool, **shape) -> tuple[list[int], list[float]]:
    """The likeliest tokens one after the other, and the seconds that each took.

    >>> write_tokens(5, cached=True, d_model=8)[0] == write_tokens(5, cached=False, d_model=8)[0]
    True
    """
    params, config = writer(n, **shape)
    cache, tokens, seconds = empty_cache(config), [0], []
    for place in range(n):
        began = process_time()
        if cached:
            logits = next_logits(params, config, tokens[-1], place, cache)
        else:
            logits = transformer.forward(params, np.array([tokens]), config)["logits"][0]
        seconds.append(process_time() - began)
        tokens.append(int(logits.argmax()))
    return tokens[1:], seconds


def chain(params, config, mask) -> list[tuple]:
    """The blocks of a model as pairs: forward(x) gives the stream and what is kept; pullback(kept, d) goes back."""
    def forward(p, x):
        acts = Acts(keep)
        return block(p, x, config, acts, mask=mask), acts

    def pullback(p, acts, d):
        grads = block_pullback(p, acts, d, config, keep)
        return grads.pop("x"), grads

    layers = [{name.removeprefix(f"blocks.{layer}."): value for name, value in params.items()
               if name.startswith(f"blocks.{layer}.")} for layer in range(config.n_layers)]
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
    ends = np.linspace(0, len(layers), (segments or 1) + 1).round().astype(int).tolist()
    parts, inputs, calls = [layers[a:b] for a, b in pairwise(ends)], [x], 0
    if segments:
        for part in parts:
            for forward, _ in part:
                x, _ = forward(x)
            calls += len(part)
            inputs.append(x)
        inputs.pop()
    d, grads, alive = d_out, [], 0
    for part in reversed(parts):
        x, kept = inputs[-1], []
        for forward, _ in part:
            x, acts = forward(x)
            kept.append(acts)
        calls, alive = calls + len(part), max(alive, len(kept) + (len(inputs) if segments else 0))
        inputs.pop()
        for _, pullback in reversed(part):
            d, found = pullback(kept.pop(), d)
            grads.insert(0, found)
    return {"d_x": d, "grads": grads, "alive": alive, "calls": calls}
