"""Chapter 26's studies: one model at two moments of its training, what a proof costs, and training until proved.

``transformer-lab study two-moments`` makes the first record again; the others are called ``cost-of-a-proof``,
``proved-at-length``, ``tried-and-proved`` and ``proved-far``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from transformer_lab.analysis.certificates.enumerate import enumerate_contexts
from transformer_lab.analysis.certificates.exact import examine
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.analysis.certificates.record import certificate
from transformer_lab.analysis.certificates.until_proved import train_until_proved
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import init
from transformer_lab.config import TrainConfig
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.rules import RuleTask, sample
from transformer_lab.training.fit import fit
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.study import Study

from .contexts import config_of, to_plane
from .forgery import objection, shrunk

__all__ = ["COST", "FAR", "MOMENTS", "PROVED_AT", "TRIED", "TWO_MOMENTS", "two_models"]

MOMENTS = {"model A": 1550, "model B": 1475}  # after so many steps
SCHEDULE = {"n_seeds": 16, "model": 1, "steps": 2000, "batch": 32, "rate": 3e-2, "warmup": 50, "weight_decay": 0.01,
            "beta2": 0.98, "embedding_scale": 0.3, "free": 0.25}
LENGTHS = (4, 5, 6, 7, 8, 12, 16, 24, 32)
STEPS = {8: 4000, 16: 6000, 32: 10_000}
FAR_STEPS = 16_000
LISTED = 8  # the longest context length at which every context is tried


def two_moments() -> dict:
    """The weights of one of sixteen models that are trained side by side, at two steps."""
    s, config = SCHEDULE, config_of()
    task = RuleTask(n_ctx=config.n_ctx, balanced=True, free=s["free"])
    stepper = Stepper(init(config, n_seeds=s["n_seeds"], embedding_scale=s["embedding_scale"]), config, "adamw",
                      weight_decay=s["weight_decay"], beta2=s["beta2"])
    history = fit(stepper, lambda step: sample.unchecked(task, (s["n_seeds"], s["batch"]), seed=0, step=step),
                  steps=max(MOMENTS.values()), learning_rate=warmup_linear(s["rate"], s["steps"], s["warmup"]),
                  every=max(MOMENTS.values()), keep=[*MOMENTS.values()])
    kept = [history.kept[step] for step in MOMENTS.values()]
    return {"moment": ("moment", list(MOMENTS))} | {
        name: (["moment", *(f"{name}.{axis}" for axis in range(len(shape)))],
               np.stack([params[name][s["model"]] for params in kept]))
        for name, shape in parameter_shapes(config).items()}


def two_models() -> dict[str, dict]:
    """The weights of both moments, by name, from the record."""
    found = TWO_MOMENTS.load()
    return {name: {weight: found[weight].sel(moment=name).values for weight in parameter_shapes(config_of())}
            for name in MOMENTS}


def seconds(call: Callable, times: int) -> float:
    """The least CPU time of so many calls."""
    def once():
        began = time.process_time()
        call()
        return time.process_time() - began
    return min(once() for _ in range(times))


def cost(n_ctx: int) -> dict:
    """What it takes to prove a model at this length, and to try every context: least seconds of one core."""
    task, config = RuleTask(n_ctx=n_ctx, balanced=True, free=0.25), config_of(n_ctx)
    training = TrainConfig(steps=8000, batch=32, learning_rate=3e-2, warmup=50, weight_decay=0.01)
    found = train_until_proved(task, config, training, 4, every=250)
    model = int(np.flatnonzero(found.proved)[0])
    plane, boxes = to_plane({name: value[model] for name, value in found.params.items()}), families(task)
    proof = prove(plane, boxes)
    tried = seconds(lambda: enumerate_contexts(plane, boxes), 1) if n_ctx <= LISTED else np.nan
    return {"proof_s": seconds(lambda: prove(plane, boxes), 7), "every_context_s": tried, "boxes": proof.boxes,
            "families": len(proof.trees), "contexts": float(proof.contexts), "margin": proof.margin}


def proved_at(n_ctx: int, method: str, seeds) -> dict:
    """How many steps it takes until a model is proved at this length, and the lead that is then proved; with its
    counterexamples fed back into the batches, or only looked at.
    """
    task = RuleTask(n_ctx=n_ctx, balanced=True, free=0.25)
    training = TrainConfig(steps=STEPS[n_ctx], batch=32, learning_rate=3e-2, warmup=50,
                           weight_decay=0.01, seed=seeds[0])
    found = train_until_proved(task, config_of(n_ctx), training, len(seeds), every=250,
                               rows=32 if method == "fed back" else 0)
    return {"proved": ("seed", found.proved), "steps": ("seed", found.steps), "margin": ("seed", found.margins)}


def tried(seed: int) -> dict:
    """Whether a model is proved; how many contexts are wrong, and the least margin, by geometry and by trying all."""
    params = params_of(IN_THE_PLANE.load().sel(recipe="plain", seed=seed))
    plane, boxes = to_plane(params), families(RuleTask())
    geometry, listed = examine(plane, boxes), enumerate_contexts(plane, boxes)
    return {"proved": prove(plane, boxes).proved, "contexts": listed.contexts,
            "wrong": ("way", [geometry.wrong, listed.wrong]), "margin": ("way", [geometry.margin, listed.margin]),
            "way": ("way", ["geometry", "trying all"])}


def proved_far(n_ctx: int, seed: int) -> dict:
    """One model of a long context, its proof, and whether the checker takes its certificate, as it is and flawed."""
    run = recipe().replace(n_ctx=n_ctx, steps=FAR_STEPS, seed=seed)
    began = time.process_time()
    found = train_until_proved(run.task, run.model, run.training, 1, share=1 / 3)
    trained_s = time.process_time() - began
    params = {name: value[0] for name, value in found.params.items()}
    plane, boxes = to_plane(params), families(run.task)
    proof_s, accepted, flawed = np.nan, False, False
    if found.proved[0]:
        proof_s, whole = seconds(lambda: prove(plane, boxes), 3), certificate(run.task, params, prove(plane, boxes))
        widest = int(np.argmax([np.ptp(each["corners"], axis=0).max() for each in whole["families"]]))
        accepted, flawed = (not objection(each, params) for each in (whole, shrunk(whole, widest)))
    return {name: ([f"{name}.{axis}" for axis in range(value.ndim)], value) for name, value in params.items()} | {
        "proved": bool(found.proved[0]), "steps": int(found.steps[0]), "margin": float(found.margins[0]),
        "trained_s": trained_s, "proof_s": proof_s, "accepted": accepted, "flawed": flawed}


FAR = Study("proved-far", proved_far, arms={"n_ctx": (76,)}, seeds=(0,), settings={"steps": FAR_STEPS})
TRIED = Study("tried-and-proved", tried, seeds=range(256), settings={"recipe": "plain"})
TWO_MOMENTS = Study("two-moments", two_moments, settings=SCHEDULE | {"moments": MOMENTS})
COST = Study("cost-of-a-proof", cost, arms={"n_ctx": LENGTHS}, settings={"directions": 16})
PROVED_AT = Study("proved-at-length", proved_at, seeds=range(16), together=True, settings={"steps": STEPS},
                  arms=[{"n_ctx": n_ctx, "method": method} for n_ctx, method in
                        ((8, "fed back"), (8, "looked at"), (16, "fed back"), (16, "looked at"), (32, "fed back"))])
