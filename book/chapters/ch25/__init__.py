"""What only chapter 25 needs: the story as a program, its rivals, changes made by hand, studies, and exercises."""

from . import by_hand as hand
from . import edits, exercises, story, study
from .by_hand import by_hand
from .edits import *  # noqa: F403
from .exercises import *  # noqa: F403
from .story import *  # noqa: F403
from .study import CHANGED, READ

__all__ = ["CHANGED", "READ", "by_hand", "edits", "exercises", "hand", "story", "study", *edits.__all__,
           *exercises.__all__, *story.__all__]
