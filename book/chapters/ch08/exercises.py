"""Exercises of chapter 08, further: what a writer sees, what it is trained on, how it writes and how it is scored."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Objection, checker, expect
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.expressions import value as exact_value

__all__ = ["check_answer_probability", "check_causal_mask", "check_sample", "check_teacher_forced", "check_value",
           "check_whole_right", "check_write"]

PAD, EOS, IGNORED = 0, 1, -100


def causal_mask(n):
    return np.arange(n)[:, None] >= np.arange(n)


@checker(causal_mask, right="A row sees itself and what stands before it, and nothing else.")
def check_causal_mask(answer):
    """Whether ``answer(n)[query, key]`` is true exactly where the query may look."""
    for n in (4, 1, 9):
        got, want = np.asarray(answer(n)), np.tri(n, dtype=bool)
        if got.shape == want.shape and n > 1:
            if got.min() == -np.inf:
                raise Objection("This is what is added to the scores. Return the mask: true where a row may look.")
            if np.array_equal(got.astype(bool), want.T):
                raise Objection("This lets a row see only itself and what comes after. Rows are queries, columns keys.")
            if np.array_equal(got.astype(bool), np.tri(n, k=-1, dtype=bool)):
                raise Objection("A row must see itself, too: the first one would see nothing at all.")
        expect("the mask", got, want, hint="True where the key does not stand behind the query.")


def value(expression):
    if not isinstance(expression, tuple):
        return expression
    operation, arguments = expression
    numbers = [value(argument) for argument in arguments]
    return {"First": numbers[0], "Second": numbers[1], "Max": max(numbers), "Min": min(numbers),
            "Add": sum(numbers)}[operation]


@checker(value, right="Your function evaluates trees of any depth, from the inside out.")
def check_value(answer):
    """Whether ``answer(expression)`` is the exact answer of a tree: a number, or a pair (operation, arguments)."""
    cases = [7, ("Max", (5, 3)), ("Second", (0, 9)), ("Add", (9, 9))]
    for depth in (2, 3, 4):
        task = DigitTask(operations=("First", "Second", "Max", "Min", "Add"), min_args=2, max_args=2, depth=depth)
        cases += draw(task, 40, seed=8, purpose=f"depth {depth}")
    for case in cases:
        got, want = answer(case), exact_value(case)
        if isinstance(got, tuple):
            raise Objection(f"For {case} you return an expression. Evaluate the arguments before the operation.")
        expect(f"the answer to {case}", got, want)


def teacher_forced(question, answer, width):
    tokens = question + answer
    targets = [-100] * (len(question) - 1) + answer + [1]
    fill = width - len(tokens)
    return np.array([tokens + [0] * fill, targets + [-100] * fill])


@checker(teacher_forced, right="From the question's last token on, each position is asked for the next token.")
def check_teacher_forced(answer):
    """Whether ``answer(question, answer, width)`` holds tokens and targets, ignored ones as -100, padded with 0."""
    rng = generator(8, "teacher forcing")
    for n_question, n_answer, width in [(5, 1, 9), (8, 2, 10), (3, 4, 12)]:
        question, right = rng.integers(2, 20, size=n_question).tolist(), rng.integers(2, 12, size=n_answer).tolist()
        got, want = np.asarray(answer(question, right, width)), teacher_forced(question, right, width)
        if got.shape == want.shape:
            _judge_targets(got, want, n_question, n_answer)
        expect("the rows", got, want)


def _judge_targets(got, want, n_question, n_answer):
    tokens, targets = got
    end = n_question + n_answer
    if EOS in tokens[:end + 1]:
        raise Objection("EOS is only ever a target: nothing is written behind it, so it is no input.")
    if np.array_equal(targets[n_question:end], tokens[n_question:end]):
        raise Objection("Here a position is asked for the token that it holds. Its target is the *next* one.")
    if (targets[:n_question - 1] != IGNORED).any():
        raise Objection("The question's own tokens count here. Nobody can know them: set their targets to -100.")
    if (targets[end:] != IGNORED).any() and np.array_equal(targets[:end], want[1, :end]):
        raise Objection("Padding counts here. Behind the answer all targets are -100.")
    if targets[end - 1] != EOS:
        raise Objection("The last answer token has to predict EOS (1). Otherwise the model never learns to stop.")


def write(next_token, question, room):
    written = []
    while len(written) < room:
        token = next_token(question + written)
        if token == 1:
            break
        written.append(token)
    return written


@checker(write, right="Each token is asked for with all that is written so far; EOS ends it, and so does a full page.")
def check_write(answer):
    """Whether ``answer(next_token, question, room)`` writes greedily, without EOS and at most ``room`` tokens."""
    rng = generator(8, "write")
    for n_question, length, room in [(4, 1, 3), (6, 3, 5), (5, 0, 4), (4, 9, 3)]:
        question, text = rng.integers(2, 20, size=n_question).tolist(), rng.permutation(np.arange(2, 12))[:length]
        got = answer(_Speaker(question, [*text.tolist(), EOS], room), question, room)
        want = text[:room].tolist()
        if EOS in list(got):
            raise Objection("EOS says that the answer is finished. It is no part of it: leave it out.")
        if list(got)[:n_question] == question:
            raise Objection("You return the question, too. Return only what was written.")
        if list(got) != want:
            raise Objection(f"The model goes on with {want} here, and you return {list(got)}.")


class _Speaker:
    """A model that says a text, one token at a time, and only to one who shows it what it has said so far."""

    def __init__(self, question, text, room):
        self.question, self.text, self.room, self.asked = question, text, room, 0

    def __deepcopy__(self, memo):
        return self

    def __call__(self, tokens):
        self.asked, n = self.asked + 1, len(self.question)
        if self.asked > self.room + 1:
            raise RuntimeError(f"the model was asked {self.asked} times, and there is room for {self.room} tokens")
        if list(tokens[:n]) != self.question or list(tokens[n:]) != self.text[:len(tokens) - n]:
            raise RuntimeError("the model was shown something else than the question and what it wrote so far")
        return self.text[len(tokens) - n]


def whole_right(written, answers):
    ended = np.cumsum(answers == 1, axis=1) - (answers == 1) > 0
    return ((written == answers) | ended).all(axis=1).mean()


@checker(whole_right, right="An answer counts when all of it is right, its end included.")
def check_whole_right(answer):
    """Whether ``answer(written (n, width), answers (n, width))`` is the share of answers right up to EOS (1)."""
    rng = generator(8, "whole")
    for n, width in [(400, 4), (300, 3)]:
        answers, written = np.zeros((2, n, width), dtype=int)
        for row, length in enumerate(rng.integers(1, width, size=n)):
            answers[row, :length + 1] = [*rng.integers(2, 12, size=length), EOS]
        written[...] = np.where(rng.random((n, width)) < 0.15, rng.integers(1, 12, size=(n, width)), answers)
        behind = np.cumsum(answers == EOS, axis=1) - (answers == EOS) > 0
        got, want = np.asarray(answer(written, answers), dtype=float), whole_right(written, answers)
        for words, wrong in {
                "This is the share of tokens. One wrong digit makes a number wrong.":
                    (written == answers)[~behind].mean(),
                "This looks at the first token only: 42 would be right where 47 is.":
                    (written[:, 0] == answers[:, 0]).mean(),
                "What stands behind the right answer's EOS is not read by anybody, and must not count.":
                    (written == answers).all(axis=1).mean(),
                "This does not ask whether the answer ended: 421 would be right where 42 is.":
                    ((written == answers) | behind | (answers == EOS)).all(axis=1).mean()}.items():
            if got.shape == () and np.isclose(got, wrong) and not np.isclose(wrong, want):
                raise Objection(words)
        expect("the share", got, want)


def answer_probability(logits, answer):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p[np.arange(len(answer)), answer].prod()


@checker(answer_probability, right="The chain rule: each token, given those before it, one factor after the other.")
def check_answer_probability(answer):
    """Whether ``answer(logits (n, d_vocab), answer (n,))`` is the probability of the whole answer, EOS included."""
    rng = generator(8, "chain")
    for n, level in [(3, 0.0), (1, 1.0), (4, 800.0)]:
        logits, tokens = level + 2 * rng.normal(size=(n, 20)), np.array([*rng.integers(2, 12, size=n - 1), EOS])
        logits[np.arange(n), tokens] += 4
        got, want = np.asarray(answer(logits, tokens), dtype=float), answer_probability(logits, tokens)
        factors = np.array([answer_probability(row[None], [token]) for row, token in zip(logits, tokens, strict=True)])
        for words, wrong in {"This is the logarithm. The exercise asks for the probability.": np.log(want),
                             "This is the mean of the factors. All of them must happen: multiply.": factors.mean(),
                             "The last factor is missing: that the answer ends here.": factors[:-1].prod()}.items():
            if n == 3 and got.shape == () and np.isclose(got, wrong):
                raise Objection(words)
        expect("the probability", got, want, hint="Softmax each row of logits by itself.")


def sample(rng, operations, depth):
    arguments = rng.integers(10, size=2).tolist()
    if depth > 1:
        which = [(0,), (1,), (0, 1)][rng.integers(3)]
        for i in which:
            arguments[i] = sample(rng, operations, depth - 1)
    return operations[rng.integers(len(operations))], tuple(arguments)


@checker(sample, right="All shapes, all operations and all digits occur, and the depth is what was asked for.")
def check_sample(answer):
    """Whether ``answer(rng, operations, depth)`` draws expressions of two arguments, nested exactly ``depth`` deep."""
    operations = ("First", "Second", "Max", "Min")
    for depth in (1, 2, 3):
        drawn = [answer(generator(depth, "sample", i), operations, depth) for i in range(400)]
        shapes = [_shape(expression, operations) for expression in drawn]
        if any(deep != depth for deep, _ in shapes):
            raise Objection(f"Asked for depth {depth}, some of your expressions have depth "
                            f"{next(deep for deep, _ in shapes if deep != depth)}.")
        nested = [pattern for _, pattern in shapes]
        wanted = [(False, False)] if depth == 1 else [(True, False), (False, True), (True, True)]
        rare = [pattern for pattern in wanted if nested.count(pattern) < 40]
        if rare:
            raise Objection("Some shape is hardly ever drawn: the first argument nested, the second, or both. "
                            "Let chance decide among the three.")
        _judge_leaves(drawn, operations)


def _shape(expression, operations):
    """The depth, and which arguments are nested; objects to what is no expression."""
    if isinstance(expression, (int, np.integer)) and 0 <= expression <= 9:
        return 0, ()
    if not (isinstance(expression, tuple) and len(expression) == 2 and expression[0] in operations
            and isinstance(expression[1], tuple) and len(expression[1]) == 2):
        raise Objection(f"{expression!r} is no digit and no pair of an operation and a tuple of two arguments.")
    inner = [_shape(argument, operations)[0] for argument in expression[1]]
    return 1 + max(inner), tuple(deep > 0 for deep in inner)


def _judge_leaves(drawn, operations):
    leaves, names, waiting = [], [], list(drawn)
    while waiting:
        expression = waiting.pop()
        if isinstance(expression, tuple):
            names.append(expression[0])
            waiting += expression[1]
        else:
            leaves.append(int(expression))
    if any(leaves.count(digit) < 0.05 * len(leaves) for digit in range(10)):
        missing = min(range(10), key=leaves.count)
        raise Objection(f"The digit {missing} comes too seldom: {leaves.count(missing)} times in {len(leaves)} digits.")
    if any(names.count(name) < len(names) / len(operations) / 2 for name in operations):
        raise Objection("Some operation comes too seldom, or stands only outside: draw one at every level.")
