"""What only chapter 20 needs: digits and their patches, what reads them, maps and their test, exercises."""

from . import deletions, exercises, images, readers, study
from .deletions import *  # noqa: F403
from .exercises import *  # noqa: F403
from .images import *  # noqa: F403
from .readers import *  # noqa: F403
from .study import *  # noqa: F403

__all__ = [*deletions.__all__, *exercises.__all__, *images.__all__, *readers.__all__, *study.__all__]
