"""What only chapter 24 needs: what a model can do at each step, its studies, and its exercises."""

from . import exercises, progress, study
from .exercises import *  # noqa: F403
from .progress import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *progress.__all__, *study.__all__]
