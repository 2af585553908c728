"""Exercises of chapter 07, walking downhill: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.optimizers import AdamW, clip, warmup_linear
from transformer_lab.exercises import Exercise

__all__ = ["check_adamw_step", "check_batch_for", "check_clip_together", "check_rate_at", "check_speed_limit"]


def speed_limit(curvatures):
    return 2 / max(curvatures)


check_speed_limit = Exercise(
    speed_limit, "the rate", [([1.0, 100.0],), ([3.0, 0.5, 4.0],), ([25.0, 5.0],)],
    right="The steepest direction sets the limit for all of them.",
    also_right=(lambda curvatures: min(2 / a for a in curvatures),),
    mistakes={
        "This is what the flattest direction allows; the steepest breaks long before.": lambda a: 2 / min(a),
        "At this rate the steepest direction is at its lowest point after one step; it may be twice as large.":
            lambda a: 1 / max(a),
        "A mean does not help a direction that is steeper than the mean.": lambda a: 2 / np.mean(a)})


def adamw_step(theta, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    step = m_hat / (np.sqrt(v_hat) + 1e-8) + decay * theta
    return theta - rate * step, m, v


def _package_adamw(theta, g, m, v, t, rate, decay):
    adamw, theta = AdamW(weight_decay=decay).start(theta), theta.copy()
    adamw.load_state({"t": t - 1, "m": m, "v": v} if t > 1 else {"t": 0})
    adamw.update(theta, g, rate)
    return theta, adamw.memory["m"], adamw.memory["v"]


def _updates(rng):
    gradients = rng.normal(size=(3, 4)) * [1, 100, 0.01, 1]
    seen = [(0.1 * gradients[:t].sum(axis=0), 0.001 * (gradients[:t] ** 2).sum(axis=0)) for t in range(3)]
    return [(rng.normal(size=4), gradients[t], *seen[t], t + 1, 0.1, 0.2) for t in range(3)]


def _moved(by):
    """AdamW with another move of theta: a function of the next m and v, and of the step."""
    def step(theta, g, m, v, t, rate, decay):
        _, m, v = adamw_step(theta, g, m, v, t, rate, decay)
        return theta - rate * (by(m, v, t) + decay * theta), m, v
    return step


def _pull_inside(theta, g, m, v, t, rate, decay):
    return adamw_step(theta, g + decay * theta, m, v, t, rate, 0.0)


check_adamw_step = Exercise(
    adamw_step, ("theta", "m", "v"), _updates, also_right=(_package_adamw,),
    right="That is AdamW: the ratio and the pull are added last, and the rate multiplies both.",
    mistakes={
        "Here the pull goes through m and v, and is divided by the gradient's size; keep it apart.": _pull_inside,
        "The pull is missing.": lambda *a: adamw_step(*a[:6], 0.0),
        "The rate multiplies the pull, too.":
            lambda *a: (adamw_step(*a[:6], 0.0)[0] - a[6] * a[0], *adamw_step(*a)[1:]),
        "Nothing corrects the start: m and v begin at zero and are too small in the first steps.":
            _moved(lambda m, v, t: m / (np.sqrt(v) + 1e-8)),
        "m is corrected for its start at zero; v needs it, too.":
            _moved(lambda m, v, t: m / (1 - 0.9**t) / (np.sqrt(v) + 1e-8)),
        "The first step has t = 1, not 2.": lambda *a: adamw_step(*a[:4], a[4] + 1, *a[5:]),
        "m is divided by the root of v, not by v.":
            _moved(lambda m, v, t: m / (1 - 0.9**t) / (v / (1 - 0.999**t) + 1e-8)),
        "Return m as it is remembered: the correction belongs to this step alone.":
            lambda *a: (adamw_step(*a)[0], adamw_step(*a)[1] / (1 - 0.9 ** a[4]), adamw_step(*a)[2]),
        "This goes uphill.": lambda *a: (2 * a[0] - adamw_step(*a)[0], *adamw_step(*a)[1:]),
        "v is a mean of squared gradients.": lambda *a: (*adamw_step(*a)[:2], 0.999 * a[3] + 0.001 * a[1])})


def clip_together(g_W, g_b, c):
    length = np.sqrt((g_W**2).sum() + (g_b**2).sum())
    factor = min(1, c / length)
    return factor * g_W, factor * g_b


def _package_clip(g_W, g_b, c):
    whole = np.append(g_W.ravel(), g_b)
    clip(whole, float(c))
    return whole[:g_W.size].reshape(g_W.shape), whole[g_W.size:]


def _alone(g, c):
    return g * min(1, c / np.sqrt((g**2).sum()))


check_clip_together = Exercise(
    clip_together, ("g_W", "g_b"), lambda rng: [(rng.normal(size=(3, 2)), 2 * rng.normal(size=2), c) for c in (1, 50)],
    right="One factor for all, so the direction stays.", also_right=(_package_clip,),
    mistakes={
        "Each array is shortened by itself: that turns the whole gradient into another direction.":
            lambda g_W, g_b, c: (_alone(g_W, c), _alone(g_b, c)),
        "This cuts single entries, and with them the direction.":
            lambda g_W, g_b, c: (np.clip(g_W, -c, c), np.clip(g_b, -c, c)),
        "A gradient that is short enough is left alone; this one makes it longer.":
            lambda g_W, g_b, c: (c * g_W / np.hypot(*map(np.linalg.norm, (g_W, g_b))),
                                 c * g_b / np.hypot(*map(np.linalg.norm, (g_W, g_b)))),
        "Lengths do not add up: add their squares, and take the root.":
            lambda g_W, g_b, c: tuple(min(1, c / sum(map(np.linalg.norm, (g_W, g_b)))) * g for g in (g_W, g_b))})


def rate_at(t, peak, steps, warmup):
    if t < warmup:
        return peak * (t + 1) / warmup
    return peak * (1 - (t - warmup) / (steps - warmup))


check_rate_at = Exercise(
    rate_at, "the rate", [(t, 3.0, 20, 5) for t in (0, 3, 4, 5, 12, 19)],
    right="The first update moves already, and after the last one the rate would be zero.",
    also_right=(lambda t, peak, steps, warmup: warmup_linear(peak, steps, warmup)(t),),
    mistakes={
        "At update 0 this does not move at all: the first of w updates has a rate of peak / w.":
            lambda t, peak, steps, warmup: peak * t / warmup if t < warmup else rate_at(t, peak, steps, warmup),
        "The way down begins at the peak, when the warm-up is over.":
            lambda t, peak, steps, warmup: rate_at(t, peak, steps, warmup) if t < warmup else peak * (1 - t / steps),
        "There is no warm-up in this.": lambda t, peak, steps, warmup: peak * (1 - t / steps),
        "After the warm-up the rate stays where it is; it should fall to zero.":
            lambda t, peak, steps, warmup: peak * min(1, (t + 1) / warmup)})


def batch_for(gradients, share):
    mean = gradients.mean(axis=0)
    scatter = ((gradients - mean) ** 2).sum(axis=1).mean()
    return int(np.ceil(scatter / (share**2 * (mean**2).sum())))


def _needed(gradients, share):
    """The size that is needed, before it is rounded up."""
    return gradients.var(axis=0).sum() / (share * np.linalg.norm(gradients.mean(axis=0))) ** 2


check_batch_for = Exercise(
    batch_for, "the size", lambda rng: (rng.normal([1.0, 0.5, 0.0], size=(40, 3)), rng.uniform(0.1, 0.3)),
    right="Half the distance costs four times the batch.", also_right=(lambda g, share: np.ceil(_needed(g, share)),),
    mistakes={
        "Distances shrink with the root of the size, so the share enters with its square.":
            lambda g, share: np.ceil(_needed(g, share) * share),
        "A share of what? Of the length of the mean gradient.":
            lambda g, share: np.ceil(g.var(axis=0).sum() / share**2),
        "The squared distance falls with the size itself; no root is left to take.":
            lambda g, share: np.ceil(np.sqrt(_needed(g, share))),
        "With one input less than needed the distance is a little too large: round up.":
            lambda g, share: np.floor(_needed(g, share)),
        "All entries of the gradient scatter: add up their variances.":
            lambda g, share: np.ceil(_needed(g, share) / g.shape[1])})
