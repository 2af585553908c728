"""A PyTorch module with its optimiser, as :func:`~transformer_lab.training.fit.fit` wants it: the twin of Stepper."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..byhand.optimizers import make_optimizer
from ..checks import check_callable, check_number, check_seed, check_type
from ..errors import DtypeError, installed
from ..randomness import generator
from ..rules import Array, Flags, Wholes
from .history import OPTIMIZER, check_state
from .stepper import check_train, opened

__all__ = ["TorchStepper"]

ARRAYS = Array(finite=False) | Wholes() | Flags()  # what a batch is made of

torch = installed("torch", "The PyTorch steppers")


def adam(kind):
    def make(parameters, *, beta1=0.9, beta2=0.999, eps=1e-8, **decay):
        return kind(parameters, lr=0.0, betas=(beta1, beta2), eps=eps, **decay)

    return make


#: The optimisers by the names and with the settings that they have by hand, and what each remembers of a parameter.
OPTIMIZERS = {
    "sgd": (lambda parameters: torch.optim.SGD(parameters, lr=0.0), ()),
    "momentum": (lambda parameters, mu=0.9: torch.optim.SGD(parameters, lr=0.0, momentum=mu), ("momentum_buffer",)),
    "adam": (adam(torch.optim.Adam), ("step", "exp_avg", "exp_avg_sq")),
    "adamw": (adam(torch.optim.AdamW), ("step", "exp_avg", "exp_avg_sq")),
}


class TorchStepper:
    """One update after the other by autograd and ``torch.optim``, of any module with ``module.loss(tokens, targets)``.

    The arguments are those of :class:`~transformer_lab.training.stepper.Stepper`, whose model by hand is replaced by
    the module: a batch of NumPy arrays goes to ``module.loss`` as tensors, a ``tap`` as ``tap=``. Dropout depends on
    the seed and the step alone, so that a resumed run equals an uninterrupted one.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.models.transformer import Transformer
    >>> config = ModelConfig(d_vocab=5, n_ctx=2, d_model=8, read_out="last")
    >>> stepper = TorchStepper(Transformer(config, init(config)), "adam")
    >>> batch = np.array([[1, 2], [3, 4]]), np.array([3, 0])
    >>> losses = [stepper.step(batch, 0.1)["loss"] for _ in range(30)]
    >>> losses[0] > 1.5 and losses[-1] < 0.01
    True
    """

    def __init__(self, module: torch.nn.Module, optimizer: str = "adamw", *, train=None, max_norm: float = 0.0,
                 seed: int = 0, tap: Callable | None = None, **settings):
        self.module = check_type("module", module, torch.nn.Module).eval()
        check_callable("module.loss", getattr(module, "loss", None))
        make_optimizer(optimizer, np.zeros(1), **settings)  # refuses what the optimiser by hand would
        self.named = dict(module.named_parameters())
        self.train = train if callable(train) else check_train(train, self.named)
        self.max_norm, self.seed = check_number("max_norm", max_norm, low=0), check_seed("seed", seed)
        self.tap, self.t = {} if tap is None else {"tap": check_callable("tap", tap)}, 0
        make, remembered = OPTIMIZERS[optimizer]
        self.optimizer = make(self.named.values(), **settings)
        for value in self.named.values():
            self.optimizer.state[value] = {key: torch.zeros(()) if key == "step" else torch.zeros_like(value)
                                           for key in remembered}

    def step(self, batch, learning_rate: float) -> dict:
        """Update the weights; returns the loss before the update, and with ``max_norm`` the gradient's norm."""
        check_number("learning_rate", learning_rate, low=0)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        loss = check_type("module.loss(tokens, targets)", self.loss(batch), torch.Tensor)
        if loss.ndim or not loss.requires_grad:
            raise DtypeError("module.loss(tokens, targets)", f"{loss!r:.60}", "one number with its graph",
                             "Return the mean.")
        self.optimizer.zero_grad()
        loss.backward()
        trained = check_train(self.train(self.t), self.named) if callable(self.train) else self.train
        for name, value in self.named.items():
            if trained is not None and name not in trained:
                value.grad = None  # torch.optim leaves it and its memory alone
        metrics = {"loss": float(loss.detach())} | ({"gradient_norm": self.clip()} if self.max_norm else {})
        self.optimizer.step()
        self.t += 1
        return metrics

    def loss(self, batch):
        """The loss of a training step, with its graph."""
        given = [torch.as_tensor(ARRAYS(f"batch[{i}]", part)) for i, part in enumerate(opened(batch, 3))]
        given[2:] = [weights.to(next(iter(self.named.values())).dtype) for weights in given[2:]]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(generator(self.seed, "dropout", self.t).integers(2**63)))
            try:
                return self.module.train().loss(*given, **self.tap)
            finally:
                self.module.eval()

    def clip(self) -> float:
        gradients = [value.grad for value in self.named.values() if value.grad is not None] or [torch.zeros(1)]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(grad) for grad in gradients]))
        if norm > self.max_norm:
            for grad in gradients:
                grad.mul_(self.max_norm / norm)
        return float(norm)

    def settings(self) -> dict:
        """All that the updates depend on besides the weights and the batches; functions as they are."""
        group = self.optimizer.param_groups[0]
        chosen = {name: value for name, value in group.items() if name not in ("params", "lr", "params_names")}
        return {"model": getattr(self.module, "config", type(self.module)), "optimizer": type(self.optimizer).__name__,
                **chosen, "max_norm": self.max_norm, "seed": self.seed, "train": self.train, **self.tap}

    def state(self) -> dict:
        """Copies of the weights by name, and the optimiser's memory, as NumPy arrays."""
        memory = {f"{OPTIMIZER}{name}.{key}": tensor for name, value in self.named.items()
                  for key, tensor in self.optimizer.state[value].items()}
        arrays = {name: tensor.detach().numpy().copy() for name, tensor in (self.named | memory).items()}
        return arrays | {f"{OPTIMIZER}t": np.array(self.t)}

    def load_state(self, state: dict) -> None:
        """Put a state back, bit for bit; one of another model or optimiser is refused."""
        check_state(state, self.state())
        with torch.no_grad():
            for name, value in self.named.items():
                value.copy_(torch.as_tensor(state[name]))
                for key, tensor in self.optimizer.state[value].items():
                    tensor.copy_(torch.as_tensor(state[f"{OPTIMIZER}{name}.{key}"]))
        self.t = int(state[f"{OPTIMIZER}t"])
