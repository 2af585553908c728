"""Chapter 10's measures of a writer, token by token and as a whole, by what stands before each token."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.digit_model import DigitModel
from transformer_lab.byhand.transformer import loss
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import IGNORED, exact, questions, sequences, write
from transformer_lab.tasks.expressions import PAD
from transformer_lab.tasks.next_token import every_target

__all__ = ["measure"]


@checked
def measure(model: DigitModel, expressions: list) -> dict:
    """What a model that writes its answers scores, all shares from 0 to 1.

    ``forced``, ``question`` and ``all_tokens`` are next tokens guessed right where the right ones stand before them:
    of the answers, of the questions, of both. ``free`` are the answers' tokens where the model reads what it wrote,
    ``whole`` the answers without a mistake. ``wrong_at_0``, ``wrong_at_1``, … count answers by the first token that is
    wrong. ``loss_answer`` and ``loss_all`` are in nats a token.

    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.cli.recipes import RECIPES
    >>> run = RECIPES["two-digits"]
    >>> sorted(measure(DigitModel(run, init(run.model)), [("Max", (5, 42, 7))]))[:4]
    ['all_tokens', 'forced', 'free', 'loss_all']
    """
    run = model.run
    tokens, targets = found = sequences(run.task, expressions)
    everything, logits = every_target(found).targets, model.logits(tokens)
    hit, answer, counts = logits.argmax(-1) == everything, targets != IGNORED, everything != IGNORED
    asked = questions(run.task, expressions)
    written = write(model.logits, asked)
    wrong = written != asked.answers
    first = np.bincount(wrong.argmax(-1)[wrong.any(-1)], minlength=wrong.shape[-1])
    return {"whole": exact(written, asked.answers).mean(), "forced": hit[answer].mean(),
            "free": 1 - wrong[asked.answers != PAD].mean(), "question": hit[counts & ~answer].mean(),
            "all_tokens": hit[counts].mean(), "loss_answer": loss(logits, targets, run.model),
            "loss_all": loss(logits, everything, run.model)} | {f"wrong_at_{i}": n for i, n in enumerate(first)}
