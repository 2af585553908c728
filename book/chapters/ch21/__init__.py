"""What only chapter 21 needs: its study of many models, what they answer at each distance, and its exercises."""

from . import distances, exercises, study
from .distances import *  # noqa: F403
from .exercises import *  # noqa: F403
from .study import MODEL, RECIPES, STUDY, TASK, weights

__all__ = ["MODEL", "RECIPES", "STUDY", "TASK", "distances", "exercises", "study", "weights", *distances.__all__,
           *exercises.__all__]
