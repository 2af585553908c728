"""Chapter 27's study: seventeen rules, five widths of the stream, sixteen models each, one recipe.

Only the width and the rule differ: one layer, one head, 32 hidden units, eight positions. ``transformer-lab study
other-rules`` makes the record again, and ``two-tokens`` that of a rule of our own.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from transformer_lab.analysis.plane_models import RECIPES
from transformer_lab.byhand.transformer import forward, pack
from transformer_lab.names import parameter_shapes
from transformer_lab.rules import Choice, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.rule_table import RULES, Rule, recent
from transformer_lab.tasks.rules import RuleTask, sample
from transformer_lab.training import Run, Study, fit

from .measures import PROVABLE, measured, proved

__all__ = ["ASKS", "HARD", "SAME_PARITY", "STUDY", "TWO_TOKENS", "errors", "run_of"]

SHAPE = {"n_layers": 1, "n_heads": 1, "d_mlp": 32, "n_ctx": 8, "norm": "none", "output_projection": False}
HOW = RECIPES["plain"] | {"steps": 3000}
TAUGHT = {"all": 1.0, "the rule": 0.0}  # the share of free tokens that count
ROOM, PLANE_ROOM = 1200, 320  # numbers kept for a model: the largest has 1182, in the plane 300


@checked
def run_of(rule: Choice(RULES), d_model: Whole(1, 4096), taught: Choice(TAUGHT) = "all", n_seeds: Whole(1) = 16) -> Run:
    """The run of one rule in one width.

    >>> run_of("lucky7", 2).model.d_mlp
    32
    """
    shape = SHAPE | {"residual": RULES[rule].model.get("residual", True)}
    return Run.of(RuleTask(rule), **shape, d_model=d_model, free=TAUGHT[taught], seeds=n_seeds, **HOW)


def trained(rule: str, d_model: int, taught: str, seeds) -> dict:
    """The weights of all seeds at the end, one after the other in a row that is long enough for any of the models."""
    run = run_of(rule, d_model, taught, len(seeds))
    theta = pack(fitted(run), parameter_shapes(run.model))
    kept = np.full((len(seeds), ROOM), np.nan, np.float32)
    kept[:, :theta.shape[-1]] = theta
    return {"theta": (("seed", "weight"), kept)}


def fitted(run: Run) -> dict:
    """The weights of all seeds at the end."""
    stepper = run.stepper()
    fit(stepper, run.batches, steps=run.training.steps, learning_rate=run.learning_rate, every=run.training.steps)
    return stepper.params


def scored(found):
    """What is shipped: how each model does (:mod:`.measures`), which are proved, and the weights of the best in the
    plane, those of the rules first (rule, weight).
    """
    shape = tuple(found.sizes[name] for name in ("rule", "d_model", "taught", "seed"))
    kept = {name: np.full(shape, np.nan) for name in ("wrong", "doubt", "excess", "elsewhere", "proved")}
    distances, best = np.full((*shape, 8), np.nan), np.full((shape[0], PLANE_ROOM), np.nan, np.float32)
    for arm in ARMS:
        at = tuple(int(found.indexes[name].get_loc(value)) for name, value in arm.items())
        run, theta = run_of(**arm), found["theta"].values[at]
        one = measured(run, theta)
        distances[at] = one.pop("by_distance")
        for name, values in one.items():
            kept[name][at] = values
        if arm["d_model"] == 2 and arm["rule"] in PROVABLE:
            kept["proved"][at] = [proved(run, row) for row in theta]
        if arm["d_model"] == 2 and arm["taught"] == "all":
            best[at[0]] = theta[np.lexsort((one["doubt"], one["wrong"]))[0], :PLANE_ROOM]
    dims = ("rule", "d_model", "taught", "seed")
    more = {"by_distance": ((*dims, "distance"), distances), "best": (("rule", "number"), best)}
    return found.drop_vars("theta").assign(
        {name: (dims, values) for name, values in kept.items()} | more).sortby("d_model")


#: What a rule asks for: by hand, and by this the rows of the table are ordered.
ASKS = {
    "asks for the present token": ("successor", "lookup_permutation", "conditional_transform", "odd_even_index",
                                   "even_to_odd_transition", "even_greater_than_10", "plus_means_even"),
    "asks for one token further back": ("plus_last_even", "even_repeat_last_odd", "lucky7", "lucky7_no_resid",
                                        "step_back", "copy_modulo"),
    "asks for two tokens": ("parity_based", "parity_greater_than_10", "even_abs_diff", "plus_max_of_two"),
}
#: What few models or none learned in the plane.
HARD = ("lucky7_no_resid", "step_back", "copy_modulo", "even_abs_diff", "plus_max_of_two")
#: Numbers in the stream: the plane first, which most of what is said is about.
WIDTHS = (2, 1, 3, 4, 8)
ARMS = [{"rule": rule, "d_model": d_model, "taught": "all"} for d_model in WIDTHS for rule in RULES]
STUDY = Study("other-rules", trained, arms=ARMS, seeds=range(16), together=True,
              settings={"shape": SHAPE, "recipe": HOW, "taught": TAUGHT}, finish=scored)


def errors(found, taught: str = "all") -> dict[str, np.ndarray]:
    """Of each rule, in the order of :data:`ASKS`, the share that each model gets wrong, in per cent: (width, seed)."""
    wrong = 100 * found["wrong"].sel(taught=taught)
    return {rule: wrong.sel(rule=rule).transpose("d_model", "seed").values for rules in ASKS.values()
            for rule in rules}


#: A rule of our own: after + comes 0 or 1, by whether the two numbers before it are of one parity.
SAME_PARITY = Rule(
    "after + comes 0 where the two numbers before it are both even or both odd, and 1 where they are not", 10,
    lambda state: (sum(state[:2]) % 2,) if len(state) == 3 and state[2] == 10 and 10 not in state[:2] else None,
    recent(3), plus=True, operator=10, chance=0.3)


@contextmanager
def known(name: str, rule: Rule):
    """For a while the rule is one of all rules."""
    RULES[name] = rule
    try:
        yield RuleTask(name)
    finally:
        del RULES[name]


def two_tokens(n_heads: int, d_mlp: int, d_model: int, seeds) -> dict:
    """The share of all pairs of numbers, behind random beginnings, of which each model says the wrong parity."""
    with known("same_parity", SAME_PARITY) as task:
        shape = SHAPE | {"n_heads": n_heads, "d_mlp": d_mlp, "d_model": d_model}
        run = Run.of(task, **shape, free=0.0, seeds=len(seeds), **HOW)
        return {"wrong": (("seed", "beginning"), wrong_of_pairs(task, fitted(run), run.model))}


def wrong_of_pairs(task, params: dict, config) -> np.ndarray:
    """Of all 100 pairs of numbers behind each of 20 beginnings, the share that each model gets wrong."""
    begun = sample(task, 200, seed=0, purpose="beginnings").tokens[:, :5]
    begun = begun[begun[:, 4] != 10][:20]
    pairs = np.stack(np.meshgrid(range(10), range(10), indexing="ij"), axis=-1).reshape(-1, 2)
    tokens = np.concatenate([np.repeat(begun, 100, axis=0), np.tile(pairs, (20, 1)), np.full((2000, 1), 10)], axis=1)
    said = forward(params, tokens, config)["logits"][..., 7, :].argmax(axis=-1)
    return (said != tokens[:, 5:7].sum(axis=-1) % 2).reshape(-1, 20, 100).mean(axis=-1)


TWO_TOKENS = Study("two-tokens", two_tokens, seeds=range(16), together=True, settings={"shape": SHAPE, "recipe": HOW},
                   arms=[{"n_heads": n_heads, "d_mlp": d_mlp, "d_model": d_model} for n_heads, d_mlp, d_model in (
                       (1, 0, 2), (1, 0, 8), (1, 0, 16), (2, 0, 4), (2, 0, 8), (1, 32, 2), (1, 32, 8))])
