"""What only chapter 12 needs: its studies, what a difference between runs is worth, and its exercises."""

from . import evidence, exercises, study
from .evidence import *  # noqa: F403
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["evidence", "exercises", "study", *evidence.__all__, *exercises.__all__, *study.__all__]
