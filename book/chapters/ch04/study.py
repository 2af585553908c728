"""How does order get in? One small transformer, one factor: what tells it where a token stands.

Every arm is trained on all inputs of the digit operations and asked the same inputs again. So nothing is said here
about inputs never seen; what an arm cannot answer it cannot even remember, and
:func:`~chapters.ch04.order.blind_ceiling` says exactly how much that is. Seed i has its own first weights and its own
batches. ``transformer-lab study positions`` makes the record again.
"""

from __future__ import annotations

import numpy as np

from transformer_lab.byhand.schedules import warmup_linear
from transformer_lab.byhand.transformer import forward, init
from transformer_lab.checks import check_callable, check_choice, check_seed, check_type, check_whole
from transformer_lab.config import ModelConfig
from transformer_lab.randomness import generator
from transformer_lab.tasks.answers import examples
from transformer_lab.tasks.digits import DigitTask, all_inputs
from transformer_lab.training.fit import fit
from transformer_lab.training.history import History
from transformer_lab.training.stepper import Stepper
from transformer_lab.training.study import Study

from .order import blind_ceiling
from .places import score_terms

__all__ = ["ARMS", "POSITIONS", "TERMS", "accuracy", "ceilings", "config_of", "inputs", "on_digits", "shares", "train",
           "untrained", "without"]

TASK = DigitTask()

ARGUMENTS = [2, 4, 6]  # where the three digits stand
SCORES = "blocks.0.scores"

#: The parts of a score where tokens and places are added: who asks, and what is asked.
TERMS = ("token-token", "token-place", "place-token", "place-place")

#: What is changed in each arm; the rest is a transformer of one layer and one head that sees everything.
ARMS = {
    "no positions": {},
    "no positions, two layers": {"n_layers": 2},
    "no positions, two causal layers": {"n_layers": 2, "mask": "causal", "read_out": "last"},
    "sinusoidal": {"positions": "sinusoidal"},
    "learned": {"positions": "learned"},
}


def config_of(arm: str) -> ModelConfig:
    """The model of an arm.

    >>> config_of("sinusoidal").positions, config_of("no positions, two layers").n_layers
    ('sinusoidal', 2)
    """
    same = {"d_vocab": TASK.d_vocab, "n_ctx": TASK.n_ctx, "d_model": 16, "d_mlp": 32, "read_out": "first"}
    return ModelConfig(**{**same, **ARMS[check_choice("arm", arm, ARMS)]})


def inputs() -> dict:
    """Tokens and targets of every input, by operation.

    >>> {name: tokens.shape for name, (tokens, targets) in inputs().items()}["First"]
    (1000, 8)
    """
    every = all_inputs(TASK)
    return {name: tuple(examples(TASK, [x for x in every if x[0] == name])) for name in TASK.operations}


def ceilings() -> dict:
    """The best accuracy of each operation without order, as exact fractions.

    >>> ceilings()["Second"], ceilings()["Max"]
    (Fraction(43, 100), Fraction(1, 1))
    """
    return {name: blind_ceiling(*rows) for name, rows in inputs().items()}


def accuracy(params: dict, config: ModelConfig, tap=None) -> dict:
    """Share of all inputs answered right, by operation, 0 to 1; an entry a seed where the weights have that axis.

    ``tap`` is that of :func:`~transformer_lab.byhand.transformer.forward`.
    """
    run = tapped(params, config, tap)
    return {name: (run(tokens)["logits"].argmax(-1) == targets).mean(-1)
            for name, (tokens, targets) in inputs().items()}


def tapped(params, config, tap):
    """The forward pass as a function of the tokens."""
    check_type("params", params, dict)
    if tap is not None:
        check_callable("tap", tap)
    return lambda tokens: forward(params, tokens, config, tap=tap)


def terms_of(params, embed, pos_embed):
    """The four parts of the scores of the only head, with an axis for heads: (..., batch, 1, query, key)."""
    W_Q, W_K = (params[f"blocks.0.{name}"].squeeze(-2)[..., None, None, :, :] for name in ("W_Q", "W_K"))
    return score_terms(embed[..., None, :, :], pos_embed[..., None, :, :], W_Q, W_K)


