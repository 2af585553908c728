"""Chapter 16: operations against PyTorch's counter, laws against other ways to fit them, the prediction against git."""

import json

import numpy as np
import pytest
from scipy.optimize import curve_fit

from chapters import ch16
from chapters.ch16 import page, study
from transformer_lab.analysis.power_laws import fit_law
from transformer_lab.errors import LabError

STUDIES = [ch16.DATA, ch16.LARGEST, ch16.LARGEST_AGAIN, ch16.COMPUTE, ch16.SCARCE]


@pytest.mark.parametrize("width", ch16.SHAPES)
def test_operations_are_those_that_pytorch_counts(width):
    from torch.utils.flop_counter import FlopCounterMode

    run = ch16.of_width(width)
    stepper = run.stepper()
    with FlopCounterMode(display=False) as counted:
        stepper.loss(run.batches(0)).backward()
    assert counted.get_total_flops() == ch16.step_flops(run.model, ch16.TOKENS)


@pytest.mark.parametrize("width", ch16.SHAPES)
def test_weights_are_those_of_the_module(width):
    run = ch16.of_width(width)
    assert sum(ch16.weights_of(run.model).values()) == sum(value.size for value in run.first().values())


def test_sizes_at_fixed_compute_spend_the_same_to_a_few_hundredths():
    spent = [ch16.steps_for(width) * ch16.step_flops(ch16.of_width(width).model, ch16.TOKENS)
             for width in (8, 16, 24, 40)]
    assert max(spent) / min(spent) < 1.02


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_record_has_every_unit_and_its_losses_are_of_a_model_that_has_learnt(study):
    found = study.load()
    assert int(found.held_out.notnull().sum()) == len(study.units)
    assert float(found.held_out.min()) > 1.5 and float(found.held_out.max()) < 3.4


def test_a_short_run_is_measured_and_has_the_same_batches_as_any_other_size(monkeypatch):
    monkeypatch.setattr(study, "STEPS", 6)
    found = study.at_fixed_data(4, 0.1, 0)
    assert found["steps"] == 6 and found["diverged"] == -1 and 2 < found["held_out"] < 6
    few = study.of_little_text(4, 0.1, 1000, 0)
    assert few["held_out"] != found["held_out"]
    one, other = ch16.of_width(4), ch16.of_width(64)
    assert np.array_equal(one.batches(3).tokens, other.batches(3).tokens)


def test_a_run_that_diverges_is_an_outcome():
    run = ch16.of_width(4, 1e6, 12)
    found = study.trained(run, run.batches)
    assert np.isnan(found["held_out"]) == (found["diverged"] >= 0)


@pytest.mark.parametrize("floor", [True, False])
def test_the_law_is_the_one_that_another_search_finds(floor):
    sizes, losses, _ = ch16.smaller()
    middle = losses.mean(axis=1)
    law = fit_law(sizes, middle, floor=floor)

    def form(n, exponent, scale, bottom=0.0):
        return bottom + scale * (n / 1e4)**-exponent

    start = (0.2, 0.5, 1.5) if floor else (0.05, 2.0)
    found, _ = curve_fit(form, sizes, middle, start, sigma=middle, bounds=(0, 10))
    assert law.exponent == pytest.approx(found[0], rel=1e-4)
    assert law.at(sizes) == pytest.approx(form(sizes, *found), rel=1e-6)


def test_laws_of_many_rows_are_those_of_each():
    sizes, losses, _ = ch16.smaller()
    together = fit_law(sizes, losses.T)
    alone = [fit_law(sizes, row) for row in losses.T]
    assert np.allclose(together.exponent, [law.exponent for law in alone], rtol=1e-9)


def test_the_committed_prediction_is_what_the_smaller_sizes_say():
    assert ch16.predicted() == ch16.committed()


def test_the_page_has_the_losses_of_the_records():
    assert json.loads(page.SHOWN.read_text("utf-8")) == page.shown()


@pytest.mark.parametrize("call", [lambda: ch16.of_width(5), lambda: ch16.steps_for(0), lambda: ch16.predicted(1),
                                  lambda: study.of_little_text(8, 0.1, 10**7, 0)])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(LabError):
        call()
