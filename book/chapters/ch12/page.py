"""What the small writer of chapter 12 loads: a character model of half a million numbers, and the counts of a 5-gram.

``python -m chapters.ch12.page`` trains the model, in about a quarter of an hour of one core, and writes both.
"""

from __future__ import annotations

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.ngrams import NGrams, looked_up
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, fit
from transformer_lab.widgets.page_data import page_bytes, write_page_data

TASK = TextTask(n_ctx=128)
ORDER = 5
CONFIG = ModelConfig(d_vocab=len(TASK.alphabet), n_ctx=TASK.n_ctx, n_layers=4, n_heads=4, d_model=88, d_mlp=352,
                     positions="rotary", norm="rms", activation="squared_relu", mask="causal", read_out="all",
                     bias_attention=False, bias_mlp=False, bias_unembed=False)


def counted() -> dict[str, np.ndarray]:
    """All runs of 1 to 5 characters in order, by their length: the last character of each, how often it occurs, and by
    how many different ones it is followed.
    """
    levels, arrays = NGrams(TASK.parts[0], ORDER, CONFIG.d_vocab).counts, {}
    for n, level in enumerate(levels):
        small = np.uint16 if level.seen.max() < 2**16 else np.float32
        arrays |= {f"letters.{n + 1}": (level.pairs % CONFIG.d_vocab).astype(np.uint8),
                   f"seen.{n + 1}": level.seen.astype(small)}
        if n + 1 < ORDER:
            below = levels[n + 1]
            arrays[f"kinds.{n + 1}"] = looked_up(level.pairs, below.contexts, below.kinds).astype(np.uint8)
    return arrays


def writer_bytes(params: dict) -> bytes:
    """The page's data: the model in half precision, its alphabet, and the counts."""
    return page_bytes({"writer": (params, CONFIG)}, counted(), dtype="float16", alphabet=TASK.alphabet.characters,
                      order=ORDER)


#: The recipe that the chapter arrives at, on longer windows and for somewhat longer.
SETTINGS = {"library": "torch", "optimizer": "muon", "learning_rate": 0.02, "weight_decay": 0.05, "batch": 16,
            "steps": 2400, "warmup": 50, "schedule": "linear", "lowest": 0.02, "silent": True, "scheme": "fan_in",
            "embedding_scale": 0.1, "beta2": 0.99}


def trained() -> dict[str, np.ndarray]:
    """The model's weights, by name."""
    of_the_task = ("d_vocab", "n_ctx", "mask", "read_out")
    shape = {name: value for name, value in CONFIG.to_dict().items() if name not in of_the_task}
    run = Run.of(TASK, **shape, **SETTINGS)
    stepper = run.stepper()
    fit(stepper, run.batches, steps=run.training.steps, learning_rate=run.learning_rate, every=run.training.steps)
    return {name: stepper.state()[name] for name in parameter_shapes(CONFIG)}


if __name__ == "__main__":
    write_page_data("char-writer.bin", writer_bytes(trained()))
