"""What the explorable of chapter 15 shows of the study ``clipping``: the norms that runs which cut nothing have met.

``python -m chapters.ch15.page`` writes the same bytes again.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .cuts import VALUES
from .study import CLIPPING, RATES


def met_bytes(found=None) -> bytes:
    """The page's data: of each optimiser norms (rate, seed, step) and angles (rate, tenth, value, measure); 0 where a
    run had diverged.
    """
    found = CLIPPING.load() if found is None else found
    arrays = {}
    for optimizer, rates in RATES.items():
        one = found.sel(optimizer=optimizer, rate=list(rates))
        for name, dims in (("norms", ("rate", "seed", "step")), ("angles", ("rate", "tenth", "value", "measure"))):
            arrays[f"{optimizer}/{name}"] = np.nan_to_num(one[name].transpose(*dims).values.astype(np.float16))
    return page_bytes({}, arrays, rates={name: list(rates) for name, rates in RATES.items()}, values=list(VALUES))


if __name__ == "__main__":
    write_page_data("clipped-norms.bin", met_bytes())
