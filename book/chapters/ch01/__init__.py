"""What only chapter 01 needs: the price lists and their readers, what was run and measured, and its exercises."""

from . import exercises, price_list, study
from .exercises import *  # noqa: F403
from .price_list import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*exercises.__all__, *price_list.__all__, *study.__all__]
