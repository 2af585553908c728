"""How does order get in? One small transformer, one factor: what tells it where a token stands.

Every arm is trained on all inputs of the digit operations and asked the same inputs again. So nothing is said here
about inputs never seen; what an arm cannot answer it cannot even remember, and
:func:`~chapters.ch04.order.blind_ceiling` says exactly how much that is. Seed i has its own first weights and its own
batches. ``transformer-lab study positions`` makes the record again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from transformer_lab.byhand.optimizers import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.checks import check_entries
from transformer_lab.config import ModelConfig
from transformer_lab.randomness import generator
from transformer_lab.rules import Choice, Each, Seed, Whole
from transformer_lab.signatures import checked
from transformer_lab.tasks.answers import examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.training.fit import fit
from transformer_lab.training.history import History
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.study import Study

from .places import TERMS, score_terms

__all__ = ["ARMS", "POSITIONS", "accuracy", "config_of", "inputs", "on_digits", "shares", "train", "untrained",
           "without"]

TASK = DigitTask()
ARGUMENTS = [2, 4, 6]  # where the three digits stand
SCORES, PATTERN = "blocks.0.scores", "blocks.0.pattern"
PROJECTIONS = ("blocks.0.W_Q", "blocks.0.W_K")

#: What is changed in each arm; the rest is a transformer of one layer and one head that sees everything.
ARMS = {
    "no positions": {},
    "no positions, two layers": {"n_layers": 2},
    "no positions, two causal layers": {"n_layers": 2, "mask": "causal", "read_out": "last"},
    "sinusoidal": {"positions": "sinusoidal"},
    "learned": {"positions": "learned"},
}


@checked
def config_of(arm: Choice(ARMS)) -> ModelConfig:
    """The model of an arm.

    >>> config_of("sinusoidal").positions, config_of("no positions, two layers").n_layers
    ('sinusoidal', 2)
    """
    same = {"d_vocab": TASK.d_vocab, "n_ctx": TASK.n_ctx, "d_model": 16, "d_mlp": 32, "read_out": "first"}
    return ModelConfig(**{**same, **ARMS[arm]})


@cache
def inputs() -> dict:
    """Tokens and targets of every input, by operation.

    >>> {name: tokens.shape for name, (tokens, targets) in inputs().items()}["First"]
    (1000, 8)
    """
    every = all_inputs(TASK)
    return {name: examples(TASK, [x for x in every if x[0] == name]) for name in TASK.operations}


def asked(params: dict, config: ModelConfig, tap=None):
    """Each operation with the activations on all of its inputs, and what would be right."""
    return ((name, forward(params, tokens, config, tap=tap), right) for name, (tokens, right) in inputs().items())


@checked
def accuracy(params: dict, config: ModelConfig, tap: Callable | None = None) -> dict:
    """Share of all inputs answered right, by operation; an entry a seed where the weights have that axis.

    >>> accuracy(untrained("learned", seeds=[0, 1]), config_of("learned"))["Max"].shape
    (2,)
    """
    return {name: (acts["logits"].argmax(-1) == right).mean(-1) for name, acts, right in asked(params, config, tap)}


def terms_of(params, acts):
    """The four parts of the scores of the only head, with an axis for heads: (..., batch, 1, query, key)."""
    check_entries("params", params, PROJECTIONS), check_entries("activations", acts, ("embed", "pos_embed"))
    W_Q, W_K = (params[name].squeeze(-2)[..., None, None, :, :] for name in PROJECTIONS)
    return score_terms(acts["embed"][..., None, :, :], acts["pos_embed"][..., None, :, :], W_Q, W_K)


@checked
def shares(params: dict, config: ModelConfig) -> dict:
    """How much of what decides between the three digits comes from each term: ``shares[operation][term]``, 0 to 1.

    For each input, the variance of a term over the three digits, at the query that is read out; the mean over all
    inputs of an operation; as a share of the four. An entry a seed.

    >>> shares(untrained("learned", seeds=[0]), config_of("learned"))["Max"]["place-token"].shape
    (1,)
    """
    found = {}
    for name, acts, _ in asked(params, config):
        spread = {term: value[..., 0, 0, ARGUMENTS].var(-1).mean(-1)
                  for term, value in terms_of(params, acts).items()}
        found[name] = {term: value / sum(spread.values()) for term, value in spread.items()}
    return found


@checked
def without(term: Choice(TERMS), params: dict) -> Callable:
    """A tap that takes one of the four terms out of the scores of a one-layer model.

    >>> params, config = untrained("learned", seeds=[0, 1]), config_of("learned")
    >>> accuracy(params, config, without("token-place", params))["Max"].shape
    (2,)
    """
    seen = {}

    def tap(name, value):
        seen[name] = value
        return value - terms_of(params, seen)[term] if name == SCORES else value

    return tap


@checked
def on_digits(params: dict, config: ModelConfig, tap: Callable | None = None) -> dict:
    """Share of its attention that the query that is read out gives to the three digits, 0 to 1, by operation.

    >>> on_digits(untrained("learned", seeds=[0]), config_of("learned"))["Max"].shape
    (1,)
    """
    return {name: acts[PATTERN][..., 0, 0, ARGUMENTS].sum(-1).mean(-1) for name, acts, _ in asked(params, config, tap)}


@checked
def train(arm: Choice(ARMS), *, seeds: Each(Seed) = range(20), steps: Whole(1) = 600,
          every: Whole(1) = 200) -> tuple[dict, History]:
    """Train an arm, all seeds at once: the weights, and :func:`accuracy` at every so many steps.

    >>> params, history = train("learned", seeds=[0, 1], steps=2, every=2)
    >>> history["First"].shape
    (2, 2)
    """
    config = config_of(arm)
    stepper = Stepper(untrained(arm, seeds), config, "adam", beta2=0.98)
    tokens, targets = (np.concatenate(part) for part in zip(*inputs().values(), strict=True))

    def batches(step):
        rows = np.stack([generator(seed, "batch", step).integers(len(tokens), size=64) for seed in seeds])
        return tokens[rows], targets[rows]

    return stepper.params, fit(stepper, batches, steps=steps, learning_rate=warmup_linear(0.01, steps, min(50, steps)),
                               evaluate=lambda stepper: accuracy(stepper.params, config), every=every)


@checked
def untrained(arm: Choice(ARMS), seeds: Each(Seed)) -> dict:
    """The first weights of all seeds, stacked.

    >>> untrained("learned", [3, 8])["W_pos"].shape
    (2, 8, 16)
    """
    drawn = [init(config_of(arm), seed=seed, embedding_scale=0.5) for seed in seeds]
    return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}


def measured(arm: str, seeds) -> dict:
    """What the study keeps of an arm, trained and before: accuracies, and where the scores come from."""
    config, (params, _) = config_of(arm), train(arm, seeds=seeds, every=600)
    found = {"accuracy": (("operation", "seed"), rows(accuracy(params, config))),
             "untrained": (("operation", "seed"), rows(accuracy(untrained(arm, seeds), config)))}
    return found | (terms_measured(params, config) if arm == "sinusoidal" else {})


def terms_measured(params: dict, config: ModelConfig) -> dict:
    """``share`` of each term of the scores, ``without`` it the accuracy, and the attention to the three digits."""
    def cut(measure):
        return ("term", "operation", "seed"), [rows(measure(params, config, without(term, params))) for term in TERMS]

    return {"share": (("operation", "term", "seed"), np.stack(list(map(rows, shares(params, config).values())))),
            "without": cut(accuracy), "on_digits": (("operation", "seed"), rows(on_digits(params, config))),
            "on_digits_without": cut(on_digits)}


def rows(by_name: dict) -> np.ndarray:
    return np.stack(list(by_name.values()))


def with_names(dataset):
    """The dataset with its operations and terms by name."""
    return dataset.assign_coords(operation=list(TASK.operations), term=list(TERMS))


POSITIONS = Study("positions", measured, arms={"arm": tuple(ARMS)}, seeds=range(20), together=True, finish=with_names,
                  settings={"steps": 600, "batch": 64, "arms": {arm: config_of(arm).to_dict() for arm in ARMS}})
