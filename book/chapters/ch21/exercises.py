"""Exercises of chapter 21, the rule and the model: the rule, the parameters, distances, the head, and the floor."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_answer", "check_how_far", "check_lead", "check_least_loss", "check_parameters"]


def answer(tokens):
    evens = [token for token in tokens if token != "+" and token % 2 == 0]
    return evens[-1] if evens else -1


check_answer = Exercise(
    answer, "the answer", [([6, 3, "+", 6, 1, 4, 7, "+"],), ([5, 7, "+"],), ([0, 9, "+"],), ([2, "+", 2, 8, 3, "+"],),
                           ([8, 2, 1, "+"],)],
    right="The latest even number, and −1 where there is none in view.",
    also_right=(lambda tokens: next((t for t in tokens[::-1] if t != "+" and t % 2 == 0), -1),),
    mistakes={
        "That is the first even number; the rule wants the latest.":
            lambda tokens: next((t for t in tokens if t != "+" and t % 2 == 0), -1),
        "That is the number before the last sign; it need not be even.":
            lambda tokens: ([-1, *(t for t in tokens if t != "+")])[-1],
        "Zero is even, too.": lambda tokens: next((t for t in tokens[::-1] if t != "+" and t and t % 2 == 0), -1)})


def parameters(d_vocab, n_ctx, d_mlp):
    ends = 2 * d_vocab + 2 * n_ctx + 2 * d_vocab + d_vocab
    attention = 3 * 2 * 2
    feed_forward = 2 * d_mlp + d_mlp + 2 * d_mlp + 2
    return ends + attention + feed_forward


check_parameters = Exercise(
    parameters, "the number of parameters", [(12, 8, 32), (12, 16, 32), (11, 8, 4), (30, 5, 64)],
    right="Every table and every offset, counted once.",
    also_right=(lambda v, n, m: 5 * v + 2 * n + 14 + 5 * m,),
    hint="Two numbers for each token and place; three tables of attention; two of the feed-forward layer with their "
         "offsets; the read-out with its offset.",
    mistakes={
        "The feed-forward layer has offsets, one a hidden unit and one for each of the two dimensions.":
            lambda v, n, m: 5 * v + 2 * n + 12 + 4 * m,
        "The read-out has an offset for each token, too.": lambda v, n, m: 4 * v + 2 * n + 14 + 5 * m,
        "Each place has two numbers of its own, too.": lambda v, n, m: 5 * v + 14 + 5 * m})


def how_far(d, n_ctx, r):
    distances = np.arange(1, n_ctx)
    weights = (n_ctx - distances) * r ** (distances - 1.0)
    return (n_ctx - d) * r ** (d - 1) / weights.sum()


def in_one_place(d, n_ctx, r):
    return r ** (d - 1) / (r ** np.arange(n_ctx - 1.0)).sum()


check_how_far = Exercise(
    how_far, "the share", [(1, 8, 7 / 22), (7, 8, 7 / 22), (3, 8, 0.5), (2, 16, 0.3), (1, 2, 0.4)],
    right="Far numbers are rare twice over: each step is less likely, and fewer places have room for it.",
    also_right=(lambda d, n, r: (n - d) * r**(d - 1) / sum(r**(k - 1) for t in range(n) for k in range(1, t + 1)),),
    hint="A sign with its number d places back can stand in n_ctx - d places. Divide by the sum over all distances.",
    mistakes={
        "That is so for a sign in the last place; a sign nearer to the start has less room before it.": in_one_place,
        "A sign in place 0 has nothing before it: a distance of d fits n_ctx - d times.":
            lambda d, n, r: (n - d + 1) * r**(d - 1) / sum((n - k + 1) * r**(k - 1) for k in range(1, n)),
        "A distance of one has had no step yet: r to the power of d - 1.":
            lambda d, n, r: (n - d) * r**d / sum((n - k) * r**(k - 1) for k in range(1, n)),
        "The shares of all distances have to add up to one.": lambda d, n, r: (n - d) * r**(d - 1) / n,
        "All distances are not alike: each step is r times as likely as the one before.":
            lambda d, n, r: (n - d) / sum(n - k for k in range(1, n))})


def lead(n, share):
    return np.log(n * share / (1 - share))


check_lead = Exercise(
    lead, "the lead", [(7, 0.9), (1, 0.5), (7, 0.5), (15, 0.99), (3, 0.3)],
    right="The more keys there are, the more it takes; twenty nats are enough for any number of them.",
    also_right=(lambda n, share: np.log(n) + np.log(share) - np.log1p(-share),),
    hint="With a lead of x the one key has e^x and the n others have 1 each; solve e^x / (e^x + n) = share for x.",
    mistakes={
        "The others are n together, not one.": lambda n, share: np.log(share / (1 - share)),
        "These are bits; scores are in nats.": lambda n, share: np.log2(n * share / (1 - share)),
        "The one key is not among the n others.": lambda n, share: np.log((n - 1) * share / (1 - share) + 1e-9),
        "That is how often the weight is larger, not the score: take its logarithm.":
            lambda n, share: n * share / (1 - share),
        "The share is of all attention, the key's own included.": lambda n, share: np.log(n * share)})


def _free(chance, numbers):
    return -chance * np.log(chance) - (1 - chance) * np.log((1 - chance) / numbers)


def least_loss(n_ctx, chance, evens, odds):
    numbers = evens + odds
    free = -chance * np.log(chance) - (1 - chance) * np.log((1 - chance) / numbers)
    plus = chance / (1 + chance)
    not_even = (1 - chance) * odds / numbers
    unseen = (not_even ** np.arange(n_ctx)).mean()
    return (1 - plus) * free + plus * unseen * np.log(evens)


check_least_loss = Exercise(
    least_loss, "the floor", [(8, 0.3, 6, 5), (1, 0.3, 6, 5), (16, 0.2, 3, 3), (4, 0.5, 2, 6)],
    right="The free tokens, and the signs whose even number lies outside the window.",
    also_right=(lambda n, p, e, o: (_free(p, e + o) + p * np.log(e) * sum(
        ((1 - p) * o / (e + o))**t for t in range(n)) / n) / (1 + p),),
    hint="How often does a sign come? And how likely is it that none of the t tokens before it is even?",
    mistakes={
        "A sign never follows a sign, so its share is not its chance: it is chance / (1 + chance).":
            lambda n, p, e, o: (1 - p) * _free(p, e + o) + p * np.log(e) * np.mean(
                ((1 - p) * o / (e + o))**np.arange(n)),
        "Sometimes no even number is in view; then one of them has to be guessed.":
            lambda n, p, e, o: _free(p, e + o) / (1 + p),
        "What is guessed then is one of the even numbers, not one of all.":
            lambda n, p, e, o: least_loss(n, p, e, o) + p / (1 + p) * np.log((e + o) / e) * np.mean(
                ((1 - p) * o / (e + o))**np.arange(n))})
