"""What the explorable loads: a transformer of patches, and digits that it has never seen: one of each that it reads
right, and those of its fold that it misreads or nearly does. ``python -m chapters.ch20.page``.
"""

from __future__ import annotations

import json

import numpy as np

from transformer_lab.places import home
from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .deletions import maps, shares_without
from .images import digits, folds
from .study import reader_of

SEED, HARD = 0, 5


def examples(module, seed: int = SEED) -> list[int]:
    """Which images of the fold stand on the paper: of each digit the one that is read most surely, then those whose own
    digit has the smallest share.
    """
    images, digit = digits()
    held_out = np.flatnonzero(folds() == seed)
    share = shares_without(module, images[held_out], np.ones((len(held_out), 16), bool))
    own = share[np.arange(len(held_out)), digit[held_out]]
    sure = [int(np.where(digit[held_out] == each, own, 0).argmax()) for each in range(10)]
    return held_out[[*sure, *own.argsort()[:HARD]]].tolist()


def page(module, seed: int = SEED) -> bytes:
    """The weights in half precision, and the examples, sixteen steps of ink."""
    chosen = examples(module, seed)
    images, digit = digits()
    arrays = {f"model/{name}": value.astype(np.float16) for name, value in module.arrays().items()}
    arrays["examples"] = np.rint(16 * images[chosen].reshape(-1, 64)).astype(np.uint8)
    arrays["digits"] = digit[chosen].astype(np.uint8)
    config = module.config
    return page_bytes({}, arrays, vit=config.to_dict() | {"image": config.image, "patch": config.patch})


def told(module, seed: int = SEED) -> dict:
    """What PyTorch says of the examples, whole and without each patch, for the tests of the page's own arithmetic."""
    chosen = examples(module, seed)
    images = np.rint(16 * digits().images[chosen]) / 16
    module = module.double()
    whole = shares_without(module, images, np.ones((len(images), 16), bool))
    less = [shares_without(module, images, np.tile(row, (len(images), 1))) for row in ~np.eye(16, dtype=bool)]
    roll = maps(module, images, whole.argmax(axis=1))["rollout"]
    return {"whole": whole.round(5).tolist(), "without": np.stack(less, axis=1)[:4].round(4).tolist(),
            "rollout": roll[:4].round(5).tolist()}


if __name__ == "__main__":
    write_page_data("draw-digit.bin", page(reader_of(SEED)))
    numbers = json.dumps(told(reader_of(SEED)), separators=(",", ":"))
    (home() / "tests" / "js" / "digit_by_pytorch.json").write_text(numbers + "\n", "utf-8")
