"""What a PyTorch model loses on text that it has never seen, place by place."""

from __future__ import annotations

import numpy as np

from ..checks import check_type
from ..errors import installed
from ..rules import Whole
from ..signatures import checked
from ..tasks.answers import Examples
from ..tasks.text import by_position

torch = installed("torch", "The PyTorch steppers")

__all__ = ["losses_at"]


@checked
def losses_at(module, found: Examples, characters: Whole(1) = 2**13) -> np.ndarray:
    """The mean loss in nats at each position (pos,) of windows, read so many ``characters`` at a time.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.models.transformer import Transformer
    >>> config = ModelConfig(d_vocab=4, n_ctx=2, d_model=8, mask="causal")
    >>> module = Transformer(config, {name: 0 * value for name, value in init(config).items()})
    >>> losses_at(module, Examples(np.array([[0, 1]]), np.array([[1, 2]]))).round(3)
    array([1.386, 1.386])
    """
    check_type("module", module, torch.nn.Module)

    def losses(tokens, targets):
        with torch.no_grad():
            logits = module(torch.as_tensor(tokens))
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.as_tensor(targets).flatten(),
                                                 reduction="none").view(targets.shape).numpy()

    return by_position(losses, found, max(1, characters // found.tokens.shape[1]))
