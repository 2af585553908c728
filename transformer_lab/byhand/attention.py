"""Scaled dot-product and multi-head attention in NumPy, forward and backward side by side.

Every function is followed by its pullback: the map from the gradient of its output to the gradients of its inputs.
Arrays may carry any leading axes; parameters may carry leading axes (seeds) too. float32 stays float32, and complex
input works, so that a complex step can check the gradients.

The functions are small on purpose: :func:`project`, :func:`attend` and :func:`merge` are multi-head attention. Between
the first two stands a seam, a pair of functions that may change queries and keys before they meet: rotary positions
enter there (:func:`.positions.turning`), and attention does not know of them.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_callable, check_entries, check_number
from ..errors import ShapeError
from .explained import explained, flags
from .parts import row_sum, rows
from .softmax import causal_mask, padding_mask, softmax, softmax_pullback

__all__ = [
    "attend", "attend_pullback", "causal_mask", "merge", "merge_pullback", "multi_head", "multi_head_pullback",
    "padding_mask", "project", "project_pullback", "softmax", "softmax_pullback",
]


def keep(name, value):
    """The tap that changes nothing."""
    return value


def tap_or_keep(tap):
    return keep if tap is None else check_callable("tap", tap)


def attend(q, k, v, mask=None, *, scale=None, tap=None):
    r"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1; here eq-attention).

    .. math:: s = q k^\top / \sqrt{d_\text{head}}, \quad a = \operatorname{softmax}(s), \quad z = a v

    Parameters
    ----------
    q : array (..., query, d_head)
    k : array (..., key, d_head)
    v : array (..., key, any width)
    mask : bool array that broadcasts to (..., query, key), optional
        True where the query may look. A query that may look nowhere reads 0.
    scale : float, optional
        What the dot products are multiplied by, ``1 / sqrt(d_head)`` where it is not given.
    tap : callable (name, value) -> value, optional
        Sees, and may replace, ``scores`` (before the mask), ``pattern`` and ``z``.

    Returns
    -------
    dict
        ``q k v scores pattern z``, as they were used.

    Raises
    ------
    ArgumentError
        Shapes that do not fit, entries that are not finite, a mask that is not made of truth values.

    Examples
    --------
    >>> k = v = np.eye(2)
    >>> attend(np.array([[2.0, 0.0]]), k, v)["z"].round(3).tolist()
    [[0.804, 0.196]]
    """
    k = check_array("k", k, shape=("key", "d_head"), kind="inexact", leading=True)
    q = check_array("q", q, shape=(None, k.shape[-1]), kind="inexact", leading=True)
    v = check_array("v", v, shape=(k.shape[-2], None), kind="inexact", leading=True)
    return attend_unchecked(q, k, v, _check_mask(mask, q, k), scale, tap_or_keep(tap))


def attend_unchecked(q, k, v, mask=None, scale=None, tap=keep):
    """:func:`attend` for a model that has checked its input once."""
    scores = tap("scores", dot_rows(q * _scale(q, scale), k))  # (..., query, key)
    pattern = tap("pattern", softmax(scores, mask))            # (..., query, key)
    z = tap("z", product(pattern, v, like=q))                  # (..., query, d_head)
    return {"q": q, "k": k, "v": v, "scores": scores, "pattern": pattern, "z": z}


