"""Scaled dot-product and multi-head attention in NumPy, forward and backward side by side.

Every function is followed by its pullback: the map from the gradient of its output to the gradients of its inputs.
Arrays may carry any leading axes; float32 stays float32, and complex input works, for a complex step.

:func:`project`, :func:`attend` and :func:`merge` are multi-head attention. Between the first two stands a seam, a pair
of functions that may change queries and keys before they meet: rotary positions enter there
(:func:`.positions.turning`), and attention does not know of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..checks import check_entries
from ..errors import ShapeError
from ..rules import Each, Entries, Function, Inexact, Number
from ..signatures import checked
from ..taps import held, keep
from .parts import row_sum, rows
from .positions import causal_mask, padding_mask
from .softmax import Mask, softmax, softmax_pullback, spread

__all__ = ["attend", "attend_pullback", "causal_mask", "merge", "merge_pullback", "multi_head", "multi_head_pullback",
           "padding_mask", "project", "project_pullback", "softmax", "softmax_pullback"]


@checked
def attend(q: Inexact("*#lead query d_head"), k: Inexact("*#lead key d_head"), v: Inexact("*#lead key d_value"),
           mask: Mask() | None = None, *, scale: Number() | None = None, bias: Inexact("...") | None = None,
           tap: Callable | None = None) -> dict:
    r"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1; here eq-attention).

    .. math:: s = q k^\top / \sqrt{d_\text{head}}, \quad a = \operatorname{softmax}(s), \quad z = a v

    The mask, True where the query may look, broadcasts to (..., query, key); a query that may look nowhere reads 0.
    The dot products are multiplied by ``scale``, ``1 / sqrt(d_head)`` where it is not given; a constant ``bias``, which
    broadcasts like the mask, is added. The tap sees, and may replace, ``scores`` (before the mask), ``pattern`` and
    ``z``. Returns ``q k v scores pattern z``, as they were used.

    >>> k = v = np.eye(2)
    >>> attend(np.array([[2.0, 0.0]]), k, v)["z"].round(3).tolist()
    [[0.804, 0.196]]
    """
    tap = held(tap)
    scores = dot_rows(q * _scale(q, scale), k)                           # (..., query, key)
    scores = tap("scores", scores if bias is None else scores + spread("bias", bias, scores.shape).astype(scores.dtype))
    pattern = tap("pattern", softmax.unchecked(scores, mask))            # (..., query, key)
    z = tap("z", product(pattern, v, like=q))                            # (..., query, d_value)
    return {"q": q, "k": k, "v": v, "scores": scores, "pattern": pattern, "z": z}


@checked
def attend_pullback(acts: Entries(q="*#lead query d_head", k="*#lead key d_head", v="*#lead key d_value",
                                  pattern="*#lead query key"),
                    d_z: Inexact("*#lead query d_value"), *, scale: Number() | None = None,
                    tap: Callable = keep) -> dict:
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
    d_scores = tap("d_scores", softmax_pullback.unchecked(pattern, d_pattern))
    d_scaled = d_scores * _scale(q, scale)
    d_q = product(d_scaled, k, like=q)
    d_k = product(d_scaled.swapaxes(-1, -2), q, like=k)
    return {"q": d_q, "k": d_k, "v": d_v, "scores": d_scores}


def _scale(q, scale):
    return q.shape[-1] ** -0.5 if scale is None else scale


def dot_rows(q, k):
    """Every row of q times every row of k, with the key's axis first in memory: softmax is then six times as fast."""
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


@checked
def project(x: Inexact("*#lead batch pos d_model"), W: Inexact("*#lead d_model n_heads d_head")) -> np.ndarray:
    r"""Queries, keys or values of every head, :math:`q = x W_Q`: (..., batch, n_heads, pos, d_head).

    The leading axes of the two broadcast: one batch can feed many seeds.

    >>> project(np.ones((7, 5, 4)), np.ones((3, 4, 2, 6))).shape
    (3, 7, 2, 5, 6)
    """
    flat = rows(x) @ W.reshape(*W.shape[:-2], -1)  # one tall product: (..., batch·pos, n_heads·d_head)
    return flat.reshape(*flat.shape[:-2], *x.shape[-3:-1], *W.shape[-2:]).swapaxes(-2, -3)


