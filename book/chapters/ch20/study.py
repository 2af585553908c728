"""Chapter 20's studies: who reads digits that people wrote, and whether maps of attention find what matters.

``transformer-lab study digit-readers`` trains and scores them, ``transformer-lab study digit-readers-at-rates`` trains
four of them at other learning rates, ``transformer-lab study patches-left-out`` tests maps.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import pack, unpack
from transformer_lab.randomness import generator
from transformer_lab.rules import Whole
from transformer_lab.signatures import checked
from transformer_lab.training import Study, fit

from .deletions import measured
from .images import FOLDS, WAYS, batch, cut, digits, folds, joined_up, moved
from .readers import PATCHES, READERS, config_of, made, vit

__all__ = ["AT_RATES", "LEFT_OUT", "MAIN", "READERS_OF", "TRAINING", "exchanged", "reader_of", "trained"]

TRAINING = {"steps": 400, "batch": 64, "rate": 3e-3, "warmup": 50, "max_norm": 1.0, "weight_decay": 0.05}
MAIN = "patch 2"
ROOM = sum(int(np.prod(size)) for size in config_of(MAIN).parameters().values())


def trained(reader: str, seed: int, rate: float = TRAINING["rate"]):
    """A reader that has never seen the fold of this number; and the images of the fold."""
    from transformer_lab.training.torch_stepper import TorchStepper
    t, fold = TRAINING, folds()
    train, module = np.flatnonzero(fold != seed), made(reader, seed=seed)
    stepper = TorchStepper(module, "adamw", max_norm=t["max_norm"], weight_decay=t["weight_decay"], seed=seed)
    fit(stepper, lambda step: batch(train, t["batch"], seed=seed, step=step), steps=t["steps"], every=t["steps"],
        learning_rate=warmup_linear(rate, t["steps"], t["warmup"]))
    return module, np.flatnonzero(fold == seed)


def says(module, images, *, times: int = 1) -> np.ndarray:
    """The digit that a reader says of each image (n, 8, 8), read once, or five times, moved in each of the WAYS."""
    import torch
    down, right = np.repeat(WAYS[:, :times], len(images), axis=1)
    read = moved(np.concatenate([images] * times), down, right)
    with torch.no_grad():
        shares = module(torch.tensor(read[:, None])).softmax(dim=-1)
    return shares.unflatten(0, (times, -1)).mean(dim=0).argmax(dim=-1).numpy()


def exchanged(images, side: int, seed: int) -> np.ndarray:
    """The same patches of each image in an order of its own."""
    patches = cut(images, side)
    order = generator(seed, "patches exchanged").random(patches.shape[:2]).argsort(axis=1)
    return joined_up(np.take_along_axis(patches, order[..., None], axis=1))


def scored(reader: str, seed: int) -> dict:
    """What a reader says of the fold that it has never seen, when it reads once, five times, and with the patches
    exchanged (-1: of the other images); of a transformer the rows of its positions, and of the main one all weights, in
    half precision.
    """
    module, held_out = trained(reader, seed)
    images, said = digits().images, np.full((3, len(folds())), -1, np.int8)
    theta, rows = np.full(ROOM, np.nan, np.float16), np.full((64, 32), np.nan, np.float16)
    if reader in PATCHES:
        arrays = {name: value.astype(np.float16) for name, value in module.arrays().items()}
        module = vit(reader, {name: value.astype(np.float32) for name, value in arrays.items()})
        said[2, held_out] = says(module, exchanged(images[held_out], PATCHES[reader][0], seed))
        if "W_pos" in arrays:
            rows[:len(arrays["W_pos"]) - 1] = arrays["W_pos"][1:]
        if reader == MAIN:
            theta = pack(module.arrays(), config_of(MAIN).parameters()).astype(np.float16)
    said[0, held_out], said[1, held_out] = (says(module, images[held_out], times=times) for times in (1, 5))
    return {"said": (("read", "image"), said), "read": ("read", ["once", "five times", "exchanged"]),
            "theta": ("weight", theta), "W_pos": (("patch", "entry"), rows)}


#: About a factor of three apart; the transformer gets the lowest four, its rulers more.
SWEPT = {"logistic": 9, "MLP": 6, "CNN": 6, "patch 4": 4}
RATES = tuple({"reader": reader, "rate": rate} for reader, n in SWEPT.items()
              for rate in (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)[:n])


def at_rate(reader: str, rate: float, seed: int) -> dict:
    """What share (%) of the fold that it has never seen a reader trained at this rate reads right, in five readings."""
    module, held_out = trained(reader, seed, rate)
    images, digit = digits()
    return {"right": 100 * (says(module, images[held_out], times=5) == digit[held_out]).mean()}


def together(dataset):
    """Each image is held out once: what is said of it then; and the weights of the main transformers."""
    found = dataset.assign(said=dataset.said.max("seed").astype(np.int8), fold=("image", folds().astype(np.int8)))
    learned = [name for name in READERS if PATCHES.get(name, "")[1:] == ("learned",)]
    return found.assign(theta=found.theta.sel(reader=MAIN, drop=True).astype(np.float16),
                        W_pos=found.W_pos.sel(reader=learned).rename(reader="learned"))


@checked
def reader_of(seed: Whole(0, FOLDS - 1)):
    """The main transformer that has not seen this fold.

    >>> reader_of(0).config.patch
    2
    """
    theta = READERS_OF.load()["theta"].sel(seed=seed).values.astype(np.float32)
    return vit(MAIN, unpack(theta, config_of(MAIN).parameters()))


def left_out(how: str, seed: int) -> dict:
    """What maps of a transformer find on the fold that it has never seen."""
    return measured(reader_of(seed), digits().images[folds() == seed], how, seed=seed)


READERS_OF = Study("digit-readers", scored, {"reader": READERS}, seeds=range(FOLDS), settings=TRAINING, finish=together)
AT_RATES = Study("digit-readers-at-rates", at_rate, RATES, seeds=range(FOLDS), settings=TRAINING)
LEFT_OUT = Study("patches-left-out", left_out, {"how": ("hidden", "blank")}, seeds=range(FOLDS))
