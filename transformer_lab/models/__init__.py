"""The PyTorch models: the same parameter names and array layouts as the NumPy ones in ``byhand``."""

from ..errors import installed

installed("torch", "The PyTorch models")
