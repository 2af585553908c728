"""What a transformer is made of: its start, its blocks and its end, forward and backward, on named activations.

A norm stands before each part of a block (Pre-LN, Xiong et al. 2020), or after each sum (Post-LN, Vaswani et al. 2017):

    Pre-LN   stream + part(norm(stream))          Post-LN   norm(stream + part(stream))

In the book the left one is eq-block.

Names are without their layer here: ``W_Q`` for ``blocks.0.W_Q``. A function takes its arrays, the ``config`` and the
activations ``acts`` that it fills; its pullback takes the gradient of what it returned, and the ``tap`` that sees every
gradient, and returns a dict: the gradient of its input as ``x``, and those of its parameters by name.
"""

from __future__ import annotations

import numpy as np

from ..parts import PARTS
from ..taps import prefixed
from .attention import multi_head, multi_head_pullback
from .ends import READ_OUTS, embed, embed_pullback, pick, pick_pullback, unembed, unembed_pullback
from .parts import NORMS, feed_forward, feed_forward_pullback
from .positions import POSITIONS, leaning, turning

__all__ = ["Acts", "block", "block_pullback", "embedded", "embedded_pullback", "read_out",
           "read_out_pullback"]


class Acts(dict):
    """Activations by name. What is stored goes through the tap first: ``acts["q"] = …`` is seen, and may be replaced.

    ``saved`` holds what the pullbacks need besides, and no one should edit; ``blocks`` the activations of each layer,
    by names without the prefix.

    >>> acts = Acts(lambda name, value: 0 if name == "blocks.1.attn_out" else value, "blocks.1.")
    >>> acts["resid_pre"], acts["attn_out"] = 3, 4
    >>> acts
    {'resid_pre': 3, 'attn_out': 0}
    """

    def __init__(self, tap, prefix=""):
        super().__init__()
        self.prefix, self.saved, self.blocks = prefix, {}, []
        self.tap = prefixed(tap, prefix)

    def __setitem__(self, name, value):
        super().__setitem__(name, self.tap(name, value))

    def take(self, part: dict) -> dict:
        """Take over what a part computed; the tap has seen it."""
        self.update({name: value for name, value in part.items() if name not in ("x", "source")})
        return part

    def add_block(self, block: Acts) -> None:
        """Take over the activations of a layer, under their full names; the tap has seen them."""
        self.blocks.append(block)
        self.update({block.prefix + name: value for name, value in block.items()})


def norm_if(placement, ln, x, params, config, acts):
    """The norm called ``ln`` of x if the configuration places it here, ``"pre"`` or ``"post"``; else x itself."""
    pair = NORMS[config.norm]
    if pair is None or config.placement != placement:
        return x
    parts = [params[f"{ln}_{part}"] for part in PARTS["norm"][config.norm].params]
    acts[ln], acts.saved[ln] = pair[0].unchecked(x, *parts, config.eps)
    return acts[ln]


def norm_if_pullback(placement, ln, d_y, params, config, acts, tap):
    pair = NORMS[config.norm]
    if pair is None or config.placement != placement:
        return {"x": d_y}
    names = [f"{ln}_{part}" for part in PARTS["norm"][config.norm].params]
    grads = pair[1].unchecked(acts.saved[ln], params[names[0]], tap(f"d_{ln}", d_y))
    return dict(zip(["x", *names], grads, strict=True))


def dropped(name, x, acts, masks):
    """x, some entries zeroed where there are masks: dropout of what a part adds to the stream, and of the embedded
    tokens (Vaswani et al. 2017, section 5.4).
    """
    if masks is None:
        return x
    acts.saved["mask of " + name] = mask = masks(acts.prefix + name, x)
    return x * mask


def dropped_pullback(name, d_x, acts):
    mask = acts.saved.get("mask of " + name)
    return d_x if mask is None else d_x * mask


def onto(stream, out, config):
    """The stream with what a part wrote added; without residual connections, what it wrote. (Same for gradients.)"""
    return stream + out if config.residual else out


def embedded(params, tokens, config, acts, masks):
    r"""The start of the stream, :math:`r^0 = x_E + x_\text{pos}`, from ``W_E`` and the positions' rows, if any."""
    acts["embed"] = embed.unchecked(tokens, params["W_E"])  # (..., batch, pos, d_model)
    x, rows = acts["embed"], POSITIONS[config.positions].rows
    if rows is not None:
        table = rows(params, config, x.dtype)
        acts["pos_embed"] = np.broadcast_to(table[..., None, :x.shape[-2], :], x.shape)
        x = x + acts["pos_embed"]
    return dropped("embed", x, acts, masks)


def embedded_pullback(params, tokens, config, acts, d_x, tap):
    """Every position's gradient goes to the row of its token and to the row of its place."""
    d_x, grads = dropped_pullback("embed", d_x, acts), {}
    if POSITIONS[config.positions].rows:
        d_pos = tap("d_pos_embed", d_x)
    if "W_pos" in params:
        grads["W_pos"] = np.zeros_like(params["W_pos"], d_pos.dtype)
        grads["W_pos"][..., :d_x.shape[-2], :] = d_pos.sum(axis=-3)
    return grads | {"W_E": embed_pullback.unchecked(tokens, params["W_E"], tap("d_embed", d_x))}


