"""Writing with a model: what makes a choice out of logits, and the loop that chooses one token after the other.

Each of ``greedy temperature top_k top_p`` takes logits (..., d_vocab) and returns logits; a token is drawn from their
softmax. They are composed as functions are: ``lambda logits: top_p(temperature(logits, 0.8), 0.95)``.
"""

from __future__ import annotations

import contextlib
from functools import partial

import torch

from ..errors import DtypeError, EmptyError, RangeError, ShapeError
from ..randomness import generator
from ..rules import Each, Function, Number, Rule, Seed, Whole
from ..signatures import checked
from .block import Cache
from .encoder_decoder import EncoderDecoder
from .ends import real
from .transformer import Transformer

__all__ = ["beam", "generate", "greedy", "temperature", "top_k", "top_p"]


class Logits(Rule):
    """A tensor of numbers with a last axis that is not empty."""

    def check(self, argument, value, sizes, given):
        if not real(value) or not value.is_floating_point():
            came = f"{value.dtype} on {value.device}" if isinstance(value, torch.Tensor) else type(value).__name__
            raise DtypeError(argument, came, "a tensor of numbers", "Pass what the model returns.")
        if not value.ndim or not value.numel():
            raise ShapeError(argument, f"a tensor of shape {tuple(value.shape)}", "(..., d_vocab)", "Pass some logits.")
        return value


class Writer(Rule):
    """A model that writes."""

    def check(self, argument, value, sizes, given):
        if not isinstance(value, Transformer | EncoderDecoder):
            raise DtypeError(argument, type(value).__name__, "a Transformer or an EncoderDecoder", "Pass one.")
        config = value.config
        if config.mask == "bidirectional" or config.read_out != "all":
            raise RangeError(argument, f"mask={config.mask!r}, read_out={config.read_out!r}",
                             "a model that sees what came before and is read at all positions",
                             'Make it with mask="causal".')
        return value


@checked
def temperature(logits: Logits(), t: Number(above=0)):
    """Logits divided by t: below 1 what is likely becomes likelier, above 1 less so.

    >>> temperature(torch.tensor([0.0, 1.0]), 0.5).tolist()
    [0.0, 2.0]
    """
    return logits / t


@checked
def top_k(logits: Logits(), k: Whole(1)):
    """The k largest; the others can't be drawn.

    >>> top_k(torch.tensor([0.0, 1.0, 3.0]), 2).tolist()
    [-inf, 1.0, 3.0]
    """
    best = logits.topk(min(k, logits.shape[-1]), dim=-1).indices
    return torch.full_like(logits, -torch.inf).scatter(-1, best, logits.gather(-1, best))


@checked
def top_p(logits: Logits(), p: Number(low=0, high=1)):
    """The fewest tokens whose probabilities sum to at least p, the likeliest first, and always one of them
    (Holtzman et al. 2020).

    >>> top_p(torch.log(torch.tensor([0.2, 0.5, 0.3])), 0.6).exp().round(decimals=1).tolist()
    [0.0, 0.5, 0.30000001192092896]
    """
    best, order = logits.softmax(dim=-1).sort(dim=-1, descending=True, stable=True)
    before = best.cumsum(dim=-1) - best
    kept = (before < p).index_fill(-1, torch.tensor([0]), True)
    return logits.masked_fill(~torch.zeros_like(kept).scatter(-1, order, kept), -torch.inf)


@checked
def greedy(logits: Logits()):
    """The largest alone, the first of equals.

    >>> greedy(torch.tensor([0.0, 2.0, 2.0])).tolist()
    [-inf, 2.0, -inf]
    """
    best = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, -torch.inf).scatter(-1, best, logits.gather(-1, best))


