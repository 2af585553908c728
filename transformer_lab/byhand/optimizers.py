r"""From a gradient to better weights: SGD, momentum, Adam, AdamW, clipping, and the rate over the steps.

All weights are one vector theta (..., n), changed in place; leading axes are independent models (seeds). The vector is
worked through in blocks that fit the processor's cache, because an optimiser does little arithmetic on much memory.

A learning rate is a function of the step, from 0 to ``steps - 1``: up in a straight line (warm-up), then down in a
straight line or along a cosine. With s the share of the rest that is over (eq-schedule in the book):

.. math:: \eta_t = \eta\,(t + 1) / w \;\text{ for the first } w \text{ steps}, \qquad s = (t - w) / (\text{steps} - w)
"""

from __future__ import annotations

import ctypes
import inspect
import math
import sys
from functools import cache

import numpy as np

from ..checks import check_entries
from ..errors import DtypeError, ShapeError
from ..rules import ODD, Array, Choice, Inexact, Number, Whole, Wholes
from ..signatures import checked

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Momentum", "clip", "keep_freed_memory", "make_optimizer",
           "warmup_cosine", "warmup_linear"]

BLOCK = 2**15  # entries: 128 kB in float32, so that the blocks of all vectors fit a second-level cache
NEARLY_ONE = 1 - 1e-9


class Changing(Array):
    """An array that can be changed in place. Half precision cannot: it has no room for what an optimiser adds up."""

    def check(self, argument, value, sizes, given):
        if type(value) is not np.ndarray or not value.flags.writeable or value.dtype.char in ODD:
            came = "a read-only array" if type(value) is np.ndarray else f"a {type(value).__name__}"
            came = "an array of dtype float16" if getattr(value, "dtype", None) == np.float16 else came
            raise DtypeError(argument, came, "a NumPy array of float32 or float64, to change in place",
                             f"Pass np.array({argument}, dtype=float).")
        return super().check(argument, value, sizes, given)


class SGD:
    r"""Steepest descent (Robbins and Monro 1951), :math:`\theta \leftarrow \theta - \eta g`.

    >>> theta = np.array([1.0, 2.0])
    >>> SGD().update(theta, np.array([1.0, -1.0]), 0.5)
    >>> theta.tolist()
    [0.5, 2.5]
    """

    remembers: tuple[str, ...] = ()  # names of the vectors that it keeps from step to step
    squares: tuple[str, ...] = ()  # those of them that are never below 0

    def __init__(self):
        self.t, self.memory = 0, {}

    @checked
    def start(self, theta: Changing("... n", finite=False, kind="inexact")):
        """Forget everything, and be ready for this vector. (The first update does it, too.)"""
        self.t, self.memory = 0, {name: np.zeros(theta.shape, theta.dtype) for name in self.remembers}
        return self

    @checked
    def update(self, theta: Changing("*lead n", finite=False, kind="inexact"), g: Inexact("*lead n", finite=False),
               learning_rate: Number(low=0)) -> None:
        """One step: changes ``theta`` (..., n), given its gradient g (..., n)."""
        if not np.can_cast(g.dtype, theta.dtype, "same_kind"):
            raise DtypeError("g", f"an array of dtype {g.dtype}", f"one that fits {theta.dtype}", "Keep to one dtype.")
        if self.t == 0:
            self.start(theta)
        for name, vector in self.memory.items():
            if vector.shape != theta.shape:
                raise ShapeError(name, f"an array of shape {vector.shape}", f"{theta.shape}", "Keep to one theta.")
        self.t += 1
        own = theta if theta.flags.c_contiguous else theta.copy("C")  # a reshape of other weights would be a copy
        flat = [vector.reshape(-1) for vector in (own, g, *self.memory.values())]
        for start in range(0, theta.size, BLOCK):
            self.rule(*(vector[start:start + BLOCK] for vector in flat), learning_rate)
        if own is not theta:
            theta[...] = own

    def rule(self, theta, g, learning_rate):
        theta -= learning_rate * g

    def state(self) -> dict:
        """What it remembers, by name."""
        return {"t": np.array(self.t), **self.memory}

    def load_state(self, state: dict) -> None:
        """Put a state back: the next update is then the same, bit for bit."""
        t = int(Wholes("", low=0, high=2**62)("state['t']", check_entries("state", state, ["t"])["t"]))
        names = self.remembers if t or not state.keys().isdisjoint(self.remembers) else ()
        memory, axes = {}, "..."
        for name in names:
            low, high = (0 if name in self.squares else None, None) if t else (0, 0)  # no memory before the first step
            found = Array(axes, low, high)(f"state[{name!r}]", check_entries("state", state, names)[name])
            memory[name], axes = np.array(found, order="C"), " ".join(map(str, found.shape))
        self.t, self.memory = t, memory


class Momentum(SGD):
    r"""Descent with inertia (Polyak 1964), :math:`m \leftarrow \mu m + g,\; \theta \leftarrow \theta - \eta m`.

    >>> theta = np.array([1.0])
    >>> momentum = Momentum(mu=0.5)
    >>> for _ in range(2):
    ...     momentum.update(theta, np.array([1.0]), 0.1)
    >>> theta.round(12).tolist()
    [0.75]
    """

    remembers = ("m",)

    @checked
    def __init__(self, mu: Number(low=0, high=1) = 0.9):
        super().__init__()
        self.mu = mu

    def rule(self, theta, g, m, learning_rate):
        m *= self.mu
        m += g
        theta -= learning_rate * m


