r"""Characters of Tiny Shakespeare: the text, its alphabet, windows to train on, and all windows that are held out.

The text is not shipped: it lies in the folder that the environment variable ``TRANSFORMER_LAB_DATA`` names, or it is
downloaded once, and in both cases it is what its checksum says. The last tenth is held out, as is usual for this text
(Karpathy 2015); a held-out loss is the mean over *all* its windows, so that it is the same number whenever it is asked.
A sonnet stands beside it, to try things out on: it is shipped.
"""

from __future__ import annotations

import hashlib
import os
import string
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from ..checks import check_array, check_type
from ..config import Config
from ..errors import DataError, RangeError, UnknownNameError
from ..places import shipped, written_whole
from ..randomness import generator
from ..rules import Array, Choice, Each, Number, Seed, Whole, Wholes
from ..signatures import checked
from .answers import Examples

__all__ = ["NAME", "SHA256", "TEXTS", "Alphabet", "TextTask", "by_position", "corpus", "floor", "needs", "repeated",
           "sample", "score", "shuffled", "tests"]

NAME = "tinyshakespeare.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SOURCE = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SONNET = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date:
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance, or nature's changing course, untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall Death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe, or eyes can see,
So long lives this, and this gives life to thee.
"""


@cache
def corpus() -> str:
    """All 1,115,394 characters.

    Raises DataError where it can neither be found nor downloaded, and where it is not the text that it should be.
    """
    folder = os.environ.get("TRANSFORMER_LAB_DATA")
    path = Path(folder) / NAME if folder else shipped("downloads", NAME)
    there = os.path.isfile(path)  # of a name that no file can have, too
    if folder and not there:
        raise DataError(f"{path} is not there. Put the text there, or unset TRANSFORMER_LAB_DATA to download it.")
    data = kept(path) if there else downloaded(path)
    return verified(data, f"{path}").decode("ascii")


def kept(path: Path) -> bytes:
    """The bytes of a file, of a longer one no more than the text has and some."""
    try:
        with path.open("rb") as file:
            return file.read(2 * 10**6)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}. Mend that, or name another folder in "
                        "TRANSFORMER_LAB_DATA.") from None


def downloaded(path: Path) -> bytes:
    """The text from its source, kept at ``path`` once it is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise DataError(f"{path.parent} cannot be made: {fault.strerror}. Put the text into a folder as {NAME}, and "
                        "name the folder in TRANSFORMER_LAB_DATA.") from None
    try:
        with urllib.request.urlopen(SOURCE, timeout=30) as answer:
            data = verified(answer.read(2 * 10**6), SOURCE)
    except (OSError, urllib.error.URLError) as fault:
        raise DataError(f"{SOURCE} cannot be read: {fault}. Put the text into a folder as {NAME}, and name the folder "
                        "in TRANSFORMER_LAB_DATA.") from None
    with written_whole(path) as half:
        half.write_bytes(data)
    return data


