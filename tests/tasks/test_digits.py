"""The digit tasks against oracles of their own: values, tokens, draws, splits, and bad input."""

import itertools
from collections import Counter
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from transformer_lab import generator
from transformer_lab.errors import ArgumentError, ConfigError, LabError
from transformer_lab.tasks.answers import IGNORED, exact, examples, questions, sampled, sequences, shares, write
from transformer_lab.tasks.digits import DigitTask, all_inputs, check_expression, draw
from transformer_lab.tasks.expressions import EOS, OPERATIONS, PAD, TOKENS, answer_tokens, parse, spell, tokenize, value
from transformer_lab.tasks.splits import baselines, leakage, majority, split, statistics

#: The operations again, each from a partition or a cumulative sum, as the package does none.
AGAIN = {"First": lambda x: x[0], "Second": lambda x: x[:2][-1], "Last": lambda x: x[::-1][0],
         "Max": lambda x: np.partition(x, -1)[-1], "Min": lambda x: np.partition(x, 0)[0],
         "Median": lambda x: np.percentile(x, 50, method="lower"), "Second-largest": lambda x: np.partition(x, -2)[-2],
         "Add": lambda x: np.cumsum(x)[-1]}
NESTED = DigitTask(operations=tuple(AGAIN), min_args=2, max_args=4, high=99, depth=3)


def by_numpy(expression):
    return expression if isinstance(expression, int) else int(AGAIN[expression[0]](list(map(by_numpy, expression[1]))))


def test_the_value_of_500_random_nested_expressions_is_numpys():
    for expression in draw(NESTED, 500, seed=1):
        assert value(expression) == by_numpy(expression)


def test_the_vocabulary_is_the_original_one_and_its_extensions_come_after():
    assert TOKENS[:20] == ("[PAD]", "[EOS]", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                           "First", "Second", "Last", "Max", "Min", "(", ")", ",")
    assert DigitTask().d_vocab == 20 and DigitTask(operations=("Add",)).d_vocab == 24 == len(TOKENS)
    assert set(OPERATIONS) == set(TOKENS[12:17]) | set(TOKENS[20:])


def test_tokens_read_back_and_typed_text_means_the_same():
    for expression in draw(NESTED, 300, seed=2) + draw(DigitTask(operations=("Sort",), high=999), 50, seed=2):
        text = spell(tokenize(expression))
        assert parse(text) == expression == parse(text.replace(" ", "")) == parse(text.upper())
        answer = value(expression)
        words = [int(word) for word in spell(answer_tokens(answer)).split(" , ")]
        assert words == list(answer if isinstance(answer, tuple) else [answer])


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "an operation: First"), ("5", "an operation"), ("Max", r"got the end after 'Max'; allowed is '\('"),
    ("Max()", r"got '\)' after 'Max\('"), ("Max(5, 8", "',' or"), ("Max(5, 8, 3) 4", "nothing more"),
    ("Mx(5, 8)", "Did you mean 'Max'"), ("Max(5, -3)", "'-'"), ("Max(5; 3)", "';'"), ("Second(5)", "at least 2"),
    ("Max(Sort(1, 2), 3)", "a sorted list inside Max"), ("Max(99999999999)", "0 to"), ("Max(" * 300, "at most 200"),
    ("Max(½)", "'½'"), ("import os", "Did you mean|one of"), ("Max(5,,3)", "','")])
