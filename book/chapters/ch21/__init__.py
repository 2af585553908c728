"""What only chapter 21 needs: the models of its study, what they answer at each distance, and its exercises."""

from . import distances, exercises, models, study
from .distances import *  # noqa: F403
from .exercises import *  # noqa: F403
from .models import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["distances", "exercises", "models", "study",
           *distances.__all__, *exercises.__all__, *models.__all__, *study.__all__]
