"""What only chapter 02 needs: the head in PyTorch, the head line by line, mistakes to plant, and its exercises."""

from . import exercises, planted, twin
from .exercises import *  # noqa: F403
from .one_sequence import one_sequence
from .planted import *  # noqa: F403
from .twin import *  # noqa: F403

__all__ = ["one_sequence", *exercises.__all__, *planted.__all__, *twin.__all__]
