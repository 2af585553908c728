"""What stands at the two ends of every model: parameters and tokens that fit come in, logits meet their targets."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from ..checks import check_array, check_type
from ..errors import DtypeError, RangeError, ShapeError, UnknownNameError
from ..names import IGNORED, parameter_shapes
from ..parts import TWIN, check_known
from ..wording import written

WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def whole(argument, tensor, below, besides=0):
    """Refuse all but a tensor of whole numbers from 0 that are less than ``below``, or equal to ``besides``."""
    if not isinstance(tensor, torch.Tensor) or tensor.dtype not in WHOLE or tensor.is_meta or tensor.is_sparse:
        came = f"{tensor.dtype} on {tensor.device}" if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise DtypeError(argument, came, "a tensor of whole numbers", f"Pass torch.tensor({argument}).")
    if torch.compiler.is_compiling():  # compiled code cannot branch on values
        return
    least, most = map(int, tensor.aminmax()) if tensor.numel() else (0, 0)
    if most >= below or (least < 0 and bool(((tensor < 0) & (tensor != besides)).any())):
        raise RangeError(argument, f"{least} to {most}", f"tokens from 0 to {below - 1}",
                         "Choose a value in this range.")


def real(tensor) -> bool:
    """Whether this is a tensor of real numbers that are there."""
    return (isinstance(tensor, torch.Tensor) and not tensor.is_complex() and not tensor.is_meta
            and tensor.layout == torch.strided)


def spreads(shape, wanted) -> bool:
    """Whether an array of this shape broadcasts to the one that is wanted."""
    return len(shape) <= len(wanted) and all(
        found in (1, length) for found, length in zip(reversed(shape), reversed(wanted), strict=False))


def check_tokens(argument, tokens, config) -> None:
    """Refuse what indexing would accept: tokens from the end of the table, and more of them than positions."""
    whole(argument, tokens, config.d_vocab)
    if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= config.n_ctx or not len(tokens):
        raise ShapeError(argument, f"a tensor of shape {tuple(tokens.shape)}", f"(batch, at most {config.n_ctx})",
                         "Pass one row for each sequence.")


def padding_apart(argument, tokens, pad):
    """Which of the tokens (batch, pos) are no padding, or None where nothing is; a row that is all padding is refused,
    for its softmax would have nothing to weigh.
    """
    if pad is None:
        return None
    real = tokens != pad
    if not torch.compiler.is_compiling() and not (held := real.any(dim=1)).all():  # as in whole
        raise RangeError(argument, f"nothing but padding ({pad}) in row {int(held.int().argmin())}",
                         "a token in each row", "Leave this row out.")
    return real


def checked_params(config, kind, params) -> dict:
    """The parameters that a configuration of this kind asks for, with their shapes."""
    shapes = parameter_shapes(check_type("config", config, kind))
    check_known(config, TWIN)
    if check_type("params", params, dict).keys() != shapes.keys():
        wrong = ", ".join(sorted(map(written, params.keys() ^ shapes.keys())))
        raise UnknownNameError("params", f"names that do not fit: {wrong}", "the names in parameter_shapes(config)",
                               "Take them from transformer_lab.byhand.transformer.init(config).")
    return {name: np.asarray(check_array(f"params[{name!r}]", params[name], shape=shape), order="C")
            for name, shape in shapes.items()}


def cross_entropy(logits, targets, weights=None):
    """Mean cross-entropy in nats of logits (..., d_vocab) over the targets (...) that are not -100, or their mean with
    these weights.

    >>> round(cross_entropy(torch.zeros(2, 4), torch.tensor([3, -100])).item(), 4)
    1.3863
    """
    whole("targets", targets, logits.shape[-1], besides=IGNORED)
    if weights is not None and not real(weights):
        raise DtypeError("weights", type(weights).__name__, "a tensor of numbers", "Pass torch.tensor(weights).")
    if weights is not None and not spreads(weights.shape, targets.shape):
        raise ShapeError("weights", f"a tensor of shape {tuple(weights.shape)}", f"{tuple(targets.shape)}",
                         "Give one weight for each target.")
    if weights is not None and not bool((torch.isfinite(weights) & (weights >= 0)).all()):
        raise RangeError("weights", "a negative one, NaN or infinity", "finite numbers of at least 0", "Mend them.")
    if targets.shape != logits.shape[:-1]:
        raise ShapeError("targets", f"a tensor of shape {tuple(targets.shape)}", f"{tuple(logits.shape[:-1])}",
                         "Give one target for each row of logits.")
    logits, rows = logits.flatten(end_dim=-2), targets.flatten()
    if weights is None:
        return F.cross_entropy(logits, rows, ignore_index=IGNORED)
    weights = weights.expand(targets.shape).flatten() * (rows != IGNORED)
    weights = weights / 2.0 ** (math.frexp(float(weights.max()))[1] - 1)  # as by hand: no sum overflows
    rows, total = torch.where(weights == 0, IGNORED, rows), weights.sum()
    costs = F.cross_entropy(logits, rows, ignore_index=IGNORED, reduction="none")
    return (costs * weights).sum() / torch.where(total == 0, 1, total)
