"""What the explorable of chapter 08 loads: three models that write their answers, with weights in half precision.

``python -m chapters.ch08.page`` reads the records and writes the same bytes again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from transformer_lab.analysis.digit_model import load
from transformer_lab.widgets.page_data import page_bytes, write_page_data

__all__ = ["MODELS", "decode_bytes"]

#: What the explorable calls each model; its record is ``data/digits/NAME-0``.
MODELS = {"nested": "nested, 0 to 9", "two-digits": "0 to 99", "arithmetic": "arithmetic"}
SHIPPED = Path(__file__).resolve().parents[3] / "data" / "digits"


def decode_bytes() -> bytes:
    """The weights of all three, and the ``tasks``: what training had of expressions."""
    models = {name: load(SHIPPED / f"{name}-0")[0] for name in MODELS}
    return page_bytes({name: (model.params, model.run.model) for name, model in models.items()}, dtype=np.float16,
                      tasks={name: had(MODELS[name], model.run.task) for name, model in models.items()})


def had(title, task) -> dict:
    return {"title": title, "operations": task.operations, "n_args": task.max_args, "high": task.high,
            "depth": task.depth, "n_answer": task.n_answer}


if __name__ == "__main__":
    write_page_data("decode", decode_bytes())
