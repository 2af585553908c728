"""How far models are from following a rule: where it decides, and by their loss over what nobody can go below."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import bounds, prove
from transformer_lab.byhand.attention import softmax
from transformer_lab.byhand.transformer import forward, unpack
from transformer_lab.names import parameter_shapes
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice
from transformer_lab.signatures import checked
from transformer_lab.tasks.rule_table import RULES
from transformer_lab.tasks.rules import RuleTask, constrained, decidable, distances, foretold, oracle, sample

__all__ = ["PROVABLE", "measured", "windows"]

PROVABLE = ("plus_last_even", "lucky7", "step_back")
N = 4000


@checked
@lru_cache(maxsize=32)
def windows(rule: Choice(RULES)):
    """Random windows of a rule, every target counted: tokens, which next tokens are allowed, where the rule decides,
    how far back the token in focus stands, the targets, and what one who knows the rule loses on them, in nats.
    """
    task = RuleTask(rule)
    drawn = sample(task, N, seed=0, purpose="other rules")
    chances = np.take_along_axis(foretold(task, drawn.tokens), drawn.targets[..., None], axis=-1)
    return (drawn.tokens, oracle(task, drawn.tokens), decidable(task, drawn.tokens), distances(task, drawn.tokens),
            drawn.targets, float(-np.log(chances).mean()))


@lru_cache(maxsize=32)
def any_tokens(rule: str):
    """Windows of tokens that were drawn evenly, whether or not the rule would ever bring them forth: tokens, which next
    tokens the rule allows by what is in view, and where it says something.
    """
    task = RuleTask(rule)
    tokens = generator(0, "any tokens").integers(0, task.d_vocab, (1000, 8))
    return tokens, oracle(task, tokens), constrained(task, tokens)


def chances_of(params, config, tokens):
    """What one model expects to come next: (n, pos, token)."""
    return softmax(forward(params, tokens, config, trim=True)["logits"].astype(float))


def measured(run, theta: np.ndarray) -> dict:
    """Of each model (seed, weight): the share of decided places where its first choice is wrong, the chance that it
    gives to tokens which the rule forbids there, how much more it loses than one who knows the rule, the share wrong in
    windows of any tokens, and the share wrong by distance, NaN where the rule asks for no distance.
    """
    found = [one_model(run, row) for row in theta]
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def one_model(run, row) -> dict:
    tokens, allowed, decided, far, targets, own = windows(run.task.rule)
    params = weights_of(run, row)
    expected = chances_of(params, run.model, tokens)
    wrong = forbidden(allowed, expected)
    strange, may, said = any_tokens(run.task.rule)
    loss = -np.log(np.take_along_axis(expected, targets[..., None], axis=-1) + 1e-300).mean()
    asked = run.task.of.focus and [decided & (far == distance) for distance in range(8)]
    return {"wrong": wrong[decided].mean(), "doubt": np.where(allowed, 0, expected).sum(axis=-1)[decided].mean(),
            "excess": loss - own, "elsewhere": forbidden(may, chances_of(params, run.model, strange))[said].mean(),
            "by_distance": [wrong[at].mean() if at.any() else np.nan for at in asked] if asked else [np.nan] * 8}


def forbidden(allowed, expected):
    """Where the first choice is a token that the rule does not allow."""
    return ~np.take_along_axis(allowed, expected.argmax(axis=-1)[..., None], axis=-1)[..., 0]


def weights_of(run, row) -> dict:
    shapes = parameter_shapes(run.model)
    return unpack(np.asarray(row, np.float32)[:sum(int(np.prod(shape)) for shape in shapes.values())], shapes)


def proved(run, row) -> bool:
    """Whether the model is right on every context in which the rule decides."""
    plane, boxes = plane_of(weights_of(run, row), run.model, run.task.of.operator), families(run.task)
    return all((bounds(plane, each).margins > 0).all() for each in boxes) and prove(plane, boxes).proved
