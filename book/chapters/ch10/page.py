"""What the decoding explorable loads: three models that write their answers. ``python -m chapters.ch10.page``."""

from transformer_lab.analysis.digit_model import load
from transformer_lab.places import shipped
from transformer_lab.widgets.page_data import page_bytes, write_page_data

#: What the explorable calls each model; its record is ``digits/NAME-0``.
MODELS = {"nested": "nested, 0 to 9", "two-digits": "0 to 99", "arithmetic": "arithmetic"}


def decode_bytes() -> bytes:
    """The weights of all three in half precision, and the ``tasks``: what training had of expressions."""
    models = {name: load(shipped("digits", f"{name}-0"))[0] for name in MODELS}
    tasks = {name: {"title": MODELS[name], "operations": task.operations, "n_args": task.max_args, "high": task.high,
                    "depth": task.depth, "n_answer": task.n_answer}
             for name, task in ((name, model.run.task) for name, model in models.items())}
    return page_bytes({name: (model.params, model.run.model) for name, model in models.items()}, dtype="float16",
                      tasks=tasks)


if __name__ == "__main__":
    write_page_data("decode.bin", decode_bytes())
