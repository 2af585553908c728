"""Exercises of chapter 08, further: what a writer sees, what it is trained on, how it writes and how it is scored."""

from __future__ import annotations

from itertools import takewhile

import numpy as np

from transformer_lab.exercises import Exercise, Objection
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.expressions import value as exact_value

__all__ = ["check_answer_probability", "check_causal_mask", "check_sample", "check_teacher_forced", "check_value",
           "check_whole_right", "check_write"]

EOS, IGNORED = 1, -100


def causal_mask(n):
    return np.arange(n)[:, None] >= np.arange(n)


def _mask(answer, n):
    mask = np.asarray(answer(n))
    if mask.dtype.kind == "f" and mask.min(initial=0) == -np.inf:
        raise Objection("This is what is added to the scores. Return the mask: true where a row may look.")
    return mask


check_causal_mask = Exercise(
    causal_mask, "the mask", [(4,), (1,), (9,)], measure=_mask, also_right=(lambda n: np.tri(n, dtype=bool), np.tri),
    right="A row sees itself and what stands before it, and nothing else.",
    mistakes={
        "This lets a row see only itself and what comes after. Rows are queries, columns keys.":
            lambda n: np.tri(n).T,
        "A row must see itself, too: the first one would see nothing at all.": lambda n: np.tri(n, k=-1),
        "Nothing is hidden here: a key that stands behind the query must be.": lambda n: np.ones((n, n)),
        "This is what is added to the scores": lambda n: np.where(causal_mask(n), 0, -np.inf)})


def value(expression):
    if not isinstance(expression, tuple):
        return expression
    operation, arguments = expression
    numbers = [value(argument) for argument in arguments]
    return {"First": numbers[0], "Second": numbers[1], "Max": max(numbers), "Min": min(numbers),
            "Add": sum(numbers)}[operation]


def _trees(rng):
    cases = [7, ("Max", (5, 3)), ("Second", (0, 9)), ("Add", (9, 9))]
    for depth in (2, 3, 4):
        task = DigitTask(operations=("First", "Second", "Max", "Min", "Add"), min_args=2, max_args=2, depth=depth)
        cases += draw(task, 15, seed=int(rng.integers(1000)), purpose=f"depth {depth}")
    return [(case,) for case in cases]


def _evaluated(answer, expression):
    found = answer(expression)
    if isinstance(found, tuple):
        raise Objection(f"For {expression} you return an expression. Evaluate the arguments before the operation.")
    return found


def _one_level(expression):
    if isinstance(expression, int):
        return expression
    name, (first, second) = expression
    return {"First": first, "Second": second}[name] if name in ("First", "Second") else value(expression)


check_value = Exercise(
    value, "the answer", _trees, measure=_evaluated, also_right=(exact_value,),
    right="Your function evaluates trees of any depth, from the inside out.",
    mistakes={
        "An argument that is itself an expression counts as 0 here; evaluate it first.": lambda x: x if isinstance(
            x, int) else value((x[0], tuple(part if isinstance(part, int) else 0 for part in x[1]))),
        "you return an expression. Evaluate the arguments": _one_level,
        "You keep the last digit alone; a sum may have two.": lambda x: value(x) % 10,
        "The outermost operation is always Max here.": lambda x: max(map(value, x[1])) if isinstance(x, tuple) else x})


def teacher_forced(question, answer, width):
    tokens = question + answer
    targets = [-100] * (len(question) - 1) + answer + [1]
    fill = width - len(tokens)
    return np.array([tokens + [0] * fill, targets + [-100] * fill])


def _lessons(rng):
    return [(rng.integers(2, 20, size=q).tolist(), rng.integers(2, 12, size=a).tolist(), width)
            for q, a, width in [(5, 1, 9), (8, 2, 11), (3, 4, 12)]]


def _rows(change):
    """The rows with a mistake: ``change(tokens, targets, question, end)`` works on them in place."""
    def wrong(question, answer, width):
        tokens, targets = teacher_forced(question, answer, width)
        change(tokens, targets, question, len(question) + len(answer))
        return np.array([tokens, targets])
    return wrong


def _own_tokens(tokens, targets, question, end):
    targets[:len(question) - 1] = question[1:]


def _not_shifted(tokens, targets, question, end):
    targets[:end] = [IGNORED] * len(question) + tokens[len(question):end].tolist()
    targets[end] = EOS


def _padding(tokens, targets, question, end):
    targets[end:] = 0