@explained(d_z="query width")
def attend_pullback(acts, d_z, *, scale=None, tap=keep):
    r"""Gradients of ``q``, ``k`` and ``v`` from the gradient of ``z`` (eq-attention-backward).

    .. math:: \partial v = a^\top \partial z, \quad \partial a = \partial z\, v^\top, \quad
              \partial q = \partial s\, k / \sqrt{d_\text{head}}, \quad
              \partial k = \partial s^\top q / \sqrt{d_\text{head}}

    with :math:`\partial s` from :func:`softmax_pullback`. ``acts`` and ``scale`` are those of :func:`attend`; the tap
    sees ``d_z d_pattern d_scores``. Also returned: ``scores``, the gradient that reaches them. A gradient carries all
    leading axes; sum over those that an input was shared along.

    >>> rng = np.random.default_rng(0)
    >>> q, k, v = rng.normal(size=(3, 2, 4, 5))
    >>> attend_pullback(attend(q, k, v), np.ones((2, 4, 5)))["k"].shape
    (2, 4, 5)
    """
    q, k, v, pattern = acts["q"], acts["k"], acts["v"], acts["pattern"]
    d_z = tap("d_z", d_z)
    d_v = product(pattern.swapaxes(-1, -2), d_z, like=v)
    d_pattern = tap("d_pattern", dot_rows(d_z, v))
    d_scores = tap("d_scores", softmax_pullback(pattern, d_pattern))
    d_scaled = d_scores * _scale(q, scale)
    d_q = product(d_scaled, k, like=q)
    d_k = product(d_scaled.swapaxes(-1, -2), q, like=k)
    return {"q": d_q, "k": d_k, "v": d_v, "scores": d_scores}


def dot_rows(q, k):
    """Every row of q times every row of k, (..., query, key), with the key's axis first in memory: what softmax adds
    up over keys then lies in long contiguous runs, which makes it six times as fast.
    """
    memory = np.empty((k.shape[-2], *lead_of(q, k), q.shape[-2]), np.result_type(q, k))
    return np.matmul(q, k.swapaxes(-1, -2), out=memory.transpose(*range(1, memory.ndim), 0))


def product(a, b, like):
    """``a @ b``, in memory as ``like`` is, where their shapes agree: the heads then lie side by side without a copy."""
    shape = (*lead_of(a, b), a.shape[-2], b.shape[-1])
    return np.matmul(a, b, out=np.empty_like(like, np.result_type(a, b)) if shape == like.shape else None)


def lead_of(a, b):
    """The leading axes of the product of two stacks of matrices."""
    same = a.shape[:-2] == b.shape[:-2]
    return a.shape[:-2] if same else np.broadcast_shapes(a.shape[:-2], b.shape[:-2])


@explained(x="batch pos d_model", W="d_model n_heads d_head")
def project(x, W):
    r"""Queries, keys or values of every head, :math:`q = x W_Q`.

    ``x`` (..., batch, pos, d_model) and ``W`` (..., d_model, n_heads, d_head) give (..., batch, n_heads, pos, d_head).
    The leading axes of the two broadcast: one batch can feed many seeds.

    >>> project(np.ones((7, 5, 4)), np.ones((3, 4, 2, 6))).shape
    (3, 7, 2, 5, 6)
    """
    flat = rows(x) @ W.reshape(*W.shape[:-2], -1)  # one tall product: (..., batch·pos, n_heads·d_head)
    return flat.reshape(*flat.shape[:-2], *x.shape[-3:-1], *W.shape[-2:]).swapaxes(-2, -3)


@explained(x="batch pos d_model", W="d_model n_heads d_head", d_out="batch n_heads pos d_head")
def project_pullback(x, W, d_out):
    r"""Gradients of ``x`` and ``W``.

    .. math:: \partial x = \partial q\, W_Q^\top, \quad \partial W_Q = x^\top \partial q
    """
    d_flat = d_out.swapaxes(-2, -3)
    d_flat = d_flat.reshape(*d_flat.shape[:-4], -1, W.shape[-2] * W.shape[-1])
    d_x = d_flat @ W.reshape(*W.shape[:-2], -1).swapaxes(-1, -2)
    d_W = rows(x).swapaxes(-1, -2) @ d_flat
    return d_x.reshape(*d_x.shape[:-2], *x.shape[-3:]), d_W.reshape(*d_W.shape[:-1], *W.shape[-2:])


