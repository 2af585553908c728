"""Chapter 08's study of a decoder: what is counted while it learns, and what its next-token accuracy says.

The two-digit recipe with half its steps, one factor: whether the loss counts the answer's tokens, or all next tokens.
Every model is measured in both ways as it learns: token by token with the right tokens before it (teacher forcing),
and as a whole, reading what it has written itself.

``python -m chapters.ch08.next_token`` trains what is missing in ``runs`` and writes
``data/digits/next-token-answer`` and ``data/digits/next-token-all``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from transformer_lab.analysis.digit_model import DigitModel
from transformer_lab.byhand.transformer import loss
from transformer_lab.checks import check_choice, check_type
from transformer_lab.cli.recipes import RECIPES
from transformer_lab.tasks.answers import IGNORED, exact, questions, sequences, write
from transformer_lab.tasks.expressions import PAD
from transformer_lab.tasks.next_token import bounds, every_target
from transformer_lab.training import History, Record, read_record, train, write_record

__all__ = ["ARMS", "measure"]

ARMS = ("answer", "all")
SEEDS = 3
MEASURED = (0, 50, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1250, 1500)


def run_of(arm: str, seed: int):
    """The run of one arm and seed."""
    return RECIPES["two-digits"].replace(steps=MEASURED[-1], counted=check_choice("arm", arm, ARMS), seed=seed)


def measure(model: DigitModel, expressions) -> dict:
    """What a model that writes its answers scores, all shares from 0 to 1.

    ``forced``, ``question`` and ``all_tokens`` are next tokens guessed right where the right ones stand before them:
    of the answers, of the questions, of both. ``free`` are the answers' tokens where the model reads what it wrote,
    ``whole`` the answers without a mistake. ``wrong_at_0``, ``wrong_at_1``, … count answers by the first token that is
    wrong. ``loss_answer`` and ``loss_all`` are in nats a token.

    >>> from transformer_lab.byhand.transformer import init
    >>> run = run_of("answer", 0)
    >>> sorted(measure(DigitModel(run, init(run.model)), [("Max", (5, 42, 7))]))[:4]
    ['all_tokens', 'forced', 'free', 'loss_all']
    """
    run = check_type("model", model, DigitModel).run
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


def record(arm: str, runs: Path, data: Path) -> Record:
    """Train the seeds of an arm, and write what each scores on the held-out questions while it learns.

    Beside it stand the ``bounds`` of ``all_tokens`` and ``loss_all`` on these questions.
    """
    rows, cpu_s = {step: [] for step in MEASURED}, []
    for seed in range(SEEDS):
        run = run_of(arm, seed)
        found = train(runs / f"next-token-{arm}-{seed}", run, keep=MEASURED)
        cpu_s.append(found.timing["cpu_s"])
        for step, weights in found.history.kept.items():
            rows[step].append(measure(DigitModel(run, weights), run.task.parts.held_out))
        print(f"next-token-{arm}-{seed}: {rows[run.training.steps][-1]}, {cpu_s[-1]:.0f} CPU s", flush=True)
    history = History([{"step": step} | {name: np.array([seed[name] for seed in seeds], dtype=float)
                                         for name in seeds[0]} for step, seeds in rows.items()])
    folder = data / f"next-token-{arm}"
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config={"run": run_of(arm, 0).to_dict(), "seeds": SEEDS}, history=history, step=MEASURED[-1],
                 state={"bounds": np.array(bounds(run.task, run.task.parts.held_out))}, timing={"cpu_s": cpu_s})
    return read_record(folder)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ARMS:
        record(chosen, Path("runs"), Path("data/digits"))
