"""What only chapter 18 needs: strings that repeat, models that copy, what is measured of their heads, exercises."""

from . import exercises, notes, repeats, stories, study
from .exercises import *  # noqa: F403
from .notes import *  # noqa: F403
from .repeats import *  # noqa: F403
from .stories import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["exercises", "notes", "repeats", "stories", "study", *exercises.__all__, *notes.__all__,
           *repeats.__all__, *stories.__all__, *study.__all__]
