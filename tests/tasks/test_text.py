"""The text task: the corpus is what its checksum says, windows and probes are what they say, chances are true."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from transformer_lab.errors import ConfigError, DataError, RangeError, UnknownNameError
from transformer_lab.tasks import text
from transformer_lab.tasks.answers import Examples
from transformer_lab.tasks.ngrams import NGrams
from transformer_lab.tasks.text import Alphabet, TextTask, by_position, corpus, needs, repeated, sample, score, shuffled

TASK = TextTask(n_ctx=64)


@pytest.fixture(scope="module", autouse=True)
def there():
    """The corpus, from where TRANSFORMER_LAB_DATA says or downloaded."""
    try:
        corpus()
    except DataError as fault:
        pytest.skip(str(fault))


def test_the_split_is_the_usual_one():
    train, held_out = TASK.parts
    assert (len(train), len(held_out), len(TASK.alphabet)) == (1_003_854, 111_540, 65)
    assert TASK.alphabet.decode(np.concatenate(TASK.parts)) == corpus()
    assert needs(TASK) == {"d_vocab": 65, "n_ctx": 64, "mask": "causal", "read_out": "all"}


def test_a_strange_character_is_named_with_its_place():
    with pytest.raises(UnknownNameError, match=r"'é' at position 3; allowed is one of"):
        TASK.alphabet.encode("café")


def test_the_held_out_windows_are_all_of_it_once():
    found, trained_on = text.tests(TASK)
    held_out = TASK.parts[1]
    assert np.array_equal(found.tokens.ravel(), held_out[:found.tokens.size])
    assert np.array_equal(found.targets.ravel(), held_out[1:found.targets.size + 1])
    assert 0 <= len(held_out) - 1 - found.targets.size < 64 and trained_on.tokens.shape == found.tokens.shape


def test_samples_are_runs_of_the_training_part_and_follow_from_seed_and_step():
    found, again = (sample(TASK, (3, 5), seed=1, step=2) for _ in range(2))
    other = sample(TASK, (3, 5), seed=1, step=3)
    whole = TASK.alphabet.decode(TASK.parts[0])
    assert found.tokens.shape == (3, 5, 64) and np.array_equal(found.tokens, again.tokens)
    assert not np.array_equal(found.tokens, other.tokens)
    for tokens, targets in zip(found.tokens.reshape(-1, 64), found.targets.reshape(-1, 64), strict=True):
        assert TASK.alphabet.decode(tokens) + TASK.alphabet.decode(targets[-1:]) in whole


def test_the_copy_probe_says_everything_twice():
    rows = repeated(TASK, 7, seed=0)
    assert np.array_equal(rows.tokens[:, :32], rows.tokens[:, 32:])
    assert np.array_equal(rows.targets[:, 31:63], rows.tokens[:, :32])


def test_the_context_probe_moves_what_is_far_and_nothing_else():
    found = sample(TASK, 9, seed=0)
    probe = shuffled(found, 10, seed=0)
    assert np.array_equal(probe.tokens[:, -10:], found.tokens[:, -10:])
    assert np.array_equal(np.sort(probe.tokens[:, :-10]), np.sort(found.tokens[:, :-10]))
    assert not np.array_equal(probe.tokens, found.tokens) and np.array_equal(probe.targets, found.targets)


def test_the_loss_by_position_is_a_mean_over_all_rows_whatever_the_batch():
    found = Examples(np.arange(12).reshape(4, 3), np.arange(12, 24).reshape(4, 3))
    for batch in (1, 3, 100):
        assert by_position(lambda tokens, targets: targets - tokens / 2, found, batch).tolist() == [14.25, 14.75, 15.25]


def test_the_score_is_the_share_of_likeliest_characters():
    assert score(np.eye(4)[None], np.array([[0, 1, 0, 3]])) == 0.75


def test_a_damaged_text_and_one_that_is_not_there_are_sentences(tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFORMER_LAB_DATA", str(tmp_path))
    with pytest.raises(DataError, match="Put the text there"):
        corpus.__wrapped__()
    (tmp_path / text.NAME).write_text(corpus()[1:], "ascii")
    with pytest.raises(DataError, match="its checksum differs"):
        corpus.__wrapped__()


def test_a_download_is_kept_only_when_it_is_the_text(tmp_path, monkeypatch):
    monkeypatch.delenv("TRANSFORMER_LAB_DATA")
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    source, kept = tmp_path / "source.txt", tmp_path / "data" / "downloads" / text.NAME
    monkeypatch.setattr(text, "SOURCE", source.as_uri())
    with pytest.raises(DataError, match="cannot be read"):
        corpus.__wrapped__()
    source.write_text("To be, or not", "ascii")
    with pytest.raises(DataError, match="its checksum differs"):
        corpus.__wrapped__()
    assert not kept.exists()
    source.write_text(corpus(), "ascii")
    assert corpus.__wrapped__() == corpus() == kept.read_text("ascii")
    source.unlink()
    assert corpus.__wrapped__() == corpus()


@pytest.mark.parametrize("wrong", [{"n_ctx": 0}, {"held_out": 0.0}, {"held_out": 1.0}, {"n_ctx": "64"},
                                   {"text": "hamlet"}])
def test_a_task_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TextTask(**wrong)


def test_windows_that_are_longer_than_the_text_are_refused():
    with pytest.raises(RangeError, match="n_ctx: got 63; allowed is at most 62"):
        sample(TextTask("sonnet", n_ctx=63), 1, seed=0)


# Counting

def chance(tokens, context, follower, d_vocab):
    """Witten and Bell's chance with dictionaries and fractions, one context after the other."""
    p = Fraction(1, d_vocab)
    for length in range(len(context) + 1):
        end = tuple(context[len(context) - length:])
        after = Counter(tokens[i + length] for i in range(len(tokens) - length)
                        if tuple(tokens[i:i + length]) == end)
        if after:
            p = (after[follower] + len(after) * p) / (after.total() + len(after))
    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_chances_are_those_of_counting_by_hand(order):
    rng = np.random.default_rng(order)
    tokens = rng.integers(4, size=60)
    model = NGrams(tokens, order, d_vocab=5)
    contexts = rng.integers(5, size=(40, order + 1))
    expected = [[float(chance(tokens.tolist(), row[2:].tolist(), follower, 5)) for follower in range(5)]
                for row in contexts]
    assert np.allclose(model.chances(contexts), expected, rtol=1e-12, atol=0)
    assert np.allclose(model.chances(contexts).sum(axis=1), 1, rtol=1e-12)


