"""Each checker accepts the solution and another right answer, and rejects what readers plausibly write."""

from itertools import takewhile

import numpy as np

from chapters.ch08.exercises import (
    answer_probability,
    causal_mask,
    check_answer_probability,
    check_causal_mask,
    check_sample,
    check_teacher_forced,
    check_value,
    check_whole_right,
    check_write,
    sample,
    teacher_forced,
    value,
    whole_right,
    write,
)
from transformer_lab.randomness import generator


def value_by_cases(x):
    if isinstance(x, int):
        return x
    a, b = map(value_by_cases, x[1])
    if x[0] in ("First", "Second"):
        return a if x[0] == "First" else b
    return a + b if x[0] == "Add" else sorted((a, b))[x[0] == "Max"]


def targets_by_loop(question, answer, width):
    tokens, targets = np.zeros(width, dtype=int), np.full(width, -100)
    tokens[:len(question) + len(answer)] = question + answer
    for i, token in enumerate([*answer, 1]):
        targets[len(question) - 1 + i] = token
    return np.stack([tokens, targets])


def write_by_recursion(next_token, question, room):
    if room == 0 or (token := next_token(question)) == 1:
        return []
    return [token, *write_by_recursion(next_token, [*question, token], room - 1)]


def whole_by_text(written, answers):
    def text(row):
        return list(takewhile(lambda token: token != 1, row))
    return sum(text(w) == text(a) and 1 in w[:len(text(a)) + 1] for w, a in zip(written.tolist(), answers.tolist(),
                                                                             strict=True)) / len(answers)


def sample_by_coins(rng, operations, depth):
    deep = [depth > 1 and rng.random() < 0.5 for _ in range(2)]
    if depth > 1 and not any(deep):
        deep[rng.integers(2)] = True
    return rng.choice(operations), tuple(sample_by_coins(rng, operations, depth - 1) if d else int(rng.integers(0, 10))
                                         for d in deep)


RIGHT = [
    (check_causal_mask, lambda n: np.tril(np.ones((n, n)))),
    (check_value, value_by_cases),
    (check_teacher_forced, targets_by_loop),
    (check_write, write_by_recursion),
    (check_whole_right, whole_by_text),
    (check_answer_probability, lambda logits, answer: np.exp(sum(
        row[t] - row.max() - np.log(np.exp(row - row.max()).sum()) for row, t in zip(logits, answer, strict=True)))),
    (check_sample, sample_by_coins),
]


def writes_once(next_token, question, room):
    return [next_token(question) for _ in range(room)]


def keeps_end(next_token, question, room):
    written = write(next_token, question, room)
    return written + [1] * (len(written) < room)


def never_full(next_token, question, room):
    written = []
    while (token := next_token(question + written)) != 1:
        written.append(token)
    return written


def outer_only(expression):
    return value((expression[0], tuple(a if isinstance(a, int) else 0 for a in expression[1]))) if isinstance(
        expression, tuple) else expression


def one_level(expression):
    if isinstance(expression, int):
        return expression
    name, (first, second) = expression
    return {"First": first, "Second": second}[name] if name in ("First", "Second") else value(expression)


def question_counts(question, answer, width):
    tokens, targets = teacher_forced(question, answer, width)
    targets[:len(question) - 1] = question[1:]
    return np.array([tokens, targets])


def not_shifted(question, answer, width):
    tokens, _ = teacher_forced(question, answer, width)
    targets = [-100] * len(question) + answer + [1]
    return np.array([tokens, targets + [-100] * (width - len(targets))])


def padding_counts(question, answer, width):
    tokens, targets = teacher_forced(question, answer, width)
    targets[len(question) + len(answer):] = 0
    return np.array([tokens, targets])


def no_end(question, answer, width):
    tokens, targets = teacher_forced(question, answer, width)
    return np.array([tokens, np.where(targets == 1, -100, targets)])


def end_is_input(question, answer, width):
    tokens, targets = teacher_forced(question, answer, width)
    tokens[len(question) + len(answer)] = 1
    return np.array([tokens, targets])


