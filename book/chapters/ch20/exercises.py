"""Exercises of chapter 20, images as words: cutting, joining, counting, a null for positions, a curve of deletions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from transformer_lab.exercises import Exercise, Objection

from .images import cut as cut_up
from .images import distances, joined_up

__all__ = ["check_cut", "check_deletion", "check_join", "check_null", "check_parameters"]


def cut(image, side):
    across = len(image) // side
    return np.array([image[side * r:side * (r + 1), side * c:side * (c + 1)].ravel()
                     for r in range(across) for c in range(across)])


def _patches_by_column(image, side):
    across = len(image) // side
    return cut(image, side).reshape(across, across, -1).swapaxes(0, 1).reshape(across**2, -1)


def _overlapping(image, side):
    n = len(image) - side + 1
    return np.array([image[r:r + side, c:c + side].ravel() for r in range(n) for c in range(n)])


check_cut = Exercise(
    cut, "the patches",
    lambda rng: [(rng.normal(size=(n, n)), side) for n, side in ((8, 2), (8, 4), (6, 3), (4, 1))],
    right="Each pixel is in one patch, and neighbours within a patch stay neighbours.",
    also_right=(cut_up, lambda x, s: x.reshape(len(x) // s, s, -1, s).swapaxes(1, 2).reshape(-1, s * s)),
    hint="Patch number across·r + c has the rows side·r to side·(r + 1) and the columns side·c to side·(c + 1).",
    mistakes={
        "These are strips of a row of pixels: reshape alone never takes a second row into a patch.":
            lambda image, side: image.reshape(-1, side**2),
        "The patches are right and in another order: go along each row of patches first.": _patches_by_column,
        "Within a patch, too, the pixels stand row by row.":
            lambda image, side: _patches_by_column(image.T, side),
        "The patches do not overlap: after one comes the next, side pixels on.": _overlapping,
        "One patch alone is the upper left corner; there are as many as fit.":
            lambda image, side: image[:side, :side].reshape(1, -1)})


def join(patches):
    across, side = round(len(patches) ** 0.5), round(patches.shape[1] ** 0.5)
    rows = [np.hstack([patch.reshape(side, side) for patch in patches[across * r:across * (r + 1)]])
            for r in range(across)]
    return np.vstack(rows)


check_join = Exercise(
    join, "the image",
    lambda rng: [(rng.normal(size=(n, pixels)),) for n, pixels in ((16, 4), (4, 16), (9, 4), (64, 1))],
    right="What was cut is whole again.",
    also_right=(joined_up,),
    hint="Make each row of patches first, side by side; then stand the rows on each other.",
    mistakes={
        "A reshape alone lays the patches out one after the other, as strips.":
            lambda patches: patches.reshape(2 * (round(patches.size ** 0.5),)),
        "The patches go along the rows, not down the columns.": lambda patches: join(np.array(patches)[
            np.arange(len(patches)).reshape(2 * (round(len(patches) ** 0.5),)).T.ravel()]),
        "The image is turned over: rows and columns are exchanged.": lambda patches: join(patches).T,
        "The patches stand on top of each other; some belong side by side.":
            lambda patches: patches.reshape(-1, round(patches.shape[1] ** 0.5)),
        "Within a patch the pixels stand row by row.": lambda patches: join(np.array(
            [patch.reshape(2 * (round(patches.shape[1] ** 0.5),)).T.ravel() for patch in patches]))})


def parameters(patch, d_model, d_mlp, n_layers):
    words = (8 // patch) ** 2 + 1
    before = patch**2 * d_model + d_model + d_model + words * d_model
    attention = 4 * (d_model**2 + d_model)
    mlp = 2 * d_model * d_mlp + d_mlp + d_model
    return before + n_layers * (attention + mlp + 4 * d_model) + 2 * d_model + 10 * d_model + 10


def _as_the_library_counts(patch, d_model, d_mlp, n_layers):
    from transformer_lab.models.vit import VIT, ViTConfig
    config = ViTConfig(**VIT, d_vocab=10, patch=patch, d_model=d_model, n_heads=1, d_mlp=d_mlp, n_layers=n_layers)
    return sum(int(np.prod(shape)) for shape in config.parameters().values())


check_parameters = Exercise(
    parameters, "the number of parameters", [(1, 32, 128, 2), (2, 32, 128, 2), (4, 32, 128, 2), (8, 16, 64, 1)],
    right="A smaller patch needs fewer numbers a word, and more places.", also_right=(_as_the_library_counts,),
    hint="Patches, class and places; then in each layer four square matrices, two of the MLP and two norms; a norm and "
         "the read-out.",
    mistakes={
        "The class has a place, too: there is a row of positions more than there are patches.":
            lambda p, d, m, n: parameters(p, d, m, n) - d,
        "The class itself is a row that is learned.": lambda p, d, m, n: parameters(p, d, m, n) - 2 * d
            if p == 8 else parameters(p, d, m, n) - d - 0.5,
        "A patch has patch² pixels.": lambda p, d, m, n: parameters(p, d, m, n) - (p**2 - p) * d,
        "Each norm has a gain and an offset for each number of the stream.":
            lambda p, d, m, n: parameters(p, d, m, n) - n * 4 * d - 2 * d,
        "Each matrix has its offsets, one for each number that comes out.":
            lambda p, d, m, n: parameters(p, d, m, n) - d - n * (4 * d + m + d) - 10,
        "The places are those of patches, not of pixels.": lambda p, d, m, n: parameters(p, d, m, n)
            + (64 - (8 // p) ** 2) * d})


def share_as_low(similarity, distance, orders):
    pairs = np.triu_indices(len(similarity), 1)
    real = np.corrcoef(similarity[pairs], distance[pairs])[0, 1]
    drawn = [np.corrcoef(similarity[np.ix_(order, order)][pairs], distance[pairs])[0, 1] for order in orders]
    return (1 + np.sum(np.array(drawn) <= real)) / (1 + len(orders))


def _null_cases(rng):
    made = []
    for across, noise in ((3, 1.0), (4, 2.0), (3, 4.0)):
        far, n = distances(across), across**2
        rough = rng.normal(size=(n, n)) * noise
        made.append((np.where(np.eye(n) > 0, 9.0, rough + rough.T - far), far,
                     np.array([rng.permutation(n) for _ in range(60)])))
    return made


def _null(similarity, distance, orders, *, pairs=None, shuffle=None, low=True, more=1):
    pairs = np.triu_indices(len(similarity), 1) if pairs is None else pairs
    shuffle = shuffle or (lambda s, order: s[np.ix_(order, order)])
    real = np.corrcoef(similarity[pairs], distance[pairs])[0, 1]
    drawn = np.array([np.corrcoef(shuffle(similarity, order)[pairs], distance[pairs])[0, 1] for order in orders])
    return (more + np.sum(drawn <= real if low else drawn >= real)) / (more + len(orders))


check_null = Exercise(
    share_as_low, "the share", _null_cases,
    right="Shuffled places say what a correlation of so many pairs is worth.",
    also_right=(lambda s, d, orders: _null(s, d, orders, pairs=np.tril_indices(len(s), -1)),),
    hint="Take pairs of two different patches, each once. A shuffle exchanges rows and columns alike.",
    mistakes={
        "A shuffle gives each patch another place: rows and columns have to be exchanged in the same way.":
            lambda s, d, orders: _null(s, d, orders, shuffle=lambda s, order: s[order]),
        "The real order is one of those that chance could have given: count it, in both numbers.":
            lambda s, d, orders: _null(s, d, orders, more=0),
        "Near patches are alike where the correlation is low: count the shuffles that are as low.":
            lambda s, d, orders: _null(s, d, orders, low=False),
        "This is the share of the shuffles that are higher; count those that are as low.":
            lambda s, d, orders: 1 - _null(s, d, orders),
        "This is the correlation; the question is how often chance gives one that is as low.":
            lambda s, d, orders: np.corrcoef(s[np.triu_indices(len(s), 1)], d[np.triu_indices(len(s), 1)])[0, 1]})


def area(share, ranked):
    kept = np.ones(len(ranked), dtype=bool)
    curve = [share(kept)]
    for patch in ranked:
        kept[patch] = False
        curve.append(share(kept))
    return np.mean([(a + b) / 2 for a, b in pairwise(curve)])


def _asked(answer, weights, ranked):
    """The area for a model whose share is a squashed sum of what is kept."""
    def share(kept):
        kept = np.asarray(kept)
        if kept.shape != (len(weights),) or kept.dtype != bool:
            raise Objection(f"share() takes {len(weights)} truth values, one for each patch: True where it is kept.")
        return float(1 / (1 + np.exp(-weights[kept].sum())))
    return answer(share, ranked.copy())


def _curve(share, ranked):
    kept = [~np.isin(np.arange(len(ranked)), ranked[:gone]) for gone in range(len(ranked) + 1)]
    return np.array([share(each) for each in kept])


def _one_by_one(share, ranked):
    whole = np.ones(len(ranked), dtype=bool)
    curve = np.array([share(whole), *(share(np.arange(len(ranked)) != patch) for patch in ranked)])
    return (curve[1:] + curve[:-1]).mean() / 2


check_deletion = Exercise(
    area, "the area", lambda rng: [(rng.normal(size=n), rng.permutation(n)) for n in (4, 9, 16)], measure=_asked,
    right="The sooner the share falls, the smaller the area.",
    also_right=(lambda share, ranked: np.trapezoid(_curve(share, ranked), dx=1 / len(ranked)),),
    hint="There is one number more than there are patches: the share with all of them comes first.",
    mistakes={
        "What is left out stays out: the patches go one after the other, not one at a time.": _one_by_one,
        "Highest first: the ranks are given in the order in which the patches go.":
            lambda share, ranked: area(share, ranked[::-1]),
        "Between two points the curve is a line: take the mean of both ends of each piece, not of all points.":
            lambda share, ranked: _curve(share, ranked).mean(),
        "The curve begins with all patches kept.": lambda share, ranked: (
            lambda c: (c[1:] + c[:-1]).mean() / 2)(_curve(share, ranked)[1:]),
        "Divide by the number of patches, so that the area lies between 0 and 1.":
            lambda share, ranked: area(share, ranked) * len(ranked),
        "This is the area above the curve.": lambda share, ranked: 1 - area(share, ranked)})
