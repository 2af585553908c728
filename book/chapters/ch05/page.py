"""What the block trace loads: the weights of the model that the chapter traces. ``python -m chapters.ch05.page``."""

from transformer_lab.widgets.page_data import page_bytes, write_page_data

from .study import trained

if __name__ == "__main__":
    config, params = trained()
    write_page_data("block-trace.bin", page_bytes({"model": (params, config)}))
