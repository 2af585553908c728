"""A trained digit model: what it says, and how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import places
from ..checks import check_type, check_whole
from ..errors import DataError
from ..rules import Seed
from ..signatures import checked
from ..tasks.answers import questions, write
from ..tasks.digit_data import Digits
from ..tasks.digits import check_expression
from ..tasks.expressions import EOS, TOKENS, answer_text, spell, value
from ..training import History
from ..training.records import Record
from ..training.run import Run, logits, read_run, train

__all__ = ["DigitModel", "Ranked", "curve", "learned", "load", "trained"]


class Ranked(NamedTuple):
    """An answer, as text, and the probability that the model gives it."""

    text: str
    probability: float


class DigitModel:
    """The weights ``params`` of a :class:`~transformer_lab.training.run.Run` of :class:`Digits`, and what they say.

    >>> from transformer_lab.byhand.transformer import init
    >>> run = Run.of(Digits())
    >>> len(DigitModel(run, init(run.model)).top(("Max", (5, 8, 3))))
    5
    """

    def __init__(self, run, params: dict):
        check_type("run.task", check_type("run", run, Run).task, Digits)
        self.run, self.params = run, check_type("params", params, dict)

    def logits(self, tokens) -> np.ndarray:
        """Logits (n, d_vocab), or (n, pos, d_vocab) where the answer is written."""
        return logits(self.params, tokens, self.run.model)

    def said(self, expressions) -> list[str]:
        """The model's answers, as text. A written answer is written token by token, as the model alone would go on."""
        if self.run.task.written:
            rows = write(self.logits, questions(self.run.task, expressions))
            return [spell(row[row != EOS]) for row in rows]
        return [TOKENS[token] for token in self.logits(self.run.task.encoded(expressions).tokens).argmax(-1)]

    def right(self, expressions) -> np.ndarray:
        """Which expressions the model answers right, the whole answer counted: bool (n,)."""
        said = np.array(self.said(expressions))
        return said == np.array([answer_text(value(x)) for x in expressions])

    def top(self, expression, n: int = 5) -> list[Ranked]:
        """The likeliest ``n`` answers with their probabilities; of written ones those that a beam of ``n`` finds."""
        check_expression(self.run.task, expression), check_whole("n", n, low=1, high=1000)
        asked = questions(self.run.task, [expression])
        beams, room = [((), 0.0)], self.run.task.written * self.run.task.n_answer + 1
        for _ in range(room):
            longer = [beam for shorter in beams for beam in self._continued(shorter, asked, n)]
            beams = sorted(longer, key=lambda beam: -beam[1])[:n]
        return [Ranked(spell([token for token in tokens if token != EOS]) or "(nothing)", float(np.exp(log_p)))
                for tokens, log_p in beams]

    def _continued(self, beam, asked, n):
        """The likeliest ``n`` ways to go on with the written tokens of a beam."""
        tokens, log_p = beam
        if EOS in tokens:
            return [beam]
        row = asked.tokens.copy()
        row[0, asked.lengths[0]:asked.lengths[0] + len(tokens)] = tokens
        logits = self.logits(row[:, :self.run.model.n_ctx])[0]
        logits = logits[asked.lengths[0] - 1 + len(tokens)] if self.run.task.written else logits
        logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        return [((*tokens, int(token)), log_p + float(logs[token])) for token in np.argsort(-logs)[:n]]


def load(folder) -> tuple[DigitModel, Record]:
    """The digit model of a record, and the record."""
    run, record = read_run(folder)
    if not isinstance(run.task, Digits):
        raise DataError(f"{record.path} is no digit run: its task is another.")
    if run.training.seeds > 1:
        raise DataError(f"{record.path} holds {run.training.seeds} models, trained at once, and one is asked at a "
                        "time. Train one alone, with its own seed.")
    return DigitModel(run, record.weights), record


@checked
def trained(study: str, recipe: Run, *, seed: Seed(), keep=(), **arm) -> tuple:
    """The model of one arm and seed of a study, trained if its run is not there, and its history."""
    run = recipe.replace(seed=seed, **arm)
    record = train(places.runs("-".join(map(str, (study, *arm.values(), seed)))), run, keep=keep)
    return DigitModel(run, record.weights), record.history


@checked
def curve(history: History) -> dict:
    """The held-out accuracy over the steps, as a unit of a study returns it."""
    return {"accuracy": ("step", history["held_out_accuracy"]), "step": ("step", history.steps)}


@checked
def learned(name: str, recipe: Run, *, seed: Seed()) -> dict:
    """The unit of a study of one recipe: its curve, and how many held-out questions it answers wrong in the end."""
    model, history = trained(name, recipe, seed=seed)
    return curve(history) | {"wrong": ((), (~model.right(model.run.task.parts.held_out)).sum())}
