"""The same numbers as Hugging Face's transformers: GPT-2, Llama, BERT, T5 and ViT with random settings, both ways."""

import json
import os
import socket
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.transformer import init
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.generate import generate
from transformer_lab.models.hf import from_hf, to_hf
from transformer_lab.models.hf_families import FAMILIES
from transformer_lab.models.transformer import GPT2, Transformer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()

RNG = generator(0, "hf")
CLASSES = [(name, kind) for name, family in FAMILIES.items() for kind in family.classes]
ACTS = {"gpt2": ["gelu_new", "gelu", "relu", "silu"], "llama": ["silu", "gelu"], "bert": ["gelu", "relu", "gelu_new"],
        "vit": ["gelu", "gelu_new"], "t5": ["relu", "gated-gelu", "gated-silu", "gelu"]}


def drawn(name, rng):
    """Settings of theirs, drawn."""
    def one(*values):
        return values[rng.integers(len(values))]

    heads, d_head, act, layers = one(1, 2, 4), one(2, 4, 6), one(*ACTS[name]), one(1, 2, 3)
    if heads * d_head == 2:  # LayerNorm of two entries is a step from -1 to 1: float32 does not hold its place
        d_head = 4
    eps = one(1e-12, 1e-6, 1e-5)
    if name == "gpt2":
        return {"vocab_size": 13, "n_positions": 12, "n_embd": heads * d_head, "n_layer": layers, "n_head": heads,
                "n_inner": one(None, 10), "activation_function": act, "layer_norm_epsilon": eps,
                "scale_attn_weights": one(True, False), "tie_word_embeddings": one(True, False)}
    if name == "llama":
        return {"vocab_size": 13, "max_position_embeddings": 16, "hidden_size": one(8, 12), "num_hidden_layers": layers,
                "num_attention_heads": heads, "num_key_value_heads": one(*(n for n in (1, 2, 4) if heads % n == 0)),
                "head_dim": d_head, "intermediate_size": 10, "hidden_act": act, "rms_norm_eps": eps,
                "attention_bias": one(True, False), "mlp_bias": one(True, False),
                "tie_word_embeddings": one(True, False),
                "rope_parameters": {"rope_type": "default", "rope_theta": one(10000.0, 500.0)}}
    if name == "t5":
        return {"vocab_size": 13, "d_model": one(8, 12), "d_kv": d_head, "d_ff": 10, "num_layers": layers,
                "num_decoder_layers": one(1, 2), "num_heads": heads, "relative_attention_num_buckets": one(4, 8, 32),
                "relative_attention_max_distance": one(20, 128), "feed_forward_proj": act, "layer_norm_epsilon": 1e-6,
                "tie_word_embeddings": one(True, False), "decoder_start_token_id": one(0, 3), "n_positions": 16}
    both = {"hidden_size": heads * d_head, "num_hidden_layers": layers, "num_attention_heads": heads,
            "intermediate_size": 10, "hidden_act": act, "layer_norm_eps": eps, "num_labels": one(2, 5)}
    if name == "vit":
        return both | {"image_size": one(8, 12), "patch_size": one(2, 4), "num_channels": one(1, 3)}
    return both | {"vocab_size": 13, "max_position_embeddings": 12, "type_vocab_size": one(1, 2, 3), "pad_token_id": 0}


def theirs(name, case, kind=None):
    """A random model of theirs whose weights, biases and gains are nowhere special."""
    rng = generator(case, f"hf {name}")
    family = FAMILIES[name]
    kind = kind or family.classes[case % len(family.classes)]
    torch.manual_seed(case)  # their own draws come from the one generator of the process
    model = getattr(transformers, kind)(transformers.AutoConfig.for_model(name, **drawn(name, rng)))
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.from_numpy(rng.normal(size=value.shape)) * 0.2)
    return model.eval()


def close(ours, other, tolerance, words):
    """Relative to the largest entry, or to 1: numbers that cancel are as exact as what they are made of."""
    gap = (ours - other).abs().max().item()
    assert gap <= tolerance * max(1, other.abs().max().item()), words


def hidden_states(model, side=""):
    """The stream before each block, and after the last, out of what a tap has seen."""
    layers = sum(name.startswith(f"{side}blocks.") and name.endswith("resid_pre") for name in model)
    last = model.get(f"{side}ln_final", model[f"{side}blocks.{layers - 1}.resid_post"])
    return [model[f"{side}blocks.{layer}.resid_pre"] for layer in range(layers)] + [last]


