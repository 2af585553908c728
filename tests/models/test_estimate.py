"""What a model will cost, against what PyTorch counts when the model is there."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from transformer_lab import LabError, ModelConfig
from transformer_lab.byhand.transformer import init
from transformer_lab.models.bert import BERT, Bert, BertConfig
from transformer_lab.models.block import Cache
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.estimate import estimate
from transformer_lab.models.transformer import GPT2, LLAMA, Transformer
from transformer_lab.models.vit import VIT, ViT, ViTConfig

SIZE = {"d_vocab": 37, "n_ctx": 24, "n_layers": 2, "n_heads": 4, "d_model": 32, "d_mlp": 48}
TOKENS = torch.ones(3, 24, dtype=torch.long)
MODELS = {
    "gpt": (Transformer, ModelConfig(**SIZE, **GPT2), (TOKENS,)),
    "gpt, long and wide": (Transformer, ModelConfig(**SIZE | {"n_ctx": 96, "d_head": 12}, **GPT2),
                           (TOKENS.repeat(1, 4),)),
    "gpt, last": (Transformer, ModelConfig(**SIZE, **GPT2, read_out="last"), (TOKENS,)),
    "llama": (Transformer, ModelConfig(**SIZE, **LLAMA, n_kv_heads=2), (TOKENS,)),
    "both norms": (Transformer, ModelConfig(**SIZE, **LLAMA | {"placement": "both", "norm": "layer"}), (TOKENS,)),
    "no feed-forward": (Transformer, ModelConfig(**SIZE | {"d_mlp": 0}, output_projection=False), (TOKENS,)),
    "bert": (Bert, BertConfig(**SIZE, **BERT), (TOKENS,)),
    "t5": (EncoderDecoder, EncoderDecoderConfig(**SIZE, **T5, n_encoder_layers=3), (TOKENS, TOKENS)),
    "vit": (ViT, ViTConfig(**SIZE | {"n_ctx": 0}, **VIT), (torch.ones(3, 1, 8, 8),)),
    "vit, mean": (ViT, ViTConfig(**SIZE | {"n_ctx": 0}, **VIT, read_out="mean"), (torch.ones(3, 1, 8, 8),)),
}


@pytest.fixture(params=MODELS)
def built(request):
    kind, config, given = MODELS[request.param]
    return kind(config, init(config)), estimate(config, 3), given


def test_parameters_and_operations_are_those_that_pytorch_counts(built):
    model, told, given = built
    assert told.parameters == sum(value.numel() for value in model.parameters()) == told.weights / 4
    with FlopCounterMode(display=False) as forward:
        model(*given)
    with FlopCounterMode(display=False) as both:
        model(*given).sum().backward()
    assert told.forward == forward.get_total_flops()
    assert told.step == pytest.approx(both.get_total_flops(), rel=0.01)  # no gradient of an image is needed
    assert told.seconds(1e9) == told.step / 1e9


def test_what_the_way_back_needs_is_told_within_a_fifth(built):
    model, told, given = built
    weights = {value.untyped_storage().data_ptr() for value in model.parameters()}
    held = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(*given)
        torch.nn.functional.cross_entropy(logits.flatten(0, -2), torch.zeros(logits[..., 0].numel(), dtype=torch.long))
    found = sum(size for at, (size, _) in held.items() if at not in weights)
    assert told.activations == pytest.approx(found, rel=0.2)
    assert told.memory == 4 * told.weights + told.activations


def test_the_memory_of_what_was_read_is_told():
    config = ModelConfig(**SIZE, **LLAMA, n_kv_heads=2)
    cache = Cache(2, 3, 24)
    cache.move(torch.arange(24).expand(3, -1))
    Transformer(config, init(config))(TOKENS, cache=cache)
    held = sum(value.numel() * value.element_size() for layer in cache.layers for value in layer.values())
    assert estimate(config, 3).cache == held
    assert estimate(ModelConfig(**SIZE, **LLAMA), 3).cache == 2 * held, "grouped heads halve it"


def test_cost_grows_with_the_batch_and_with_the_square_of_the_length():
    config = ModelConfig(**SIZE | {"n_ctx": 4096}, **GPT2)
    assert estimate(config, 6).forward == 6 * estimate(config).forward
    lengths = np.array([1024, 2048, 4096])
    flops = np.array([estimate(config, length=int(n)).forward for n in lengths])
    assert np.all(flops[1:] / flops[:-1] > 3) and np.all(flops[1:] / flops[:-1] < 4)
    assert estimate(config, bytes_per_number=2).memory == estimate(config).memory / 2


@pytest.mark.parametrize(("given", "fault"), [({"config": None}, "config"), ({"batch": 0}, "batch"),
                                              ({"length": 0}, "length"), ({"bytes_per_number": 0}, "bytes_per_number"),
                                              ({"bytes_per_number": 1e308}, "bytes_per_number")])
def test_what_makes_no_sense_is_refused(given, fault):
    with pytest.raises(LabError, match=f"^{fault}: got"):
        estimate(**{"config": ModelConfig(**SIZE)} | given)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), "fast"])
def test_a_machine_has_a_speed(speed):
    with pytest.raises(LabError, match=r"^flops_per_second: got"):
        estimate(ModelConfig(**SIZE)).seconds(speed)
