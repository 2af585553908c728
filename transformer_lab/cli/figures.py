"""``transformer-lab figures RUN``: every figure of a model of a rule, as SVG and PDF, and what it reads and writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..analysis import views
from ..analysis.rule_scores import judged, sampled, scores
from ..errors import DataError, RangeError
from ..places import written_whole
from ..randomness import generator
from ..tasks.rules import RuleTask, sample
from ..training import Record, Run, fit, one_by_one, read_run
from .found import found_folder, learned, near
from .show import say
from .targets import made

HELP = """Writes them into a folder beside the run: the model, its training, its embeddings, attention,
values and predictions, 1 to 18 as in the study in which these models were first drawn, and more.
3 and 4 are text: samples of what it was trained on, and what it writes before and after training.
Figures of the plane are left out where a model has more dimensions.

  transformer-lab figures plus_last_even-0 --figure 6 7 --step 400 --journal"""

JOURNAL = 183.0  # mm: two columns
MARKS = {1: "=", 0: ".", -1: "x"}


def add_options(verb) -> None:
    verb.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")
    verb.add_argument("--figure", nargs="+", type=int, metavar="N", help="which ones (default: all)")
    verb.add_argument("--step", type=int, metavar="N", help="the model as it was at this step; it is trained again")
    verb.add_argument("--seed", type=int, metavar="N", help="which model, where many were trained at once")
    verb.add_argument("--journal", action="store_true", help=f"at most {JOURNAL:g} mm wide")
    verb.add_argument("--to", metavar="FOLDER", help="where to write (default: beside the run)")


def figures(options) -> None:
    """Draw what was asked for, and say where it lies."""
    from .drawings import DRAWINGS  # matplotlib, which the other commands do not need
    from .view import view_of

    run, record, which = opened(options.run, options.seed)
    texts = {3: ("samples", lambda params: samples(run)), 4: ("written", lambda params: written(run, params, which))}
    wanted = checked_numbers(options.figure, {**DRAWINGS, **texts})
    step = checked_step(run, options.step)
    folder = made(Path(options.to) if options.to else beside(record, run, which, options.step, "figures"))
    params = weights_at(run, record, step, which)
    view = view_of(run, params, metrics(record, which), seed=run.training.seed + which)
    drawn, left = 0, []
    for number in wanted:
        if number in texts:
            write_text(folder / f"{number:02d}-{texts[number][0]}.txt", texts[number][1](params))
            drawn += 1
            continue
        name, flat, draw = DRAWINGS[number]
        try:
            if flat:
                views.in_plane(run.model, f"Figure {number} ({name})")
            figure = draw(view)
        except DataError as fault:
            if options.figure:
                raise
            left.append(str(fault))
            continue
        for kind in ("svg", "pdf"):
            figure.save(folder / f"{number:02d}-{name}.{kind}", JOURNAL if options.journal else None)
        drawn += 1
    say(f"{folder}: {drawn} figures" + (f"; {len(left)} left out: {left[0]}" if left else ""))


def opened(name: str, seed: int | None) -> tuple[Run, Record, int]:
    """A run of a rule, its record, and which of its models is meant."""
    run, record = learned(*read_run(found_folder(name)))
    if not isinstance(run.task, RuleTask):
        raise DataError(f"{record.path} is no run of a rule, and these figures are of rules. Train one: "
                        "transformer-lab train rule plus_last_even")
    first, last = run.training.seed, run.training.seed + run.training.seeds - 1
    if seed is not None and not first <= seed <= last:
        raise RangeError("--seed", str(seed), f"{first} to {last}", "Choose one of this run's models.")
    return run, record, 0 if seed is None else seed - first


def checked_numbers(numbers, known: dict) -> list[int]:
    """The figures that were asked for, or all."""
    for number in numbers or ():
        if number not in known:
            names = ", ".join(f"{each} {known[each][0]}" for each in sorted(known))
            raise RangeError("--figure", str(number), names, "Choose among these.")
    return sorted(set(numbers or known))


def trained_again(run: Run, steps) -> dict[int, dict]:
    """The weights of all models of a run at some of its steps: the same training gives the same bytes."""
    steps = np.unique(steps)
    history = fit(run.stepper(), run.batches, steps=max(int(steps[-1]), 1), learning_rate=run.learning_rate, keep=steps,
                  every=max(int(steps[-1]), 1))
    return history.kept


def checked_step(run: Run, step: int | None) -> int:
    """The step that was asked for, the last where none was."""
    last = run.training.steps
    if step is not None and not 0 <= step <= last:
        raise RangeError("--step", str(step), f"0 to {last}", "Choose a step of this run.")
    return last if step is None else step


def weights_at(run: Run, record: Record, step: int, which: int) -> dict:
    """One model's weights at a step; the record has those of the last."""
    weights = record.weights if step == run.training.steps else trained_again(run, [step])[step]
    return one_by_one(weights, run.training.seeds)[which]


def metrics(record: Record, which: int) -> dict:
    """What was logged of one model, by name, where it was logged at every row."""
    history = record.history
    columns = {name: np.asarray(history[name], float) for name in dict.fromkeys(("loss", *history.names))}
    found = {name: column if column.ndim == 1 else column[:, which] for name, column in columns.items()}
    whole = np.isfinite(found["loss"])
    return {name: column[whole] for name, column in found.items() if np.isfinite(column[whole]).all()}


def beside(record: Record, run: Run, which: int, step: int | None, what: str) -> Path:
    """A folder beside the run's, named for the model and the step."""
    name = record.path.name + (f"-seed-{run.training.seed + which}" if run.training.seeds > 1 else "")
    return near(record.path.parent / (f"{name}-step-{step}-{what}" if step is not None else f"{name}-{what}"))


def lines(task: RuleTask, tokens: np.ndarray) -> str:
    """Sequences with a mark under each token: = what the rule says, x against it, . where it says nothing."""
    found = []
    for row, marks in zip(tokens, judged(task, tokens), strict=True):
        words = [task.of.spelt([token]) for token in row]
        found += [" ".join(words), " ".join(MARKS[int(mark)].ljust(len(word)) for word, mark in
                                            zip(words, marks, strict=True)).rstrip()]
    return "\n".join(found)


def samples(run: Run) -> str:
    """Six sequences that it was trained on."""
    drawn = sample(run.task, 6, seed=run.training.seed, purpose="samples to read").tokens
    return (f"{run.task.of.says}\n= what the rule says, x against it, . where it says nothing\n\n"
            f"{lines(run.task, drawn)}\n")


def written(run: Run, params: dict, which: int) -> str:
    """What a model writes before its training and now, and how often its first choice is right."""
    first, parts = one_by_one(run.stepper().params, run.training.seeds)[which], []
    for title, weights in (("before training", first), ("now", params)):
        found = scores(weights, run.model, RuleTask(run.task.rule, run.task.n_ctx))
        tokens = sampled(weights, run.model, run.task, generator(0, "written").random((24, 6)))
        parts.append(f"{title}: first choice right on {found.right.sum():,} of {found.asked.sum():,} places that the "
                     f"rule decides\n{lines(run.task, tokens)}\n")
    return "\n".join(parts)


def write_text(path: Path, text: str) -> Path:
    with written_whole(path) as half:
        half.write_text(text, "utf-8")
    return path
