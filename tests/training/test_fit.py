"""The loop itself: what a row means, best and kept weights, resuming, and the stop at NaN."""

import io

import numpy as np
import pytest
from small_run import Regression, batches, rate

from transformer_lab.errors import ArgumentError, DivergedError, DtypeError, RangeError, UnknownNameError
from transformer_lab.training import History, fit, read_record, recorded
from transformer_lab.training.outcome import tried
from transformer_lab.training.progress import Bar
from transformer_lab.training.stepper import Stepper


def test_a_row_belongs_to_the_model_after_that_many_updates():
    stepper, seen, evaluations = Regression(), [], []

    def evaluate(model):
        evaluations.append(model)
        return {"norm": np.linalg.norm(model.arrays["W"], axis=-1)}

    history = fit(stepper, batches, steps=7, learning_rate=rate, every=3, evaluate=evaluate)
    other = Regression()
    for step in range(8):
        seen.append(np.linalg.norm(other.arrays["W"], axis=-1))
        other.step(batches(step), rate(step))
    assert history.steps.tolist() == [0, 3, 6, 7] and evaluations == 4 * [stepper]
    np.testing.assert_array_equal(history["norm"], np.stack([seen[i] for i in (0, 3, 6, 7)]))
    np.testing.assert_array_equal(history["learning_rate"], [rate(0), rate(3), rate(6), np.nan])
    assert history["loss"].shape == (4, 3) and np.isnan(history["loss"][-1]).all()


def test_best_and_kept_weights_are_copies_of_their_moment():
    history = fit(Regression(), batches, steps=9, learning_rate=0.05, keep=(0, 4, 9), best=("distance", min),
                  evaluate=lambda model: {"distance": abs(np.linalg.norm(model.arrays["W"], axis=-1) - 2.5)})
    means = history["distance"].mean(-1)
    again = Regression()
    fit(again, batches, steps=max(1, history.best.step), learning_rate=0.05)
    assert 0 < history.best.step == np.argmin(means) and history.best.value == means.min()
    np.testing.assert_array_equal(history.best.weights["W"], again.arrays["W"])
    assert list(history.kept) == [0, 4, 9] and set(history.trajectory) == {"W", "b"}
    np.testing.assert_array_equal(history.trajectory["W"][0], np.ones((3, 4)))


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(stop):
    saved = {}

    def checkpoint(step, state, history):
        saved[step] = state, History(list(history.rows), history.best, dict(history.kept))

    settings = {"steps": 10, "learning_rate": rate, "every": 2, "keep": (3, 8), "best": ("loss", min)}
    whole, resumed = Regression(), Regression()
    first = fit(whole, batches, checkpoint=checkpoint, checkpoint_every=1, **settings)
    state, history = saved[stop]
    resumed.load_state(state)
    second = fit(resumed, batches, start=stop, history=history, **settings)
    for name in whole.arrays:
        np.testing.assert_array_equal(whole.arrays[name], resumed.arrays[name])
    for name in first.names:
        np.testing.assert_array_equal(first[name], second[name])
    assert first.best.step == second.best.step and list(first.kept) == list(second.kept)


@pytest.mark.parametrize("every", [1, 5, 100])
def test_nan_stops_the_run_names_step_and_tensor_and_keeps_the_last_good_state(every):
    class Poisoned(Regression):
        def __init__(self):
            super().__init__()
            self.arrays["optimizer.count"] = np.zeros(())

        def step(self, batch, learning_rate):
            metrics = super().step(batch, learning_rate)
            self.arrays["optimizer.count"] = self.arrays["optimizer.count"] + 1
            if self.arrays["optimizer.count"] == 8:
                self.arrays["b"] = self.arrays["b"] * np.nan
            return metrics

    stepper, sound = Poisoned(), Regression()
    with pytest.raises(DivergedError, match=r"step 7: b went non-finite first\.") as stopped:
        fit(stepper, batches, steps=20, learning_rate=0.05, every=every)
    fit(sound, batches, steps=7, learning_rate=0.05)
    np.testing.assert_array_equal(stepper.arrays["W"], sound.arrays["W"])
    assert stopped.value.history.steps[0] == 0 and stopped.value.step == 7


def test_a_rate_that_is_too_high_is_reported_with_the_tensor_that_overflowed():
    stepper = Regression()
    with pytest.raises(DivergedError, match="Try a smaller learning rate") as stopped:
        fit(stepper, batches, steps=5000, learning_rate=1e3, every=50)
    assert stopped.value.first in {"W", "optimizer.W", "b", "loss"}
    assert all(np.isfinite(value).all() for value in stepper.arrays.values())


