"""What only chapter 21 needs: the models of its study, what they look at and answer, and its exercises."""

from . import distances, exercises, gaze, models
from .distances import *  # noqa: F403
from .exercises import *  # noqa: F403
from .gaze import *  # noqa: F403
from .models import *  # noqa: F403

__all__ = ["distances", "exercises", "gaze", "models", *distances.__all__, *exercises.__all__, *gaze.__all__,
           *models.__all__]
