"""What the seven smaller sizes say of the largest: written down, and committed, before that one was trained.

``python -m chapters.ch16.prediction`` writes ``prediction.json``; the chapter calculates it again and compares.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from transformer_lab.analysis.evidence import at_best
from transformer_lab.analysis.power_laws import bootstrapped, fit_law, interval
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked

from .study import DATA, LARGEST, WIDEST, of_width

__all__ = ["COMMITTED", "MAIN", "committed", "predicted", "smaller"]

COMMITTED = Path(__file__).with_name("prediction.json")
#: Whether a law has a floor, and how many of the smallest sizes it leaves out. The first is the one that we stand by.
FITS = {"with a floor, all sizes": (True, 0), "without a floor, all sizes": (False, 0),
        "with a floor, from 5,200 weights": (True, 2), "without a floor, from 5,200 weights": (False, 2)}
MAIN = next(iter(FITS))


@checked
def smaller() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes (n,), losses at the best rate of each (n, seed), and these rates (n,), of the seven smaller models.

    >>> [part.shape for part in smaller()]
    [(7,), (7, 5), (7,)]
    """
    best = at_best(DATA.load()["held_out"].sortby("rate"))
    sizes = [of_width(int(width)).weights for width in best.losses["width"].values]
    return np.array(sizes, float), best.losses.transpose("width", "seed").values, best.rate.values


@checked
def predicted(draws: Whole(2, 100_000) = 2000) -> dict:
    """The prediction as plain values: for each fit the loss of the largest size and where 95 in 100 draws of the seeds
    put it, with the numbers of the law; and the best rate, by a line through the logarithms.

    >>> predicted(20)["main"]
    'with a floor, all sizes'
    """
    sizes, losses, rates = smaller()
    largest, fits = of_width(WIDEST).weights, {}
    for name, (floor, skipped) in FITS.items():
        part = sizes[skipped:], losses[skipped:]
        law = fit_law(part[0], part[1].mean(axis=1), floor=floor)
        low, high = interval(bootstrapped(*part, floor=floor, draws=draws).at(largest))
        found = {"loss": law.at(largest), "low": low, "high": high, "exponent": law.exponent, "floor": law.floor}
        fits[name] = {key: round(float(value), 4) for key, value in found.items()}
    slope, start = np.polyfit(np.log(sizes), np.log(rates), 1)
    rate = np.exp(start + slope * np.log(largest))
    return {"size": largest, "from": DATA.load().attrs["record"], "main": MAIN, "fits": fits,
            "best rate": round(float(rate), 5)}


@checked
def committed() -> dict:
    """The prediction as it was committed.

    >>> committed()["size"]
    1001088
    """
    return json.loads(COMMITTED.read_text("utf-8"))


def main() -> None:
    """Write the prediction down, as long as the largest size has not been trained."""
    if len(LARGEST.missing()) < len(LARGEST.units):
        raise SystemExit("The largest size has been trained: what is written now is no prediction.")
    COMMITTED.write_text(json.dumps(predicted(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
