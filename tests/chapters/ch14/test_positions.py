"""Chapter 14: what is changed beyond the trained length is what is said; records are of the recipes declared."""

import numpy as np
import pytest
import torch

from chapters import ch14
from chapters.ch14.beyond import TRAINED, WAYS, Changed, Held, in_another_order, looks, rows_at, some
from chapters.ch14.study import ARMS, recipe
from transformer_lab import ModelConfig, places
from transformer_lab.byhand.positions import sinusoids
from transformer_lab.byhand.transformer import init
from transformer_lab.models.parts import POSITIONS
from transformer_lab.models.transformer import Transformer
from transformer_lab.tasks.answers import Examples
from transformer_lab.training.held_out import losses_at

SHAPE = {"d_vocab": 7, "n_ctx": 128, "d_model": 8, "n_heads": 2, "d_mlp": 8, "n_layers": 2, "mask": "causal"}


def module_of(positions, **more):
    config = ModelConfig(**SHAPE | more, positions=positions)
    params = {name: value.astype(float) for name, value in init(config, seed=1).items()}
    return Transformer(config, params)


@pytest.fixture(scope="module")
def tokens():
    return torch.as_tensor(np.random.default_rng(0).integers(7, size=(3, 128)))


@pytest.mark.parametrize(("positions", "way"), [(code, way) for code, ways in WAYS.items() for way in ways])
def test_no_change_touches_windows_as_long_as_in_training(tokens, positions, way):
    module = module_of(positions)
    short = tokens[:, :TRAINED]
    with torch.no_grad():
        assert torch.allclose(Changed(module, way)(short), module(short), atol=1e-12)
        longer = Changed(module, way)(tokens)
        assert torch.allclose(longer, module(tokens), atol=1e-6) == (way == "plain")


def test_squeezed_turns_are_those_of_places_divided_by_four(tokens):
    """The witness turns queries and keys by a quarter of their places, and nothing back."""
    module, turn = module_of("rotary"), POSITIONS["rotary"].turn
    kept = {}

    def tap(name, value):
        if name.rpartition(".")[2] in ("q", "k"):
            kept[name] = value
        if "rot_" in name:
            return turn(kept[name.replace("rot_", "")], torch.arange(128) / 4, module.config)
        return value

    with torch.no_grad():
        assert torch.allclose(Changed(module, "squeezed")(tokens), module(tokens, tap), atol=1e-10)


def test_held_pairs_turn_no_farther_than_in_training(tokens):
    """The witness turns, for each query alone, the keys farther away to the place 31 before it."""
    module, turn = module_of("rotary"), POSITIONS["rotary"].turn
    with torch.no_grad():
        assert torch.allclose(Held(module, range(0))(tokens), module(tokens), atol=1e-10)
        assert torch.allclose(Held(module, range(2))(tokens[:, :32]), module(tokens[:, :32]), atol=1e-10)
        kept = {}

        def tap(name, value):
            last = name.rpartition(".")[2]
            if last in ("q", "k"):
                kept[last] = value
            if last == "scores":
                value = value.clone()
                for t in range(128):
                    at = torch.arange(128).clamp(min=t - 31)
                    q = turn(kept["q"][:, :, [t]], torch.tensor([t]), module.config)
                    value[:, :, t] = (q @ turn(kept["k"], at, module.config).mT)[:, :, 0] / 2
            return value

        assert torch.allclose(Held(module, range(2))(tokens), module(tokens, tap), atol=1e-10)
        assert not torch.allclose(Held(module, range(1))(tokens), module(tokens, tap), atol=1e-6)


def test_rows_beyond_the_trained_ones_are_those_that_are_said():
    module = module_of("learned")
    rows, W_pos = {way: rows_at(module, way, 128) for way in ("last", "again", "squeezed")}, module.W_pos
    assert torch.equal(rows["last"][:32], W_pos[:32]) and (rows["last"][32:] == W_pos[31]).all()
    assert torch.equal(rows["again"], W_pos[:32].repeat(4, 1))
    assert torch.allclose(rows["squeezed"][::4], W_pos[:32]) and torch.equal(rows["squeezed"][126], W_pos[31])
    columns = [np.interp(np.arange(128) / 4, np.arange(32), column) for column in W_pos[:32].detach().numpy().T]
    assert np.allclose(rows["squeezed"].detach().numpy(), np.transpose(columns))
    fixed = rows_at(module_of("sinusoidal"), "squeezed", 128)
    assert np.allclose(fixed[::4].numpy(), sinusoids(32, 8))


