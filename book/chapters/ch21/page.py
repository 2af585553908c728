"""What the explorable of the plane shows: 24 models of ``plus_last_even``, and how three of them came to be.

``python -m chapters.ch21.page`` trains them again, in a quarter of a minute, and writes ``plane-model.bin``: one
model that is proved, one that is wrong on one context in a thousand, and one that is wrong on half of them, each at
101 steps of its training; of the others the last weights.
"""

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.analysis.certificates.families import families
from transformer_lab.analysis.certificates.plane import WANTED, plane_of
from transformer_lab.analysis.certificates.prove import prove
from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import init, pack, unpack
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.rules import RuleTask, sample
from transformer_lab.training import fit
from transformer_lab.training.stepper import Stepper
from transformer_lab.widgets.page_data import page_bytes, write_page_data

TASK = RuleTask("plus_last_even", n_ctx=8, balanced=True, free=0.25)
CONFIG = ModelConfig(**WANTED, d_mlp=32, d_vocab=12, n_ctx=8)
N_SEEDS, N_STEPS, BATCH, RATE = 24, 2400, 32, 3e-2
#: Closer together where more happens.
STEPS = np.unique(np.rint(N_STEPS * np.linspace(0, 1, 101)**1.5).astype(int))
FOLLOWED = (17, 0, 4)  # proved, nearly right, far from it


def train() -> dict[int, np.ndarray]:
    """The weights of all seeds at each of the steps: (seed, 250)."""
    stepper = Stepper(init(CONFIG, n_seeds=N_SEEDS, embedding_scale=0.3), CONFIG, weight_decay=0.01, beta2=0.98)
    history = fit(stepper, lambda step: sample.unchecked(TASK, (N_SEEDS, BATCH), seed=0, step=step), steps=N_STEPS,
                  every=N_STEPS, keep=STEPS, learning_rate=warmup_linear(RATE, N_STEPS, 50))
    return {step: pack(params, parameter_shapes(CONFIG)) for step, params in history.kept.items()}


def margin(theta: np.ndarray) -> float:
    """The least lead over all contexts, to three decimals."""
    plane = plane_of(unpack(theta, parameter_shapes(CONFIG)), CONFIG, TASK.of.operator)
    return round(prove(plane, families(TASK)).margin, 3)


def plane_bytes(kept: dict[int, np.ndarray]) -> bytes:
    """The page's data: weights end to end, in half precision."""
    arrays = {f"seed-{seed}": np.stack([kept[step][seed] for step in STEPS]).astype(np.float16) for seed in FOLLOWED}
    arrays |= {"last": kept[N_STEPS].astype(np.float16), "steps": STEPS.astype(np.uint16)}
    shapes = [[name.rpartition(".")[2], list(shape)] for name, shape in parameter_shapes(CONFIG).items()]
    margins = [margin(row.astype(float)) for row in arrays["last"]]
    return page_bytes({}, arrays, config=CONFIG.to_dict(), shapes=shapes, followed=list(FOLLOWED), margins=margins)


if __name__ == "__main__":
    write_page_data("plane-model.bin", plane_bytes(train()))