def block(params, x, config, acts, *, mask=None, at=None, masks=None):
    """The stream as it leaves the block, from the stream x (..., batch, pos, d_model); every activation into ``acts``.

    ``mask`` says where queries may look (see ``softmax``), ``masks`` what dropout zeroes (see ``dropout_masks``). With
    ``at`` (..., batch) the block goes on with that position of each sequence alone; the others are keys and values.
    """
    acts["resid_pre"] = x
    acts["resid_mid"] = attention_part(params, acts["resid_pre"], config, acts, mask, at, masks)
    acts["resid_post"] = mlp_part(params, acts["resid_mid"], config, acts, masks)
    return acts["resid_post"]


def block_pullback(params, acts, d_resid_post, config, tap, *, at=None):
    """The gradients of x and of all parameters: :func:`block` from its end to its start."""
    mlp = mlp_part_pullback(params, acts, tap("d_resid_post", d_resid_post), config, tap)
    attn = attention_part_pullback(params, acts, tap("d_resid_mid", mlp.pop("x")), config, tap, at)
    return mlp | attn | {"x": tap("d_resid_pre", attn["x"])}


def attention_part(params, stream, config, acts, mask, at, masks):
    rows, source = norm_if("pre", "ln1", stream, params, config, acts), None
    acts.saved["seam"] = seam = turning.unchecked(config, stream.shape[-2], at)
    bias = leaning.unchecked(config, stream.shape[-2], at)
    if at is not None:
        rows, source, stream = pick.unchecked(rows, at), rows, pick.unchecked(stream, at)
    acts.saved["attn"] = acts.take(multi_head.unchecked(params, rows, mask, source=source, tap=acts.tap, seam=seam,
                                                        bias=bias))
    total = onto(stream, dropped("attn_out", acts["attn_out"], acts, masks), config)
    return norm_if("post", "ln1", total, params, config, acts)


def attention_part_pullback(params, acts, d_out, config, tap, at):
    grads = norm_if_pullback("post", "ln1", d_out, params, config, acts, tap)
    d_total = grads["x"]
    d_attn_out = dropped_pullback("attn_out", d_total, acts)
    grads |= multi_head_pullback.unchecked(params, acts.saved["attn"], d_attn_out, tap=tap, seam=acts.saved["seam"])
    d_rows, d_source = grads["x"], grads.pop("source", None)
    if at is not None:
        n_pos = d_source.shape[-2]
        d_rows = d_source + pick_pullback.unchecked(at, d_rows, n_pos)
        d_total = pick_pullback.unchecked(at, d_total, n_pos)
    normed = norm_if_pullback("pre", "ln1", d_rows, params, config, acts, tap)
    return grads | normed | {"x": onto(d_total, normed["x"], config)}


def mlp_part(params, stream, config, acts, masks):
    if config.d_mlp == 0:
        return stream
    rows = norm_if("pre", "ln2", stream, params, config, acts)
    acts.saved["mlp"] = acts.take(feed_forward.unchecked(params, rows, config.activation, acts.tap))
    total = onto(stream, dropped("mlp_out", acts["mlp_out"], acts, masks), config)
    return norm_if("post", "ln2", total, params, config, acts)


def mlp_part_pullback(params, acts, d_out, config, tap):
    if config.d_mlp == 0:
        return {"x": d_out}
    grads = norm_if_pullback("post", "ln2", d_out, params, config, acts, tap)
    d_total = grads["x"]
    d_mlp_out = dropped_pullback("mlp_out", d_total, acts)
    grads |= feed_forward_pullback.unchecked(params, acts.saved["mlp"], d_mlp_out, config.activation, tap)
    normed = norm_if_pullback("pre", "ln2", grads["x"], params, config, acts, tap)
    return grads | normed | {"x": onto(d_total, normed["x"], config)}


def read_out(params, x, config, acts):
    r"""The stream where it is read, the last norm, and :math:`\ell = \hat r\, W_U + b_U`, with ``W_U`` the transpose of
    ``W_E`` where it is tied.
    """
    acts["resid_read"] = READ_OUTS[config.read_out][1](x, acts.saved["at"], acts.saved["real"])
    h = acts.saved["unembedded"] = norm_if("pre", "ln_final", acts["resid_read"], params, config, acts)
    logits = unembed(params, h)  # (..., batch, pos, d_vocab), or one position
    acts["logits"] = logits if config.read_out == "all" else logits[..., 0, :]


def read_out_pullback(params, acts, d_logits, config, tap):
    """The gradients of the stream and of the parameters (eq-read-out-backward in the book)."""
    d_logits = d_logits if config.read_out == "all" else d_logits[..., None, :]
    grads = unembed_pullback(params, acts.saved["unembedded"], d_logits)
    grads |= norm_if_pullback("pre", "ln_final", grads["x"], params, config, acts, tap)
    d_read = tap("d_resid_read", grads["x"])
    return grads | {"x": READ_OUTS[config.read_out][2](d_read, acts.saved["at"], acts.saved["real"])}
