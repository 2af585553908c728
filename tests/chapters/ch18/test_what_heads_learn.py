"""Chapter 18: strings repeat as they say, the best guess is Bayes' rule, measures see what was built by hand."""

import itertools
from fractions import Fraction

import numpy as np
from hand_built import CONFIG, induction_model

from chapters import ch18
from chapters.ch18 import notes, repeats, stories
from transformer_lab.analysis.cache import Runner


def test_strings_begin_with_a_mark_and_repeat_with_their_period():
    found = ch18.strings(300, seed=0)
    assert (found.tokens[:, 0] == ch18.MARK).all() and np.array_equal(found.tokens[:, 1:], found.targets[:, :-1])
    assert set(found.periods) == set(ch18.PERIODS)
    for row, period in zip(found.targets, found.periods, strict=True):
        assert np.array_equal(row[period:], row[:-period]) and len(set(row[:period])) > 1
    late = ch18.looked_up(found)
    assert (late.sum(axis=1) == ch18.N - 1 - found.periods).all()


def test_what_is_foretold_is_bayes_rule_over_all_strings(monkeypatch):
    monkeypatch.setattr(repeats, "LETTERS", 2)
    monkeypatch.setattr(repeats, "PERIODS", np.array([2, 3]))
    length, chance = 5, {}
    for period in (2, 3):
        for once in itertools.product(range(2), repeat=period):
            string = tuple(itertools.islice(itertools.cycle(once), length))
            chance[string] = chance.get(string, 0) + Fraction(1, 2) / 2**period
    for string in chance:
        got = repeats.foretold.unchecked(np.array([string]))[0]
        for t in range(length):
            same = [(other, p) for other, p in chance.items() if other[:t] == string[:t]]
            one = sum(p for other, p in same if other[t] == 1) / sum(p for _, p in same)
            assert abs(got[t, 1] - float(one)) < 1e-12


def test_a_changed_copy_differs_in_one_letter_which_stands_before_the_answers_copy():
    drawn, source, at, copy = ch18.a_changed_copy(200, seed=1)
    rows = np.arange(200)
    assert ((drawn.tokens != source).sum(axis=1) == 1).all() and (drawn.tokens != source)[rows, copy].all()
    assert (drawn.tokens[rows, at] == drawn.tokens[rows, copy]).all()
    assert (drawn.targets[rows, at] == drawn.tokens[rows, copy + 1]).all()
    assert ch18.looked_up(drawn)[rows, at].all() and (at < ch18.N).all()


def test_the_share_of_copies_counts_what_can_be_looked_up_alone():
    found = ch18.strings(50, seed=2)
    said = np.eye(ch18.LETTERS)[found.targets]
    said[~ch18.looked_up(found)] = np.eye(ch18.LETTERS)[0]
    assert ch18.copied(said, found) == 1
    assert ch18.copied(np.roll(said, 1, axis=-1), found) == 0


def test_a_circuit_built_by_hand_fits_its_stories_when_it_is_watched(monkeypatch):
    tokens = np.array([[1, 4, 2, 1, 4, 2, 1, 4], [3, 0, 5, 3, 0, 5, 3, 0]])
    probe = ch18.Strings(tokens, np.roll(tokens, -1, axis=1), np.array([3, 3]))
    monkeypatch.setattr(stories, "looked_up", lambda found: np.tile((np.arange(8) > 3) & (np.arange(8) < 7), (2, 1)))
    seen = ch18.watched({name: value[None] for name, value in induction_model().items()}, CONFIG, probe)
    assert seen["right"] == 1 and seen["previous"][0, 0] > 0.99 and seen["induction"][0, 1] > 0.99
    assert seen["previous"][0, 1] < 0.5 and seen["induction"][0, 0] < 0.5


def test_the_input_that_counts_most_is_the_letter_behind_the_copy_in_a_model_that_copies():
    drawn, _, at, _ = ch18.a_changed_copy(60, seed=5)
    lost = ch18.inputs_that_count(ch18.model_of(0), drawn, at)
    rows = np.arange(60)
    assert np.isnan(lost[rows, at]).all() and np.isfinite(lost[:, 1]).all()
    assert (np.nanargmax(lost, axis=1) == at - drawn.periods + 1).mean() > 0.8