def compare(ours, other, case, tolerance):
    """Every hidden state, and the logits, on tokens of which the last of one row may be padding."""
    rng, seen = generator(case, "hf tokens"), {}
    tokens = torch.from_numpy(rng.integers(1, 13, size=(2, 9)))
    real = torch.ones_like(tokens)

    def tap(name, value):
        return seen.setdefault(name, value)

    name = other.config.model_type
    with torch.no_grad():
        if name == "vit":
            images = torch.from_numpy(rng.normal(size=(2, other.config.num_channels, *[other.config.image_size] * 2)))
            images = images.to(next(other.parameters()).dtype)
            found, wanted = ours(images, tap), other(images, output_hidden_states=True)
            pairs = [(found, wanted.logits)]
        elif name == "bert":
            tokens[1, 6:], types = 0, torch.from_numpy(rng.integers(other.config.type_vocab_size, size=(2, 9)))
            wanted = other(tokens, attention_mask=(tokens != 0).long(), token_type_ids=types, output_hidden_states=True)
            pairs, real = [], tokens != 0
            if ours.config.masked_lm:
                pairs.append((ours(tokens, tap, types=types),
                              wanted.prediction_logits if ours.config.n_classes else wanted.logits))
            if ours.config.n_classes:
                found = ours.classify(tokens, tap, types=types)
                pairs.append((found, wanted.seq_relationship_logits if ours.config.masked_lm else wanted.logits))
            pairs += [] if pairs else [(ours.rows(tokens, tap, types=types), wanted.last_hidden_state)]
        elif name == "t5":
            source = torch.from_numpy(rng.integers(1, 13, size=(2, 7)))
            source[1, 5:] = 0
            wanted = other(input_ids=source, attention_mask=(source != 0).long(), decoder_input_ids=tokens,
                           output_hidden_states=True)
            pairs = [(ours(source, tokens, tap), wanted.logits)]
            for mine, there in zip(hidden_states(seen, "encoder."), wanted.encoder_hidden_states, strict=True):
                close(mine[0], there[0], tolerance, "encoder")
                close(mine[1, :5], there[1, :5], tolerance, "encoder")
        else:
            wanted = other(tokens, output_hidden_states=True)
            pairs = [(ours(tokens, tap), wanted.logits)]
        states = wanted.decoder_hidden_states if name == "t5" else wanted.hidden_states
    for mine, there in pairs:
        keep = real.bool() if mine.ndim == 3 and name != "vit" else slice(None)
        close(mine[keep], there[keep], tolerance, "logits")
    for layer, (mine, there) in enumerate(zip(hidden_states(seen, "decoder." * (name == "t5")), states, strict=True)):
        if name == "vit" and layer == len(states) - 1:  # theirs before the last norm
            mine = seen[f"blocks.{layer - 1}.resid_post"]
        keep = real.bool() if name != "vit" else slice(None)
        close(mine[keep], there[keep], tolerance, f"hidden state {layer}")


@pytest.mark.parametrize("name", FAMILIES)
def test_twenty_random_models_of_theirs_give_the_same_numbers_here_and_back(name):
    for case in range(20):
        other = theirs(name, case)
        ours = from_hf(other)
        compare(ours, other, case, 1e-5)
        back = to_hf(ours)
        compare(ours, back, case, 1e-5)
        assert type(back) is type(other)
        tensors = other.state_dict()
        for path, value in back.state_dict().items():
            assert torch.equal(value, tensors[path]) or "pooler" in path, path
        again = from_hf(back)
        assert again.config == ours.config
        assert all(np.array_equal(value, again.arrays()[word]) for word, value in ours.arrays().items())


@pytest.mark.parametrize("name", ["gpt2", "bert", "vit"])  # the norms of the other two calculate in single precision
def test_in_double_precision_they_agree_to_ten_digits(name):
    for case in range(20):
        other = theirs(name, case).double()
        compare(from_hf(other), other, case, 1e-10)


