"""What the phase scrubber shows of the study ``phases``: how many of 200 fresh patterns each seed answers right.

``python -m chapters.ch03.page`` writes the same bytes again. The page trains the heads itself, from the same random
numbers; a test holds it to these records.
"""

import numpy as np

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import ORDERS, PHASES

POSITIONS = ("one_hot", "none")


def outcomes() -> dict[str, np.ndarray]:
    """Right answers by ``"positions/order"``: (measurements, seeds), uint8."""
    right = np.rint(200 * PHASES.load()["fresh_accuracy"].astype(float)).astype(np.uint8)
    return {f"{place}/{order}": right.sel(positions=place, order=order).values
            for place in POSITIONS for order in ORDERS}


if __name__ == "__main__":
    write_page_data("phases.bin", page_bytes({}, outcomes()))
