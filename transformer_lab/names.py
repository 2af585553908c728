"""The vocabulary: every size, parameter and activation, its shape and its meaning, in ONE table.

The notation page of the book, the keys of a cache, the labels of the explorables, the
error messages and the tests all read this table. The words are the interpretability
field's (Elhage et al. 2021; Nanda and Bloom 2022).

>>> lookup("pattern").shape
('batch', 'n_heads', 'query', 'key')
>>> lookup("patern")  # doctest: +ELLIPSIS
Traceback (most recent call last):
    ...
transformer_lab.errors.UnknownNameError: name: got 'patern'; allowed is ... Did you mean 'pattern'?
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from .errors import UnknownNameError
from .parts import CONFIG, PARTS
from .rules import Each
from .signatures import checked
from .wording import written

__all__ = ["IGNORED", "TRANSFORMER_LENS", "VOCABULARY", "Name", "lookup", "parameter_shapes",
           "shapes", "stack_parameters"]


#: The target of a position that does not count (PyTorch's number for it).
IGNORED = -100


@dataclass(frozen=True)
class Name:
    """One word of the vocabulary.

    ``kind`` is ``"size"``, ``"parameter"`` or ``"activation"``. ``symbol`` and ``equation``
    are LaTeX. ``shape`` names the axes, and sizes are themselves in the vocabulary, but for
    ``batch``, ``query``, ``key`` and ``pos``. Parameters may carry leading axes (seeds)
    before those in ``shape``. ``role`` is the colour that it has in every figure.
    """

    name: str
    kind: str
    symbol: str
    shape: tuple[str, ...]
    meaning: str
    equation: str = ""
    role: str = "other"
    per_layer: bool = False


def _size(name, symbol, meaning):
    return Name(name, "size", symbol, (), meaning)


def _parameter(name, symbol, shape, meaning, role="other", per_layer=True):
    return Name(name, "parameter", symbol, tuple(shape.split()), meaning, "", role, per_layer)


def _activation(name, symbol, shape, meaning, equation, role="other", per_layer=True):
    return Name(name, "activation", symbol, tuple(shape.split()), meaning, equation, role, per_layer)


_TABLE = (
    # Sizes
    _size("d_vocab", r"d_\text{vocab}", "how many tokens there are"),
    _size("n_ctx", r"n_\text{ctx}", "how many positions the model sees"),
    _size("d_model", r"d_\text{model}", "width of the residual stream, or of the input rows of a model without one"),
    _size("n_heads", r"n_\text{heads}", "attention heads in a layer"),
    _size("kv_heads", r"n_\text{kv}", "heads of keys and values: as many as heads, or fewer, each for a group of them"),
    _size("d_head", r"d_\text{head}", "width of a query, a key and a value"),
    _size("d_mlp", r"d_\text{mlp}", "hidden width of the feed-forward layer"),
    _size("n_layers", r"n_\text{layers}", "blocks, one after the other"),
    # Parameters of the one-head model
    _size("n_buckets", r"n_\text{buckets}", "classes of distances that have a bias each"),
    _size("n_types", r"n_\text{types}", "kinds of segments that a token may stand in"),
    _size("n_classes", r"n_\text{classes}", "classes that a whole text may be of"),
    _size("d_patch", r"d_\text{patch}", "numbers in a patch of an image"),
    _parameter("W_QK", r"W_{QK}", "d_model d_model", "where to look: scores a query row against a key row",
               "query", False),
    _parameter("W_OV", r"W_{OV}", "d_model d_vocab", "what to write: turns what was read into logits", "value", False),
    # Parameters of the transformer
    _parameter("W_E", r"W_E", "d_vocab d_model", "token embedding", "residual", False),
    _parameter("W_pos", r"W_\text{pos}", "n_ctx d_model", "position embedding", "residual", False),
    _parameter("W_type", r"W_\text{type}", "n_types d_model", "segment embedding", "residual", False),
    _parameter("W_patch", r"W_\text{patch}", "d_patch d_model", "makes a row of a patch", "residual", False),
    _parameter("b_patch", r"b_\text{patch}", "d_model", "its offset", "residual", False),
    _parameter("x_class", r"x_\text{class}", "d_model", "the row before the patches, where classes are read",
               "residual", False),
    _parameter("ln_embed_w", r"\gamma_E", "d_model", "gain of the norm of the embedded tokens", "residual", False),
    _parameter("ln_embed_b", r"\beta_E", "d_model", "offset of the norm of the embedded tokens", "residual", False),
    _parameter("W_rel", r"W_\text{rel}", "n_buckets n_heads", "bias of the scores for each class of distances", "query",
               False),
    _parameter("ln1_w", r"\gamma_1", "d_model", "gain of the norm before attention", "residual"),
    _parameter("ln1_b", r"\beta_1", "d_model", "offset of the norm before attention", "residual"),
    _parameter("W_Q", r"W_Q", "d_model n_heads d_head", "makes queries", "query"),
    _parameter("b_Q", r"b_Q", "n_heads d_head", "offset of the queries", "query"),
    _parameter("W_K", r"W_K", "d_model kv_heads d_head", "makes keys", "key"),
    _parameter("b_K", r"b_K", "kv_heads d_head", "offset of the keys", "key"),
    _parameter("W_V", r"W_V", "d_model kv_heads d_head", "makes values", "value"),
    _parameter("b_V", r"b_V", "kv_heads d_head", "offset of the values", "value"),
    _parameter("W_O", r"W_O", "n_heads d_head d_model", "writes what the heads found into the stream", "value"),
    _parameter("b_O", r"b_O", "d_model", "its offset", "value"),
    _parameter("ln1_post_w", r"\gamma'_1", "d_model", "gain of the norm after attention", "residual"),
    _parameter("ln1_post_b", r"\beta'_1", "d_model", "offset of the norm after attention", "residual"),
    _parameter("ln2_w", r"\gamma_2", "d_model", "gain of the norm before the feed-forward layer", "residual"),
    _parameter("ln2_b", r"\beta_2", "d_model", "offset of the norm before the feed-forward layer", "residual"),
    _parameter("W_in", r"W_\text{in}", "d_model d_mlp", "first matrix of the feed-forward layer", "mlp"),
    _parameter("b_in", r"b_\text{in}", "d_mlp", "its offset", "mlp"),
    _parameter("W_gate", r"W_\text{gate}", "d_model d_mlp", "makes the gates of a gated feed-forward layer", "mlp"),
    _parameter("b_gate", r"b_\text{gate}", "d_mlp", "its offset", "mlp"),
    _parameter("W_out", r"W_\text{out}", "d_mlp d_model", "second matrix of the feed-forward layer", "mlp"),
    _parameter("b_out", r"b_\text{out}", "d_model", "its offset", "mlp"),
    _parameter("ln2_post_w", r"\gamma'_2", "d_model", "gain of the norm after the feed-forward layer", "residual"),
    _parameter("ln2_post_b", r"\beta'_2", "d_model", "offset of the norm after the feed-forward layer", "residual"),
    _parameter("ln_final_w", r"\gamma", "d_model", "gain of the last norm", "residual", False),
    _parameter("ln_final_b", r"\beta", "d_model", "offset of the last norm", "residual", False),
    _parameter("W_U", r"W_U", "d_model d_vocab", "unembedding: reads logits off the stream", "residual", False),
    _parameter("b_U", r"b_U", "d_vocab", "its offset", "residual", False),
    # Activations of the one-head model (the last query row only: no axis for the query)
    _parameter("W_mlm", r"W_\text{mlm}", "d_model d_model", "prepares rows for guessing what was masked", "mlp", False),
    _parameter("b_mlm", r"b_\text{mlm}", "d_model", "its offset", "mlp", False),
    _parameter("ln_mlm_w", r"\gamma_\text{mlm}", "d_model", "gain of the norm after it", "residual", False),
    _parameter("ln_mlm_b", r"\beta_\text{mlm}", "d_model", "offset of the norm after it", "residual", False),
    _parameter("W_pool", r"W_\text{pool}", "d_model d_model", "makes a row for a whole text of its first", "mlp",
               False),
    _parameter("b_pool", r"b_\text{pool}", "d_model", "its offset", "mlp", False),
    _parameter("W_class", r"W_\text{class}", "d_model n_classes", "reads classes off it", "residual", False),
    _parameter("b_class", r"b_\text{class}", "n_classes", "its offset", "residual", False),
    _activation("x", r"x", "batch n_ctx d_model", "input rows: one-hot token, and one-hot position where there is one",
                r"x_t = e_{\text{token}_t} \oplus e_t", "residual", False),
    _activation("read", r"z", "batch d_model", "what the head reads: the input rows, averaged by the pattern",
                r"z = x^\top a", "value", False),
    # Activations of the transformer
    _activation("embed", r"x_E", "batch pos d_model", "embedded tokens", r"x_E = W_E[\text{token}]", "residual", False),
    _activation("pos_embed", r"x_\text{pos}", "batch pos d_model", "embedded positions",
                r"x_\text{pos} = W_\text{pos}[t]", "residual", False),
    _activation("type_embed", r"x_\text{type}", "batch pos d_model", "embedded segments",
                r"x_\text{type} = W_\text{type}[\text{segment}]", "residual", False),
    _activation("ln_embed", r"\hat x_E", "batch pos d_model", "the norm of the embedded tokens",
                r"\hat x_E = \gamma_E \odot (x - \bar x) / \sigma + \beta_E", "residual", False),
    _activation("resid_pre", r"r_\text{pre}", "batch pos d_model", "the stream as it enters a block",
                r"r_\text{pre}^0 = x_E + x_\text{pos}", "residual"),
    _activation("ln1", r"\hat r_1", "batch pos d_model", "the normed stream at attention",
                r"\hat r_1 = \gamma_1 \odot (r - \bar r) / \sigma + \beta_1", "residual"),
    _activation("q", r"q", "batch n_heads query d_head", "queries", r"q = r W_Q + b_Q", "query"),
    _activation("k", r"k", "batch kv_heads key d_head", "keys", r"k = r W_K + b_K", "key"),
    _activation("v", r"v", "batch kv_heads key d_head", "values", r"v = r W_V + b_V", "value"),
    _activation("rot_q", r"\tilde q", "batch n_heads query d_head", "queries, turned by their positions",
                r"\tilde q_t = R_t\, q_t", "query"),
    _activation("rot_k", r"\tilde k", "batch kv_heads key d_head", "keys, turned by their positions",
                r"\tilde k_t = R_t\, k_t", "key"),
    _activation("scores", r"s", "batch n_heads query key", "how well each query fits each key",
                r"s = q k^\top / \sqrt{d_\text{head}}", "query"),
    _activation("pattern", r"a", "batch n_heads query key", "attention: how much each query takes from each position",
                r"a = \operatorname{softmax}(s)", "query"),
    _activation("z", r"z", "batch n_heads query d_head", "values, weighted by the pattern", r"z = a v", "value"),
    _activation("attn_out", r"o", "batch pos d_model", "what attention adds to the stream",
                r"o = \sum_h z_h W_{O,h} + b_O", "value"),
    _activation("ln1_post", r"\hat o", "batch pos d_model", "the norm of what attention writes",
                r"\hat o = \gamma'_1 \odot (o - \bar o) / \sigma + \beta'_1", "residual"),
    _activation("resid_mid", r"r_\text{mid}", "batch pos d_model", "the stream between attention and feed-forward",
                r"r_\text{mid} = r_\text{pre} + o", "residual"),
    _activation("ln2", r"\hat r_2", "batch pos d_model", "the normed stream at the feed-forward layer",
                r"\hat r_2 = \gamma_2 \odot (r - \bar r) / \sigma + \beta_2", "residual"),
    _activation("mlp_gate", r"g", "batch pos d_mlp", "the gates of a gated feed-forward layer, before its nonlinearity",
                r"g = r W_\text{gate} + b_\text{gate}", "mlp"),
    _activation("mlp_pre", r"u", "batch pos d_mlp", "feed-forward layer before its nonlinearity",
                r"u = r W_\text{in} + b_\text{in}", "mlp"),
    _activation("mlp_post", r"\phi(u)", "batch pos d_mlp", "feed-forward layer after its nonlinearity",
                r"\phi(u) = \max(u, 0), \text{ or another}", "mlp"),
    _activation("mlp_out", r"m", "batch pos d_model", "what the feed-forward layer adds to the stream",
                r"m = \phi(u) W_\text{out} + b_\text{out}", "mlp"),
    _activation("ln2_post", r"\hat m", "batch pos d_model", "the norm of what the feed-forward layer writes",
                r"\hat m = \gamma'_2 \odot (m - \bar m) / \sigma + \beta'_2", "residual"),
    _activation("resid_post", r"r_\text{post}", "batch pos d_model", "the stream as it leaves a block",
                r"r_\text{post} = r_\text{mid} + m", "residual"),
    _activation("resid_read", r"r_\text{read}", "batch pos d_model", "the stream where it is read out",
                r"r_\text{read} = r_\text{post}[\text{last}]", "residual", False),
    _activation("ln_final", r"\hat r", "batch pos d_model", "the last norm of it",
                r"\hat r = \gamma \odot (r - \bar r) / \sigma + \beta", "residual", False),
    _activation("mlm", r"r_\text{mlm}", "batch pos d_model", "rows from which masked tokens are guessed",
                r"r_\text{mlm} = \operatorname{norm}(\phi(r W_\text{mlm} + b_\text{mlm}))", "residual", False),
    _activation("pooled", r"r_\text{pool}", "batch d_model", "one row for a whole text",
                r"r_\text{pool} = \tanh(r[0]\, W_\text{pool} + b_\text{pool})", "residual", False),
    _activation("class_logits", r"\ell_\text{class}", "batch n_classes", "a score for every class",
                r"\ell_\text{class} = r_\text{pool} W_\text{class} + b_\text{class}", "residual", False),
    _activation("logits", r"\ell", "batch pos d_vocab", "a score for every token that may come next",
                r"\ell = r W_U + b_U", "residual", False),
    _activation("probs", r"p", "batch pos d_vocab", "probability of every token",
                r"p = \operatorname{softmax}(\ell)", "residual", False),
    _activation("loss", r"L", "", "cross-entropy in nats, averaged over the targets",
                r"L = -\ln p_\text{target}", "other", False),
)

VOCABULARY: dict[str, Name] = {entry.name: entry for entry in _TABLE}


#: Our name → (TransformerLens' name, our axes in its order). "{}" stands for the layer; its gain and offset of a norm
#: bear no layout. Activations that it has no hook for (the norms' outputs) are left out.
TRANSFORMER_LENS: dict[str, tuple[str, tuple[int, ...]]] = {
    "W_E": ("embed.W_E", (0, 1)), "W_pos": ("pos_embed.W_pos", (0, 1)),
    "W_U": ("unembed.W_U", (0, 1)), "b_U": ("unembed.b_U", (0,)),
    "ln_final_w": ("ln_final.w", (0,)), "ln_final_b": ("ln_final.b", (0,)),
    **{f"{ln}_{part}": (f"blocks.{{}}.{ln}.{part}", (0,)) for ln in ("ln1", "ln2") for part in "wb"},
    **{f"W_{head}": (f"blocks.{{}}.attn.W_{head}", (1, 0, 2)) for head in "QKV"},
    **{f"b_{head}": (f"blocks.{{}}.attn.b_{head}", (0, 1)) for head in "QKV"},
    "W_O": ("blocks.{}.attn.W_O", (0, 1, 2)), "b_O": ("blocks.{}.attn.b_O", (0,)),
    "W_in": ("blocks.{}.mlp.W_in", (0, 1)), "b_in": ("blocks.{}.mlp.b_in", (0,)),
    "W_out": ("blocks.{}.mlp.W_out", (0, 1)), "b_out": ("blocks.{}.mlp.b_out", (0,)),
    "embed": ("hook_embed", (0, 1, 2)), "pos_embed": ("hook_pos_embed", (0, 1, 2)),
    **{name: (f"blocks.{{}}.hook_{name}", (0, 1, 2))
       for name in ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post")},
    **{name: (f"blocks.{{}}.attn.hook_{name}", (0, 2, 1, 3)) for name in ("q", "k", "v", "rot_q", "rot_k", "z")},
    "scores": ("blocks.{}.attn.hook_attn_scores", (0, 1, 2, 3)),
    "pattern": ("blocks.{}.attn.hook_pattern", (0, 1, 2, 3)),
    "mlp_pre": ("blocks.{}.mlp.hook_pre", (0, 1, 2)), "mlp_post": ("blocks.{}.mlp.hook_post", (0, 1, 2)),
}


#: What may stand before a name: the side of an encoder-decoder, the layer, and attention to the other side.
BEFORE = re.compile(r"^(?:encoder\.|decoder\.)?(?P<layer>blocks\.\d+\.)?(?P<cross>cross_)?")


def lookup(name: str) -> Name:
    """The entry of the vocabulary with this name; an unknown one is answered with the nearest known.

    What stands before it is allowed: ``lookup("blocks.0.W_Q")`` is ``lookup("W_Q")``, and so is
    ``lookup("decoder.blocks.0.cross_W_Q")``, of the attention from a decoder to its encoder.
    """
    before = BEFORE.match(name) if isinstance(name, str) else None
    word = name[before.end():] if before else name
    if isinstance(word, str) and word in VOCABULARY and (VOCABULARY[word].per_layer or not any(before.groups())):
        return VOCABULARY[word]
    near = difflib.get_close_matches(written(word, str), VOCABULARY, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else "See the notation page, or list(transformer_lab.VOCABULARY)."
    raise UnknownNameError("name", written(name), "a name in transformer_lab.VOCABULARY", remedy)


@checked
def parameter_shapes(config: CONFIG) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of the transformer of a ``ModelConfig``, in the order of the forward pass.

    >>> from transformer_lab import ModelConfig
    >>> digits = ModelConfig(d_vocab=20, n_ctx=8, d_model=64, n_heads=4, n_layers=2, d_mlp=256, norm="layer")
    >>> shapes = parameter_shapes(digits)
    >>> shapes["blocks.1.W_O"], shapes["b_U"]
    ((4, 16, 64), (20,))
    """
    if hasattr(config, "parameters"):  # a family says its own
        return config.parameters()
    names = ["W_E", *stack_parameters(config)]
    return shapes(config, names + ["W_U"] * (not config.tied) + ["b_U"] * config.bias_unembed)


