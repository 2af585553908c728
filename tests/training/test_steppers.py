"""Both steppers, by hand and in PyTorch: the same updates, with taps, weights, frozen parts; states that go on."""

from functools import partial

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, OneHeadConfig, generator
from transformer_lab.analysis.ablation import ablate, patch
from transformer_lab.byhand import one_head
from transformer_lab.byhand.ends import IGNORED
from transformer_lab.byhand.gradcheck import check_gradients
from transformer_lab.byhand.transformer import backward, forward, init, loss, loss_and_gradients
from transformer_lab.errors import DtypeError
from transformer_lab.models.transformer import Transformer
from transformer_lab.training import fit
from transformer_lab.training.history import weights_of
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.torch_stepper import TorchStepper

SIZE = {"d_vocab": 7, "n_ctx": 5, "d_model": 8, "n_heads": 2, "n_layers": 2, "d_mlp": 12}
CONFIGS = [ModelConfig(**SIZE, norm="layer", positions="learned", mask="causal"),
           ModelConfig(**SIZE, norm="rms", positions="rotary", read_out="last", activation="silu"),
           ModelConfig(**SIZE, norm="layer", placement="post", positions="sinusoidal", read_out="mean", pad=0)]
CONFIG, NOISY = CONFIGS[0], ModelConfig(**SIZE, norm="layer", positions="learned", dropout=0.3)
NAMES = sorted({name for config in CONFIGS for name in forward(init(config), np.ones((1, 5), int), config)})


def examples(config, step=0):
    rng = generator(0, "examples", step)
    tokens = rng.integers(1, 7, size=(6, 5))
    targets = rng.integers(7, size=tokens.shape if config.read_out == "all" else 6)
    targets.flat[3] = IGNORED
    return tokens, targets


def weighted(step):
    return *examples(CONFIG, step), np.array([0.0, 0.5, 1.0, 1.0, 3.0])


def twins(config=CONFIG, dtype=np.float64, **settings):
    params = init(config, dtype=dtype)
    return Stepper(params, config, **settings), TorchStepper(Transformer(config, params), **settings)


def autograd(config, params, batch, **tap):
    model = Transformer(config, params)
    model.loss(*map(torch.tensor, batch), **tap).backward()
    return {name: np.zeros_like(params[name]) if value.grad is None else value.grad.numpy()
            for name, value in model.named_parameters()}


def gap(ours: dict, theirs: dict) -> float:
    return max(abs(value - theirs[name]).max() for name, value in ours.items())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.norm + config.placement)
def test_what_a_tap_replaces_in_a_training_step_has_the_gradient_that_autograd_finds(config, name):
    params, (tokens, targets) = init(config, dtype=np.float64), examples(config)
    acts = forward(params, tokens, config)
    if name not in acts:
        return
    taps = [ablate(name), patch(name, np.linspace(-1, 1, acts[name].shape[-1]))]
    taps += [ablate(name, head=1)] * (name.rpartition(".")[2] in ("q", "k", "v", "scores", "pattern", "z"))
    for tap in taps:
        value, grads = loss_and_gradients(params, tokens, targets, config, tap=tap)
        assert value == loss(forward(params, tokens, config, tap=tap)["logits"], targets, config)
        for tensor, theirs in autograd(config, params, (tokens, targets), tap=tap).items():
            assert abs(grads[tensor] - theirs).max() <= 1e-12 * max(1, abs(theirs).max()), tensor


def test_an_ablated_head_gets_no_gradient_and_the_others_another_one():
    params, (tokens, targets), tap = init(CONFIG, dtype=np.float64), examples(CONFIG), ablate("blocks.0.z", head=1)
    ablated = loss_and_gradients(params, tokens, targets, CONFIG, tap=tap)[1]
    plain = backward(params, forward(params, tokens, CONFIG), targets, CONFIG)
    for name in ("blocks.0.W_Q", "blocks.0.W_K", "blocks.0.W_V"):
        assert not ablated[name][:, 1].any() and plain[name][:, 1].any() and gap(ablated, plain) > 1e-3
    report = check_gradients(lambda p: loss(forward(p, tokens, CONFIG, tap=tap)["logits"], targets, CONFIG), params,
                             ablated, witnesses=("complex_step",), tolerance=1e-11, entries=6)
    assert report.ok, report


