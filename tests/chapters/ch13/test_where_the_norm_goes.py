"""Chapter 13: the wirings against the block written out, the recursion against chance and fresh models, the records."""

import numpy as np
import pytest
import torch

from chapters import ch13
from chapters.ch13 import study
from transformer_lab import places
from transformer_lab.analysis.evidence import at_best
from transformer_lab.errors import LabError
from transformer_lab.tasks import text


def model(placement, n_layers=2, d_model=16, first="plain"):
    run = ch13.run_of(placement, n_layers, d_model=d_model)
    return ch13.model_of(placement, run.model, ch13.first_weights(run.model, first))


def written_out(placement, block, x, sight):
    """A block by its formula."""
    def part(ln, rows):
        return block.attention(rows, rows, sight, lambda name, value: value) if ln == "ln1" else block.mlp(
            rows, tap=lambda name, value: value)

    def norm(ln, rows):
        return torch.nn.functional.layer_norm(rows, rows.shape[-1:], eps=block.config.eps)

    for ln in ("ln1", "ln2"):
        match placement:
            case "before":
                x = x + part(ln, norm(ln, x))
            case "after":
                x = norm(ln, x + part(ln, x))
            case "both":
                x = x + norm(ln, part(ln, norm(ln, x)))
            case "none":
                x = x + part(ln, x)
            case "mis-wired":
                x = x + part(ln, norm(ln, x)) if ln == "ln1" else norm(ln, x) + part(ln, norm(ln, x))
    return x


@pytest.mark.parametrize("placement", ch13.PLACEMENTS)
def test_a_block_is_wired_as_its_formula_says(placement):
    wired = model(placement)
    block, x = wired.blocks[0], torch.randn(2, 32, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(block(x, wired.sight(32)), written_out(placement, block, x, wired.sight(32)))


def test_only_the_mis_wired_block_forgets_how_large_its_stream_was():
    x = torch.randn(1, 32, 16, generator=torch.Generator().manual_seed(0))
    for placement in ("before", "mis-wired"):
        block, sight = model(placement).blocks[0], model(placement).sight(32)
        with torch.no_grad():
            grown = float(block(100 * x, sight).norm() / block(x, sight).norm())
        assert (grown > 50) == (placement == "before")


def test_first_weights_are_as_large_as_they_say_and_queries_are_silent():
    config = ch13.run_of("before", 8, d_model=64).model
    plain, shrunk, silent = (ch13.first_weights(config, first) for first in ch13.FIRST)
    for name in ("blocks.3.W_O", "blocks.3.W_out"):
        rows = np.prod(plain[name].shape[:-1])
        assert abs(plain[name].std() * rows**0.5 - 1) < 0.05 and not silent[name].any()
        np.testing.assert_allclose(plain[name], 4 * shrunk[name], rtol=1e-5)
    assert not plain["blocks.3.W_Q"].any() and abs(plain["W_E"].std() - 1) < 0.05


@pytest.mark.parametrize("cosine", [-0.7, 0.0, 0.4, 0.95])
def test_half_a_sum_is_what_chance_finds(cosine):
    u, own = np.random.default_rng(0).normal(size=(2, 400_000))
    v = cosine * u + np.sqrt(1 - cosine**2) * own
    both = (u > 0) & (v > 0)
    assert abs(both.mean() - ch13.half_sum(cosine, 0)) < 3e-3
    assert abs((u * v * both).mean() - ch13.half_sum(cosine, 1)) < 5e-3


@pytest.mark.parametrize("placement", ch13.PLACEMENTS)
def test_a_wide_fresh_model_begins_as_derived(placement):
    batch = text.sample(ch13.TASK, 4, seed=0)
    found = ch13.places_of(model(placement, 2, 512), *batch).T
    for expected, measured in zip(ch13.derived(placement, 2, *batch), found, strict=True):
        np.testing.assert_allclose(measured, expected, rtol=0.08)


def test_what_follows_without_the_tables_follows_from_them():
    tokens, targets = text.sample(ch13.TASK, 4, seed=1)
    before, after, both, none = (ch13.derived(name, 6, tokens, targets) for name in ("before", "after", "both", "none"))
    np.testing.assert_allclose(after.stream, 1)
    np.testing.assert_allclose(both.stream, np.sqrt(1 + np.arange(13)))
    assert (np.diff(before.stream) > 0).all() and none.stream[-1] > 4 * before.stream[-1]
    silent = ch13.derived("before", 6, tokens, targets, gain=0.0)
    np.testing.assert_allclose(silent.gradient, silent.gradient[-1])
    np.testing.assert_allclose(silent.unlike, silent.unlike[0])


def test_a_fresh_model_that_is_silent_has_one_gradient_at_all_places():
    batch = text.sample(ch13.TASK, 2, seed=0)
    for placement in ("before", "none"):
        gradient = ch13.places_of(model(placement, 3, 32, "silent"), *batch)[:, 2]
        np.testing.assert_allclose(gradient, gradient[0], rtol=1e-4)


@pytest.mark.parametrize("call", [lambda: ch13.run_of("under", 2), lambda: ch13.half_sum(1.5, 0),
                                  lambda: ch13.derived("before", 0, [[0]], [[0]])])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()


def made(one):
    if not places.shipped("studies", one.name).is_dir():
        pytest.skip(f"the record of {one.name} is not made yet")
    return one.load()


def test_the_rates_that_are_taken_again_are_the_best_of_the_sweep():
    best = at_best(made(study.SWEEP)["held_out"])
    assert {arm: float(best.rate.sel(arm=arm)) for arm in study.BEST} == study.BEST


def test_derived_first_gradients_lie_where_fresh_models_do():
    found = made(study.START)
    for arm in study.FRESH:
        one = found.sel(model=study.name_of(**arm)).isel(place=slice(2 * arm["n_layers"] + 1))
        _, low, high = ch13.spread_of(one["gradient"].transpose("seed", "place").values)
        expected = one["derived gradient"].values
        assert ((low <= expected) & (expected <= high)).all(), arm


def test_a_record_of_training_is_whole():
    found = made(study.FINE)
    for arm, rate in study.BEST.items():
        one = found.sel(arm=arm)
        assert np.isfinite(one["held_out"].sel(rate=rate)).all(), arm
        assert np.isfinite(one["gradient"].transpose("layer", ...)[:study.ARMS[arm][1]]).all(), arm


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_longer_run_differs_by_its_steps_alone(place):
    (short, one), (longer, other) = (study.stepped(arm, 1e-3, 3) for arm in (f"{place} 8", f"{place} 8, longer"))
    assert (short.training.steps, longer.training.steps, short.model) == (160, 960, longer.model)
    first = one.state(), other.state()
    assert all((value == first[1][name]).all() for name, value in first[0].items())
    for step in (0, 100):
        assert all((a == b).all() for a, b in zip(short.batches(step), longer.batches(step), strict=True))


def test_the_best_rates_of_the_longer_trainings_lie_inside_what_was_tried():
    made(study.LONGER), made(study.LONGER_AGAIN)
    best = at_best(study.at_length())
    assert dict(zip(best.rate.arm.values, best.rate.values, strict=True)) == {"before 8, longer": 1e-2,
                                                                            "after 8, longer": 1e-3}
    assert not best.at_edge.any()


def test_the_page_has_what_the_records_have():
    from chapters.ch13 import page
    from transformer_lab.widgets import NormPlacement

    made(study.START), made(study.FINE)
    assert NormPlacement().data == page.placement_bytes()
