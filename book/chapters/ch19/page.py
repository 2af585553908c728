"""What the explorable loads: a proved model, six contexts a cell, and masks. ``python -m chapters.ch19.page``."""

import numpy as np

from transformer_lab import generator
from transformer_lab.analysis.plane_models import UNTIL_PROVED, params_of
from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .patterns import PATTERNS, mask_of
from .study import proved_config

N, SEED, PLUS = 16, 3, 11


def asked_of_each_cell():
    """For every cell (query, key) and even number: numbers, then this one at the key, odd ones, the + at the query."""
    cells = [(query, key, even) for query in range(N) for key in range(query) for even in range(0, 11, 2)]
    query, key, even = np.array(cells).T[:, :, None]
    rng, places = generator(0, "sparse cells"), np.arange(N)
    before, behind = rng.integers(11, size=(len(query), N)), 1 + 2 * rng.integers(5, size=(len(query), N))
    tokens = np.where(places < key, before, np.where(places == key, even, behind))
    return np.where(places == query, PLUS, tokens), query.ravel(), key.ravel(), even.ravel()


if __name__ == "__main__":
    named = zip(("contexts", "asked", "places", "answers"), asked_of_each_cell(), strict=True)
    arrays = {name: value.astype(np.uint8) for name, value in named}
    arrays["masks"] = np.array([mask_of(name, N, width=4) for name in PATTERNS], np.uint8)
    params = params_of(UNTIL_PROVED[N].load().sel(seed=SEED))
    write_page_data("sparse-cells.bin", page_bytes({"model": (params, proved_config(N))}, arrays))