@explained(z="batch n_heads pos d_head", W_O="n_heads d_head d_model")
def merge(z, W_O=None):
    r"""What all heads write, :math:`o = \sum_h z_h W_{O,h}`; without ``W_O``, the heads laid side by side.

    ``z`` (..., batch, n_heads, pos, d_head) and ``W_O`` (..., n_heads, d_head, d_model) give
    (..., batch, pos, d_model).

    >>> merge(np.ones((7, 2, 5, 6)), np.ones((3, 2, 6, 4))).shape
    (3, 7, 5, 4)
    """
    flat = side_by_side(z)
    if W_O is not None:
        flat = flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1])
    return flat.reshape(*flat.shape[:-2], z.shape[-4], z.shape[-2], flat.shape[-1])


@explained(z="batch n_heads pos d_head", W_O="n_heads d_head d_model", d_out="batch pos d_model")
def merge_pullback(z, W_O, d_out):
    r"""Gradients of ``z`` and ``W_O``.

    .. math:: \partial z_h = \partial o\, W_{O,h}^\top, \quad \partial W_{O,h} = z_h^\top \partial o
    """
    d_flat, d_W_O = rows(d_out), None
    if W_O is not None:
        d_W_O = side_by_side(z).swapaxes(-1, -2) @ d_flat
        d_W_O = d_W_O.reshape(*d_W_O.shape[:-2], *W_O.shape[-3:])
        d_flat = d_flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1]).swapaxes(-1, -2)
    n_heads, n_pos, d_head = z.shape[-3:]
    return d_flat.reshape(*d_flat.shape[:-2], -1, n_pos, n_heads, d_head).swapaxes(-2, -3), d_W_O


def side_by_side(z):
    """(..., batch, n_heads, pos, d_head) -> (..., batch·pos, n_heads·d_head)"""
    return z.swapaxes(-2, -3).reshape(*z.shape[:-4], -1, z.shape[-3] * z.shape[-1])


def biased(q, b):
    """An offset for every head, b (..., n_heads, d_head), or none: (..., batch, n_heads, pos, d_head)."""
    return q if b is None else q + b[..., None, :, None, :]


def multi_head(params, x, mask=None, *, source=None, scale=None, tap=None):
    r"""Multi-head attention, :math:`o = \sum_h \operatorname{attend}(x W_{Q,h}, x W_{K,h}, x W_{V,h}) W_{O,h}`
    (eq-multi-head; Vaswani et al. 2017, section 3.2.2, in the layout of Elhage et al. 2021).

    Parameters
    ----------
    params : dict
        ``W_Q W_K W_V`` (..., d_model, n_heads, d_head) and ``W_O`` (..., n_heads, d_head, d_model); without ``W_O``
        the heads are laid side by side. ``b_Q b_K b_V`` (..., n_heads, d_head) and ``b_O`` (..., d_model) are optional.
    x : array (..., batch, query, d_model)
        The rows that ask, and that answer where there is no ``source``.
    mask : bool array that broadcasts to (..., batch, n_heads, query, key), optional
    source : array (..., batch, key, d_model), optional
        The rows that answer (cross-attention).
    scale, tap
        As in :func:`attend`; the tap sees ``q k v scores pattern z attn_out``.

    Returns
    -------
    dict
        ``x source q k v scores pattern z attn_out`` (``source`` is None where there is none).

    Examples
    --------
    >>> params = {name: np.full((4, 2, 3), 0.1) for name in ("W_Q", "W_K", "W_V")} | {"W_O": np.ones((2, 3, 4))}
    >>> acts = multi_head(params, np.ones((1, 5, 4)), causal_mask(5))
    >>> acts["pattern"].shape, acts["attn_out"].shape
    ((1, 2, 5, 5), (1, 5, 4))
    """
    _check_params(params, x, source)
    mask = None if mask is None else flags("mask", mask)
    return multi_head_unchecked(params, x, mask, source, scale, tap_or_keep(tap))


