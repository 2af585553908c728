"""What only chapter 15 needs: its studies, gradients that are cut, and its exercises."""

from . import cuts, exercises, study
from .cuts import *  # noqa: F403
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["cuts", "exercises", "study", *cuts.__all__, *exercises.__all__, *study.__all__]
