"""What only chapter 07 needs: what was run and measured, and its exercises."""

from . import confusion, digit_geometry, exercises, heads, study

__all__ = ["confusion", "digit_geometry", "exercises", "heads", "study"]
