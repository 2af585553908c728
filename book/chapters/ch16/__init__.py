"""What only chapter 16 needs: its studies, the counts of operations, and its exercises."""

from . import exercises, flops, prediction, study
from .exercises import *  # noqa: F403
from .flops import *  # noqa: F403
from .prediction import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["exercises", "flops", "prediction", "study", *exercises.__all__, *flops.__all__,
           *prediction.__all__, *study.__all__]
