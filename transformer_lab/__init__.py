"""Transformer Lab: a small, exact laboratory for what happens inside a transformer.

The package does the work that the book's chapters tell about. Importing it loads nothing heavy: NumPy loads with the
first name that is asked for; PyTorch, matplotlib and the widgets load when their subpackages do.

>>> import transformer_lab
>>> transformer_lab.__version__
'0.1.0'
"""

import importlib
import os
import sys

# The matrices here are small: two threads would only wait for each other, and would add in another order.
if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if "numpy" in sys.modules:  # it has read its environment already
        import threadpoolctl

        threadpoolctl.threadpool_limits(1, user_api="blas")

__version__ = "0.1.0"
__all__ = ["VOCABULARY", "LabError", "ModelConfig", "OneHeadConfig", "TrainConfig", "at_least", "at_most", "between",
           "claim", "equals", "generator", "lookup"]

HOMES = {"claims": ("at_least", "at_most", "between", "claim", "equals"),
         "config": ("ModelConfig", "OneHeadConfig", "TrainConfig"), "errors": ("LabError",),
         "names": ("VOCABULARY", "lookup"), "randomness": ("generator",)}


def __getattr__(name: str):
    """A public name, fetched from its module when it is first asked for (PEP 562)."""
    for home, names in HOMES.items():
        if name == home or name in names:
            module = importlib.import_module(f".{home}", __name__)
            return module if name == home else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
