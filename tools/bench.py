"""`make bench`: how long the import, chapter 2's training and a proof in the plane take, and a step of the digit model
against its peers.

Every contender runs in a process of its own, on one thread, several times in turn; what counts is the median step of
the median run, in processor time, so that other work on the machine disturbs little. The model: 20 tokens, width 64,
4 heads, 2 layers, feed-forward 256, 8 positions, batch 32, float32, Pre-LN, learned positions, read out at the last
token; AdamW. "Trimmed" leaves out what the last block would compute for positions that nobody reads: same loss, same
gradients. At the end, bench_page.py: how long a page takes to answer a key.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import bench_page
import numpy as np
from kernels import OWN, kernel_name
from kernels import environment as environment_of

from transformer_lab import ModelConfig, generator

CONFIG = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, positions="learned",
                     norm="layer", read_out="last")
BATCH, WARM_UP, STEPS, ROUNDS, RATE = 32, 200, 600, 5, 1e-3


def batch():
    rng = generator(0, "bench")
    return rng.integers(20, size=(BATCH, 8)), rng.integers(20, size=BATCH)


def by_hand():
    from transformer_lab.byhand.transformer import init
    from transformer_lab.training.stepper import Stepper

    stepper, data = Stepper(init(CONFIG), CONFIG, "adamw"), batch()
    return lambda: stepper.step(data, RATE)


def by_hand_full():
    from transformer_lab.byhand import transformer
    from transformer_lab.byhand.transformer import pack
    from transformer_lab.training.stepper import Stepper

    stepper, (tokens, targets) = Stepper(transformer.init(CONFIG), CONFIG, "adamw"), batch()

    def step():
        acts = transformer.forward(stepper.params, tokens, CONFIG)
        grads = transformer.backward(stepper.params, acts, targets, CONFIG)
        stepper.optimizer.update(stepper.theta, pack(grads, stepper.shapes, out=stepper.gradient), RATE)
        return transformer.loss(acts["logits"], targets, CONFIG)

    return step


def in_pytorch(make_model):
    import torch

    torch.set_num_threads(1)
    model, (tokens, targets) = make_model(), map(torch.tensor, batch())
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(tokens), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def twin():
    from transformer_lab.byhand.transformer import init
    from transformer_lab.models.transformer import Transformer

    return Transformer(CONFIG, init(CONFIG))


def stock():
    """PyTorch's own encoder: nn.TransformerEncoder with its fused attention."""
    from torch import nn

    class Stock(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(20, 64), nn.Embedding(8, 64)
            layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0, batch_first=True, norm_first=True)
            self.blocks = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(64), enable_nested_tensor=False)
            self.out = nn.Linear(64, 20)

        def forward(self, tokens):
            return self.out(self.blocks(self.tokens(tokens) + self.places.weight)[:, -1])

    return Stock()


CONTENDERS = {
    "by hand, trimmed": by_hand,
    "by hand, full": by_hand_full,
    "PyTorch twin, fused AdamW": lambda: in_pytorch(twin),
    "nn.TransformerEncoder, fused AdamW": lambda: in_pytorch(stock),
}


IMPORT = "import transformer_lab"
TWENTY_HEADS = """
from transformer_lab import OneHeadConfig
from transformer_lab.byhand.one_head import init
from transformer_lab.tasks.patterns import PatternTask, sample
from transformer_lab.training import fit
from transformer_lab.training.stepper import Stepper
config = OneHeadConfig(d_vocab=26, n_ctx=20, positions="one_hot")
lines = sample(PatternTask(), (20, 200), seed=0)
stepper = Stepper(init(config, n_seeds=20), config, "sgd")
fit(stepper, lambda step: lines, steps=500, learning_rate=5.0, every=500)
"""
PLANE = "in the plane"
WHOLE = {"import transformer_lab": IMPORT, "chapter 2: twenty heads, 500 steps": TWENTY_HEADS}


def measure(name: str) -> float:
    """Median processor milliseconds of a step, in this process."""
    step, times = CONTENDERS[name](), []
    for _ in range(WARM_UP + STEPS):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[WARM_UP:])


def run_python(*arguments: str) -> str:
    environment = environment_of(OWN, threads=1)  # the kernel that OpenBLAS picks by itself
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def in_the_plane() -> tuple[float, float, float]:
    """Processor seconds of a proof over all contexts of eight positions (the median of seven), of trying them, and of
    training 32 models.
    """
    from transformer_lab.analysis.certificates.enumerate import enumerate_contexts
    from transformer_lab.analysis.certificates.families import families
    from transformer_lab.analysis.certificates.plane import plane_of
    from transformer_lab.analysis.certificates.prove import prove
    from transformer_lab.analysis.plane_models import UNTIL_PROVED, group, params_of, recipe

    run = recipe()
    plane = plane_of(params_of(UNTIL_PROVED[8].load().sel(seed=0)), run.model, run.task.of.operator)

    def timed(call, *given):
        start = time.process_time()
        call(*given)
        return time.process_time() - start

    of_all = plane, families(run.task)
    return (statistics.median(timed(prove, *of_all) for _ in range(7)), timed(enumerate_contexts, *of_all),
            timed(group, "plain", 0))


def seconds(code: str) -> float:
    """Wall-clock seconds of a fresh interpreter with this code, less those of an empty one; medians of five."""
    def median(source):
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            run_python("-c", source)
            times.append(time.perf_counter() - start)
        return statistics.median(times)
    return median(code) - median("")


def main() -> None:
    for name, code in WHOLE.items():
        print(f"{name:36}{seconds(code):10.2f} s")
    for name, found in zip(("in the plane: a proof", "in the plane: every context", "in the plane: 32 models trained"),
                           map(float, run_python(__file__, PLANE).split()), strict=True):
        print(f"{name:36}{found:10.3f} s")
    print()
    runs = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, times in runs.items():
            times.append(float(run_python(__file__, name)))
    medians = {name: statistics.median(times) for name, times in runs.items()}
    ours = medians["by hand, trimmed"]
    print(f"One step of the digit model, batch {BATCH}, one thread, NumPy {np.__version__}, "
          f"OpenBLAS kernel {kernel_name(OWN)}\n")
    print(f"{'':36}{'median ms':>10}{'best':>8}{'worst':>8}{'/ by hand':>11}")
    for name, times in runs.items():
        print(f"{name:36}{medians[name]:10.2f}{min(times):8.2f}{max(times):8.2f}{medians[name] / ours:11.2f}")
    print()
    bench_page.main()


if __name__ == "__main__":
    if sys.argv[1:] == [PLANE]:
        print(*in_the_plane())
    else:
        print(measure(sys.argv[1])) if len(sys.argv) > 1 else main()
