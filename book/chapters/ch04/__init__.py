"""What only chapter 04 needs: what was run and measured, and its exercises."""

from . import exercises, order, places, study
from .exercises import *  # noqa: F403
from .order import *  # noqa: F403
from .places import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *order.__all__, *places.__all__, *study.__all__]
