"""Writing: a remembered pass equals a full one, choices are what they say, and the state of a model is left alone."""

import itertools

import numpy as np
import pytest
import torch

from transformer_lab import LabError, ModelConfig, generator
from transformer_lab.byhand.transformer import init
from transformer_lab.models.block import Cache
from transformer_lab.models.encoder_decoder import T5, EncoderDecoder, EncoderDecoderConfig
from transformer_lab.models.generate import beam, generate, greedy, temperature, top_k, top_p
from transformer_lab.models.parts import POSITIONS, SPARSITY
from transformer_lab.models.transformer import Transformer

SIZE = {"d_vocab": 11, "n_ctx": 24, "d_model": 16, "n_heads": 4, "d_mlp": 8}


def drawn(case):
    """A model drawn from all that can write, in single precision."""
    rng = generator(case, "writers")
    parts = {"positions": [*POSITIONS], "sparsity": [*SPARSITY], "mask": ["causal", "causal", "prefix"],
             "n_kv_heads": [0, 1, 2], "norm": ["layer", "rms"], "placement": ["pre", "post", "both"],
             "pad": [None, 0], "gated": [True, False], "window": [2, 3, 5], "n_layers": [1, 2, 3],
             "rotary_base": [10000.0, 100.0]}
    config = ModelConfig(**SIZE, prefix=2, n_buckets=8, max_distance=12, activation="silu",
                         **{name: values[rng.integers(len(values))] for name, values in parts.items()})
    return made(Transformer, config, case), rng


def made(kind, config, seed=0):
    rng = generator(seed, "weights of a writer")
    return kind(config, {name: value + np.float32(0.2) * rng.normal(size=value.shape).astype(np.float32)
                         for name, value in init(config, seed=seed).items()}).eval()


PLAIN = made(Transformer, ModelConfig(**SIZE, positions="rotary", mask="causal", norm="layer"))
PROMPTS = [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10]]


def spoilt():
    """A model whose logits are not numbers."""
    model = made(Transformer, PLAIN.config)
    torch.nn.init.constant_(model.W_U, torch.nan)
    return model