def verified(data: bytes, place: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError(f"{place} is not the text that is meant: its checksum differs. Remove it, and get it again.")
    return data


#: The texts that a task can name, and the characters of each, for which no text need be there.
TEXTS = {"tiny shakespeare": corpus, "sonnet": lambda: SONNET}
CHARACTERS = {"tiny shakespeare": "\n !$&',-.3:;?" + string.ascii_letters, "sonnet": SONNET}


class Alphabet:
    """The characters of a text in order; a token is a character's place among them.

    >>> letters = Alphabet("hello")
    >>> letters.encode("hole"), letters.decode([1, 0])
    (array([1, 3, 2, 0]), 'he')
    >>> letters.encode("hallo")
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: text: got 'a' at position 1; allowed is one of 'ehlo'. Leave it out.
    """

    def __init__(self, text: str):
        self.characters = "".join(sorted(set(check_type("text", text, str))))
        self.place = {character: place for place, character in enumerate(self.characters)}

    def __len__(self):
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Tokens (pos,) of a text; a character that is not in the alphabet is named, with its position."""
        for position, character in enumerate(check_type("text", text, str)):
            if character not in self.place:
                raise UnknownNameError("text", f"{character!r} at position {position}", f"one of {self.characters!r}",
                                       "Leave it out.")
        return np.array([self.place[character] for character in text], dtype=np.int64)

    def decode(self, tokens) -> str:
        """The text of tokens (pos,)."""
        tokens = Wholes("pos", low=0, high=len(self) - 1, empty=True)("tokens", tokens)
        return "".join(self.characters[token] for token in tokens.tolist())


@dataclass(frozen=True)
class TextTask(Config):
    """The next character, everywhere in windows of ``n_ctx`` characters.

    text : str
        Which text: ``"tiny shakespeare"``, or ``"sonnet"``, to try things out on.
    n_ctx : int
        Characters in a window.
    held_out : float
        The share at the text's end that training never sees.

    >>> [len(part) for part in TextTask("sonnet", n_ctx=16).parts]
    [561, 63]
    """

    text: Choice(TEXTS) = "tiny shakespeare"
    n_ctx: Whole(1, 65_536) = 64
    held_out: Number(above=0, high=0.9) = 0.1

    @cached_property
    def alphabet(self) -> Alphabet:
        return Alphabet(CHARACTERS[self.text])

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The tokens to train on, and those held out.

        Raises RangeError where one of them has not a single window.
        """
        tokens = self.alphabet.encode(TEXTS[self.text]())
        parts = np.split(tokens, [int((1 - self.held_out) * len(tokens))])
        if (shortest := min(map(len, parts))) <= self.n_ctx:
            raise RangeError("n_ctx", self.n_ctx, f"at most {shortest - 1}, one less than the shorter part of the text",
                             "Take shorter windows.")
        return tuple(parts)


def windows(tokens: np.ndarray, starts: np.ndarray, n_ctx: int) -> Examples:
    rows = tokens[starts[..., None] + np.arange(n_ctx + 1)]
    return Examples(rows[..., :-1], rows[..., 1:])


@checked
def needs(task: TextTask) -> dict:
    """What the task asks of a model, as fields of a ModelConfig.

    >>> needs(TextTask("sonnet", n_ctx=16))
    {'d_vocab': 41, 'n_ctx': 16, 'mask': 'causal', 'read_out': 'all'}
    """
    return {"d_vocab": len(task.alphabet), "n_ctx": task.n_ctx, "mask": "causal", "read_out": "all"}


@checked
def sample(task: TextTask, n: Whole(1) | Each(Whole(1)), *, seed: Seed, purpose: str = "batch",
           step: int = 0) -> Examples:
    """``n`` windows of the training part, each start equally likely; ``n`` may be a shape.

    >>> task = TextTask("sonnet", n_ctx=16)
    >>> task.alphabet.decode(sample(task, 3, seed=0).tokens[1])
    " ow'st;\\nNor shal"
    """
    train, _ = task.parts
    starts = generator(seed, purpose, step).integers(len(train) - task.n_ctx, size=n)
    return windows(train, starts, task.n_ctx)


@checked
def tests(task: TextTask) -> tuple[Examples, Examples]:
    """All windows of what is held out, side by side, and as many of the training part, evenly spaced.

    The few characters at the end that fill no window are left out.

    >>> task = TextTask("sonnet", n_ctx=16)
    >>> tests(task)[0].tokens.shape, task.alphabet.decode(tests(task)[0].tokens[0])
    ((3, 16), 'eyes can see,\\nSo')
    """
    train, held_out = task.parts
    starts = np.arange(0, len(held_out) - task.n_ctx, task.n_ctx)
    spaced = np.linspace(0, len(train) - task.n_ctx - 1, len(starts)).astype(int)
    return windows(held_out, starts, task.n_ctx), windows(train, spaced, task.n_ctx)


@checked
def score(logits: Array("... d_vocab"), targets: Wholes) -> float:
    """Share of characters that are the likeliest token.

    >>> score(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2]))
    0.6666666666666666
    """
    check_array("targets", targets, shape=logits.shape[:-1], kind="whole")
    return float((logits.argmax(-1) == targets).mean())


@checked
def floor(task: TextTask) -> float:
    """The share of held-out characters that are the one which the training part has most of.

    >>> round(floor(TextTask("sonnet", n_ctx=16)), 3)
    0.175
    """
    train, held_out = task.parts
    return float((held_out == np.bincount(train).argmax()).mean())


@checked
def by_position(losses: Callable, found: Examples, batch: Whole(1) = 256) -> np.ndarray:
    """Mean loss at each position (pos,): how much a character is worth that has so many before it.

    ``losses(tokens, targets)`` gives the loss of each target (batch, pos).

    >>> by_position(lambda tokens, targets: tokens == targets, Examples(np.array([[0, 1], [1, 1]]), np.ones((2, 2))))
    array([0.5, 1. ])
    """
    total = sum(np.asarray(losses(found.tokens[i:i + batch], found.targets[i:i + batch]), dtype=float).sum(axis=0)
                for i in range(0, len(found.tokens), batch))
    return total / len(found.tokens)


@checked
def repeated(task: TextTask, n: Whole(1), *, seed: Seed) -> Examples:
    """The copy probe: held-out windows whose second half says the first again, letter by letter.

    Who copies knows the second half, but for its first letter; the text itself does not help, as each half begins
    anywhere.

    >>> task = TextTask("sonnet", n_ctx=16)
    >>> task.alphabet.decode(repeated(task, 1, seed=0).tokens[0])
    'his, andhis, and'
    """
    half = task.n_ctx // 2
    _, held_out = task.parts
    starts = generator(seed, "repeated").integers(len(held_out) - half, size=n)
    once = held_out[starts[:, None] + np.arange(half)]
    rows = np.concatenate([once, once, once[:, :1]], axis=1)
    return Examples(rows[:, :-1], rows[:, 1:])


@checked
def shuffled(found: Examples, keep: Whole(1), *, seed: Seed) -> Examples:
    """The context probe: the same windows, the characters before the last ``keep`` in random order.

    Only the last target is still a fair question; what it costs more than in order is what was read off the order of
    characters farther away than ``keep``.

    >>> task = TextTask("sonnet", n_ctx=16)
    >>> task.alphabet.decode(shuffled(sample(task, 2, seed=0), 8, seed=0).tokens[1])
    "wo s;t\\n'Nor shal"
    """
    order = generator(seed, "shuffled").permuted(
        np.tile(np.arange(max(0, found.tokens.shape[1] - keep)), (len(found.tokens), 1)), axis=1)
    tokens = found.tokens.copy()
    tokens[:, :order.shape[1]] = np.take_along_axis(tokens, order, axis=1)
    return Examples(tokens, found.targets)