def _no_end(tokens, targets, question, end):
    targets[end - 1] = IGNORED


def _end_shown(tokens, targets, question, end):
    tokens[end] = EOS


check_teacher_forced = Exercise(
    teacher_forced, ("the tokens", "the targets"), _lessons, measure=lambda answer, *given: tuple(answer(*given)),
    right="From the question's last token on, each position is asked for the next token.",
    mistakes={
        "The question's own tokens count here. Nobody can know them: set their targets to -100.": _rows(_own_tokens),
        "Here a position is asked for the token that it holds. Its target is the *next* one.": _rows(_not_shifted),
        "Padding counts here. Behind the answer all targets are -100.": _rows(_padding),
        "The last answer token has to predict EOS (1). Otherwise the model never learns to stop.": _rows(_no_end),
        "EOS is only ever a target: nothing is written behind it, so it is no input.": _rows(_end_shown)})


def write(next_token, question, room):
    written = []
    while len(written) < room:
        token = next_token(question + written)
        if token == 1:
            break
        written.append(token)
    return written


class _Speaker:
    """A model that says a text, one token at a time, and only to one who shows it what it has said so far."""

    def __init__(self, question, text, room):
        self.question, self.text, self.room, self.asked = question, text, room, 0

    def __call__(self, tokens):
        self.asked, n = self.asked + 1, len(self.question)
        if self.asked > self.room + 1:
            raise RuntimeError(f"the model was asked {self.asked} times, and there is room for {self.room} tokens")
        if list(tokens[:n]) != self.question or list(tokens[n:]) != self.text[:len(tokens) - n]:
            raise RuntimeError("the model was shown something else than the question and what it wrote so far")
        return self.text[len(tokens) - n]


def _speakers(rng):
    cases = []
    for n_question, length, room in [(4, 1, 3), (6, 3, 5), (5, 0, 4), (4, 9, 3)]:
        question = rng.integers(2, 20, size=n_question).tolist()
        text = [*rng.permutation(np.arange(2, 12))[:length].tolist(), EOS]
        cases.append((_Speaker(question, text, room), question, room))
    return cases


def _written(answer, speaker, question, room):
    got, want = list(answer(speaker, question, room)), takewhile(lambda token: token != EOS, speaker.text)
    if EOS in got:
        raise Objection("EOS says that the answer is finished. It is no part of it: leave it out.")
    if got[:len(question)] == question:
        raise Objection("You return the question, too. Return only what was written.")
    if got != (want := list(want)[:room]):
        raise Objection(f"The model goes on with {want} here, and you return {got}.")
    return got


check_write = Exercise(
    write, "what was written", _speakers, measure=_written,
    right="Each token is asked for with all that is written so far; EOS ends it, and so does a full page.",
    mistakes={
        "The model goes on with": lambda f, q, room: [token for token in [f(q)] * room if token != EOS],
        "It is no part of it: leave it out": lambda f, q, room: [*write(f, q, room), EOS],
        "there is room for": lambda f, q, room: write(f, q, room + 9),
        "Return only what was written": lambda f, q, room: q + write(f, q, room),
        "shown something else": lambda f, q, room: write(lambda tokens: f(tokens[len(q):]), q, room)})


def whole_right(written, answers):
    ended = np.cumsum(answers == 1, axis=1) - (answers == 1) > 0
    return ((written == answers) | ended).all(axis=1).mean()


def _texts(rng, n=300, width=4):
    answers = np.zeros((n, width), dtype=int)
    for row, length in enumerate(rng.integers(1, width, size=n)):
        answers[row, :length + 1] = [*rng.integers(2, 12, size=length), EOS]
    return np.where(rng.random((n, width)) < 0.15, rng.integers(1, 12, size=(n, width)), answers), answers


def _by_text(written, answers):
    def text(row):
        return list(takewhile(lambda token: token != EOS, row))
    pairs = list(zip(written.tolist(), answers.tolist(), strict=True))
    return sum(text(w) == text(a) and EOS in w[:len(text(a)) + 1] for w, a in pairs) / len(pairs)


def _behind(answers):
    return np.cumsum(answers == EOS, axis=1) - (answers == EOS) > 0


