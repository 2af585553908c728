"""What only chapter 14 needs: its studies, what its models do beyond the trained length, and its exercises."""

from . import beyond, exercises, study
from .beyond import *  # noqa: F403
from .exercises import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["beyond", "exercises", "study", *beyond.__all__, *exercises.__all__, *study.__all__]
