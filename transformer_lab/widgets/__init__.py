"""Explorables: pictures that the reader moves, in JupyterLab and on the built page alike.

>>> from transformer_lab.widgets import Choice
>>> Choice(id="doc", question="Is it?", answers=["yes", "no"])
Choice()
"""

from importlib import import_module

# Looked up on first use, so that building the pages needs no anywidget.
_CLASSES = {
    "AskModel": "ask_model",
    "BlockTrace": "block_trace",
    "BackwardReplay": "backward_replay",
    "Choice": "predict",
    "Curve": "predict",
    "Decoding": "decoding",
    "Explorable": "base",
    "GradientGraph": "gradient_graph",
    "LossWalk": "loss_walk",
    "PhaseScrubber": "phase_scrubber",
    "Positions": "positions",
    "SoftLookup": "soft_lookup",
}

__all__ = sorted(_CLASSES)


def __getattr__(name: str):
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_CLASSES[name]}", __name__), name)
