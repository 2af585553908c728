"""Transformer Lab: a small, exact laboratory for what happens inside a transformer.

The package does the work that the book's chapters tell about. Importing it loads NumPy
and nothing heavier; PyTorch, matplotlib and the widgets load when their subpackages do.

>>> import transformer_lab
>>> transformer_lab.__version__
'0.1.0'
"""

import os
import sys

# The matrices here are small: two threads would only wait for each other, and would add in another order.
if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if "numpy" in sys.modules:  # it has read its environment already
        import threadpoolctl

        threadpoolctl.threadpool_limits(1, user_api="blas")

from .claims import at_least, at_most, between, claim, equals
from .config import ModelConfig, OneHeadConfig, TrainConfig
from .errors import LabError
from .names import VOCABULARY, lookup
from .randomness import generator

__version__ = "0.1.0"
__all__ = ["VOCABULARY", "LabError", "ModelConfig", "OneHeadConfig", "TrainConfig", "at_least", "at_most", "between",
           "claim", "equals", "generator", "lookup"]
