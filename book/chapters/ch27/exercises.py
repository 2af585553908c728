"""Exercises of chapter 27, other rules: what is open, what is heard, orders, crossings, a rule of one's own."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from transformer_lab.exercises import Exercise, Objection
from transformer_lab.tasks.rule_table import Rule, recent

__all__ = [
    "check_first_orders",
    "check_heard_in_plane",
    "check_largest_so_far",
    "check_least_loss",
    "check_on_a_line",
    "check_where_they_cross",
]


def on_a_line(k):
    return (k == k.max()) | (k == k.min())


check_on_a_line = Exercise(
    on_a_line, "the keys that are heard", lambda rng: [(rng.normal(size=n),) for n in (2, 3, 7)],
    right="On a line a query can prefer the two ends, and nothing between them.",
    also_right=(lambda k: np.isin(np.arange(len(k)), [(q * k).argmax() for q in (1, -1)]),),
    hint="A query is one number here: it is above zero, or below.",
    mistakes={
        "A query below zero prefers the smallest key.": lambda k: k == k.max(),
        "A large key does not shout down the others by its size alone: the sign of the query decides.":
            lambda k: np.abs(k) == np.abs(k).max(),
        "Only what is heard counts: the keys between the ends are not.": lambda k: k == k})


def least_loss(chance, numbers, answers):
    each = (1 - chance) / numbers
    free = -chance * np.log(chance) - numbers * each * np.log(each)
    signs = chance / (1 + chance)
    return (1 - signs) * free + signs * np.log(answers)


check_least_loss = Exercise(
    least_loss, "the floor", [(0.25, 21, 11), (0.3, 11, 1), (0.5, 4, 2)],
    right="After a sign the answers are alike, and one of them has to be guessed.",
    also_right=(lambda p, n, m: (-p * np.log(p) - (1 - p) * np.log((1 - p) / n) + p * np.log(m)) / (1 + p),),
    hint="How often does a sign come, if none follows another? And what does guessing one of so many cost?",
    mistakes={
        "After a sign nobody knows which of the allowed numbers comes: that costs the logarithm of their number.":
            lambda p, n, m: least_loss(p, n, 1),
        "A sign never follows a sign, so their share is chance / (1 + chance).":
            lambda p, n, m: (1 - p) * (-p * np.log(p) - (1 - p) * np.log((1 - p) / n)) + p * np.log(m),
        "The places after a sign are counted; where no sign came last, the next token is open as well.":
            lambda p, n, m: p / (1 + p) * np.log(m)})


def first_orders(n, steps):
    from itertools import permutations

    def ends(order, t):
        return order[t - steps] in (max(order[:t]), min(order[:t]))
    return sum(all(ends(order, t) for t in range(steps, n + 1)) for order in permutations(range(n)))


check_first_orders = Exercise(
    first_orders, "the number of orders", [(3, 1), (4, 1), (5, 1), (4, 2), (5, 2), (4, 3), (6, 3)],
    right="One step back has many orders; further back they run out as soon as a few queries look.",
    also_right=(lambda n, steps: 2**(n - 1) if steps == 1 else sum(
        all((min(o[:t]) == o[t - steps]) | (max(o[:t]) == o[t - steps]) for t in range(steps, n + 1))
        for o in permutations(range(n))),),
    hint="For the query in position t the places 0 to t − 1 are in view; the wanted one has to be the largest of them "
         "or the smallest.",
    mistakes={
        "A query may prefer the low end as well.": lambda n, steps: sum(
            all(o[t - steps] == max(o[:t]) for t in range(steps, n + 1)) for o in permutations(range(n))),
        "The queries look one after the other; not only the last one has to hear its place.": lambda n, steps: sum(
            o[n - steps] in (max(o), min(o)) for o in permutations(range(n))),
        "The places from the query on are not in view.": lambda n, steps: sum(
            all(o[t - steps] in (max(o), min(o)) for t in range(steps, n + 1)) for o in permutations(range(n)))})


def where_they_cross(a, v, b, u):
    return (a @ v + b @ u) / (a.sum() + b.sum())


check_where_they_cross = Exercise(
    where_they_cross, "the point", lambda rng: [(rng.random(2) + 0.1, rng.normal(size=(2, d)), rng.random(2) + 0.1,
                                                 rng.normal(size=(2, d))) for d in (1, 2, 5)],
    right="The mean of all four values by their weights lies on both diagonals.",
    also_right=(lambda a, v, b, u: ((a[0] + b[0]) * ((a[0] * v[0] + b[0] * u[0]) / (a[0] + b[0]))
                                    + (a[1] + b[1]) * ((a[1] * v[1] + b[1] * u[1]) / (a[1] + b[1])))
                / (a.sum() + b.sum()),),
    hint="Weigh the points at the two ends of a diagonal by the sums of weights that they were divided by.",
    mistakes={
        "That is the middle of the four values; their weights count.": lambda a, v, b, u: (v.sum(0) + u.sum(0)) / 4,
        "That is the middle of one diagonal; its ends have weights, the sums that they were divided by.":
            lambda a, v, b, u: ((a[0] * v[0] + b[0] * u[0]) / (a[0] + b[0])
                                + (a[1] * v[1] + b[1] * u[1]) / (a[1] + b[1])) / 2,
        "That is one of the four readings; the point lies between two of them.":
            lambda a, v, b, u: (a[0] * v[0] + b[0] * u[0]) / (a[0] + b[0])})


def largest_so_far():
    def follow(state, token):
        return (state[0], True) if token == 10 else (max(state[0], token), False)
    return Rule("after + comes the largest number so far", 10, plus=True, operator=10, chance=0.3, start=(-1, False),
                follow=follow, answers=lambda state: (state[0],) if state[1] and state[0] >= 0 else None)


SEQUENCES = ([3, 7, 10], [7, 3, 10], [4, 10, 4, 10], [5, 10, 2, 2], [10], [9, 0, 0, 0, 10], [9, 10, 2, 10],
             [6, 2, 10, 6, 8])


def told(answer, sequence):
    """What the rule allows after a sequence, a number a token."""
    rule = answer()
    if not isinstance(rule, Rule):
        raise Objection("Return a Rule.")
    state = rule.start
    for token in sequence:
        state = rule.follow(state, token)
    allowed = rule.answers(state)
    return np.isin(np.arange(11), range(11) if allowed is None else allowed).astype(float)


def _with(follow, answers=lambda state: (state[0],) if state[1] and state[0] >= 0 else None):
    return lambda: Rule("", 10, answers, follow, (-1, False), plus=True, operator=10, chance=0.3)


check_largest_so_far = Exercise(
    largest_so_far, "what may come", [(sequence,) for sequence in SEQUENCES],
    right="A state that remembers the largest number and whether a sign came last; that is the whole rule.",
    also_right=(lambda: Rule("", 10, lambda state: None if not state or state[-1] != 10 or len(state) < 2
                             else (max(state[:-1]),), lambda state, token: (*[x for x in state if x != 10], token),
                             plus=True, operator=10, chance=0.3),),
    measure=told, hint="Let the state be the largest number so far, and whether the last token was the sign.",
    mistakes={
        "That is the latest number, not the largest so far.":
            _with(lambda state, token: (state[0], True) if token == 10 else (token, False)),
        "The largest of all is meant, those before an earlier sign included.":
            _with(lambda state, token: (state[0], True) if token == 10 else
                  (token if state[1] else max(state[0], token), False)),
        "Where no sign came last, the rule says nothing: return None there.":
            _with(lambda state, token: (max(state[0], token if token < 10 else -1), True)),
        "Three tokens are too few to remember: the largest may lie further back.":
            lambda: Rule("", 10, lambda state: (max(state[:-1]),) if len(state) > 1 and state[-1] == 10 and
                         max(state[:-1]) < 10 else None, recent(3), plus=True, operator=10, chance=0.3)})


def heard_in_plane(k):
    heard = []
    for j in range(len(k)):
        away = np.delete(k, j, axis=0) - k[j]
        angles = np.sort(np.arctan2(away[:, 1], away[:, 0]))
        gaps = np.diff(np.append(angles, angles[0] + 2 * np.pi))
        heard.append(gaps.max() > np.pi)
    return np.array(heard)


def by_directions(k):
    """Another way: the normals of all pairs, turned a little to either side, are all the queries that matter."""
    i, j = np.triu_indices(len(k), 1)
    across = (k[j] - k[i]) @ np.array([[0, 1], [-1, 0]])
    along = k[j] - k[i]
    q = np.concatenate([s * across + e * along for s in (1, -1) for e in (1e-7, -1e-7)])
    return np.isin(np.arange(len(k)), (q @ k.T).argmax(axis=1))


check_heard_in_plane = Exercise(
    heard_in_plane, "the keys that are heard", lambda rng: [(rng.normal(size=(n, 2)),) for n in (3, 6, 12)],
    right="A key is heard where all others lie on one side of a line through it.",
    also_right=(by_directions,),
    hint="Look from a key to all others. If the directions fit into less than half a turn, some query hears it best.",
    mistakes={
        "Far from the middle is not enough, and not needed: another key may lie further out in the same direction.":
            lambda k: np.linalg.norm(k, axis=1) >= np.median(np.linalg.norm(k, axis=1)),
        "Queries may point anywhere, not only along the axes.":
            lambda k: np.isin(np.arange(len(k)), [*k.argmax(0), *k.argmin(0)]),
        "A key among the others is not heard.": lambda k: np.ones(len(k), bool)})