@checked
def project_pullback(x: Inexact("*#lead batch pos d_model"), W: Inexact("*#lead d_model n_heads d_head"),
                     d_out: Inexact("*#lead batch n_heads pos d_head")) -> tuple[np.ndarray, np.ndarray]:
    r"""Gradients of ``x`` and ``W``: :math:`\partial x = \partial q\, W_Q^\top`,
    :math:`\partial W_Q = x^\top \partial q`.
    """
    d_flat = d_out.swapaxes(-2, -3)
    d_flat = d_flat.reshape(*d_flat.shape[:-4], -1, W.shape[-2] * W.shape[-1])
    d_x = d_flat @ W.reshape(*W.shape[:-2], -1).swapaxes(-1, -2)
    d_W = rows(x).swapaxes(-1, -2) @ d_flat
    return d_x.reshape(*d_x.shape[:-2], *x.shape[-3:]), d_W.reshape(*d_W.shape[:-1], *W.shape[-2:])


@checked
def merge(z: Inexact("*#lead batch n_heads pos d_head"),
          W_O: Inexact("*#lead n_heads d_head d_model") | None = None) -> np.ndarray:
    r"""What all heads write, :math:`o = \sum_h z_h W_{O,h}`: (..., batch, pos, d_model); without ``W_O``, the heads
    laid side by side.

    >>> merge(np.ones((7, 2, 5, 6)), np.ones((3, 2, 6, 4))).shape
    (3, 7, 5, 4)
    """
    flat = side_by_side(z)
    if W_O is not None:
        flat = flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1])
    return flat.reshape(*flat.shape[:-2], z.shape[-4], z.shape[-2], flat.shape[-1])


@checked
def merge_pullback(z: Inexact("*#lead batch n_heads pos d_head"), W_O: Inexact("*#lead n_heads d_head d_model") | None,
                   d_out: Inexact("*#lead batch pos d_model")) -> tuple[np.ndarray, np.ndarray | None]:
    r"""Gradients of ``z`` and ``W_O``: :math:`\partial z_h = \partial o\, W_{O,h}^\top`,
    :math:`\partial W_{O,h} = z_h^\top \partial o`.
    """
    (n_heads, n_pos, d_head), d_flat, d_W_O = z.shape[-3:], rows(d_out), None
    if W_O is not None:
        d_W_O = side_by_side(z).swapaxes(-1, -2) @ d_flat
        d_W_O = d_W_O.reshape(*d_W_O.shape[:-2], *W_O.shape[-3:])
        d_flat = d_flat @ W_O.reshape(*W_O.shape[:-3], -1, W_O.shape[-1]).swapaxes(-1, -2)
    if d_flat.shape[-1] != n_heads * d_head:
        raise ShapeError("d_out", f"an array of shape {d_out.shape}", f"(..., {n_heads * d_head})", "Or pass W_O.")
    return d_flat.reshape(*d_flat.shape[:-2], -1, n_pos, n_heads, d_head).swapaxes(-2, -3), d_W_O


def side_by_side(z):
    """(..., batch, n_heads, pos, d_head) -> (..., batch·pos, n_heads·d_head)"""
    return z.swapaxes(-2, -3).reshape(*z.shape[:-4], -1, z.shape[-3] * z.shape[-1])


def biased(q, b):
    """An offset for every head, b (..., n_heads, d_head), or none: (..., batch, n_heads, pos, d_head)."""
    return q if b is None else q + b[..., None, :, None, :]


class Heads(Entries):
    """The parameters of all heads; ``W_O`` and the offsets may be left out."""

    needed = {"W_Q": "d_model n_heads d_head", "W_K": "d_model n_heads d_head", "W_V": "d_model n_heads d_value"}
    optional = {"W_O": "n_heads d_value d_out", "b_Q": "n_heads d_head", "b_K": "n_heads d_head",
                "b_V": "n_heads d_value", "b_O": "d_out"}

    def __init__(self):
        super().__init__(**{name: f"*#lead {axes}" for name, axes in self.needed.items()})

    def check(self, argument, value, sizes, given):
        value = super().check(argument, value, sizes, given)
        axes = {name: f"*#lead {self.optional[name]}" for name in self.optional if name in value}
        return Entries(**axes).check(argument, value, sizes, given)


