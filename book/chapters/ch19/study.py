"""Chapter 19's studies: what leaving cells out does to trained models, how long attention takes, and the way back.

``transformer-lab study`` with the names ``sparse-patterns``, ``attention-times``, ``cached-writing`` and
``computed-again`` makes the records again.
"""

from __future__ import annotations

import platform
import time
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np

from transformer_lab.analysis.certificates.plane import WANTED
from transformer_lab.analysis.plane_models import UNTIL_PROVED, params_of
from transformer_lab.byhand import transformer
from transformer_lab.byhand.attention import attend, causal_mask
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.config import ModelConfig
from transformer_lab.randomness import generator
from transformer_lab.rules import Flags, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import Examples
from transformer_lab.training import Study, fit

from .memory import chain, in_segments, writer
from .patterns import PATTERNS, linear_attend, mask_of
from .tiles import attend_in_tiles

__all__ = ["AGAIN", "SPARSE", "TIMES", "WRITTEN", "deep_chain", "proved_models", "right_by_distance"]

N_CTX, PLUS, EACH = 32, 11, 100
TRAINING = {"steps": 800, "batch": 64, "rate": 3e-3, "warmup": 100, "max_norm": 1.0}
MODEL = ModelConfig(d_vocab=12, n_ctx=N_CTX, d_model=32, n_heads=2, n_layers=2, d_mlp=128, positions="learned",
                    norm="layer", mask="causal", read_out="last")
USED = (*PATTERNS, "linear")
LENGTHS = (128, 256, 512, 1024, 2048, 4096)


def contexts(n: int, *, seed: int = 0, step: int = 0, distances=None) -> Examples:
    """Contexts of the rule "after + comes the latest even number": the ``+`` is last, the answer so many tokens back,
    where none are given each distance equally often. Before the answer stand any numbers, behind it odd ones.
    """
    rng, places = generator(seed, "contexts by distance", step), np.arange(N_CTX)
    at = N_CTX - 1 - (rng.integers(1, N_CTX, size=n) if distances is None else distances)[:, None]
    tokens, odd = rng.integers(11, size=(n, N_CTX)), 1 + 2 * rng.integers(5, size=(n, N_CTX))
    answers = 2 * rng.integers(6, size=n)
    tokens = np.where(places > at, odd, np.where(places == at, answers[:, None], tokens))
    tokens[:, -1] = PLUS
    return Examples(tokens, answers)


def held_out(each: int = EACH) -> Examples:
    """So many contexts at each distance, which no training draws."""
    return contexts((N_CTX - 1) * each, seed=10**6, distances=np.repeat(np.arange(1, N_CTX), each))


def by_distance(logits, answers) -> np.ndarray:
    """The share of right answers at each distance, (..., 31)."""
    hits = logits.argmax(axis=-1) == answers
    return hits.reshape(*hits.shape[:-1], N_CTX - 1, -1).mean(axis=-1)


def reading(name: str, seed: int):
    """A tap for the PyTorch model: it hides the cells that a pattern leaves out, or weighs keys by their features."""
    import torch
    mask, seen = torch.tensor(mask_of("dense" if name == "linear" else name, N_CTX, seed=seed)), {}

    def kernel(what, value):
        seen[what.rpartition(".")[2]] = value
        if not what.endswith("pattern"):
            return value
        weights = (torch.nn.functional.elu(seen["q"]) + 1) @ (torch.nn.functional.elu(seen["k"]) + 1).mT * mask
        return weights / weights.sum(dim=-1, keepdim=True)

    def sparse(what, value):
        return value.masked_fill(~mask, -torch.inf) if what.endswith("scores") else value

    return kernel if name == "linear" else sparse


def trained(pattern: str, seed: int) -> dict:
    """A model of two layers that is trained with a pattern: what it gets right with each of them, by distance."""
    import torch

    from transformer_lab.models.transformer import Transformer
    from transformer_lab.training.torch_stepper import TorchStepper
    t = TRAINING
    model = Transformer(MODEL, transformer.init(MODEL, seed=seed))
    fit(TorchStepper(model, "adamw", tap=reading(pattern, seed), max_norm=t["max_norm"], seed=seed),
        lambda step: contexts(t["batch"], seed=seed, step=step), steps=t["steps"], every=t["steps"],
        learning_rate=warmup_linear(t["rate"], t["steps"], t["warmup"]))
    tokens, answers = held_out()
    with torch.no_grad():
        right = [by_distance(model(torch.tensor(tokens), reading(used, seed)).numpy(), answers) for used in USED]
    return {"right": (("used", "distance"), right), "used": ("used", list(USED)),
            "distance": ("distance", np.arange(1, N_CTX))}


