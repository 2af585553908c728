"""Chapter 19: tiles against PyTorch, masks against their definitions cell by cell, reach against walking, the cache."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch

from chapters import ch19
from chapters.ch19 import page
from chapters.ch19.study import PLUS, again, by_distance, held_out, reading, write_tokens
from transformer_lab import generator
from transformer_lab.analysis.reach import layers_to_know
from transformer_lab.byhand import transformer
from transformer_lab.byhand.attention import causal_mask
from transformer_lab.models.block import Cache
from transformer_lab.models.transformer import Transformer
from transformer_lab.tasks.rules import RuleTask, oracle


def torch_attention(q, k, v, mask, d_z):
    """The answer of PyTorch's own attention, and its gradients by autograd."""
    given = [torch.tensor(part, requires_grad=True) for part in (q, k, v)]
    hidden = None if mask is None else torch.tensor(mask)
    z = torch.nn.functional.scaled_dot_product_attention(*(part[None] for part in given), attn_mask=hidden)[0]
    z.backward(torch.tensor(d_z))
    return z.detach().numpy(), [part.grad.numpy() for part in given]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rows, columns", [(1, 1), (2, 5), (5, 2), (9, 9), (4, 3)])
def test_tiles_are_what_pytorch_says_forward_and_back(rows, columns, masked):
    rng = generator(rows * columns, "tiles")
    q, k, v, d_z = rng.normal(size=(9, 4)) * 3, *rng.normal(size=(2, 9, 4)), rng.normal(size=(9, 4))
    mask = causal_mask(9) if masked else None
    z, grads = torch_attention(q, k, v, mask, d_z)
    acts = ch19.attend_in_tiles(q, k, v, mask, rows=rows, columns=columns)
    d = ch19.pullback_in_tiles(acts, d_z, mask, rows=columns, columns=rows)
    assert np.allclose(acts["z"], z, atol=1e-12)
    assert all(np.allclose(d[name], grad, atol=1e-12) for name, grad in zip("qkv", grads, strict=True))


def test_scores_may_be_as_large_as_they_like():
    q, k, v = generator(0, "large").normal(size=(3, 6, 4))
    z = ch19.attend_in_tiles(400 * q, k, v, rows=2, columns=2)["z"]
    assert np.isfinite(z).all() and np.allclose(z, torch_attention(400 * q, k, v, None, v)[0], atol=1e-12)


def test_a_query_that_may_look_nowhere_reads_nothing():
    q, k, v = generator(0, "nowhere").normal(size=(3, 4, 2))
    mask = np.array([[False] * 4, [True] * 4, [False, True, False, False], [True] * 4])
    acts = ch19.attend_in_tiles(q, k, v, mask, rows=2, columns=2)
    assert (acts["z"][0] == 0).all() and np.allclose(acts["z"][2], v[1])
    assert all(np.isfinite(d).all() for d in ch19.pullback_in_tiles(acts, v, mask, rows=1, columns=1).values())


def test_joining_is_reading_on():
    rng = generator(0, "joined")
    lots = [(rng.normal(size=(2, n)) * 5, rng.normal(size=(n, 3))) for n in (4, 1, 6)]
    on = ch19.nothing_seen(2, 3)
    for lot in lots:
        on = ch19.take_in(on, *lot)
    alone = [ch19.take_in(ch19.nothing_seen(2, 3), *lot) for lot in lots]
    for one, two, three in itertools.permutations(alone):
        joined = ch19.joined(three, ch19.joined(one, two))
        assert all(np.allclose(a, b) for a, b in zip(joined, on, strict=True))


def test_memory_that_is_traced_is_that_of_tiles():
    """A second witness of what is alive: what the allocator saw."""
    q, k, v = generator(0, "traced").normal(size=(3, 512, 4))
    peaks = []
    for side in (512, 32):
        ch19.attend_in_tiles(q, k, v, rows=side, columns=side)
        tracemalloc.start()
        ch19.attend_in_tiles(q, k, v, rows=side, columns=side)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > 512 * 512 * 8 > 10 * peaks[1]


