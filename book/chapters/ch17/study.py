"""Chapter 17's studies: one block, trained with the masks of three families; where an encoder-decoder looks back; and
whether one stack with a prefix mask, or with a causal one, does the same.

``transformer-lab study three-families``, ``looking-back``, ``one-stack-or-two`` and ``spans-for-longer`` make the
records again.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import init
from transformer_lab.config import ModelConfig
from transformer_lab.names import IGNORED
from transformer_lab.randomness import generator
from transformer_lab.training import Study, fit

from .families import D_VOCAB, START, Task, in_one_row, task_of
from .ring import N, V, walks

__all__ = ["ARMS", "FAMILIES", "LONGER", "LOOKS", "ONE_STACK", "STACKS", "TRAINING", "TWO_STACKS", "config_of",
           "looked_for"]

TRAINING = {"steps": 600, "batch": 64, "rate": 5e-3, "warmup": 100}
HELD_OUT, EVERY = 1000, 100
ONE_STACK = {"d_vocab": D_VOCAB, "n_ctx": 2 * N, "d_model": 32, "n_heads": 2, "n_layers": 2, "d_mlp": 64,
             "positions": "learned", "norm": "layer", "activation": "gelu"}
#: A layer that reads and a layer that writes, which has one attention more: so much less of the feed-forward layers.
TWO_STACKS = ONE_STACK | {"n_ctx": N, "n_layers": 1, "d_mlp": 32, "start": START}
ARMS = {"next letter": ("causal", "bidirectional"), "masked": ("causal", "bidirectional"),
        "reverse": ("no source",)}


def config_of(task: str, sight: str):
    """The configuration of an arm.

    >>> config_of("spans", "prefix").prefix, config_of("sort", "causal").mask
    (10, 'causal')
    """
    if sight in ("encoder-decoder", "no source"):
        from transformer_lab.models.encoder_decoder import EncoderDecoderConfig
        return EncoderDecoderConfig(**TWO_STACKS)
    return ModelConfig(**ONE_STACK, mask=sight, prefix=(N - 2 if task == "spans" else N) * (sight == "prefix"))


def silent(name, value):
    """A tap under which nothing comes from the encoder."""
    return 0 * value if name.endswith("cross_attn_out") else value


class Arm:
    """A model of a family, its task and its training."""

    def __init__(self, task: str, sight: str, seed: int):
        from transformer_lab.models.encoder_decoder import EncoderDecoder
        from transformer_lab.models.transformer import Transformer
        self.task, self.sight, self.seed, config = task, sight, seed, config_of(task, sight)
        self.apart = sight in ("encoder-decoder", "no source")
        self.model = (EncoderDecoder if self.apart else Transformer)(config, init(config, seed=seed))
        self.tap = {"tap": silent} if sight == "no source" else {}
        self.held_out = self.drawn(HELD_OUT, seed=10**6)

    def drawn(self, n: int, *, seed: int, step: int = 0) -> Task:
        strings = walks(n, seed=seed, purpose="strings", step=step)
        found = task_of(self.task, strings, sight=self.sight, seed=seed, step=step)
        return found if self.apart or self.task in ("next letter", "masked") else in_one_row(found)

    def logits(self, task: Task, tap=None):
        import torch
        given = [torch.tensor(task.source)]
        if self.apart:
            given.append(torch.tensor(np.insert(task.targets[:, :-1], 0, START, axis=1)))
        with torch.no_grad():
            return self.model(*given, **({"tap": tap} if tap else self.tap)).numpy()

    def trained(self, longer: int = 1):
        from transformer_lab.training.torch_stepper import TorchStepper
        t = TRAINING | {"steps": longer * TRAINING["steps"]}
        return fit(TorchStepper(self.model, "adamw", seed=self.seed, **self.tap),
                   lambda step: self.drawn(t["batch"], seed=self.seed, step=step)[:2], steps=t["steps"],
                   every=longer * EVERY, learning_rate=warmup_linear(t["rate"], t["steps"], t["warmup"]),
                   evaluate=lambda stepper: {"cost": self.costs()[0]})

    def costs(self, tap=None):
        """The mean cost of a letter that is wanted, the share that is right, and the floor, on the held-out strings."""
        logits, targets = self.logits(self.held_out, tap), self.held_out.targets
        wanted = (targets != IGNORED) & (targets < V)
        lost = costs_of(logits, targets)
        return [float(each[wanted].mean()) for each in (lost, logits.argmax(axis=-1) == targets, self.held_out.floor)]

    def honest(self):
        """The cost of each letter for a model that is shown what came before it and nothing else (place,)."""
        source, targets, _ = self.held_out
        return [costs_of(self.logits(Task(source[:, :n + 1], targets, source))[:, n], targets[:, n]).mean()
                for n in range(N)]


def costs_of(logits, targets):
    logits = logits.astype(float)
    taken = np.take_along_axis(logits, np.maximum(targets, 0)[..., None], axis=-1)[..., 0]
    top = logits.max(axis=-1)
    return top + np.log(np.exp(logits - top[..., None]).sum(axis=-1)) - taken


def measured(arm: Arm, longer: int = 1) -> dict:
    """How the cost fell, and what it is in the end."""
    history = arm.trained(longer)
    cost, right, floor = arm.costs()
    return {"step": ("step", history["step"]), "on_the_way": ("step", history["cost"]), "cost": cost, "right": right,
            "floor": floor}


def of_a_family(task: str, sight: str, seed: int, longer: int = 1) -> dict:
    arm = Arm(task, sight, seed)
    found = measured(arm, longer)
    honest = arm.honest() if task == "next letter" else [np.nan] * N
    return found | {"honest": ("place", honest)}


def looked_for(task: str, source, targets) -> np.ndarray:
    """Which keys of the source (row, query, key) hold what a written letter repeats, as the task has it: the mirrored
    place, or every place with that letter.

    >>> looked_for("sort", np.array([[3, 1, 3]]), np.array([[1, 3, 3]]))[0].sum(axis=1).tolist()
    [1, 2, 2]
    """
    if task == "reverse":
        return np.broadcast_to(np.eye(source.shape[1], dtype=bool)[::-1], (*source.shape, source.shape[1]))
    return source[:, None, :] == targets[:, :, None]


def looking_back(task: str, seed: int) -> dict:
    """An encoder-decoder: its costs, with the encoder and without, and what its attention is on."""
    from transformer_lab.analysis.cache import Runner
    arm = Arm(task, "encoder-decoder", seed)
    untrained = cross_of(arm)
    found, held = measured(arm), arm.held_out
    patterns = {name: value for name, value in Runner(arm.model).cache(given_to(held)).items() if "pattern" in name}
    cross = cross_of(arm)
    wanted = looked_for(task, held.source, held.targets)[:, None]
    order = generator(seed, "shuffled keys").permuted(np.broadcast_to(np.arange(N), cross.shape), axis=-1)
    share = {"trained": cross, "untrained": untrained, "shuffled": np.take_along_axis(cross, order, axis=-1)}
    other = np.roll(held.source, 1, axis=0)
    swapped = arm.logits(held._replace(source=other)).argmax(axis=-1)
    theirs = np.roll(held.targets, 1, axis=0)
    return found | {
        "silenced": arm.costs(silent)[0], "of_the_other": float((swapped == theirs).mean()),
        "of_its_own": float((swapped == held.targets).mean()),
        "on_it": (("which", "head"), [(each * wanted).sum(axis=-1).mean(axis=(0, 2)) for each in share.values()]),
        "which": ("which", list(share)), "kind": ("kind", ["encoder", "decoder", "cross"]),
        "mean_pattern": (("kind", "head", "query", "key"), np.array([
            value.mean(axis=0) for value in (patterns["encoder.blocks.0.pattern"], patterns["decoder.blocks.0.pattern"],
                                             cross)], np.float32)),
        "one_pattern": (("head", "query", "key"), cross[0].astype(np.float32))}


def given_to(task: Task):
    return task.source, np.insert(task.targets[:, :-1], 0, START, axis=1)


def cross_of(arm: Arm) -> np.ndarray:
    """The pattern of each held-out string (row, head, query, key)."""
    from transformer_lab.analysis.cache import Runner
    return Runner(arm.model).cache(given_to(arm.held_out))["decoder.blocks.0.cross_pattern"]


SETTINGS = {"training": TRAINING, "one": ONE_STACK, "two": TWO_STACKS, "held out": HELD_OUT}
LOOKS = Study("looking-back", looking_back, {"task": ("reverse", "sort")}, seeds=range(5), settings=SETTINGS)
FAMILIES = Study("three-families", of_a_family,
                 [{"task": task, "sight": sight} for task, sights in ARMS.items() for sight in sights], seeds=range(5),
                 settings=SETTINGS)
#: Who is trained on spans, and what one stack makes of the tasks of two.
SIGHTS_OF = {"spans": ("encoder-decoder", "prefix", "causal"), "reverse": ("prefix", "causal"),
             "sort": ("prefix", "causal")}
STACKS = Study("one-stack-or-two", of_a_family,
               [{"task": task, "sight": sight} for task, sights in SIGHTS_OF.items() for sight in sights],
               seeds=range(5), settings=SETTINGS)
LONGER = Study("spans-for-longer", partial(of_a_family, longer=3), {"task": ("spans",), "sight": SIGHTS_OF["spans"]},
               seeds=range(5), settings=SETTINGS | {"times the steps": 3})