@pytest.mark.parametrize("tenth", range(10))
def test_what_is_remembered_gives_the_logits_of_the_full_pass(tenth):
    for case in range(20 * tenth, 20 * tenth + 20):
        model, rng = drawn(case)
        lengths = rng.integers(2, 9, size=3)
        rows = torch.from_numpy(rng.integers(1, 11, size=(3, 20)))
        cache, first = Cache(model.config.n_layers, 3, 24), int(lengths.max())
        tokens = torch.where(torch.arange(first) < torch.from_numpy(lengths)[:, None], rows[:, :first], 0)
        with torch.no_grad():
            cache.move(torch.arange(first).expand(3, -1))
            found = [model(tokens, cache=cache)[torch.arange(3), lengths - 1]]
            for step in range(10):
                places = torch.from_numpy(lengths)[:, None] + step
                cache.move(places)
                found.append(model(rows.gather(1, places), cache=cache)[:, 0])
            for row, length in enumerate(lengths):
                whole = model(rows[row:row + 1, :length + 10])[0, length - 1:]
                torch.testing.assert_close(torch.stack(found)[:, row], whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", range(12))
def test_the_same_tokens_are_written_with_and_without_memory_alone_and_in_a_batch(case):
    model, _ = drawn(case)
    given = {"change": lambda logits: top_p(temperature(logits, 0.9), 0.95), "seed": case}
    quick = generate(model, PROMPTS, 10)
    assert quick == generate(model, PROMPTS, 10, cached=False)
    assert quick == [generate(model, [prompt], 10)[0] for prompt in PROMPTS]
    assert generate(model, PROMPTS, 10, **given) == generate(model, PROMPTS, 10, cached=False, **given)


def test_greedy_takes_the_largest_each_time():
    row = [1, 2, 3]
    for _ in range(6):
        with torch.no_grad():
            row.append(int(PLAIN(torch.tensor([row]))[0, -1].argmax()))
    assert generate(PLAIN, [[1, 2, 3]], 6)[0] == row[3:]


def test_choices_keep_what_they_say():
    rng = generator(0, "choices")
    for _ in range(200):
        logits = torch.from_numpy(rng.normal(size=(3, 9)) * rng.uniform(0.1, 5))
        k, p, t = int(rng.integers(1, 12)), float(rng.uniform()), float(rng.uniform(0.1, 3))
        for found, row in zip(top_k(logits, k), logits, strict=True):
            assert sorted(row.tolist())[-min(k, 9):] == sorted(found[found > -torch.inf].tolist())
        for found, probs in zip(top_p(logits, p), logits.softmax(-1).tolist(), strict=True):
            order, total, kept = sorted(range(9), key=lambda i: -probs[i]), 0.0, set()
            for i in order:
                if total >= p and kept:
                    break
                kept.add(i)
                total += probs[i]
            assert {i for i in range(9) if found[i] > -torch.inf} == kept
        assert torch.equal(greedy(logits), top_k(logits, 1))
        odds = temperature(logits, t).softmax(-1)
        assert torch.allclose(odds.log() * t - (odds.log() * t).mean(-1, keepdim=True),
                              logits - logits.mean(-1, keepdim=True))
    assert top_p(torch.zeros(4), 0.0).isfinite().sum() == 1 and top_p(torch.zeros(4), 1.0).isfinite().all()


def test_tokens_are_drawn_as_often_as_they_are_likely():
    with torch.no_grad():
        probs = PLAIN(torch.tensor([[1, 2, 3]]))[0, -1].softmax(-1).numpy()
    n = 4000
    rows = generate(PLAIN, [[1, 2, 3]] * n, 1, change=lambda logits: logits, seed=3)
    counts = np.bincount([row[0] for row in rows], minlength=11)
    assert ((counts - n * probs)**2 / (n * probs)).sum() < 31.3, "99.95 % of chi-squared with 10 degrees of freedom"
    again = generate(PLAIN, [[1, 2, 3]] * 50, 3, change=lambda logits: logits, seed=3)
    assert again == generate(PLAIN, [[1, 2, 3]] * 50, 3, change=lambda logits: logits, seed=3)
    assert again != generate(PLAIN, [[1, 2, 3]] * 50, 3, change=lambda logits: logits, seed=4)


def test_nothing_is_drawn_that_was_ruled_out():
    only = generate(PLAIN, PROMPTS * 50, 8, change=lambda logits: top_k(logits, 2), seed=1)
    for prompt, row in zip(PROMPTS * 50, only, strict=True):
        with torch.no_grad():
            best = PLAIN(torch.tensor([prompt + row]))[0].topk(2).indices
        assert all(token in best[len(prompt) - 1 + i] for i, token in enumerate(row))


def test_a_row_ends_at_its_end():
    free = generate(PLAIN, PROMPTS, 12)
    end = free[0][3]
    ended = generate(PLAIN, PROMPTS, 12, end=end)
    assert ended == [row[:row.index(end) + 1] if end in row else row for row in free] and len(ended[0]) <= 4


def test_dropout_is_off_while_a_model_writes_and_each_part_keeps_its_state():
    config = ModelConfig(**SIZE, positions="learned", mask="causal", dropout=0.5, dropout_pattern=0.5, n_layers=2)
    model = made(Transformer, config).train()
    model.blocks[1].eval()
    states = [module.training for module in model.modules()]
    assert generate(model, PROMPTS, 5) == generate(model, PROMPTS, 5)
    assert [module.training for module in model.modules()] == states and len(set(states)) == 2
    with pytest.raises(LabError, match=r"^tokens: got"):
        generate(model, [[99]], 5)
    assert [module.training for module in model.modules()] == states


def log_probability(model, prompt, row, **beyond):
    with torch.no_grad():
        logits = model(torch.tensor([prompt + list(row)])).double().log_softmax(-1)[0]
    return sum(logits[len(prompt) - 1 + i, token].item() for i, token in enumerate(row))


@pytest.mark.parametrize("end", [None, 2])
def test_a_beam_that_is_wide_enough_finds_the_likeliest_rows(end):
    model = made(Transformer, ModelConfig(**SIZE | {"d_vocab": 4}, positions="learned", mask="causal"))
    rows = {row[:row.index(end) + 1] if end in row else row for row in itertools.product(range(4), repeat=3)}
    wanted = sorted(((log_probability(model, [1, 3], row), row) for row in rows), reverse=True)
    found = beam(model, [1, 3], 3, width=64, end=end)
    assert [tuple(row) for row, _ in found] == [row for _, row in wanted]
    assert [score for _, score in found] == pytest.approx([score for score, _ in wanted], abs=1e-5)
    narrow = beam(model, [1, 3], 3, width=1, end=end)
    assert narrow[0][0] == generate(model, [[1, 3]], 3, end=end)[0]
    assert beam(model, [1, 3], 3, width=3, end=end)[0][1] >= narrow[0][1] - 1e-6


def test_a_penalty_divides_by_the_length():
    plain, long = ({tuple(row): score for row, score in beam(PLAIN, [1], 4, width=8, end=3, penalty=penalty)}
                   for penalty in (0.0, 1.0))
    shared = plain.keys() & long.keys()
    assert shared and all(long[row] == pytest.approx(plain[row] / len(row)) for row in shared)


@pytest.mark.parametrize("positions", ["relative", "sinusoidal", "rotary"])
def test_an_encoder_decoder_writes_what_it_would_without_memory(positions):
    model = made(EncoderDecoder, EncoderDecoderConfig(**SIZE | T5 | {"positions": positions, "n_layers": 2}))
    sources = [[4, 5, 6, 7], [8, 9]]
    written = generate(model, None, 7, source=sources)
    for source, row in zip(sources, written, strict=True):
        tokens = [0]
        for token in row:
            with torch.no_grad():
                assert int(model(torch.tensor([source]), torch.tensor([tokens]))[0, -1].argmax()) == token
            tokens.append(token)
    assert written == generate(model, None, 7, source=sources, cached=False)
    assert [beam(model, None, 5, width=1, source=source)[0][0] for source in sources] == [row[:5] for row in written]


@pytest.mark.parametrize(("call", "fault"), [
    (lambda: generate(PLAIN, PROMPTS, 21), "new"), (lambda: generate(PLAIN, None, 3), "prompts"),
    (lambda: generate(PLAIN, [[]], 3), r"len\(prompts\[0\]\)"),
    (lambda: generate(PLAIN, [[1.5]], 3), r"prompts\[0\]\[0\]"),
    (lambda: generate(made(Transformer, ModelConfig(**SIZE)), PROMPTS, 3), "model"),
    (lambda: generate(torch.nn.Linear(2, 2), PROMPTS, 3), "model"),
    (lambda: temperature(torch.ones(3), 0.0), "t"), (lambda: top_k(torch.ones(3), 0), "k"),
    (lambda: generate(PLAIN, PROMPTS, 1, end=11), "end"), (lambda: beam(PLAIN, [1], 1, end=11), "end"),
    (lambda: generate(PLAIN, PROMPTS, 1, change=lambda logits: logits * torch.nan), "logits"),
    (lambda: generate(PLAIN, PROMPTS, 1, change=lambda logits: logits + torch.inf), "logits"),
    (lambda: beam(spoilt(), [1], 1), "logits"), (lambda: generate(spoilt(), [[1]], 1), "logits"),
    (lambda: generate(PLAIN, PROMPTS, 1, change=lambda logits: logits - torch.inf), "logits"),
    (lambda: generate(PLAIN, PROMPTS, 1, change=lambda logits: logits[:1]), r"change\(logits\)"),
    (lambda: generate(PLAIN, PROMPTS, 1, change=lambda logits: None), r"change\(logits\)"),
    (lambda: top_p(torch.ones(3), 1.5), "p"), (lambda: greedy(torch.ones(3, dtype=torch.long)), "logits"),
    (lambda: generate(made(EncoderDecoder, EncoderDecoderConfig(**SIZE | T5)), None, 3), "source")])
def test_what_can_not_be_written_is_refused(call, fault):
    with pytest.raises(LabError, match=f"^{fault}: got"):
        call()
