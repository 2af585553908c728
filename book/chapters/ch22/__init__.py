"""What only chapter 22 needs: models of the plane with short names, what their scores say, redrawing, exercises."""

from . import exercises, maps
from .exercises import *  # noqa: F403
from .maps import *  # noqa: F403

__all__ = ["exercises", "maps", *exercises.__all__, *maps.__all__]
