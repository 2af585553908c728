"""Exercises of chapter 21, the rule and the model: the rule, the parameters, the floor, and the head."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_answer", "check_floor", "check_free_entropy", "check_look", "check_parameters"]


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


def free_entropy(chance, numbers):
    each = (1 - chance) / numbers
    return -chance * np.log(chance) - (1 - chance) * np.log(each)


check_free_entropy = Exercise(
    free_entropy, "the entropy", [(0.3, 11), (0.5, 4), (0.1, 2), (0.25, 20)],
    right="What nobody can save, in nats, wherever the rule says nothing.",
    also_right=(lambda p, n: -sum(x * np.log(x) for x in [p, *[(1 - p) / n] * n]),),
    hint="One outcome has the chance of the sign; the others share the rest evenly.",
    mistakes={
        "The numbers share what the sign leaves: (1 - chance) / numbers each.":
            lambda p, n: -p * np.log(p) + (1 - p) * np.log(n),
        "All of the outcomes are alike here; the sign has a chance of its own.": lambda p, n: np.log(n + 1),
        "These are bits; the book counts in nats.": lambda p, n: free_entropy(p, n) / np.log(2)})


def look(scores, values):
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    return weights @ values


check_look = Exercise(
    look, "what is read", lambda rng: [(rng.normal(size=n) * 9, rng.normal(size=(n, 2))) for n in (1, 3, 8)],
    right="A mean of the values, in which high scores count for nearly everything.",
    also_right=(lambda s, v: sum(np.exp(a - np.logaddexp.reduce(s)) * b for a, b in zip(s, v, strict=True)),),
    hint="A softmax of the scores, then a weighted mean of the values.",
    mistakes={
        "The weights have to add up to one.": lambda s, v: np.exp(s) @ v,
        "This takes the best only; the others have some weight as well.": lambda s, v: v[s.argmax()] + 0 * v.mean(0),
        "Here all values count alike; the scores should weigh them.": lambda s, v: v.mean(axis=0)})


def floor(n_ctx, chance, evens, odds):
    numbers = evens + odds
    free = -chance * np.log(chance) - (1 - chance) * np.log((1 - chance) / numbers)
    plus = chance / (1 + chance)
    not_even = (1 - chance) * odds / numbers
    unseen = (not_even ** np.arange(n_ctx)).mean()
    return (1 - plus) * free + plus * unseen * np.log(evens)


check_floor = Exercise(
    floor, "the floor", [(8, 0.3, 6, 5), (1, 0.3, 6, 5), (16, 0.2, 3, 3), (4, 0.5, 2, 6)],
    right="The free tokens, and the signs whose even number lies outside the window.",
    also_right=(lambda n, p, e, o: (free_entropy(p, e + o) + p * np.log(e) * sum(
        ((1 - p) * o / (e + o))**t for t in range(n)) / n) / (1 + p),),
    hint="How often does a sign come? And how likely is it that none of the t tokens before it is even?",
    mistakes={
        "A sign never follows a sign, so its share is not its chance: it is chance / (1 + chance).":
            lambda n, p, e, o: (1 - p) * free_entropy(p, e + o) + p * np.log(e) * np.mean(
                ((1 - p) * o / (e + o))**np.arange(n)),
        "Sometimes no even number is in view; then one of them has to be guessed.":
            lambda n, p, e, o: free_entropy(p, e + o) / (1 + p),
        "What is guessed then is one of the even numbers, not one of all.":
            lambda n, p, e, o: floor(n, p, e, o) + p / (1 + p) * np.log((e + o) / e) * np.mean(
                ((1 - p) * o / (e + o))**np.arange(n))})
