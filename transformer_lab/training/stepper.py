"""A model written by hand with its optimiser, as :func:`~transformer_lab.training.fit.fit` wants it."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np

from ..byhand import one_head
from ..byhand.optimizers import clip, keep_freed_memory, length, make_optimizer
from ..byhand.parts import dropout_masks
from ..byhand.transformer import loss_and_gradients, pack, unpack
from ..checks import check_array, check_callable, check_choice, check_entries, check_number, check_seed, check_type
from ..config import ModelConfig, OneHeadConfig
from ..errors import ArgumentError, DtypeError, ShapeError
from ..names import parameter_shapes
from ..rules import Choice, Each, Function, Is, as_array
from ..wording import written
from .history import OPTIMIZER, check_measured, check_state

__all__ = ["Stepper"]


class Stepper:
    """One update after the other: forward, loss, backward, clip, optimiser.

    ``params`` are copied; their leading axes are seeds. ``model`` says whose gradients are taken: a ModelConfig means
    the transformer, a OneHeadConfig the one head, and a function ``model(params, batch) -> (loss, gradients)`` any
    other; in the loss's place it may return a dict of what it measured. A batch of the first two is ``(tokens,
    targets)``; with ``(tokens, targets, weights)`` the transformer's loss is a weighted mean over its targets.

    ``train`` names the parameters that are updated, always the same or ``train(step)``; the others stay as they are,
    and so does what the optimiser remembers of them. ``max_norm`` is the largest norm of a gradient, 0 for no limit;
    the norm before the cut is then measured as ``gradient_norm``, with ``max_norm=math.inf`` without any cut. ``seed``
    is that of the dropout masks: where weights have an axis of seeds, entry i has those of ``seed + i``. A ``tap``
    takes part in every training step, on the way forward and back. ``settings`` are those of the optimiser.

    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=5, n_ctx=2, d_model=8, read_out="last")
    >>> stepper = Stepper(init(config), config, "adam")
    >>> batch = np.array([[1, 2], [3, 4]]), np.array([3, 0])
    >>> losses = [stepper.step(batch, 0.1)["loss"] for _ in range(30)]
    >>> bool(losses[0] > 1.5 and losses[-1] < 0.01)
    True
    """

    def __init__(self, params: dict, model: ModelConfig | OneHeadConfig | Callable, optimizer: str = "adamw", *,
                 train=None, max_norm: float = 0.0, seed: int = 0, tap: Callable | None = None, **settings):
        self.config, self.shapes = model, shapes_of(model, params)
        self.max_norm, self.seed = check_max_norm(max_norm), check_seed("seed", seed)
        self.train = train if callable(train) else check_train(train, self.shapes)
        self.tap = {} if tap is None else {"tap": check_callable("tap", tap)}
        keep_freed_memory()
        self.theta = pack(params, self.shapes)
        self.gradient = np.empty_like(self.theta)
        self.params = unpack(self.theta, self.shapes)
        seeds = self.seed if self.theta.ndim == 1 else [self.seed + i for i in range(len(self.theta))]
        self.measured = GRADIENTS[type(model)](model, seeds) if type(model) in GRADIENTS else of_function(model)
        self.optimizer = make_optimizer(optimizer, self.theta, **settings)

    def step(self, batch, learning_rate: float) -> dict:
        """Update the weights; returns what was measured before the update, the loss first."""
        metrics, grads = self.measured(self.params, batch, self.optimizer.t, **self.tap)
        trained = check_train(self.train(self.optimizer.t), self.shapes) if callable(self.train) else self.train
        frozen = () if trained is None else self.shapes.keys() - trained
        pack({**grads, **{name: np.zeros_like(grads[name]) for name in frozen}}, self.shapes, out=self.gradient)
        if self.max_norm:
            metrics["gradient_norm"] = self.clip()
        kept = [(part, part.copy()) for part in self.parts(frozen)]
        self.optimizer.update(self.theta, self.gradient, learning_rate)
        for part, before in kept:
            part[...] = before
        return metrics

    def clip(self):
        """Cut the gradient to ``max_norm``; returns the norm that it had."""
        return clip(self.gradient, self.max_norm) if np.isfinite(self.max_norm) else length(self.gradient)

    def evaluate(self, batch) -> dict:
        """What a step would measure on this batch; no weight changes, and nothing is dropped."""
        return self.measured(self.params, batch, None, **self.tap)[0]

    def parts(self, names) -> list[np.ndarray]:
        """Views of these parameters, and of the optimiser's memory of them."""
        for name in (names := Is((tuple, list, set, frozenset))("names", names)):
            check_choice("names", name, self.shapes)
        vectors = [self.theta, *self.optimizer.memory.values()] if names else []
        return [part for vector in vectors
                for name, part in unpack.unchecked(vector, self.shapes).items() if name in names]

    def settings(self) -> dict:
        """All that the updates depend on besides the weights and the batches; functions as they are."""
        chosen = {name: value for name, value in vars(self.optimizer).items() if name not in ("t", "memory")}
        return {"model": self.config, "optimizer": type(self.optimizer).__name__, **chosen, "max_norm": self.max_norm,
                "seed": self.seed, "train": self.train, **self.tap}

    def state(self) -> dict:
        """The weights by name, and the optimiser's memory."""
        return self.params | {OPTIMIZER + name: value for name, value in self.optimizer.state().items()}

    def load_state(self, state: dict) -> None:
        """Put a state back, bit for bit; one of another model or optimiser is refused."""
        check_state(state, self.state())
        self.optimizer.load_state({name.removeprefix(OPTIMIZER): value for name, value in state.items()
                                   if name.startswith(OPTIMIZER)})  # it refuses before anything has changed
        for name, value in self.params.items():
            value[...] = state[name]


