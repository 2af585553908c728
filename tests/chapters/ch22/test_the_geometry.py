"""Chapter 22: its maps and what it says of scores, against the package's model and witnesses that share no code."""

import numpy as np
import pytest

from chapters import ch22
from transformer_lab import generator
from transformer_lab.analysis.in_plane import proved, read, stands, whole
from transformer_lab.byhand.transformer import forward

ROWS = generator(0, "chapter 22").integers(0, 12, (30, 8))


def of_package(W, name):
    seen = {}
    forward(whole(W), ROWS, ch22.MODEL, tap=lambda key, value: seen.setdefault(key, value))
    return seen[name]


def test_what_a_query_asks_gives_the_scores_of_the_package():
    W = ch22.followed()
    scores = of_package(W, "blocks.0.scores")[:, 0]
    x = stands(W)
    for row, theirs in zip(ROWS, scores, strict=True):
        for t in range(8):
            ours = x[range(t + 1), row[:t + 1]] @ ch22.asks(W, int(row[t]))[t]
            assert np.allclose(ours, theirs[t, :t + 1], atol=1e-9)


def test_what_is_read_at_a_place_of_the_plane_is_what_the_package_reads():
    W = ch22.followed()
    z, logits = of_package(W, "blocks.0.resid_mid"), forward(whole(W), ROWS, ch22.MODEL)["logits"]
    assert np.allclose(read(W, z), logits, atol=1e-9)


@pytest.mark.parametrize("M", [np.diag([2.0, 0.1]), np.array([[0.0, 1], [-1, 0]]), np.array([[1, 5.0], [0, 1]])])
def test_a_redrawn_model_gives_the_same_logits_and_other_points(M):
    W = ch22.followed()
    new = ch22.redrawn(W, M)
    logits = [forward(whole(each), ROWS, ch22.MODEL)["logits"] for each in (W, new)]
    assert np.allclose(*logits, atol=1e-8) and not np.allclose(W["W_E"], new["W_E"])
    for name in ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_in", "W_out", "W_U"):  # each of them is needed
        half = forward(whole(new | {name: W[name]}), ROWS, ch22.MODEL)["logits"]
        assert not np.allclose(half, logits[0], atol=1e-3)


def test_many_models_are_redrawn_as_each_by_itself():
    many = {name: value[:3] for name, value in proved("plain").items()}
    M = generator(1, "chapter 22").normal(size=(3, 2, 2))
    together = ch22.redrawn(many, M)
    for i in range(3):
        alone = ch22.redrawn({name: value[i] for name, value in many.items()}, M[i])
        assert all(np.allclose(together[name][i], alone[name]) for name in alone)


def test_leads_and_the_width_of_the_row_are_those_found_by_going_through_all_pairs():
    W = {name: value[0] for name, value in proved("plain").items()}
    x, u = stands(W), ch22.asks(W)
    even, later = [], []
    for t in range(1, 8):
        for i in range(t):
            least = min(x[i, e] @ u[t] for e in ch22.EVEN)
            behind = [x[j, token] @ u[t] for j in range(i, t) for token in [*ch22.ODD, 11]]
            even.append(least - max([*behind, x[t, 11] @ u[t]]))
            if i:
                later.append(least - max(x[i - 1, e] @ u[t] for e in ch22.EVEN))
    found = ch22.leads(W)
    assert np.isclose(found["even"], min(even)) and np.isclose(found["later"], min(later))
    last = x @ u[7]
    gap = min(row[ch22.EVEN].min() - max(*row[ch22.ODD], row[11]) for row in last)
    assert np.isclose(ch22.row_width(W), max(np.ptp(row[ch22.EVEN]) for row in last) / gap)


def test_the_latest_even_number_scores_highest_where_both_leads_say_so():
    W = {name: value[[0, 4, 15, 22]] for name, value in until_or_not().items()}
    found = ch22.leads(W)
    claimed, rng = (found["even"] > 0) & (found["later"] > 0), generator(5, "chapter 22")
    assert claimed.any()
    for i in np.flatnonzero(claimed):
        x, u = stands(W)[i], ch22.asks(W)[i]
        for row in rng.integers(0, 12, (400, 8)):
            t = int(rng.integers(1, 8))
            evens = [place for place in range(t) if row[place] % 2 == 0]
            if evens:
                scores = [x[place, token] @ u[t] for place, token in enumerate([*row[:t], 11])]
                assert np.argmax(scores) == evens[-1]


def until_or_not():
    parts = proved("plain"), proved("plain", False)
    return {name: np.concatenate([part[name][:15] for part in parts]) for name in parts[0]}


def test_a_heap_has_one_width_in_every_map_and_is_measured_against_the_row():
    E = np.zeros((12, 2))
    E[ch22.EVEN] = [[k, 0.0] for k in range(6)]
    E[ch22.ODD] = [[2.0 + 0.1 * k, 3.0] for k in range(5)]
    E[11] = 2.0, 7.0
    assert np.isclose(ch22.heap_width({"W_E": E}), 0.4 / 5)
    for M in generator(6, "chapter 22").normal(size=(20, 2, 2)):
        assert np.isclose(ch22.heap_width({"W_E": E @ M}), 0.4 / 5)


def test_the_order_of_the_row_is_that_of_a_row_and_the_same_in_every_map():
    E = np.zeros((12, 2))
    E[[4, 0, 10, 2, 8, 6]] = [[k, 1.0] for k in range(6)]
    E[11] = 2.0, -3.0
    assert ch22.order_of_row({"W_E": E}).tolist() == [4, 0, 10, 2, 8, 6]
    for M in generator(2, "chapter 22").normal(size=(20, 2, 2)):
        assert ch22.order_of_row({"W_E": E @ M}).tolist() == [4, 0, 10, 2, 8, 6]


def test_what_is_brought_together_is_nearest():
    E = generator(3, "chapter 22").normal(size=(12, 2))
    for a, b in ((0, 5), (11, 6), (3, 4)):
        assert ch22.nearest(E @ ch22.brought_together(E, a, b))[a] == b
    far = np.linalg.norm(E - E[7], axis=1)
    assert ch22.nearest(E)[7] == np.argsort(far)[1]


def test_the_proved_and_the_others_are_all_that_were_trained():
    assert len(proved("plain")["W_E"]) + len(proved("plain", right=False)["W_E"]) == 256
