"""What only chapter 10 needs: what was run, what a token costs, its drawing, its exercises."""

from . import cost, exercises, figures, parity, study
from .cost import *  # noqa: F403
from .exercises import *  # noqa: F403
from .figures import *  # noqa: F403
from .parity import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*cost.__all__, *exercises.__all__, *figures.__all__, *parity.__all__, *study.__all__]
