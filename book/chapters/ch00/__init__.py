"""What only chapter 00 needs: its exercises, and the weights that its explorable loads."""

from . import exercises
from .exercises import *  # noqa: F403

__all__ = [*exercises.__all__]