check_whole_right = Exercise(
    whole_right, "the share", _texts, right="An answer counts when all of it is right, its end included.",
    also_right=(_by_text,),
    mistakes={
        "This is the share of tokens. One wrong digit makes a number wrong.": lambda w, a: (w == a)[~_behind(a)].mean(),
        "This looks at the first token only: 42 would be right where 47 is.": lambda w, a: (w[:, 0] == a[:, 0]).mean(),
        "What stands behind the right answer's EOS is not read by anybody, and must not count.":
            lambda w, a: (w == a).all(axis=1).mean(),
        "This does not ask whether the answer ended: 421 would be right where 42 is.":
            lambda w, a: ((w == a) | _behind(a) | (a == EOS)).all(axis=1).mean(),
        "This is how many are right; the share divides by all.": lambda w, a: whole_right(w, a) * len(a)})


def answer_probability(logits, answer):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p[np.arange(len(answer)), answer].prod()


def _said(rng):
    cases = []
    for n, level in [(3, 0.0), (1, 1.0), (4, 800.0)]:
        logits, tokens = level + 2 * rng.normal(size=(n, 20)), np.array([*rng.integers(2, 12, size=n - 1), EOS])
        logits[np.arange(n), tokens] += 4
        cases.append((logits, tokens))
    return cases


def _factors(logits, answer):
    return np.array([answer_probability(row[None], [token]) for row, token in zip(logits, answer, strict=True)])


check_answer_probability = Exercise(
    answer_probability, "the probability", _said, hint="Softmax each row of logits by itself.",
    right="The chain rule: each token, given those before it, one factor after the other.",
    also_right=(lambda x, a: np.exp(np.log(_factors(x, a)).sum()),),
    mistakes={
        "This is the logarithm. The exercise asks for the probability.": lambda x, a: np.log(answer_probability(x, a)),
        "This is the mean of the factors. All of them must happen: multiply.": lambda x, a: _factors(x, a).mean(),
        "The last factor is missing: that the answer ends here.": lambda x, a: _factors(x, a)[:-1].prod(),
        "Your softmax runs over all rows at once; each position has probabilities of its own.":
            lambda x, a: (np.exp(x - x.max()) / np.exp(x - x.max()).sum())[np.arange(len(a)), a].prod()})


def sample(rng, operations, depth):
    arguments = rng.integers(10, size=2).tolist()
    if depth > 1:
        which = [(0,), (1,), (0, 1)][rng.integers(3)]
        for i in which:
            arguments[i] = sample(rng, operations, depth - 1)
    return operations[rng.integers(len(operations))], tuple(arguments)


def _drawn(answer, operations, depth):
    """Objects unless all depths are as asked, and every shape, digit and operation comes often enough."""
    drawn, shapes = [], []
    for i in range(200):
        drawn.append(answer(generator(depth, "sample", i), operations, depth))
        shapes.append(_shape(drawn[-1], operations))
    if wrong := [deep for deep, _ in shapes if deep != depth]:
        raise Objection(f"Asked for depth {depth}, some of your expressions have depth {wrong[0]}.")
    nested = [pattern for _, pattern in shapes]
    wanted = [(False, False)] if depth == 1 else [(True, False), (False, True), (True, True)]
    if min(map(nested.count, wanted)) < 20:
        raise Objection("Some shape is hardly ever drawn: the first argument nested, the second, or both. "
                        "Let chance decide among the three.")
    _judge_leaves(drawn, operations)
    return 1.0


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


def _grown(deeper):
    """A sampler in which ``deeper(rng)`` says of each argument whether it is nested."""
    def draw_one(rng, operations, depth):
        arguments = tuple(draw_one(rng, operations, depth - 1) if depth > 1 and deeper(rng) else int(rng.integers(10))
                          for _ in range(2))
        return operations[rng.integers(len(operations))], arguments
    return draw_one


def _without_nine(rng, operations, depth):
    name, arguments = sample(rng, operations, depth)
    return name, tuple(min(part, 8) if isinstance(part, int) else part for part in arguments)


check_sample = Exercise(
    sample, "the draws", [(("First", "Second", "Max", "Min"), depth) for depth in (1, 2, 3)], measure=_drawn,
    right="All shapes, all operations and all digits occur, and the depth is what was asked for.",
    also_right=(lambda rng, names, depth: sample(rng, names[::-1], depth),),
    mistakes={
        "Some shape is hardly ever drawn": _grown(lambda rng: True),
        "some of your expressions have depth": _grown(lambda rng: rng.random() < 0.5),
        "The digit 9 comes too seldom": _without_nine,
        "Some operation comes too seldom": lambda rng, names, depth: sample(rng, names[:1], depth),
        "is no digit and no pair": lambda rng, names, depth: list(sample(rng, names, depth))})
