"""Chapter 15's studies: gradients cut at several thresholds, by norm and by value, at each optimiser's rates; and runs
in which some batches are spoilt.

``transformer-lab study clipping``, ``… spoilt-batches``, ``… spoilt-and-forgotten`` and ``… spoilt-otherwise`` make the
records again. Losses are in nats a character over all windows of what is held out; NaN is a run that diverged.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from transformer_lab.models.transformer import Transformer
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Number, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks import text
from transformer_lab.tasks.answers import Examples
from transformer_lab.tasks.text import TextTask
from transformer_lab.training import Run, Study
from transformer_lab.training.held_out import losses_at
from transformer_lab.training.outcome import tried

from .cuts import VALUES, Cut

__all__ = ["CLIPPING", "CUTS", "FORGOTTEN", "LIMIT", "MODEL", "OTHERWISE", "RATES", "SPOILT", "SPOILT_AT",
           "SPOILT_CUTS", "recipe", "trained"]

STEPS, EVERY, LIMIT, SEEDS = 200, 10, 20.0, range(5)

#: The baseline of this part, half as wide, in windows half as long.
MODEL = {"n_layers": 2, "n_heads": 4, "d_model": 32, "d_mlp": 128, "positions": "rotary", "norm": "rms", "eps": 1e-6,
         "activation": "squared_relu", "bias_mlp": False, "bias_unembed": False, "library": "torch", "silent": True,
         "batch": 16, "warmup": 20, "lowest": 0.02, "beta2": 0.99, "weight_decay": 0.1, "steps": STEPS}

#: What an arm cuts, and when.
CUTS = {"none": {}, "norm 2": {"by": "norm", "threshold": 2.0}, "norm 0.5": {"by": "norm", "threshold": 0.5},
        "norm 0.1": {"by": "norm", "threshold": 0.1}, "value 0.003": {"by": "value", "threshold": 0.003},
        "first": {"by": "norm", "threshold": 0.5, "when": "first"},
        "later": {"by": "norm", "threshold": 0.5, "when": "later"}}

RATES = {"adamw": (0.005, 0.01, 0.02, 0.04, 0.08, 0.32, 1.28), "momentum": (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)}

#: The steps whose batches are spoilt, and what is done about it.
SPOILT_AT, WEIGHT = (50, 75, 100, 125, 150), 100.0
SPOILT_CUTS = {"none": {}, "norm 0.5": CUTS["norm 0.5"], "kept exp_avg_sq": {"kept": "exp_avg_sq"},
               "kept exp_avg": {"kept": "exp_avg"}}
FORGOTTEN_CUTS = {"kept both": {"kept": "both"}}


@cache
def windows() -> TextTask:
    """The text in windows of 32 characters; the same object each time, for it holds the text."""
    return TextTask(n_ctx=32)


@checked
def recipe(optimizer: Choice(RATES), rate: Number(above=0), seed: Whole() = 0) -> Run:
    """The run of an optimiser at a rate.

    >>> recipe("momentum", 0.4).training.settings
    {'mu': 0.9}
    """
    decay = MODEL["weight_decay"] if optimizer == "adamw" else 0.0
    return Run.of(windows(), optimizer=optimizer, learning_rate=rate, seed=seed, **MODEL | {"weight_decay": decay})


def scrambled(run: Run):
    """``batches(step)`` of a run, where those of the spoilt steps are characters drawn at random, each as likely."""
    def batches(step):
        found = run.batches(step)
        if step not in SPOILT_AT:
            return found
        rows = generator(run.training.seed, "random characters", step).integers(
            len(run.task.alphabet), size=(run.training.batch, run.task.n_ctx + 1))
        return Examples(rows[:, :-1], rows[:, 1:])

    return batches


def trained(run: Run, batches=None, **cut) -> tuple[dict, Cut]:
    """A run's held-out loss (NaN where it diverged), the step at which it did (else -1), what it met; its stepper."""
    stepper = Cut(Transformer(run.model, run.first()), run.training.optimizer, seed=run.training.seed,
                  **run.training.settings, **cut)
    steps = run.training.steps
    outcome = tried(stepper, batches or run.batches, steps=steps, learning_rate=run.learning_rate, every=EVERY,
                    limit=LIMIT)
    judged = np.nan if outcome.diverged >= 0 else losses_at(stepper.module, text.tests(run.task)[0]).mean()
    met = {name: ("step", np.array([getattr(stepper, name).get(step, np.nan) for step in range(steps)], np.float32))
           for name in ("norms", "losses")}
    return {"held_out": judged, "diverged": outcome.diverged, "step": ("step", np.arange(steps)), **met}, stepper


