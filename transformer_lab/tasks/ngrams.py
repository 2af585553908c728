r"""Rulers for text: what one knows who has counted which character follows the last few.

Witten-Bell interpolation (Witten and Bell 1991): after a context :math:`c` that was seen :math:`C(c)` times, with
:math:`T(c)` different followers (eq-witten-bell),

.. math:: P(w \mid c) = \frac{C(cw) + T(c)\, P(w \mid c')}{C(c) + T(c)}

where :math:`c'` is the context without its first character; before the empty context all characters are equally likely.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import check_array
from ..rules import Whole, Wholes
from ..signatures import checked

__all__ = ["NGrams"]

CHUNK = 2048  # contexts whose followers are looked up at once


class Counts(NamedTuple):
    """Of one length of context: the pairs that were seen, each context and follower one whole number, and how often;
    the contexts among them, how often each was seen, and how many followers it has.
    """

    pairs: np.ndarray
    seen: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray


class NGrams:
    """Counts of all runs of up to ``order`` characters in a text, and the chances that follow.

    ``order=0`` knows nothing: every character is as likely as any other; ``order=1`` knows how often each occurs, and
    ``order=5`` looks at the last four.

    >>> model = NGrams([0, 1, 0, 1, 0, 2], order=2, d_vocab=3)
    >>> model.chances([[0]]).round(3)
    array([[0.178, 0.533, 0.289]])
    >>> float(model.chances([[0]]).sum().round(12))
    1.0
    """

    @checked
    def __init__(self, tokens: Wholes("pos", low=0, below="d_vocab"), order: Whole(0, 8), d_vocab: Whole(1, 128)):
        self.order, self.d_vocab = order, d_vocab
        self.counts = [self.counted(tokens, length) for length in range(order)]

    @checked
    def counted(self, tokens: Wholes("pos", low=0), length: Whole(0, 8)) -> Counts:
        """What follows each context of so many characters in the tokens (pos,), and how often."""
        pairs, seen = np.unique(self.codes(np.lib.stride_tricks.sliding_window_view(tokens, length + 1)),
                                return_counts=True)
        contexts, first, kinds = np.unique(pairs // self.d_vocab, return_index=True, return_counts=True)
        return Counts(pairs, seen, contexts, np.add.reduceat(seen, first), kinds)

    @checked
    def codes(self, rows: Wholes("... length", low=0, empty=True)) -> np.ndarray:
        """Each row of tokens as one whole number."""
        return rows @ self.d_vocab ** np.arange(rows.shape[-1])[::-1]

    @checked
    def chances(self, contexts: Wholes("row pos")) -> np.ndarray:
        """The chance of every next character (row, d_vocab) after each context, of which the last ``order - 1``
        characters count; shorter ones are known less well.
        """
        contexts = check_array("contexts", contexts, shape=("row", "pos"), kind="whole", low=0, high=self.d_vocab - 1)
        return np.concatenate([self._chances(contexts[i:i + CHUNK]) for i in range(0, len(contexts), CHUNK)])

    def _chances(self, contexts):
        p = np.full((len(contexts), self.d_vocab), 1 / self.d_vocab)
        for length, counts in enumerate(self.counts[:contexts.shape[1] + 1]):
            code = self.codes(contexts[:, contexts.shape[1] - length:])
            total, kinds = (looked_up(code, counts.contexts, part) for part in (counts.totals, counts.kinds))
            seen = looked_up(code[:, None] * self.d_vocab + np.arange(self.d_vocab), counts.pairs, counts.seen)
            known = total > 0
            p[known] = (seen + kinds[:, None] * p)[known] / (total + kinds)[known, None]
        return p

    @checked
    def losses(self, tokens: Wholes("pos")) -> np.ndarray:
        """What each character costs in nats (pos,) who has counted and sees all before it; none is left out."""
        tokens = check_array("tokens", tokens, shape=("pos",), kind="whole", low=0, high=self.d_vocab - 1)
        return np.concatenate([self._losses(tokens, i) for i in range(0, len(tokens), CHUNK)])

    def _losses(self, tokens, start: int):
        back = max(self.order - 1, 0)
        places = np.arange(start, min(start + CHUNK, len(tokens)))
        early, late = places[places < back], places[places >= back]
        p = [self._chances(tokens[None, :place])[0, tokens[place]] for place in early]
        if len(late):
            rows = tokens[late[:, None] + np.arange(-back, 0)]
            p = [*p, *self._chances(rows)[np.arange(len(late)), tokens[late]]]
        return -np.log(p)


def looked_up(code, keys, values):
    """The value of each code, 0 where it is not among the keys."""
    at = np.minimum(np.searchsorted(keys, code), len(keys) - 1)
    return np.where(keys[at] == code, values[at], 0)
