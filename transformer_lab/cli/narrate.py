"""The training told step by step, each number computed from the run that is being told."""

from __future__ import annotations

import numpy as np

from ..analysis.digit_model import DigitModel, load
from ..byhand.transformer import forward, init
from ..names import lookup, parameter_shapes
from ..randomness import generator
from ..tasks.digits import draw
from ..tasks.expressions import TOKENS, answer_text, operation_of, spell, tokenize, value
from ..tasks.splits import baselines, leakage, statistics
from ..training import Record, Run, train
from .show import bar, percent, ranking, say, shade, shares, table

NAMES = {"adamw": "AdamW", "adam": "Adam", "momentum": "Momentum", "sgd": "SGD"}


def narrated(folder, run: Run) -> Record:
    """Train the run and tell it in ten steps."""
    untrained = DigitModel(run, init(run.model, seed=run.training.seed))
    examples = one_of_each(run)
    tell(1, "The data", data(run))
    tell(2, "The split", split(run))
    tell(3, "A batch", batch(run))
    tell(4, "The model", model(run))
    tell(5, "Before training", before(untrained, examples[0]))
    tell(6, "How it learns", setup(run))
    tell(7, "Training", "The loss on the batch, and the share of held-out inputs that come out right:")
    record = train(folder, run, every=max(1, run.training.steps // 20))
    say(course(record))
    trained = load(folder)[0]
    tell(8, "The test", test(trained))
    tell(9, "One answer for each operation", "\n".join(answered(trained, expression) for expression in examples))
    tell(10, "Where it looks", attention(trained, examples[0]))
    return record


def tell(number: int, title: str, text: str) -> None:
    say(f"\n{number:>2}  {title}\n    {'─' * len(title)}\n{text}", flush=True)


def one_of_each(run: Run) -> list:
    """A random held-out expression of each operation."""
    order = generator(run.training.seed, "narration").permutation(len(run.task.parts.held_out))
    found = {operation_of(x): x for x in (run.task.parts.held_out[i] for i in order)}
    return [found[operation] for operation in run.task.operations if operation in found]


def data(run: Run) -> str:
    found = statistics([*run.task.parts.train, *run.task.parts.held_out])
    drawn = draw(run.task, 3, seed=run.training.seed, purpose="narration")
    lines = [f"{found['examples']:,} different expressions of {run.task.inputs:,} that there are, such as:"]
    lines += [f"  {spell(tokenize(x))}  =  {answer_text(value(x))}" for x in drawn]
    lengths = [str(length) for length in found["lengths"]]
    return "\n".join([*lines, f"They are {' to '.join(lengths[:1] + lengths[1:][-1:])} tokens long."])


def split(run: Run) -> str:
    pool = [*run.task.parts.train, *run.task.parts.held_out]
    drawn = [pool[i] for i in generator(run.training.seed, "narration leak").integers(len(pool), size=2 * len(pool))]
    cut = len(drawn) * 9 // 10
    parts = run.task.parts
    return (f"{len(parts.train):,} to learn from, {len(parts.held_out):,} held out. Inputs in both: "
            f"{leakage(*parts).shared}.\n"
            f"Had we drawn {len(drawn):,} with repetition and cut off the last tenth, "
            f"{percent(leakage(drawn[:cut], drawn[cut:]).share)} of it would have been seen in training.")


def batch(run: Run) -> str:
    rows = generator(run.training.seed, "batch", 0).integers(len(run.task.parts.train), size=run.training.batch)
    first = [run.task.parts.train[i] for i in rows[:3]]
    width = max(len(spell(tokenize(x))) for x in first)
    lines = [f"Each update sees {run.training.batch} expressions. The first three of the first batch, in words and as "
             "numbers:"]
    return "\n".join(lines + [f"  {spell(tokenize(x)):{width}}  {tokenize(x)}" for x in first])


def model(run: Run) -> str:
    totals: dict[str, int] = {}
    for name, shape in parameter_shapes(run.model).items():
        word = name.rpartition(".")[2]
        totals[word] = totals.get(word, 0) + int(np.prod(shape))
    rows = [(word, f"{count:,}", lookup(word).meaning) for word, count in totals.items()]
    width = max(len(word) for word in totals)
    size = run.model
    lines = [f"{size.n_layers} layers of {size.n_heads} heads on a stream {size.d_model} wide, "
             f"{sum(totals.values()):,} weights:"]
    return "\n".join(lines + [f"  {word:{width}}  {count:>7}  {meaning}" for word, count, meaning in rows])


def before(untrained: DigitModel, expression) -> str:
    return (f"{spell(tokenize(expression))} is {answer_text(value(expression))}. The random weights say:\n"
            f"{ranking(untrained.top(expression))}")


def setup(run: Run) -> str:
    guesses, d_vocab, training = baselines(*run.task.parts), run.task.d_vocab, run.training
    falls = {"linear": "falls to 0 in a straight line", "cosine": "falls to 0 along a cosine", "constant": "stays"}
    return (f"{NAMES[training.optimizer]}, {training.steps:,} updates. The learning rate climbs to "
            f"{training.learning_rate:g} in {training.warmup} steps and {falls[training.schedule]}.\n"
            f"Guessing evenly among {d_vocab} tokens costs ln {d_vocab} = {np.log(d_vocab):.3f} nats. "
            f"Always saying the commonest answer is\nright in {percent(float(guesses['majority']))} of cases, "
            f"the commonest of each operation in {percent(float(guesses['majority by operation']))}.")


def course(record: Record) -> str:
    """A line for each row: step, loss, held-out accuracy and its bar."""
    rows = [(f"{row['step']:,}", f"{row['loss']:.1e}" if "loss" in row else "", percent(row["held_out_accuracy"]),
             bar(row["held_out_accuracy"])) for row in record.history.rows]
    return table(rows, ["step", "loss", "held out", ""], left=(3,))


def test(trained: DigitModel) -> str:
    expressions = trained.run.task.parts.held_out
    right = trained.right(expressions)
    names = np.array([operation_of(x) for x in expressions])
    return (f"{right.sum():,} of {right.size:,} held-out inputs are right: {percent(right.mean(), 2)}.\n"
            f"{shares({name: right[names == name].mean() for name in dict.fromkeys(names)})}")


def answered(trained: DigitModel, expression) -> str:
    return (f"{spell(tokenize(expression))} is {answer_text(value(expression))}; the model says:\n"
            f"{ranking(trained.top(expression))}")


def attention(trained: DigitModel, expression) -> str:
    """A line a head: how much the token where the answer is read takes from each token."""
    tokens = tokenize(expression)
    acts = forward(trained.params, np.array([tokens]), trained.run.model)
    lines = [f"The last token of {spell(tokens)}, head by head; a darker cell takes more.",
             "  " + " " * 16 + " ".join(TOKENS[token] for token in tokens)]
    for layer in range(trained.run.model.n_layers):
        for head, pattern in enumerate(acts[f"blocks.{layer}.pattern"][0]):
            cells = " ".join(cell * len(TOKENS[token]) for cell, token in zip(shade(pattern[-1]), tokens, strict=True))
            lines.append(f"  layer {layer}, head {head}: {cells}")
    return "\n".join(lines)
