"""What only chapter 9 needs: what was run and measured, and its exercises."""

from . import digit_geometry, exercises, heads, study
from .digit_geometry import *  # noqa: F403
from .exercises import *  # noqa: F403
from .heads import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*digit_geometry.__all__, *exercises.__all__, *heads.__all__, *study.__all__]