def multi_head_unchecked(params, x, mask=None, source=None, scale=None, tap=keep, seam=None):
    """:func:`multi_head` for a model that has checked its input once, with a seam before the scores."""
    answering = x if source is None else source
    made = {}
    for name, given in (("q", x), ("k", answering), ("v", answering)):  # (..., batch, n_heads, pos, d_head)
        head = name.upper()
        made[name] = tap(name, biased(project(given, params["W_" + head]), params.get("b_" + head)))
    q, k, turned = made["q"], made["k"], {}
    if seam is not None:
        q, k = seam[0](q, k)
        turned = {"rot_q": (q := tap("rot_q", q)), "rot_k": (k := tap("rot_k", k))}
    acts = attend_unchecked(q, k, made["v"], mask, scale, tap)
    out = merge(acts["z"], params.get("W_O"))  # (..., batch, pos, d_model)
    out = out + params["b_O"][..., None, None, :] if "b_O" in params else out
    return {"x": x, "source": source, **acts, **made, **turned, "attn_out": tap("attn_out", out)}


@explained(d_attn_out="batch pos d_model")
def multi_head_pullback(params, acts, d_attn_out, *, scale=None, tap=keep, seam=None):
    """Gradients of ``x`` (and ``source``) and of all parameters from the gradient of ``attn_out``
    (eq-three-ways-back in the book).

    The tap sees ``d_attn_out d_z d_pattern d_scores d_q d_k d_v``.
    """
    x, source = acts["x"], acts["source"]
    answering = x if source is None else source
    d_attn_out = tap("d_attn_out", d_attn_out)
    d_z, d_W_O = merge_pullback(acts["z"], params.get("W_O"), d_attn_out)
    met = acts if seam is None else acts | {"q": acts["rot_q"], "k": acts["rot_k"]}
    d = attend_pullback(met, d_z, scale=scale, tap=tap)
    if seam is not None:
        d["q"], d["k"] = seam[1](tap("d_rot_q", d["q"]), tap("d_rot_k", d["k"]))
    d_x, d_W_Q = project_pullback(x, params["W_Q"], d_q := tap("d_q", d["q"]))
    d_from_k, d_W_K = project_pullback(answering, params["W_K"], d_k := tap("d_k", d["k"]))
    d_from_v, d_W_V = project_pullback(answering, params["W_V"], d_v := tap("d_v", d["v"]))
    d_rows = d_from_k + d_from_v
    inputs = {"x": d_x + d_rows} if source is None else {"x": d_x, "source": d_rows}
    grads = {"W_Q": d_W_Q, "W_K": d_W_K, "W_V": d_W_V, "W_O": d_W_O} | inputs
    if "b_Q" in params:
        grads |= {"b_Q": d_q.sum(axis=(-4, -2)), "b_K": d_k.sum(axis=(-4, -2)), "b_V": d_v.sum(axis=(-4, -2)),
                  "b_O": row_sum(d_attn_out)}
    return {name: grad for name, grad in grads.items() if name in params or name in inputs}


def _scale(q, scale):
    return q.shape[-1] ** -0.5 if scale is None else check_number("scale", scale)


def _check_mask(mask, q, k):
    if mask is None:
        return None
    mask, shape = flags("mask", mask), (*lead_of(q, k), q.shape[-2], k.shape[-2])
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ShapeError("mask", f"an array of shape {mask.shape}", f"a shape that broadcasts to {shape}",
                         "Add axes of length 1 for the batch and the heads.") from None


def _check_params(params, x, source):
    check_entries("params", params, ("W_Q", "W_K", "W_V"))
    W_Q = check_array("W_Q", params["W_Q"], shape=(None, None, None), kind="inexact", leading=True)
    d_model, n_heads, d_head = W_Q.shape[-3:]
    shapes = {"W_K": (d_model, n_heads, d_head), "W_V": (d_model, n_heads, None), "W_O": (n_heads, None, None),
              "b_Q": (n_heads, d_head), "b_K": (n_heads, d_head), "b_V": (n_heads, None), "b_O": (None,)}
    for name in shapes.keys() & params.keys():
        check_array(name, params[name], shape=shapes[name], kind="inexact", leading=True)
    for name, value in [("x", x), ("source", source)]:
        if value is not None:
            check_array(name, value, shape=("batch", "pos", d_model), kind="inexact", leading=True)
