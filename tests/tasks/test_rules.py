"""The seventeen rules against a second, plain implementation of each; their floors against writing everything out."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from transformer_lab.randomness import generator
from transformer_lab.tasks.answers import IGNORED
from transformer_lab.tasks.rule_machine import BEFORE
from transformer_lab.tasks.rule_table import RULES
from transformer_lab.tasks.rules import (
    RuleTask,
    automaton,
    best,
    constrained,
    decidable,
    floor,
    foretold,
    oracle,
    sample,
    score,
    start,
)

EVENS, ODDS = set(range(0, 21, 2)), set(range(1, 21, 2))
SWAPPED = {0: 7, 1: 3, 2: 2, 3: 8, 4: 5, 5: 6, 6: 9, 7: 4, 8: 0, 9: 1}


def last_even(seen):
    evens = [x for x in seen if x in EVENS]
    return None if seen[-1] != 11 else {evens[-1]} if evens else {0, 2, 4, 6, 8, 10}


def back(trigger, steps):
    return lambda seen: {seen[-1 - steps]} if seen[-1] == trigger and len(seen) > steps else None


def larger(seen):
    numbers = [x for x in seen if x != 21][-2:]
    return {max(numbers)} if seen[-1] == 21 and len(numbers) == 2 else None


def latest_odd(seen):
    odds = [x for x in seen if x in ODDS]
    return {odds[-1]} if seen[-1] in EVENS and odds else None


def by_parity(alike, other):
    return lambda seen: None if len(seen) < 2 else alike if (seen[-1] + seen[-2]) % 2 == 0 else other


SECOND = {
    "plus_last_even": last_even,
    "lucky7": back(7, 1),
    "lucky7_no_resid": back(7, 1),
    "step_back": back(9, 3),
    "copy_modulo": lambda seen: {seen[len(seen) % 3]} if len(seen) >= 3 else None,
    "successor": lambda seen: {0 if seen[-1] == 9 else seen[-1] + 1},
    "lookup_permutation": lambda seen: {SWAPPED[seen[-1]]},
    "conditional_transform": lambda seen: {seen[-1] // 2 if seen[-1] in EVENS else (seen[-1] + 1) % 10},
    "odd_even_index": lambda seen: ODDS if seen[-1] in EVENS else EVENS,
    "even_to_odd_transition": lambda seen: ODDS if seen[-1] in EVENS else None,
    "even_repeat_last_odd": latest_odd,
    "even_abs_diff": lambda seen: {abs(seen[-1] - seen[-2])} if seen[-1] in EVENS and len(seen) > 1 else None,
    "even_greater_than_10": lambda seen: set(range(11, 21)) if seen[-1] in EVENS else set(range(10)),
    "parity_based": by_parity(EVENS, ODDS),
    "parity_greater_than_10": by_parity(set(range(10)), set(range(10, 21))),
    "plus_max_of_two": larger,
    "plus_means_even": lambda seen: EVENS if seen[-1] == 21 else None,
}
OPERATORS = {"plus_last_even": (11, 0.3), "lucky7": (7, 0.25), "lucky7_no_resid": (7, 0.25), "step_back": (9, 0.4),
             "plus_max_of_two": (21, 0.3), "plus_means_even": (21, 0.25)}


def test_every_rule_has_a_second_implementation():
    assert SECOND.keys() == RULES.keys() and len(RULES) == 17


@pytest.mark.parametrize("name", RULES)
def test_the_right_answers_are_those_of_the_second_implementation(name):
    rule = RULES[name]
    rows = generator(1, "test").integers(rule.d_vocab, size=(300, rule.model["n_ctx"]))
    rows[::2] = np.where(generator(2, "test").random(rows[::2].shape) < 0.4, rule.d_vocab - 1, rows[::2])
    allowed, said = oracle(RuleTask(name), rows), constrained(RuleTask(name), rows)
    for row, answers, flags in zip(rows.tolist(), allowed, said, strict=True):
        for i in range(len(row)):
            wanted = SECOND[name](row[:i + 1])
            assert flags[i] == (wanted is not None)
            assert set(np.flatnonzero(answers[i])) == (wanted or set(range(rule.d_vocab)))


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_samples_keep_the_rule_and_free_tokens_are_of_all_kinds(name, balanced):
    task = RuleTask(name, RULES[name].model["n_ctx"], balanced)
    tokens, targets = sample(task, (3, 200), seed=5)
    assert tokens.shape == targets.shape == (3, 200, task.n_ctx)
    assert (tokens[..., 1:] == targets[..., :-1]).all()
    assert np.take_along_axis(oracle(task, tokens), targets[..., None], -1).all()
    free = targets[~constrained(task, tokens)]
    assert not free.size or len(np.unique(free)) == task.of.d_vocab


def test_free_targets_are_ignored_and_constrained_ones_are_not():
    few, every = (sample(RuleTask(free=share), 2000, seed=3) for share in (0.25, 1.0))
    assert (every.targets != IGNORED).all()
    said = few.tokens == 11
    assert (few.targets[said] != IGNORED).all()
    assert abs((few.targets[~said] != IGNORED).mean() - 0.25) < 0.02


def test_balanced_data_have_long_gaps():
    def longest_gaps(task):
        tokens = sample(task, 4000, seed=0).tokens
        return ((tokens[:, -1] == 11) & (tokens[:, 0] % 2 == 0) & (tokens[:, 1:] % 2 == 1).all(axis=1)).sum()

    assert longest_gaps(RuleTask(balanced=True)) > 5 * longest_gaps(RuleTask())


def next_chances(name, seen):
    """The chance of each next token, from the rule's second implementation."""
    vocabulary = range(RULES[name].d_vocab)
    allowed = SECOND[name](seen) if seen else {"odd_even_index": EVENS}.get(name)
    if allowed is not None:
        return {token: 1 / len(allowed) for token in allowed}
    operator, chance = OPERATORS.get(name, (None, 0.0))
    others = [token for token in vocabulary if token != operator]
    chances = dict.fromkeys(others, (1 - chance) / len(others)) | ({operator: chance} if operator is not None else {})
    if not seen and operator is not None:
        del chances[operator]
    total = sum(chances.values())
    return {token: p / total for token, p in chances.items()}


