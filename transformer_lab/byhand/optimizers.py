r"""From a gradient to better weights: SGD, momentum, Adam, AdamW, and clipping.

All weights are one vector theta (..., n), changed in place; leading axes are independent models (seeds). The vector is
worked through in blocks that fit the processor's cache, because an optimiser does little arithmetic on much memory.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_choice, check_number
from ..errors import ShapeError
from .explained import explained

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Momentum", "clip", "make_optimizer"]

BLOCK = 2**15  # entries: 128 kB in float32, so that the blocks of all vectors fit a second-level cache
NEARLY_ONE = 1 - 1e-9


class SGD:
    r"""Steepest descent (Robbins and Monro 1951), :math:`\theta \leftarrow \theta - \eta g`.

    >>> theta = np.array([1.0, 2.0])
    >>> SGD().update(theta, np.array([1.0, -1.0]), 0.5)
    >>> theta.tolist()
    [0.5, 2.5]
    """

    remembers: tuple[str, ...] = ()  # names of the vectors that it keeps from step to step

    def __init__(self):
        self.t, self.memory = 0, {}

    def start(self, theta):
        """Forget everything, and be ready for this vector. (The first update does it, too.)"""
        self.t, self.memory = 0, {name: np.zeros(theta.shape, theta.dtype) for name in self.remembers}
        return self

    def update(self, theta, g, learning_rate: float) -> None:
        """One step: changes ``theta`` (..., n), given its gradient g (..., n)."""
        if self.t == 0:
            self.start(theta)
        for name, vector in {"g": g, **self.memory}.items():
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
        self.t = int(state["t"])
        self.memory = {name: np.array(state[name], order="C") for name in self.remembers if name in state}


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

    def __init__(self, mu: float = 0.9):
        super().__init__()
        self.mu = check_number("mu", mu, low=0, high=1)

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

    remembers = ("m", "v")

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01):
        super().__init__()
        self.beta1 = check_number("beta1", beta1, low=0, high=NEARLY_ONE)
        self.beta2 = check_number("beta2", beta2, low=0, high=NEARLY_ONE)
        self.eps = check_number("eps", eps, low=0)
        self.weight_decay = check_number("weight_decay", weight_decay, low=0)

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


@explained(theta="n")
def make_optimizer(name: str, theta, **settings) -> SGD:
    """The optimiser of this name, ready for the vector theta (eq-sgd, eq-momentum, eq-adam, eq-adamw in the book).

    >>> make_optimizer("adam", np.zeros(3), beta2=0.98).state()["m"].tolist()
    [0.0, 0.0, 0.0]
    """
    return OPTIMIZERS[check_choice("name", name, OPTIMIZERS)](**settings).start(theta)


@explained(g="n")
def clip(g, max_norm: float):
    r"""Shortens each model's gradient to ``max_norm`` where it is longer, in place (Pascanu et al. 2013, algorithm 1;
    eq-clip in the book), and returns the length that it had, :math:`\|g\|`, (...,) for g (..., n).

    >>> g = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> clip(g, 1.0).tolist(), g.round(12).tolist()
    ([5.0, 0.5], [[0.6, 0.8], [0.3, 0.4]])
    """
    check_number("max_norm", max_norm, above=0)
    norm = np.sqrt(np.einsum("...i,...i->...", g, g))
    if (norm > max_norm).any():
        g *= (max_norm / np.maximum(norm, max_norm))[..., None]
    return norm
