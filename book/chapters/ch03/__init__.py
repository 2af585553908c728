"""What only chapter 03 needs: looking and writing apart, what was run and measured, and its exercises."""

from . import every_pattern, exercises, look_write, study
from .every_pattern import *  # noqa: F403
from .exercises import *  # noqa: F403
from .look_write import *  # noqa: F403
from .study import *  # noqa: F403
from .walks import walk

__all__ = ["walk", *every_pattern.__all__, *exercises.__all__, *look_write.__all__, *study.__all__]
