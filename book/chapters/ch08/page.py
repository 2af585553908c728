"""What the explorable of chapter 08 loads: three models that write their answers, with weights in half precision.

``python -m chapters.ch08.page`` reads the records and writes the same bytes again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from transformer_lab.training.digits import load
from transformer_lab.widgets.page_data import page_bytes, write_page_data

__all__ = ["MODELS", "decode_bytes"]

#: In the order of the file; the record of each is ``data/digits/NAME-0``.
MODELS = ("nested", "two-digits", "arithmetic")
SHIPPED = Path(__file__).resolve().parents[3] / "data" / "digits"


def decode_bytes() -> bytes:
    """The weights of all three, float16, one model after the other."""
    models = [load(SHIPPED / f"{name}-0")[0] for name in MODELS]
    return b"".join(page_bytes(model.params, model.run.model, np.float16) for model in models)


if __name__ == "__main__":
    write_page_data("decode", decode_bytes())
