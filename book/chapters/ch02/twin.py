"""The one-head model in PyTorch: the twin of :mod:`transformer_lab.byhand.one_head`, differentiated by autograd."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from transformer_lab.errors import ArgumentError
from transformer_lab.rules import Array, Entries, Wholes
from transformer_lab.signatures import checked

__all__ = ["OneHead", "gradients"]


class OneHead(torch.nn.Module):
    """Two matrices, under the same names and in the same layouts as in NumPy; leading axes are independent models.

    >>> head = OneHead({"W_QK": np.zeros((3, 3)), "W_OV": np.eye(3)})
    >>> head(torch.eye(3, dtype=torch.float64)[torch.tensor([[0, 1, 1]])])["logits"][0, 1].item()
    0.6666666666666666
    """

    @checked
    def __init__(self, params: Entries(W_QK="... d_model d_model", W_OV="... d_model d_vocab")):
        super().__init__()
        for name in ("W_QK", "W_OV"):
            value = np.array(Array()(name, params[name]), order="C")  # PyTorch knows no steps backwards
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(value)))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every activation by name, from input rows (..., batch, n_ctx, d_model); the last query row only."""
        q = x[..., -1, :] @ self.W_QK                                        # (..., batch, d_model)
        scores = (x @ q[..., None])[..., 0] / x.shape[-1] ** 0.5              # (..., batch, n_ctx)
        pattern = scores.softmax(dim=-1)
        read = (pattern[..., None, :] @ x)[..., 0, :]                        # (..., batch, d_model)
        logits = read @ self.W_OV                                            # (..., batch, d_vocab)
        return {"x": x, "q": q, "scores": scores, "pattern": pattern, "read": read, "logits": logits,
                "probs": logits.softmax(dim=-1)}


@checked
def gradients(params: Entries(W_QK="*#lead d_model d_model", W_OV="*#lead d_model d_vocab"),
              x: Array("*#lead batch n_ctx d_model"),
              targets: Wholes("*#lead batch", low=0, below="d_vocab") | None = None, *,
              d_logits: Array("*#lead batch d_vocab") | None = None) -> dict[str, np.ndarray]:
    """Autograd's gradients of ``W_QK``, ``W_OV`` and ``x``, NumPy in and NumPy out: with ``targets`` those of the mean
    cross-entropy, the witness of ``backward``; with ``d_logits`` what it comes to, the witness of ``pullback``.

    >>> params = {"W_QK": np.zeros((3, 3)), "W_OV": np.zeros((3, 3))}
    >>> gradients(params, np.eye(3)[[[0, 1, 1]]], [0])["W_QK"].any()
    np.False_
    """
    if (targets is None) == (d_logits is None):
        raise ArgumentError("targets", "both or neither of targets and d_logits", "one of the two",
                            "Pass targets for the loss, or d_logits for a gradient of your own.")
    head = OneHead(params)
    lead = np.broadcast_shapes(x.shape[:-3], head.W_QK.shape[:-2],
                               d_logits.shape[:-2] if targets is None else targets.shape[:-1])
    rows = torch.tensor(np.broadcast_to(x, lead + x.shape[-3:]), dtype=head.W_QK.dtype, requires_grad=True)
    logits = head(rows)["logits"]
    if targets is None:
        logits.backward(torch.tensor(np.broadcast_to(d_logits, logits.shape)))
    else:
        wanted = torch.tensor(np.broadcast_to(targets, logits.shape[:-1])).flatten()
        loss = F.cross_entropy(logits.flatten(end_dim=-2), wanted, reduction="sum") / logits.shape[-2]
        loss.backward()
    return {"W_QK": head.W_QK.grad.numpy(), "W_OV": head.W_OV.grad.numpy(), "x": rows.grad.numpy()}