def one_cut(optimizer: str, cut: str, rate: float, seed: int) -> dict:
    """An arm of the first study; where nothing is cut, with the angles of cuts by value."""
    found, stepper = trained(recipe(optimizer, rate, seed), **CUTS[cut], every=EVERY if cut == "none" else 0)
    angles = np.full((STEPS // EVERY, len(VALUES), 3), np.nan, np.float32)
    for step, each in stepper.cosines.items():
        angles[step // EVERY] = each
    return found | {"angles": (("tenth", "value", "measure"), angles), "value": ("value", list(VALUES)),
                    "measure": ("measure", ["cosine", "entries", "length"])}


def shipped_clipping(dataset):
    """Norms of all runs that cut nothing; of the others their median and how many were longer than 0.1, 0.5 and 2;
    angles for the first seed.
    """
    import xarray
    thresholds = xarray.DataArray([0.1, 0.5, 2.0], dims="threshold", coords={"threshold": [0.1, 0.5, 2.0]})
    met = dataset["norms"].clip(max=6e4)
    return dataset[["held_out", "diverged"]].assign(
        norms=met.sel(cut="none").astype(np.float16).drop_vars("cut"), median=met.median("step").astype(np.float32),
        longer=(met > thresholds).sum("step").astype(np.int16),
        peak=dataset["losses"].max("step").astype(np.float32),
        angles=dataset["angles"].sel(cut="none", seed=0).astype(np.float16).drop_vars(["cut", "seed"]))


#: Of SGD's rates those around which an arm can be expected to do best: the smaller what is left, the larger.
SOME = {"none": RATES["momentum"], "norm 2": (), "norm 0.1": RATES["momentum"][2:],
        "value 0.003": RATES["momentum"][2:]}


def clipping_arms():
    """The arms that were run. AdamW is not cut in the first or the later steps alone, and with most thresholds not at
    its two largest rates; SGD has no threshold of 2.
    """
    for cut in CUTS:
        rates = () if cut in ("first", "later") else RATES["adamw"][:7 if cut in ("none", "norm 0.5") else 5]
        yield from ({"optimizer": "adamw", "cut": cut, "rate": rate} for rate in rates)
    for cut in CUTS:
        yield from ({"optimizer": "momentum", "cut": cut, "rate": rate}
                    for rate in SOME.get(cut, RATES["momentum"][1:6]))


CLIPPING = Study("clipping", one_cut, seeds=SEEDS, settings=MODEL | {"limit": LIMIT, "cuts": CUTS},
                 finish=shipped_clipping, arms=list(clipping_arms()))


def one_spoilt(optimizer: str, cut: str, rate: float, seed: int) -> dict:
    """An arm of the second study: some batches weigh a hundred times what they should."""
    return trained(recipe(optimizer, rate, seed), spoilt=SPOILT_AT, weight=WEIGHT,
                   **(SPOILT_CUTS | FORGOTTEN_CUTS)[cut])[0]


def shipped_spoilt(dataset):
    """Losses and norms are shipped as their medians over seeds, at each step."""
    return dataset[["held_out", "diverged"]].assign(
        losses=dataset["losses"].median("seed").astype(np.float16),
        norms=dataset["norms"].clip(max=6e4).median("seed").astype(np.float16))


#: AdamW at its five smaller rates; what it remembers is kept at one of them, beside no cut.
SPOILT_ARMS = [{"optimizer": "adamw", "cut": cut, "rate": rate} for cut in SPOILT_CUTS
               for rate in RATES["adamw"][:5] if rate == 0.02 or not cut.startswith("kept")]

SPOILT = Study("spoilt-batches", one_spoilt, seeds=SEEDS, arms=SPOILT_ARMS, finish=shipped_spoilt,
               settings=MODEL | {"limit": LIMIT, "cuts": SPOILT_CUTS, "spoilt": list(SPOILT_AT), "weight": WEIGHT})

#: Beside the arms of the second study one in which both averages forget the spoilt steps.
FORGOTTEN = Study("spoilt-and-forgotten", one_spoilt, seeds=SEEDS, finish=shipped_spoilt,
                  arms=[{"optimizer": "adamw", "cut": cut, "rate": 0.02} for cut in FORGOTTEN_CUTS],
                  settings=MODEL | {"limit": LIMIT, "cuts": FORGOTTEN_CUTS, "spoilt": list(SPOILT_AT),
                                    "weight": WEIGHT})


def one_otherwise(spoilt: str, optimizer: str, cut: str, rate: float, seed: int) -> dict:
    """An arm of the last study: the same steps are spoilt, by their weight or by random characters."""
    run, weighed = recipe(optimizer, rate, seed), {"spoilt": SPOILT_AT, "weight": WEIGHT}
    return trained(run, **(weighed if spoilt == "weight" else {"batches": scrambled(run)}), **SPOILT_CUTS[cut])[0]


def shipped_otherwise(dataset):
    """Losses, and how many times as long as the one before a spoilt step's gradient is, the median of the five."""
    at, norms = np.array(SPOILT_AT), dataset["norms"]
    jumps = norms.sel(step=at).drop_vars("step") / norms.sel(step=at - 1).drop_vars("step")
    return dataset[["held_out", "diverged"]].assign(jump=jumps.median("step").astype(np.float32))


#: SGD where batches weigh too much, both where they are random. The weight leaves SGD no large rate without a cut.
OTHERWISE_RATES = {("weight", "momentum"): RATES["momentum"][:5], ("letters", "adamw"): RATES["adamw"][:5],
                   ("letters", "momentum"): RATES["momentum"][:5]}
SMALL = {("weight", "none"): tuple(0.1 / 2**n for n in range(11))[::-1]}

OTHERWISE = Study("spoilt-otherwise", one_otherwise, seeds=SEEDS, finish=shipped_otherwise,
                  arms=[{"spoilt": spoilt, "optimizer": optimizer, "cut": cut, "rate": rate}
                        for (spoilt, optimizer), rates in OTHERWISE_RATES.items() for cut in ("none", "norm 0.5")
                        for rate in SMALL.get((spoilt, cut), rates)],
                  settings=MODEL | {"limit": LIMIT, "spoilt": list(SPOILT_AT), "weight": WEIGHT})
