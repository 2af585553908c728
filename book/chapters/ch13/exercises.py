"""Exercises of chapter 13, where the norm goes: sizes up, gradients down, rows that grow alike."""

from __future__ import annotations

import numpy as np

from transformer_lab.exercises import Exercise

__all__ = ["check_cosine_after_relu", "check_gradients_before", "check_own_share", "check_rms_backward",
           "check_stream_size"]


def stream_size(added, n):
    return np.sqrt(1 + n * added)


check_stream_size = Exercise(
    stream_size, "the size of the stream", [(0.5, 4), (1.0, 24), (0.127, 1)],
    right="With the norm before, sizes grow as the root of the depth.",
    also_right=(lambda a, n: (1 + sum([a] * n)) ** 0.5,),
    hint="What is added has nothing to do with what is there, so that mean squares add up.",
    mistakes={
        "That is the mean square; its root is asked.": lambda a, n: 1 + n * a,
        "Mean squares add up, and not their roots.": lambda a, n: 1 + n * np.sqrt(a),
        "The stream begins with a mean square of 1, and keeps it.": lambda a, n: np.sqrt(n * a),
        "It would grow like that without a norm; here each sublayer reads rows of mean square 1.":
            lambda a, n: np.sqrt((1 + a) ** n)})


def own_share(added):
    return np.prod(1 / (1 + added))


check_own_share = Exercise(
    own_share, "the share", lambda rng: [(rng.uniform(0, 1, size=n),) for n in (1, 4, 24)],
    right="Norm after norm divides the token's share, and no sublayer gives any of it back.",
    also_right=(lambda a: np.exp(-np.log1p(a).sum()),),
    hint="After a sublayer the mean square is 1 + a; the norm divides by that.",
    mistakes={
        "That is the share with the norm before, where only the sum counts.": lambda a: 1 / (1 + a.sum()),
        "That is the share of the size; the share of the mean square is asked.":
            lambda a: np.prod(1 / np.sqrt(1 + a)),
        "That is how far all sublayers together have pushed it down; divide, do not multiply.":
            lambda a: np.prod(1 + a),
        "That is what the last sublayer leaves of it; there were others before.": lambda a: 1 / (1 + a[-1] + 1e-9)})


def rms_backward(x, g):
    rms = np.sqrt((x**2).mean())
    unit = x / rms
    return (g - unit * (unit * g).mean()) / rms


check_rms_backward = Exercise(
    rms_backward, "the gradient", lambda rng: [tuple(rng.normal(size=(2, n)) * 3) for n in (2, 5, 16)],
    right="It is divided by the size of the row, and has no part along it: a longer row would come out the same.",
    also_right=(lambda x, g: g * len(x)**0.5 / np.linalg.norm(x)
                - x * (x @ g) * len(x)**0.5 / np.linalg.norm(x)**3,),
    hint="Both x and its root mean square depend on x; the second part takes away what lies along the row.",
    mistakes={
        "The root mean square depends on x as well; there is a second part.": lambda x, g: g / np.sqrt((x**2).mean()),
        "Both parts are divided by the size of the row.":
            lambda x, g: g - x * (x * g).mean() / (x**2).mean(),
        "The second part is taken away, not added.":
            lambda x, g: (g + x * (x * g).mean() / (x**2).mean()) / np.sqrt((x**2).mean()),
        "That is layer norm, which takes the mean off as well.":
            lambda x, g: (g - g.mean() - (x - x.mean()) * ((x - x.mean()) * g).mean() / x.var()) / x.std()})


def gradients_before(up, down):
    squares = 1 + np.concatenate([[0], np.cumsum(up)])
    sizes = [1.0]
    for k in reversed(range(len(down))):
        sizes.insert(0, sizes[0] * (1 + down[k] / squares[k]))
    return np.sqrt(sizes)


check_gradients_before = Exercise(
    gradients_before, "the sizes", lambda rng: [tuple(rng.uniform(0.1, 1, size=(2, n))) for n in (1, 3, 8)],
    right="The larger the stream has grown, the less comes back through a norm, and the slower the gradient changes.",
    also_right=(lambda a, b: np.sqrt(np.append(np.cumprod(
        (1 + b / (1 + np.cumsum(a) - a))[::-1])[::-1], 1.0)),),
    hint="First the stream's mean squares from below; then the gradient's from the top, where it is 1.",
    mistakes={
        "Those are mean squares; the sizes are their roots.":
            lambda a, b: np.append(np.cumprod((1 + b / (1 + np.cumsum(a) - a))[::-1])[::-1], 1.0),
        "A sublayer reads the stream before it has added to it.":
            lambda a, b: np.sqrt(np.append(np.cumprod((1 + b / (1 + np.cumsum(a)))[::-1])[::-1], 1.0)),
        "The norm divides what comes back by the stream's mean square.":
            lambda a, b: np.sqrt(np.append(np.cumprod((1 + b)[::-1])[::-1], 1.0)),
        "The gradient starts at the top; you began at the bottom.":
            lambda a, b: np.sqrt(np.insert(np.cumprod(1 + b / (1 + np.cumsum(a) - a)), 0, 1.0))})


def cosine_after_relu(cosine):
    angle = np.arccos(cosine)
    return (np.sin(angle) + (np.pi - angle) * cosine) / np.pi


check_cosine_after_relu = Exercise(
    cosine_after_relu, "the cosine", [(0.0,), (0.5,), (0.9,), (-0.5,), (1.0,)],
    right="Rows that had nothing in common come out with a cosine of a third: ReLU makes all rows more alike.",
    also_right=(lambda c: (np.sqrt(1 - c * c) + c * (np.pi / 2 + np.arcsin(c))) / np.pi,),
    hint="Divide by what a row has with itself, one half.",
    mistakes={
        "Divide by what a row has with itself, one half.":
            lambda c: (np.sin(np.arccos(c)) + (np.pi - np.arccos(c)) * c) / (2 * np.pi),
        "That is how often both are positive, twice; it is what gradients keep.": lambda c: 1 - np.arccos(c) / np.pi,
        "ReLU does not leave the angle as it is: negative numbers are lost.": lambda c: c + 0.0,
        "The angle that is counted is the one between the rows, taken from half a turn.":
            lambda c: (np.sin(np.arccos(c)) + np.arccos(c) * c) / np.pi})