def test_what_is_not_an_expression_gets_a_sentence(text, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        parse(text)


@pytest.mark.parametrize("task", [
    DigitTask(), DigitTask(operations=("Max", "Sort"), min_args=1, max_args=3, low=3, high=6),
    DigitTask(operations=("Median",), min_args=2, max_args=2, high=12)])
def test_all_inputs_are_counted_distinct_and_of_the_task(task):
    inputs = all_inputs(task)
    assert len(inputs) == len(set(inputs)) == task.inputs
    assert all(check_expression(task, expression) == expression for expression in inputs)
    assert max(len(tokenize(x)) for x in inputs) == task.n_ctx
    assert max(len(answer_tokens(value(x))) for x in inputs) == task.n_answer


def test_the_count_of_nested_inputs_is_that_of_writing_them_out():
    task = DigitTask(operations=("Max", "Add"), min_args=1, max_args=2, high=1, depth=2)
    numbers, flat = (0, 1), all_inputs(DigitTask(operations=("Max", "Add"), min_args=1, max_args=2, high=1))
    nested = {(operation, arguments) for operation in task.operations for k in (1, 2)
              for arguments in itertools.product((*numbers, *flat), repeat=k) if set(arguments) - set(numbers)}
    assert task.inputs == len(nested) and set(draw(task, len(nested) // 2, seed=0, distinct=True)) < nested
    assert max(len(tokenize(x)) for x in nested) == task.n_ctx
    assert max(len(answer_tokens(value(x))) for x in nested) == task.n_answer


def test_draws_are_balanced_uniform_repeatable_and_distinct_on_request():
    task = DigitTask(min_args=2, max_args=4, high=9)
    drawn = draw(task, 6000, seed=3)
    assert drawn == draw(task, 6000, seed=3) != draw(task, 6000, seed=4)
    assert set(Counter(operation for operation, _ in drawn).values()) == {1200}
    lengths = Counter(len(arguments) for _, arguments in drawn)
    numbers = Counter(number for _, arguments in drawn for number in arguments)
    for count, groups in ((lengths, 3), (numbers, 10)):
        mean = count.total() / groups
        assert len(count) == groups and sum((n - mean) ** 2 / mean for n in count.values()) < 30
    distinct = draw(DigitTask(), 2500, seed=3, distinct=True)
    assert len(set(distinct)) == 2500 and drawn[:5] != sorted(drawn[:5], key=lambda x: task.operations.index(x[0]))


def test_a_split_shares_no_input_keeps_copies_together_and_is_even_over_operations():
    drawn = draw(DigitTask(), 10_000, seed=0)
    naive = leakage(drawn[:9000], drawn[9000:])
    assert 0.78 < naive.share < 0.88 and naive.shared == round(naive.share * 1000)
    parts = split(drawn, held_out=0.2, seed=0)
    assert leakage(*parts).shared == 0 and len(parts.train) + len(parts.held_out) == 10_000
    distinct = Counter(operation for operation, _ in set(drawn))
    held = Counter(operation for operation, _ in set(parts.held_out))
    assert all(held[operation] == round(0.2 * distinct[operation]) for operation in distinct)
    assert parts == split(drawn, held_out=0.2, seed=0) != split(drawn, held_out=0.2, seed=1)


def test_baselines_are_exact():
    inputs = all_inputs(DigitTask())
    parts = split(inputs, held_out=0.2, seed=0)
    found = baselines(parts.train, parts.held_out)
    assert found["chance"] == Fraction(1, 10) and found["ceiling"] == 1
    counts = Counter(value(x) for x in inputs)
    assert majority(inputs, inputs) == Fraction(max(counts.values()), 5000)
    assert majority(inputs, inputs, by_operation=True) == Fraction(3 * 100 + 2 * 271, 5000)
    assert found["majority by operation"] > found["majority"] > 0


def test_statistics_count_what_is_there():
    found = statistics([("Max", (1, 22)), ("Max", (1, 22)), ("Sort", (3, 1))])
    assert found == {"examples": 3, "distinct": 2, "operations": {"Max": 2, "Sort": 1}, "answers": {22: 2, (1, 3): 1},
                     "lengths": {6: 1, 7: 2}, "padding": 1 - 20 / 21}


def test_examples_and_sequences_hold_the_question_the_answer_and_what_counts():
    task = DigitTask(high=99, operations=("Max", "Sort"))
    drawn = draw(task, 200, seed=5)
    tokens, targets = sequences(task, drawn)
    asked = questions(task, drawn)
    assert tokens.shape == targets.shape == (200, task.n_ctx + task.n_answer) == asked.tokens.shape
    for row, target, expression, length in zip(tokens, targets, drawn, asked.lengths, strict=True):
        answer = answer_tokens(value(expression))
        assert row.tolist() == [*tokenize(expression), *answer] + [PAD] * (len(row) - length - len(answer))
        assert target[target != IGNORED].tolist() == [*answer, EOS] and (target[:length - 1] == IGNORED).all()
        assert target[length - 1] == answer[0]
    single = examples(DigitTask(), all_inputs(DigitTask()))
    assert single.tokens.shape == (5000, 8) and len(np.unique(single.tokens, axis=0)) == 5000
    assert [TOKENS[t] for t in single.targets] == [str(value(x)) for x in all_inputs(DigitTask())]
    with pytest.raises(LabError, match="several lengths"):
        examples(task, drawn)


def test_writing_follows_the_likeliest_token_stops_at_the_end_and_is_scored_whole():
    task = DigitTask(high=99)
    drawn = draw(task, 300, seed=6)
    tokens, targets = sequences(task, drawn)
    wrong = np.arange(300) % 3 == 0

    def oracle(seen):
        """Knows each next token, says the last digit wrong for every third question, and looks at no later token."""
        logits = np.zeros((*seen.shape, task.d_vocab))
        for i, (row, target) in enumerate(zip(tokens, targets, strict=True)):
            at = np.flatnonzero(target != IGNORED)
            logits[i, at, target[at]] = 1.0
            if wrong[i]:
                logits[i, at[-2], 2 + (target[at[-2]] - 1) % 10] = 2.0
            lasting = seen[i, :at[0] + 1]
            assert (lasting == row[:at[0] + 1]).all()
        return logits

    written = write(oracle, questions(task, drawn))
    assert (exact(written, questions(task, drawn).answers) == ~wrong).all()
    assert [spell(written[i][written[i] != EOS]) for i in np.flatnonzero(~wrong)] == [
        str(value(drawn[i])) for i in np.flatnonzero(~wrong)]


@pytest.mark.parametrize(("temperature", "top_k", "top_p", "kept"), [
    (1.0, None, 1.0, 5), (0.5, None, 1.0, 5), (3.0, None, 1.0, 5), (1.0, 3, 1.0, 3), (2.0, 1, 1.0, 1),
    (1.0, None, 0.6, 2), (1.0, None, 0.39, 1), (0.5, None, 0.8, 2), (1.0, 2, 0.7, 2), (1.0, 2, 0.6, 1)])
def test_tokens_are_drawn_as_often_as_their_probabilities_say(temperature, top_k, top_p, kept):
    """How many tokens are left is worked out by hand."""
    p, n = np.array([0.05, 0.4, 0.25, 0.1, 0.2]), 20_000
    wanted = p ** (1 / temperature) * (np.argsort(np.argsort(-p)) < kept)
    wanted /= wanted.sum()
    how = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    np.testing.assert_allclose(shares(np.log(p)[None], **how)[0], wanted, atol=1e-15)
    drawn = sampled(np.tile(np.log(p), (n, 1)), generator(3, "sampling"), **how)
    found = np.bincount(drawn, minlength=5) / n
    assert (abs(found - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / n)).all()


def test_writing_by_sampling_is_greedy_with_one_choice_and_repeats_with_its_seed():
    task = DigitTask(high=42, operations=("Max",))
    asked = questions(task, draw(task, 50, seed=0))
    table = generator(0, "table").normal(size=(task.d_vocab, task.d_vocab))
    one, some = (partial(sampled, top_k=k) for k in (1, 4))
    greedy = write(lambda tokens: table[tokens], asked)
    assert (write(lambda tokens: table[tokens], asked, pick=partial(one, rng=generator(0, "a"))) == greedy).all()
    again = [write(lambda tokens: table[tokens], asked, pick=partial(some, rng=generator(seed, "a")))
             for seed in (0, 0, 1)]
    assert (again[0] == again[1]).all() and (again[0] != again[2]).any() and (again[0] != greedy).any()


@pytest.mark.parametrize(("fields", "faults"), [
    ({"operations": ()}, 1), ({"operations": "Max"}, 1), ({"operations": ["Mux"]}, 1), ({"min_args": 1}, 1),
    ({"min_args": 4}, 1), ({"low": 5, "high": 3}, 1), ({"depth": 9, "high": 10_000, "low": -1}, 3),
    ({"operations": ["Sort"], "depth": 2}, 1), ({"max_args": 2.5}, 1)])
def test_a_task_lists_all_its_faults(fields, faults):
    with pytest.raises(ConfigError) as found:
        DigitTask(**fields)
    assert len(found.value.faults) == faults


def test_a_task_goes_through_json_and_back():
    task = DigitTask(operations=["Max", "Min", "Max"], depth=2)
    assert task.operations == ("Max", "Min") and DigitTask.from_dict(task.to_dict()) == task
    assert DigitTask.from_dict(task.to_dict() | {"operations": ["Max", "Min"]}) == task


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: draw(DigitTask(), 2501, seed=0, distinct=True), "from 1 to 2500"),
    (lambda: draw(DigitTask(), 0, seed=0), "at least 1"),
    (lambda: draw("Max", 3, seed=0), "DigitTask"), (lambda: all_inputs(NESTED), "depth 1"),
    (lambda: split([("Max", (1, 2))], held_out=2, seed=0), "from 0 to 1"), (lambda: leakage([], []), "at least one"),
    (lambda: statistics([]), "at least one"), (lambda: value(("Max", ("5", 3))), "whole number"),
    (lambda: value(("Max", 3)), "a pair of an operation"),
    (lambda: tokenize(("Pow", (5, 3))), "one of 'First'"), (lambda: spell([99]), "from 0 to 23"),
    (lambda: check_expression(DigitTask(), ("Max", (1, 2))), "equal to 3"),
    (lambda: check_expression(DigitTask(), ("Add", (1, 2, 3))), "one of 'First'"),
    (lambda: check_expression(DigitTask(), ("Max", (("Min", (1, 2, 3)), 2, 3))), "inside each other"),
    (lambda: sequences(DigitTask(), [("Max", (1, 2, 3, 4))]), "Widen the task")])
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()


def test_an_answer_that_goes_on_is_wrong():
    four, forty_two, padded = [6, EOS, PAD], [6, 4, EOS], [6, PAD, PAD]
    assert exact([four, forty_two, padded], [four, four, four]).tolist() == [True, False, False]
