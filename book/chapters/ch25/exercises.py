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

__all__ = ["check_foretold", "check_hand_built", "check_lead_for", "check_look", "check_read_out", "check_turned_round"]


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
    return sum(6**j * 12**(t - j - 1) for j, row in enumerate(wrong) for bad in row if bad)


check_foretold = Exercise(
    foretold, "the number of contexts", [
        ([[True, False], [False, False]], 2), ([[False] * 6, [True, True, False, False, False, False]], 2),
        ([[True, *[False] * 5], *[[False] * 6] * 5], 6), ([*[[False] * 6] * 2, *[[True] * 6] * 2], 4)],
    right="A table of a few entries, and with it the number of errors in millions of contexts.",
    also_right=(lambda wrong, t: int(np.sum(np.asarray(wrong).sum(axis=1) * [12**(t - 1 - j) * 6**j
                                                                            for j in range(t)])),),
    hint="Before place j stands anything that is not even; between j and the sign anything at all.",
    mistakes={
        "That is the count where the latest even number is read; here no even number may stand before place j.":
            lambda wrong, t: sum(12**j * 6**(t - j - 1) for j, row in enumerate(wrong) for bad in row if bad),
        "Before the even number there may also be signs: six tokens are not even.":
            lambda wrong, t: sum(5**j * 12**(t - j - 1) for j, row in enumerate(wrong) for bad in row if bad),
        "Behind place j any of twelve tokens may stand, even numbers too.":
            lambda wrong, t: sum(6**(t - 1) for j, row in enumerate(wrong) for bad in row if bad),
        "The even number itself stands in place j: that place is not free.":
            lambda wrong, t: sum(6**j * 12**(t - j) for j, row in enumerate(wrong) for bad in row if bad),
        "Each entry stands for many contexts, not for one.": lambda wrong, t: sum(map(sum, wrong))})


def lead_for(share):
    return -np.log(share)


def _by_halving(share):
    low, high = 0.0, 60.0
    for _ in range(200):
        lead = (low + high) / 2
        rest = sum(np.exp(-lead * n) for n in range(1, 2000))
        low, high = (lead, high) if rest / (1 + rest) > share else (low, lead)
    return high


check_lead_for = Exercise(
    lead_for, "the lead", [(0.5,), (0.1,), (0.01,), (1e-4,)],
    right="All earlier ones together get e^(−lead) of the attention, as if there were only one step.",
    also_right=(lambda share: np.log(1 / share), _by_halving), tolerance=1e-8,
    hint="The weights are 1, e^(−lead), e^(−2 lead), …: divide the sum of all but the first by the sum of all.",
    mistakes={
        "That compares the rest with the latest alone; a share is of all weight, the rest included.":
            lambda share: np.log(1 + 1 / share),
        "That counts the next one alone; those before it take a share as well.": lambda share: np.log(1 / share - 1),
        "A lead is positive: the latest scores more.": np.log,
        "That is the lead at which the latest itself gets this share.": lambda share: -np.log(1 - share),
        "The scores go through an exponential.": lambda share: 1 / share})


def read_out(places, share):
    borders = places[:-1] + share * np.diff(places)
    drops = np.cumsum(np.diff(places) * borders)
    return places, -np.concatenate([[0.0], drops])


def _won(answer, places, share):
    slope, offset = map(np.asarray, answer(places, share))
    if slope.shape != places.shape or offset.shape != places.shape:
        raise Objection("Return two arrays as long as places: the slopes and the offsets.")
    x = np.linspace(places.min() - 3, places.max() + 3, 500)
    return (x[:, None] * slope + offset).argmax(axis=1), (places[:, None] * slope + offset).argmax(axis=1)


def _steps(places, share):
    slope, offset = np.arange(float(len(places))), np.zeros(len(places))
    for k in range(1, len(places)):
        offset[k] = offset[k - 1] - (places[k - 1] * (1 - share) + places[k] * share)
    return slope, offset + 7


check_read_out = Exercise(
    read_out, ("who wins along the line", "who wins at each place"),
    lambda rng: [(np.cumsum(rng.uniform(0.5, 2, n)) - 4, share) for n, share in ((5, 0.3), (6, 0.77), (4, 0.9))],
    right="Straight lines, each highest around its own place, with borders where you want them: no layer is needed.",
    also_right=(_steps, lambda places, share: (3 * places, 3 * read_out(places, share)[1] - 2)), measure=_won,
    hint="Where two neighbours meet: slope₁ x + offset₁ = slope₂ x + offset₂, with x at the border.",
    mistakes={
        "These borders lie half way, whatever the share: that is the nearest name.":
            lambda places, share: (2 * places, -places**2),
        "Without offsets only the two outermost tokens ever win.": lambda places, share: (places, 0 * places),
        "The share is that of the way from the first to the second, not back.":
            lambda places, share: read_out(places, 1 - share),
        "Each border is between two neighbours, so the drops add up from name to name.":
            lambda places, share: (places, -np.concatenate([[0.0], np.diff(places) * (
                places[:-1] + share * np.diff(places))])),
        "The offset has to lower the steeper line.":
            lambda places, share: (places, -read_out(places, share)[1])})


def hand_built(n_ctx):
    names = np.arange(-5.0, 6, 2)
    W_E = np.tile([0.0, -20.0 - n_ctx], (12, 1))
    W_E[0:11:2] = np.stack([names, np.full(6, 10.0)], axis=1)
    W_pos = np.stack([np.zeros(n_ctx), -np.arange(n_ctx)], axis=1)
    W_Q, W_K, W_V = np.diag([0.0, -1.0]), np.diag([0.0, 1.0]), np.diag([1.0, 0.0])
    W_U, b_U = np.zeros((2, 12)), np.full(12, -100.0)
    W_U[0, 0:11:2], b_U[0:11:2] = 2 * names, -names**2
    return W_E, W_pos, W_Q, W_K, W_V, W_U, b_U


def _proved(answer, n_ctx):
    """Which families, turned round, the certificate decides for the right token; and what is said on some contexts."""
    shapes = [(12, 2), (n_ctx, 2), (2, 2), (2, 2), (2, 2), (2, 12), (12,)]
    tables = [np.asarray(each, float) for each in answer(n_ctx)]
    if [table.shape for table in tables] != shapes:
        raise Objection(f"The seven tables should have the shapes {', '.join(map(str, shapes))}.")
    params, model = by_hand(*tables), RUN.replace(n_ctx=n_ctx).model
    plane = plane_of(params, model, PLUS)
    turned = [boxes._replace(allowed=boxes.allowed[:, ::-1]) for boxes in families(RuleTask(n_ctx=n_ctx))]
    proved = np.concatenate([bounds(plane, boxes).least > 0 for boxes in turned])
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
        "The ladder stands the wrong way up: this model finds the latest even number.": _without(1, lambda P: P[::-1]),
        "Nothing is read: the values have to carry the first number.": _without(4),
        "Odd numbers have to score below every even one, wherever the two stand.":
            _without(0, lambda E: np.where((np.arange(12) % 2 == 1)[:, None] & (np.arange(12) < 11)[:, None],
                                           [0.0, 10.0], E)),
        "Without offsets only the outermost names win.": _without(6)})
