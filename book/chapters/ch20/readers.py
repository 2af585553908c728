"""What reads a digit: a transformer of patches, and its rulers, all of which are trained in the same way."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from transformer_lab.byhand.transformer import init
from transformer_lab.models.vit import VIT, ViT, ViTConfig
from transformer_lab.rules import Choice, Seed
from transformer_lab.signatures import checked

__all__ = ["PATCHES", "READERS", "config_of", "made", "parameters", "vit"]

#: The transformers by name: the side of a patch, and how it knows positions.
PATCHES = {"patch 1": (1, "learned"), "patch 2": (2, "learned"), "patch 4": (4, "learned"),
           "patch 2, no positions": (2, "none")}


class Ruler(nn.Sequential):
    """Layers of PyTorch, from images (batch, 1, 8, 8) to logits (batch, 10)."""

    def loss(self, images, targets):
        """Mean cross-entropy in nats."""
        return cross_entropy(self(images), targets)


def cnn(a=16, b=36):
    return Ruler(nn.Conv2d(1, a, 3, padding=1), nn.ReLU(), nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                 nn.Conv2d(b, b, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * b, 10))


def mlp(hidden=102):
    return Ruler(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                 nn.Linear(hidden, 10))


def logistic():
    return Ruler(nn.Flatten(), nn.Linear(64, 10))


RULERS = {"logistic": logistic, "MLP": mlp, "CNN": cnn}
#: Those that are trained, in this order.
READERS = ("patch 2", "patch 4", "patch 1", "patch 2, no positions", *RULERS)


@checked
def config_of(reader: Choice(PATCHES)) -> ViTConfig:
    """The shape of a transformer of patches.

    >>> config_of("patch 2").n_ctx
    17
    """
    patch, positions = PATCHES[reader]
    return ViTConfig(**VIT | {"positions": positions}, d_vocab=10, image=8, patch=patch, d_model=32, n_heads=2,
                     d_mlp=64, n_layers=2)


def vit(reader: str, params: dict) -> ViT:
    """A transformer of patches with these parameters."""
    return ViT(config_of(reader), params)


@checked
def made(reader: Choice((*PATCHES, *RULERS)), *, seed: Seed = 0) -> nn.Module:
    """A reader with the weights of a seed, untrained.

    >>> made("MLP")(torch.zeros(3, 1, 8, 8)).shape
    torch.Size([3, 10])
    """
    if reader in PATCHES:
        return vit(reader, init(config_of(reader), seed=seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RULERS[reader]()


def parameters(reader: str) -> int:
    """How many numbers a reader learns.

    >>> parameters("logistic")
    650
    """
    return sum(value.numel() for value in made(reader).parameters())
