r"""Muon (Jordan et al. 2024): descent whose steps are orthogonal matrices, so that no direction is left behind.

The momentum of a map's gradient, :math:`B = U \Sigma V^\top`, becomes about :math:`U V^\top`: all its singular values
become nearly 1. Five rounds of a polynomial do that (Newton and Schulz), with products of matrices alone:

.. math:: X \leftarrow a X + (b X X^\top + c (X X^\top)^2) X, \quad a, b, c = 3.4445, -4.775, 2.0315

Each head's query, key, value and output map is a matrix of its own. Maps of one shape are worked through together.
"""

from __future__ import annotations

from ..checks import check_number, check_type
from ..errors import EmptyError, installed
from ..names import lookup

__all__ = ["Muon"]

torch = installed("torch", "The PyTorch steppers")

A, B, C = 3.4445, -4.7750, 2.0315


def orthogonal(g, rounds: int = 5, dtype=None):
    """About the orthogonal matrices nearest to g (..., rows, columns): singular values from 0.7 to 1.2, but for those
    that are smallest beside the others. ``dtype`` is that of the products; without it g's own.

    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch...>
    >>> values = torch.linalg.svdvals(orthogonal(torch.randn(3, 4, 16)))
    >>> bool((0.6 < values).all() and (values < 1.3).all())
    True
    """
    x = wide(g)
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    x = x if dtype is None else x.to(dtype)
    for _ in range(rounds):
        gram = x @ x.mT
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return (x if x.shape == g.shape else x.mT).to(g.dtype)


def is_map(name: str) -> bool:
    """Whether a parameter is a map inside a block: a matrix, or one for each head.

    >>> [name for name in ("W_E", "blocks.0.W_Q", "blocks.0.b_Q", "blocks.0.ln1_w") if is_map(name)]
    ['blocks.0.W_Q']
    """
    return "blocks." in name and lookup(name).name.startswith("W_")


class Muon(torch.optim.Optimizer):
    """The optimiser, for parameters by name that :func:`is_map`; ``mu`` is the share of the past in the momentum.

    A step is scaled by the root of columns over rows where that is more than 1, as its authors do; what it does to a
    plain matrix is what ``torch.optim.Muon`` does.

    >>> W = torch.nn.Parameter(torch.ones(2, 2))
    >>> muon = Muon({"blocks.0.W_in": W}, mu=0.9)
    >>> muon.param_groups[0]["lr"] = 0.1
    >>> W.grad = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    >>> muon.step()
    >>> [round(value, 1) for value in W.detach().diag().tolist()]
    [0.9, 1.1]
    """

    def __init__(self, named: dict, *, mu: float = 0.95, weight_decay: float = 0.0, dtype=None):
        mu = check_number("mu", mu, low=0, high=1)
        weight_decay = check_number("weight_decay", weight_decay, low=0)
        for name, value in check_type("named", named, dict).items():
            check_type(f"named[{name!r}]", value, torch.nn.Parameter)
        if not named:
            raise EmptyError("named", "no parameters", "at least one", "Pass the maps of a model.")
        if dtype is not None:
            check_type("dtype", dtype, torch.dtype)
        super().__init__(list(named.values()), {"lr": 0.0, "mu": mu, "weight_decay": weight_decay})
        self.dtype = dtype
        axes = {name: [axis.endswith("heads") for axis in lookup(name).shape] for name in named}
        self.heads = {value: axes[name].index(True) for name, value in named.items() if any(axes[name])}

    @torch.no_grad()
    def step(self):
        """One update of all parameters that have a gradient."""
        alike = {}
        for value in self.param_groups[0]["params"]:
            if value.grad is not None:
                found = self.matrices(value, self.direction(value))
                alike.setdefault((min(found.shape[1:]), max(found.shape[1:])), []).append((value, found))
        for pairs in alike.values():
            turned = orthogonal(torch.cat([wide(found) for _, found in pairs]), dtype=self.dtype)
            for (value, found), new in zip(pairs, turned.split([len(found) for _, found in pairs]), strict=True):
                self.move(value, new if new.shape == found.shape else new.mT)

    def move(self, value, new):
        group, (_, rows, columns) = self.param_groups[0], new.shape
        value.mul_(1 - group["lr"] * group["weight_decay"])
        self.matrices(value, value).sub_(new, alpha=group["lr"] * max(1.0, columns / rows) ** 0.5)

    def direction(self, value):
        """Where the momentum will have come next (Nesterov)."""
        mu, memory = self.param_groups[0]["mu"], self.state[value]
        if not memory:
            memory["momentum_buffer"] = torch.zeros_like(value)
        return value.grad.lerp(memory["momentum_buffer"].lerp_(value.grad, 1 - mu), mu)

    def matrices(self, value, like):
        """A view of what is shaped like a parameter: (matrix, rows, columns)."""
        return like.movedim(self.heads[value], 0) if value in self.heads else like[None]


def wide(matrices):
    """Matrices that have no more rows than columns: these, or their transposes."""
    return matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT
