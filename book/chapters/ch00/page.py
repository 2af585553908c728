"""What *The whole machine* loads: the weights of ``digits/digits-0`` in half precision.
``python -m chapters.ch00.page`` writes the same bytes.
"""

from transformer_lab.analysis.digit_model import load
from transformer_lab.places import shipped
from transformer_lab.widgets.page_data import page_bytes, write_page_data

if __name__ == "__main__":
    model, record = load(shipped("digits", "digits-0"))
    data = page_bytes({"model": (record.weights, model.run.model)}, dtype="float16")
    write_page_data("whole-machine.bin", data)
