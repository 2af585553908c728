"""What is measured of heads: how well they fit stories, what happens without them, and which edges carry the answer."""

from __future__ import annotations

from functools import partial

import numpy as np

from transformer_lab.analysis.cache import Runner, patterns
from transformer_lab.analysis.heads import STORIES, head_effects, head_scores, pruning_curve, scores_with_nulls
from transformer_lab.analysis.patching import effect, path_patching
from transformer_lab.analysis.probes import selectivity
from transformer_lab.analysis.rollout import gradient_rollout, rollout
from transformer_lab.byhand.transformer import forward
from transformer_lab.checks import check_array
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Seed, Whole
from transformer_lab.signatures import checked

from .repeats import LETTERS, N, Strings, looked_up, strings

__all__ = ["AT", "HEADS", "WAYS", "a_changed_copy", "copied", "inputs_that_count", "log_chances", "measured", "watched"]

WAYS = ("mean", "zero", "resample")  # to ablate a head
RECEIVERS = ("q", "k", "v")
HEADS = [f"{layer}.{head}" for layer in range(2) for head in range(4)]
AT = ("rollout", "with gradients", "attention of the best head", "chance")


@checked
def log_chances(logits: Array("... token")) -> np.ndarray:
    """Log-probabilities, of the same shape."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def picked(values, targets):
    """The value (..., row, pos) of each target, from values (..., row, pos, token)."""
    return np.take_along_axis(values, np.broadcast_to(targets, values.shape[:-1])[..., None], axis=-1)[..., 0]


@checked
def copied(logits: Array("... row pos token"), found: Strings) -> np.ndarray:
    """The share of letters that can be looked up and are right, from logits (..., row, pos, token).

    >>> found = strings(3, seed=1)
    >>> float(copied(np.eye(LETTERS)[found.targets], found))
    1.0
    """
    check_array("logits", logits, shape=(*found.targets.shape, None), leading=True)
    return (logits.argmax(axis=-1) == found.targets)[..., looked_up(found)].mean(axis=-1)


def watched(params, config, probe: Strings) -> dict:
    """What all seeds can do at one step: copies that are right, the loss on them, and how well heads of the first
    layer fit the story of the previous token, those of the last that of induction.
    """
    acts = forward(params, probe.tokens, config)
    loss = -picked(log_chances(acts["logits"]), probe.targets)[..., looked_up(probe)].mean(axis=-1)
    first, last = (head_scores(acts[f"blocks.{layer}.pattern"], probe.tokens) for layer in (0, config.n_layers - 1))
    return {"right": copied(acts["logits"], probe), "loss": loss, "previous": first["previous"],
            "induction": last["induction"]}


def measured(run: Runner) -> dict:
    """All that the chapter says of one model."""
    return {**fits(run), **effects(run), **edges(run), **inputs(run), **probed(run)}


def fits(run) -> dict:
    """How well each head fits each story on ten thousand strings, beside the nulls."""
    parts = [scores_with_nulls(run, strings(1000, seed=2, step=step).tokens, draws=2, seed=step) for step in range(10)]
    told = [name for name in STORIES if name != "delimiter"]
    found = np.array([np.mean([part.found[name] for part in parts], axis=0) for name in told])
    null = np.array([np.concatenate([part.shuffled[name] for part in parts]) for name in told])
    even = [np.mean([part.uniform[name] for part in parts]) for name in told]
    return {"story": ("story", told), "fit": (("story", "layer", "head"), found),
            "shuffled": (("story", "draw", "layer", "head"), null), "uniform": ("story", even)}


def effects(run) -> dict:
    """What each head is worth, by ablation on ten thousand strings, and how many heads can go, on one thousand."""
    parts, found = [strings(500, seed=3, step=step) for step in range(20)], strings(1000, seed=3, step=20)
    lost = [-np.mean([head_effects(run, part.tokens, partial(copied, found=part), how=how) for part in parts], axis=0)
            for how in WAYS]
    pruned = pruning_curve(run, found.tokens, partial(copied, found=found))
    return {"way": ("way", list(WAYS)), "lost": (("way", "layer", "head"), lost), "left": ("heads_out", pruned.values)}


@checked
def a_changed_copy(n: Whole(1), seed: Seed):
    """Strings in which the last letter can be looked up, the place of its letter's first copy, and the same strings
    with another letter there; what is asked stands in the last place that counts, ``at``.
    """
    drawn, rng = strings(n, seed=seed), generator(seed, "places to ask")
    at = drawn.periods + 1 + (rng.random(n) * (np.minimum(drawn.periods, N - drawn.periods - 1) - 1)).astype(int)
    copy, rows = at - drawn.periods, np.arange(n)  # tokens[at] stood in tokens[copy] before
    source = drawn.tokens.copy()
    source[rows, copy] = (source[rows, copy] + rng.integers(1, LETTERS, size=n)) % LETTERS
    return drawn, source, at, copy


def edges(run) -> dict:
    """How much of the answer's log-probability each edge between the layers carries: the share that is lost when all
    heads of the second, on this edge, hear of the changed copy; ``alone``, when one head's keys hear of it from all.
    """
    drawn, source, at, _ = a_changed_copy(1000, seed=4)
    rows = np.arange(len(at))

    def measure(logits):
        return float(log_chances(logits)[rows, at, drawn.targets[rows, at]].mean())

    def share(sender, name, head=None):
        edge = ("blocks.0.z", sender), (f"blocks.1.{name}", head)
        return effect(measure(path_patching(run, drawn.tokens, source, *edge)), before, after)

    before, after = (run.measured(measure, tokens) for tokens in (drawn.tokens, source))
    return {"receiver": ("receiver", list(RECEIVERS)), "alone": ("to", [share(None, "k", head) for head in range(4)]),
            "edge": (("sender", "receiver"), [[share(sender, name) for name in RECEIVERS] for sender in range(4)])}


def inputs_that_count(run, drawn: Strings, at) -> np.ndarray:
    """How much less likely the right letter becomes when one input is another letter, on average over three others:
    (row, input), in nats; NaN from the place that asks on.
    """
    rows, rng, lost = np.arange(len(at)), generator(5, "other letters"), np.full(drawn.tokens.shape, np.nan)

    def likely(tokens):
        return log_chances(run(tokens))[rows, at, drawn.targets[rows, at]]

    def changed(place):
        tokens = drawn.tokens.copy()
        tokens[:, place] = (tokens[:, place] + rng.integers(1, LETTERS, size=len(at))) % LETTERS
        return likely(tokens)

    before = likely(drawn.tokens)
    for place in range(1, N):
        lost[:, place] = before - np.mean([changed(place) for _ in range(3)], axis=0)
    return np.where(np.arange(N) < at[:, None], lost, np.nan)


def inputs(run) -> dict:
    """How often each reading of the patterns names the input that counts most, the asking one and the mark left out."""
    drawn, _, at, _ = a_changed_copy(300, seed=5)
    rows, truth = np.arange(len(at)), inputs_that_count(run, drawn, at)
    asked = np.zeros((*drawn.tokens.shape, LETTERS + 1))
    asked[rows, at, drawn.targets[rows, at]] = 1
    looks = patterns(run, drawn.tokens)
    best = head_scores(looks[1], drawn.tokens)["induction"].argmax()
    readings = [rollout(looks), gradient_rollout(run, drawn.tokens, asked), looks[1][:, best]]
    earlier = (np.arange(N) > 0) & (np.arange(N) < at[:, None])
    named = [np.where(earlier, reading[rows, at], -1).argmax(axis=1) for reading in readings]
    counts = np.where(earlier, truth, -np.inf).argmax(axis=1)
    agree = [(each == counts).mean() for each in named] + [(1 / earlier.sum(axis=1)).mean()]
    return {"reading": ("reading", list(AT)), "agree": ("reading", agree)}


def probed(run) -> dict:
    """What a straight line reads off the stream: the token before, and how far back the string repeats."""
    found = strings(400, seed=6)
    acts, late = run.cache(found.tokens), looked_up(found)
    before = np.roll(found.tokens, 1, axis=1)
    stages, rows = ("blocks.0.resid_pre", "blocks.0.resid_post", "blocks.1.resid_post"), []
    for name in stages:
        here = acts[name][:, 2:].reshape(-1, run.config.d_model)
        previous = selectivity(here, before[:, 2:].ravel(), found.tokens[:, 2:].ravel())
        period = selectivity(acts[name][late], np.repeat(found.periods[:, None] - 6, N, axis=1)[late],
                             found.tokens[late])
        rows.append([[each.accuracy, each.control] for each in (previous, period)])
    return {"stage": ("stage", list(stages)), "asked": ("asked", ["token before", "period"]),
            "probe": (("stage", "asked", "task"), rows), "task": ("task", ["property", "control"])}
