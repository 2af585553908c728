"""How long a training step of each family takes beside its peers, and how much sooner a model writes with a memory.

Peers are nanoGPT (where the variable NANOGPT names its ``model.py``) and Hugging Face's transformers (where it is
installed), with the same sizes and, for transformers, the same weights. All are given PyTorch's fused AdamW, but for
the two whole steps, nanoGPT's own loop and our stepper: both clip the gradients, and neither fuses its AdamW on a
processor. The contenders of a family take their steps in turn, in one process on one thread, so that other work on the
machine slows all of them alike; what counts is the median of a step's processor time over that of ours next to it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import statistics
import sys
import time

import numpy as np
import torch

from transformer_lab import ModelConfig
from transformer_lab.byhand.transformer import init
from transformer_lab.models.bert import BERT, Bert, BertConfig
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.generate import generate
from transformer_lab.models.hf import to_hf
from transformer_lab.models.transformer import GPT2, Transformer
from transformer_lab.models.vit import VIT, ViT, ViTConfig
from transformer_lab.training.measures import Measured
from transformer_lab.training.torch_stepper import TorchStepper

ROUNDS, WARM_UP, STEPS, NEW = 2, 5, 40, 256
LOOPS = "our stepper's whole step", "nanoGPT's whole step"
#: The size that nanoGPT gives for a processor.
SIZE = {"n_layers": 4, "n_heads": 4, "d_model": 128, "d_mlp": 512}
TEXT = SIZE | {"d_vocab": 65, "n_ctx": 64}
NANO = ModelConfig(**TEXT | GPT2 | {"activation": "gelu_exact", "bias_attention": False, "bias_mlp": False})
MODELS = {
    "GPT": (Transformer, NANO), "BERT": (Bert, BertConfig(**TEXT | BERT | {"pad": None})),
    "T5": (EncoderDecoder, EncoderDecoderConfig(**TEXT, **T5, tied=True, logit_scale=128**-0.5)),
    "ViT": (ViT, ViTConfig(**SIZE, **VIT, d_vocab=10, image=32, patch=4, channels=3)),
}


def ours(name, fused=True):
    kind, config = MODELS[name]
    return kind(config, init(config, scheme="small")).fuse(fused).train()


def batch(name):
    rng = np.random.default_rng(0)
    if name == "ViT":
        return torch.from_numpy(rng.normal(size=(12, 3, 32, 32))).float(), torch.from_numpy(rng.integers(10, size=12))
    return tuple(torch.from_numpy(rng.integers(1, 65, size=(12, 64))) for _ in range(2))


def nano_gpt():
    spec = importlib.util.spec_from_file_location("nano_gpt", os.environ["NANOGPT"])
    sys.modules["nano_gpt"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.GPTConfig(block_size=64, vocab_size=65, n_layer=4, n_head=4, n_embd=128, dropout=0.0, bias=False)
    return module.GPT(config)


def of_peer(name):
    """A model of transformers, and what gives its loss."""
    model, (given, targets) = to_hf(ours(name)).train(), batch(name)
    words = {"ViT": "pixel_values"}.get(name, "input_ids")
    return model, lambda: model(**{words: given}, labels=targets).loss


def whole_step(theirs):
    """A step of nanoGPT's own loop, or of our stepper: loss, gradients clipped at 1, AdamW."""
    if not theirs:
        stepper, data = TorchStepper(ours("GPT"), max_norm=1.0), tuple(part.numpy() for part in batch("GPT"))
        return lambda: stepper.step(data, 1e-4)
    model, data = nano_gpt(), batch("GPT")
    with contextlib.redirect_stdout(io.StringIO()):
        optimizer = model.configure_optimizers(0.1, 1e-4, (0.9, 0.95), "cpu")

    def one():
        model(*data)[1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return one


def step(contender):
    name, _, peer = contender.partition(", ")
    if peer in LOOPS:
        return whole_step(peer == LOOPS[1])
    if peer == "nanoGPT":
        model, data = nano_gpt(), batch("GPT")
        loss = lambda: model(*data)[1]  # noqa: E731
    elif peer == "transformers":
        model, loss = of_peer(name)
    else:
        model, data = ours(name, fused=peer != "every activation to be seen"), batch(name)
        loss = lambda: model.loss(*data)  # noqa: E731
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def one():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return one


def writing(cached):
    config = ModelConfig(**TEXT | {"n_ctx": 320} | GPT2)
    model = Transformer(config, init(config)).fuse()
    return lambda: generate(model, [[1, 2, 3]] * 12, NEW, cached=cached)


def measuring(measured):
    """Twenty steps of a TorchStepper, of which the first is measured inside, or none."""
    stepper, data = TorchStepper(ours("GPT")), tuple(part.numpy() for part in batch("GPT"))
    stepper = Measured(stepper, 20) if measured else stepper
    return lambda: [stepper.step(data, 1e-4) for _ in range(20)]


LONG = {"writing": writing, "20 steps": measuring}


def measure(group) -> dict[str, list[float]]:
    """Processor milliseconds of each contender, in turn."""
    torch.set_num_threads(1)
    long = LONG.get(group[0])
    runs = {name: long(name in ("writing", "20 steps, one of them measured")) if long else step(name) for name in group}
    times = {name: [] for name in group}
    for _ in range(1 + ROUNDS if long else WARM_UP + STEPS):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(1000 * (time.process_time() - start))
    return {name: found[1 if long else WARM_UP:] for name, found in times.items()}


def contenders():
    yield ["GPT", "GPT, every activation to be seen", *["GPT, nanoGPT"] * bool(os.environ.get("NANOGPT"))]
    if os.environ.get("NANOGPT"):
        yield [f"GPT, {loop}" for loop in LOOPS]
    for name in ("BERT", "T5", "ViT") if importlib.util.find_spec("transformers") else ():
        yield [name, f"{name}, transformers"]
    yield ["writing", "writing, without a memory"]
    yield ["20 steps", "20 steps, one of them measured"]


def main() -> None:
    print(f"A training step of 4 layers, 4 heads, width 128, batch 12 of 64 tokens, AdamW, one thread; and {NEW} "
          "tokens written after 12 prompts\n")
    print(f"{'':36}{'median ms':>10}{'/ ours':>9}")
    for group in contenders():
        times = measure(group)
        for name, found in times.items():
            ratio = statistics.median(b / a for a, b in zip(times[group[0]], found, strict=True))
            print(f"{name:36}{statistics.median(found):10.2f}{ratio:9.2f}", flush=True)
    if not os.environ.get("NANOGPT"):
        print("nanoGPT is left out: NANOGPT=PATH/model.py names it.")


if __name__ == "__main__":
    main()