def test_every_character_has_a_loss_the_first_ones_with_what_is_before_them():
    rng = np.random.default_rng(0)
    tokens, held_out = rng.integers(3, size=50), rng.integers(3, size=12)
    losses = NGrams(tokens, 4, d_vocab=3).losses(held_out)
    expected = [-np.log(float(chance(tokens.tolist(), held_out[max(0, i - 3):i].tolist(), held_out[i], 3)))
                for i in range(12)]
    assert np.allclose(losses, expected, rtol=1e-12)


def test_the_rulers_of_tiny_shakespeare():
    train, held_out = TASK.parts
    losses = [NGrams(train, order, len(TASK.alphabet)).losses(held_out).mean() for order in range(7)]
    assert np.allclose(losses, [np.log(65), 3.3473, 2.4858, 2.0492, 1.7738, 1.6688, 1.6981], atol=1e-4)


def test_counts_of_tokens_that_are_not_in_the_alphabet_are_refused():
    with pytest.raises(RangeError, match="tokens"):
        NGrams([0, 1, 5], 2, d_vocab=5)
    with pytest.raises(RangeError, match="contexts"):
        NGrams([0, 1], 2, d_vocab=5).chances([[5]])


def test_an_alphabet_is_what_occurs():
    assert Alphabet("banana").characters == "abn" and len(Alphabet("banana")) == 3
