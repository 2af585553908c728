"""Exercises of chapter 10, writing an answer: what a writer sees, what it is trained on, how it writes, is scored, and
how the next token is drawn.
"""

from __future__ import annotations

from itertools import takewhile

import numpy as np

from transformer_lab.exercises import Exercise, Objection

__all__ = ["check_answer_probability", "check_nucleus", "check_teacher_forced", "check_whole_right",
           "check_window_mask", "check_write"]

EOS, IGNORED = 1, -100


def window_mask(n, width):
    back = np.arange(n)[:, None] - np.arange(n)
    return (back >= 0) & (back < width)


def _mask(answer, n, width):
    mask = np.asarray(answer(n, width))
    if mask.dtype.kind == "f" and mask.min(initial=0) == -np.inf:
        raise Objection("This is what is added to the scores. Return the mask: true where a row may look.")
    return mask


check_window_mask = Exercise(
    window_mask, "the mask", [(5, 2), (1, 1), (9, 4), (3, 7)], measure=_mask,
    also_right=(lambda n, width: np.tri(n) - np.tri(n, k=-width),),
    right="A row sees itself and what stands close before it, and nothing else.",
    mistakes={
        "This lets a row see what comes after. Rows are queries, columns keys.":
            lambda n, width: window_mask(n, width).T,
        "A row that sees `width` tokens sees itself and one less before it.":
            lambda n, width: window_mask(n, width + 1),
        "This is the whole causal mask: what lies too far back is to be hidden, too.": lambda n, width: np.tri(n),
        "This is what is added to the scores": lambda n, width: np.where(window_mask(n, width), 0, -np.inf)})


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


def nucleus(p, mass):
    order = np.argsort(-p)
    before = np.cumsum(p[order]) - p[order]
    kept = np.zeros(len(p))
    kept[order[before < mass]] = p[order[before < mass]]
    return kept / kept.sum()


def _masses(rng):
    cases = [(np.array([0.5, 0.3, 0.15, 0.05]), 0.7), (np.array([0.05, 0.15, 0.6, 0.2]), 0.5)]
    return cases + [(rng.dirichlet(np.full(8, 0.5)), mass) for mass in (0.3, 0.8, 0.95)]


def _one_by_one(p, mass):
    """The same, taking token after token until the mass is reached."""
    kept, left = np.zeros(len(p)), p.copy()
    while kept.sum() < mass:
        best = left.argmax()
        kept[best], left[best] = p[best], -1
    return kept / kept.sum()


def _likelier(p):
    """The mass of all tokens that are likelier, for each token."""
    return np.array([p[p > share].sum() for share in p])


def _kept(p, stays):
    return np.where(stays, p, 0) / p[stays].sum()


check_nucleus = Exercise(
    nucleus, "the shares", _masses, also_right=(_one_by_one,),
    right="The fewest tokens that have the mass together, in the proportions that they had.",
    mistakes={
        "These do not add up to one: divide by what is kept.": lambda p, mass: np.where(_likelier(p) < mass, p, 0),
        "The token that reaches the mass belongs to it; you stop one too early.":
            lambda p, mass: _kept(p, (_likelier(p) + p <= mass) | (p == p.max())),
        "You go through the tokens as they stand; begin with the likeliest.":
            lambda p, mass: _kept(p, np.cumsum(p) - p < mass),
        "You compare each token with the likeliest one; the mass is that of all kept ones together.":
            lambda p, mass: _kept(p, p >= mass * p.max())})
