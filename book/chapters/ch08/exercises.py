"""Exercises of chapter 8, learned or remembered: the solutions, as the chapter shows them, and common mistakes."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise, Objection
from transformer_lab.randomness import generator
from transformer_lab.tasks.digits import DigitTask, draw
from transformer_lab.tasks.splits import leakage

__all__ = ["check_blind_score", "check_calibration_error", "check_find_leak", "check_leak", "check_split_inputs"]


def leak(n_inputs, n_train):
    return 1 - (1 - 1 / n_inputs) ** n_train


check_leak = Exercise(
    leak, "the share", [(2, 3), (5000, 8000), (1000, 100), (7, 7)],
    right="Whoever draws as many examples as there are inputs has met about 63 % of them.",
    also_right=(lambda n, k: -np.expm1(k * np.log1p(-1 / n)),),
    mistakes={
        "This is the share that training has never shown.": lambda n, k: 1 - leak(n, k),
        "Draws repeat: n of them meet fewer than n inputs.": lambda n, k: k / n,
        "Draws repeat: as many draws as there are inputs do not meet all of them.": lambda n, k: min(1, k / n),
        "This is the limit for many inputs; for few of them it is off.": lambda n, k: 1 - np.exp(-k / n)})


def split_inputs(examples, share, rng):
    inputs = list(dict.fromkeys(examples))
    order = rng.permutation(len(inputs))
    kept = {inputs[i] for i in order[:round(share * len(inputs))]}
    return ([x for x in examples if x not in kept],
            [x for x in examples if x in kept])


def _divided(answer, examples, share):
    """The share of distinct inputs that is held out; objects to what is no split, or no random one."""
    sides = [answer(examples, share, generator(seed, "exercise split")) for seed in range(2)]
    if any(not isinstance(side, tuple | list) or len(side) != 2 for side in sides):
        raise Objection("Return two lists, in this order: train, held_out.")
    train, held_out = map(list, sides[0])
    if sorted(train + held_out) != sorted(examples):
        raise Objection("Both sides together should hold every example once, copies included.")
    if shared := leakage(train, held_out).shared:
        raise Objection(f"{shared} of the {len(held_out)} held-out examples also stand in training: divide inputs.")
    if set(held_out) == set(sides[1][1]):
        raise Objection("Two generators give the same split: draw the held-out inputs at random.")
    return len(set(held_out)) / len(set(examples))


def _by_example(examples, share, rng):
    order, cut = rng.permutation(len(examples)), round(share * len(examples))
    return [examples[i] for i in order[cut:]], [examples[i] for i in order[:cut]]


def _in_order(examples, share, rng):
    kept = sorted(set(examples))[:round(share * len(set(examples)))]
    return [x for x in examples if x not in kept], [x for x in examples if x in kept]


check_split_inputs = Exercise(
    split_inputs, "the share of distinct inputs that is held out", measure=_divided, tolerance=0.02,
    cases=lambda rng: (draw(DigitTask(high=3), 800, seed=int(rng.integers(1000))), rng.uniform(0.25, 0.45)),
    right="No input stands on both sides, and no example was lost.",
    mistakes={
        "held-out examples also stand in training": _by_example,
        "copies included": lambda examples, share, rng: split_inputs(list(dict.fromkeys(examples)), share, rng),
        "draw the held-out inputs at random": _in_order,
        "The share is held out; the rest is trained on.": lambda x, share, rng: split_inputs(x, 1 - share, rng)})


def find_leak(train, held_out):
    def key(expression):
        operation, arguments = expression
        if operation in ("Max", "Min"):
            arguments = tuple(sorted(arguments))
        return operation, arguments

    seen = {key(expression) for expression in train}
    return sum(key(expression) in seen for expression in held_out) / len(held_out)


def _sides(rng):
    drawn = draw(DigitTask(), 2000, seed=int(rng.integers(1000)), distinct=True)
    return drawn[:1500], drawn[1500:]


def _share_seen(key):
    return lambda train, held_out: np.isin([str(key(x)) for x in held_out], [str(key(x)) for x in train]).mean()


check_find_leak = Exercise(
    find_leak, "the share", _sides,
    right="For Max and Min an order of the arguments is nothing new; for the others it is.",
    also_right=(_share_seen(lambda x: (x[0], sorted(x[1]) if x[0] in ("Max", "Min") else x[1])),),
    mistakes={
        "These are equal inputs only; Max ( 5 , 3 , 9 ) and Max ( 9 , 3 , 5 ) are one question asked twice.":
            _share_seen(lambda expression: expression),
        "First, Second and Last care about the order of their arguments.":
            _share_seen(lambda expression: (expression[0], tuple(sorted(expression[1])))),
        "This is how many; the share divides by the number of held-out questions.":
            lambda train, held_out: find_leak(train, held_out) * len(held_out),
        "The two sides have changed places: which of the held-out questions does training answer?":
            lambda train, held_out: find_leak(held_out, train)})


def calibration_error(confidence, right, n_bins=10):
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    error = 0.0
    for b in range(n_bins):
        inside = place == b
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            error += inside.mean() * abs(gap)
    return error


def _sure(rng):
    confidence = np.append(rng.beta(2, 1.5, size=400), 1.0)
    return confidence, rng.random(401) < 0.4 + 0.3 * confidence  # too shy in some bins, too sure in others


def _gaps(confidence, right):
    """Of each bin that is not empty: the share of all answers, and right answers less confidence."""
    place = np.minimum((confidence * 10).astype(int), 9)
    return np.transpose([((place == b).mean(), right[place == b].mean() - confidence[place == b].mean())
                         for b in sorted(set(place))])


check_calibration_error = Exercise(
    calibration_error, "the calibration error", _sure,
    right="A model that says 70 % and is right in 70 % of such cases has an error of zero.",
    also_right=(lambda c, r: np.dot(*np.abs(_gaps(c, r))),),
    mistakes={
        "Bins count by how many answers fall into them.": lambda c, r: np.abs(_gaps(c, r)[1]).mean(),
        "Too sure in one bin and too shy in another must not cancel.": lambda c, r: np.dot(*_gaps(c, r)),
        "All answers are one bin here: too sure in one and too shy in another must not cancel.":
            lambda c, r: abs(r.mean() - c.mean()),
        "One answer is right or wrong; compare means of a bin.": lambda c, r: np.abs(r - c).mean(),
        "These are five bins; ten are asked for.": lambda c, r: calibration_error(c, r, 5)})


def blind_score(said, answers, groups):
    chances = [(answers[groups == group] == word).mean()
               for word, group in zip(said, groups, strict=True)]
    return np.mean(chances)


def _word_by_word(said, answers, groups):
    """The same, counted from the words: how often each is said, and how often it is the answer."""
    return sum((said[mine] == word).sum() * (answers[mine] == word).mean() for group in set(groups)
               for mine in [groups == group] for word in set(answers[mine])) / len(said)


def _asked(rng):
    groups = np.repeat([0, 1, 2], [30, 20, 50])
    answers = np.where(groups == 1, np.minimum(rng.integers(9, size=100), 3), rng.integers(4, size=100))
    return np.where(rng.random(100) < 0.5, answers, rng.integers(4, size=100)), answers, groups


check_blind_score = Exercise(
    blind_score, "the expected score", _asked, also_right=(_word_by_word,),
    right="Shuffling a thousand times gives nearly this; counting gives it exactly.",
    mistakes={
        "Answers are dealt anew within each group, not over all questions.":
            lambda said, answers, groups: np.mean([(answers == word).mean() for word in said]),
        "This is the score itself, with the answers as they are.": lambda said, answers, _: (said == answers).mean(),
        "This is what the commonest answer gets; here the words that were said are kept.":
            lambda said, answers, groups: np.mean([np.bincount(answers[groups == g]).max() / (groups == g).sum()
                                                   for g in groups]),
        "Not all answers are equally common.": lambda said, answers, groups: 1 / len(set(answers))})
