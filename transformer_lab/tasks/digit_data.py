"""The data of the digit operations: which expressions are drawn, which are held out, and how each becomes tokens.

Its functions are the interface of a task (see :mod:`transformer_lab.tasks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..checks import check_array
from ..randomness import generator
from ..rules import Array, Choice, Each, Number, Seed, Whole, Wholes
from ..signatures import checked
from .answers import IGNORED, Examples, examples, sequences
from .digits import LARGEST, DigitTask, all_inputs, check_expression, draw
from .expressions import answer_text, operation_of, value
from .next_token import every_target
from .splits import Split, baselines, cut, dealt, split

__all__ = ["Digits", "ceiling", "floor", "needs", "oracle", "sample", "score", "tests"]


@dataclass(frozen=True)
class Digits(DigitTask):
    """A :class:`DigitTask` with its data. What the command line says of a field stands here.

    written : bool
        Whether the answer is written token by token (a decoder) or read at the last token.
    examples : int
        How many distinct expressions there are in all; 0 for every input of the task.
    held_out : float
        Share of them that training never sees.
    data_seed : int
        Of the expressions that are drawn, of their split, and of the answers that are dealt out anew.
    distinct : bool
        Whether the expressions differ. If not, ``examples`` are drawn with repetition and cut by their place in the
        list, and most of what is held out is trained on as well.
    shuffled : bool
        Whether the answers are dealt out anew among the inputs of each operation: then there is nothing to find out
        and all to remember.
    counted : str
        Which tokens of a written sequence are targets: those of the ``"answer"``, or ``"all"``, the question's too.

    >>> task = Digits()
    >>> len(task.parts.train), len(task.parts.held_out), Digits.from_dict(task.to_dict()) == task
    (4000, 1000, True)
    """

    written: bool = False
    examples: Whole() = 0
    held_out: Number(above=0, high=0.99) = 0.2
    data_seed: Seed = 0
    distinct: bool = True
    shuffled: bool = False
    counted: Choice(("answer", "all")) = "answer"

    def _faults(self):
        faults = list(super()._faults())
        yield from faults or self._misfits()

    def _misfits(self):
        half = self.inputs // 2
        if self.distinct and self.examples > half:
            yield f"examples: got {self.examples}; allowed is at most {half}, or 0 for all of them. Take fewer."
        if not self.examples and (self.depth > 1 or self.inputs > LARGEST):
            yield f"examples: got 0; allowed is 1 to {half} where the inputs cannot be listed. Say how many to draw."
        if not self.written and not self.one_token:
            yield "written: got False; allowed is True where questions or answers differ in length. Write the answer."
        if not (self.distinct or self.examples):
            yield "examples: got 0; allowed is at least 1 where distinct=False. Say how many to draw."
        if self.shuffled and (self.written or (self.examples and self.distinct)):
            yield "shuffled: got True; allowed is False where inputs are not listed. Take all inputs of a small task."
        if self.counted == "all" and not self.written:
            yield "counted: got 'all'; allowed is 'answer' where it is not written. Write the answer."

    @cached_property
    def parts(self) -> Split:
        """The expressions to train on and those held out: no input is in both, unless ``distinct=False``."""
        if not self.distinct:
            return cut(draw(self, self.examples, seed=self.data_seed), held_out=self.held_out)
        chosen = draw(self, self.examples, seed=self.data_seed, distinct=True) if self.examples else all_inputs(self)
        return split(chosen, held_out=self.held_out, seed=self.data_seed)

    def encoded(self, expressions) -> Examples:
        """Tokens and targets of expressions, as a model takes them."""
        found = (sequences if self.written else examples)(self, expressions)
        return found._replace(targets=np.array([self.dealt[x] for x in expressions])) if self.shuffled else found

    @cached_property
    def dealt(self) -> dict:
        """The answer token of every input, dealt out anew among the inputs of its operation."""
        inputs = all_inputs(self)
        groups = np.array([self.operations.index(operation_of(x)) for x in inputs])
        return dict(zip(inputs, dealt(examples(self, inputs).targets, groups, seed=self.data_seed), strict=True))

    @cached_property
    def lessons(self) -> Examples:
        """The training part, encoded, with the targets that count in training."""
        data = self.encoded(self.parts.train)
        return every_target(data) if self.counted == "all" else data


@checked
def needs(task: Digits) -> dict:
    """What the task asks of a model, as fields of a ModelConfig.

    >>> needs(Digits())
    {'d_vocab': 20, 'n_ctx': 8, 'mask': 'bidirectional', 'read_out': 'last'}
    """
    return {"d_vocab": task.d_vocab, "n_ctx": task.n_ctx + task.written * task.n_answer,
            "mask": "causal" if task.written else "bidirectional", "read_out": "all" if task.written else "last"}


@checked
def sample(task: Digits, n: Whole(1) | Each(Whole(1)), *, seed: Seed, purpose: str = "batch",
           step: int = 0) -> Examples:
    """``n`` of the training examples, each equally likely: the batch of a step; ``n`` may be a shape."""
    data = task.lessons
    rows = generator(seed, purpose, step).integers(len(data.tokens), size=n)
    return Examples(data.tokens[rows], data.targets[rows])


@checked
def tests(task: Digits) -> tuple[Examples, Examples]:
    """What was held out, and the first 250 that were trained on.

    Where all inputs are listed these have one operation: they tell whether training goes on well, and are no fair
    partner of what was held out.
    """
    return task.encoded(task.parts.held_out), task.encoded(task.parts.train[:250])


@checked
def score(logits: Array("... d_vocab", finite=False), targets: Wholes) -> float:
    """Share of rows whose counted targets are all the likeliest token: what greedy writing gets right as a whole.

    >>> score(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2]))
    0.6666666666666666
    """
    check_array("targets", targets, shape=logits.shape[:-1], kind="whole")
    right = (logits.argmax(-1) == targets) | (targets == IGNORED)
    return float(right.reshape(len(right), -1).all(-1).mean())


@checked
def oracle(task: Digits, expression) -> str:
    """The right answer, as text.

    >>> oracle(Digits(), ("Max", (5, 8, 3)))
    '8'
    """
    return answer_text(value(check_expression(task, expression)))


@checked
def ceiling(task: Digits) -> float:
    """The best share on held-out inputs that anyone can expect: 1, for the answer follows from the input.

    Answers that were dealt out anew follow from nothing: there the best is what :func:`floor` has.
    """
    return floor(task) if task.shuffled else 1.0


@checked
def floor(task: Digits) -> float:
    """The share of held-out inputs that the commonest training answer of each operation gets right.

    >>> 0.1 < floor(Digits()) < 0.2
    True
    """
    return float(baselines(*task.parts)["majority by operation"])
