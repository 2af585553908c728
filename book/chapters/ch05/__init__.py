"""What only chapter 05 needs: what was run, its exercises, the weights that its explorable loads."""

from . import exercises, study
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *study.__all__]
