"""What only chapter 17 needs: strings with known floors, the tasks of three families, what was run, exercises."""

from . import exercises, families, ring, study
from .exercises import *  # noqa: F403
from .families import *  # noqa: F403
from .ring import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *families.__all__, *ring.__all__, *study.__all__]
