"""The transformer of the explorables is the package's: random shapes, weights and upstream gradients, both ways."""

import base64
import json
import re

import numpy as np
import pytest

from transformer_lab import ModelConfig, generator
from transformer_lab.byhand.ends import IGNORED
from transformer_lab.byhand.transformer import backward, forward, loss, pullback
from transformer_lab.errors import ArgumentError
from transformer_lab.names import parameter_shapes
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_bytes

CORE = (JS / "core" / "transformer.js").as_uri()
SOURCE = f"""import {{ backward, forward, loss, read }} from "{CORE}"; import {{ text }} from "node:stream/consumers";
const answers = JSON.parse(await text(process.stdin)).map((asked) => {{
  const {{ bytes, at, half, config, tokens, targets, d_logits }} = asked;
  const data = new DataView(Uint8Array.from(Buffer.from(bytes, "base64")).buffer);
  const params = read(data, config, {{ at, half }}), acts = forward(params, tokens, config);
  const given = (name, gradient) => (d_logits && name === "logits" ? d_logits : gradient);
  return {{ params, acts, loss: loss(acts, targets, config), grads: backward(params, acts, targets, config, given) }};
}});
process.stdout.write(JSON.stringify(answers));"""
SHAPES = [{"n_layers": n_layers, "n_heads": n_heads, "mask": mask, "read_out": read_out}
          for n_layers, n_heads in [(1, 1), (2, 4), (3, 3), (1, 2)]
          for mask in ("bidirectional", "causal") for read_out in ("last", "all")]


def instance(seed, shape, *, upstream=False, half=False):
    """A model, an input, targets (some of which do not count) and, maybe, a gradient that no loss has."""
    rng = generator(seed, "page parity")
    config = ModelConfig(d_vocab=7, n_ctx=6, d_model=12, d_mlp=10, positions="learned", norm="layer", **shape)
    dtype = np.float16 if half else np.float32
    params = {name: rng.normal(size=size).astype(dtype) for name, size in parameter_shapes(config).items()}
    tokens = rng.integers(7, size=(1, int(rng.integers(2, 7))))
    targets = rng.integers(7, size=(1,) if config.read_out == "last" else tokens.shape)
    if config.read_out == "all":
        targets[0, 0] = IGNORED
    d_logits = rng.normal(size=(*targets.shape, 7)) if upstream else None
    return config, params, tokens, targets, d_logits, half


def asked(config, params, tokens, targets, d_logits, half):
    before = b"\1" * 6  # bytes of something else
    data = before + page_bytes(params, config, np.float16 if half else np.float32)
    plain = {name: config.to_dict()[name] for name in ("d_vocab", "n_ctx", "d_model", "n_heads", "n_layers", "d_mlp",
                                                       "mask", "read_out")}
    return {"bytes": base64.b64encode(data).decode(), "at": len(before), "half": half, "config": plain,
            "tokens": tokens[0].tolist(), "targets": targets[0].tolist(),
            "d_logits": None if d_logits is None else d_logits[0].tolist()}


def expected(config, params, tokens, targets, d_logits, half):
    """Parameters, activations, loss and gradients of both kinds, by the package in double precision."""
    params = {name: value.astype(float) for name, value in params.items()}
    acts, seen = forward(params, tokens, config), {}
    tap = lambda name, value: seen.setdefault(re.sub(r"(^|\.)d_", r"\1", name), value)  # noqa: E731
    grads = (backward(params, acts, targets, config, tap=tap) if d_logits is None
             else pullback(params, acts, d_logits, config, tap=tap))
    return params, dict(acts), loss(acts["logits"], targets, config), seen, grads


def far(page, want):
    """How far two arrays of one number of entries are apart, relative to the larger entry where that is above 1."""
    page, want = np.array(page), np.asarray(want)
    assert page.size == want.size
    return np.abs(page.ravel() - want.ravel()).max() / max(1, np.abs(want).max())


def compared(**kind):
    instances = [instance(seed, shape, **kind) for seed, shape in enumerate(SHAPES)]
    pages = json.loads(node(SOURCE, json.dumps([asked(*one) for one in instances])))
    return [(page, *expected(*one)) for page, one in zip(pages, instances, strict=True)]


@pytest.mark.parametrize("half", [False, True])
def test_read_gives_the_very_weights(half):
    for page, params, *_ in compared(half=half):
        assert list(page["params"]) == list(params)
        assert max(far(page["params"][name], value) for name, value in params.items()) == 0


def test_every_activation_and_the_loss_agree():
    for page, _, acts, loss_wanted, *_ in compared():
        assert set(acts) | {"tokens", "probs"} == set(page["acts"])
        assert max(far(page["acts"][name], value) for name, value in acts.items()) <= 1e-12
        assert far(page["loss"], loss_wanted) <= 1e-12


@pytest.mark.parametrize("upstream", [False, True])
def test_every_gradient_agrees_that_of_the_loss_and_of_anything_else(upstream):
    for page, _, _, _, seen, grads in compared(upstream=upstream):
        assert set(page["grads"]) == set(seen) | set(grads)
        for name, want in (seen | grads).items():
            assert np.abs(want).max() == 0 or far(np.array(page["grads"][name]) / np.abs(want).max(),
                                                  want / np.abs(want).max()) <= 1e-10, name


def test_the_layout_is_that_of_the_package():
    page, _, acts, *_ = compared()[4]
    for name, value in acts.items():
        axes = 2 if name in ("resid_read", "ln_final") else 1  # one sequence, read at one position
        assert np.shape(page["acts"][name]) == value.shape[axes:], name


@pytest.mark.parametrize("wrong", [{"norm": "rms"}, {"positions": "sinusoidal"}, {"activation": "gelu"},
                                   {"read_out": "mean"}, {"d_head": 2}, {"tied": True}])
def test_a_model_that_the_page_does_not_compute_is_refused(wrong):
    shape = {"d_vocab": 7, "n_ctx": 6, "d_model": 12, "d_mlp": 10, "n_heads": 3, "positions": "learned",
             "norm": "layer", "read_out": "last"}
    config = ModelConfig(**(shape | wrong))
    params = {name: np.ones(size) for name, size in parameter_shapes(config).items()}
    with pytest.raises(ArgumentError, match="config: got"):
        page_bytes(params, config)


def test_a_weight_that_a_half_cannot_hold_is_refused():
    config, params, *_ = instance(0, SHAPES[0])
    with pytest.raises(ArgumentError, match=r"params\['W_U'\]: got 70000"):
        page_bytes(params | {"W_U": np.full((12, 7), 7e4)}, config, np.float16)
