"""What a terminal says of runs of a rule, one model or many that were trained at once."""

from __future__ import annotations

import numpy as np

from ..analysis.rule_scores import free_running, interval, scores
from ..tasks.rules import RuleTask, ceiling, floor
from ..training import Record, Run, one_by_one
from .show import percent, table

__all__ = ["evaluated", "outcome"]

SOLVED = 0.999


def decided(run: Run, record: Record) -> list:
    """The scores of each model."""
    plain = RuleTask(run.task.rule, run.task.n_ctx)
    return [scores(params, run.model, plain) for params in one_by_one(record.weights, run.training.seeds)]


def share(found) -> float:
    return found.right.sum() / max(1, found.asked.sum())


def outcome(run: Run, record: Record) -> str:
    """How many models have learned the rule, and at which loss."""
    found = decided(run, record)
    best = min(each.loss for each in found)
    if len(found) == 1:
        said = f"{percent(share(found[0]), 2)} of what the rule decides is right"
    else:
        solved = sum(share(each) >= SOLVED for each in found)
        said = f"{solved} of {len(found)} models are right on at least {100 * SOLVED:g} % of what the rule decides"
    return f"{said}; the smallest loss is {best:.4f} nats, and nobody's can be below {floor(run.task):.4f}"


def evaluated(run: Run, record: Record) -> str:
    """One line a model: first choice with its interval, sampled, free-running, loss; and by distance for all."""
    found, rows = decided(run, record), []
    for seed, (params, one) in enumerate(zip(one_by_one(record.weights, run.training.seeds), found, strict=True)):
        asked, wrong = free_running(params, run.model, run.task)
        low, high = interval(int(one.right.sum()), int(one.asked.sum())) if one.asked.sum() else (0.0, 1.0)
        rows.append((str(run.training.seed + seed), percent(share(one), 2), f"{percent(low, 2)} to {percent(high, 2)}",
                     percent(one.sampled_wrong.sum() / max(1, one.asked.sum()), 2), percent(wrong / max(1, asked), 2),
                     f"{one.loss:.4f}"))
    heads = ["seed", "right", "95 times in 100", "sampled wrong", "wrong on its own", "loss"]
    asked, right = (sum(each[place] for each in found).sum(axis=0) for place in (0, 1))
    far = [(str(distance), percent(right[distance] / asked[distance], 2), f"{asked[distance]:,}")
           for distance in np.flatnonzero(asked)]
    return "\n".join([table(rows, heads, left=()), "", f"floor of the loss {floor(run.task):.4f}; all next tokens "
                      f"together can be foretold in {percent(ceiling(run.task))} of cases", "",
                      table(far, ["distance", "right", "places"], left=())])