@pytest.mark.parametrize("n, width", [(9, 4), (32, 8), (17, 5)])
def test_masks_are_their_definitions_cell_by_cell(n, width):
    def read(name, i, j):
        return {"dense": True, "window": i - j < width, "strided": i - j < 4 or (i - j) % 4 == 0,
                "window and first": i - j < width - 1 or j == 0}[name]
    for name in ("dense", "window", "strided", "window and first"):
        mask = ch19.mask_of(name, n, width=width)
        assert mask.tolist() == [[j <= i and read(name, i, j) for j in range(n)] for i in range(n)]


def test_random_blocks_have_a_window_the_first_block_and_one_more():
    for seed in range(5):
        mask = ch19.mask_of("random blocks", 32, seed=seed)
        assert not np.triu(mask, 1).any() and mask[:, 0].all() and np.diag(mask).all()
        blocks = mask.reshape(16, 2, 16, 2).any(axis=(1, 3)).sum(axis=1)
        assert set(blocks[3:]) <= {3, 4} and (blocks == 4).any()
    assert (ch19.mask_of("random blocks", 32, seed=0) != ch19.mask_of("random blocks", 32, seed=1)).any()


@pytest.mark.parametrize("name", ch19.PATTERNS)
def test_layers_are_counted_by_walking(name):
    """All walks of so many steps, one after the other, instead of a product of matrices."""
    mask = ch19.mask_of(name, 12, width=4, seed=3)
    needed = layers_to_know(mask)
    for query in range(12):
        front, found = {query}, {}
        for layer in range(1, 13):
            front = {key for at in front for key in np.flatnonzero(mask[at]).tolist()}
            found = {key: found.get(key, layer) for key in {*found, *front}}
        assert {key: needed[query, key] for key in np.flatnonzero(needed[query]).tolist()} == found


def test_what_cannot_be_reached_is_told_from_what_is_far():
    mask = np.eye(4, dtype=bool)
    assert (layers_to_know(mask) == np.eye(4)).all() and ch19.reached(mask, 9).sum() == 1


def test_linear_attention_is_its_table_and_the_tap_in_pytorch_is_the_same():
    q, k, v = generator(0, "linear").normal(size=(3, 32, 5))
    assert np.allclose(ch19.linear_attend(q, k, v), ch19.kernel_pattern(q, k) @ v, atol=1e-12)
    tap = reading("linear", 0)
    for name, value in (("q", q), ("k", k)):
        tap(f"blocks.1.{name}", torch.tensor(value))
    assert np.allclose(tap("blocks.1.pattern", torch.zeros(32, 32)).numpy(), ch19.kernel_pattern(q, k), atol=1e-12)


def test_contexts_hold_their_answer_where_it_is_said_to_stand():
    tokens, answers = held_out(2)
    distances = np.repeat(np.arange(1, 32), 2)
    assert (tokens[:, -1] == PLUS).all()
    assert (oracle(RuleTask(), tokens)[:, -1].argmax(axis=-1) == answers).all()
    for row, answer, distance in zip(tokens, answers, distances, strict=True):
        assert row[31 - distance] == answer and (row[32 - distance:-1] % 2 == 1).all()
    assert by_distance(np.eye(12)[answers], answers).tolist() == [1.0] * 31


@pytest.mark.parametrize("name", ["window", "strided"])
def test_a_pattern_hides_what_it_leaves_out(name):
    value = reading(name, 0)("blocks.0.scores", torch.zeros(1, 1, 32, 32))[0, 0].numpy()
    assert (np.isfinite(value) == ch19.mask_of(name, 32)).all()


def test_the_cache_writes_what_the_whole_pass_writes():
    assert write_tokens(20, cached=True, d_model=16)[0] == write_tokens(20, cached=False, d_model=16)[0]


def test_sizes_of_caches_are_those_of_what_is_kept():
    params, config = ch19.writer(7, d_model=16, n_layers=3)
    model, cache = Transformer(config, params), Cache(config.n_layers, 1, config.n_ctx)
    cache.move(torch.arange(7)[None])
    model(torch.zeros((1, 7), dtype=torch.long), cache=cache)
    kept = sum(part.numel() for layer in cache.layers for part in layer.values())
    assert ch19.cache_entries(7, 3, config.n_heads, config.d_head) == kept


