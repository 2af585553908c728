r"""Sequences that follow a rule, such as "after + comes the latest even number"; every next token is a target.

A sequence is drawn token by token: where the rule allows some tokens, one of them, evenly; else a free one. What a
model sees is a window that begins after 0 to 32 tokens, each equally likely, so that what came before is unknown.
The best that anyone can do is then found exactly, by following what can be *believed* about the state of the rule's
machine: after a few tokens it is known, and before that there are few beliefs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..config import Config
from ..randomness import generator
from ..rules import Array, Choice, Each, Number, Seed, Whole, Wholes
from ..signatures import checked
from .answers import IGNORED, Examples
from .rule_machine import Automaton, automaton, free_chances, moved, start, uneven_chances
from .rule_table import RULES, Rule

__all__ = ["Automaton", "RuleTask", "automaton", "best", "ceiling", "constrained", "decidable", "distances", "floor",
           "foretold", "needs", "oracle", "sample", "score", "tests"]

@dataclass(frozen=True)
class RuleTask(Config):
    """Which rule of :data:`~transformer_lab.tasks.rule_table.RULES`, and the data that teach it.

    rule : str
        Name of the rule.
    n_ctx : int
        How many tokens are seen.
    balanced : bool
        Whether each training sequence has chances of its own for the operator and for the tokens in focus, so that long
        distances are not rare.
    free : float
        Share of the free targets that count in training: nobody can foretell them.

    >>> RuleTask("plus_last_even").of.says
    'after + comes the latest even number before it; any even number where there is none'
    """

    rule: Choice(RULES) = "plus_last_even"
    n_ctx: Whole(1, 1024) = 8
    balanced: bool = False
    free: Number(low=0, high=1) = 1.0

    @property
    def of(self) -> Rule:
        return RULES[self.rule]

    @property
    def d_vocab(self) -> int:
        return self.of.d_vocab


@checked
def needs(task: RuleTask) -> dict:
    """What the task asks of a model, as fields of a ModelConfig.

    >>> needs(RuleTask())
    {'d_vocab': 12, 'n_ctx': 8, 'mask': 'causal', 'read_out': 'all'}
    """
    return {"d_vocab": task.of.d_vocab, "n_ctx": task.n_ctx, "mask": "causal", "read_out": "all"}


@checked
def sample(task: RuleTask, n: Whole(1) | Each(Whole(1)), *, seed: Seed, purpose: str = "batch",
           step: int = 0) -> Examples:
    """``n`` windows; ``n`` may be a shape, (n_seeds, batch). Tokens and targets are (..., n_ctx); free targets that do
    not count are ``IGNORED``.

    >>> found = sample(RuleTask(), 2, seed=1)
    >>> [RULES["plus_last_even"].spelt(row) for row in found.tokens]
    ['+ 6 + 6 + 6 + 6', '10 0 9 6 8 + 8 +']
    """
    shape, machine = n if isinstance(n, tuple) else (n,), automaton(task.rule)
    rng = generator(seed, purpose, step)
    free = uneven_chances(task.of, shape, rng) if task.balanced else free_chances(task.of)
    states, tokens = walk(machine, first_states(task.rule, shape, rng), free, rng.random((*shape, task.n_ctx + 1)))
    counts = machine.constrained[states[..., 1:]]
    if task.free < 1:
        counts |= rng.random(counts.shape) < task.free
    return Examples(tokens[..., :-1], np.where(counts | (task.free == 1), tokens[..., 1:], IGNORED))


def first_states(name, shape, rng):
    """A state for each window to begin in."""
    states, chances = start(name)
    return states[np.searchsorted(np.cumsum(chances)[:-1], rng.random(shape))]


def walk(machine, state, free, draws):
    """Sequences that go on from these states, one token for each of the draws; and the state before each token."""
    states, tokens = np.empty(draws.shape, int), np.empty(draws.shape, int)
    limits = np.cumsum(machine.chances, axis=-1)[..., :-1]
    free, bound = np.cumsum(free, axis=-1)[..., :-1], machine.constrained.copy()
    bound[0] = True  # the first token of all has chances of its own
    for i in range(draws.shape[-1]):
        limit = np.where(bound[state][..., None], limits[state], free)
        states[..., i], tokens[..., i] = state, (draws[..., i, None] > limit).sum(axis=-1)
        state = machine.follow[state, tokens[..., i]]
    return states, tokens


@checked
def tests(task: RuleTask) -> tuple[Examples, Examples]:
    """A thousand windows as the source draws them, every target counted, and 250 more of the kind trained on."""
    plain = RuleTask(task.rule, task.n_ctx)
    return sample(plain, 1000, seed=0, purpose="held out"), sample(task, 250, seed=0, purpose="seen")


def states_of(task, tokens):
    """The state after each token, for one that has seen nothing but the window."""
    machine, state = automaton(task.rule), np.zeros(tokens.shape[:-1], int)
    states = np.empty(tokens.shape, int)
    for i in range(tokens.shape[-1]):
        states[..., i] = state = machine.follow[state, tokens[..., i]]
    return machine, states


@checked
def oracle(task: RuleTask, tokens: Wholes("... pos", low=0, below="task.d_vocab")) -> np.ndarray:
    """Which tokens may come after each position, by all that is in view: bool (..., pos, d_vocab).

    >>> oracle(RuleTask(), [4, 7, 11]).sum(axis=-1).tolist(), int(oracle(RuleTask(), [4, 7, 11])[-1].argmax())
    ([12, 12, 1], 4)
    """
    machine, states = states_of(task, tokens)
    return machine.allowed[states]


@checked
def constrained(task: RuleTask, tokens: Wholes("... pos", low=0, below="task.d_vocab")) -> np.ndarray:
    """Where the rule says, from what is in view, what comes next: bool (..., pos).

    >>> constrained(RuleTask(), [4, 7, 11]).tolist()
    [False, False, True]
    """
    machine, states = states_of(task, tokens)
    return machine.constrained[states]


@checked
def decidable(task: RuleTask, tokens: Wholes("... pos", low=0, below="task.d_vocab")) -> np.ndarray:
    """Where all that may have come before the window leads to the same answers of the rule: bool (..., pos).

    >>> decidable(RuleTask(), [7, 11, 4, 11]).tolist(), constrained(RuleTask(), [7, 11, 4, 11]).tolist()
    ([False, False, False, True], [False, True, False, True])
    """
    machine, (known, beliefs) = automaton(task.rule), believed(task, tokens)
    return np.array([decides(machine, states) for states, _ in beliefs])[known]


def decides(machine, states) -> bool:
    """Whether the rule speaks in all of these states, and says the same."""
    answers = machine.allowed[states]
    return bool(len(states) and machine.constrained[states].all() and (answers == answers[:1]).all())


@checked
def foretold(task: RuleTask, tokens: Wholes("... pos", low=0, below="task.d_vocab")) -> np.ndarray:
    """The chances of the token after each position, as one knows them who knows the rule and sees the window so far.

    >>> foretold(RuleTask(), [4, 7, 11])[-1].round(3).tolist()[:6]
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    machine, (known, beliefs) = automaton(task.rule), believed(task, tokens)
    return np.stack([chances @ machine.chances[states] for states, chances in beliefs])[known]


