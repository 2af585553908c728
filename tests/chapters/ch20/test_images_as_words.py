"""Chapter 20: patches against their definition, folds, what is left out against PyTorch, maps, and the page's bytes."""

import json

import numpy as np
import pytest
import torch

from chapters import ch20
from chapters.ch20 import page, study
from transformer_lab import generator
from transformer_lab.analysis.cache import Runner
from transformer_lab.errors import LabError
from transformer_lab.models.vit import patches
from transformer_lab.places import home
from transformer_lab.widgets.page_data import shipped_file

IMAGES, DIGIT = ch20.digits()


@pytest.mark.parametrize("side", [1, 2, 4, 8])
def test_patches_are_those_of_the_model_and_come_together_again(side):
    cut = ch20.cut(IMAGES[:20], side)
    assert np.array_equal(cut, patches(torch.tensor(IMAGES[:20, None]), side).numpy())
    assert np.array_equal(ch20.joined_up(cut), IMAGES[:20])


def test_folds_part_the_images_evenly():
    fold = ch20.folds()
    assert set(np.bincount(fold)) == {179, 180}
    each = np.array([np.bincount(DIGIT[fold == k], minlength=10) for k in range(10)])
    assert np.ptp(each, axis=0).max() == 1


def test_no_image_stands_in_two_folds():
    """All images differ, so that none that is held out was trained on."""
    assert len(np.unique(IMAGES.reshape(len(IMAGES), -1), axis=0)) == len(IMAGES)


def test_an_epoch_has_each_image_once_and_moves_it_by_a_pixel_at_most():
    train = np.arange(90)
    drawn = [ch20.batch(train, 30, seed=3, step=step) for step in range(3)]
    moves = [ch20.moved(IMAGES[train], np.full(90, down), np.full(90, right)) for down, right in ch20.WAYS.T]
    seen = []
    for images, digit in drawn:
        for image, answer in zip(images[:, 0], digit, strict=True):
            hits = {int(i) for each in moves for i in np.flatnonzero((each == image).all(axis=(1, 2)))}
            assert hits and answer in DIGIT[list(hits)]
            seen.append(hits)
    assert set().union(*seen) == set(range(90))
    again = ch20.batch(train, 30, seed=3, step=1)
    assert np.array_equal(again[0], drawn[1][0]) and not np.array_equal(drawn[0][0], drawn[1][0])


def test_an_image_is_moved_as_numpy_rolls_it_but_for_what_leaves_it():
    middle = np.pad(IMAGES[:5, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))
    for down, right in ch20.WAYS.T:
        wanted = np.roll(middle, (down, right), axis=(1, 2))
        assert np.array_equal(ch20.moved(middle, np.full(5, down), np.full(5, right)), wanted)


def test_exchanged_patches_are_the_same_patches():
    mixed = ch20.exchanged(IMAGES[:10], 2, 0)
    for one, other in zip(ch20.cut(IMAGES[:10], 2), ch20.cut(mixed, 2), strict=True):
        assert sorted(map(tuple, one)) == sorted(map(tuple, other))
    assert not np.array_equal(mixed, IMAGES[:10])


def test_hidden_is_a_sentence_without_the_word():
    """A second witness: the rows of the hidden patches are taken out of the model's input altogether."""
    module, kept = ch20.made("patch 2", seed=1).double(), generator(0, "kept").random((1, 16)) < 0.6
    found = ch20.shares_without(module, IMAGES[:1], kept)
    rows = np.flatnonzero(np.pad(kept[0], (1, 0), constant_values=True))

    stream = Runner(module).cache(IMAGES[:1, None])["blocks.0.resid_pre"][:, rows]
    with torch.no_grad():
        x = torch.tensor(stream)
        for block in module.blocks:
            x = block(x)
        read = module.norm(("pre",), "ln_final", x[:, 0], lambda name, value: value)
        shorter = (read @ module.W_U + module.b_U).softmax(-1).numpy()
    assert np.allclose(found, shorter, atol=1e-12)


def test_votes_are_the_fall_of_the_logarithm():
    module, kept = ch20.made("patch 4").double(), np.ones((3, 4), bool)
    votes = ch20.alone(module, IMAGES[:3], DIGIT[:3])
    whole = ch20.shares_without(module, IMAGES[:3], kept)
    kept[:, 2] = False
    less = ch20.shares_without(module, IMAGES[:3], kept)
    at = np.arange(3), DIGIT[:3]
    assert np.allclose(votes[:, 2], np.log(whole[at] / less[at]))


