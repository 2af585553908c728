"""What five architectures of Hugging Face's ``transformers`` call their settings and weights, beside our names.

A family reads settings into the fields of a configuration, and writes them back. In a table of names, our ``W_Q`` and
``b_Q`` are one entry ``Q``, the ``weight`` and ``bias`` of theirs; ``#`` stands for the layer, ``[0]`` for the first
third of a matrix, ``=`` before a name that is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..checks import check_type
from ..errors import DataError
from .bert import BERT, Bert, BertConfig
from .encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from .transformer import GPT2, LLAMA, ModelConfig, Transformer
from .vit import VIT, ViT, ViTConfig

__all__ = ["FAMILIES", "Family", "Settings"]

#: Theirs → ours.
ACTIVATIONS = {"gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "gelu": "gelu_exact", "relu": "relu", "silu": "silu",
               "swish": "silu", "relu2": "squared_relu"}
THEIRS = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}

#: Settings of no effect on what a model calculates.
FREE = frozenset(re.findall(r"\w+", """
    transformers_version architectures model_type _name_or_path dtype torch_dtype output_hidden_states output_attentions
    output_past return_dict return_dict_in_generate use_cache id2label label2id num_labels problem_type
    initializer_range initializer_factor gradient_checkpointing task_specific_params chunk_size_feed_forward
    bos_token_id eos_token_id sep_token_id pad_token_id is_encoder_decoder n_ctx summary_type summary_use_proj
    summary_activation summary_proj_to_labels summary_first_dropout classifier_dropout directionality pooler_fc_size
    pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type pooler_output_size pooler_act
    encoder_stride pretraining_tp attn_implementation _attn_implementation"""))


class Settings:
    """The entries of a ``config.json``: each is asked for, or has no effect, or is refused.

    >>> theirs = Settings({"n_layer": 2, "magic": 7})
    >>> theirs.take("n_layer", 12)
    2
    >>> theirs.finish()
    Traceback (most recent call last):
        ...
    transformer_lab.errors.DataError: The settings of this model have magic = 7, which is not known here.
    """

    def __init__(self, given: dict):
        self.given, self.asked = given, set(FREE)

    def take(self, name: str, default=None):
        name = check_type("name", name, str)
        self.asked.add(name)
        return default if self.given.get(name) is None else self.given[name]

    def activation(self, name, default):
        found = self.take(name, default)
        if found not in ACTIVATIONS:
            raise DataError(f"The settings of this model have {name} = {found!r}; known here are "
                            f"{', '.join(ACTIVATIONS)}.")
        return ACTIVATIONS[found]

    def must(self, **wanted) -> None:
        for name, value in wanted.items():
            if (found := self.take(name, value)) != value:
                raise DataError(f"The settings of this model have {name} = {found!r}; only {value!r} is known here.")

    def finish(self) -> None:
        for name, value in self.given.items():
            if name not in self.asked and value not in (None, False, {}, [], ""):
                raise DataError(f"The settings of this model have {name} = {value!r}, which is not known here.")


@dataclass(frozen=True)
class Family:
    """An architecture: our model and configuration, the classes of theirs, settings both ways, names, tensors of theirs
    that say nothing new or nothing that is used here, and parts of names in a file that are newer in memory.
    """

    model: type
    config: type
    classes: tuple[str, ...]
    read: Callable
    write: Callable
    names: dict[str, str]
    unread: tuple[str, ...] = ()
    older: tuple[tuple[str, str], ...] = ()
    columns: bool = False  # whether matrices map rows, as ours do, and not columns
    halves: bool = False   # whether pairs of a rotary position stand half a head apart, and not side by side


def read_gpt2(theirs, kind):
    width, dropout = theirs.take("n_embd", 768), theirs.take("resid_pdrop", 0.1)
    theirs.must(embd_pdrop=dropout, scale_attn_by_inverse_layer_idx=False, reorder_and_upcast_attn=False,
                add_cross_attention=False)
    return GPT2 | {
        "d_vocab": theirs.take("vocab_size", 50257), "n_ctx": theirs.take("n_positions", 1024), "d_model": width,
        "n_layers": theirs.take("n_layer", 12), "n_heads": theirs.take("n_head", 12), "dropout": dropout,
        "d_mlp": theirs.take("n_inner", 4 * width), "eps": theirs.take("layer_norm_epsilon", 1e-5),
        "activation": theirs.activation("activation_function", "gelu_new"),
        "dropout_pattern": theirs.take("attn_pdrop", 0.1), "scaled": theirs.take("scale_attn_weights", True),
        "tied": theirs.take("tie_word_embeddings", True)}


def write_gpt2(c):
    return {"vocab_size": c.d_vocab, "n_positions": c.n_ctx, "n_embd": c.d_model, "n_layer": c.n_layers,
            "n_head": c.n_heads, "n_inner": c.d_mlp, "layer_norm_epsilon": c.eps, "resid_pdrop": c.dropout,
            "embd_pdrop": c.dropout, "attn_pdrop": c.dropout_pattern, "scale_attn_weights": c.scaled,
            "activation_function": THEIRS[c.activation], "tie_word_embeddings": c.tied}


def read_llama(theirs, kind):
    width, heads = theirs.take("hidden_size", 4096), theirs.take("num_attention_heads", 32)
    rope = Settings(theirs.take("rope_parameters", {}) | theirs.take("rope_scaling", {}))
    rope.must(rope_type="default")
    base = rope.take("rope_theta", theirs.take("rope_theta", 10000.0))
    rope.finish()
    return LLAMA | {
        "d_vocab": theirs.take("vocab_size", 32000), "n_ctx": theirs.take("max_position_embeddings", 2048),
        "d_model": width, "n_layers": theirs.take("num_hidden_layers", 32), "n_heads": heads, "rotary_base": base,
        "n_kv_heads": theirs.take("num_key_value_heads", heads), "d_head": theirs.take("head_dim", width // heads),
        "d_mlp": theirs.take("intermediate_size", 11008), "eps": theirs.take("rms_norm_eps", 1e-6),
        "activation": theirs.activation("hidden_act", "silu"), "dropout_pattern": theirs.take("attention_dropout", 0.0),
        "bias_attention": theirs.take("attention_bias", False), "bias_mlp": theirs.take("mlp_bias", False),
        "tied": theirs.take("tie_word_embeddings", False)}


def write_llama(c):
    return {"vocab_size": c.d_vocab, "max_position_embeddings": c.n_ctx, "hidden_size": c.d_model,
            "num_hidden_layers": c.n_layers, "num_attention_heads": c.n_heads, "num_key_value_heads": c.kv_heads,
            "head_dim": c.d_head, "intermediate_size": c.d_mlp, "rms_norm_eps": c.eps,
            "hidden_act": THEIRS[c.activation], "attention_dropout": c.dropout_pattern, "mlp_bias": c.bias_mlp,
            "attention_bias": c.bias_attention, "tie_word_embeddings": c.tied,
            "rope_parameters": {"rope_type": "default", "rope_theta": c.rotary_base}}


def read_encoder(theirs):
    """What BERT and ViT name alike."""
    return {"d_model": theirs.take("hidden_size", 768), "n_layers": theirs.take("num_hidden_layers", 12),
            "n_heads": theirs.take("num_attention_heads", 12), "d_mlp": theirs.take("intermediate_size", 3072),
            "eps": theirs.take("layer_norm_eps", 1e-12), "activation": theirs.activation("hidden_act", "gelu"),
            "dropout_pattern": theirs.take("attention_probs_dropout_prob", 0.0)}


def write_encoder(c):
    return {"hidden_size": c.d_model, "num_hidden_layers": c.n_layers, "num_attention_heads": c.n_heads,
            "intermediate_size": c.d_mlp, "layer_norm_eps": c.eps, "hidden_act": THEIRS[c.activation],
            "hidden_dropout_prob": c.dropout, "attention_probs_dropout_prob": c.dropout_pattern}


def read_bert(theirs, kind):
    theirs.must(position_embedding_type="absolute", is_decoder=False, add_cross_attention=False)
    classes = {"BertForPreTraining": 2, "BertForSequenceClassification": len(theirs.take("id2label", "01"))}
    return BERT | read_encoder(theirs) | {
        "d_vocab": theirs.take("vocab_size", 30522), "n_ctx": theirs.take("max_position_embeddings", 512),
        "n_types": theirs.take("type_vocab_size", 2), "dropout": theirs.take("hidden_dropout_prob", 0.1),
        "pad": theirs.take("pad_token_id"), "tied": theirs.take("tie_word_embeddings", True),
        "masked_lm": kind in ("BertForPreTraining", "BertForMaskedLM"), "n_classes": classes.get(kind, 0)}


def write_bert(c):
    kind = ("BertForPreTraining" if c.n_classes else "BertForMaskedLM") if c.masked_lm else (
        "BertForSequenceClassification" if c.n_classes else "BertModel")
    return write_encoder(c) | {
        "vocab_size": c.d_vocab, "max_position_embeddings": c.n_ctx, "type_vocab_size": c.n_types,
        "pad_token_id": c.pad, "tie_word_embeddings": c.tied, "num_labels": c.n_classes or 2, "architectures": [kind]}


def read_vit(theirs, kind):
    theirs.must(qkv_bias=True)
    return VIT | read_encoder(theirs) | {
        "d_vocab": len(theirs.take("id2label", "01")), "image": theirs.take("image_size", 224),
        "patch": theirs.take("patch_size", 16), "channels": theirs.take("num_channels", 3),
        "dropout": theirs.take("hidden_dropout_prob", 0.0)}


def write_vit(c):
    return write_encoder(c) | {"image_size": c.image, "patch_size": c.patch, "num_channels": c.channels,
                               "num_labels": c.d_vocab}


def read_t5(theirs, kind):
    gates, _, word = theirs.take("feed_forward_proj", "relu").rpartition("-")
    word = "gelu_new" if gates and word == "gelu" else word
    theirs.must(is_gated_act=bool(gates), dense_act_fn=word, is_decoder=False)
    width, scales = theirs.take("d_model", 512), theirs.take("tie_word_embeddings", True)
    layers, dropout = theirs.take("num_layers", 6), theirs.take("dropout_rate", 0.1)
    return T5 | {
        "d_vocab": theirs.take("vocab_size", 32128), "n_ctx": theirs.take("n_positions", 512), "d_model": width,
        "d_head": theirs.take("d_kv", 64), "d_mlp": theirs.take("d_ff", 2048), "n_heads": theirs.take("num_heads", 8),
        "n_encoder_layers": layers, "n_layers": theirs.take("num_decoder_layers", layers), "dropout": dropout,
        "n_buckets": theirs.take("relative_attention_num_buckets", 32), "dropout_pattern": dropout, "tied": True,
        "max_distance": theirs.take("relative_attention_max_distance", 128), "gated": bool(gates),
        "eps": theirs.take("layer_norm_epsilon", 1e-6), "pad": theirs.take("pad_token_id", 0),
        "activation": theirs.activation("dense_act_fn", word), "start": theirs.take("decoder_start_token_id", 0),
        "logit_scale": width**-0.5 if theirs.take("scale_decoder_outputs", scales) else 1.0}


def write_t5(c):
    word = THEIRS[c.activation]
    return {"vocab_size": c.d_vocab, "n_positions": c.n_ctx, "d_model": c.d_model, "d_kv": c.d_head, "d_ff": c.d_mlp,
            "num_heads": c.n_heads, "num_layers": c.n_encoder_layers or c.n_layers, "num_decoder_layers": c.n_layers,
            "relative_attention_num_buckets": c.n_buckets, "relative_attention_max_distance": c.max_distance,
            "dropout_rate": c.dropout, "layer_norm_epsilon": c.eps, "pad_token_id": c.pad,
            "decoder_start_token_id": c.start, "tie_word_embeddings": c.logit_scale != 1,  # so theirs reads it
            "feed_forward_proj": f"gated-{word.removesuffix('_new')}" if c.gated else word}


def in_layer(prefix, theirs, **names):
    return {f"{prefix}blocks.#.{ours}": f"{theirs}{name}" for ours, name in names.items()}


def t5_side(side, feed_forward):
    layer, mlp = f"{side}.block.#.layer.", f"{feed_forward}.DenseReluDense."
    attention = {"Q": "q", "K": "k", "V": "v", "O": "o"}
    return {f"{side}.rel": f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias",
            f"{side}.ln_final": f"{side}.final_layer_norm",
            **in_layer(f"{side}.", layer, ln1="0.layer_norm",
                       **{h: f"0.SelfAttention.{x}" for h, x in attention.items()}),
            **in_layer(f"{side}.", layer, cross_ln1="1.layer_norm",
                       **{f"cross_{h}": f"1.EncDecAttention.{x}" for h, x in attention.items()}),
            **in_layer(f"{side}.", layer, ln2=f"{feed_forward}.layer_norm", gate=mlp + "wi_0", out=mlp + "wo",
                       **{"in": mlp + "wi"})}


FAMILIES = {
    "gpt2": Family(
        Transformer, ModelConfig, ("GPT2LMHeadModel",), read_gpt2, write_gpt2,
        {"E": "transformer.wte", "pos": "transformer.wpe", "ln_final": "transformer.ln_f", "U": "lm_head",
         **in_layer("", "transformer.h.#.", ln1="ln_1", Q="attn.c_attn[0]", K="attn.c_attn[1]", V="attn.c_attn[2]",
                    O="attn.c_proj", ln2="ln_2", out="mlp.c_proj", **{"in": "mlp.c_fc"})},
        unread=("lm_head.weight", ".attn.bias", ".attn.masked_bias"), columns=True),
    "llama": Family(
        Transformer, ModelConfig, ("LlamaForCausalLM",), read_llama, write_llama,
        {"E": "model.embed_tokens", "ln_final": "model.norm", "U": "lm_head",
         **in_layer("", "model.layers.#.", ln1="input_layernorm", Q="self_attn.q_proj", K="self_attn.k_proj",
                    V="self_attn.v_proj", O="self_attn.o_proj", ln2="post_attention_layernorm", gate="mlp.gate_proj",
                    out="mlp.down_proj", **{"in": "mlp.up_proj"})},
        unread=("lm_head.weight", ".rotary_emb.inv_freq"), halves=True),
    "bert": Family(
        Bert, BertConfig, ("BertForPreTraining", "BertForMaskedLM", "BertForSequenceClassification", "BertModel"),
        read_bert, write_bert,
        {"E": "bert.embeddings.word_embeddings", "type": "bert.embeddings.token_type_embeddings",
         "pos": "bert.embeddings.position_embeddings", "ln_embed": "bert.embeddings.LayerNorm",
         "mlm": "cls.predictions.transform.dense", "ln_mlm": "cls.predictions.transform.LayerNorm",
         "U": "cls.predictions.decoder", "b_U": "=cls.predictions.bias", "pool": "bert.pooler.dense",
         "class": "classifier", "class of two": "cls.seq_relationship",
         **in_layer("", "bert.encoder.layer.#.", Q="attention.self.query", K="attention.self.key",
                    V="attention.self.value", O="attention.output.dense", ln1="attention.output.LayerNorm",
                    out="output.dense", ln2="output.LayerNorm", **{"in": "intermediate.dense"})},
        unread=("cls.predictions.decoder.weight", "cls.predictions.decoder.bias", "cls.predictions.bias",
                "embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")),
    "t5": Family(
        EncoderDecoder, EncoderDecoderConfig, ("T5ForConditionalGeneration",), read_t5, write_t5,
        {"E": "shared", "U": "lm_head", **t5_side("encoder", 1), **t5_side("decoder", 2)},
        unread=("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight",
                "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight")),
    "vit": Family(
        ViT, ViTConfig, ("ViTForImageClassification",), read_vit, write_vit,
        {"patch": "vit.embeddings.patch_embeddings.projection", "x_class": "=vit.embeddings.cls_token",
         "W_pos": "=vit.embeddings.position_embeddings", "ln_final": "vit.layernorm", "U": "classifier",
         **in_layer("", "vit.layers.#.", ln1="layernorm_before", Q="attention.q_proj", K="attention.k_proj",
                    V="attention.v_proj", O="attention.o_proj", ln2="layernorm_after", out="mlp.fc2",
                    **{"in": "mlp.fc1"})},
        older=(("vit.encoder.layer.", "vit.layers."), ("attention.attention.query", "attention.q_proj"),
               ("attention.attention.key", "attention.k_proj"), ("attention.attention.value", "attention.v_proj"),
               ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
               ("output.dense", "mlp.fc2"))),
}
