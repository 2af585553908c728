"""What only chapter 26 needs: contexts and families as tables, failures, forgeries, what was run, and its exercises."""

from . import contexts, exercises, failures, forgery, study
from .contexts import *  # noqa: F403
from .exercises import *  # noqa: F403
from .failures import *  # noqa: F403
from .forgery import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*contexts.__all__, *exercises.__all__, *failures.__all__, *forgery.__all__, *study.__all__]