def test_a_curve_begins_whole_and_ends_with_nothing_and_its_area_is_the_trapezes():
    module, ranked = ch20.made("patch 2"), np.tile(np.arange(16), (4, 1))
    for how in ch20.HOW:
        curve = ch20.deleted(module, IMAGES[:4], DIGIT[:4], ranked, how)
        at = np.arange(4), DIGIT[:4]
        for gone, kept in ((0, True), (16, False)):
            shares = ch20.shares_without(module, IMAGES[:4], np.full((4, 16), kept), how)
            assert np.allclose(curve[:, gone], shares[at])
        assert np.allclose(ch20.areas(curve), np.trapezoid(curve, dx=1 / 16, axis=1))


def test_rank_agreement_is_spearmans():
    from scipy.stats import spearmanr
    one, other = generator(0, "ranks").normal(size=(2, 5, 16))
    wanted = [spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    assert np.allclose(ch20.rank_agreement(one, other), wanted)


def test_maps_are_of_the_class_and_of_every_patch():
    module = ch20.made("patch 2")
    found = ch20.maps(module, IMAGES[:6], DIGIT[:6])
    assert set(found) | {"alone"} == set(ch20.MAPS) and all(each.shape == (6, 16) for each in found.values())
    assert (found["rollout"].sum(axis=1) < 1).all() and (found["rollout"] > 0).all()
    assert np.array_equal(found["ink"], ch20.cut(IMAGES[:6], 2).sum(axis=-1))


def test_rulers_of_equal_size_are_of_equal_size():
    sizes = {reader: ch20.parameters(reader) for reader in ("patch 2", "patch 4", "MLP", "CNN")}
    assert max(sizes.values()) < 1.025 * min(sizes.values())


def test_a_unit_scores_the_fold_that_it_never_saw(monkeypatch):
    for name, value in (("steps", 2), ("warmup", 1)):
        monkeypatch.setitem(ch20.TRAINING, name, value)
    found = study.scored("patch 2", 4)
    held_out = ch20.folds() == 4
    said, theta = found["said"][1], found["theta"][1]
    assert ((said >= 0) == held_out).all() and theta.dtype == np.float16 and np.isfinite(theta).all()
    assert np.isfinite(found["W_pos"][1][:16]).all() and np.isnan(found["W_pos"][1][16:]).all()
    assert (study.scored("logistic", 4)["said"][1][2] == -1).all()


def test_reading_five_times_is_the_mean_of_five():
    module = ch20.made("MLP", seed=2)
    with torch.no_grad():
        shares = [module(torch.tensor(ch20.moved(IMAGES[:9], np.full(9, down), np.full(9, right))[:, None])).softmax(-1)
                  for down, right in ch20.WAYS.T]
    assert (study.says(module, IMAGES[:9], times=5) == sum(shares).argmax(-1).numpy()).all()


@pytest.mark.parametrize("call", [lambda: ch20.cut(IMAGES[0], 3), lambda: ch20.joined_up(np.ones((3, 4))),
                                  lambda: ch20.made("patch 3"),
                                  lambda: ch20.moved(IMAGES[:1], [2], [0]),
                                  lambda: ch20.shares_without(ch20.made("MLP"), IMAGES[:1], np.ones((1, 16)))])
def test_what_cannot_be_meant_is_refused(call):
    with pytest.raises(LabError):
        call()


def test_the_shipped_file_is_what_the_record_gives():
    module = ch20.reader_of(page.SEED)
    assert page.page(module) == shipped_file("draw-digit").read_bytes()
    assert json.loads((home() / "tests" / "js" / "digit_by_pytorch.json").read_text()) == page.told(module)


def test_examples_are_of_the_fold_that_the_model_has_not_seen():
    chosen = page.examples(ch20.reader_of(page.SEED))
    assert (ch20.folds()[chosen] == page.SEED).all() and DIGIT[chosen[:10]].tolist() == list(range(10))


def test_the_record_of_rates_is_what_training_at_that_rate_gives():
    found, unit = ch20.AT_RATES.load()["right"], {"reader": "logistic", "rate": 0.03, "seed": 0}
    assert abs(ch20.AT_RATES.measured(unit)["right"].item() - found.sel(**unit).item()) < 1.2
    assert found.notnull().sum() == 250 and found.max() <= 100
