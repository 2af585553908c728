"""What only chapter 19 needs: attention in tiles, patterns, what is kept and what is not, what was run, exercises."""

from . import exercises, memory, patterns, study, tiles
from .exercises import *  # noqa: F403
from .memory import *  # noqa: F403
from .patterns import *  # noqa: F403
from .study import *  # noqa: F403
from .tiles import *  # noqa: F403

__all__ = [*exercises.__all__, *memory.__all__, *patterns.__all__, *study.__all__, *tiles.__all__]