def of_transformer(config: ModelConfig, seeds):
    def measured(params, batch, step, **tap):
        tokens, targets, *weights = opened(batch, 3)
        masks = None if step is None or not config.dropout else dropout_masks(config.dropout, seeds, step)
        weights = {"weights": weights[0]} if weights else {}
        value, grads = loss_and_gradients(params, tokens, targets, config, masks=masks, **weights, **tap)
        return {"loss": value}, grads

    return measured


def of_one_head(config: OneHeadConfig, seeds):
    """Beside the loss the accuracy and the size of each gradient are measured, an entry a seed."""
    last = [None, None]  # tokens and their rows: a fixed set of sequences is encoded once

    def rows(tokens, params):
        if config.positions == "learned":
            return one_head.encode(tokens, config, params)
        if last[0] is not tokens:
            last[:] = tokens, one_head.encode(tokens, config, dtype=params["W_QK"].dtype)
        return last[1]

    def measured(params, batch, step, tap=None):
        tokens, targets = opened(batch, 2)
        acts = one_head.forward(params, rows(tokens, params), tap)
        grads = one_head.backward(params, acts, targets, tap=tap)
        right = acts["logits"].argmax(axis=-1) == targets
        sizes = {f"grad_{name}": np.sqrt((grad**2).sum(axis=(-2, -1))) for name, grad in grads.items()}
        return {"loss": one_head.loss(acts["logits"], targets), "accuracy": right.mean(axis=-1), **sizes}, grads

    return measured


def of_function(function: Callable):
    def measured(params, batch, step, **tap):
        return taken(function(params, batch, **tap), params)

    return measured


def taken(pair, params) -> tuple[dict, dict]:
    """What a reader's own function measured, and the gradients, of the parameters' kind and shapes."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise DtypeError("model(params, batch)", f"{pair!r:.60}", "(loss, gradients)", "Return both.")
    found, grads = pair if isinstance(pair[0], dict) else ({"loss": pair[0]}, pair[1])
    check_entries("gradients", grads, params)
    check_measured("model(params, batch)[0]", found)
    kinds = {name: "inexact" if np.iscomplexobj(value) else "float" for name, value in params.items()}
    return dict(found), dict(grads) | {
        name: check_array(f"gradients[{name!r}]", grads[name], shape=value.shape, kind=kinds[name], finite=False)
        for name, value in params.items()}


GRADIENTS = {ModelConfig: of_transformer, OneHeadConfig: of_one_head}


def opened(batch, most: int):
    if not 2 <= len(Is((tuple, list))("batch", batch)) <= most:
        raise ArgumentError("batch", written(batch), ("(tokens, targets)", "(tokens, targets, weights)")[most == 3],
                            "Let batches(step) return such a tuple.")
    return batch


def shapes_of(model, params: dict) -> dict[str, tuple[int, ...]]:
    """The shapes of a model's parameters without their leading axes; those of a function's have none."""
    check_type("params", params, dict)
    if type(model) is ModelConfig:
        shapes = parameter_shapes(model)
    else:
        last = {OneHeadConfig: 2}.get(type(model), 0)
        shapes = {name: np.shape(value)[-last:] for name, value in params.items()}
    if not callable(model) and type(model) not in GRADIENTS:
        raise DtypeError("model", written(model), "a ModelConfig, a OneHeadConfig or a function", "Pass one.")
    if type(model) not in GRADIENTS:
        Function("params", "batch")("model", model)
    check_entries("params", params, shapes)
    for name in params or [None]:
        check_choice("params", name, shapes)
    params = {name: as_array(f"params[{name!r}]", params[name], "numbers") for name in shapes}
    for name, shape in shapes.items():
        check_array(f"params[{name!r}]", params[name], shape=shape, kind="inexact", leading=True, finite=False)
    kinds = {(np.shape(params[name])[:np.ndim(params[name]) - len(shape)], params[name].dtype)
             for name, shape in shapes.items()}
    if len(kinds) > 1:
        raise ShapeError("params", "several leading axes or dtypes", "the same for all parameters", "Take one init().")
    return shapes


def check_max_norm(value) -> float:
    """A number of at least 0; infinity measures norms and cuts none."""
    infinite = isinstance(value, (float, np.floating)) and value == np.inf
    return float(value) if infinite else check_number("max_norm", value, low=0)


def check_train(names, known) -> tuple[str, ...] | None:
    """Names of parameters, or None for all of them."""
    if isinstance(names, str):
        names = (names,)
    names = sorted(names, key=str) if isinstance(names, Set) else names
    return None if names is None else Each(Choice(known), low=0)("train", names)
