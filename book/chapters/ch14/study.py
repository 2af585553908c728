"""Chapter 14's studies: the same small character model with every position code, at five learning rates, with two seeds
and around the best with five; and at the best of them ten seeds, in windows of up to four times the trained length.

``transformer-lab study codes-at-their-rates`` and its like make the records again.
All losses are in nats a character, over all windows of what is held out, side by side.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from transformer_lab.rules import Choice, Number, Seed
from transformer_lab.signatures import checked
from transformer_lab.tasks import text
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, Study
from transformer_lab.training.held_out import losses_at
from transformer_lab.training.outcome import tried

from .beyond import TRAINED, WAYS, Changed, Held, in_another_order, looks, some

__all__ = ["AROUND", "BEST", "BEYOND", "CODES", "FAR", "HELD", "KEEP", "NEAR", "PAIRS", "RATES", "losses", "recipe"]

#: The baseline of chapter 12 for 400 steps, with windows half as long, and room for four times as long ones.
BASELINE = {"n_layers": 2, "n_heads": 4, "d_model": 64, "d_mlp": 256, "norm": "rms", "eps": 1e-6,
            "activation": "squared_relu", "bias_mlp": False, "bias_unembed": False, "library": "torch", "silent": True,
            "batch": 16, "warmup": 40, "lowest": 0.02, "beta2": 0.99, "weight_decay": 0.1, "steps": 400,
            "limit": 20.0, "model.n_ctx": 4 * TRAINED}
#: What each code changes. Sinusoidal rows have the size 0.7, learned ones begin with 0.1, as the tokens do.
CODES = {"none": {"positions": "none"}, "learned": {"positions": "learned"},
         "sinusoidal": {"positions": "sinusoidal", "embedding_scale": 1.0},
         "sinusoidal, small tokens": {"positions": "sinusoidal"}, "rotary": {"positions": "rotary"},
         "alibi": {"positions": "alibi"}, "relative": {"positions": "relative", "max_distance": TRAINED}}
TRIED = (0.0025, 0.005, 0.01, 0.02, 0.04)
#: Sinusoidal rows and the relative bias were best at the last of them with a seed or with two, so they got one more.
MORE = ("sinusoidal", "sinusoidal, small tokens", "relative")
ARMS = [{"code": code, "rate": rate} for code in CODES for rate in TRIED + (0.08,) * (code in MORE)]
#: Windows four times as long; the last so many characters are in order when the others are shuffled.
FAR, KEEP = 4 * TRAINED, (1, 2, 4, 8, 16)
GROUP = 4  # characters that share a number in the record


@cache
def windows(n_ctx: int) -> TextTask:
    """The text in windows of this length; the same object each time, for it holds the text."""
    return TextTask(n_ctx=n_ctx)


@checked
def recipe(code: Choice(CODES), rate: Number(above=0), seed: Seed = 0) -> Run:
    """The run with a code, at a learning rate.

    >>> run = recipe("sinusoidal", 0.01)
    >>> run.task.n_ctx, run.model.n_ctx, run.training.embedding_scale
    (32, 128, 1.0)
    """
    return Run.of(windows(TRAINED), learning_rate=rate, seed=seed, **BASELINE | CODES[code])


def trained(run: Run):
    """A run's model, and the step at which it diverged, or -1."""
    stepper = run.stepper()
    stepper.module.fuse()
    steps = run.training.steps
    outcome = tried(stepper, run.batches, steps=steps, learning_rate=run.learning_rate, every=steps,
                    limit=run.training.limit)
    return stepper.module, outcome.diverged


def at_rate(code: str, rate: float, seed: int) -> dict:
    """What a code loses at a rate in windows as long as in training; a run that diverged, NaN."""
    module, diverged = trained(recipe(code, rate, seed))
    loss = np.nan if diverged >= 0 else losses_at(module, text.tests(windows(TRAINED))[0]).mean()
    return {"held_out": loss, "diverged": diverged}


#: The rate at which each code lost least in windows as long as in training, with the first seed; with five it still
#: is, but for sinusoidal rows, which lose 0.011 nats less at 0.02.
BEST = {"none": 0.005, "learned": 0.01, "sinusoidal": 0.04, "rotary": 0.005, "alibi": 0.01, "relative": 0.02}


