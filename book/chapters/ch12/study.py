"""Chapter 12's studies: from a usual recipe for a small language model to a better one, one change at a time; both ends
at full length; and the same small model twenty times, for what chance alone does.

``transformer-lab study one-change-at-a-time``, ``… one-change-again``, ``… in-150-seconds``,
``… in-150-seconds-again``, ``… two-wider-heads`` and ``… twenty-seeds`` make the records again. All losses are in nats
a character, over all windows of what is held out.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from transformer_lab.rules import Choice, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks import text
from transformer_lab.tasks.ngrams import NGrams
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, Study, fit
from transformer_lab.training.held_out import losses_at

__all__ = ["BASELINE", "CHANGES", "ENDS", "ENDS_AGAIN", "LADDER", "LADDER_AGAIN", "RATES", "RULERS", "TOKENS", "TWENTY",
           "WIDER", "WIDER_HEADS", "ends", "ladder", "recipe"]

TOKENS, SHORT, FULL = 64 * 24, 400, {"nanoGPT": 2000, "ours": 2600}

#: nanoGPT's settings for a computer without a graphics card, in full precision, without its dropout of 0.
USUAL = {"n_layers": 4, "n_heads": 4, "d_model": 128, "d_mlp": 512, "positions": "learned", "norm": "layer",
         "activation": "gelu_exact", "tied": True, "bias_mlp": False, "bias_unembed": False, "library": "torch",
         "batch": 12, "learning_rate": 1e-3, "warmup": 100, "schedule": "cosine", "lowest": 0.1, "beta2": 0.99,
         "weight_decay": 0.1, "clip": 1.0, "scheme": "small", "embedding_scale": 0.02}

#: Change after change, each on top of those before it.
CHANGES = {
    "nanoGPT": {},
    "rate 0.004": {"learning_rate": 4e-3},
    "rotary positions": {"positions": "rotary"},
    "RMSNorm": {"norm": "rms", "eps": 1e-6},
    "squared ReLU": {"activation": "squared_relu"},
    "untied, silent at first": {"tied": False, "scheme": "fan_in", "embedding_scale": 0.1, "silent": True},
    "down to 2 % in a line": {"schedule": "linear", "lowest": 0.02, "warmup": 50},
    "Muon": {"optimizer": "muon", "learning_rate": 0.02, "weight_decay": 0.05, "clip": 0.0},
    "twice the batch": {"batch": 24},
    "bfloat16": {"precision": "bfloat16"},
    "ever longer windows": {},
}
#: With the last change windows have 64 characters for half of the steps, then 128, then 256; and 256 when judged.
LENGTHS = ((0.5, 64), (0.75, 128), (1.0, 256))


@cache
def windows(n_ctx: int) -> TextTask:
    """The text in windows of this length; the same object each time, for it holds the text."""
    return TextTask(n_ctx=n_ctx)


#: A change that was found when the ladder had been climbed, and was tried at full length alone.
WIDER = "two heads of 64"
LATER = {WIDER: {"n_heads": 2}}


@checked
def recipe(change: Choice(CHANGES | LATER), steps: Whole(1), seed: Whole() = 0) -> Run:
    """The run with this change and all before it.

    >>> first, last = (recipe(change, 400) for change in ("nanoGPT", "ever longer windows"))
    >>> first.model.n_ctx, last.model.n_ctx, last.training.optimizer
    (64, 256, 'muon')
    """
    settings = dict(USUAL)
    for name, changes in (CHANGES | LATER).items():
        settings |= changes
        if name == change:
            break
    settings["warmup"] = min(settings["warmup"], steps // 8)
    longer = change == "ever longer windows" or change in LATER
    return Run.of(windows(256 if longer else 64), steps=steps, seed=seed, **settings)


def batches(run: Run):
    """``batches(step)`` of a run: as its task has them, or longer windows and fewer of them as it goes on."""
    if run.task.n_ctx == 64:
        return run.batches

    def growing(step):
        n_ctx = next(length for share, length in LENGTHS if step < share * run.training.steps)
        return text.sample(windows(n_ctx), TOKENS // n_ctx, seed=run.training.seed, purpose="batch", step=step)

    return growing


class Timed:
    """A stepper that knows how long its steps took, in processor seconds."""

    def __init__(self, stepper):
        self.stepper, self.seconds = stepper, []
        self.state, self.load_state = stepper.state, stepper.load_state

    def step(self, batch, learning_rate):
        began = time.process_time()
        try:
            return self.stepper.step(batch, learning_rate)
        finally:
            self.seconds.append(time.process_time() - began)


def trained(run: Run, marks: int) -> dict:
    """A run's held-out loss over all windows, by position; on every tenth window, at so many moments; its seconds."""
    stepper, (held_out, _) = Timed(run.stepper()), text.tests(run.task)
    few = type(held_out)(*(part[::10] for part in held_out))
    module, steps = stepper.stepper.module, run.training.steps
    history = fit(stepper, batches(run), steps=steps, learning_rate=run.learning_rate, every=steps // marks,
                  evaluate=lambda _: {"tenth": float(losses_at(module, few).mean())})
    at = losses_at(module, held_out)
    weights = sum(value.numel() for value in module.parameters())
    return {"held_out": at.mean(), "by_position": ("pos", at.astype(np.float32)), "pos": ("pos", np.arange(len(at))),
            "mark": ("mark", np.arange(marks + 1) / marks), "tenth": ("mark", history["tenth"].astype(np.float32)),
            "train_loss": ("mark", history["loss"].astype(np.float32)),
            "seconds": sum(stepper.seconds), "milliseconds": 1000 * np.median(stepper.seconds), "weights": weights}


