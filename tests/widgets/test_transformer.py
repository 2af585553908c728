"""The page's transformer is the package's, for every entry of every table of parts, forward and backward."""

import base64
import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from transformer_lab import ModelConfig, generator
from transformer_lab.byhand.ends import IGNORED
from transformer_lab.byhand.transformer import backward, forward, loss, pullback
from transformer_lab.config_base import fields_of
from transformer_lab.errors import ArgumentError, LabError
from transformer_lab.names import parameter_shapes
from transformer_lab.parts import BEYOND, BYHAND, PAGE, PARTS, TWIN, Part
from transformer_lab.theme import theme
from transformer_lab.widgets.bundle import JS, node
from transformer_lab.widgets.page_data import page_bytes, page_data

SOURCE = """import {{ backward, forward, loss }} from "{core}/transformer.js";
import {{ opened }} from "{core}/page_data.js"; import {{ text }} from "node:stream/consumers";
const answers = JSON.parse(await text(process.stdin)).map((asked) => {{
  const {{ bytes, tokens, targets, d_logits }} = asked, buffer = Uint8Array.from(Buffer.from(bytes, "base64")).buffer;
  const {{ config, params }} = opened(({{ model }}) => model("m"))(new DataView(buffer)), seen = [];
  const acts = forward(params, tokens, config, (name, value) => {{ seen.push(name); return value; }});
  const given = (name, gradient) => (d_logits && name === "logits" ? d_logits : gradient);
  return {{ params, acts, seen, loss: loss(acts, targets), grads: backward(params, acts, targets, config, given) }};
}});
process.stdout.write(JSON.stringify(answers));"""

SIZES = [{"n_heads": 4}, {"n_heads": 1}, {"n_heads": 2, "d_head": 3}, {"n_layers": 2, "n_heads": 2}, {"d_mlp": 0},
         {"pad": 0}]


def options(entry):
    """What a field of the configuration may be, read off the field itself."""
    if entry.type == "bool":
        return [] if entry.name in BEYOND else [False, True]
    names = getattr(fields_of(ModelConfig)[entry.name], "names", ())
    return [name for name in names if PAGE in PARTS[entry.name][name].where]


OPTIONS = {entry.name: options(entry) for entry in dataclasses.fields(ModelConfig) if options(entry)}
ENTRIES = [(name, value) for name, values in OPTIONS.items() for value in values]


def configs(seed):
    """For every entry of every table some models that have it, all else drawn at random."""
    rng = generator(seed, "page parity")
    for name, value in ENTRIES:
        for _ in range(6):
            parts = {key: values[rng.integers(len(values))] for key, values in OPTIONS.items()} | {name: value}
            sizes = {"d_vocab": 7, "n_ctx": 6, "d_model": 8, "d_mlp": 10} | SIZES[rng.integers(len(SIZES))]
            try:
                yield ModelConfig(**(sizes | parts))
            except LabError:  # heads that do not fit side by side
                yield ModelConfig(**(sizes | parts | {"d_head": 0}))


def instance(seed, config, *, upstream=False):
    """A model, an input (with padding where there is any), targets (some do not count), maybe any gradient at all."""
    rng, n = generator(seed, "page instance"), generator(seed, "length").integers(2, 7)
    params = {name: rng.normal(scale=0.5, size=size) for name, size in parameter_shapes(config).items()}
    tokens = rng.integers(1, 7, size=(1, int(n)))
    if config.pad is not None:
        tokens[0, max(1, n - 2):] = config.pad
    targets = rng.integers(7, size=tokens.shape if config.read_out == "all" else (1,))
    if config.read_out == "all":
        targets[0, 0] = IGNORED
    return config, params, tokens, targets, rng.normal(size=(*targets.shape, 7)) if upstream else None


def instances(**kind):
    return [instance(seed, config, **kind) for seed, config in enumerate(configs(1))]