class AdamW(SGD):
    r"""Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
              \theta \leftarrow \theta - \eta \Big( \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} +
              \lambda \theta \Big)

    >>> theta = np.array([1.0, 1.0])
    >>> AdamW(weight_decay=0.1).update(theta, np.array([5.0, -0.001]), 0.1)
    >>> theta.round(4).tolist()
    [0.89, 1.09]
    """

    remembers, squares = ("m", "v"), ("v",)

    @checked
    def __init__(self, beta1: Number(low=0, high=NEARLY_ONE) = 0.9, beta2: Number(low=0, high=NEARLY_ONE) = 0.999,
                 eps: Number(low=0) = 1e-8, weight_decay: Number(low=0) = 0.01):
        super().__init__()
        self.beta1, self.beta2, self.eps, self.weight_decay = beta1, beta2, eps, weight_decay

    def rule(self, theta, g, m, v, learning_rate):
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * (g * g)
        root = (1 - self.beta2**self.t) ** 0.5  # both denominators, as in Kingma and Ba, end of section 2
        theta *= 1 - learning_rate * self.weight_decay
        theta -= (learning_rate * root / (1 - self.beta1**self.t)) * m / (np.sqrt(v) + self.eps * root)


class Adam(AdamW):
    """Adam (Kingma and Ba 2015, algorithm 1): AdamW without weight decay."""

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        super().__init__(beta1, beta2, eps, weight_decay=0)


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam, "adamw": AdamW}


@checked
def make_optimizer(name: Choice(OPTIMIZERS), theta: Inexact("... n"), **settings) -> SGD:
    """The optimiser of this name, ready for the vector theta (eq-sgd, eq-momentum, eq-adam, eq-adamw in the book).

    >>> make_optimizer("adam", np.zeros(3), beta2=0.98).state()["m"].tolist()
    [0.0, 0.0, 0.0]
    """
    known = list(inspect.signature(OPTIMIZERS[name]).parameters)
    for setting in settings:
        Choice(known)(f"a setting of {name!r}", setting)
    return OPTIMIZERS[name](**settings).start(theta)


@checked
def clip(g: Changing("... n", finite=False), max_norm: Number(above=0)) -> np.ndarray:
    r"""Shortens each model's gradient to ``max_norm`` where it is longer, in place (Pascanu et al. 2013, algorithm 1;
    eq-clip in the book), and returns the length that it had, :math:`\|g\|`, (...,) for g (..., n). A gradient that is
    not finite has no length to shorten, and stays.

    >>> g = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> clip(g, 1.0).tolist(), g.round(12).tolist()
    ([5.0, 0.5], [[0.6, 0.8], [0.3, 0.4]])
    """
    norm = length(g)
    longer = (norm > max_norm) & np.isfinite(norm)
    if longer.any():
        g *= np.where(longer, max_norm / np.maximum(norm, max_norm), 1)[..., None]
    return norm


def length(g):
    """The norm along the last axis, also where squares overflow or vanish: there g is first brought near 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        norm = np.sqrt(np.einsum("...i,...i->...", g, g))
    if (plain := (norm > np.finfo(g.dtype).tiny ** 0.5) & np.isfinite(norm)).all():
        return norm
    peak = np.abs(g).max(axis=-1)
    by = np.where((peak > 0) & np.isfinite(peak), peak, 1)
    near = g / by[..., None]
    return np.where(plain, norm, np.sqrt(np.einsum("...i,...i->...", near, near)) * by)


@checked
def warmup_linear(peak: Number(above=0), steps: Whole(1), warmup: Whole(0, "steps") = 0,
                  floor: Number(low=0, high=1) = 0.0):
    r""":math:`\eta_t = \eta\,(1 - s)`, but never below ``floor`` times the peak.

    >>> [round(warmup_linear(1.0, 6, 2)(step), 4) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    return schedule(lambda s: 1 - s, peak, steps, warmup, floor)


@checked
def warmup_cosine(peak: Number(above=0), steps: Whole(1), warmup: Whole(0, "steps") = 0,
                  floor: Number(low=0, high=1) = 0.0):
    r""":math:`\eta_t = \eta\,(f + (1 - f)\,\tfrac12 (1 + \cos \pi s))` with f the ``floor`` (Loshchilov and Hutter
    2017, eq. 5).

    >>> [round(warmup_cosine(1.0, 4, floor=0.2)(step), 4) for step in range(4)]
    [1.0, 0.8828, 0.6, 0.3172]
    """
    return schedule(lambda s: floor + (1 - floor) * (1 + math.cos(math.pi * s)) / 2, peak, steps, warmup, floor)


def schedule(decay, peak, steps, warmup, floor):
    def learning_rate(step: int) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        return peak * max(floor, decay((step - warmup) / (steps - warmup))) if step < steps else peak * floor

    return learning_rate


@cache
def keep_freed_memory() -> bool:
    """Let this process keep up to 256 MB of freed memory for the next step, which will want the same; returns whether
    that is so. On Linux the C library hands large freed blocks back to the system, which then has to find, clear and
    map them again: a fifth of the time of a small model's step. Elsewhere nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    trim_threshold, mmap_threshold = -1, -3  # glibc, malloc.h
    return bool(mallopt and mallopt(trim_threshold, 256 << 20) and mallopt(mmap_threshold, 32 << 20))