def shares(params: dict, config: ModelConfig) -> dict:
    """How much of what decides between the three digits comes from each of the four terms of the scores.

    For each input, the variance of a term over the three digits, at the query that is read out; the mean over all
    inputs of an operation; as a share of the four, 0 to 1.

    Returns
    -------
    dict of dict
        ``shares[operation][term]``, an entry a seed.
    """
    found = {}
    for name, (tokens, _) in inputs().items():
        acts = forward(check_type("params", params, dict), tokens, config)
        spread = {term: value[..., 0, 0, ARGUMENTS].var(-1).mean(-1)
                  for term, value in terms_of(params, acts["embed"], acts["pos_embed"]).items()}
        found[name] = {term: value / sum(spread.values()) for term, value in spread.items()}
    return found


def without(term: str, params: dict):
    """A tap that takes one of the four terms out of the scores of a one-layer model.

    Examples
    --------
    >>> params, config = train("learned", seeds=[0, 1], steps=1)[0], config_of("learned")
    >>> accuracy(params, config, without("token-place", params))["Max"].shape
    (2,)
    """
    check_choice("term", term, TERMS), check_type("params", params, dict)
    seen = {}

    def tap(name, value):
        seen[name] = value
        return value - terms_of(params, seen["embed"], seen["pos_embed"])[term] if name == SCORES else value

    return tap


def on_digits(params: dict, config: ModelConfig, tap=None) -> dict:
    """Share of its attention that the query that is read out gives to the three digits, 0 to 1, by operation."""
    run = tapped(params, config, tap)
    return {name: run(tokens)["blocks.0.pattern"][..., 0, 0, ARGUMENTS].sum(-1).mean(-1)
            for name, (tokens, _) in inputs().items()}


def train(arm: str, *, seeds=range(20), steps: int = 600, every: int = 200) -> tuple[dict, History]:
    """Train an arm, all seeds at once, and return the weights and :func:`accuracy` over the steps.

    Parameters
    ----------
    arm : str
        A name in :data:`ARMS`.
    seeds : sequence of int
        Each has its own first weights and its own batches.
    steps, every : int
        Updates, and how often the accuracy over all inputs is measured.

    Examples
    --------
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

    rate = warmup_linear(0.01, check_whole("steps", steps, low=1), min(50, steps))
    history = fit(stepper, batches, steps=steps, learning_rate=rate, every=every,
                  evaluate=lambda stepper: accuracy(stepper.params, config))
    return stepper.params, history


def untrained(arm: str, seeds) -> dict:
    """The first weights of all seeds, stacked."""
    drawn = [init(config_of(arm), seed=check_seed("seeds", seed), embedding_scale=0.5) for seed in seeds]
    return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}


def measured(arm: str, seeds) -> dict:
    """What the study keeps of an arm, trained and before: accuracies, and where the scores come from."""
    config, (params, _) = config_of(arm), train(arm, seeds=seeds, every=600)
    found = {"accuracy": (("operation", "seed"), rows(accuracy(params, config))),
             "untrained": (("operation", "seed"), rows(accuracy(untrained(arm, seeds), config)))}
    return found | (terms_measured(params, config) if arm == "sinusoidal" else {})


def terms_measured(params: dict, config: ModelConfig) -> dict:
    """``share`` of each term of the scores, ``without`` it the accuracy, and the attention to the three digits."""
    share, cut = shares(params, config), {term: without(term, params) for term in TERMS}
    return {"share": (("operation", "term", "seed"), np.stack([rows(found) for found in share.values()])),
            "without": (("term", "operation", "seed"), [rows(accuracy(params, config, tap)) for tap in cut.values()]),
            "on_digits": (("operation", "seed"), rows(on_digits(params, config))),
            "on_digits_without": (("term", "operation", "seed"),
                                  [rows(on_digits(params, config, tap)) for tap in cut.values()])}


def rows(by_name: dict) -> np.ndarray:
    return np.stack(list(by_name.values()))


def with_names(dataset):
    """The dataset with its operations and terms by name."""
    return dataset.assign_coords(operation=list(TASK.operations), term=list(TERMS))


POSITIONS = Study("positions", measured, arms={"arm": tuple(ARMS)}, seeds=range(20), together=True, finish=with_names,
                  settings={"steps": 600, "batch": 64, "arms": {arm: config_of(arm).to_dict() for arm in ARMS}})
