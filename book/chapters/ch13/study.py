"""Chapter 13's studies: what fresh models begin with; every arm at five learning rates; and every arm again, with fresh
seeds, at the best of these and its neighbours.

``transformer-lab study norm-at-the-start``, ``… norm-rates``, ``… norm-placement``, ``… norm-more-seeds``, ``…
norm-longer`` and ``… norm-longer-again`` make the records again. Losses are in nats a character, over all windows of
what is held out.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from transformer_lab.analysis.evidence import at_best, t_quantile
from transformer_lab.models.generate import generate, temperature
from transformer_lab.tasks import text
from transformer_lab.training import Study
from transformer_lab.training.held_out import losses_at
from transformer_lab.training.measures import Measured
from transformer_lab.training.outcome import tried
from transformer_lab.training.torch_stepper import TorchStepper

from .recursion import derived
from .wiring import FIRST, PLACEMENTS, TASK, TRAINING, first_weights, model_of, run_of

__all__ = ["ARMS", "BEST", "DEEPEST", "DEPTHS", "FINE", "FRESH", "LONGER", "LONGER_AGAIN", "MOMENTS", "MORE", "RATES",
           "START", "SWEEP", "WIDE", "at_length", "fresh", "losses", "name_of", "places_of", "spread_of"]

DEPTHS, DEEPEST, WIDE = (2, 4, 8, 12), 12, 256
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
EVERY, PROMPT, SAID = 40, "ROMEO:\n", 24
MOMENTS = range(0, TRAINING["steps"], EVERY)

#: What each arm is: where the norm stands, how deep the model is, and what else is not as usual.
ARMS = {
    **{f"{place} {depth}": (place, depth, {}) for place in ("before", "after") for depth in DEPTHS},
    **{f"{place} {depth}": (place, depth, {}) for place in ("mis-wired", "both", "none") for depth in (2, 8)},
    "after 12, shrunk": ("after", 12, {"first": "shrunk"}),
    **{f"{place} {depth}, no warm-up": (place, depth, {"warmup": 0}) for place in ("before", "after")
       for depth in (2, 4)},
    **{f"before {depth}, RMSNorm": ("before", depth, {"norm": "rms"}) for depth in (2, 4)},
    "none 8, no limit": ("none", 8, {"limit": 1e9}),
}
#: Eight layers, six times as long.
LONG = {f"{place} 8, longer": (place, 8, {"steps": 960}) for place in ("before", "after")}

#: The arms that are trained again with fresh seeds, and the rate at which each did best in the sweep.
BEST = {"before 2": 3e-2, "after 2": 3e-2, "after 4": 1e-2, "before 4": 3e-2, "after 4, no warm-up": 3e-3,
        "none 2": 3e-2, "before 8": 3e-2, "after 8": 1e-2, "mis-wired 8": 3e-3, "both 8": 3e-2,
        "after 12, shrunk": 3e-3, "before 2, RMSNorm": 3e-2, "before 4, RMSNorm": 3e-2}

#: What has one seed of these, and is trained with four more because a sentence leans on it.
AGAIN = {"none 8": RATES, "after 12": RATES, "after 8": (1e-3, 1e-1), "mis-wired 8": (3e-2, 1e-1),
         "after 12, shrunk": (3e-2,), "before 4, no warm-up": (3e-3, 1e-2, 3e-2), "before 12": (1e-2, 3e-2, 1e-1),
         "none 8, no limit": (1e-2, 3e-2, 1e-1)}


def places_of(model, tokens, targets=None) -> np.ndarray:
    """At each place of the stream (place, 3), or (place, 2) without targets: the root of the mean square of its
    numbers, how unlike two rows of a window are in the mean, and the gradient's size, as for one target.

    >>> run = run_of("after", 2, d_model=16)
    >>> found = places_of(model_of("after", run.model, first_weights(run.model)), [[1, 2, 3, 4]], [[2, 3, 4, 5]])
    >>> found.shape, found[1:, 0].round(2).tolist()
    ((5, 3), [1.0, 1.0, 1.0, 1.0])
    """
    found = []

    def tap(name, value):
        if name.rpartition(".")[2] in ("resid_pre", "resid_mid", "resid_read"):
            value.retain_grad()
            found.append(value)
        return value

    tokens = torch.as_tensor(tokens)
    if targets is None:
        model(tokens, tap).sum()
        return np.array([[rms(value), unlikeness(value)] for value in found])
    model.loss(tokens, torch.as_tensor(targets), tap=tap).backward()
    return np.array([[rms(value), unlikeness(value), float(value.grad.norm()) * tokens.numel() ** 0.5]
                     for value in found])


def rms(value) -> float:
    return float(value.detach().square().mean()) ** 0.5


def unlikeness(rows) -> float:
    """1 less the mean cosine of two different rows of a window (batch, pos, d_model)."""
    unit, n = torch.nn.functional.normalize(rows.detach().double(), dim=-1), rows.shape[1]
    return 1 - float((unit.sum(1).square().sum(-1) - n).mean()) / (n * (n - 1))


def fresh(placement: str, n_layers: int, first: str, seed: int) -> dict:
    """A wide model that has not been trained: what is measured at each place of its stream, and what is derived.

    >>> sorted(fresh("before", 2, "plain", 0))[:3]
    ['derived gradient', 'derived stream', 'derived unlike']
    """
    run = run_of(placement, n_layers, d_model=WIDE, seed=seed)
    model = model_of(placement, run.model, first_weights(run.model, first, seed))
    batch = text.sample(TASK, 4, seed=seed, purpose="start")
    measured = places_of(model, *batch)
    expected = derived(placement, n_layers, *batch, gain=FIRST[first](n_layers) ** 2)
    names, place = ("stream", "unlike", "gradient"), ("place", np.arange(len(measured)))
    return ({"place": place} | {name: ("place", measured[:, i].astype(np.float32)) for i, name in enumerate(names)}
            | {f"derived {name}": ("place", getattr(expected, name).astype(np.float32)) for name in names})


def stepped(arm: str, rate: float, seed: int):
    """The run of an arm and its stepper, before the first step."""
    placement, n_layers, changes = (ARMS | LONG)[arm]
    changes = dict(changes)
    first = changes.pop("first", "plain")
    run = run_of(placement, n_layers, seed=seed, learning_rate=rate, **changes)
    model = model_of(placement, run.model, first_weights(run.model, first, seed)).fuse()
    stepper = TorchStepper(model, run.training.optimizer, seed=seed, **run.training.settings)
    for part in stepper.parts:
        for group in part.optimizer.param_groups:
            group["fused"] = True  # one loop over each weight: sooner, equal but for rounding
    return run, stepper


def trained(run, stepper) -> tuple[dict, object]:
    """A run to its end, or as far as it goes: what it loses on all that is held out (NaN where it diverged)."""
    outcome = tried(stepper, run.batches, steps=run.training.steps, learning_rate=run.learning_rate, every=EVERY,
                    limit=run.training.limit)
    module = getattr(stepper, "stepper", stepper).module
    held_out = float(losses_at(module, text.tests(TASK)[0]).mean()) if outcome.diverged < 0 else np.nan
    return {"held_out": held_out, "diverged": outcome.diverged}, outcome.history


def at_a_rate(arm: str, rate: float, seed: int) -> dict:
    """An arm at one of the learning rates."""
    return trained(*stepped(arm, rate, seed))[0]


def longer(rate: float, seed: int) -> dict:
    """Eight layers with the norm after, at this rate, six times as long."""
    return trained(*stepped("after 8, longer", rate, seed))[0]


def in_full(arm: str, rate: float, seed: int) -> dict:
    """The same, with what goes on inside: each layer's gradient, stream and attention at some moments; how unlike rows
    are at every layer before and after; and what the trained model writes.
    """
    run, stepper = stepped(arm, rate, seed)
    probe, module, n = text.sample(TASK, 32, seed=seed, purpose="probe").tokens, stepper.module, run.model.n_layers
    unlike = [places_of(module, probe)[::2, 1]]
    found, history = trained(run, Measured(stepper, EVERY, ["resid_post"]))
    unlike.append(places_of(module, probe)[::2, 1])
    layers = {"gradient": "gradient blocks.{}", "stream": "rms blocks.{}.resid_post", "entropy": "entropy blocks.{}"}
    traces = {name: padded([over_heads(history[form.format(layer)][:len(MOMENTS)]) for layer in range(n)],
                           len(MOMENTS)) for name, form in layers.items()}
    prompt = TASK.alphabet.encode(PROMPT).tolist()
    (said,) = generate(module, [prompt], SAID, seed=seed, change=partial(temperature, t=0.8))
    return found | {name: (("moment", "layer"), value.T) for name, value in traces.items()} | {
        "unlike": (("end", "place"), padded(unlike, DEEPEST + 1, axis=1)), "said": ("letter", np.array(said, np.uint8))}


def over_heads(values) -> np.ndarray:
    return np.asarray(values).reshape(len(values), -1).mean(axis=1)


def padded(rows, length: int, axis: int = 0) -> np.ndarray:
    """Rows as float32, with NaN in the place of what is not there: missing rows, or the ends of short ones."""
    table = np.full((2, length) if axis else (DEEPEST, length), np.nan, np.float32)
    for i, row in enumerate(rows):
        table[i, :len(row)] = row
    return table


def near_the_best() -> list[dict]:
    """Of the arms that are trained again the rate at which each did best, and its neighbours."""
    at = {arm: RATES.index(rate) for arm, rate in BEST.items()}
    return [{"arm": arm, "rate": rate} for arm in BEST for rate in RATES[max(0, at[arm] - 1):at[arm] + 2]]


def at_their_best(dataset):
    """Losses at every rate; what went on inside at the best alone."""
    best = at_best(dataset["held_out"])
    inside = ["gradient", "stream", "entropy", "unlike", "said"]
    kept = dataset[inside].sel(rate=best.rate).drop_vars("rate")
    kept["said"] = kept["said"].fillna(0).astype(np.uint8)
    return dataset.drop_vars(inside).merge(kept)


def side_by_side(dataset):
    """The models one by one, what is derived as the geometric mean over the seeds."""
    import xarray

    names = [name_of(**arm) for arm in FRESH]
    found = xarray.concat([dataset.sel(**arm, drop=True) for arm in FRESH], xarray.DataArray(names, dims="model",
                                                                                            name="model"))
    means = {name: np.exp(np.log(found[name]).mean("seed")).astype(np.float32) for name in found
             if name.startswith("derived")}
    return found.assign(means)


def name_of(placement: str, n_layers: int, first: str) -> str:
    """What a fresh model is called.

    >>> name_of("after", 12, "plain"), name_of("after", 12, "shrunk")
    ('after 12', 'after 12, shrunk')
    """
    return f"{placement} {n_layers}" + (f", {first}" if first != "plain" else "")


#: The models that are looked at before they are trained.
FRESH = [{"placement": placement, "n_layers": n_layers, "first": first} for placement, n_layers, first in (
    *((placement, n_layers, "plain") for placement in PLACEMENTS for n_layers in DEPTHS),
    *((placement, 12, "shrunk") for placement in ("before", "after")))]
START = Study("norm-at-the-start", fresh, FRESH, seeds=range(20), settings={"d_model": WIDE}, finish=side_by_side)
SWEEP = Study("norm-rates", at_a_rate, {"arm": tuple(ARMS), "rate": RATES}, seeds=range(1), settings=TRAINING)
FINE = Study("norm-placement", in_full, near_the_best(), seeds=range(1, 5), settings=TRAINING | {"every": EVERY},
             finish=at_their_best)

MORE = Study("norm-more-seeds", at_a_rate, seeds=range(1, 5), settings=TRAINING,
             arms=[{"arm": arm, "rate": rate} for arm, rates in AGAIN.items() for rate in rates])
LONGER = Study("norm-longer", longer, {"rate": (1e-3,)}, seeds=range(5), settings=TRAINING | {"steps": 960})
#: The norm before as long, at every rate, and the rates beside that of the norm after: run when that had been told.
LONGER_AGAIN = Study("norm-longer-again", at_a_rate, seeds=range(5), settings=TRAINING | {"steps": 960},
                     arms=[{"arm": arm, "rate": rate} for arm, rates in (
                         ("before 8, longer", RATES), ("after 8, longer", (3e-4, 3e-3))) for rate in rates])


def spread_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of positive values (seed, …) the geometric mean, and the ends between which 95 % of models lie.

    >>> [round(float(end), 2) for end in spread_of(np.array([1.0, 2.0, 4.0]))]
    [2.0, 0.06, 62.61]
    """
    logs = np.log(np.asarray(values, dtype=float))
    half = t_quantile(0.975, len(logs) - 1) * logs.std(axis=0, ddof=1) * np.sqrt(1 + 1 / len(logs))
    return tuple(np.exp(logs.mean(axis=0) + sign * half) for sign in (0, -1, 1))


def losses():
    """What every arm loses on all that is held out, at each of its rates (arm, rate, seed): one seed at all rates, five
    at the best of these and its neighbours, or wherever a sentence leans on them. NaN where a run diverged, or was not
    made.

    >>> dict(losses().sizes)
    {'arm': 22, 'rate': 5, 'seed': 5}
    """
    every, near, more = (study.load()["held_out"] for study in (SWEEP, FINE, MORE))
    return every.combine_first(near).combine_first(more).sel(arm=list(ARMS), rate=list(RATES))


def at_length():
    """What eight layers lose that are trained six times as long, the norm before and after (arm, rate, seed). NaN where
    a run diverged, or was not made.

    >>> dict(at_length().sizes)
    {'arm': 2, 'rate': 6, 'seed': 5}
    """
    told = LONGER.load()["held_out"].expand_dims(arm=["after 8, longer"])
    return LONGER_AGAIN.load()["held_out"].combine_first(told)
