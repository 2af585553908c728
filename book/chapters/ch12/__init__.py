"""What only chapter 12 needs: what was run."""

from . import study
from .study import *  # noqa: F403

__all__ = [*study.__all__]
