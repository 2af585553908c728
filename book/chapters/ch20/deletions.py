"""Maps of what a transformer looks at, and the test of them: leave out the patches that a map ranks highest."""

from __future__ import annotations

import numpy as np

from transformer_lab.analysis.cache import Runner, patterns
from transformer_lab.analysis.rollout import gradient_rollout, rollout
from transformer_lab.checks import check_type
from transformer_lab.randomness import generator
from transformer_lab.rules import Array, By, Choice, Flags, Seed, Wholes
from transformer_lab.signatures import checked

from .images import cut, joined_up

__all__ = ["HOW", "MAPS", "alone", "areas", "deleted", "maps", "measured", "rank_agreement", "shares_without"]

#: In the order of the records. "alone" is no map but the answer for one patch at a time.
MAPS = ("rollout", "gradient rollout", "last layer", "ink", "chance", "alone")
HOW = ("hidden", "blank")


def is_vit(argument: str, value):
    from transformer_lab.models.vit import ViT

    return check_type(argument, value, ViT)


@checked
def shares_without(module: By(is_vit), images: Array("n 8 8"), kept: Flags("n patch"),
                   how: Choice(HOW) = "hidden") -> np.ndarray:
    """The shares of the ten digits (n, 10) where only some patches are kept. The others are ``"hidden"``, words that
    nobody may read, or ``"blank"``, paper without ink.

    >>> from .readers import made
    >>> shares_without(made("patch 4"), np.zeros((2, 8, 8)), np.ones((2, 4), bool)).shape
    (2, 10)
    """
    import torch
    Flags(f"n {(8 // module.config.patch) ** 2}")("kept", kept)
    mask = None
    if how == "hidden":
        seen = np.pad(kept, ((0, 0), (1, 0)), constant_values=True)
        mask = torch.tensor(seen[:, None, None, :])
    else:
        images = joined_up(cut(images, module.config.patch) * kept[..., None])
    with torch.no_grad():
        logits = module(torch.tensor(np.asarray(images, np.float32)[:, None]), mask=mask)
        return logits.double().softmax(dim=-1).numpy()


@checked
def alone(module: By(is_vit), images: Array("n 8 8"), said: Wholes("n", low=0, below=10),
          how: Choice(HOW) = "hidden") -> np.ndarray:
    """By how much the logarithm of the share of what was ``said`` falls when one patch is left out: (n, patch)
    (eq-alone).

    >>> from .readers import made
    >>> alone(made("patch 4"), np.zeros((2, 8, 8)), [3, 3], "blank").tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    n = len(cut(images[0], module.config.patch))
    rows = np.arange(len(images))
    whole = np.log(shares_without(module, images, np.ones((len(images), n), bool), how)[rows, said])
    kept = ~np.eye(n, dtype=bool)
    found = [np.log(shares_without(module, images, np.tile(row, (len(images), 1)), how)[rows, said]) for row in kept]
    return whole[:, None] - np.stack(found, axis=1)


@checked
def maps(module, images: Array("n 8 8"), said: Wholes("n", low=0, below=10), *,
         seed: Seed = 0) -> dict[str, np.ndarray]:
    """What each map says that every patch counts for (n, patch).

    >>> from .readers import made
    >>> {name: found.shape for name, found in maps(made("patch 4"), np.zeros((2, 8, 8)), [3, 1]).items()}["rollout"]
    (2, 4)
    """
    run, given = Runner(module), np.asarray(images, np.float32)[:, None]
    looks, ink = patterns(run, given), cut(images, module.config.patch).sum(axis=-1)
    return {"rollout": rollout(looks)[:, 0, 1:],
            "gradient rollout": gradient_rollout(run, given, np.eye(10, dtype=np.float32)[said])[:, 0, 1:],
            "last layer": looks[-1].mean(axis=1)[:, 0, 1:], "ink": ink,
            "chance": generator(seed, "maps by chance").random(ink.shape)}


@checked
def deleted(module: By(is_vit), images: Array("n 8 8"), said: Wholes("n", low=0, below=10),
            ranked: Wholes("n patch", low=0), how: Choice(HOW) = "hidden") -> np.ndarray:
    """The share of what was ``said`` when the patches go one after the other in the order ``ranked``: (n, patch + 1).

    >>> from .readers import made
    >>> deleted(made("patch 4"), np.zeros((1, 8, 8)), [3], [[2, 0, 1, 3]]).shape
    (1, 5)
    """
    rank, rows = ranked.argsort(axis=1), np.arange(len(images))
    return np.stack([shares_without(module, images, rank >= gone, how)[rows, said]
                     for gone in range(ranked.shape[1] + 1)], axis=1)


@checked
def areas(shares: Array("... gone")) -> np.ndarray:
    """The area under curves of shares over the part that is left out, by trapezes: low where a map finds what matters
    (eq-area).

    >>> areas([1.0, 0.5, 0.0]).item()
    0.5
    """
    return (shares[..., 1:] + shares[..., :-1]).mean(axis=-1) / 2


@checked
def rank_agreement(one: Array("n patch"), other: Array("n patch")) -> np.ndarray:
    """Spearman's rank correlation, image by image (n,); ties stand in the order in which they are met.

    >>> rank_agreement([[1.0, 2.0, 3.0]], [[5.0, 6.0, 9.0]]).tolist()
    [1.0]
    """
    ranks = [each.argsort(axis=1, kind="stable").argsort(axis=1) - (each.shape[1] - 1) / 2 for each in (one, other)]
    return (ranks[0] * ranks[1]).sum(axis=1) / np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))


def measured(module, images, how: str, *, seed: int = 0) -> dict:
    """Of every map the mean share of the model's answer while patches are left out, those that it ranks highest first
    and those that it ranks lowest; and how its ranks agree with one patch at a time.
    """
    n = len(cut(images[0], module.config.patch))
    said = shares_without(module, images, np.ones((len(images), n), bool), how).argmax(axis=1)
    effect = alone(module, images, said, how)
    found = maps(module, images, said, seed=seed) | {"alone": effect}
    order = {name: (-found[name]).argsort(axis=1, kind="stable") for name in MAPS}
    curves = [[deleted(module, images, said, ranked, how).mean(axis=0)
               for ranked in (order[name], order[name][:, ::-1])] for name in MAPS]
    return {"share": (("map", "first", "gone"), np.float32(curves)), "map": ("map", list(MAPS)),
            "first": ("first", ["highest", "lowest"]), "gone": ("gone", np.arange(n + 1)),
            "agreement": ("map", np.float32([rank_agreement(found[name], effect).mean() for name in MAPS]))}
