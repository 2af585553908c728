"""What a terminal says of runs on text: what a character costs them, beside n-grams, and how they would go on."""

from __future__ import annotations

import numpy as np

from ..analysis.digit_model import Ranked
from ..errors import DataError
from ..tasks.ngrams import NGrams
from ..tasks.text import TextTask
from ..training import Record, Run
from .show import percent, ranking, table

#: What one may ask such a run; how much of an answer is written, at which temperature.
SUCH, MOST, WARMTH = "ROMEO:", 300, 0.8


def outcome(record: Record) -> str:
    """What a character of the held-out text costs, and how often the likeliest one comes."""
    last = record.history.rows[-1]
    loss, right = (np.ravel(last[f"held_out_{name}"]) for name in ("loss", "accuracy"))
    models = f"{loss.size} models, the best of them " if loss.size > 1 else ""
    best = loss.argmin()
    return f"{models}{loss[best]:.3f} nats a character on held-out text, {percent(right[best])} of it foretold"


def rulers(task: TextTask, orders=range(7)) -> dict[int, float]:
    """Nats a held-out character that n-grams pay, by their order; each sees all of the text before it.

    >>> {order: round(nats, 2) for order, nats in rulers(TextTask("sonnet", n_ctx=16), (0, 1, 2)).items()}
    {0: 3.71, 1: 3.05, 2: 2.41}
    """
    train, held_out = task.parts
    return {order: float(NGrams(train, order, len(task.alphabet)).losses(held_out).mean()) for order in orders}


def evaluated(run: Run, record: Record) -> str:
    """The loss beside the rulers."""
    rows = [(f"{order}-gram" if order else "no knowledge", f"{nats:.3f}", f"{nats / np.log(2):.3f}")
            for order, nats in rulers(run.task).items()]
    found = [(f"this model, seed {run.training.seed + i}", f"{nats:.3f}", f"{nats / np.log(2):.3f}")
             for i, nats in enumerate(np.ravel(record.history["held_out_loss"][-1]))]
    weights = sum(value.size for value in record.weights.values())
    return (f"{record.path.name}: {outcome(record)}\n{weights:,} weights, {record.manifest['step']:,} steps\n\n"
            + table([*rows, *found], ["held-out text", "nats", "bits"]))


def continued(run: Run, record: Record, text: str) -> str:
    """The five likeliest next characters, and how the model goes on until its context is full."""
    import torch

    from ..models.generate import generate, temperature
    from ..models.transformer import Transformer
    if not text:
        raise DataError(f'There is nothing to go on from. Type how a text begins, such as "{SUCH}".')
    if run.training.seeds > 1:
        raise DataError(f"{record.path} holds {run.training.seeds} models, trained at once, and one is asked at a "
                        "time. Train one alone, with its own seed.")
    alphabet, n_ctx = run.task.alphabet, run.model.n_ctx
    tokens = alphabet.encode(text)[-max(1, n_ctx // 2):].tolist()
    chances = np.exp(run.read(record.weights, np.array([tokens]))[0, -1].astype(float))
    chances /= chances.sum()
    best = [Ranked(repr(alphabet.characters[i]), float(chances[i])) for i in (-chances).argsort(kind="stable")[:5]]
    (written,) = generate(Transformer(run.model, record.weights), [tokens], min(MOST, n_ctx + 1 - len(tokens)),
                          change=lambda logits: temperature(logits.to(torch.float64), WARMTH))
    return f"{ranking(best)}\n\n{text}{alphabet.decode(written)}"
