"""Exercises of chapter 16, scaling in miniature: perplexity, operations, exponents, a table that contradicts itself, a
law turned round, and its linear half."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_exponent_between", "check_exponent_of_table", "check_forward_operations", "check_linear_half",
           "check_loss_of_perplexity", "check_weights_for"]

#: Sizes and perplexities of the chapter's models, rounded as one would print them.
WEIGHTS, PERPLEXITIES = np.array([1832.0, 17064.0, 106944.0]), np.array([10.92, 8.52, 7.57])


def loss_of_perplexity(perplexity):
    return np.log(perplexity)


check_loss_of_perplexity = Exercise(
    loss_of_perplexity, "the loss", [(10.92,), (7.57,), (65.0,), (1.5,)],
    right="A perplexity is how many equally likely characters would be as hard to guess as the text is.",
    also_right=(lambda p: -np.log(1 / p), lambda p: np.log10(p) * np.log(10)),
    hint="The perplexity is e to the power of the loss.",
    mistakes={
        "Those are bits; a nat has the natural logarithm.": np.log2,
        "That is the logarithm to the base of ten.": np.log10,
        "That is the other way round: from a loss to its perplexity.": np.exp,
        "That is the perplexity itself.": lambda p: p,
        "That is the chance of a character, not what it costs.": lambda p: 1 / p})


def forward_operations(d, layers, n_ctx, vocabulary):
    return layers * (24 * d**2 + 4 * n_ctx * d) + 2 * d * vocabulary


check_forward_operations = Exercise(
    forward_operations, "the operations of a token", [(64, 2, 64, 65), (8, 1, 64, 65), (128, 5, 256, 65),
                                                      (16, 3, 8, 5)],
    right="Only the scores and sums depend on how long the window is.",
    also_right=(lambda d, k, n, v: 2 * (k * (4 * d * d + 2 * d * 4 * d + 2 * n * d) + d * v),),
    hint="A row of m numbers times an m by n matrix takes 2 m n operations. A layer has four maps of d by d, two of d "
         "by 4 d, and twice a product with n_ctx rows of d numbers.",
    mistakes={
        "A product and a sum are two operations; you count one.":
            lambda d, k, n, v: k * (12 * d**2 + 2 * n * d) + d * v,
        "The scores and the weighted sum of values are products, too.":
            lambda d, k, n, v: k * 24 * d**2 + 2 * d * v,
        "The logits are missing: the stream times the unembedding.":
            lambda d, k, n, v: k * (24 * d**2 + 4 * n * d),
        "The table of embeddings is looked up, not multiplied.":
            lambda d, k, n, v: k * (24 * d**2 + 4 * n * d) + 4 * d * v,
        "That is a whole step, forward and back; the way forward is a third of it.":
            lambda d, k, n, v: 3 * (k * (24 * d**2 + 4 * n * d) + 2 * d * v)})


def exponent_between(small, large, loss_small, loss_large):
    return np.log(loss_small / loss_large) / np.log(large / small)


check_exponent_between = Exercise(
    exponent_between, "the exponent", [(1000.0, 2000.0, 3.0, 2.7), (5200.0, 17064.0, 2.245, 2.143),
                                       (10.0, 1e6, 4.0, 1.0)],
    right="It is the slope between two points on logarithmic axes, without its sign.",
    also_right=(lambda n, m, a, b: -(np.log(b) - np.log(a)) / (np.log(m) - np.log(n)),
                lambda n, m, a, b: np.log2(a / b) / np.log2(m / n)),
    hint="Take the logarithm of both sides of L = a N to the power of minus alpha, at both sizes, and subtract.",
    mistakes={
        "The sign: the exponent of a loss that falls is above zero here.":
            lambda n, m, a, b: np.log(b / a) / np.log(m / n),
        "That is how much ln L falls, whatever the sizes; divide by the step in ln N.":
            lambda n, m, a, b: np.log(a / b),
        "Take the logarithm of the losses, too.": lambda n, m, a, b: (a - b) / np.log(m / n),
        "Take the logarithm of the sizes, too.": lambda n, m, a, b: np.log(a / b) / (m - n),
        "That is upside down.": lambda n, m, a, b: np.log(m / n) / np.log(a / b)})


def exponent_of_table(weights, perplexities):
    return -np.polyfit(np.log(weights), np.log(np.log(perplexities)), 1)[0]


check_exponent_of_table = Exercise(
    exponent_of_table, "the exponent", [(WEIGHTS, PERPLEXITIES), (np.array([1e3, 1e4, 1e5, 1e6]), np.exp(
        np.array([3.0, 2.4, 2.0, 1.7]))), (np.array([5e7, 1e8, 2e8]), np.array([50.0, 40.0, 33.0]))],
    right="For our table it is far from the 0.35 that stood below it. That could only be the exponent of what is left "
          "above a floor, and then the floor has to be told.",
    also_right=(lambda n, p: -np.linalg.lstsq(np.stack([np.log(n), np.ones(len(n))], 1), np.log(np.log(p)),
                                              rcond=None)[0][0],),
    hint="First losses, then a straight line through the logarithms of the losses over those of the sizes.",
    mistakes={
        "That is the exponent of the perplexity; the law is about the loss, its logarithm.":
            lambda n, p: -np.polyfit(np.log(n), np.log(p), 1)[0],
        "The sign: the exponent of a loss that falls is above zero here.":
            lambda n, p: np.polyfit(np.log(n), np.log(np.log(p)), 1)[0],
        "That is the fall of ln L for each doubling of the size; an exponent is for each factor of e.":
            lambda n, p: -np.polyfit(np.log2(n), np.log(np.log(p)), 1)[0],
        "That uses the first and the last row alone; the line has to go by all of them.":
            lambda n, p: np.log(np.log(p[0]) / np.log(p[-1])) / np.log(n[-1] / n[0]),
        "Take the logarithm of the sizes.": lambda n, p: -np.polyfit(n, np.log(np.log(p)), 1)[0]})


def weights_for(loss, exponent, scale, floor):
    return (scale / (loss - floor)) ** (1 / exponent)


check_weights_for = Exercise(
    weights_for, "the size", [(2.0, 0.25, 8.0, 1.5), (1.9, 0.38, 10.0, 1.85), (2.5, 0.05, 3.5, 0.0)],
    right="Close to the floor every further step costs many times as many weights.",
    also_right=(lambda L, a, s, e: np.exp((np.log(s) - np.log(L - e)) / a),),
    hint="Take the floor away from both sides first.",
    mistakes={
        "The floor cannot be bought with weights: take it off the loss first.":
            lambda L, a, s, e: (s / L) ** (1 / a),
        "The power is one over the exponent.": lambda L, a, s, e: (s / (L - e)) ** a,
        "That is upside down; a lower loss needs more weights.": lambda L, a, s, e: ((L - e) / s) ** (1 / a),
        "The floor is subtracted, not added.": lambda L, a, s, e: (s / (L + e)) ** (1 / a)})


def linear_half(exponent, sizes, losses):
    columns = np.stack([np.ones(len(sizes)), sizes**-exponent], axis=1) / losses[:, None]
    return np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)[0]


def _measured(rng):
    for floor, exponent in ((1.5, 0.3), (1.9, 0.4), (1.0, 0.2)):
        sizes = np.geomspace(1e3, 1e6, 6)
        yield exponent, sizes, (floor + 5 * sizes**-exponent) * np.exp(0.05 * rng.normal(size=6))


def _plain(exponent, sizes, losses):
    return np.linalg.lstsq(np.stack([np.ones(len(sizes)), sizes**-exponent], axis=1), losses, rcond=None)[0]


def _normal(exponent, sizes, losses):
    u, v = 1 / losses, sizes**-exponent / losses
    return np.linalg.solve([[u @ u, u @ v], [u @ v, v @ v]], [u.sum(), v.sum()])


check_linear_half = Exercise(
    linear_half, "floor and scale", lambda rng: list(_measured(rng)),
    right="What is left to search for is a single number, the exponent.", also_right=(_normal,),
    hint="Divide E + a N to the power of minus alpha by L: it should be 1 at every size, and is linear in E and a.",
    mistakes={
        "That makes the errors in nats small; the errors that count here are relative to the loss.": _plain,
        "First the floor, then the scale.": lambda a, n, y: linear_half(a, n, y)[::-1],
        "The exponent has a minus sign: the law falls.": lambda a, n, y: linear_half(-a, n, y),
        "Without a floor there is one number to find, and here there are two.":
            lambda a, n, y: np.array([0.0, (n**-a / y).sum() / ((n**-a / y)**2).sum()])})
