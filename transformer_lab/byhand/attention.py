"""Scaled dot-product and multi-head attention in NumPy, forward and backward side by side.

Every function is followed by its pullback: the map from the gradient of its output to the
gradients of its inputs. Arrays may carry any leading axes; parameters may carry leading
axes (seeds) too. float32 stays float32, and complex input works, so that a complex step
can check the gradients.

The functions are small on purpose: :func:`project`, :func:`attend` and :func:`merge` are
multi-head attention, and a model that rotates its queries or shares its keys puts its own
line between them.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_callable, check_entries, check_number, check_whole
from ..errors import ShapeError
from .explained import explained
from .projections import merge, merge_pullback, project, project_pullback
from .softmax import softmax, softmax_pullback

__all__ = [
    "attend", "attend_pullback", "causal_mask", "merge", "merge_pullback", "multi_head", "multi_head_pullback",
    "padding_mask", "project", "project_pullback", "softmax", "softmax_pullback",
]


def keep(name, value):
    """The tap that changes nothing."""
    return value


def tap_or_keep(tap):
    return keep if tap is None else check_callable("tap", tap)


def causal_mask(n_ctx):
    """Each position may look at itself and at what came before: bool (query, key), True where it may.

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(check_whole("n_ctx", n_ctx, low=1), dtype=bool)


def padding_mask(real):
    """No query may look at padding: bool (..., 1, 1, key) from ``real`` (..., key), True where a token is real.

    The two axes are for heads and queries. Masks combine with ``&``.

    >>> (padding_mask(np.array([[False, True, True]])) & causal_mask(3)).astype(int).tolist()
    [[[[0, 0, 0], [0, 1, 0], [0, 1, 1]]]]
    """
    return check_array("real", real, shape=("key",), kind="flag", leading=True)[..., None, None, :]


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
    >>> attend(np.ones((1, 3)), k, v)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.ShapeError: q: got an array of shape (1, 3); allowed is (..., any, 2). ...
    """
    k = check_array("k", k, shape=("key", "d_head"), kind="inexact", leading=True)
    q = check_array("q", q, shape=(None, k.shape[-1]), kind="inexact", leading=True)
    v = check_array("v", v, shape=(k.shape[-2], None), kind="inexact", leading=True)
    return attend_unchecked(q, k, v, _check_mask(mask, q, k), scale, tap_or_keep(tap))


def attend_unchecked(q, k, v, mask=None, scale=None, tap=keep):
    """:func:`attend` for a model that has checked its input once."""
    scores = tap("scores", dot_rows(q * _scale(q, scale), k))
    pattern = tap("pattern", softmax(scores, mask))
    z = tap("z", product(pattern, v, like=q))
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


def multi_head(params, x, mask=None, *, source=None, scale=None, tap=None):
    r"""Multi-head attention, :math:`o = \sum_h \operatorname{attend}(x W_{Q,h}, x W_{K,h}, x W_{V,h}) W_{O,h}`
    (eq-multi-head; Vaswani et al. 2017, section 3.2.2, in the layout of Elhage et al. 2021; no offsets).

    Parameters
    ----------
    params : dict
        ``W_Q W_K W_V`` (..., d_model, n_heads, d_head) and ``W_O`` (..., n_heads, d_head, d_model); without ``W_O``
        the heads are laid side by side.
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
    return multi_head_unchecked(params, x, mask, source, scale, tap_or_keep(tap))


def multi_head_unchecked(params, x, mask=None, source=None, scale=None, tap=keep):
    """:func:`multi_head` for a model that has checked its input once."""
    rows = x if source is None else source
    q = tap("q", project(x, params["W_Q"]))
    k = tap("k", project(rows, params["W_K"]))
    v = tap("v", project(rows, params["W_V"]))
    acts = attend_unchecked(q, k, v, mask, scale, tap)
    return {"x": x, "source": source, **acts, "attn_out": tap("attn_out", merge(acts["z"], params.get("W_O")))}


@explained(d_attn_out="batch pos d_model")
def multi_head_pullback(params, acts, d_attn_out, *, scale=None, tap=keep):
    """Gradients of ``x`` (and ``source``), ``W_Q W_K W_V`` and ``W_O`` from the gradient of ``attn_out``
    (eq-three-ways-back in the book).

    The tap sees ``d_attn_out d_z d_pattern d_scores d_q d_k d_v``.
    """
    x, source = acts["x"], acts["source"]
    rows = x if source is None else source
    d_z, d_W_O = merge_pullback(acts["z"], params.get("W_O"), tap("d_attn_out", d_attn_out))
    d = attend_pullback(acts, d_z, scale=scale, tap=tap)
    d_x, d_W_Q = project_pullback(x, params["W_Q"], tap("d_q", d["q"]))
    d_from_k, d_W_K = project_pullback(rows, params["W_K"], tap("d_k", d["k"]))
    d_from_v, d_W_V = project_pullback(rows, params["W_V"], tap("d_v", d["v"]))
    d_rows = d_from_k + d_from_v
    inputs = {"x": d_x + d_rows} if source is None else {"x": d_x, "source": d_rows}
    return {"W_Q": d_W_Q, "W_K": d_W_K, "W_V": d_W_V, **({"W_O": d_W_O} if "W_O" in params else {}), **inputs}


def _scale(q, scale):
    return q.shape[-1] ** -0.5 if scale is None else check_number("scale", scale)


def _check_mask(mask, q, k):
    if mask is None:
        return None
    mask = check_array("mask", mask, shape=(), kind="flag", leading=True)
    shape = (*lead_of(q, k), q.shape[-2], k.shape[-2])
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        raise ShapeError("mask", f"an array of shape {mask.shape}", f"a shape that broadcasts to {shape}",
                         "Add axes of length 1 for the batch and the heads.") from None


def _check_params(params, x, source):
    check_entries("params", params, ("W_Q", "W_K", "W_V"))
    W_Q = check_array("W_Q", params["W_Q"], shape=(None, None, None), kind="inexact", leading=True)
    d_model, n_heads, d_head = W_Q.shape[-3:]
    for name, shape in [("W_K", (d_model, n_heads, d_head)), ("W_V", (d_model, n_heads, None)),
                        ("W_O", (n_heads, None, None))]:
        if name in params or name != "W_O":
            check_array(name, params[name], shape=shape, kind="inexact", leading=True)
    for name, value in [("x", x), ("source", source)]:
        if value is not None:
            check_array(name, value, shape=("batch", "pos", d_model), kind="inexact", leading=True)