def lengths(module) -> dict:
    """Losses in windows four times as long: as it is in all of them, by groups of positions; and in every way that the
    code has, in a third of them.
    """
    ways = list(dict.fromkeys(way for found in WAYS.values() for way in found))
    every, _ = text.tests(windows(FAR))
    third = some(every, len(every.tokens) // 3, "a third")
    at = np.full((len(ways), FAR // GROUP), np.nan, np.float32)
    for way in WAYS[module.config.positions]:
        at[ways.index(way)] = grouped(losses_at(Changed(module, way), third))
    return {"group": ("group", np.arange(0, FAR, GROUP)), "way": ("way", ways), "in_a_third": (("way", "group"), at),
            "by_group": ("group", grouped(losses_at(module, every)))}


def grouped(at: np.ndarray) -> np.ndarray:
    return at.reshape(-1, GROUP).mean(axis=1).astype(np.float32)


def one_code(code: str, seed: int) -> dict:
    """A code at its best rate: what it loses in windows of every length, where it looks, and what it can do without."""
    module, diverged = trained(recipe(code, BEST[code], seed))
    short, _ = text.tests(windows(TRAINED))
    at, few = losses_at(module, short), some(short, 512, "shuffled windows")
    repeated = losses_at(module, text.repeated(windows(TRAINED), 1024, seed=0))
    near = looks(module, some(short, 256, "looked at"))
    far = looks(module, some(text.tests(windows(FAR))[0], 64, "looked at"))
    share = far["share"].reshape(len(far["share"]), -1, GROUP).sum(axis=2)
    return {"held_out": at.mean(), "diverged": diverged, **lengths(module),
            "pos": ("pos", np.arange(TRAINED)), "by_position": ("pos", at.astype(np.float32)),
            "repeated": ("pos", repeated.astype(np.float32)), "in_order": losses_at(module, few)[-1],
            "keep": ("keep", list(KEEP)), "shuffled": ("keep", [in_another_order(module, few, n) for n in KEEP]),
            "entropy": (("layer", "head"), near["entropy"]),
            "share": (("layer", "pos"), near["share"].astype(np.float32)),
            "far_entropy": (("layer", "head"), far["entropy"]),
            "far_share": (("layer", "group"), share.astype(np.float32))}


#: Pairs of a rotary head that are kept from turning farther than in training.
PAIRS = {"none": range(0), "fast four": range(4), "slow four": range(4, 8), "all": range(8)}


def angles_held(seed: int) -> dict:
    """A rotary model in windows four times as long, with all keys in sight, some pairs at known angles alone."""
    module, _ = trained(recipe("rotary", BEST["rotary"], seed))
    every, _ = text.tests(windows(FAR))
    third = some(every, len(every.tokens) // 3, "a third")
    at = [grouped(losses_at(Held(module, pairs), third)) for pairs in PAIRS.values()]
    return {"group": ("group", np.arange(0, FAR, GROUP)), "pairs": ("pairs", list(PAIRS)),
            "losses": (("pairs", "group"), np.stack(at))}


#: Of each code the rates around which it did best with two seeds: these are trained with three more.
AROUND = {"none": (0.0025, 0.005, 0.01), "learned": (0.005, 0.01, 0.02), "sinusoidal": (0.01, 0.02, 0.04, 0.08),
          "sinusoidal, small tokens": (0.01, 0.02, 0.04), "rotary": (0.0025, 0.005, 0.01), "alibi": (0.005, 0.01, 0.02),
          "relative": (0.01, 0.02, 0.04, 0.08)}
RATES = Study("codes-at-their-rates", at_rate, ARMS, seeds=range(2),
              settings={"baseline": BASELINE, "codes": CODES})
NEAR = Study("codes-near-their-best", at_rate, seeds=range(2, 5), settings={"baseline": BASELINE, "codes": CODES},
             arms=[{"code": code, "rate": rate} for code, rates in AROUND.items() for rate in rates])
BEYOND = Study("beyond-the-window", one_code, {"code": tuple(BEST)}, seeds=range(10),
               settings={"baseline": BASELINE, "codes": CODES, "rates": BEST})
HELD = Study("rotary-angles-held", angles_held, seeds=range(5),
             settings={"baseline": BASELINE, "rate": BEST["rotary"], "pairs": {name: list(pairs) for name, pairs in
                                                                             PAIRS.items()}})


def losses():
    """What every code loses within the trained length (code, rate, seed): two seeds at every rate, five around the
    best. NaN where a run diverged, or was not made.

    >>> dict(losses().sizes)
    {'code': 7, 'rate': 6, 'seed': 5}
    """
    every, near = RATES.load()["held_out"], NEAR.load()["held_out"]
    return every.combine_first(near).sel(code=list(CODES), rate=list(every["rate"].values))