def proved_config(n_ctx: int = N_CTX) -> ModelConfig:
    """The shape of the models that are proved: one layer, one head, a stream two wide."""
    return ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=n_ctx)


def proved_models() -> dict:
    """The weights of the 16 models of one layer that are proved right on every context of 32 tokens."""
    return params_of(UNTIL_PROVED[N_CTX].load().rename(seed="model"))


@checked
def right_by_distance(params: dict, row: Flags("32")) -> np.ndarray:
    """What models of one layer get right where the last query may read the keys in ``row`` alone: (model, distance), on
    25 contexts at each distance.

    >>> models = {name: value[:2] for name, value in proved_models().items()}
    >>> right_by_distance(models, mask_of("window", 32)[-1])[:, :7].min()
    np.float64(1.0)
    """
    tokens, answers = held_out(25)

    def tap(name, value):
        return np.where(row, value, -np.inf) if name.endswith("scores") else value

    return by_distance(transformer.forward(params, tokens, proved_config(), tap=tap)["logits"][..., -1, :], answers)


def cpu() -> str:
    """What the processor calls itself."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


WAYS = {"dense": lambda q, k, v: attend.unchecked(q, k, v)["z"],
        "tiles": lambda q, k, v: attend_in_tiles(q, k, v, rows=128, columns=128)["z"],
        "linear": linear_attend}


def timed(way: str, n: int, repeats: int = 20) -> dict:
    """CPU seconds of one head of 64 numbers, forward, and the most bytes held at once besides what was given."""
    q, k, v = generator(0, "timing").normal(size=(3, n, 64)).astype(np.float32)
    call = partial(WAYS[way], q, k, v)
    seconds = [seconds_of(call) for _ in range(repeats + 1)][1:]
    return {"seconds": ("repeat", seconds), "bytes": held_by(call), "cpu": cpu()}


def held_by(call) -> int:
    """The most bytes that a call held at once."""
    tracemalloc.start()
    call()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def seconds_of(call) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def write_tokens(n: int, cached: bool, **shape) -> tuple[list[int], list[float]]:
    """The likeliest tokens one after the other, and the seconds that each took."""
    from transformer_lab.models.generate import generate, greedy
    from transformer_lab.models.transformer import Transformer
    (params, config), ticks = writer(n, **shape), []

    def likeliest(logits):
        ticks.append(time.process_time())
        return greedy(logits)

    model, began = Transformer(config, params), time.process_time()
    tokens = generate(model, [[0]], n, change=likeliest, cached=cached)[0]
    return tokens, np.diff([began, *ticks]).tolist()


def written(cached: bool, repeats: int = 3) -> dict:
    """CPU seconds for each of 512 tokens that a model of four layers writes, with keys and values kept, or without."""
    return {"seconds": (("repeat", "token"), [write_tokens(512, cached=cached, d_model=64)[1] for _ in range(repeats)]),
            "cpu": cpu()}


@checked
def deep_chain(n_layers: Whole(1) = 64) -> tuple[list[tuple], np.ndarray, np.ndarray]:
    """So many blocks of one width (:func:`chain`), a stream of 128 tokens that enters, and the gradient behind them.

    >>> layers, x, d_out = deep_chain(3)
    >>> len(layers), x.shape == d_out.shape == (1, 128, 32)
    (3, True)
    """
    x, d_out = generator(5, "ch19 segments").normal(size=(2, 1, 128, 32))
    return chain(*writer(128, d_model=32, n_layers=n_layers), causal_mask(128)), x, d_out


def again(segments: int, repeats: int = 20) -> dict:
    """CPU seconds and the most bytes of a way through 64 layers and back: everything kept, and in so many segments, in
    turns, so that both meet the same machine.
    """
    ways = [partial(in_segments.unchecked, *deep_chain(), each) for each in (None, segments)]
    seconds = [[seconds_of(way) for way in ways] for _ in range(repeats + 1)][1:]
    return {"seconds": (("repeat", "way"), seconds), "bytes": ("way", [held_by(way) for way in ways]),
            "way": ("way", ["kept", "again"]), "cpu": cpu()}


SPARSE = Study("sparse-patterns", trained, {"pattern": USED}, seeds=range(5), recipe=MODEL,
               settings={"training": TRAINING, "each": EACH})
TIMES = Study("attention-times", timed, {"way": tuple(WAYS), "n": LENGTHS}, settings={"repeats": 20, "clock": "CPU"})
WRITTEN = Study("cached-writing", written, {"cached": (True, False)},
                settings={"repeats": 3, "tokens": 512, "d_model": 64, "clock": "CPU"}, version=2)
AGAIN = Study("computed-again", again, {"segments": [2**i for i in range(7)]},
              settings={"repeats": 20, "layers": 64, "tokens": 128, "d_model": 32, "clock": "CPU"})
