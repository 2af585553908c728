"""The one-head model in PyTorch: the twin of :mod:`transformer_lab.byhand.one_head`, differentiated by autograd."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from transformer_lab.checks import check_array, check_entries
from transformer_lab.errors import ArgumentError

__all__ = ["OneHead", "gradients"]


class OneHead(torch.nn.Module):
    """Two matrices, under the same names and in the same layouts as in NumPy.

    Parameters
    ----------
    params : dict of array
        ``W_QK`` (..., d_model, d_model) and ``W_OV`` (..., d_model, d_vocab); leading axes are independent models.

    Examples
    --------
    >>> head = OneHead({"W_QK": np.zeros((3, 3)), "W_OV": np.eye(3)})
    >>> head(torch.eye(3, dtype=torch.float64)[torch.tensor([[0, 1, 1]])])["logits"][0, 1].item()
    0.6666666666666666
    """

    def __init__(self, params: dict):
        super().__init__()
        check_entries("params", params, ("W_QK", "W_OV"))
        for name in ("W_QK", "W_OV"):
            value = check_array(f"params[{name!r}]", params[name], shape=("d_model", None), leading=True)
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(value)))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every activation by name, from input rows (..., batch, n_ctx, d_model); the last query row only."""
        q = x[..., -1, :] @ self.W_QK                                        # (..., batch, d_model)
        scores = (x @ q[..., None])[..., 0] / math.sqrt(x.shape[-1])         # (..., batch, n_ctx)
        pattern = scores.softmax(dim=-1)
        read = (pattern[..., None, :] @ x)[..., 0, :]                        # (..., batch, d_model)
        logits = read @ self.W_OV                                            # (..., batch, d_vocab)
        return {"x": x, "q": q, "scores": scores, "pattern": pattern, "read": read, "logits": logits,
                "probs": logits.softmax(dim=-1)}


def gradients(params: dict, x, targets=None, *, d_logits=None) -> dict[str, np.ndarray]:
    """Autograd's gradients, NumPy in and NumPy out: the witness of ``backward`` and of ``pullback``.

    Parameters
    ----------
    params : dict
        ``W_QK`` and ``W_OV``, with any leading axes.
    x : array (..., batch, n_ctx, d_model)
        Input rows.
    targets : array of int (batch) or (..., batch)
        For the gradients of the mean cross-entropy, as ``backward`` gives them; or else
    d_logits : array (..., batch, d_vocab)
        the gradient of the logits, to be pulled back, as ``pullback`` does.

    Returns
    -------
    dict
        ``W_QK``, ``W_OV`` and ``x``.

    Examples
    --------
    >>> params = {"W_QK": np.zeros((3, 3)), "W_OV": np.zeros((3, 3))}
    >>> gradients(params, np.eye(3)[[[0, 1, 1]]], [0])["W_QK"].any()
    np.False_
    """
    if (targets is None) == (d_logits is None):
        raise ArgumentError("targets", "both or neither of targets and d_logits", "one of the two",
                            "Pass targets for the loss, or d_logits for a gradient of your own.")
    head = OneHead(params)
    x = check_array("x", x, shape=("batch", "n_ctx", head.W_QK.shape[-2]), leading=True)
    lead = np.broadcast_shapes(x.shape[:-3], head.W_QK.shape[:-2])
    rows = torch.tensor(np.broadcast_to(x, lead + x.shape[-3:]), requires_grad=True)
    logits = head(rows)["logits"]
    if targets is not None:
        targets = check_array("targets", targets, shape=(logits.shape[-2],), kind="whole", low=0,
                              high=logits.shape[-1] - 1, leading=True)
        wanted = torch.tensor(np.broadcast_to(targets, logits.shape[:-1])).flatten()
        loss = F.cross_entropy(logits.flatten(end_dim=-2), wanted, reduction="sum") / logits.shape[-2]
        loss.backward()
    else:
        upstream = check_array("d_logits", d_logits, shape=tuple(logits.shape))
        logits.backward(torch.tensor(upstream))
    return {"W_QK": head.W_QK.grad.numpy(), "W_OV": head.W_OV.grad.numpy(), "x": rows.grad.numpy()}
