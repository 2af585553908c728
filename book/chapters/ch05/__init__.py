"""What only chapter 05 needs: what was run, its exercises, the weights that its explorable loads."""

from . import exercises, study
from .exercises import *  # noqa: F403  (the notebook says ch05.check_…)

__all__ = ["exercises", "study", *exercises.__all__]
