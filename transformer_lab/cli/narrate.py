"""The training told step by step, each number computed from the run that is being told."""

from __future__ import annotations

import numpy as np

from ..byhand.transformer import forward, init
from ..names import lookup, parameter_shapes
from ..randomness import generator
from ..tasks.digits import draw
from ..tasks.expressions import TOKENS, answer_text, operation_of, spell, tokenize, value
from ..tasks.splits import baselines, leakage, statistics
from ..training import Record
from ..training.digit_model import DigitModel
from ..training.digits import DigitRun, load, train
from .show import bar, percent, ranking, shade, shares, table


def narrated(folder, run: DigitRun) -> Record:
    """Train the run and tell it in ten steps."""
    untrained = DigitModel(run, init(run.model, seed=run.seed))
    examples = one_of_each(run)
    tell(1, "The data", data(run))
    tell(2, "The split", split(run))
    tell(3, "A batch", batch(run))
    tell(4, "The model", model(run))
    tell(5, "Before training", before(untrained, examples[0]))
    tell(6, "How it learns", setup(run))
    tell(7, "Training", "The loss on the batch, and the share of held-out inputs that come out right:")
    record = train(folder, run, every=max(1, run.steps // 20))
    print(course(record))
    trained = load(folder)[0]
    tell(8, "The test", test(trained))
    tell(9, "One answer for each operation", "\n".join(answered(trained, expression) for expression in examples))
    tell(10, "Where it looks", attention(trained, examples[0]))
    return record


def tell(number: int, title: str, text: str) -> None:
    print(f"\n{number:>2}  {title}\n    {'─' * len(title)}\n{text}", flush=True)


def one_of_each(run: DigitRun) -> list:
    """A random held-out expression of each operation."""
    order = generator(run.seed, "narration").permutation(len(run.parts.held_out))
    found = {operation_of(x): x for x in (run.parts.held_out[i] for i in order)}
    return [found[operation] for operation in run.task.operations if operation in found]


def data(run: DigitRun) -> str:
    found = statistics([*run.parts.train, *run.parts.held_out])
    drawn = draw(run.task, 3, seed=run.seed, purpose="narration")
    lines = [f"{found['examples']:,} different expressions of {run.task.inputs:,} that there are, such as:"]
    lines += [f"  {spell(tokenize(x))}  =  {answer_text(value(x))}" for x in drawn]
    lengths = [str(length) for length in found["lengths"]]
    return "\n".join([*lines, f"They are {' to '.join(lengths[:1] + lengths[1:][-1:])} tokens long."])


def split(run: DigitRun) -> str:
    pool = [*run.parts.train, *run.parts.held_out]
    drawn = [pool[i] for i in generator(run.seed, "narration leak").integers(len(pool), size=2 * len(pool))]
    cut = len(drawn) * 9 // 10
    return (f"{len(run.parts.train):,} to learn from, {len(run.parts.held_out):,} held out. Inputs in both: "
            f"{leakage(run.parts.train, run.parts.held_out).shared}.\n"
            f"Had we drawn {len(drawn):,} with repetition and cut off the last tenth, "
            f"{percent(leakage(drawn[:cut], drawn[cut:]).share)} of it would have been seen in training.")


def batch(run: DigitRun) -> str:
    rows = generator(run.seed, "batch", 0).integers(len(run.parts.train), size=run.batch)
    first = [run.parts.train[i] for i in rows[:3]]
    width = max(len(spell(tokenize(x))) for x in first)
    lines = [f"Each update sees {run.batch} expressions. The first three of the first batch, in words and as numbers:"]
    return "\n".join(lines + [f"  {spell(tokenize(x)):{width}}  {tokenize(x)}" for x in first])


def model(run: DigitRun) -> str:
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


def setup(run: DigitRun) -> str:
    guesses, d_vocab = baselines(run.parts.train, run.parts.held_out), run.task.d_vocab
    return (f"AdamW, {run.steps:,} updates. The learning rate climbs to {run.learning_rate:g} in {run.warmup} steps "
            "and falls to 0 in a straight line.\n"
            f"Guessing evenly among {d_vocab} tokens costs ln {d_vocab} = {np.log(d_vocab):.3f} nats. "
            f"Always saying the commonest answer is\nright in {percent(float(guesses['majority']))} of cases, "
            f"the commonest of each operation in {percent(float(guesses['majority by operation']))}.")


def course(record: Record) -> str:
    """A line for each row: step, loss, held-out accuracy and its bar."""
    rows = [(f"{row['step']:,}", f"{row['loss']:.1e}" if "loss" in row else "", percent(row["held_out_accuracy"]),
             bar(row["held_out_accuracy"])) for row in record.history.rows]
    return table(rows, ["step", "loss", "held out", ""], left=(3,))


def test(trained: DigitModel) -> str:
    expressions = trained.run.parts.held_out
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
