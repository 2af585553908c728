"""One transformer block, forward and backward: attention, then the feed-forward layer, each added to the stream.

A norm stands before each of the two (Pre-LN, Xiong et al. 2020), or after each sum (Post-LN, Vaswani et al. 2017):

    Pre-LN   stream + part(norm(stream))          Post-LN   norm(stream + part(stream))

In the book the left one is eq-block.

Names are without their layer here: ``W_Q`` for ``blocks.0.W_Q``. What a function needs besides its arrays is the
``config``, the activations ``acts`` (:class:`~transformer_lab.byhand.acts.Acts`) and, backward, the ``tap`` that sees
every gradient and the dict ``grads`` that takes those of the parameters.
"""

from __future__ import annotations

from .attention import multi_head_pullback, multi_head_unchecked
from .feed_forward import feed_forward, feed_forward_pullback
from .read_out import pick, pick_pullback
from .stream import dropped, dropped_pullback, norm_if, norm_if_pullback, onto

__all__ = ["block", "block_pullback"]


def block(params, x, config, acts, *, mask=None, at=None, masks=None):
    """The stream as it leaves the block, from the stream x (..., batch, pos, d_model); every activation into ``acts``.

    ``mask`` says where queries may look (see ``attention``), ``masks`` what dropout zeroes (see ``dropout``). With
    ``at`` (..., batch) the block goes on with that position of each sequence alone; the others are keys and values.
    """
    acts["resid_pre"] = x
    acts["resid_mid"] = attention_part(params, acts["resid_pre"], config, acts, mask, at, masks)
    acts["resid_post"] = mlp_part(params, acts["resid_mid"], config, acts, masks)
    return acts["resid_post"]


def block_pullback(params, acts, d_resid_post, config, tap, grads, *, at=None):
    """The gradient of x: :func:`block` from its end to its start."""
    d_resid_mid = mlp_part_pullback(params, acts, tap("d_resid_post", d_resid_post), config, tap, grads)
    d_resid_pre = attention_part_pullback(params, acts, tap("d_resid_mid", d_resid_mid), config, tap, grads, at)
    return tap("d_resid_pre", d_resid_pre)


def attention_part(params, stream, config, acts, mask, at, masks):
    rows, source = norm_if("pre", "ln1", stream, params, config, acts), None
    if at is not None:
        rows, source, stream = pick(rows, at), rows, pick(stream, at)
    attn = acts.saved["attn"] = multi_head_unchecked(params, rows, mask, source, tap=acts.tap)
    acts.update({name: attn[name] for name in ("q", "k", "v", "scores", "pattern", "z", "attn_out")})
    total = onto(stream, dropped("attn_out", attn["attn_out"], acts, masks), config)
    return norm_if("post", "ln1", total, params, config, acts)


def attention_part_pullback(params, acts, d_out, config, tap, grads, at):
    d_total = norm_if_pullback("post", "ln1", d_out, params, config, acts, tap, grads)
    d_attn_out = dropped_pullback("attn_out", d_total, acts)
    grads.update(multi_head_pullback(params, acts.saved["attn"], d_attn_out, tap=tap))
    d_rows, d_source = grads.pop("x"), grads.pop("source", None)
    if at is not None:
        n_pos = d_source.shape[-2]
        d_rows, d_total = d_source + pick_pullback(at, d_rows, n_pos), pick_pullback(at, d_total, n_pos)
    return onto(d_total, norm_if_pullback("pre", "ln1", d_rows, params, config, acts, tap, grads), config)


def mlp_part(params, stream, config, acts, masks):
    if config.d_mlp == 0:
        return stream
    rows = acts.saved["mlp_in"] = norm_if("pre", "ln2", stream, params, config, acts)
    acts.update(feed_forward(params, rows, config.activation, acts.tap))
    total = onto(stream, dropped("mlp_out", acts["mlp_out"], acts, masks), config)
    return norm_if("post", "ln2", total, params, config, acts)


def mlp_part_pullback(params, acts, d_out, config, tap, grads):
    if config.d_mlp == 0:
        return d_out
    d_total = norm_if_pullback("post", "ln2", d_out, params, config, acts, tap, grads)
    d_mlp_out = dropped_pullback("mlp_out", d_total, acts)
    d_rows, d_params = feed_forward_pullback(params, acts, acts.saved["mlp_in"], d_mlp_out, config.activation, tap)
    grads.update(d_params)
    return onto(d_total, norm_if_pullback("pre", "ln2", d_rows, params, config, acts, tap, grads), config)
