"""What the explorable of chapter 16 loads: the losses of each size at its best rate, seed by seed.

``python -m chapters.ch16.page`` writes them from the records.
"""

from __future__ import annotations

import json

from transformer_lab.analysis.evidence import at_best
from transformer_lab.signatures import checked
from transformer_lab.widgets.bundle import JS

from .prediction import smaller
from .study import WIDEST, largest, of_width

__all__ = ["SHOWN", "shown"]

SHOWN = JS / "data" / "scaling.json"


@checked
def shown() -> dict:
    """Plain values for the page: sizes and losses of the seven smaller models, and of the largest.

    >>> [len(row) for row in shown()["losses"]], shown()["largest"]["size"]
    ([5, 5, 5, 5, 5, 5, 5], 1001088)
    """
    sizes, losses, _ = smaller()
    best = at_best(largest()).losses.values.ravel()
    return {"sizes": [int(size) for size in sizes], "losses": losses.round(4).tolist(),
            "largest": {"size": of_width(WIDEST).weights, "losses": best.round(4).tolist()}}


if __name__ == "__main__":
    SHOWN.write_text(json.dumps(shown()) + "\n", "utf-8")