def without_end(written, answers):
    behind = np.cumsum(answers == 1, axis=1) > 0
    return ((written == answers) | behind).all(axis=1).mean()


def always_both(rng, operations, depth):
    arguments = tuple(always_both(rng, operations, depth - 1) if depth > 1 else int(rng.integers(10)) for _ in range(2))
    return operations[rng.integers(len(operations))], arguments


def perhaps_shallow(rng, operations, depth):
    arguments = tuple(perhaps_shallow(rng, operations, depth - 1) if depth > 1 and rng.random() < 0.5
                      else int(rng.integers(10)) for _ in range(2))
    return operations[rng.integers(len(operations))], arguments


def without_nine(rng, operations, depth):
    name, arguments = sample(rng, operations, depth)
    return name, tuple(min(a, 8) if isinstance(a, int) else a for a in arguments)


def one_operation(rng, operations, depth):
    return sample(rng, operations[:1], depth)


WRONG = [
    (check_causal_mask, lambda n: np.triu(np.ones((n, n))), "comes after"),
    (check_causal_mask, lambda n: np.tri(n, k=-1), "see itself"),
    (check_causal_mask, lambda n: np.ones((n, n)), "off"),
    (check_causal_mask, lambda n: np.tri(n + 1)[1:], "shape"),
    (check_causal_mask, lambda n: np.where(causal_mask(n), 0, -np.inf), "added to the scores"),
    (check_value, outer_only, "off"),
    (check_value, one_level, "return an expression"),
    (check_value, lambda x: value(x) % 10, "off"),
    (check_value, lambda x: value_by_cases(("Max", x[1])) if isinstance(x, tuple) else x, "off"),
    (check_teacher_forced, question_counts, "question's own"),
    (check_teacher_forced, not_shifted, "*next* one"),
    (check_teacher_forced, padding_counts, "Padding counts"),
    (check_teacher_forced, no_end, "never learns to stop"),
    (check_teacher_forced, end_is_input, "only ever a target"),
    (check_teacher_forced, lambda q, a, w: teacher_forced(q, a, w)[0], "shape"),
    (check_write, writes_once, "goes on with"),
    (check_write, keeps_end, "no part of it"),
    (check_write, never_full, "there is room for"),
    (check_write, lambda f, q, room: q + write(f, q, room), "only what was written"),
    (check_write, lambda f, q, room: write(lambda tokens: f(tokens[len(q):]), q, room), "shown something else"),
    (check_whole_right, lambda w, a: (w == a).mean(), "off"),
    (check_whole_right, lambda w, a: (w == a)[np.cumsum(a == 1, 1) - (a == 1) == 0].mean(), "share of tokens"),
    (check_whole_right, lambda w, a: (w[:, 0] == a[:, 0]).mean(), "first token only"),
    (check_whole_right, lambda w, a: (w == a).all(1).mean(), "read by anybody"),
    (check_whole_right, without_end, "421"),
    (check_whole_right, lambda w, a: whole_right(w, a) * len(a), "off"),
    (check_answer_probability, lambda x, a: np.log(answer_probability(x, a)), "logarithm"),
    (check_answer_probability, lambda x, a: answer_probability(x[:-1], a[:-1]), "ends here"),
    (check_answer_probability, lambda x, a: np.mean([answer_probability(r[None], [t]) for r, t in zip(
        x, a, strict=True)]), "multiply"),
    (check_answer_probability, lambda x, a: (np.exp(x) / np.exp(x).sum())[np.arange(len(a)), a].prod(), "off"),
    (check_sample, always_both, "Some shape"),
    (check_sample, perhaps_shallow, "have depth"),
    (check_sample, without_nine, "The digit 9"),
    (check_sample, one_operation, "Some operation"),
    (check_sample, lambda rng, operations, depth: list(sample(rng, operations, depth)), "no digit"),
]


def test_a_sampler_is_judged_by_what_it_draws_and_not_by_its_generator():
    drawn = [sample(generator(1, "other"), ("Max", "Min"), 3) for _ in range(2)]
    assert drawn[0] == drawn[1] and drawn[0][0] in ("Max", "Min")
