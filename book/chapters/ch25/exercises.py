"""Exercises of chapter 25, reading it off: the program, how far it errs, and a model set by hand that is proved."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import plane_of
from transformer_lab.analysis.certificates.prove import bounds
from transformer_lab.byhand.transformer import forward
from transformer_lab.exercises import Exercise, Objection
from transformer_lab.tasks.rules import RuleTask

from .by_hand import by_hand
from .story import PLUS, RUN

__all__ = ["check_foretold", "check_hand_built", "check_leak", "check_look", "check_read_out", "check_turned_round"]


def look(scores, tokens):
    return int(np.argmax([scores[i, token] for i, token in enumerate(tokens)]))


check_look = Exercise(
    look, "the place", lambda rng: [(rng.normal(size=(8, 12)), rng.integers(0, 12, n).tolist()) for n in (1, 4, 8)],
    right="The first line of the program: the token that scores highest, each in its own place.",
    also_right=(lambda s, tokens: max(range(len(tokens)), key=lambda i: s[i][tokens[i]]),),
    hint="Only what stands in the sequence competes, each token with the score that it has in its place.",
    mistakes={
        "That is the token; the program needs its place.": lambda s, tokens: tokens[look(s, tokens)],
        "A token scores differently in each place: take the row of its place.":
            lambda s, tokens: int(np.argmax([s[0, token] for token in tokens])),
        "That is the place with the lowest score.":
            lambda s, tokens: int(np.argmin([s[i, token] for i, token in enumerate(tokens)]))})


def turned_round(tokens):
    return next((token for token in tokens if token % 2 == 0), -1)


check_turned_round = Exercise(
    turned_round, "the answer", [([6, 3, 11, 6, 1, 4, 7],), ([5, 7],), ([9, 0, 3, 8],), ([11, 2, 8],), ([1, 10, 10],)],
    right="The program is the same, and its answer is the first even number instead of the latest.",
    also_right=(lambda tokens: ([token for token in tokens if token in range(0, 12, 2)] + [-1])[0],),
    hint="The place that had the lowest rung of the ladder has the highest now.",
    mistakes={
        "That is the latest even number, as if the places had not been turned.":
            lambda tokens: next((token for token in tokens[::-1] if token % 2 == 0), -1),
        "Odd numbers and signs score low in every place; turning the places does not change that.":
            lambda tokens: tokens[0],
        "Zero is even, too.": lambda tokens: next((t for t in tokens if t and t % 2 == 0), -1)})


def foretold(wrong, t):
    return sum(12**j * 6**(t - j - 1) for j, row in enumerate(wrong) for bad in row if bad)


check_foretold = Exercise(
    foretold, "the number of contexts", [
        ([[True, False], [False, False]], 2), ([[False] * 6, [True, True, False, False, False, False]], 2),
        ([[True, *[False] * 5], *[[False] * 6] * 5], 6), ([*[[False] * 6] * 2, *[[True] * 6] * 2], 4)],
    right="A table of a few entries, and with it the number of errors in millions of contexts.",
    also_right=(lambda wrong, t: int(np.sum(np.asarray(wrong).sum(axis=1) * [12**j * 6**(t - 1 - j)
                                                                            for j in range(t)])),),
    hint="Before place j stands anything at all; between j and the sign anything that is not even.",
    mistakes={
        "Between the even number and the sign there may also be signs: six tokens are not even.":
            lambda wrong, t: sum(12**j * 5**(t - j - 1) for j, row in enumerate(wrong) for bad in row if bad),
        "Before place j any of twelve tokens may stand, even numbers too.":
            lambda wrong, t: sum(6**(t - 1) for j, row in enumerate(wrong) for bad in row if bad),
        "Each entry stands for many contexts, not for one.": lambda wrong, t: sum(map(sum, wrong))})


def leak(lead):
    return 1 / (np.exp(lead) - 1)


check_leak = Exercise(
    leak, "the bound", [(0.8,), (2.0,), (4.0,), (9.0,)],
    right="With a ladder of four a step, all the rest together has under a fiftieth of the weight of the token.",
    also_right=(lambda lead: sum(np.exp(-lead * n) for n in range(1, 400)),),
    hint="The next one has e^(−lead), the one after it e^(−2 lead), and so on: a geometric series.",
    mistakes={
        "That is the next one alone; those behind it count as well.": lambda lead: np.exp(-lead),
        "That sum begins with the token itself, whose weight is 1.": lambda lead: 1 / (1 - np.exp(-lead)),
        "The scores go through an exponential.": lambda lead: 1 / lead})


def read_out(places):
    return 2 * places, -places**2


def _won(answer, places):
    slope, offset = map(np.asarray, answer(places))
    if slope.shape != places.shape or offset.shape != places.shape:
        raise Objection("Return two arrays as long as places: the slopes and the offsets.")
    x = np.linspace(places.min() - 3, places.max() + 3, 500)
    return (x[:, None] * slope + offset).argmax(axis=1), (places[:, None] * slope + offset).argmax(axis=1)


check_read_out = Exercise(
    read_out, ("who wins along the line", "who wins at each place"),
    lambda rng: [(rng.permutation(6) * 2.0 - 5,), (np.cumsum(rng.uniform(0.5, 2, 5)),),
                 (rng.permutation(9.0 * np.arange(4)),)],
    right="Lines that touch a parabola: each is the highest around its own place. No layer is needed for that.",
    also_right=(lambda places: (4 * places, 7 - 2 * places**2),), measure=_won,
    hint="The nearest place is the one with the smallest (x − c)². Multiply out, and drop what all tokens share.",
    mistakes={
        "Without offsets only the two outermost tokens ever win.": lambda places: (2 * places, 0 * places),
        "The offset grows with the square of the place, and lowers the line.": lambda places: (2 * places, places**2),
        "The border between two tokens should lie halfway: the offset is half of what you take off.":
            lambda places: (places, -places**2)})


def hand_built(n_ctx):
    names = np.arange(-5.0, 6, 2)
    W_E = np.tile([0.0, -20.0 - n_ctx], (12, 1))
    W_E[0:11:2] = np.stack([names, np.full(6, 10.0)], axis=1)
    W_pos = np.stack([np.zeros(n_ctx), np.arange(n_ctx)], axis=1)
    W_Q, W_K, W_V = np.diag([0.0, -1.0]), np.diag([0.0, 1.0]), np.diag([1.0, 0.0])
    W_U, b_U = np.zeros((2, 12)), np.full(12, -100.0)
    W_U[0, 0:11:2], b_U[0:11:2] = 2 * names, -names**2
    return W_E, W_pos, W_Q, W_K, W_V, W_U, b_U


def _proved(answer, n_ctx):
    """Which families the certificate decides for the right token, and what the model says on some contexts."""
    shapes = [(12, 2), (n_ctx, 2), (2, 2), (2, 2), (2, 2), (2, 12), (12,)]
    tables = [np.asarray(each, float) for each in answer(n_ctx)]
    if [table.shape for table in tables] != shapes:
        raise Objection(f"The seven tables should have the shapes {', '.join(map(str, shapes))}.")
    params, model = by_hand(*tables), RUN.replace(n_ctx=n_ctx).model
    plane = plane_of(params, model, PLUS)
    proved = np.concatenate([bounds(plane, boxes).least > 0 for boxes in families(RuleTask(n_ctx=n_ctx))])
    some = np.array([[2, 5, 8, 1, 11], [4, 9, 6, 3, 11], [0, 11, 10, 7, 11], [8, 8, 2, 5, 11]])
    return proved, forward(params, some, model)["logits"][:, -1].argmax(axis=-1)


def _without(index, value=None):
    def answer(n_ctx):
        tables = list(hand_built(n_ctx))
        tables[index] = 0 * tables[index] if value is None else value(tables[index])
        return tables
    return answer


def _steeper(n_ctx):
    W_E, W_pos, *rest = hand_built(n_ctx)
    return np.where(W_E < -10, 3 * W_E, W_E), 3 * W_pos, *rest


check_hand_built = Exercise(
    hand_built, ("the families that are proved", "what it says"), [(8,), (16,)], measure=_proved,
    right="Proved, on every context there is, and nobody trained it.", also_right=(_steeper,),
    hint="One direction for what a token is called, the other for whether it is even and where it stands.",
    mistakes={
        "Without places the head takes a mean of all even numbers in view: add a ladder in the direction of the keys.":
            _without(1),
        "The ladder stands the wrong way up: this model finds the first even number.": _without(1, lambda P: P[::-1]),
        "Nothing is read: the values have to carry the first number.": _without(4),
        "Without offsets only the outermost names win.": _without(6)})
