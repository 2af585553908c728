"""Figures: a function a figure; each takes arrays and returns a :class:`.figure.Figure`. Nothing is computed here."""

from .figure import Figure

__all__ = ["Figure"]