SETTINGS = {"plain": {}, "adam": {"optimizer": "adam", "beta2": 0.98}, "sgd": {"optimizer": "sgd"},
            "momentum": {"optimizer": "momentum", "mu": 0.8}, "clipped": {"max_norm": 0.2},
            "frozen": {"train": ("W_E", "blocks.1.W_Q"), "optimizer": "momentum", "max_norm": 0.05},
            "decayed": {"weight_decay": 0.3, "train": "W_U"}, "ablated": {"tap": ablate("blocks.1.mlp_out")},
            "in turn": {"train": lambda step: ("W_U",) if step % 3 else ("W_E", "W_pos"), "optimizer": "momentum"}}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_twins_make_the_same_updates(settings):
    ours, theirs = twins(**settings)
    before = init(CONFIG, dtype=np.float64)
    found, other = (fit(stepper, weighted, steps=12, learning_rate=0.05) for stepper in (ours, theirs))
    assert found.names == other.names and ("gradient_norm" in found.names) == ("max_norm" in settings)
    for name in found.names:
        np.testing.assert_allclose(found[name], other[name], rtol=1e-9)
    assert gap(ours.params, theirs.state()) < 1e-10 and gap(ours.params, before) > 1e-3
    if isinstance(settings.get("train"), tuple):
        moved = {name for name, value in ours.params.items() if (value != before[name]).any()}
        assert moved == set(settings["train"])


@pytest.mark.parametrize("train", [(), [], set(), lambda step: ()])
def test_where_no_part_is_trained_nothing_moves(train):
    for stepper in twins(train=train, max_norm=1.0):
        before = {name: np.array(value) for name, value in stepper.state().items() if not name.startswith("optimizer.")}
        assert stepper.step(examples(CONFIG), 0.1)["gradient_norm"] == 0
        assert all(np.array_equal(stepper.state()[name], value) for name, value in before.items())


def test_a_function_that_names_none_trains_all():
    one, other = twins(train=lambda step: None)[0], twins()[0]
    for stepper in (one, other):
        stepper.step(examples(CONFIG), 0.1)
    assert np.array_equal(one.theta, other.theta)


def test_the_norm_is_that_of_the_trained_parts_before_the_cut():
    stepper = Stepper(init(CONFIG, dtype=np.float64), CONFIG, train=("W_U", "b_U"), max_norm=1e-3)
    grads = loss_and_gradients(stepper.params, *examples(CONFIG), CONFIG)[1]
    norm = stepper.step(examples(CONFIG), 0.0)["gradient_norm"]
    assert norm == pytest.approx(np.sqrt((grads["W_U"]**2).sum() + (grads["b_U"]**2).sum()), rel=1e-12)