def asked(config, params, tokens, targets, d_logits):
    data = page_bytes({"other": (params, config), "m": (params, config)}, dtype="float64")
    return {"bytes": base64.b64encode(data).decode(), "tokens": tokens[0].tolist(), "targets": targets.ravel().tolist(),
            "d_logits": None if d_logits is None else d_logits.reshape(-1, 7).tolist()}


def page(given, core=JS / "core"):
    return json.loads(node(SOURCE.format(core=core.as_uri()), json.dumps([asked(*one) for one in given])))


def expected(config, params, tokens, targets, d_logits):
    """Activations, loss, gradients of activations and of parameters, by the package."""
    acts, seen = forward(params, tokens, config), {}
    tap = lambda name, value: seen.setdefault(re.sub(r"(^|\.)d_", r"\1", name), value)  # noqa: E731
    grads = (backward(params, acts, targets, config, tap=tap) if d_logits is None
             else pullback(params, acts, d_logits, config, tap=tap))
    return dict(acts), float(loss(acts["logits"], targets, config)), seen | grads


def far(found, want):
    """The largest distance, relative to the largest entry where that is above 1; infinite where shapes differ."""
    found, want = np.array(found, dtype=float), np.asarray(want)
    if found.size != want.size or np.isnan(found).any():
        return np.inf
    return np.abs(found.ravel() - want.ravel()).max() / max(1, np.abs(want).max())


def steep(found, want, largest):
    """The same, relative to the largest entry. What cancels (the gradient of ``b_K`` is 0, for a softmax ignores what
    all keys share; both sides have 1e-15 of rounding) is compared to 1e-5 of the model's largest.
    """
    top = max(np.abs(want).max(), 1e-5 * largest)
    return far(np.array(found, dtype=float) / top, want / top)


def distances(pages, given):
    """The worst of all activations, and the worst of all gradients; the names must agree."""
    acts_off, grads_off = [0], [0]
    for found, one in zip(pages, given, strict=True):
        acts, value, grads = expected(*one)
        assert set(found["acts"]) == set(acts) | {"tokens", "probs"} and sorted(found["seen"]) == sorted(acts)
        assert set(found["grads"]) == set(grads), set(found["grads"]) ^ set(grads)
        acts_off += [far(found["acts"][name], want) for name, want in acts.items()] + [far(found["loss"], value)]
        largest = max(np.abs(want).max() for want in grads.values())
        grads_off += [steep(found["grads"][name], want, largest) for name, want in grads.items()]
    return max(acts_off), max(grads_off)


def test_the_tables_of_the_package_are_all_there():
    assert {"positions", "mask", "norm", "placement", "activation", "read_out", "residual", "output_projection",
            "tied"} <= set(OPTIONS) and len(ENTRIES) >= 22
    drawn = list(configs(1))
    assert all(any(getattr(config, name) == value for config in drawn) for name, value in ENTRIES)
    assert {config.d_mlp for config in drawn} == {0, 10} and {config.pad for config in drawn} == {0, None}


@pytest.mark.parametrize("upstream", [False, True])
def test_every_activation_and_every_gradient_agrees_over_all_entries_of_all_tables(upstream):
    given = instances(upstream=upstream)
    acts_off, grads_off = distances(page(given), given)
    assert acts_off <= 1e-12 and grads_off <= 1e-10


def test_the_layout_is_that_of_the_package():
    given = instances()[:40]
    for found, one in zip(page(given), given, strict=True):
        for name, value in {**one[1], **expected(*one)[2]}.items():
            axes = np.shape(value) if name in one[1] else np.shape(value)[1:]
            wanted = (1, *axes) if name == "logits" and one[0].read_out != "all" else axes  # always a row a read-out
            assert np.shape(found["grads"][name]) == wanted, name
            if name in one[1]:
                assert np.shape(found["params"][name]) == axes, name


