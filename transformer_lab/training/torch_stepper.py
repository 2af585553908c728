"""A PyTorch module with its optimiser, as :func:`~transformer_lab.training.fit.fit` wants it: the twin of Stepper."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from ..byhand.optimizers import make_optimizer
from ..checks import check_callable, check_choice, check_flag, check_number, check_seed, check_type
from ..config import SETTINGS
from ..errors import DtypeError, RangeError, ShapeError, installed
from ..randomness import generator
from ..rules import Array, Choice, Flags, Number, Wholes
from ..signatures import checked
from .history import OPTIMIZER, check_state
from .stepper import check_max_norm, check_train, opened

__all__ = ["TorchStepper"]

ARRAYS = Array(finite=False) | Wholes() | Flags()  # what a batch is made of

torch = installed("torch", "The PyTorch steppers")

from .muon import Muon, is_map  # noqa: E402 (a missing torch is said first)

#: What products are computed in; weights and their sums are always what the module has.
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


class Part(NamedTuple):
    """An optimiser with the parameters that it moves, by name, what it remembers of each, and its share of the rate."""

    optimizer: torch.optim.Optimizer
    named: dict
    remembers: tuple[str, ...] = ()
    share: float = 1.0


def adam(kind):
    def make(named, *, beta1=0.9, beta2=0.999, eps=1e-8, **decay):
        found = kind(named.values(), lr=0.0, betas=(beta1, beta2), eps=eps, fused=True, **decay)
        return [Part(found, named, ("step", "exp_avg", "exp_avg_sq"))]

    return make


@checked
def muon(named: dict, *, mu: Number(low=0, high=0.9999) = 0.95, weight_decay: Number(low=0) = 0.05,
         rest: Number(above=0) = 0.25, beta1: Number(low=0, high=0.9999) = 0.9,
         beta2: Number(low=0, high=0.9999) = 0.99, precision: Choice(PRECISIONS) = "float32"):
    """Muon for the maps of the blocks; AdamW at a share ``rest`` of the rate, without decay, for all else."""
    maps = {name: value for name, value in named.items() if is_map(name)}
    others = {name: value for name, value in named.items() if name not in maps}
    moved = Muon(maps, mu=mu, weight_decay=weight_decay, dtype=PRECISIONS[precision])
    (adamw,) = OPTIMIZERS["adamw"](others, beta1=beta1, beta2=beta2, weight_decay=0.0)
    return [Part(moved, maps, ("momentum_buffer",)), adamw._replace(share=rest)]


#: The optimisers by the names and with the settings that they have by hand; Muon is here alone.
OPTIMIZERS = {
    "sgd": lambda named: [Part(torch.optim.SGD(named.values(), lr=0.0), named)],
    "momentum": lambda named, mu=0.9: [Part(torch.optim.SGD(named.values(), lr=0.0, momentum=mu), named,
                                            ("momentum_buffer",))],
    "adam": adam(torch.optim.Adam),
    "adamw": adam(torch.optim.AdamW),
    "muon": muon,
}


class TorchStepper:
    """One update after the other by autograd and ``torch.optim``, of any module with ``module.loss(tokens, targets)``.

    The arguments are those of :class:`~transformer_lab.training.stepper.Stepper`, whose model by hand is replaced by
    the module: a batch of NumPy arrays goes to ``module.loss`` as tensors, a ``tap`` as ``tap=``. Dropout depends on
    the seed and the step alone, so that a resumed run equals an uninterrupted one. One optimiser more is here:
    ``"muon"`` (:func:`muon`).

    With ``precision="bfloat16"`` matrix products have 8 bits of each number, and the weights all of theirs; on
    processors that know such numbers that is twice as fast. ``compiled`` lets ``torch.compile`` write the code of the
    loss, which takes some 20 seconds. ``device`` is where the module goes: ``"cpu"``, ``"cuda"``, ``"mps"``.

    Where ``torch.distributed`` has been initialised, as ``torchrun`` lets one do, all processes are given the same
    batches; each takes its share of the rows, and the gradients are averaged: the same steps, but for rounding, where
    the rows can be shared evenly and every target counts alike. One of the processes keeps the record.

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
                 seed: int = 0, tap: Callable | None = None, precision: str = "float32", compiled: bool = False,
                 device: str = "cpu", **settings):
        self.module = check_type("module", module, torch.nn.Module).eval()
        check_callable("module.loss", getattr(module, "loss", None))
        self.precision = check_choice("precision", precision, PRECISIONS)
        self.device = known_device(device)
        self.compiled = check_flag("compiled", compiled)
        make = OPTIMIZERS[check_choice("optimizer", optimizer, OPTIMIZERS)]
        if optimizer != "muon":
            make_optimizer(optimizer, np.zeros(1), **settings)  # refuses what the optimiser by hand would
        else:
            for setting in settings:
                check_choice("a setting of 'muon'", setting, SETTINGS["muon"])
            settings["precision"] = precision
        self.named = dict(module.to(self.device).named_parameters())
        self.train = train if callable(train) else check_train(train, self.named)
        self.max_norm, self.seed = check_max_norm(max_norm), check_seed("seed", seed)
        self.tap, self.t = {} if tap is None else {"tap": check_callable("tap", tap)}, 0
        self.forward = torch.compile(module.loss) if compiled else module.loss
        self.parts = make(self.named, **settings)
        for part in self.parts:
            for value in part.named.values():
                part.optimizer.state[value] = {key: torch.zeros(()) if key == "step" else torch.zeros_like(value)
                                               for key in part.remembers}

    def step(self, batch, learning_rate: float) -> dict:
        """Update the weights; returns the loss before the update, and with ``max_norm`` the gradient's norm."""
        check_number("learning_rate", learning_rate, low=0)
        for part in self.parts:
            part.optimizer.param_groups[0]["lr"] = part.share * learning_rate
        loss = check_type("module.loss(tokens, targets)", self.loss(batch), torch.Tensor)
        if loss.ndim or not loss.requires_grad:
            raise DtypeError("module.loss(tokens, targets)", f"{loss!r:.60}", "one number with its graph",
                             "Return the mean.")
        self.module.zero_grad()
        loss.backward()
        loss = self.averaged(loss)
        trained = check_train(self.train(self.t), self.named) if callable(self.train) else self.train
        for name, value in self.named.items():
            if trained is not None and name not in trained:
                value.grad = None  # torch.optim leaves it and its memory alone
        metrics = {"loss": float(loss.detach())} | ({"gradient_norm": self.clip()} if self.max_norm else {})
        for part in self.parts:
            part.optimizer.step()
        self.t += 1
        return metrics

    def loss(self, batch):
        """The loss of a training step, with its graph."""
        rank, world = processes()
        given = [torch.as_tensor(np.array(ARRAYS(f"batch[{i}]", part), order="C")).to(self.device)
                 for i, part in enumerate(opened(batch, 3))]
        if world > 1 and (len(given) > 2 or len(given[0]) % world):
            raise ShapeError("batch", f"{len(given[0])} rows" + ", with weights" * (len(given) > 2),
                             f"a multiple of the {world} processes, without weights", "Change the batch.")
        given = [part[rank::world] for part in given] if world > 1 else given
        given[2:] = [weights.to(next(iter(self.named.values())).dtype) for weights in given[2:]]
        with self.surroundings(), torch.random.fork_rng(devices=[]):
            drawn = generator(self.seed, f"dropout {rank}" if rank else "dropout", self.t)
            # torch.manual_seed notes the call for GPUs that may not be there, which takes longer than all the rest here
            seed = torch.default_generator.manual_seed if self.device.type == "cpu" else torch.manual_seed
            seed(int(drawn.integers(2**63)))
            try:
                self.module.train()
                return (self.module.loss if self.tap else self.forward)(*given, **self.tap)
            finally:
                self.module.eval()

    def averaged(self, loss):
        """The mean loss of all processes; their gradients are averaged, too."""
        if processes()[1] > 1:
            loss = loss.detach()
            for value in [loss, *(value.grad for value in self.named.values() if value.grad is not None)]:
                torch.distributed.all_reduce(value)
                value.div_(processes()[1])
        return loss

    def surroundings(self):
        """The precision of products, and the device on which new tensors are made."""
        within = ExitStack()
        if self.precision != "float32":
            within.enter_context(torch.autocast(self.device.type, PRECISIONS[self.precision]))
        if self.device.type != "cpu":
            within.enter_context(self.device)
        return within

    def clip(self) -> float:
        gradients = [value.grad for value in self.named.values() if value.grad is not None] or [torch.zeros(1)]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(grad) for grad in gradients]))
        if norm > self.max_norm:
            share = self.max_norm / norm
            for grad in gradients:
                grad.mul_(share)
        return float(norm)

    def settings(self) -> dict:
        """All that the updates depend on besides the weights and the batches; functions as they are."""
        first, *others = ({"optimizer": type(part.optimizer).__name__, **chosen(part.optimizer)} for part in self.parts)
        rest = {"rest": {**others[0], "share": self.parts[1].share}} if others else {}
        return {"model": getattr(self.module, "config", type(self.module)), **first, **rest, "max_norm": self.max_norm,
                "seed": self.seed, "train": self.train, "precision": self.precision, "compiled": self.compiled,
                "device": self.device.type, **self.tap}

    def versions(self) -> dict:
        """What its bits depend on, too."""
        return {"torch": torch.__version__, "threads": torch.get_num_threads()}

    def memory(self) -> dict:
        """What the optimisers remember: tensors by parameter and key."""
        return {(name, key): tensor for part in self.parts for name, value in part.named.items()
                for key, tensor in part.optimizer.state[value].items()}

    def state(self) -> dict:
        """Copies of the weights by name, and the optimiser's memory, as NumPy arrays."""
        memory = {f"{OPTIMIZER}{name}.{key}": tensor for (name, key), tensor in self.memory().items()}
        arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in (self.named | memory).items()}
        return arrays | {f"{OPTIMIZER}t": np.array(self.t)}

    def load_state(self, state: dict) -> None:
        """Put a state back, bit for bit; one of another model or optimiser is refused."""
        check_state(state, self.state())
        with torch.no_grad():
            for name, value in self.named.items():
                value.copy_(torch.as_tensor(state[name]))
            for (name, key), tensor in self.memory().items():
                tensor.copy_(torch.as_tensor(state[f"{OPTIMIZER}{name}.{key}"]))
        self.t = int(state[f"{OPTIMIZER}t"])


def processes() -> tuple[int, int]:
    """Which of how many processes this is, of those that train one model."""
    there = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (torch.distributed.get_rank(), torch.distributed.get_world_size()) if there else (0, 1)


@torch.no_grad()
def read(module, tokens, rows: int = 256) -> np.ndarray:
    """What a module gives for tokens (n, ...), so many rows at a time; it has no axis of seeds."""
    return torch.cat([module(torch.as_tensor(tokens[i:i + rows])) for i in range(0, len(tokens), rows)]).numpy()


def chosen(optimizer) -> dict:
    """The settings of an optimiser, but for the rate."""
    return {name: value for name, value in optimizer.param_groups[0].items()
            if name not in ("params", "lr", "params_names")}


def known_device(name) -> torch.device:
    """A device that this PyTorch has, with which it can compute."""
    try:
        return torch.zeros(1, device=check_type("device", name, str)).device
    except (RuntimeError, AssertionError, NotImplementedError):
        raise RangeError("device", repr(name)[:60], "one that this PyTorch can use, such as 'cpu'",
                         "Leave it out, or install PyTorch for that device.") from None