@checked
def shapes(config: CONFIG, names: Each(str, 0)) -> dict[str, tuple[int, ...]]:
    """The shapes of these parameters in a transformer of this configuration."""
    axes = {name: lookup(name).shape for name in names}
    for name, axis in ((name, axis) for name, shape in axes.items() for axis in shape if not hasattr(config, axis)):
        raise UnknownNameError("names", written(name), f"a parameter of this configuration, which has no {axis}",
                               "Take parameter_shapes(config).")
    return {name: tuple(getattr(config, axis) for axis in shape) for name, shape in axes.items()}


@checked
def stack_parameters(config: CONFIG, cross: bool = False) -> list[str]:
    """The names of what lies between the embedding and the read-out; with ``cross``, of a decoder that sees another."""
    norm = PARTS["norm"][config.norm].params
    block = [*_attention(config, norm), *(f"cross_{name}" for name in _attention(config, norm) if cross),
             *_feed_forward(config, norm)]
    return [*PARTS["positions"][config.positions].params,
            *(f"blocks.{layer}.{name}" for layer in range(config.n_layers) for name in block),
            *(f"ln_final_{part}" for part in norm if config.placement != "post")]


def _attention(config, norm) -> list[str]:
    return [*(f"ln1_{part}" for part in norm),
            *(f"{kind}_{head}" for head in "QKV" + "O" * config.output_projection
              for kind in ("W", "b")[:1 + config.bias_attention]),
            *(f"ln1_post_{part}" for part in norm if config.placement == "both")]


def _feed_forward(config, norm) -> list[str]:
    maps = [f"{kind}_{end}" for end in ("in", *["gate"] * config.gated, "out")
            for kind in ("W", "b")[:1 + config.bias_mlp]]
    after = [f"ln2_post_{part}" for part in norm if config.placement == "both"]
    return [f"ln2_{part}" for part in norm] + maps + after if config.d_mlp else []
