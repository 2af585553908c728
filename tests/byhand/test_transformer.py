"""The whole transformer by hand against the complex step and its PyTorch twin: every activation and every gradient."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, OneHeadConfig, generator
from transformer_lab.byhand import ends, parts, positions
from transformer_lab.byhand.ends import IGNORED
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.byhand.parts import dropout_masks
from transformer_lab.byhand.transformer import backward, forward, init, loss, loss_and_gradients, pullback
from transformer_lab.models import parts as twin
from transformer_lab.models.transformer import Transformer
from transformer_lab.names import lookup, parameter_shapes
from transformer_lab.parts import BEYOND, BYHAND, PAGE, PARTS, TWIN, Part, check_known

SIZE = {"d_vocab": 7, "n_ctx": 5, "d_model": 8, "n_heads": 2, "n_layers": 2, "d_mlp": 12}
FLAGS = {entry.name: (False, True) for entry in dataclasses.fields(ModelConfig)
         if entry.type == "bool" and entry.name not in BEYOND}
CHOICES = {name: tuple(entry for entry, part in entries.items() if BYHAND in part.where)
           for name, entries in PARTS.items()} | FLAGS | {"pad": (None, 0)}


def covering():
    """Few models in which every two entries of the tables of parts come up together: the most new pairs first."""
    rng = generator(0, "covering")
    missing = {frozenset(pair) for one, other in itertools.combinations(CHOICES, 2)
               for pair in itertools.product([(one, value) for value in CHOICES[one]],
                                             [(other, value) for value in CHOICES[other]])}
    while missing:
        drawn = [{name: values[rng.integers(len(values))] for name, values in CHOICES.items()} for _ in range(100)]
        gains = [missing & {frozenset(pair) for pair in itertools.combinations(parts.items(), 2)} for parts in drawn]
        best = max(range(100), key=lambda i: len(gains[i]))
        missing -= gains[best]
        if gains[best]:
            yield ModelConfig(**SIZE, **drawn[best])


MODELS = [*covering(), ModelConfig(**SIZE | {"d_mlp": 0, "n_layers": 1, "d_head": 3}, norm="layer")]


def example(config, seed=0, lead=(), dtype=np.float64):
    """Parameters that are nowhere special, tokens with padding if there is any, targets of which some do not count."""
    rng = generator(seed, "example")
    params = {name: (value + 0.2 * rng.normal(size=(*lead, *value.shape))).astype(dtype)
              for name, value in init(config, seed=seed, dtype=np.float64).items()}
    tokens = rng.integers(1, config.d_vocab, size=(3, config.n_ctx))
    if config.pad is not None:
        tokens[0, 2:], tokens[1, 4:] = config.pad, config.pad
    targets = rng.integers(config.d_vocab, size=tokens.shape if config.read_out == "all" else 3)
    targets.flat[1] = IGNORED
    return params, tokens, targets


def autograd(config, tokens, targets):
    def witness(params):
        model = Transformer(config, params)
        model.loss(torch.tensor(tokens), torch.tensor(targets)).backward()
        return {name: value.grad.numpy() for name, value in model.named_parameters()}
    return witness


def short(config):
    return "-".join(str(value) for name, value in config.to_dict().items() if name not in SIZE and value is not False)


def close(ours, theirs, tolerance, name):
    scale = max(np.abs(ours).max(), np.abs(theirs).max())
    gap = np.abs(ours.reshape(theirs.shape) - theirs).max()
    assert gap <= tolerance * scale + 1e-15, name  # b_K moves no pattern: its gradient is 0, but for rounding


def test_the_tables_of_both_models_have_the_same_entries():
    for field, tables in {"norm": (parts.NORMS, twin.NORMS), "activation": (parts.ACTIVATIONS, twin.ACTIVATIONS),
                          "positions": (positions.POSITIONS, twin.POSITIONS), "mask": (positions.MASKS, twin.MASKS),
                          "read_out": (ends.READ_OUTS, twin.READ_OUTS)}.items():
        for where, table in zip((BYHAND, TWIN), tables, strict=True):
            assert list(table) == [name for name, part in PARTS[field].items() if where in part.where], field
    assert list(twin.SPARSITY) == list(PARTS["sparsity"])


def is_in_both(config):
    return all(TWIN in entries[getattr(config, field)].where for field, entries in PARTS.items())


@pytest.mark.parametrize("where", [TWIN, PAGE])
def test_a_part_that_another_model_does_not_have_is_refused_there_and_works_by_hand(monkeypatch, where):
    others = tuple({BYHAND, TWIN, PAGE} - {where})
    monkeypatch.setitem(PARTS["activation"], "cube", Part("the cube", "u^3", where=others))
    cube = [check_by_itself(lambda u: u**3), check_by_itself(lambda u, d_phi: 3 * u**2 * d_phi)]
    monkeypatch.setitem(parts.ACTIVATIONS, "cube", cube)
    config = ModelConfig(**SIZE, activation="cube")
    params, tokens, targets = example(config)
    grads = loss_and_gradients(params, tokens, targets, config)[1]
    report = check_gradients(lambda p: loss(forward(p, tokens, config)["logits"], targets, config), params, grads,
                             witnesses="complex_step", entries=4, tolerance=1e-11)
    assert report.ok, report
    with pytest.raises(LabError, match=rf"^config.activation: got 'cube'; allowed is what the {where} has: 'relu'"):
        check_known(config, where)
    check_known(config, next(iter({TWIN, PAGE} - {where})))


def check_by_itself(function):
    function.unchecked = function
    return function


@pytest.mark.parametrize("config", MODELS, ids=short)
def test_every_gradient_against_the_complex_step_and_autograd(config):
    params, tokens, targets = example(config)
    grads = backward(params, forward(params, tokens, config), targets, config)
    assert list(grads) == list(params)
    report = check_gradients(lambda p: loss(forward(p, tokens, config)["logits"], targets, config), params, grads,
                             witnesses=("complex_step",), tolerance=1e-11, entries=6)
    assert report.ok, report
    for name, theirs in autograd(config, tokens, targets)(params).items() if is_in_both(config) else ():
        close(grads[name], theirs, 1e-10, name)


@pytest.mark.parametrize("config", [*filter(is_in_both, MODELS)], ids=short)
def test_every_activation_and_its_gradient_against_the_twin(config):
    params, tokens, targets = example(config, seed=1)
    theirs = {}

    def tap(name, value):
        theirs[name] = value if value.requires_grad else value.clone().requires_grad_()
        theirs[name].retain_grad()
        return theirs[name]

    model = Transformer(config, params)
    logits = model(torch.tensor(tokens), tap)
    torch.nn.functional.cross_entropy(logits.flatten(end_dim=-2), torch.tensor(targets).flatten()).backward()
    acts = forward(params, tokens, config)
    assert set(acts) == set(theirs)
    d_acts = {}
    backward(params, acts, targets, config, tap=lambda name, value: d_acts.setdefault(name, value))
    assert set(d_acts) == {name[:name.rfind(".") + 1] + "d_" + name[name.rfind(".") + 1:] for name in theirs}
    for name, value in theirs.items():
        close(acts[name], value.detach().numpy(), 1e-12, name)
        stem, _, word = name.rpartition(".")
        close(d_acts[f"{stem}.d_{word}" if stem else f"d_{word}"], value.grad.numpy(), 1e-10, f"gradient of {name}")


def test_one_model_entry_by_entry():
    config = ModelConfig(**SIZE, norm="layer", positions="learned", mask="causal", pad=0)
    params, tokens, _ = example(config, seed=2)
    up = generator(2, "upstream").normal(size=(*tokens.shape, config.d_vocab))
    report = check_gradients(lambda p: forward(p, tokens, config)["logits"], params,
                             lambda p, up: pullback(p, forward(p, tokens, config), up, config),
                             witnesses=("complex_step",), tolerance=1e-11, upstream=up)
    assert report.ok, report


@pytest.mark.parametrize("config", MODELS[::3], ids=short)
def test_the_trimmed_pass_gives_the_same_loss_and_gradients(config):
    params, tokens, targets = example(config)
    acts = forward(params, tokens, config)
    value, grads = loss_and_gradients(params, tokens, targets, config)
    assert value == pytest.approx(loss(acts["logits"], targets, config), rel=1e-13)
    for name, grad in backward(params, acts, targets, config).items():
        close(grads[name], grad, 1e-12, name)
    if config.read_out in ("first", "last"):
        last = forward(params, tokens, config, trim=True)[f"blocks.{config.n_layers - 1}.resid_mid"]
        assert last.shape == (3, 1, 8)


@pytest.mark.parametrize("config", MODELS[::4], ids=short)
@pytest.mark.parametrize("shared", [True, False], ids=["one batch for all", "a batch each"])
def test_seeds_on_a_leading_axis_are_separate_runs(config, shared):
    runs = [example(config, seed) for seed in range(3)]
    params = {name: np.stack([run[0][name] for run in runs]) for name in runs[0][0]}
    tokens, targets = runs[0][1:] if shared else (np.stack([run[i] for run in runs]) for i in (1, 2))
    value, grads = loss_and_gradients(params, tokens, targets, config)
    for seed, (alone, own_tokens, own_targets) in enumerate(runs):
        batch = (tokens, targets) if shared else (own_tokens, own_targets)
        lone_value, lone_grads = loss_and_gradients(alone, *batch, config)
        assert value[seed] == pytest.approx(lone_value, rel=1e-12)
        for name, grad in lone_grads.items():
            close(grads[name][seed], grad, 1e-11, name)


@pytest.mark.parametrize("config", MODELS[::3], ids=short)
def test_float32_stays_float32_everywhere(config):
    params, tokens, targets = example(config, dtype=np.float32)
    masks = dropout_masks(0.2, 0, 0)
    acts = forward(params, tokens, config, masks=masks)
    d_acts = {}
    grads = backward(params, acts, targets, config, tap=lambda name, value: d_acts.setdefault(name, value))
    for name, value in {**acts, **d_acts, **grads}.items():
        assert value.dtype == np.float32, name
    assert loss(acts["logits"], targets, config).dtype == np.float32


@pytest.mark.parametrize("config", [config for config in MODELS if config.pad is not None][::3], ids=short)
def test_the_answer_does_not_depend_on_the_amount_of_padding(config):
    params, tokens, _ = example(config)
    real = tokens[:1, :2]
    answers = [forward(params, np.pad(real, ((0, 0), (0, more)), constant_values=0), config)["logits"]
               for more in range(4)]
    for logits in answers[1:]:
        np.testing.assert_allclose(logits[:, :2] if config.read_out == "all" else logits,
                                   answers[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("config", [config for config in MODELS if config.mask == "causal"][::3], ids=short)
def test_nothing_leaks_from_the_future(config):
    config = ModelConfig.from_dict(config.to_dict() | {"read_out": "all", "pad": None})
    params, tokens, _ = example(config)
    changed = tokens.copy()
    changed[:, 3:] = (changed[:, 3:] + 1) % config.d_vocab
    before, after = (forward(params, t, config)["logits"] for t in (tokens, changed))
    assert np.array_equal(before[:, :3], after[:, :3])
    assert not np.array_equal(before[:, 3:], after[:, 3:])
    both_ways = ModelConfig.from_dict(config.to_dict() | {"mask": "bidirectional"})
    assert not np.allclose(*(forward(params, t, both_ways)["logits"][:, :3] for t in (tokens, changed)))


@pytest.mark.parametrize("config", MODELS[1::6], ids=short)
def test_dropout_has_the_right_gradient_and_each_seed_its_own_masks(config):
    params, tokens, targets = example(config)
    masks = dropout_masks(0.4, 7, step=3)
    value, grads = loss_and_gradients(params, tokens, targets, config, masks=masks)
    report = check_gradients(lambda p: loss_and_gradients(p, tokens, targets, config, masks=masks)[0], params, grads,
                             witnesses=("complex_step",), tolerance=1e-11, entries=4)
    assert report.ok, report
    assert value != loss_and_gradients(params, tokens, targets, config)[0]
    twice = {name: np.stack([param, param]) for name, param in params.items()}
    values, _ = loss_and_gradients(twice, tokens, targets, config, masks=dropout_masks(0.4, [6, 7], step=3))
    assert values[1] == pytest.approx(value, rel=1e-12) and values[0] != values[1]


def test_the_tap_sees_every_activation_and_may_replace_it():
    config = ModelConfig(**SIZE, norm="layer", positions="learned")
    params, tokens, _ = example(config)
    seen = {}
    acts = forward(params, tokens, config, tap=lambda name, value: seen.setdefault(name, value))
    assert list(seen) == list(acts) and all(acts[name] is value for name, value in seen.items())
    assert {lookup(name).kind for name in acts} == {"activation"}
    for name, value in acts.items():
        axes = lookup(name).shape
        assert len(axes) == value.ndim, name
        for axis, length in zip(axes, value.shape, strict=True):
            assert length == {"batch": 3, "pos": 5, "query": 5, "key": 5}.get(axis) or length == getattr(config, axis)
    rng = generator(0, "edits")
    for edited in seen:  # every activation reaches the logits, so an edit of it must change them
        after = forward(params, tokens, config, tap=lambda name, value, edited=edited:
                        value + rng.normal(size=value.shape) * (name == edited))
        assert not np.allclose(after["logits"], acts["logits"]), edited


def test_weights_move_bit_for_bit_both_ways():
    for dtype in (np.float32, np.float64):
        params = example(MODELS[6], dtype=dtype)[0]
        back = Transformer(MODELS[6], params).arrays()
        assert set(back) == set(params)
        assert all(back[name].tobytes() == value.tobytes() and back[name].dtype == dtype
                   for name, value in params.items())


def test_initial_weights_follow_their_scheme():
    config = ModelConfig(d_vocab=300, n_ctx=300, d_model=128, n_heads=4, n_layers=2, d_mlp=512, positions="learned",
                         norm="layer")
    expected = {"W_E": 0.1, "W_pos": 0.1, "blocks.0.W_Q": 128**-0.5, "blocks.0.W_O": 128**-0.5 / 2,
                "blocks.1.W_in": 128**-0.5, "blocks.1.W_out": 512**-0.5 / 2, "W_U": 128**-0.5}
    params = init(config, n_seeds=2, seed=4)
    for name, scale in expected.items():
        assert params[name].std() == pytest.approx(scale, rel=0.02), name
    assert init(config, scheme="xavier")["blocks.0.W_in"].std() == pytest.approx((2 / 640) ** 0.5, rel=0.02)
    assert init(config, scheme="small")["blocks.0.W_Q"].std() == pytest.approx(0.02, rel=0.02)
    assert (params["ln_final_w"] == 1).all() and not params["b_U"].any()
    assert {name: value.shape[1:] for name, value in params.items()} == parameter_shapes(config)
    assert all(np.array_equal(params[name][1], value) for name, value in init(config, seed=5).items())
    smaller = init(ModelConfig.from_dict(config.to_dict() | {"norm": "none", "positions": "none"}), seed=4)
    assert all(np.array_equal(params[name][0], value) for name, value in smaller.items())


def test_source_002_model_has_102036_parameters():
    config = ModelConfig(d_vocab=20, n_ctx=50, d_model=64, n_heads=4, n_layers=2, d_mlp=256, norm="layer",
                         placement="post", positions="sinusoidal", read_out="first", pad=0)
    assert sum(np.prod(shape) for shape in parameter_shapes(config).values()) == 102036


CONFIG = ModelConfig(**SIZE, read_out="last", pad=0)
PARAMS, TOKENS, LAST = example(CONFIG)
BAD = {
    "a parameter missing": ("params", lambda: forward({}, TOKENS, CONFIG)),
    "a parameter besides": ("params", lambda: forward(PARAMS | {"W_X": PARAMS["W_E"]}, TOKENS, CONFIG)),
    "a parameter's shape": (r"params\['W_E'\]", lambda: forward(PARAMS | {"W_E": np.ones((7, 9))}, TOKENS, CONFIG)),
    "one with seeds": (r"params\['b_U'\]", lambda: forward(PARAMS | {"b_U": np.ones((2, 7))}, TOKENS, CONFIG)),
    "a token too large": ("tokens", lambda: forward(PARAMS, TOKENS + 7, CONFIG)),
    "tokens in fractions": ("tokens", lambda: forward(PARAMS, TOKENS * 1.0, CONFIG)),
    "too long": (r"tokens.shape\[-1\]", lambda: forward(PARAMS, np.ones((1, 6), int), CONFIG)),
    "padding first": ("tokens", lambda: forward(PARAMS, np.array([[0, 1]]), CONFIG)),
    "padding between": ("tokens", lambda: forward(PARAMS, np.array([[1, 0, 1]]), CONFIG)),
    "seeds of tokens": ("tokens", lambda: forward(PARAMS, np.stack([TOKENS, TOKENS]), CONFIG)),
    "a one-head model": ("config", lambda: forward(PARAMS, TOKENS, OneHeadConfig(7, 5))),
    "a target too large": ("targets", lambda: loss(np.ones((3, 7)), LAST + 7, CONFIG)),
    "a negative target": ("targets", lambda: loss(np.ones((3, 7)), np.array([1, -1, 2]), CONFIG)),
    "too few targets": ("targets", lambda: loss(np.ones((3, 7)), np.array([1, 2]), CONFIG)),
    "logits": ("logits", lambda: loss(np.ones((3, 8)), LAST, CONFIG)),
    "an upstream gradient": ("d_logits", lambda: pullback(PARAMS, forward(PARAMS, TOKENS, CONFIG), np.ones((3, 8)),
                                                          CONFIG)),
    "acts that are a plain dict": ("acts", lambda: backward(PARAMS, {}, LAST, CONFIG)),
    "a scheme": ("scheme", lambda: init(CONFIG, scheme="xaver")),
    "a dtype": ("dtype", lambda: init(CONFIG, dtype=int)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    argument, call = BAD[case]
    with pytest.raises(LabError, match=f"^{argument}: got"):
        call()


def test_dropout_of_the_twin_is_active_in_training_only():
    config = ModelConfig(**SIZE, dropout=0.5)
    params, tokens, _ = example(config)
    model = Transformer(config, params).eval()
    assert np.abs(model(torch.tensor(tokens)).detach().numpy() - forward(params, tokens, config)["logits"]).max() < 1e-9
    trained = model.train()(torch.tensor(tokens))
    assert not torch.allclose(trained, model.eval()(torch.tensor(tokens)))