@checked
def generate(model: Writer(), prompts: Each(Each(Whole())) | None = None, new: Whole(1) = 20, *,
             change: Function("logits") = greedy, end: Whole() | None = None, seed: Seed() = 0, cached: bool = True,
             source: Each(Each(Whole())) | None = None) -> list[list[int]]:
    """What a model writes after each of the prompts, which may be of unequal lengths: up to ``new`` tokens, or up to
    the token ``end``. Dropout is off, whatever state the model was in.

    ``change`` is what happens to the logits before a token is drawn; what is drawn depends on the seed, the step and
    the row. With ``cached`` keys and values are remembered: the same tokens, sooner. An encoder-decoder reads a
    ``source`` for each prompt; without prompts it begins with its token ``config.start``.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=7, n_ctx=8, d_model=8, n_heads=2, mask="causal", positions="rotary")
    >>> model = Transformer(config, init(config))
    >>> prompts = [[1, 2, 3], [4]]
    >>> [len(row) for row in generate(model, prompts, 4)]
    [4, 4]
    >>> generate(model, prompts, 4) == generate(model, prompts, 4, cached=False)
    True
    """
    with quiet(model):
        prompts, read, config = opened(model, prompts, new, source, end)
        cache = Cache(config.n_layers, len(prompts), config.n_ctx) if cached else None
        written = [[] for _ in prompts]
        for step, logits in enumerate(steps(read, config, prompts, written, new, cache)):
            for row, token in zip(written, drawn(changed(change, logits), seed, step), strict=True):
                row.append(token)
            if end is not None and all(end in row for row in written):
                break
    return [row[:row.index(end) + 1] if end in row else row for row in written]


def changed(change, logits):
    """The logits as ``change`` leaves them, in the shape that they had."""
    found = Logits()("change(logits)", change(logits))
    if found.shape != logits.shape:
        raise ShapeError("change(logits)", f"a tensor of shape {tuple(found.shape)}", f"{tuple(logits.shape)}",
                         "Return a number for each that came in.")
    return found


def known(logits):
    """Logits in double precision; a row that is no distribution is refused, for no token can be chosen by it."""
    logits = logits.double()
    if not logits.logsumexp(dim=-1).isfinite().all():
        raise RangeError("logits", "a row that is no distribution", "finite numbers, and -inf for some",
                         "Look at what the model returns, and at what change makes of it.")
    return logits


def drawn(logits, seed, step) -> list[int]:
    """A token for each row, with the probabilities that the logits give."""
    heights = known(logits).softmax(dim=-1).cumsum(dim=-1)
    point = torch.from_numpy(generator(seed, "generate", step).random((len(heights), 1)))
    return torch.searchsorted(heights, point * heights[:, -1:], right=True)[:, 0].tolist()


@checked
def beam(model: Writer(), prompt: Each(Whole()) | None = None, new: Whole(1) = 20, *, width: Whole(1, 1000) = 4,
         end: Whole() | None = None, penalty: Number(low=0, high=10) = 0.0,
         source: Each(Whole()) | None = None) -> list[tuple[list[int], float]]:
    """The likeliest continuations that a search of this width finds, each with its score, the best first.

    The score is the sum of the log probabilities, divided by the length to the power of ``penalty``.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> config = ModelConfig(d_vocab=7, n_ctx=8, d_model=8, n_heads=2, mask="causal", positions="rotary")
    >>> found = beam(Transformer(config, init(config)), [1, 2, 3], 4, width=2)
    >>> len(found), len(found[0][0]), found[0][1] > found[1][1]
    (2, 4, True)
    """
    with quiet(model):
        given = None if prompt is None else [prompt] * width
        prompts, read, config = opened(model, given, new, None if source is None else [source] * width, end)
        cache, written, done = Cache(config.n_layers, width, config.n_ctx), [[] for _ in range(width)], []
        scores = torch.full((width,), -torch.inf, dtype=torch.float64).index_fill(0, torch.tensor(0), 0.0)
        for logits in steps(read, config, prompts, written, new, cache):
            total = (scores[:, None] + known(logits).log_softmax(dim=-1)).flatten()
            best = total.topk(min(2 * width, len(total))).indices
            found = [(total[i].item(), *divmod(i, logits.shape[-1])) for i in best.tolist() if total[i] > -torch.inf]
            done += [(score, [*written[row], token]) for score, row, token in found if token == end]
            alive = [each for each in found if each[2] != end][:width]
            if not alive:
                break
            alive += [(-torch.inf, *alive[0][1:])] * (width - len(alive))
            scores = torch.tensor([score for score, _, _ in alive], dtype=torch.float64)
            written[:] = [[*written[row], token] for _, row, token in alive]
            cache.pick(torch.tensor([row for _, row, _ in alive]))
        if alive:
            done += [(score, row) for score, row in zip(scores.tolist(), written, strict=True) if score > -torch.inf]
    ranked = sorted(((row, score / len(row)**penalty) for score, row in done), key=lambda each: -each[1])
    return ranked[:width]


