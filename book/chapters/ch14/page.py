"""What the explorable of chapter 14 loads: losses by position, from the record. ``python -m chapters.ch14.page``."""

from __future__ import annotations

import numpy as np

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import BEST, BEYOND


def bytes_of_the_record() -> bytes:
    """Mean losses over seeds: ``plain`` (code, group), ``changed`` (way, code, group)."""
    mean = BEYOND.load().mean("seed").sel(code=list(BEST))
    changed = mean["in_a_third"].transpose("way", "code", "group")
    return page_bytes({}, {"plain": mean["by_group"].transpose("code", "group").values.astype(np.float32),
                           "changed": changed.values.astype(np.float32)}, ways=changed["way"].values.tolist())


if __name__ == "__main__":
    write_page_data("rotary-turns.bin", bytes_of_the_record())