def test_with_the_last_32_only_two_layers_reach_back_62(tokens):
    module = Changed(module_of("none"), "near")
    other = tokens.clone()
    other[:, :127 - 2 * (TRAINED - 1)] = (other[:, :127 - 2 * (TRAINED - 1)] + 1) % 7
    with torch.no_grad():
        assert torch.equal(module(tokens)[:, -1], module(other)[:, -1])
        other[:, 127 - 2 * (TRAINED - 1)] = (other[:, 127 - 2 * (TRAINED - 1)] + 1) % 7
        assert not torch.equal(module(tokens)[:, -1], module(other)[:, -1])


def test_looks_are_those_of_the_last_query(tokens):
    module, found = module_of("alibi"), Examples(tokens.numpy()[:, :6], tokens.numpy()[:, :6])
    seen = {}
    with torch.no_grad():
        module(tokens[:, :6], lambda name, value: seen.setdefault(name, value))
    patterns = np.stack([seen[f"blocks.{layer}.pattern"].numpy()[:, :, -1] for layer in (0, 1)])
    got = looks(module, found)
    np.testing.assert_allclose(got["entropy"], -(patterns * np.log(patterns)).sum(-1).mean(1))
    np.testing.assert_allclose(got["share"], patterns.mean((1, 2))[:, ::-1])
    np.testing.assert_allclose(got["share"].sum(axis=1), 1)


def test_order_counts_as_far_as_is_kept(tokens):
    module, found = module_of("rotary"), Examples(tokens.numpy()[:, :20], tokens.numpy()[:, 1:21])
    in_order = losses_at(module, found)[-1]
    assert in_another_order(module, found, 19) == pytest.approx(in_order, abs=1e-12)
    assert in_another_order(module, found, 2) != pytest.approx(in_order, abs=1e-6)


def test_some_windows_are_drawn_once_each_and_are_the_same_again():
    found = Examples(np.arange(50)[:, None], np.arange(50)[:, None])
    one, again = (some(found, 20, "test").tokens.ravel() for _ in range(2))
    assert len(set(one.tolist())) == 20 and np.array_equal(one, again) and one.tolist() != sorted(one.tolist())


def test_arms_differ_in_the_code_and_nothing_else():
    one, other = recipe("rotary", 0.01), recipe("alibi", 0.01)
    assert one.replace(positions="alibi") == other and one.training.embedding_scale == 0.1
    assert recipe("sinusoidal", 0.01).replace(embedding_scale=0.1) == recipe("sinusoidal, small tokens", 0.01)


def shipped(study):
    if not places.shipped("studies", study.name).is_dir():
        pytest.skip("the record is not made yet")
    return study.load()


def test_each_code_stands_at_the_best_of_its_rates_with_the_first_seed_and_near_it_with_five():
    shipped(ch14.RATES), shipped(ch14.NEAR)
    losses = ch14.losses()
    assert all(losses.sel(code=code, rate=list(rates)).notnull().all() for code, rates in ch14.AROUND.items())
    means, first = losses.mean("seed"), losses.sel(seed=0)
    for code, rate in ch14.BEST.items():
        tried = [arm["rate"] for arm in ARMS if arm["code"] == code]
        assert len(tried) >= 5 and min(tried) < rate < max(tried)
        assert float(first.sel(code=code, rate=rate)) == float(first.sel(code=code).min())
        assert float(means.sel(code=code, rate=rate) - means.sel(code=code).min()) < 0.012


def test_the_record_of_longer_windows_is_whole():
    found = shipped(ch14.BEYOND)
    assert found.sizes["seed"] == 10 and (found["diverged"] == -1).all()
    np.testing.assert_allclose(found["by_position"].mean("pos"), found["held_out"], rtol=1e-5)
    for code in ch14.BEST:
        there = found["in_a_third"].sel(code=code).notnull().all(["group", "seed"])
        assert [str(way) for way in found["way"].values[there.values]] == [way for way in found["way"].values
                                                                          if way in WAYS[code]]
    plain = found["in_a_third"].sel(way="plain") - found["by_group"]
    assert 0 < float(abs(plain.mean("group")).max()) < 0.1  # a third of the windows, and all of them


def test_the_page_has_the_numbers_of_the_record():
    from chapters.ch14.page import bytes_of_the_record
    from transformer_lab.widgets import RotaryTurns

    shipped(ch14.BEYOND)
    assert bytes_of_the_record() == RotaryTurns().data
