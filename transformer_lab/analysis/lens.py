r"""What the stream says on its way, and who said it.

*Logit lens* (nostalgebraist 2020): the last norm and the unembedding read the stream where it is not finished yet.

*Direct logit attribution* (Elhage et al. 2021): the stream where it is read is a sum of what every part wrote. With the
scale of the norms frozen at what it was on this input, logits are linear in that sum, so they are a sum too:

.. math:: \ell = \sum_i \operatorname{norm}_\text{frozen}(w_i)\, W_U + \beta W_U + b_U
"""

from __future__ import annotations

import numpy as np

from ..byhand.ends import READ_OUTS, is_real, unembed
from ..byhand.parts import NORMS
from ..config import ModelConfig
from ..errors import DtypeError
from ..parts import PARTS
from ..rules import Array, Entries, Is, Wholes
from ..signatures import checked
from .cache import Runner

__all__ = ["direct_logit_attribution", "logit_lens", "per_layer"]


@checked
def logit_lens(run: Runner, tokens: Wholes("... batch pos", low=0)) -> dict[str, np.ndarray]:
    """What would be said if the model stopped here: logits (..., batch, pos, d_vocab) by the name of the stream, from
    ``blocks.0.resid_pre`` to the last layer's ``resid_post``.

    >>> from transformer_lab.byhand.transformer import ModelConfig, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, d_mlp=8, norm="layer")
    >>> run = Runner(init(config), config)
    >>> found = logit_lens(run, [[1, 2, 3]])
    >>> list(found), np.array_equal(found["blocks.0.resid_post"], run([[1, 2, 3]]))
    (['blocks.0.resid_pre', 'blocks.0.resid_mid', 'blocks.0.resid_post'], True)
    """
    only_transformers(run)
    norm = NORMS[run.config.norm] if run.config.placement in AT_THE_END else None
    gains = [run.params[f"ln_final_{part}"] for part in PARTS["norm"][run.config.norm].params if norm]
    acts = {name: value for name, value in run.cache(tokens).items() if ".resid_" in name}
    return {name: run.config.logit_scale * unembed(run.params, norm[0](x, *gains, run.config.eps)[0] if norm else x)
            for name, x in acts.items()}


#: Placements of the norm with one more where the stream is read.
AT_THE_END = ("pre", "both")


def only_transformers(run) -> None:
    """Refuse a model that makes its logits from more than its stream."""
    if type(run.config) is not ModelConfig:
        raise DtypeError("run", f"a model of a {type(run.config).__name__}", "one of a plain ModelConfig",
                         "Take its activations with run.cache.")


@checked
def direct_logit_attribution(run: Runner, tokens: Wholes("... batch pos", low=0)) -> dict[str, np.ndarray]:
    """What each part adds to the logits itself, not by way of others; the entries have the logits' shape, and their sum
    is the logits: ``embed``, ``pos_embed``, ``blocks.0.head.0``, …, ``blocks.0.b_O``, ``blocks.0.mlp_out``,
    ``blocks.0.b_out``, …, the norms' offsets, ``b_U``.

    >>> from transformer_lab.byhand.transformer import ModelConfig, init
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, norm="layer", bias_unembed=False)
    >>> found = direct_logit_attribution(run := Runner(init(config), config), [[1, 2, 3]])
    >>> list(found), np.allclose(sum(found.values()), run([[1, 2, 3]]), atol=1e-5)
    (['embed', 'blocks.0.head.0', 'blocks.0.head.1', 'ln_final_b'], True)
    """
    only_transformers(run)
    config, real = run.config, is_real(tokens, run.config)
    at, rows, _ = READ_OUTS[config.read_out]
    place = at(real)
    read = {name: rows(part, place, real) for name, part in written(run, tokens).items()}
    read = frozen(read, run, AT_THE_END, "ln_final")
    W_U = {name: run.params[name] for name in ("W_U", "W_E") if name in run.params}
    logits = {name: unembed(W_U, part) for name, part in read.items()}
    if config.bias_unembed:
        logits["b_U"] = np.broadcast_to(run.params["b_U"][..., None, None, :], next(iter(logits.values())).shape)
    place = ... if config.read_out == "all" else (..., 0, slice(None))
    return {name: config.logit_scale * part[place] for name, part in logits.items()}