def written_out(name, n_ctx, before):
    """Loss and share right at each position, from the chance of every sequence and every window."""
    grown, windows = {(): 1.0}, [Counter() for _ in range(n_ctx)]
    for length in range(1, before + n_ctx + 2):
        grown = {(*seen, token): p * q for seen, p in grown.items() for token, q in next_chances(name, seen).items()}
        for pos, begins in itertools.product(range(n_ctx), range(before + 1)):
            if begins + pos + 2 == length:
                for seen, p in grown.items():
                    windows[pos][seen[begins:]] += p / (before + 1)
    views = [Counter() for _ in range(n_ctx)]
    surest = [Counter() for _ in range(n_ctx)]
    for pos, window in enumerate(windows):
        for seen, p in window.items():
            views[pos][seen[:-1]] += p
            surest[pos][seen[:-1]] = max(surest[pos][seen[:-1]], p)
    loss = [-sum(p * math.log(p / views[pos][seen[:-1]]) for seen, p in window.items())
            for pos, window in enumerate(windows)]
    return loss, [sum(found.values()) for found in surest]


@pytest.mark.parametrize("name", RULES)
def test_the_best_that_anyone_can_do_is_what_writing_out_every_window_gives(name, monkeypatch):
    n_ctx, before = (2, 1) if RULES[name].d_vocab < 13 else (1, 1)
    monkeypatch.setattr("transformer_lab.tasks.rule_machine.BEFORE", before)
    from transformer_lab.tasks import rules
    rules.start.cache_clear()
    try:
        loss, right = best.unchecked.__wrapped__(RuleTask(name, n_ctx))
    finally:
        rules.start.cache_clear()
    assert np.allclose([loss, right], written_out(name, n_ctx, before), atol=1e-12)


def test_windows_have_the_loss_that_the_floor_says():
    """An even number in view decides; without one, all six are equally likely: measured on a large sample."""
    assert BEFORE == 32
    task = RuleTask(n_ctx=8)
    tokens = sample(task, 100_000, seed=9).tokens
    allowed = oracle(task, tokens)
    plus = tokens == 11
    free = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7 / 11))
    measured = np.where(plus, np.log(allowed.sum(-1)), free).mean()
    assert abs(measured - floor(task)) < 0.01


def test_only_targets_that_count_are_scored():
    assert score(np.array([[3, 4, 5]]), np.array([[3, IGNORED, 6]])) == 0.5


def every_state_followed(name, row):
    """Of one window, token by token: whether all states that may be behind it say the same, and the mean of what they
    expect, each by the chance of having come there.
    """
    machine, (states, chances) = automaton(name), start(name)
    decided, expected = [], []
    for token in row:
        may = machine.allowed[states, token]
        chances = (chances * machine.chances[states, token])[may]
        states = machine.follow[states[may], token]
        said = {tuple(np.flatnonzero(machine.allowed[state])) for state in states.tolist()}
        decided.append(len(said) == 1 and all(machine.constrained[states]))
        expected.append(chances @ machine.chances[states] / (chances.sum() or 1))
    return decided, expected


@pytest.mark.parametrize("name", RULES)
def test_beliefs_are_those_of_following_every_state(name):
    task = RuleTask(name)
    drawn = sample(task, 12, seed=7).tokens
    wild = generator(3, "wild").integers(task.d_vocab, size=(12, 8))
    for row, decided in zip(wild, decidable(task, wild), strict=True):
        assert decided.tolist() == every_state_followed(name, row)[0]
    for row, decided, chances in zip(drawn, decidable(task, drawn), foretold(task, drawn), strict=True):
        wanted = every_state_followed(name, row)
        assert decided.tolist() == wanted[0]
        assert np.allclose(chances, wanted[1], atol=1e-9)


@pytest.mark.parametrize("name", ["plus_last_even", "copy_modulo", "plus_max_of_two"])
def test_one_who_foretells_loses_what_the_floor_says(name):
    drawn = sample(RuleTask(name), 3000, seed=1)
    chances = np.take_along_axis(foretold(RuleTask(name), drawn.tokens), drawn.targets[..., None], -1)
    lost = -np.log(chances).mean(axis=(1, 2))
    assert abs(lost.mean() - floor(RuleTask(name))) < 4 * lost.std() / np.sqrt(len(lost)) + 1e-9
