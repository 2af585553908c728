"""``transformer-lab attention RUN "text"``: where every head of a model looks, drawn; and what heads do on a data set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..analysis.cache import Runner, patterns
from ..analysis.heads import STORIES, scores_with_nulls
from ..errors import DataError, RangeError
from ..tasks import family_of
from ..tasks.expressions import TOKENS, parse, tokenize
from ..tasks.rules import RuleTask
from ..tasks.text import TextTask
from ..training import Run, one_by_one, read_run
from .found import found_folder
from .show import say, table

HELP = """Draws all heads small, and one large with lines between tokens. TEXT is an expression for a model that
computes, and tokens with spaces between them for a model of a rule. With --scores it says, on held-out
inputs, how much of its attention each head pays to where a story says it looks, and beside that what a
head would have that did not follow the story: for places, one that looks everywhere alike; for what
stands there, the same head on shuffled inputs.

  transformer-lab attention digits-0 "Max(5, 8, 3)" --layer 1 --head 2 --out heads.svg
  transformer-lab attention digits-0 "Max(5, 8, 3)" --norms --out heads.pdf
  transformer-lab attention digits-0 --scores"""

MOST = 1000  # sequences that scores are averaged over
PLACES = ("previous", "first", "long_range")


def add_options(verb) -> None:
    verb.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")
    verb.add_argument("text", metavar="TEXT", nargs="?", help="what the model reads, in quotes")
    verb.add_argument("--layer", type=int, metavar="N", help="layer of the large head, from 0 (default: the sharpest)")
    verb.add_argument("--head", type=int, metavar="N", help="which head of it is large, from 0")
    verb.add_argument("--norms", action="store_true", help="multiply each weight by the length of the value it takes")
    verb.add_argument("--seed", type=int, metavar="N", help="which model, where many were trained at once")
    verb.add_argument("--out", metavar="FILE", default="attention.svg", help="ends in .svg, .pdf or .png "
                      "(default attention.svg)")
    verb.add_argument("--scores", action="store_true", help="say what the heads do on held-out inputs")


def attention(options) -> None:
    """Draw what was asked for, and say what the heads do."""
    run, params = opened(options.run, options.seed)
    if options.text is None and not options.scores:
        raise DataError("There is nothing to read. Give a TEXT to draw, or --scores, or both.")
    if options.text is not None:
        drawn(run, params, options)
    if options.scores:
        say(scored(run, params))


def opened(name: str, seed: int | None) -> tuple[Run, dict]:
    """A run and the weights of one of its models."""
    run, record = read_run(found_folder(name))
    first, last = run.training.seed, run.training.seed + run.training.seeds - 1
    if seed is not None and not first <= seed <= last:
        raise RangeError("--seed", str(seed), f"{first} to {last}", "Choose one of this run's models.")
    if stopped := record.manifest["stopped"]:
        raise DataError(f"{record.path.name} never learned. {stopped}")
    return run, one_by_one(record.weights, run.training.seeds)[0 if seed is None else seed - first]


def drawn(run: Run, params: dict, options) -> None:
    from ..plots import attention_heads  # matplotlib, which the other commands do not need

    tokens, words = read(run, options.text)
    runner, layers = Runner(params, run.model), range(run.model.n_layers)
    look = patterns(runner, [tokens])[:, 0]
    head = None
    if options.layer is not None or options.head is not None:
        head = (chosen("--layer", options.layer, run.model.n_layers), chosen("--head", options.head, run.model.n_heads))
    norms = None
    if options.norms:
        acts = runner.cache([tokens])
        norms = np.stack([np.linalg.norm(acts[f"blocks.{layer}.v"][0], axis=-1) for layer in layers])
    figure = attention_heads(look.astype(float), words, head=head, norms=norms)
    figure.save(options.out)
    say(f"{Path(options.out)}: {run.model.n_layers} layers of {run.model.n_heads} heads, on {len(words)} tokens")


def chosen(option: str, number: int | None, count: int) -> int:
    """A layer or head that there is, the first where none was said."""
    if number is not None and not 0 <= number < count:
        raise RangeError(option, str(number), f"0 to {count - 1}", "Choose one that this model has.")
    return number or 0


def read(run: Run, text: str) -> tuple[list[int], list[str]]:
    """A text as tokens, and each token as a word.

    >>> from ..analysis.plane_models import recipe
    >>> read(recipe(), "6 3 +")
    ([6, 3, 11], ['6', '3', '+'])
    """
    if isinstance(run.task, RuleTask):
        rule = run.task.of
        known = {rule.spelt([token]): token for token in range(rule.d_vocab)}
        words = text.split()
        if missing := [word for word in words if word not in known]:
            raise DataError(f"{missing[0]!r} is no token of this rule. It has: {' '.join(known)}.")
        tokens = [known[word] for word in words]
    elif isinstance(run.task, TextTask):
        tokens, words = run.task.alphabet.encode(text).tolist(), list(text)
    else:
        tokens = tokenize(parse(text))
        words = [TOKENS[token] for token in tokens]
    if not 1 <= len(tokens) <= run.model.n_ctx:
        raise DataError(f"This model reads 1 to {run.model.n_ctx} tokens, and {text!r} is {len(tokens)}.")
    return tokens, words


def scored(run: Run, params: dict) -> str:
    """The heads of a model in a table: each score, and what it is without the story."""
    tokens = family_of(run.task)[1].tests(run.task)[0].tokens[:MOST]
    found = scores_with_nulls(Runner(params, run.model), tokens, delimiters=delimiters(run), draws=5)
    stories = [name for name in STORIES if not np.isnan(found.uniform[name]).any()]

    def cell(name, layer, head):
        null = found.uniform[name] if name in PLACES else found.shuffled[name][:, layer, head].mean()
        return f"{found.found[name][layer, head]:.2f} ({float(null):.2f})"

    rows = [(f"layer {layer}, head {head}", *(cell(name, layer, head) for name in stories))
            for layer in range(run.model.n_layers) for head in range(run.model.n_heads)]
    return (table(rows, ["", *(name.replace("_", " ") for name in stories)])
            + f"\n\nshares of attention on {len(tokens):,} held-out inputs; in brackets, without the story")


def delimiters(run: Run) -> list[int]:
    """The tokens that part others: brackets and commas, the sign of a rule."""
    if isinstance(run.task, TextTask):
        return run.task.alphabet.encode(" \n").tolist()
    if isinstance(run.task, RuleTask):
        return [] if run.task.of.operator is None else [run.task.of.operator]
    return [TOKENS.index(sign) for sign in "(),"]
