"""What only chapter 8 needs: what was run, and its exercises."""

from . import exercises, study
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *study.__all__]
