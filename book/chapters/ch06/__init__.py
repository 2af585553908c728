"""What only chapter 06 needs: what was run, the mistakes and the witnesses that see them, its exercises."""

from . import exercises, planted, study, witnesses
from .exercises import *  # noqa: F403
from .planted import *  # noqa: F403
from .study import *  # noqa: F403
from .witnesses import *  # noqa: F403

__all__ = [*exercises.__all__, *planted.__all__, *study.__all__, *witnesses.__all__]