def believed(task, tokens):
    """What can be known of the state after each token: the number (..., pos) of a belief, and all beliefs, each the
    states that are possible and their chances. Few differ, and each is followed once.
    """
    machine, number, beliefs, after = automaton(task.rule), {}, [start(task.rule)], {}
    known, now = np.empty(tokens.shape, int), np.zeros(tokens.shape[:-1], int)
    for i in range(tokens.shape[-1]):
        steps, place = np.unique(now * task.d_vocab + tokens[..., i], return_inverse=True)
        for step in set(steps.tolist()) - after.keys():
            belief = seen(machine, *beliefs[step // task.d_vocab], step % task.d_vocab)
            key = belief[0].tobytes(), belief[1].round(9).tobytes()
            after[step] = number.setdefault(key, len(beliefs))
            beliefs += [belief] * (after[step] == len(beliefs))
        known[..., i] = now = np.array([after[step] for step in steps.tolist()])[place].reshape(now.shape)
    return known, beliefs


def seen(machine, states, chances, token):
    """A belief after one more token."""
    may = machine.allowed[states, token]
    found, place = np.unique(machine.follow[states[may], token], return_inverse=True)
    mass = np.bincount(place, (chances * machine.chances[states, token])[may], len(found))
    return found, mass / (mass.sum() or 1)


@checked
def distances(task: RuleTask, tokens: Wholes("... pos", low=0, below="task.d_vocab")) -> np.ndarray:
    """How many tokens back of each position the latest one in the rule's focus stands; 0 where none is in view.

    >>> distances(RuleTask(), [7, 4, 9, 11]).tolist()
    [0, 0, 1, 2]
    """
    at = np.where(np.isin(tokens, task.of.focus), np.arange(tokens.shape[-1]), -1)
    latest = np.maximum.accumulate(at, axis=-1)
    return np.where(latest >= 0, np.arange(tokens.shape[-1]) - latest, 0)


@checked
def score(answers: Wholes("... n") | Array("... n d_vocab"), targets: Wholes("... n", low=IGNORED)) -> np.ndarray:
    """The share of the targets that count which ``answers``, tokens or logits, hit.

    >>> float(score([[0, 1, 2, 2]], [[0, 1, 2, IGNORED]])), float(score([[0, 1]], [[1, 1]]))
    (1.0, 0.5)
    """
    if answers.dtype.kind == "f":
        answers = answers.argmax(axis=-1)
    counts = targets != IGNORED
    return ((answers == targets) & counts).sum() / max(1, counts.sum())


@checked
def ceiling(task: RuleTask) -> float:
    """The best expected share of next tokens guessed right, whoever guesses: exactly, as :func:`best`.

    >>> round(ceiling(RuleTask("successor")), 12)
    1.0
    """
    return float(best(task)[1].mean())


@checked
def floor(task: RuleTask) -> float:
    """The smallest mean loss, in nats: exactly, as :func:`best`.

    >>> round(floor(RuleTask("plus_last_even")), 3)
    1.838
    """
    return float(best(task)[0].mean())


@checked
@lru_cache(maxsize=64)
def best(task: RuleTask) -> tuple[np.ndarray, np.ndarray]:
    """At each position of a window the smallest expected loss and the largest expected share right of the next token.

    What can be known of the state is a distribution over states. Where it is one state, all of these are followed at
    once, as a vector of chances; the few other beliefs are followed one by one, equal ones together.

    >>> [part.round(3).tolist() for part in best(RuleTask("odd_even_index", n_ctx=2))]
    [[2.349, 2.352], [0.096, 0.095]]
    """
    machine, losses, rights = automaton(task.rule), [], []
    known, unsure = settled(machine, {(): (1.0, *start(task.rule))})
    for _ in range(task.n_ctx):
        known, unsure = observed(machine, known, unsure)
        views = [(chance, belief @ machine.chances[states]) for chance, states, belief in unsure.values()]
        losses.append(known @ entropy(machine.chances) + sum(chance * entropy(view) for chance, view in views))
        rights.append(known @ machine.chances.max(axis=1) + sum(chance * view.max() for chance, view in views))
    return np.array(losses), np.array(rights)


def entropy(chances):
    return -(chances * np.log(np.where(chances > 0, chances, 1))).sum(axis=-1)


def observed(machine, known, unsure):
    """Every belief, after one more token has been seen."""
    found = {}
    for chance, states, belief in unsure.values():
        mass = belief[:, None] * machine.chances[states]
        for token in np.flatnonzero(total := mass.sum(axis=0)):
            after, place = np.unique(machine.follow[states, token], return_inverse=True)
            now = np.bincount(place, mass[:, token] / total[token])
            after, now = after[now > 0], now[now > 0]
            key = after.tobytes(), now.round(9).tobytes()
            before = found[key][0] if key in found else 0.0
            found[key] = before + chance * total[token], after, now
    sure, unsure = settled(machine, found)
    return moved(machine, known) + sure, unsure


def settled(machine, beliefs):
    """Beliefs that are one state, as chances of all states; and the others."""
    known = np.zeros(len(machine.follow))
    for chance, states, _ in beliefs.values():
        if len(states) == 1:
            known[states] += chance
    return known, {key: belief for key, belief in beliefs.items() if len(belief[1]) > 1}
