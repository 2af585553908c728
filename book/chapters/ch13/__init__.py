"""What only chapter 13 needs: five ways to wire a block, what its first gradients must be, its studies, exercises."""

from . import exercises, recursion, study, wiring
from .exercises import *  # noqa: F403
from .recursion import *  # noqa: F403
from .study import *  # noqa: F403
from .wiring import *  # noqa: F403

__all__ = ["exercises", "recursion", "study", "wiring", *exercises.__all__, *recursion.__all__, *study.__all__,
           *wiring.__all__]
