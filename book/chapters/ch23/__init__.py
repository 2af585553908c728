"""What only chapter 23 needs: the walk of each token through a model of the plane, what goes wrong, and exercises."""

from . import exercises, walks
from .exercises import *  # noqa: F403
from .walks import *  # noqa: F403

__all__ = ["exercises", "walks", *exercises.__all__, *walks.__all__]
