"""What the explorable of chapter 13 loads: first gradients, derived and measured, and what training did to every arm.

``python -m chapters.ch13.page`` takes it from the records and writes it.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import ARMS, DEEPEST, DEPTHS, FINE, MOMENTS, RATES, START, losses, spread_of
from .wiring import PLACEMENTS

__all__ = ["placement_bytes"]


def at_the_start() -> dict[str, np.ndarray]:
    """The gradient's size of every placement and depth at each place of the stream, (placement, depth, place): derived,
    measured, and the ends of what is usual. Places that are not there are -1.
    """
    found, names = START.load(), ("derived", "measured", "low", "high")
    tables = {name: np.full((len(PLACEMENTS), len(DEPTHS), 2 * DEEPEST + 1), -1, np.float32) for name in names}
    for i, placement in enumerate(PLACEMENTS):
        for j, depth in enumerate(DEPTHS):
            one = found.sel(model=f"{placement} {depth}").isel(place=slice(2 * depth + 1))
            measured = spread_of(one["gradient"].transpose("seed", "place").values)
            expected = one["derived gradient"].values
            for name, value in zip(names, (expected, *measured), strict=True):
                tables[name][i, j, :2 * depth + 1] = value
    return tables


def of_training() -> dict[str, np.ndarray]:
    """The loss at every rate (case, rate, seed), and the gradient of every block at the best (case, moment, layer), the
    median of the seeds; -1 where there is none. Cases are the arms with plain weights and layer norm.
    """
    loss, inside = losses(), FINE.load()["gradient"].median("seed").transpose("arm", "moment", "layer")
    cases = [arm for arm, (_, _, changes) in ARMS.items() if set(changes) <= {"warmup"}]
    tables = {"losses": loss.sel(arm=cases).transpose("arm", "rate", "seed"), "trained": inside.reindex(arm=cases)}
    return {name: np.nan_to_num(table.values, nan=-1).astype(np.float32) for name, table in tables.items()}


def placement_bytes() -> bytes:
    """All of it, with the names of its axes."""
    cases = [[placement, depth, changes.get("warmup", 1) > 0] for placement, depth, changes in ARMS.values()
             if set(changes) <= {"warmup"}]
    return page_bytes({}, at_the_start() | of_training(), placements=list(PLACEMENTS), depths=list(DEPTHS), cases=cases,
                      rates=list(RATES), moments=list(MOMENTS))


if __name__ == "__main__":
    write_page_data("norm-placement.bin", placement_bytes())
