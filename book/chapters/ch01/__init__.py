"""What only chapter 01 needs: the price lists and their readers, what was run and measured, and its exercises."""

from . import exercises, list_reader, power_law, price_list, study
from .exercises import *  # noqa: F403
from .power_law import *  # noqa: F403
from .price_list import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = ["list_reader", *exercises.__all__, *power_law.__all__, *price_list.__all__, *study.__all__]
