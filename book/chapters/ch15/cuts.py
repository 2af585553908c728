"""Gradients cut by value and by norm, what either does to their direction, and a stepper that cuts and spoils them."""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.optimizers import clip
from transformer_lab.checks import check_choice
from transformer_lab.errors import installed
from transformer_lab.rules import Array, Number
from transformer_lab.signatures import checked
from transformer_lab.training.torch_stepper import TorchStepper

torch = installed("torch", "The PyTorch steppers")

__all__ = ["VALUES", "Cut", "cosine", "cut_by_norm", "cut_by_value", "slowed"]

#: Largest values of an entry that are tried on every tenth gradient, without anything being cut.
VALUES = tuple(float(f"{value:.3g}") for value in np.geomspace(1e-4, 1, 17))
MEMORIES = {"": (), "exp_avg": ("exp_avg",), "exp_avg_sq": ("exp_avg_sq",), "both": ("exp_avg", "exp_avg_sq")}
WHEN = {"always": (0, 10**9), "first": (0, 20), "later": (20, 10**9)}


@checked
def cut_by_norm(g: Array("n"), threshold: Number(above=0)) -> np.ndarray:
    """The gradient (n,), shortened to the threshold where it is longer; its direction stays (eq-clip of chapter 7).

    >>> cut_by_norm([3.0, 4.0], 1.0).round(12).tolist()
    [0.6, 0.8]
    """
    shortened = np.array(g, dtype=float)
    clip(shortened, threshold)
    return shortened


@checked
def cut_by_value(g: Array("n"), threshold: Number(above=0)) -> np.ndarray:
    """The gradient (n,), each entry brought between minus and plus the threshold (eq-clip-value).

    >>> cut_by_value([3.0, -0.5], 1.0).tolist()
    [1.0, -0.5]
    """
    return np.clip(g, -threshold, threshold)


@checked
def cosine(one: Array("n"), other: Array("n")) -> float:
    """The cosine of the angle between two vectors (n,), 0 where one of them is zero (eq-clip-cosine).

    >>> round(cosine([4.0, 0.5], [1.0, 0.5]), 3)
    0.943
    """
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths else 0.0


@checked
def slowed(times: Number(above=0), after: Array("step"), beta2: Number(0, 0.9999) = 0.99) -> np.ndarray:
    """By how much AdamW's steps are smaller, so many steps ``after`` one gradient that was so many ``times`` as long as
    all others, which have one length (eq-clip-slowed).

    >>> slowed(100.0, [0.0, 458.0]).round(1).tolist()
    [10.0, 1.4]
    """
    return np.sqrt(1 + (1 - beta2) * (times**2 - 1) * beta2**after)


class Cut(TorchStepper):
    """A stepper whose gradient is cut ``by`` norm, by value or not at all, at some of its steps: ``"always"``, in the
    20 steps of the warm-up (``"first"``) or ``"later"``.

    At each step in ``spoilt`` the gradient is ``weight`` times as long, before it is cut; ``kept`` is a memory of Adam,
    ``"exp_avg"`` or ``"exp_avg_sq"``, that forgets these steps, or ``"both"``. ``norms`` and ``losses`` have what was
    met at each step, before anything is cut; with ``every``, ``cosines`` has those of cuts by :data:`VALUES` at so many
    steps.
    """

    def __init__(self, module, optimizer="adamw", *, by="none", threshold=0.0, when="always", spoilt=(), weight=1.0,
                 kept="", every=0, **settings):
        super().__init__(module, optimizer, max_norm=np.inf, **settings)
        self.by = check_choice("by", by, ("none", "norm", "value"))
        self.threshold, self.when = threshold, WHEN[check_choice("when", when, WHEN)]
        self.spoilt, self.weight, self.every = frozenset(spoilt), weight, every
        self.kept = MEMORIES[check_choice("kept", kept, MEMORIES)]
        self.norms, self.losses, self.cosines = {}, {}, {}

    def step(self, batch, learning_rate):
        """The stepper's own step; a memory that is kept is as it was before."""
        before = [(value, name, self.memory_of(value)[name].clone()) for value in self.remembered()
                  for name in self.kept]
        metrics = super().step(batch, learning_rate)
        for value, name, memory in before:
            self.memory_of(value)[name].copy_(memory)
        self.losses[self.t - 1] = metrics["loss"]
        return metrics

    def remembered(self):
        return list(self.named.values()) if self.kept and self.t in self.spoilt else []

    def memory_of(self, value):
        return self.parts[0].optimizer.state[value]

    def clip(self) -> float:
        """Spoils the gradient, notes its norm, and cuts it; returns the norm that it had."""
        grads = [value.grad for value in self.named.values() if value.grad is not None]
        if self.t in self.spoilt:
            torch._foreach_mul_(grads, self.weight)
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads))))
        self.norms[self.t] = norm
        if self.every and self.t % self.every == 0:
            self.cosines[self.t] = turned(torch.cat([grad.flatten() for grad in grads]))
        if self.when[0] <= self.t < self.when[1] and self.by != "none":
            self.cut(grads, norm)
        return norm

    def cut(self, grads, norm):
        if self.by == "value":
            for grad in grads:
                grad.clamp_(-self.threshold, self.threshold)
        elif norm > self.threshold:
            torch._foreach_mul_(grads, self.threshold / norm)


def turned(g) -> np.ndarray:
    """For each of VALUES the cosine, the share of entries that are cut, and the share of the norm that is left."""
    found, length = [], torch.linalg.vector_norm(g)
    for threshold in VALUES:
        cut = g.clamp(-threshold, threshold)
        left = torch.linalg.vector_norm(cut)
        found.append([float(g @ cut / (length * left)), float((g.abs() > threshold).float().mean()),
                      float(left / length)])
    return np.array(found)
