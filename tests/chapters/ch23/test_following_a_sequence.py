"""Chapter 23: walks, ends and blame, against walks that are gone through one token at a time."""

import numpy as np

from chapters import ch23
from transformer_lab.analysis.in_plane import proved
from transformer_lab.tasks.rules import RuleTask, decidable, oracle, sample

WINDOWS = sample(RuleTask(n_ctx=8), 40, seed=0, purpose="chapter 23").tokens


def one(W, i=0):
    return {name: value[i] for name, value in W.items()}


def slow_walk(W, line, weights=None, values=None):
    """The last token's place after attention, token by token."""
    start = [W["W_E"][token] + W["W_pos"][place] for place, token in enumerate(line)]
    scores = [(start[-1] @ W["W_Q"]) @ (point @ W["W_K"]) / np.sqrt(2) for point in start]
    if weights is None:
        weights = np.exp(np.array(scores) - max(scores))
        weights /= weights.sum()
    values = [point @ W["W_V"] for point in start] if values is None else values
    return start[-1] + sum(a * v for a, v in zip(weights, values, strict=True))


def test_a_walk_is_that_of_one_token_after_another():
    W = ch23.followed()
    seen = ch23.walk(W, WINDOWS)
    for line, z in zip(WINDOWS[:10], seen["resid_mid"], strict=False):
        for t in range(8):
            assert np.allclose(z[t], slow_walk(W, line[:t + 1]), atol=1e-9)


def test_the_three_sequences_follow_the_rule_and_have_three_answers():
    words = [*map(str, range(11)), "+"]
    for line, answer in ch23.SEQUENCES.items():
        row = [words.index(word) for word in line.split()]
        for t in np.flatnonzero(np.array(row[:-1]) == 11):
            assert oracle(RuleTask(n_ctx=8), row)[t, row[t + 1]]
        assert oracle(RuleTask(n_ctx=8), row)[-1].nonzero()[0].tolist() == [answer]
    assert len(set(ch23.SEQUENCES.values())) == 3


def test_what_is_asked_is_what_the_rule_decides():
    row, place, latest = ch23.asked(WINDOWS)
    marked = np.zeros(WINDOWS.shape, bool)
    marked[row, place] = True
    assert np.array_equal(marked, decidable(RuleTask(n_ctx=8), WINDOWS))
    allowed = oracle(RuleTask(n_ctx=8), WINDOWS)[row, place]
    assert allowed[range(len(row)), WINDOWS[row, latest]].all() and (allowed.sum(axis=-1) == 1).all()


def test_ends_are_walks_with_all_attention_on_one_number():
    W = ch23.followed()
    found = ch23.ends(W)
    for place, even in ((0, 4), (3, 10), (6, 0)):
        line = [1] * 7 + [11]
        line[place] = even
        assert np.allclose(found[place, even // 2], slow_walk(W, line, np.eye(8)[place]))


def test_shares_of_attention_and_of_chance_are_those_counted_one_by_one():
    W = proved("source")
    signs, off = ch23.on_signs(W, WINDOWS), ch23.off_chances(W, WINDOWS)
    true = np.array([0.7 / 11] * 11 + [0.3])
    for i in (0, 5):
        seen, on, gaps = ch23.walk(one(W, i), WINDOWS), [], []
        for line, pattern, logits in zip(WINDOWS, seen["pattern"], seen["logits"], strict=True):
            for t in np.flatnonzero(line < 11):
                p = np.exp(logits[t]) / np.exp(logits[t]).sum()
                gaps.append(np.clip(p - true, 0, None).sum())
                if (line[:t] == 11).any():
                    on.append(pattern[t, line == 11].sum())
        assert np.isclose(signs[i], np.mean(on)) and np.isclose(off[i], np.mean(gaps))


def test_proved_models_are_right_and_without_attention_they_guess():
    W = proved("source")
    assert (ch23.right(W, WINDOWS) == 1).all()
    assert (ch23.right(ch23.without(W, "attention"), WINDOWS) < 0.5).all()


def test_blame_is_laid_as_by_going_through_the_contexts():
    failed = {name: value[[2, 5]] for name, value in proved("plain", False).items()}
    contexts, places = ch23.distant(40)
    evens = (contexts[:, :7] % 2 == 0) & (contexts[:, :7] < 11)
    assert all(np.flatnonzero(row)[-1] == place for row, place in zip(evens, places, strict=True))
    found = ch23.blame(failed, contexts, places)
    for i in range(2):
        W, wrong, forced, moved = one(failed, i), 0, 0, 0
        for line, place in zip(contexts, places, strict=True):
            said = ch23.walk(W, line[None])["logits"][0, 7].argmax()
            if said != line[place]:
                wrong += 1
                for where in (place, 6):
                    value = (W["W_E"][line[place]] + W["W_pos"][where]) @ W["W_V"]
                    z = W["W_E"][11] + W["W_pos"][7] + value
                    hidden = np.maximum(z @ W["W_in"] + W["b_in"], 0)
                    logits = (z + hidden @ W["W_out"] + W["b_out"]) @ W["W_U"] + W["b_U"]
                    forced += (where == place) * (logits.argmax() != line[place])
                    moved += (where == 6) * (place != 6) * (logits.argmax() != line[place])
        assert np.isclose(found.wrong[i], wrong / len(contexts)) and wrong > 0
        assert np.isclose(found.forced[i] * wrong, forced)


def test_numbers_that_see_no_sign_share_their_attention_among_the_rest():
    W, true = one(proved("source"), 0), np.array([0.7 / 11] * 11 + [0.3])
    gaps = []
    for line in WINDOWS:
        for t in np.flatnonzero(line < 11):
            x = [W["W_E"][token] + W["W_pos"][place] for place, token in enumerate(line[:t + 1])]
            kept = [i for i in range(t + 1) if line[i] != 11]
            scores = np.array([(x[t] @ W["W_Q"]) @ (x[i] @ W["W_K"]) / np.sqrt(2) for i in kept])
            a = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            z = x[t] + sum(share * (x[i] @ W["W_V"]) for share, i in zip(a, kept, strict=True))
            logits = (z + np.maximum(z @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"]) @ W["W_U"] + W["b_U"]
            p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            gaps.append(np.clip(p - true, 0, None).sum())
    assert np.isclose(ch23.off_chances(W, WINDOWS, signs=False), np.mean(gaps))


def test_a_model_finds_its_number_where_the_latest_one_scores_highest_in_every_window_that_is_tried():
    failed = proved("plain", False)
    found, contexts = ch23.finds(failed), ch23.distant(60)
    for i in np.flatnonzero(found):
        scores = ch23.walk(one(failed, i), contexts[0])["scores"][:, 7]
        assert np.array_equal(scores.argmax(axis=-1), contexts[1])
    assert 0 < found.sum() < len(found) and ch23.finds(proved("source")).all()


def test_misread_numbers_are_those_of_ends_that_are_called_by_another_name():
    failed = proved("plain", False)
    W, found = one(failed, 2), ch23.misread(one(failed, 2))
    for t in (3, 6, 7):
        for place in range(t):
            for even in range(0, 11, 2):
                z = W["W_E"][11] + W["W_pos"][t] + (W["W_E"][even] + W["W_pos"][place]) @ W["W_V"]
                logits = (z + np.maximum(z @ W["W_in"] + W["b_in"], 0) @ W["W_out"] + W["b_out"]) @ W["W_U"] + W["b_U"]
                assert found[t, place, even // 2] == (logits.argmax() != even)
    assert found.any() and np.array_equal(ch23.misread(failed)[2], found) and not ch23.misread(proved("source")).any()
