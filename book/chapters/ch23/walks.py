"""How each token of a sequence walks through the plane, with parts taken out, and why a walk ends in the wrong place.

Weights have short names and may have an axis of models in front, as in the chapter on the geometry.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transformer_lab.analysis.in_plane import Weights, read, shortened, stands, whole
from transformer_lab.byhand.transformer import forward
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, Choice, Seed, Whole, Wholes
from transformer_lab.signatures import checked
from transformer_lab.widgets import PlaneModel

__all__ = ["EVEN", "MODEL", "PLUS", "SEQUENCES", "Blame", "asked", "blame", "chances", "distant", "ends", "finds",
           "followed", "misread", "of_ends", "off_chances", "on_signs", "right", "walk", "without"]

MODEL, EVEN, PLUS = PlaneModel().config, np.arange(0, 11, 2), 11
#: Three sequences as the rule makes them, with different answers.
SEQUENCES = {"6 3 + 6 4 1 9 +": 4, "10 5 + 10 7 3 1 +": 10, "3 0 8 + 8 2 5 +": 2}
STAGES = ("resid_pre", "q", "k", "v", "scores", "pattern", "attn_out", "resid_mid", "resid_post")
BY_HEAD = STAGES[1:6]
Windows = Wholes("row pos", low=0, below=12)


def followed() -> dict[str, np.ndarray]:
    """The model that the explorable shows."""
    return shortened(PlaneModel().params)


@checked
def walk(W: Weights, tokens: Windows) -> dict[str, np.ndarray]:
    """All stages of a forward pass, without the axis of the one head, and the logits: (..., row, pos, ...).

    >>> walk(followed(), [[6, 3, 11]])["logits"][0].argmax(axis=-1).tolist()
    [11, 11, 6]
    """
    seen = {}

    def tap(name, value):
        seen[name.rpartition(".")[2]] = value
        return value

    logits = forward(whole(W), tokens, MODEL, tap=tap)["logits"]
    return {name: seen[name][..., 0, :, :] if name in BY_HEAD else seen[name] for name in STAGES} | {"logits": logits}


@checked
def without(W: Weights, part: Choice(("attention", "feed-forward"))) -> dict[str, np.ndarray]:
    """The same weights with one part taken out: "attention" or "feed-forward".

    >>> float(abs(without(followed(), "attention")["W_V"]).max())
    0.0
    """
    names = {"attention": ("W_V",), "feed-forward": ("W_out", "b_out")}[part]
    return W | {name: np.zeros_like(W[name]) for name in names}


@checked
def asked(tokens: Windows):
    """Every sign with an even number before it: its row, its place, and the place of the latest even number.

    >>> [found.tolist() for found in asked([[6, 3, 11, 5, 8, 11]])]
    [[0, 0], [2, 5], [0, 4]]
    """
    even = (tokens % 2 == 0) & (tokens < PLUS)
    latest = np.maximum.accumulate(np.where(even, np.arange(tokens.shape[1]), -1), axis=1)
    row, place = np.nonzero((tokens == PLUS) & (latest >= 0))
    return row, place, latest[row, place]


@checked
def right(W: Weights, tokens: Windows) -> np.ndarray:
    """The share of signs that each model answers with the latest even number.

    >>> float(right(followed(), [[6, 3, 11], [2, 4, 11]]))
    1.0
    """
    row, place, latest = asked(tokens)
    said = walk(W, tokens)["logits"][..., row, place, :].argmax(axis=-1)
    return (said == tokens[row, latest]).mean(axis=-1)


@checked
def on_signs(W: Weights, tokens: Windows) -> np.ndarray:
    """Of the attention of numbers with a sign somewhere before them: the share that is on signs, for each model.

    >>> bool(on_signs(followed(), [[6, 3, 11, 6, 4, 1]]) > 0.9)
    True
    """
    sign = tokens == PLUS
    row, place = np.nonzero(~sign & (np.cumsum(sign, axis=1) > 0))
    pattern = walk(W, tokens)["pattern"][..., row, place, :]
    return (pattern * sign[row]).sum(axis=-1).mean(axis=-1)


@checked
def chances(logits: Array("... token")) -> np.ndarray:
    """The softmax of logits: the chance of each token.

    >>> chances([[0.0, 0.0, -1000.0]]).tolist()
    [[0.5, 0.5, 0.0]]
    """
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


@checked
def off_chances(W: Weights, tokens: Windows, signs: bool = True) -> np.ndarray:
    """How much of the chance would have to be moved to make it right after a number, on average for each model: half
    the sum of gaps to 0.3 for the sign and 0.7/11 for each number. Without ``signs`` numbers see none.

    >>> bool(off_chances(followed(), [[6, 3, 11, 6, 4, 1]]) < 0.2)
    True
    """
    row, place = np.nonzero(tokens < PLUS)
    seen = walk(W, tokens)
    pattern = seen["pattern"][..., row, place, :]
    if not signs:
        pattern = pattern * (tokens[row] < PLUS)
        pattern = pattern / pattern.sum(axis=-1, keepdims=True)
    moved = np.einsum("...kj,...kjd->...kd", pattern, seen["v"][..., row, :, :])
    found = chances(read(W, seen["resid_pre"][..., row, place, :] + moved))
    return abs(found - np.append(np.full(PLUS, 0.7 / PLUS), 0.3)).sum(axis=-1).mean(axis=-1) / 2


@checked
def ends(W: Weights, t: Whole(1, 7) = 7) -> np.ndarray:
    """Where the sign in place t ends, if it looks at one even number alone: (..., place before it, even number, 2).

    >>> ends(followed()).shape
    (7, 6, 2)
    """
    x = stands(W)
    values = x @ W["W_V"][..., None, :, :]
    return x[..., t, PLUS, :][..., None, None, :] + values[..., :t, EVEN, :]


@checked
def misread(W: Weights) -> np.ndarray:
    """Which even numbers a sign calls by another name, if it looks at them alone: (..., t, place before it, number).

    >>> bool(misread(followed()).any())
    False
    """
    found = np.zeros((*W["b_U"].shape[:-1], 8, 7, 6), bool)
    for t in range(1, 8):
        found[..., t, :t, :] = read(W, ends(W, t)).argmax(axis=-1) != EVEN
    return found


@checked
def finds(W: Weights) -> np.ndarray:
    """Whether the latest even number scores highest in every context, for each model: (...,).

    >>> bool(finds(followed()))
    True
    """
    x = stands(W)
    asks = x[..., PLUS, :] @ W["W_Q"] @ np.swapaxes(W["W_K"], -1, -2)
    scores = np.einsum("...td,...ikd->...tik", asks, x)
    even, other = scores[..., EVEN], np.delete(scores, EVEN, axis=-1).max(axis=-1)
    right = np.ones(scores.shape[:-3], bool)
    for t in range(1, 8):
        for i in range(t):
            behind = np.maximum(other[..., t, i:t].max(axis=-1), scores[..., t, t, PLUS])
            before = even[..., t, i - 1, :].max(axis=-1) if i else -np.inf
            right &= even[..., t, i, :].min(axis=-1) > np.maximum(behind, before)
    return right


@checked
def distant(n: Whole(1, 10_000) = 300, seed: Seed = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random contexts that end in a sign, n with the latest even number in each place; and those places.

    >>> [found.shape for found in distant(2)]
    [(14, 8), (14,)]
    """
    rng, latest = generator(seed, "distant"), np.repeat(np.arange(7), n)
    tokens = rng.integers(0, 12, (7 * n, 8))
    between = rng.choice([*range(1, 11, 2), PLUS], tokens.shape)
    tokens = np.where(np.arange(8) > latest[:, None], between, tokens)
    tokens[np.arange(7 * n), latest], tokens[:, 7] = rng.choice(EVEN, 7 * n), PLUS
    return tokens, latest


