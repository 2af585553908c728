"""What only chapter 03 needs: looking and writing apart, what was run and measured, and its exercises."""

from . import exercises, study
from .every_pattern import bag_accuracy
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["bag_accuracy", *exercises.__all__, *study.__all__]
