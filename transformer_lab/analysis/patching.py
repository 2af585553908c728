"""What carries the difference between two inputs: activations of one run put into the other.

``tokens`` is the run that is changed and ``source`` the run that its values come from. Two prompts that differ in one
thing give two questions. *Denoising* patches the clean run into the corrupted one: what is enough to bring the answer
back? *Noising* goes the other way, with the arguments swapped: what is needed? An effect is a share of the whole
difference: 0 where nothing changed, 1 where the measure is the source's.
"""

from __future__ import annotations

import numpy as np

from ..errors import RangeError, ShapeError
from ..names import lookup
from ..rules import Each, Function, Is, Number, Wholes
from ..signatures import checked
from ..taps import chained
from ..wording import unknown, written
from .ablation import patch
from .cache import Runner

__all__ = ["activation_patching", "effect", "path_patching"]

TOKENS = "... batch pos"


@checked
def effect(value: Number(), before: Number(), after: Number()) -> float:
    """How far a measure went from ``before`` to ``after``.

    >>> effect(2.5, 2.0, 4.0)
    0.25
    """
    if before == after:
        raise RangeError("after", str(after), "another number than before", "Take inputs that the measure tells apart.")
    return (value - before) / (after - before)


@checked
def activation_patching(run: Runner, tokens: Wholes(TOKENS, low=0), source: Wholes(TOKENS, low=0),
                        measure: Function("logits"), name: str = "resid_pre", *, places: bool = True) -> np.ndarray:
    """The effect of one activation at a time: (n_layers, pos), with heads between the two where ``name`` has them, as
    ``z`` has; without ``places`` all positions are patched at once.

    >>> from transformer_lab.byhand.transformer import ModelConfig, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, read_out="last")
    >>> run, measure = Runner(init(config), config), lambda logits: logits[0, 1]
    >>> activation_patching(run, [[1, 2, 3]], [[1, 4, 3]], measure).round(6).tolist()
    [[0.0, 1.0, 0.0]]
    >>> activation_patching(run, [[1, 2, 3]], [[1, 4, 3]], measure, "z", places=False).shape
    (1, 2)
    """
    same_shape(tokens, source)
    theirs, ends = run.cache(source), [run.measured(measure, each) for each in (tokens, source)]
    heads = range(run.config.n_heads) if "n_heads" in lookup(name).shape else [None]
    at = [[place] for place in range(tokens.shape[-1])] if places else [None]

    def patched(full, head, place):
        return effect(run.measured(measure, tokens, patch(full, known(theirs, full), place, head=head)), *ends)

    found = np.array([[[patched(f"blocks.{layer}.{name}", head, place) for place in at] for head in heads]
                      for layer in range(run.config.n_layers)])
    return found.squeeze(axis=(1,) * (heads == [None]) + (2,) * (not places))


#: A name and a head, or None.
Pair = Each(Is(object), 2, 2)


@checked
def path_patching(run: Runner, tokens: Wholes(TOKENS, low=0), source: Wholes(TOKENS, low=0),
                  sender: Pair, receiver: Pair) -> np.ndarray:
    """The logits when one edge alone carries the source's value: from a sender, ``("blocks.0.z", 1)`` for a head or
    ``("blocks.0.mlp_out", None)``, straight to a receiver, ``("blocks.1.k", 0)`` or ``("logits", None)``.

    What stands between the two stays as it was (Wang et al. 2022); what comes behind the receiver follows it.

    >>> from transformer_lab.byhand.transformer import ModelConfig, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, n_layers=2)
    >>> run = Runner(init(config), config)
    >>> path_patching(run, [[1, 2, 3]], [[1, 4, 3]], ("blocks.0.z", 1), ("blocks.1.k", 0)).shape
    (1, 3, 5)
    """
    same_shape(tokens, source)
    (sent, head), (received, of) = sender, receiver
    part_of("sender", sent, WRITES)
    part_of("receiver", received, READS)
    mine, theirs = run.cache(tokens), run.cache(source)
    frozen = [patch(name, value) for name, value in mine.items() if name.endswith((".z", ".mlp_out"))]
    sending = chained(*frozen, patch(sent, known(theirs, sent), head=head))
    if received == "logits":
        return run(tokens, sending)
    return run(tokens, patch(received, known(run.cache(tokens, sending), received), head=of))


#: What a path may start from, and where it may end.
WRITES, READS = ("embed", "pos_embed", "z", "attn_out", "mlp_out"), ("q", "k", "v", "mlp_pre", "logits")


def part_of(argument, name, allowed):
    if lookup(name).name not in allowed:
        raise RangeError(argument, written(name), "a layer's prefix and one of " + ", ".join(allowed), "Choose one.")


def known(acts, name):
    """An activation that this model has."""
    if name not in acts:
        raise unknown("name", name, acts, "an activation of this model", "Count layers from 0.")
    return acts[name]


def same_shape(tokens, source):
    if source.shape != tokens.shape:
        raise ShapeError("source", f"an array of shape {source.shape}", f"{tokens.shape}", "Take inputs of one length.")
