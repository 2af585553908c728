"""One of two processes that train one model: rank, the file through which they meet, where losses are kept."""

import sys

import numpy as np
import torch

from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import init
from transformer_lab.models.transformer import Transformer
from transformer_lab.tasks.text import TextTask, sample
from transformer_lab.training.torch_stepper import TorchStepper

TASK = TextTask("sonnet", n_ctx=16)
CONFIG = ModelConfig(d_vocab=41, n_ctx=16, n_layers=2, n_heads=2, d_model=16, d_mlp=32, mask="causal", norm="rms",
                     positions="rotary")


def losses(steps: int = 12) -> list[float]:
    stepper = TorchStepper(Transformer(CONFIG, init(CONFIG)), "muon", max_norm=1.0)
    return [stepper.step(sample(TASK, 8, seed=0, step=step), 0.01)["loss"] for step in range(steps)]


if __name__ == "__main__":
    rank, meeting, kept = sys.argv[1:]
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2)
    np.save(kept, losses())
    torch.distributed.destroy_process_group()