@checked
def multi_head(params: Heads(), x: Inexact("*#lead batch query d_model"), mask: Mask() | None = None, *,
               source: Inexact("*#lead batch key d_model") | None = None, scale: Number() | None = None,
               tap: Callable | None = None, seam: Each(Function("q", "k"), low=2) | None = None,
               bias: Inexact("...") | None = None) -> dict:
    r"""Multi-head attention, :math:`o = \sum_h \operatorname{attend}(x W_{Q,h}, x W_{K,h}, x W_{V,h}) W_{O,h}`
    (eq-multi-head; Vaswani et al. 2017, section 3.2.2, in the layout of Elhage et al. 2021).

    The rows ``x`` ask, and answer where there is no ``source`` (cross-attention). Without ``W_O`` the heads are laid
    side by side; ``b_Q b_K b_V b_O`` are optional. Mask, scale and bias are those of :func:`attend`; the tap sees ``q k
    v scores pattern z attn_out``; the ``seam`` is a pair, what queries and keys go through before they meet and its
    pullback. Returns ``x source q k v scores pattern z attn_out``.

    >>> params = {name: np.full((4, 2, 3), 0.1) for name in ("W_Q", "W_K", "W_V")} | {"W_O": np.ones((2, 3, 4))}
    >>> acts = multi_head(params, np.ones((1, 5, 4)), causal_mask(5))
    >>> acts["pattern"].shape, acts["attn_out"].shape
    ((1, 2, 5, 5), (1, 5, 4))
    """
    tap, answering, made, turned = held(tap), x if source is None else source, {}, {}
    for name, given in (("q", x), ("k", answering), ("v", answering)):  # (..., batch, n_heads, pos, d_head)
        head = name.upper()
        made[name] = tap(name, biased(project.unchecked(given, params["W_" + head]), params.get("b_" + head)))
    q, k = made["q"], made["k"]
    if seam is not None:
        q, k = seam[0](q, k)
        turned = {"rot_q": (q := tap("rot_q", q)), "rot_k": (k := tap("rot_k", k))}
    acts = attend.unchecked(q, k, made["v"], mask, scale=scale, bias=bias, tap=tap)
    out = merge.unchecked(acts["z"], params.get("W_O"))  # (..., batch, pos, d_model)
    out = out + params["b_O"][..., None, None, :] if "b_O" in params else out
    return {"x": x, "source": source, **acts, **made, **turned, "attn_out": tap("attn_out", out)}


@checked
def multi_head_pullback(params: Heads(), acts: Entries(x="*#lead batch query d_model",
                                                       **dict.fromkeys("qkvz", "*#lead batch n_heads _ _")),
                        d_attn_out: Inexact("*#lead batch query d_out"), *, scale: Number() | None = None,
                        tap: Callable = keep, seam: Each(Function("d_q", "d_k"), low=2) | None = None) -> dict:
    """Gradients of ``x`` (and ``source``) and of all parameters from the gradient of ``attn_out``
    (eq-three-ways-back in the book).

    The tap sees ``d_attn_out d_z d_pattern d_scores d_q d_k d_v``.
    """
    x, source = acts["x"], acts["source"]
    answering = x if source is None else source
    d_attn_out = tap("d_attn_out", d_attn_out)
    d_z, d_W_O = merge_pullback.unchecked(acts["z"], params.get("W_O"), d_attn_out)
    met = acts
    if seam is not None:
        met = check_entries("acts", acts, ("rot_q", "rot_k")) | {"q": acts["rot_q"], "k": acts["rot_k"]}
    d = attend_pullback.unchecked(met, d_z, scale=scale, tap=tap)
    if seam is not None:
        d["q"], d["k"] = seam[1](tap("d_rot_q", d["q"]), tap("d_rot_k", d["k"]))
    d_x, d_W_Q = project_pullback.unchecked(x, params["W_Q"], d_q := tap("d_q", d["q"]))
    d_from_k, d_W_K = project_pullback.unchecked(answering, params["W_K"], d_k := tap("d_k", d["k"]))
    d_from_v, d_W_V = project_pullback.unchecked(answering, params["W_V"], d_v := tap("d_v", d["v"]))
    d_rows = d_from_k + d_from_v
    inputs = {"x": d_x + d_rows} if source is None else {"x": d_x, "source": d_rows}
    grads = {"W_Q": d_W_Q, "W_K": d_W_K, "W_V": d_W_V, "W_O": d_W_O} | inputs
    if "b_Q" in params:
        grads |= {"b_Q": d_q.sum(axis=(-4, -2)), "b_K": d_k.sum(axis=(-4, -2)), "b_V": d_v.sum(axis=(-4, -2)),
                  "b_O": row_sum(d_attn_out)}
    return {name: grad for name, grad in grads.items() if name in params or name in inputs}