@pytest.mark.parametrize(("change", "error"), [
    ({"steps": 0}, RangeError), ({"steps": 2.5}, DtypeError), ({"learning_rate": 0}, RangeError),
    ({"learning_rate": "fast"}, DtypeError), ({"every": 0}, RangeError), ({"start": 11}, RangeError),
    ({"best": ("typo", min)}, UnknownNameError), ({"best": ("loss", sum)}, ArgumentError), ({"keep": [11]}, RangeError),
    ({"keep": ["last"]}, DtypeError), ({"learning_rate": lambda step: None}, DtypeError),
    ({"learning_rate": lambda step: -1.0}, RangeError), ({"learning_rate": dict}, DtypeError),
    ({"evaluate": lambda stepper: None}, DtypeError), ({"evaluate": lambda stepper: {"loss": 1.0}}, ArgumentError),
    ({"evaluate": lambda stepper: {"step": 1.0}}, ArgumentError),
    ({"evaluate": lambda stepper: {"held": "high"}}, DtypeError), ({"evaluate": lambda stepper: {3: 1.0}}, DtypeError)])
def test_bad_settings_get_a_sentence(change, error):
    with pytest.raises(error, match="allowed is"):
        fit(Regression(), batches, **({"steps": 10, "learning_rate": 0.1} | change))


def test_history_answers_an_unknown_metric_with_the_known_ones():
    history = fit(Regression(), batches, steps=2, learning_rate=0.1)
    with pytest.raises(UnknownNameError, match="'loss'"):
        history["los"]


def test_overfitting_is_noticed_only_when_training_goes_on_falling():
    def runs(train, held_out):
        return History([{"step": i, "train": train[i], "held_out": held_out[i]} for i in range(len(train))])

    assert "since step 1" in runs([3, 2, 1, 0.5], [3, 2, 2.1, 2.5]).overfitting("train", "held_out")
    assert runs([3, 2, 1, 0.5], [3, 2, 2.1, 2.15]).overfitting("train", "held_out") is None
    assert runs([3, 2, 2.5, 2.6], [3, 2, 2.4, 2.5]).overfitting("train", "held_out") is None
    assert runs([3], [3]).overfitting("train", "held_out") is None
    with pytest.raises(UnknownNameError, match="'train'"):
        runs([3], [3]).overfitting("trian", "held_out")
    assert runs([3, 1e-3, 1e-4], [3, 3e-4, 7e-4]).overfitting("train", "held_out") is None  # nothing is at stake


def test_the_bar_is_silent_without_a_terminal_and_ends_its_line_with_one():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    silent, watched = io.StringIO(), Terminal()
    for stream in (silent, watched):
        bar = Bar(3, stream)
        for done in range(4):
            told = {"held_out_accuracy": 0.9996, "learning_rate": 0.1} if done == 1 else {}
            bar.show(done, {"step": done, "loss": np.array([1.0, 2.0]), **told})
    assert silent.getvalue() == ""
    assert watched.getvalue().endswith("3/3  loss 1.5, held-out inputs 99.9 % right\n")


def growing(rate):
    """A square whose descent at a rate above 1 climbs: the loss is multiplied by (1 - 2 rate)^2 each step."""
    return Stepper({"w": np.array([1.0])}, lambda params, batch: (params["w"][0]**2, {"w": 2 * params["w"]}), "sgd")


@pytest.mark.parametrize(("rate", "limit", "at", "why"), [(1.5, 50.0, 3, "rose above the limit of 50"),
                                                        (1e155, None, 1, "non-finite"), (0.1, 50.0, -1, "")])
def test_divergence_is_an_outcome_with_its_step_and_the_study_goes_on(rate, limit, at, why):
    stepper = growing(rate)
    found = tried(stepper, lambda step: None, steps=9, learning_rate=rate, limit=limit)
    assert found.diverged == at and found.history.steps.tolist() == list(range(10 if at < 0 else at))
    if at >= 0:
        assert stepper.params["w"][0] == pytest.approx((1 - 2 * rate) ** at)  # the state before the step
        with pytest.raises(DivergedError, match=why):
            fit(growing(rate), lambda step: None, steps=9, learning_rate=rate, limit=limit)


def test_a_record_says_that_a_run_rose_above_its_limit(tmp_path):
    for _ in range(2):
        with pytest.raises(DivergedError, match="stopped at step 3: loss rose above the limit of 50"):
            recorded(tmp_path / "run", growing(1.5), lambda step: None, config={"a": 1}, steps=9, learning_rate=1.5,
                     limit=50.0)
    assert read_record(tmp_path / "run").manifest["step"] == 3