@pytest.mark.parametrize("name", ["gpt2", "llama", "t5"])
def test_greedy_tokens_are_the_same(name):
    for case in range(20):
        other = theirs(name, case)
        # Their cache has too few layers for a decoder that is deeper than its encoder.
        prompt, stop = [[3, 1, 4, 1, 5]], {"eos_token_id": None, "pad_token_id": None, "do_sample": False,
                                           "use_cache": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = other.generate(torch.tensor(prompt), max_new_tokens=7, min_new_tokens=7, **stop)[0].tolist()
        given = {"source": prompt} if name == "t5" else {"prompts": prompt}
        assert generate(from_hf(other), new=7, **given) == [wanted[-7:]]


@pytest.mark.parametrize(("name", "kind"), CLASSES)
def test_a_folder_is_read_without_a_network(tmp_path, monkeypatch, name, kind):
    other = theirs(name, 3, kind)
    other.save_pretrained(tmp_path)
    monkeypatch.setattr(socket, "socket", None)
    found, wanted = from_hf(tmp_path), from_hf(other)
    assert found.config == wanted.config and not found.training
    assert all(np.array_equal(value, wanted.arrays()[word]) for word, value in found.arrays().items())
    other.to(torch.bfloat16).save_pretrained(tmp_path)
    assert {value.dtype for value in from_hf(str(tmp_path)).arrays().values()} == {np.dtype(np.float32)}


def test_an_unembedding_of_its_own_is_seen_in_the_weights_of_t5(tmp_path):
    other = theirs("t5", 1)
    other.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    head = torch.randn_like(tensors["shared.weight"])
    save_file(tensors | {"lm_head.weight": head}, tmp_path / "model.safetensors", {"format": "pt"})
    found = from_hf(tmp_path)
    assert not found.config.tied and np.array_equal(found.arrays()["W_U"], head.T)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"scale_attn_by_inverse_layer_idx": True}, "have scale_attn_by_inverse_layer_idx = True; only False is known"),
    ({"embd_pdrop": 0.7}, r"have embd_pdrop = 0.7; only 0.1 is known here"),
    ({"magic": 3}, "have magic = 3, which is not"),
    ({"activation_function": "mish"}, "have activation_function = 'mish'; known here are gelu_new"),
    ({"model_type": "mamba"}, "of the type 'mamba'; known here are gpt2"),
    ({"architectures": ["GPT2Model"]}, "is a GPT2Model; known here are GPT2LMHeadModel"),
    ({"n_layer": 5}, r"have no transformer.h.\d.ln_1.weight"), ({"n_layer": 1}, r"have transformer.h.1.\S* besides"),
    ({"vocab_size": 14}, r"transformer.wte.weight has the shape \(13, \d+\)"), ({"n_head": 5}, "n_heads: got 5")])
def test_what_is_not_known_is_refused_in_a_sentence(tmp_path, change, sentence):
    theirs("gpt2", 2).save_pretrained(tmp_path)
    assert theirs("gpt2", 2).config.n_layer == 3
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LabError, match=sentence):
        from_hf(tmp_path)


def test_rotary_positions_that_are_stretched_are_refused(tmp_path):
    theirs("llama", 0).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    for change in ({"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, {"rope_scaling": {"factor": 4.0}}):
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(LabError, match="The settings of this model have"):
            from_hf(tmp_path)


def test_pickled_weights_and_what_is_no_model_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(LabError, match=r"has no weights as safetensors\.$"):
        from_hf(tmp_path)
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(LabError, match=r"pytorch_model.bin is pickled, and to open it would run what is in it"):
        from_hf(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(LabError, match="can not be read as a model"):
        from_hf(tmp_path)
    with pytest.raises(LabError, match=r"^gpt2 is no folder on this machine, and nothing is fetched"):
        from_hf("gpt2")
    with pytest.raises(LabError, match=r"^nnn.* is no folder on this machine"):
        from_hf("n" * 300)
    for other in (None, 3, torch.nn.Linear(2, 2)):
        with pytest.raises(LabError, match=r"^source: got"):
            from_hf(other)


SIZE = {"d_vocab": 13, "n_ctx": 12, "d_model": 8, "n_heads": 2, "d_mlp": 10}


@pytest.mark.parametrize("config", [
    ModelConfig(**SIZE), ModelConfig(**SIZE | GPT2 | {"positions": "alibi"}),
    ModelConfig(**SIZE | GPT2 | {"gated": True}), ModelConfig(**SIZE | GPT2 | {"sparsity": "local"}),
    EncoderDecoderConfig(**SIZE | T5 | {"placement": "post"})])
def test_what_transformers_has_no_setting_for_does_not_go_back(config):
    kind = EncoderDecoder if isinstance(config, EncoderDecoderConfig) else Transformer
    with pytest.raises(LabError, match=r"^model: got"):
        to_hf(kind(config, init(config)))
    with pytest.raises(LabError, match=r"^model: got"):
        to_hf(None)


@pytest.mark.parametrize("spoil", [
    os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_text("[" * 100_000),
    lambda path: (path.touch(), os.truncate(path, 40 * 2**30))], ids=["FIFO", "endless", "deep", "sparse"])
def test_settings_that_never_end_are_not_waited_for(tmp_path, spoil):
    save_file({}, tmp_path / "model.safetensors")
    spoil(tmp_path / "config.json")
    with pytest.raises(LabError, match="can not be read as a model"):
        from_hf(tmp_path)


def test_weights_that_are_a_pipe_are_none(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(LabError, match=r"has no weights as safetensors\.$"):
        from_hf(tmp_path)
