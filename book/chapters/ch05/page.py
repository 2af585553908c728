"""What the explorable of chapter 05 loads: the weights of the model that the chapter traces, in float32.

``python -m chapters.ch05.page`` reads the record and writes the same bytes again.
"""

from __future__ import annotations

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import trained

if __name__ == "__main__":
    config, params = trained()
    write_page_data("block-trace", page_bytes({"model": (params, config)}))