@pytest.mark.parametrize("segments", [1, 2, 3, 5, 7])
def test_segments_give_the_gradients_of_the_model(segments):
    params, config = ch19.writer(6, d_model=8, n_layers=7)
    rng = generator(0, "segments")
    x, d = rng.normal(size=(1, 6, 8)), rng.normal(size=(1, 6, 8))
    layers = ch19.chain(params, config, causal_mask(6))
    found = ch19.in_segments(layers, x, d, segments)
    plain = ch19.in_segments(layers, x, d)
    assert np.array_equal(found["d_x"], plain["d_x"]) and found["calls"] == 14
    assert found["alive"] <= segments + -(-7 // segments)
    step = 1e-6 * rng.normal(size=x.shape)

    def through(x):
        for forward, _ in layers:
            x, _ = forward(x)
        return (x * d).sum()
    assert (found["d_x"] * step).sum() == pytest.approx((through(x + step) - through(x - step)) / 2, rel=1e-5)


def test_the_count_of_a_block_is_that_of_its_products():
    for n, d, m in ((3, 2, 0), (5, 4, 9)):
        products = [(n, d, d)] * 4 + [(n, d, n), (n, n, d)] + [(n, d, m), (n, m, d)]
        assert sum(ch19.multiplications(n, d, m)) == sum(a * b * c for a, b, c in products)


def test_the_page_asks_six_questions_of_each_cell():
    tokens, query, key, even = page.asked_of_each_cell()
    assert len(tokens) == 6 * 120
    assert {(int(t), int(j)) for t, j in zip(query, key, strict=True)} == {(t, j) for t in range(16) for j in range(t)}
    for row, t, j, answer in zip(tokens, query, key, even, strict=True):
        assert row[t] == PLUS and row[j] == answer and (row[j + 1:t] % 2 == 1).all()


def test_a_model_of_a_study_learns_a_little_and_says_it_by_distance(monkeypatch):
    for name, value in (("steps", 2), ("warmup", 1)):
        monkeypatch.setitem(ch19.study.TRAINING, name, value)
    found = ch19.study.trained("window", 0)
    assert np.shape(found["right"][1]) == (6, 31) and found["used"][1][-1] == "linear"


@pytest.mark.parametrize("way", ["dense", "tiles", "linear"])
def test_what_is_timed_answers_and_is_measured(way):
    q, k, v = generator(0, "ways").normal(size=(3, 130, 64))
    wanted = ch19.kernel_pattern(q, k) @ v if way == "linear" else torch_attention(q, k, v, None, v)[0]
    assert np.allclose(ch19.study.WAYS[way](q, k, v), wanted, atol=1e-10)
    found = ch19.study.timed(way, 16, repeats=2)
    assert len(found["seconds"][1]) == 2 and min(found["seconds"][1]) > 0 and found["bytes"] > 0


def test_the_proved_models_are_right_where_the_mask_is_open():
    model = {name: value[:2] for name, value in ch19.proved_models().items()}
    row = ch19.mask_of("window", 32)[-1]
    right = ch19.right_by_distance(model, row)
    assert (right[:, :7] == 1).all() and right[:, 7:].mean() < 0.3


def test_logits_at_a_place_are_those_of_the_whole_pass():
    params, config = ch19.writer(5, d_model=8, n_layers=2)
    tokens = np.array([3, 60, 1, 1, 9])
    whole = transformer.forward(params, tokens[None], config)["logits"][0]
    assert np.allclose(ch19.read_one_by_one(params, config, tokens.tolist()), whole, atol=1e-12)
    assert not np.allclose(ch19.read_one_by_one(params, config, tokens.tolist(), [0] * 5)[1:], whole[1:], atol=1e-3)


def test_a_way_back_holds_here_what_the_record_says():
    found, shipped = again(8, repeats=1), ch19.AGAIN.load().sel(segments=8)
    assert np.allclose(found["bytes"][1], shipped.bytes, rtol=0.02) and np.array(found["seconds"][1]).shape == (1, 2)
