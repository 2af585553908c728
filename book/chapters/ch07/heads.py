"""Chapter 07's heads: where each one looks, and what the model still knows without it, in twenty trained digit models.

``python -m chapters.ch07.heads`` reads the runs of the study ``dynamics`` in ``runs``, training those that
are missing, and writes ``data/digits/heads-study``. A silenced part says what it says on average over the training
inputs, place by place.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np

from transformer_lab.analysis.ablation import ablate, means_of
from transformer_lab.byhand.transformer import forward
from transformer_lab.checks import check_entries, check_type
from transformer_lab.names import parameter_shapes
from transformer_lab.tasks.digits import all_inputs
from transformer_lab.tasks.expressions import operation_of
from transformer_lab.training import History, Record, read_record, write_record
from transformer_lab.training.digits import DigitRun
from transformer_lab.training.seals import check_folder

from .confusion import accuracies
from .grid import trained
from .grids import DATA, GRIDS, slug

__all__ = ["PLACES", "load", "looks", "rows", "ship", "silenced"]

#: Where the arguments stand in ``Max ( 5 , 8 , 3 )``.
PLACES = (2, 4, 6)
GRID = GRIDS["dynamics"]


def looks(run: DigitRun, params: dict) -> dict[str, np.ndarray]:
    """Where the heads look, on average over all inputs of each operation.

    Returns
    -------
    dict of array
        ``pattern`` (layers, heads, operations, from, to): the mean attention. ``right`` (layers, heads, operations,
        from): the mean weight on arguments that are the right answer; ``even``: what that would be if the head spread
        what it gives to the arguments evenly over them.
    """
    inputs, params = all_inputs(check_type("run", run, DigitRun).task), known(run, params)
    found = [looks_at(run, params, [x for x in inputs if operation_of(x) == name]) for name in run.task.operations]
    return {name: np.stack([one[name] for one in found], axis=2) for name in found[0]}


def looks_at(run, params, inputs) -> dict:
    tokens, answers = run.encoded(inputs)
    acts = forward(params, tokens, run.model)
    pattern = np.stack([acts[f"blocks.{layer}.pattern"] for layer in range(run.n_layers)])  # (layers, n, heads, 8, 8)
    given = pattern[..., PLACES]
    hits = (tokens[:, PLACES] == answers[:, None])[None, :, None, None]
    return {"pattern": pattern.mean(1), "right": (given * hits).sum(-1).mean(1),
            "even": (given.sum(-1) * hits.mean(-1)).mean(1)}


def silenced(run: DigitRun, params: dict) -> dict[str, np.ndarray]:
    """Accuracy on all inputs, by operation and together, of a model whose parts are silenced.

    Returns
    -------
    dict of array
        ``full`` (6,); ``without.head`` (layers, heads, 6), ``without.attention`` and ``without.mlp`` (layers, 6);
        ``only.head``: all other heads of the model are silenced; ``only.in_layer``: the others of its layer.
    """
    layers, heads = range(check_type("run", run, DigitRun).n_layers), range(run.n_heads)
    score, part = scorer(run, known(run, params)), partial(quiet, means(run, params))
    every = [(layer, head) for layer in layers for head in heads]

    def of_heads(chosen):
        return np.array([[score([part(*other) for other in every if chosen(*other, layer, head)]) for head in heads]
                         for layer in layers])

    return {"full": score([]),
            "without.head": of_heads(lambda l, h, layer, head: (l, h) == (layer, head)),
            "only.head": of_heads(lambda l, h, layer, head: (l, h) != (layer, head)),
            "only.in_layer": of_heads(lambda l, h, layer, head: l == layer and h != head),
            **{f"without.{name}": np.array([score([part(layer, name=word)]) for layer in layers])
               for name, word in (("attention", "attn_out"), ("mlp", "mlp_out"))}}


def rows(run: DigitRun, params: dict) -> dict[str, np.ndarray]:
    """``without.row`` (operations, places): accuracy of a model in which, between its first two layers, one token's row
    is what it is on average over all questions of that operation, and so says nothing about their digits."""
    inputs, params = all_inputs(check_type("run", run, DigitRun).task), known(run, params)
    return {"without.row": np.array([without_rows(run, params, [x for x in inputs if operation_of(x) == name])
                                     for name in run.task.operations])}


def without_rows(run, params, inputs) -> list[float]:
    (tokens, answers), between = run.encoded(inputs), "blocks.0.resid_post"
    mean = means_of(partial(forward, params, tokens, run.model), between)

    def score(place):
        def tap(name, value):
            if name == between:
                value = value.copy()
                value[:, place] = mean[:, place]
            return value

        return (forward(params, tokens, run.model, tap=tap)["logits"].argmax(-1) == answers).mean()

    return [score(place) for place in range(run.model.n_ctx)]


def known(run, params) -> dict:
    return check_entries("params", params, parameter_shapes(run.model))


def scorer(run, params):
    """``score(taps)`` is the accuracy on all inputs with these taps, one after the other."""
    inputs = all_inputs(run.task)
    groups = np.array([run.task.operations.index(operation_of(x)) for x in inputs])
    tokens, answers = run.encoded(inputs)

    def score(taps) -> np.ndarray:
        def tap(name, value):
            for one in taps:
                value = one(name, value)
            return value

        said = [forward(params, tokens[i:i + 500], run.model, tap=tap)["logits"].argmax(-1)
                for i in range(0, len(tokens), 500)]
        return accuracies(np.concatenate(said) == answers, groups)

    return score


def means(run, params) -> dict[str, np.ndarray]:
    """What each part says on average over the training inputs."""
    tokens = run.encoded(run.parts.train).tokens
    names = [f"blocks.{layer}.{word}" for layer in range(run.n_layers) for word in ("z", "attn_out", "mlp_out")]
    return {name: means_of(partial(forward, params, tokens, run.model), name) for name in names}


def quiet(means, layer, head=None, name="z"):
    return ablate(f"blocks.{layer}.{name}", head=head, value=means[f"blocks.{layer}.{name}"])


def ship(*, runs: Path, data: Path) -> Record:
    """Measure the models of all seeds and write the record."""
    found, folder = [], check_folder(data) / "heads-study"
    for seed in GRID.seeds:
        run = GRID.run("digits", seed)
        params = trained(check_folder(runs) / slug("dynamics", "digits", seed), GRID, "digits", seed).weights
        found.append(looks(run, params) | silenced(run, params) | rows(run, params))
    state = {name: np.stack([one[name] for one in found]).astype(np.float16 if name == "pattern" else np.float32)
             for name in found[0]}
    shutil.rmtree(folder, ignore_errors=True)
    write_record(folder, config=config(), history=History([{"step": GRID.recipe.steps}]), state=state,
                 step=GRID.recipe.steps)
    return read_record(folder)


def config() -> dict:
    return {"run": GRID.recipe.to_dict(), "seeds": list(GRID.seeds)}


def load(data: Path = DATA) -> Record:
    """The shipped record, its checksums verified."""
    return read_record(check_folder(data) / "heads-study", config=config())


if __name__ == "__main__":
    print(ship(runs=Path("runs"), data=DATA).name, flush=True)
