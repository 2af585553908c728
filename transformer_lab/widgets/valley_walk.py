"""A valley of any stretch (chapter 7): three rules to walk down in it, and the roots that decide what becomes of each
direction.
"""

from __future__ import annotations

import numpy as np

from ..byhand.optimizers import make_optimizer
from ..rules import Choice, Number, Whole
from .base import Explorable, Synced

__all__ = ["ValleyWalk"]


class ValleyWalk(Explorable, draws="valley-walk"):
    """Descent by a ``rule`` in a valley whose curvature is 1 across and 1 / ``stretch`` along, from any start.

    Along a direction of curvature a one update of momentum multiplies, in the long run, by the larger root of
    z² - (1 + mu - rate a) z + mu (eq-roots in the book). Plain descent has mu = 0. For Adam ``momentum`` is beta1, and
    the rate is what its means make of it at ``step``.

    >>> lab = ValleyWalk(rule="momentum", rate=3.3, momentum=0.67)
    >>> abs(lab.roots).max().round(3)
    np.float64(0.819)
    """

    rule = Synced("sgd", Choice(("sgd", "momentum", "adam")))
    rate = Synced(1.85, Number(0.001, 4))
    momentum = Synced(0.8, Number(0, 0.99))
    beta2 = Synced(0.999, Number(0, 0.9999))
    stretch = Synced(100, Number(1, 1000))
    along = Synced(-1.2, Number(-1.5, 1.5))
    across = Synced(0.5, Number(-0.75, 0.75))
    step = Synced(40, Whole(0, 200))

    @property
    def curvatures(self) -> np.ndarray:
        """Along and across, (2,)."""
        return np.array([1 / self.stretch, 1.0])

    def optimizer(self, theta: np.ndarray):
        """The optimiser of the package for this rule and these settings, ready for theta (2,)."""
        settings = {"momentum": {"mu": self.momentum}, "adam": {"beta1": self.momentum, "beta2": self.beta2}}
        return make_optimizer(self.rule, theta, **settings.get(self.rule, {}))

    @property
    def path(self) -> np.ndarray:
        """The places up to ``step``, along and across, (step + 1, 2)."""
        theta = np.array([self.along, self.across], float)
        optimizer, places = self.optimizer(theta), [theta.copy()]
        for _ in range(self.step):
            optimizer.update(theta, self.curvatures * theta, self.rate)
            places.append(theta.copy())
        return np.array(places)

    @property
    def loss(self) -> np.floating:
        """Half the curvature times the squared distance, summed over both directions."""
        return (self.curvatures * self.path[-1] ** 2).sum() / 2

    @property
    def reach(self) -> np.ndarray:
        """Rate times curvature, along and across, (2,), as the next update has it."""
        if self.rule != "adam":
            return self.rate * self.curvatures
        optimizer = self.optimizer(np.zeros(2))
        for theta in self.path:
            optimizer.update(np.zeros(2), self.curvatures * theta, 0.0)
        t, v = self.step + 1, optimizer.state()["v"]
        share = (1 - self.momentum) / (1 - self.momentum**t)
        return self.rate * share * self.curvatures / (np.sqrt(v / (1 - self.beta2**t)) + 1e-8)

    @property
    def roots(self) -> np.ndarray:
        """The two roots of each direction, (2, 2), complex."""
        mu = 0.0 if self.rule == "sgd" else self.momentum
        return np.array([np.roots([1, reach - 1 - mu, mu]) for reach in self.reach], complex)
