"""What a forward pass leaves behind."""

from __future__ import annotations

from .attention import keep

__all__ = ["Acts", "prefixed"]


def prefixed(tap, prefix):
    """The tap that sees names with this prefix before them.

    >>> prefixed(lambda name, value: name, "blocks.0.")("q", 3)
    'blocks.0.q'
    """
    return tap if tap is keep else lambda name, value: tap(prefix + name, value)


class Acts(dict):
    """Activations by name. What is stored goes through the tap first: ``acts["q"] = …`` is seen, and may be replaced.

    Parameters
    ----------
    tap : callable (name, value) -> value
    prefix : str
        What the tap puts before a name: ``"blocks.0."``, or ``""``.

    Attributes
    ----------
    saved : dict
        What the pullbacks need besides, and no one should edit.
    blocks : list of Acts
        The activations of each layer, by names without the prefix.

    Examples
    --------
    >>> acts = Acts(lambda name, value: 0 if name == "blocks.1.attn_out" else value, "blocks.1.")
    >>> acts["resid_pre"], acts["attn_out"] = 3, 4
    >>> acts
    {'resid_pre': 3, 'attn_out': 0}
    """

    def __init__(self, tap, prefix=""):
        super().__init__()
        self.prefix, self.saved, self.blocks = prefix, {}, []
        self.tap = prefixed(tap, prefix)

    def __setitem__(self, name, value):
        super().__setitem__(name, self.tap(name, value))

    def add_block(self, block: Acts) -> None:
        """Take over the activations of a layer, under their full names; the tap has seen them."""
        self.blocks.append(block)
        self.update({block.prefix + name: value for name, value in block.items()})