def one_change(change: str, seed: int) -> dict:
    """A rung of the ladder, 400 steps."""
    return trained(recipe(change, SHORT, seed), 8)


def wider(seed: int) -> dict:
    """Our recipe with half as many heads, each twice as wide, for as many steps."""
    return trained(recipe(WIDER, FULL["ours"], seed), 10)


def an_end(end: str, seed: int) -> dict:
    """The usual recipe at its usual length, or ours at as many processor seconds as two cores have in 150 s."""
    change = {"nanoGPT": "nanoGPT", "ours": "ever longer windows"}[end]
    return trained(recipe(change, FULL[end], seed), 10)


#: A small model, an eighth of the size, trained in some twenty seconds: what this part of the book compares.
BASELINE = {"n_layers": 2, "n_heads": 4, "d_model": 64, "d_mlp": 256, "positions": "rotary", "norm": "rms", "eps": 1e-6,
            "activation": "squared_relu", "bias_mlp": False, "bias_unembed": False, "library": "torch", "silent": True,
            "batch": 16, "learning_rate": 5e-3, "warmup": 50, "lowest": 0.02, "beta2": 0.99, "weight_decay": 0.1,
            "steps": 1000}


def one_of_twenty(seed: int) -> dict:
    """The baseline with a seed: first weights and batches vary."""
    return trained(Run.of(windows(64), seed=seed, **BASELINE), 10)


AT_LENGTH = {"steps": FULL, "usual": USUAL, "changes": CHANGES, "lengths": [list(one) for one in LENGTHS]}
ENDS = Study("in-150-seconds", an_end, {"end": tuple(FULL)}, seeds=range(3), settings=AT_LENGTH)
#: Two more seeds of each end, run when the first three had been told.
ENDS_AGAIN = Study("in-150-seconds-again", an_end, {"end": tuple(FULL)}, seeds=(3, 4), settings=AT_LENGTH)
WIDER_HEADS = Study("two-wider-heads", wider, seeds=range(5), settings=AT_LENGTH | {"later": LATER})
LADDER = Study("one-change-at-a-time", one_change, {"change": tuple(CHANGES)}, seeds=range(3),
               settings={"steps": SHORT, "usual": USUAL, "changes": CHANGES})
#: Two more seeds of each rung, run when the first three had been told.
LADDER_AGAIN = Study("one-change-again", one_change, {"change": tuple(CHANGES)}, seeds=(3, 4),
                     settings={"steps": SHORT, "usual": USUAL, "changes": CHANGES})


def ladder():
    """The records of the rungs side by side: (change, seed), five seeds.

    >>> dict(ladder()["held_out"].sizes)
    {'change': 11, 'seed': 5}
    """
    return LADDER.load().combine_first(LADDER_AGAIN.load())


def ends():
    """The records of both ends side by side: (end, seed), five seeds; ``by_position`` is NaN past an end's window.

    >>> dict(ends()["held_out"].sizes)
    {'end': 2, 'seed': 5}
    """
    return ENDS.load().combine_first(ENDS_AGAIN.load())


TWENTY = Study("twenty-seeds", one_of_twenty, seeds=range(20), settings=BASELINE)


def ruler(order: int) -> dict:
    """What characters cost who counts runs of so many: on what is held out, and on as much of what was counted."""
    train, held_out = windows(64).parts
    model = NGrams(train, order, len(windows(64).alphabet))
    return {"loss": float(model.losses(held_out).mean()), "train": float(model.losses(train[:len(held_out)]).mean())}


#: Rates a factor of two apart, around what each optimiser does best at.
RATES_OF = {"adamw": (6.25e-4, 1.25e-3, 2.5e-3, 5e-3, 1e-2, 2e-2), "muon": (2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2, 8e-2)}


def at_rate(optimizer: str, rate: float, seed: int) -> dict:
    """The baseline, for 400 steps, with this optimiser at this rate."""
    decay = {"adamw": 0.1, "muon": 0.05}[optimizer]
    settings = BASELINE | {"optimizer": optimizer, "learning_rate": rate, "weight_decay": decay, "steps": SHORT}
    found = trained(Run.of(windows(64), seed=seed, **settings), 1)
    return {"held_out": found["held_out"], "seconds": found["seconds"]}


RATES = Study("optimisers-at-their-rates", at_rate, seeds=range(5), settings=BASELINE | {"steps": SHORT},
              arms=[{"optimizer": name, "rate": rate} for name, rates in RATES_OF.items() for rate in rates])
RULERS = Study("rulers", ruler, {"order": tuple(range(8))}, settings={"text": "tiny shakespeare"})
