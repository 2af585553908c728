"""What only chapter 27 needs: what was run, how it is measured, what one look can hear, its figure and exercises."""

from . import exercises, figures, lookup, measures, study
from .exercises import *  # noqa: F403
from .figures import *  # noqa: F403
from .lookup import *  # noqa: F403
from .measures import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *figures.__all__, *lookup.__all__, *measures.__all__, *study.__all__]
