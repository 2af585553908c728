"""One training in NumPy and in PyTorch: the same first weights, the same batches, and how far the weights drift apart.

On one side the gradients and the optimiser written by hand, on the other autograd and ``torch.optim.AdamW``.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.transformer import init
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.models.transformer import Transformer
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.training import History
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.torch_stepper import TorchStepper

__all__ = ["drift"]

RUN = RECIPES["digits"]
PRECISIONS = {"float64": np.float64, "float32": np.float32}


@checked
def drift(steps: Whole(1, RUN.training.steps) = 200, *, precision: Choice(PRECISIONS) = "float64",
          seed: Seed() = 0) -> History:
    """Make the first updates of the digit recipe twice, and compare after each.

    ``weights`` is the largest difference of any weight after so many updates; ``by_hand`` and ``autograd`` are the
    losses of the two models on the batch that comes next, in nats.

    >>> history = drift(3)
    >>> bool(history["weights"].max() < 1e-12), history.steps.tolist()
    (True, [0, 1, 2, 3])
    """
    params, data = init(RUN.model, seed=seed, dtype=PRECISIONS[precision]), RUN.task.encoded(RUN.task.parts.train)
    ours = Stepper(params, RUN.model, **RUN.training.settings)
    theirs = TorchStepper(Transformer(RUN.model, params), **RUN.training.settings)
    rate, history = RUN.learning_rate, History()
    for step in range(steps + 1):
        rows = generator(seed, "batch", step).integers(len(data.tokens), size=RUN.training.batch)
        row = {"step": step, "weights": apart(ours.params, theirs.state())}
        batch = data.tokens[rows], data.targets[rows]
        losses = [stepper.step(batch, rate(step))["loss"] for stepper in (ours, theirs)]
        history.add(row | dict(zip(("by_hand", "autograd"), losses, strict=True)))
    return history


def apart(ours: dict, theirs: dict) -> float:
    return max(float(np.abs(value - theirs[name]).max()) for name, value in ours.items())