MISTAKES = [
    ("parts.js", "layer: mean, rms: () => 0", "layer: mean, rms: mean"),
    ("parts.js", "(u > 0 ? 1 : 0)]", "1]"),
    ("parts.js", "* ROOT * (1 + 3", "* ROOT * (1 + 2"),
    ("parts.js", "key <= query", "key < query + 2"),
    ("parts.js", "-(2 ** (-8 * (h + 1)", "-(2 ** (-8 * h"),
    ("parts.js", "(u) => 2 * Math.max(u, 0)]", "(u) => Math.max(u, 0)]"),
    ("parts.js", "one(length, n - 1)", "one(length, length - 1)"),
    ("parts.js", "t < n ? 1 / n : 0", "1 / length"),
    ("sinusoids.js", "(2 * i / dModel)", "(i / dModel)"),
    ("attention.js", "d_scores, scale)", "d_scores, 1)"),
    ("attention.js", "softmaxPullback(row, d_pattern[h][t])", "d_pattern[h][t]"),
    ("transformer.js", "centred) / row.length + eps", "centred) / row.length"),
    ("transformer.js", "- level - x_hat[i] * stretch", "- x_hat[i] * stretch"),
    ("transformer.js", "key < n && ", ""),
    ("transformer.js", "residual ? added(stream, out) : out", "added(stream, out)"),
    ("transformer.js", "total = onto(stream, acts[out], config), rows", "total = stream, rows"),
    ("transformer.js", "grads.W_E ??= zeros", "grads.W_E = zeros"),
    ("transformer.js", "h * d_head, (h + 1) * d_head", "0, d_head"),
    ("transformer.js", "add(grads.W_E[tokens[t]], row)", "row"),
    ("transformer.js", "/ counted(targets);", "/ targets.length;"),
]


@pytest.mark.parametrize(("file", "right", "wrong"), MISTAKES)
def test_planted_mistakes_are_caught(tmp_path, file, right, wrong):
    core = tmp_path / "widgets" / "js" / "core"
    shutil.copytree(JS / "core", core)
    (tmp_path / "theme.json").write_text(json.dumps(theme()))
    source = (core / file).read_text("utf-8")
    assert source.count(right) == 1
    (core / file).write_text(source.replace(right, wrong), "utf-8")
    given = instances()
    acts_off, grads_off = distances(page(given, core), given)
    assert acts_off > 1e-9 or grads_off > 1e-9


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_page_and_python_read_the_very_numbers_that_were_written(dtype):
    config, params, *_ = instances()[7]
    data = page_bytes({"m": (params, config)}, {"answers": np.arange(6, dtype=np.uint8).reshape(2, 3)}, dtype=dtype,
                      title="é")
    facts, arrays = page_data(data)
    assert facts["title"] == "é" and facts["models"]["m"] == config.to_dict()
    source = (f'import {{ opened }} from "{(JS / "core" / "page_data.js").as_uri()}"; const data = '
              f'new DataView(Uint8Array.from(Buffer.from("{base64.b64encode(data).decode()}", "base64")).buffer); '
              "process.stdout.write(JSON.stringify(opened(({ facts, array, model }) => "
              '[facts, array("answers"), model("m").params])(data)));')
    seen, answers, weights = json.loads(node(source))
    assert seen == facts and answers == arrays["answers"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert set(weights) == set(params)
    for name, value in params.items():
        assert np.array_equal(weights[name], value.astype(dtype)) and np.array_equal(arrays[f"m/{name}"],
                                                                                     value.astype(dtype))


def test_a_part_that_the_page_does_not_have_is_refused_before_anything_is_written(monkeypatch):
    config, params, *_ = instances()[0]
    monkeypatch.setitem(PARTS["activation"], config.activation, Part("by hand and in PyTorch", where=(BYHAND, TWIN)))
    with pytest.raises(ArgumentError, match=rf"^config.activation: got {config.activation!r}; .*add a line"):
        page_bytes({"m": (params, config)})


def test_a_weight_that_a_half_cannot_hold_is_refused():
    config, params, *_ = instances()[0]
    name = next(iter(params))
    with pytest.raises(ArgumentError, match=r"params\['W_E'\]: got 70000"):
        page_bytes({"m": (params | {name: np.full(params[name].shape, 7e4)}, config)}, dtype="float16")