def written(run, tokens) -> dict[str, np.ndarray]:
    """What each part has in the stream at its end: (..., batch, pos, d_model) by name."""
    acts, config = run.cache(tokens), run.config
    parts = {name: acts[name] for name in ("embed", "pos_embed") if name in acts}
    for layer in range(config.n_layers):
        prefix = f"blocks.{layer}."
        for ln, wrote in (("ln1", by_heads), ("ln2", by_mlp))[:1 + bool(config.d_mlp)]:
            found = {prefix + name: value for name, value in wrote(run, acts, prefix).items()}
            found = frozen(found, run, ("both",), f"{prefix}{ln}_post")
            parts = frozen(parts | found if config.residual else found, run, ("post",), prefix + ln)
    return parts


def by_heads(run, acts, prefix):
    z, W_O = acts[prefix + "z"], run.params.get(prefix + "W_O")   # z (..., batch, n_heads, pos, d_head)
    if W_O is None:  # heads lie side by side
        W_O = np.eye(run.config.d_model, dtype=z.dtype).reshape(*z.shape[-3::2], -1)
    wrote = np.einsum("...bhpd,...hdm->...hbpm", z, W_O)
    return ({f"head.{head}": wrote[..., head, :, :, :] for head in range(z.shape[-3])}
            | offset(run, prefix, "b_O", acts[prefix + "attn_out"]))


def by_mlp(run, acts, prefix):
    b_out = offset(run, prefix, "b_out", acts[prefix + "mlp_out"])
    return {"mlp_out": acts[prefix + "mlp_out"] - sum(b_out.values())} | b_out


def offset(run, prefix, name, like):
    """An offset, if there is one, in every row."""
    b = run.params.get(prefix + name)
    return {} if b is None else {name: np.broadcast_to(b[..., None, None, :], like.shape)}


def frozen(parts: dict, run, placements: tuple, ln: str) -> dict[str, np.ndarray]:
    """The norm of the parts' sum, if there is one in this place, as a sum over the parts and its offset."""
    if run.config.norm == "none" or run.config.placement not in placements:
        return parts
    centred = {name: x - (run.config.norm == "layer") * x.mean(axis=-1, keepdims=True) for name, x in parts.items()}
    total = sum(centred.values())
    scale = 1 / np.sqrt((total * total).mean(axis=-1, keepdims=True) + run.config.eps)
    gain = scale * run.params[f"{ln}_w"][..., None, None, :]
    return {name: x * gain for name, x in centred.items()} | offset(run, "", f"{ln}_b", total)


@checked
def per_layer(parts: dict) -> dict[str, np.ndarray]:
    """The same sum with a layer's heads and their offset as one, ``blocks.0.attn_out``, and ``b_out`` in ``mlp_out``.

    >>> per_layer({"embed": 1.0, "blocks.0.head.0": 2.0, "blocks.0.head.1": 3.0, "blocks.0.b_O": 4.0})
    {'embed': 1.0, 'blocks.0.attn_out': 9.0}
    """
    found, sizes = {}, {}
    for name, part in Entries()("parts", parts).items():
        Is(str)("the name of a part", name)
        Array("*shape").check(f"parts[{name!r}]", part, sizes, {})
        layer, _, short = name.removesuffix(f".{name.rpartition('.')[2]}" if ".head." in name else "").rpartition(".")
        whole = {"head": "attn_out", "b_O": "attn_out", "b_out": "mlp_out"}.get(short, short)
        key = f"{layer}.{whole}" if layer else whole
        found[key] = found[key] + part if key in found else part
    return found
