"""What the explorable of chapter 03 shows of the records: the accuracy of every seed, every ten steps.

``python -m chapters.ch03.page`` reads the study ``phases`` and writes the same bytes again. The explorable
trains the heads itself, from the same random numbers; a test holds it to these records.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import ORDERS, PHASES

__all__ = ["ORDERS", "POSITIONS", "outcomes"]

POSITIONS = ("one_hot", "none")
N_PROBES = 200


def outcomes() -> dict[str, np.ndarray]:
    """How many of 200 fresh patterns are answered right, by ``"positions/order"``: (measurements, seeds), uint8."""
    shares = PHASES.load()["fresh_accuracy"]
    return {f"{positions}/{order}": right_of(shares.sel(positions=positions, order=order).values)
            for positions in POSITIONS for order in ORDERS}


def right_of(shares) -> np.ndarray:
    return np.rint(N_PROBES * shares.astype(float)).astype(np.uint8)


def main() -> None:
    """Write the file that the explorable reads."""
    write_page_data("phases", page_bytes({}, outcomes()))


if __name__ == "__main__":
    main()
