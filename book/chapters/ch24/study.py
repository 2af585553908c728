"""Chapter 24's studies: skill by skill, when 32 models learn the rule; and what frees those that never do.

``transformer-lab study when-it-appears`` makes the first record again, ``transformer-lab study a-token-is-moved`` the
second, ``transformer-lab study all-but-the-tokens`` the third.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.plane_models import IN_THE_PLANE, params_of, recipe
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.randomness import generator
from transformer_lab.tasks.rules import sample
from transformer_lab.training import Study, fit, one_by_one
from transformer_lab.training.stepper import Stepper

from .progress import EVEN, OTHERS, answers, contexts, families_of, latest_first, reads, skips, tail

__all__ = ["MOVED", "ONSET", "REST", "RUN", "STUCK"]

RUN, GROUP = recipe(how="plain"), 32
#: Closer together where more happens.
STEPS = np.unique(np.rint(5000 * np.linspace(0, 1, 61)**2).astype(int))
#: Of 256 models of the plain recipe those that are not always right even where the even number is next to the sign.
STUCK = (4, 15, 34, 48, 117, 121, 148, 158, 175, 177, 206, 214, 226, 252)
COPIES, MORE = 4, 2500
HEAD, READ_OUT = ("W_Q", "W_K", "W_V"), ("W_in", "b_in", "W_out", "b_out", "W_U", "b_U")
#: Which tables begin afresh in each arm of the third study.
AFRESH = {"rest": (*HEAD, "W_pos", *READ_OUT), "everything": ("W_E", *HEAD, "W_pos", *READ_OUT), "head": HEAD,
          "places": ("W_pos",), "read-out": READ_OUT}


def watched(seeds) -> dict:
    """All measures of all models at each of the steps; models are trained in groups of 32, as in the core's study."""
    parts = [measured_group(first) for first in seeds[::GROUP]]
    found = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    dims = {"right": ("distance", "even"), "tail": ("token",)}
    return {"step": ("step", STEPS)} | {name: (("step", "seed", *dims.get(name, ())), value.astype(np.float32))
                                        for name, value in found.items()}


def measured_group(first: int) -> dict:
    run = RUN.replace(seed=first, seeds=GROUP)
    history = fit(run.stepper(), run.batches, steps=run.training.steps, learning_rate=run.learning_rate,
                  every=run.training.steps, keep=STEPS)
    asked, wanted = contexts(), EVEN[:, None]
    windows = sample(RUN.task, 400, seed=0, purpose="windows of chapter 24")
    found = {name: [] for name in ("even", "right", "skip", "latest", "say", "proved", "refuted", "tail", "loss")}
    for step in STEPS:
        said = answers(history.kept[step], RUN.model, asked)
        found["even"].append(np.isin(said, EVEN).mean(axis=(1, 2, 3)))
        found["right"].append((said == wanted).mean(axis=-1))
        stepper = Stepper(history.kept[step], RUN.model)
        found["loss"].append(stepper.evaluate((windows.tokens, windows.targets))["loss"])
        planes = [plane_of(params, RUN.model, 11) for params in one_by_one(history.kept[step], GROUP)]
        for name, measure in (("skip", skips), ("latest", latest_first), ("say", reads)):
            found[name].append([measure(plane) for plane in planes])
        found["tail"].append([tail(plane.scores[7, :7]) for plane in planes])
        for name, counts in zip(("proved", "refuted"), zip(*[families_of(plane, RUN.task) for plane in planes],
                                                           strict=True), strict=True):
            found[name].append(counts)
    return {name: np.array(rows) for name, rows in found.items()}


def lost(params: dict) -> np.ndarray:
    """The even numbers that a model gets wrong more often than not where they stand next to the sign."""
    right = (answers(params, RUN.model, contexts(200)[:1])[0] == EVEN[:, None]).mean(axis=-1)
    return EVEN[right < 0.5]


def moved(what: str, seeds) -> dict:
    """Stuck models, trained on after some tokens were moved: none, the lost ones, as many odd ones, or all."""
    table = IN_THE_PLANE.load().sel(recipe="plain")
    ends = [params_of(table.sel(seed=seed)) for seed in seeds]
    gone, copies = [lost(params) for params in ends], []
    for seed, params, tokens in zip(seeds, ends, gone, strict=True):
        for copy in range(COPIES):
            copies.append({name: np.array(value) for name, value in params.items()})
            rng, points = generator(seed, "moved", copy), copies[-1]["W_E"]
            new = rng.normal(size=(len(tokens), 2)) * points.std() + points.mean(axis=0)
            others = rng.permutation(OTHERS[:5])[:len(tokens)]
            if what == "all":
                points[:] = rng.normal(size=points.shape) * RUN.training.embedding_scale
            elif what != "none":
                rows = tokens if what == "lost" else others
                points[rows] = new[:len(rows)]
    right = after_more({name: np.stack([each[name] for each in copies]) for name in copies[0]})
    return {"right": right, "lost": (("seed", "even"), np.stack([np.isin(EVEN, tokens) for tokens in gone]))}


def after_more(params: dict) -> tuple:
    """Copies of stuck models, trained on: how often each is right for each even number at each distance."""
    count = len(params["W_E"])
    stepper = Stepper(params, RUN.model, "adamw", beta2=RUN.training.beta2, weight_decay=RUN.training.weight_decay)
    fit(stepper, lambda step: sample.unchecked(RUN.task, (count, 32), seed=24, step=step), steps=MORE,
        every=MORE, learning_rate=warmup_linear(RUN.training.learning_rate, MORE, 50))
    right = (answers(stepper.params, RUN.model, contexts(100)) == EVEN[:, None]).mean(axis=-1)
    return ("seed", "copy", "distance", "even"), right.reshape(-1, COPIES, 7, 6)


def begun_afresh(what: str, seeds) -> dict:
    """Stuck models, trained on with first weights in the place of some tables; all others are kept."""
    table = IN_THE_PLANE.load().sel(recipe="plain")
    models = [params_of(table.sel(seed=seed)) for seed in seeds]
    fresh = RUN.replace(seed=1000, seeds=COPIES * len(seeds)).stepper().params
    return {"right": after_more({name: value if name.rpartition(".")[2] in AFRESH[what] else np.repeat(
        [model[name] for model in models], COPIES, axis=0) for name, value in fresh.items()})}


ONSET = Study("when-it-appears", watched, seeds=range(32), together=True, recipe=RUN,
              settings={"steps": STEPS.tolist()})
MOVED = Study("a-token-is-moved", moved, arms={"what": ("none", "lost", "others", "all")}, seeds=STUCK, together=True,
              recipe=RUN, settings={"more steps": MORE, "copies": COPIES})
REST = Study("all-but-the-tokens", begun_afresh, arms={"what": tuple(AFRESH)}, seeds=STUCK, together=True,
             recipe=RUN, settings={"more steps": MORE, "copies": COPIES, "first seed": 1000})
