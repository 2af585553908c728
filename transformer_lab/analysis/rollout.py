r"""How much of each position's answer comes from which input, by multiplying patterns through the layers.

*Rollout* (Abnar and Zuidema 2020) averages the heads and counts the stream as half: :math:`R_l = (\tfrac12 \bar A_l +
\tfrac12 I)\, R_{l-1}` (eq-rollout). *Gradient-weighted* rollout (Chefer et al. 2021) counts a weight as much as the
answer asks for it: :math:`R_l = R_{l-1} + \overline{(\nabla A_l \odot A_l)^+}\, R_{l-1}` (eq-gradient-rollout). Neither
looks at values: what they are worth is for an ablation to say.
"""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError
from ..rules import Array, Wholes
from ..signatures import checked
from .cache import Runner, patterns

__all__ = ["gradient_rollout", "rollout"]

@checked
def rollout(pattern: Array("... n_heads query query", low=0)) -> np.ndarray:
    """The share of each input (..., query, input), from patterns (n_layers, ..., n_heads, query, key).

    >>> rollout(np.array([[[[1.0, 0.0], [0.5, 0.5]]]])).tolist()
    [[1.0, 0.0], [0.25, 0.75]]
    """
    layered(pattern)
    flow = np.eye(pattern.shape[-1], dtype=pattern.dtype)
    for layer in pattern:
        flow = (layer.mean(axis=-3) + np.eye(len(flow.T))) / 2 @ flow
    return flow


@checked
def gradient_rollout(run: Runner, tokens: Wholes("... batch pos", low=0) | Array("..."),
                     d_logits: Array("...")) -> np.ndarray:
    """How much each input counts for what is asked (..., batch, query, input); ``d_logits`` asks: it has the logits'
    shape, with a 1 where one logit is to be explained.

    >>> from transformer_lab.byhand.transformer import ModelConfig, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, mask="causal", read_out="last")
    >>> run = Runner(init(config), config)
    >>> gradient_rollout(run, [[1, 2, 3]], np.eye(5)[[4]]).shape
    (1, 3, 3)
    """
    gradients, looks = run.gradients(tokens, d_logits), patterns(run, tokens)
    flow = np.eye(looks.shape[-1])
    for layer, pattern in enumerate(looks):
        asked = np.maximum(gradients[f"blocks.{layer}.pattern"] * pattern, 0).mean(axis=-3)
        flow = flow + asked @ flow
    return flow


def layered(pattern):
    if pattern.ndim < 4:
        raise ShapeError("pattern", f"an array of shape {pattern.shape}", "(n_layers, ..., n_heads, query, key)",
                         "Take analysis.cache.patterns(run, tokens).")