def test_weights_by_position_are_a_weighted_mean_and_the_gradient_is_its_own():
    params, (tokens, targets, weights) = init(CONFIG, dtype=np.float64), weighted(0)
    value, grads = loss_and_gradients(params, tokens, targets, CONFIG, weights=weights)
    alone = [loss_and_gradients(params, tokens, np.where(np.arange(5) == at, targets, IGNORED), CONFIG)[0]
             for at in range(5)]
    counted = weights * (targets != IGNORED).sum(axis=0)
    assert value == pytest.approx((counted * alone).sum() / counted.sum(), rel=1e-12)
    assert gap(grads, autograd(CONFIG, params, (tokens, targets, weights))) < 1e-12
    same, _ = loss_and_gradients(params, tokens, targets, CONFIG, weights=np.full(targets.shape, 7.0))
    assert same == pytest.approx(loss_and_gradients(params, tokens, targets, CONFIG)[0], rel=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("which", [0, 1], ids=["by hand", "PyTorch"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(which, optimizer):
    """With dropout and clipping, from a state that stood on a disk."""
    def stepper():
        return twins(NOISY, np.float32, optimizer=optimizer, max_norm=0.5, seed=3)[which]

    batches, saved, whole, resumed = partial(examples, NOISY), {}, stepper(), stepper()
    settings = {"steps": 9, "learning_rate": 0.01}
    first = fit(whole, batches, checkpoint=lambda step, state, history: saved.update({step: state}), **settings)
    resumed.load_state(saved[4])
    again = fit(resumed, batches, start=4, **settings)
    for name, value in whole.state().items():
        np.testing.assert_array_equal(value, resumed.state()[name])
    np.testing.assert_array_equal(first["loss"][4:], again["loss"])
    assert len({stepper().step(examples(NOISY), 0.0)["loss"] for _ in range(3)}) == 1


def test_dropout_is_for_training_steps_alone():
    ours, theirs = twins(NOISY)
    batch = examples(NOISY)
    at_rest = loss(forward(ours.params, batch[0], NOISY)["logits"], batch[1], NOISY)
    assert ours.step(batch, 0.0)["loss"] != at_rest == ours.evaluate(batch)["loss"]
    assert theirs.step(batch, 0.0)["loss"] != at_rest
    assert not theirs.module.training
    assert theirs.module.loss(*map(torch.tensor, batch)).item() == pytest.approx(at_rest, rel=1e-12)


def test_the_one_head_is_trained_in_turn_on_all_seeds_at_once():
    config = OneHeadConfig(d_vocab=5, n_ctx=4, positions="learned", d_pos=3)
    params, rng = one_head.init(config, n_seeds=3), generator(0, "lines")
    batch = rng.integers(5, size=(8, 4)), rng.integers(5, size=8)
    stepper = Stepper(params, config, "sgd", train=lambda step: ("W_OV",) if step < 2 else ("W_QK", "W_pos"))
    for step in range(4):
        before = {name: value.copy() for name, value in stepper.params.items()}
        acts = one_head.forward(before, one_head.encode(batch[0], config, before))
        grads = one_head.backward(before, acts, batch[1])
        metrics = stepper.step(batch, 0.5)
        for name, value in stepper.params.items():
            rate = 0.5 * (name == "W_OV") if step < 2 else 0.5 * (name != "W_OV")
            np.testing.assert_array_equal(value, before[name] - rate * grads[name])
            assert metrics[f"grad_{name}"].shape == (3,)
    assert stepper.evaluate(batch)["loss"].mean() < metrics["loss"].mean()


def test_any_function_with_gradients_can_be_fitted():
    def valley(params, batch):
        return {"loss": (params["x"]**2).sum(), "height": batch}, {"x": 2 * params["x"]}

    stepper = Stepper({"x": np.array([3.0, -2.0])}, valley, "sgd")
    history = fit(stepper, float, steps=3, learning_rate=0.25)
    assert history["loss"][:3].tolist() == [13, 3.25, 0.8125] and history["height"][:3].tolist() == [0, 1, 2]


STATE = twins()[0].state()
SPOILED = {"no dict": None, "no weights": {}, "more": STATE | {"W_X": np.ones(2)},
           "another shape": STATE | {"W_E": np.ones((1,))}, "another dtype": STATE | {"W_E": STATE["W_E"] > 0},
           "nothing": STATE | {"W_E": None}, "another optimiser": twins(optimizer="momentum")[0].state()}


@pytest.mark.parametrize("state", SPOILED.values(), ids=SPOILED)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state):
    for stepper in twins():
        before = stepper.state()
        with pytest.raises(LabError, match=r"allowed is|stepper.state"):
            stepper.load_state(state)
        assert gap(before, stepper.state()) == 0


@pytest.mark.parametrize("settings", [
    {"train": ("W_OX",)}, {"train": "W_E W_U"}, {"max_norm": -1}, {"seed": -1}, {"tap": 3}, {"optimizer": "adamx"},
    {"beta2": 2}, {"train": (1, 2)}])
def test_settings_that_mean_nothing_are_refused(settings):
    for maker in (lambda: Stepper(init(CONFIG), CONFIG, **settings),
                  lambda: TorchStepper(Transformer(CONFIG, init(CONFIG)), **settings)):
        with pytest.raises(LabError, match="allowed is"):
            maker()


@pytest.mark.parametrize("make", [
    lambda: Stepper(init(CONFIG), "transformer"), lambda: Stepper({}, CONFIG), lambda: Stepper(None, CONFIG),
    lambda: Stepper(init(CONFIG) | {"W_X": np.ones(3)}, CONFIG), lambda: TorchStepper("model"),
    lambda: Stepper(init(CONFIG) | {"b_U": np.ones(7)}, CONFIG), lambda: TorchStepper(torch.nn.Linear(2, 2)),
    lambda: twins(train=lambda step: ("W_OX",))[0].step(examples(CONFIG), 0.1),
    lambda: twins(train=lambda step: ("W_OX",))[1].step(examples(CONFIG), 0.1),
    lambda: twins()[0].step(None, 0.1), lambda: twins()[1].step(np.ones((2, 5)), 0.1),
    lambda: twins()[0].step((*examples(CONFIG), np.ones(3)), 0.1),
    lambda: twins()[0].step((*examples(CONFIG), -np.ones(5)), 0.1)])
def test_what_is_no_model_and_what_is_no_batch_is_refused(make):
    with pytest.raises(LabError, match="allowed is"):
        make()


ROWS = {"w": np.array([1.0, 2.0])}
READERS = {  # what a reader's own model returns -> what is named
    "None": (lambda params, batch: None, r"model\(params, batch\)"),
    "a loss alone": (lambda params, batch: 0.5, r"model\(params, batch\)"),
    "no loss": (lambda params, batch: (None, params), r"model\(params, batch\)\[0\]\['loss'\]"),
    "a word for a loss": (lambda params, batch: ({"loss": "low"}, params), r"model\(params, batch\)\[0\]\['loss'\]"),
    "no gradients": (lambda params, batch: (0.5, None), "gradients"),
    "a number": (lambda params, batch: (0.5, {"w": 0.5}), r"gradients\['w'\]"),
    "complex gradients": (lambda params, batch: (0.5, {"w": 1j * params["w"]}), r"gradients\['w'\]"),
    "one too many": (lambda params, batch: (0.5, params | {"b": params["w"]}), "arrays"),
    "no argument": (lambda: None, "model"),
}


@pytest.mark.parametrize("kind", READERS)
def test_what_a_readers_own_model_returns_is_looked_at(kind):
    model, named = READERS[kind]
    with pytest.raises(LabError, match=f"^{named}: got"):
        Stepper(ROWS, model, "sgd").step(None, 0.1)


@pytest.mark.parametrize("make", [lambda **given: Stepper(ROWS, READERS["no loss"][0], "sgd", **given),
                                  lambda **given: TorchStepper(torch_module(), "sgd", **given)])
def test_a_setting_of_another_optimiser_is_refused(make):
    with pytest.raises(LabError, match=r"^a setting of 'sgd': got 'beta1'"):
        make(beta1=0.9)
    with pytest.raises(LabError, match=r"^a setting of 'momentum': got 'mo'; allowed is one of 'mu'"):
        Stepper(ROWS, READERS["no loss"][0], "momentum", mo=0.9)


@pytest.mark.parametrize(("argument", "given"), [("learning_rate", {"learning_rate": lambda: 0.1}),
                                                 ("batches", {"batches": lambda: None}),
                                                 ("evaluate", {"evaluate": lambda: None}),
                                                 ("checkpoint", {"checkpoint": lambda step: None})])
def test_a_function_that_does_not_take_what_it_is_called_with_is_refused(argument, given):
    stepper = Stepper(ROWS, lambda params, batch: (0.5, params), "sgd")
    with pytest.raises(LabError, match=f"^{argument}: got a function of"):
        fit(stepper, **{"batches": lambda step: None, "steps": 2, "learning_rate": 0.1} | given)


def test_gradients_in_half_precision_are_read_in_single():
    stepper = Stepper(ROWS, lambda params, batch: (0.5, {"w": np.array([1.0, -1.0], np.float16)}), "sgd")
    stepper.step(None, 0.5)
    assert stepper.params["w"].tolist() == [0.5, 2.5]


@pytest.mark.parametrize("tap", ["x", lambda name: None])
def test_a_tap_is_a_function_of_a_name_and_a_value_on_both_models(tap):
    config = ModelConfig(d_vocab=5, n_ctx=3, d_model=4)
    params, tokens = init(config), np.array([[1, 2, 3]])
    for call in (lambda: forward(params, tokens, config, tap=tap),
                 lambda: Transformer(config, params)(torch.tensor(tokens), tap)):
        with pytest.raises(LabError, match=r"^tap: got"):
            call()


@pytest.mark.parametrize("loss", [lambda tokens, targets: 0.5, lambda tokens, targets: torch.zeros(()),
                                  lambda tokens, targets: torch.zeros(2, requires_grad=True)])
def test_a_modules_loss_is_one_number_with_its_graph(loss):
    module = torch_module()
    module.loss = loss
    with pytest.raises(LabError, match=r"^module.loss\(tokens, targets\): got"):
        TorchStepper(module).step((np.array([[1, 2]]), np.array([1])), 0.1)


def test_a_batch_of_words_is_refused_in_pytorch_too():
    with pytest.raises(LabError, match=r"^batch\[0\]: got"):
        TorchStepper(torch_module()).step((["a", "b"], np.array([1])), 0.1)


def torch_module():
    config = ModelConfig(d_vocab=5, n_ctx=2, d_model=4, read_out="last")
    return Transformer(config, init(config))


def test_a_state_has_names_of_text():
    with pytest.raises(DtypeError, match="a name in state: got 1"):
        weights_of({1: np.ones(2)})