@checked
def of_ends(W: Weights) -> np.ndarray:
    """What the model says at each of these ends: (..., place, even number).

    >>> of_ends(followed())[0].tolist()
    [0, 2, 4, 6, 8, 10]
    """
    return read(W, ends(W)).argmax(axis=-1)


class Blame(NamedTuple):
    """For each model the share of wrong contexts; of these, the median attention on the right number, the share still
    wrong where all attention is forced on it, and the share still wrong where, besides, its value is that of the
    same number in the place before the sign.
    """

    wrong: np.ndarray
    attention: np.ndarray
    forced: np.ndarray
    moved: np.ndarray


@checked
def blame(W: Weights, tokens: Wholes("row 8", low=0, below=12),
          latest: Wholes("row", low=0, below=7)) -> Blame:
    """Whose fault the wrong contexts of each model (model, ...) are: the lookup's, or the value's.

    >>> from transformer_lab.analysis.in_plane import proved
    >>> bool(blame(proved("source"), *distant(5)).wrong.any())
    False
    """
    rows = np.arange(len(tokens))
    answers, seen = tokens[rows, latest], walk(W, tokens)
    wrong = seen["logits"][:, :, 7].argmax(axis=-1) != answers
    share = seen["pattern"][:, rows, 7, latest]
    there = ends(W)
    still = [wrong & (read(W, there[:, place, answers // 2]).argmax(axis=-1) != answers)
             for place in (latest, np.full_like(latest, 6))]
    count = np.maximum(wrong.sum(axis=-1), 1)
    median = np.array([np.median(part[here]) if here.any() else 1.0 for part, here in zip(share, wrong, strict=True)])
    return Blame(wrong.mean(axis=-1), median, *(part.sum(axis=-1) / count for part in still))
