"""ViT: an image is a sentence whose words are its patches (Dosovitskiy et al. 2021).

    image → patches → a row each, and one before them for the class → + positions → blocks → the class
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..config import ModelConfig
from ..errors import DtypeError, ShapeError
from ..names import shapes, stack_parameters
from ..rules import Choice, Whole
from ..taps import held, keep, reached
from .block import Stack, affine
from .ends import checked_params, cross_entropy, real
from .parts import READ_OUTS

__all__ = ["VIT", "ViT", "ViTConfig"]

#: The choices of ViT: ``ViTConfig(d_vocab=…, image=…, patch=…, d_model=…, …, **VIT)``.
VIT = {"positions": "learned", "norm": "layer", "eps": 1e-12, "activation": "gelu_exact", "bias_attention": True}


@dataclass(frozen=True)
class ViTConfig(ModelConfig):
    """A ModelConfig whose ``d_vocab`` are the classes, and what an image is.

    Parameters
    ----------
    image, patch, channels : int
        Pixels along a side of an image and of a patch; numbers of each pixel.
    read_out : str
        Where classes are read: at a row of its own, which stands ``"first"``, or off the ``"mean"`` of the patches.
    """

    n_ctx: Whole() = 0
    read_out: Choice(("first", "mean")) = "first"
    image: Whole(1) = 8
    patch: Whole(1) = 2
    channels: Whole(1) = 1

    def _faults(self):
        faults = list(super()._faults())
        yield from faults
        if faults:
            return
        if self.image % self.patch:
            yield f"patch: got {self.patch}; allowed is a divisor of image={self.image}. Choose one."
        rows = (self.image // self.patch) ** 2 + (self.read_out == "first")
        if self.n_ctx not in (0, rows):
            yield f"n_ctx: got {self.n_ctx}; allowed is {rows}, a row for each patch and the class. Leave it out."
        object.__setattr__(self, "n_ctx", rows)

    @property
    def d_patch(self) -> int:
        return self.channels * self.patch**2

    def parameters(self) -> dict[str, tuple[int, ...]]:
        names = ["W_patch", "b_patch", *["x_class"] * (self.read_out == "first"), *stack_parameters(self)]
        return shapes(self, [*names, "W_U", *["b_U"] * self.bias_unembed])


class ViT(Stack):
    """The model, with parameters by their names.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ViTConfig(d_vocab=10, image=8, patch=4, d_model=8, n_heads=2, d_mlp=16, **VIT)
    >>> ViT(config, init(config))(torch.zeros(3, 1, 8, 8)).shape, config.n_ctx
    (torch.Size([3, 10]), 5)
    """

    def __init__(self, config: ViTConfig, params: dict):
        super().__init__(config, checked_params(config, ViTConfig, params), ("x_class", "b_U"))

    def forward(self, images, tap=keep, *, mask=None):
        """Logits (batch, d_vocab) of the class of each image (batch, channels, image, image)."""
        tap = held(tap)
        x = affine(patches(self.checked(images), self.config.patch), self.W_patch, self.b_patch)
        if self.x_class is not None:
            x = torch.cat([self.x_class.expand(len(x), 1, -1), x], dim=1)
        x = self.dropout(self.placed(tap("embed", x), tap))                        # (batch, pos, d_model)
        x = self.stream(x, None, tap, mask=mask)
        x = tap("resid_read", READ_OUTS[self.config.read_out](x, torch.ones(x.shape[:2], dtype=torch.bool)))
        logits = tap("logits", affine(self.norm(("pre", "both"), "ln_final", x, tap), self.W_U, self.b_U))
        reached(tap)
        return logits

    def checked(self, images):
        c = self.config
        if not real(images) or not images.is_floating_point():
            came = f"{images.dtype} on {images.device}" if isinstance(images, torch.Tensor) else type(images).__name__
            raise DtypeError("images", came, "a tensor of numbers", "Pass images.float().")
        if images.ndim != 4 or not len(images) or images.shape[1:] != (c.channels, c.image, c.image):
            raise ShapeError("images", f"a tensor of shape {tuple(images.shape)}",
                             f"(batch, {c.channels}, {c.image}, {c.image})", "Pass one image for each answer.")
        return images.to(self.W_U.dtype)

    def loss(self, images, targets, weights=None, tap=keep):
        """Mean cross-entropy in nats over the classes (batch,) that are not -100."""
        return cross_entropy(self(images, tap), targets, weights)


def patches(images, side):
    """(batch, channels, height, width) -> (batch, patch, channels·side·side), row by row from the top."""
    cut = images.unflatten(3, (-1, side)).unflatten(2, (-1, side))                 # (batch, channels, r, side, c, side)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