@contextlib.contextmanager
def quiet(model):
    """The model at evaluation, without gradients; afterwards each of its parts is in the state that it was in."""
    states = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad():
            yield model.eval()
    finally:
        for module, training in states:
            module.training = training


def opened(model, prompts, new, source, end):
    """The prompts, a function ``read(tokens, cache)`` that gives logits, and the configuration of the side that writes;
    what does not fit is refused.
    """
    config, read = model.config, lambda tokens, cache: model(tokens, cache=cache)
    if isinstance(model, EncoderDecoder):
        if source is None:
            raise EmptyError("source", "nothing", "a sequence for each prompt", "Pass what the encoder reads.")
        prompts = [[config.start]] * len(source) if prompts is None else prompts
        rows, seen = model.encode(tensor("source", source, config))
        read = partial(reading, model, rows, seen)
        config = config.decoder
    if prompts is None or (source is not None and len(source) != len(prompts)):
        raise EmptyError("prompts", "none, or another number than of sources", "one for each answer", "Pass them.")
    lengths = [len(prompt) for prompt in prompts]
    if max(lengths) + new > config.n_ctx + 1:
        raise RangeError("new", str(new), f"at most {config.n_ctx + 1 - max(lengths)} after {max(lengths)} of "
                         f"{config.n_ctx} positions", "Write less, or make the model with a larger n_ctx.")
    if end is not None and end >= config.d_vocab:
        raise RangeError("end", str(end), f"a token from 0 to {config.d_vocab - 1}", "Take one that can be written.")
    if config.mask == "prefix" and min(lengths) < config.prefix:
        raise RangeError("prompts", f"one of {min(lengths)} tokens", f"at least prefix={config.prefix}", "Pass more.")
    return [list(prompt) for prompt in prompts], read, config


def reading(model, rows, seen, tokens, cache):
    return model.decode(tokens, rows, seen, cache=cache)


def tensor(argument, rows, config):
    """Rows of unequal lengths as one tensor, filled up at their ends."""
    length, fill = max(map(len, rows)), 0 if config.pad is None else config.pad
    if argument == "source" and config.pad is None and any(len(row) < length for row in rows):
        raise ShapeError("source", "rows of unequal lengths", "rows of one length, where config.pad is None",
                         "Make the model with a token for padding.")
    return torch.tensor([[*row, *[fill] * (length - len(row))] for row in rows])


def steps(read, config, prompts, written, new, cache):
    """The logits (batch, d_vocab) after each row, ``new`` times; between two, each row of ``written`` grows."""
    ends, rows = torch.tensor([len(prompt) - 1 for prompt in prompts]), torch.arange(len(prompts))
    for step in range(new):
        if cache is not None and step > 0:
            cache.move((ends + step)[:, None])
            yield read(torch.tensor([[row[-1]] for row in written]), cache)[:, 0]
            continue
        tokens = tensor("prompts", [prompt + row for prompt, row in zip(prompts, written, strict=True)], config)
        if cache is not None:
            cache.move(torch.arange(tokens.shape[1]).expand(len(prompts), -1))
        yield read(tokens, cache)[rows, ends + step]