def test_the_shipped_models_are_of_two_sizes_and_copy_as_the_record_says():
    found = ch18.strings(200, seed=1)
    for n_layers in (1, 2):
        run = ch18.model_of(3, n_layers)
        assert isinstance(run, Runner) and run.config.n_layers == n_layers
        record = float(ch18.REPEATING.load()["right"].sel(n_layers=n_layers, seed=3)[-1])
        assert abs(ch18.copied(run(found.tokens), found) - record) < 0.005


def test_the_rule_looks_behind_the_last_copy_and_with_two_letters_behind_the_one_that_agrees():
    line = [[ch18.MARK, *("abcdefghijklmnopqrst".index(letter) for letter in "dqakfcqmdq" + 21 * "t")]]
    tokens = np.array(line)
    assert ch18.spelt(ch18.behind_last(tokens)[0, 8:11]) == ">qm"       # m is new; behind d; behind the last q
    assert ch18.spelt(ch18.behind_last(tokens, 2)[0, 8:11]) == ">qa"    # the q with a d before it


def test_the_rules_agree_with_a_search_place_by_place():
    found = ch18.strings(20, seed=4)
    for letters in (1, 2):
        said = ch18.behind_last(found.tokens, letters)
        for row, at in itertools.product(range(20), range(1, ch18.N)):
            tokens = found.tokens[row].tolist()
            copies = [j for j in range(1, at) if tokens[j] == tokens[at]]
            close = [j for j in copies if letters == 1 or tokens[j - 1] == tokens[at - 1]] or copies
            assert said[row, at] == (tokens[close[-1] + 1] if close else ch18.MARK)


def test_places_with_several_copies_differ_in_what_they_say_and_are_exchanged_as_they_should():
    asked = ch18.several(300, seed=3)
    tokens, rows = asked.tokens, np.arange(len(asked.at))
    assert len(rows) > 100 and (asked.target != asked.says).all()
    for place in (asked.copy, asked.wrong):
        assert (tokens[rows, place] == tokens[rows, asked.at]).all()
    assert (tokens[rows, asked.copy + 1] == asked.target).all()
    assert (tokens[rows, asked.wrong + 1] == asked.says).all()
    assert (tokens[rows, asked.copy - 1] == tokens[rows, asked.at - 1]).all()
    for changed, moved in zip(notes.exchanged(asked), (1, 2), strict=True):
        assert ((changed != tokens).sum(axis=1) == moved).all()
        assert (changed[rows, asked.wrong - 1] == changed[rows, asked.at - 1]).all()
        assert (changed[rows, asked.copy - 1] != changed[rows, asked.at - 1]).all()
        for place in (asked.at, asked.copy, asked.wrong, asked.copy + 1, asked.wrong + 1):
            assert (changed[rows, place] == tokens[rows, place]).all()


def test_many_heads_in_one_layer_find_copies_where_no_letter_stands_twice():
    found = ch18.strings(200, seed=6)
    clear = np.array([len(set(row[:period])) == period
                      for row, period in zip(found.targets, found.periods, strict=True)])
    right = ch18.many_heads(found.tokens).argmax(axis=-1) == found.targets
    assert clear.sum() > 10 and right[clear][ch18.looked_up(found)[clear]].all()
    assert right[ch18.looked_up(found)].mean() < 0.75


def test_letters_that_return_are_ten_and_stand_nowhere_else():
    for lag in ch18.LAGS:
        tokens, again, ten = ch18.returning(20, lag, 0)
        assert all(len(set(row)) == len(row) for row in ten)
        assert np.array_equal(tokens[:, 1:1 + ten.shape[1]], ten)
        assert np.array_equal(tokens[:, again:again + ten.shape[1]], ten)
        assert not any(set(row[11:again]) & set(letters) for row, letters in zip(tokens, ten, strict=True))


def test_the_shipped_notes_are_what_the_models_show():
    found, record = notes.where_it_misleads(ch18.model_of(0)), ch18.COMPARED.load().sel(seed=0)
    assert all(abs(float(record[name]) - float(value)) < 0.002 for name, (_, value) in found.items())
