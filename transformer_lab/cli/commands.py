"""What each command does."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np

from .. import places
from ..analysis.plane_models import recipe as rule_recipe
from ..checks import check_choice
from ..config import SETTINGS
from ..errors import DataError, LabError
from ..tasks.digit_data import Digits
from ..tasks.digits import DigitTask
from ..tasks.expressions import OPERATIONS, answer_text, operation_of, parse, spell, tokenize, value
from ..tasks.rules import RuleTask
from ..tasks.splits import baselines, leakage
from ..tasks.text import TextTask
from ..training import Run, read_run
from ..training import train as train_run
from ..training.runs import there
from ..training.trackers import track
from . import text_runs
from .found import called, found_folder, homes, kept, learned, near, opened
from .narrate import attention, narrated
from .options import given
from .recipes import RECIPES
from .rule_runs import evaluated, outcome
from .show import percent, ranking, say, shares, table
from .targets import target, typed


def recipes() -> str:
    """The recipes, a line each."""
    return "\n".join(f"  {name:16}{described(run)}" for name, run in RECIPES.items())


def described(run: Run) -> str:
    """A run's task in words.

    >>> described(RECIPES["digits"])
    'First, Second, Last, Max, Min of 3 numbers from 0 to 9'
    """
    task = run.task
    if isinstance(task, RuleTask):
        return task.of.says + (f"; {run.training.seeds} models" if run.training.seeds > 1 else "")
    if isinstance(task, TextTask):
        return f"the next character of {task.text}, from up to {task.n_ctx} before it"
    if not isinstance(task, Digits):
        return type(task).__name__
    count = str(task.min_args) if task.min_args == task.max_args else f"{task.min_args} to {task.max_args}"
    inside = " or operations" if task.depth > 1 else ""
    return f"{', '.join(task.operations)} of {count} numbers{inside} from {task.low} to {task.high}"


LONGEST = 80    # characters of a folder's name; a longer one ends in a hash of all settings


# ---- train --------------------------------------------------------------------------------------------------

def train(options) -> None:
    """Train, or go on, or say that it is done already."""
    run = configured(options)
    if options.narrate and (not isinstance(run.task, Digits) or run.training.seeds > 1):
        raise DataError("--narrate tells the training of one model that computes with digits; this is "
                        f"{described(run)}, {run.training.seeds} at once. Leave --narrate out.")
    folder = near(places.runs(named(options.recipe, run.training.seed, given(options))))
    if options.to is not None:
        folder = target(options.to)
    if there(folder):
        say(f"{folder} is there already. (--to FOLDER keeps another run beside it.)")
    if options.narrate:
        narrated(folder, run)
    else:
        often = run.training.seeds == 1 and not isinstance(run.task, TextTask)
        train_run(folder, run, every=100 if often else max(100, run.training.steps // 10))
    record = read_run(folder)[1]
    if options.track is not None:
        say(f"{track(record, options.track, near(places.runs('tracked', options.track, folder.name)))}: for "
            f"{options.track}")
    if isinstance(run.task, RuleTask):
        say(f"{folder}: {outcome(run, record)}. Prove it:\n  transformer-lab certify {typed(folder)}")
        return
    if isinstance(run.task, TextTask):
        say(f"{folder}: {text_runs.outcome(record)}. Let it go on:\n"
            f"  transformer-lab ask {typed(folder)} \"{text_runs.SUCH}\"")
        return
    right = np.ravel(record.history["held_out_accuracy"][-1])
    if right.size > 1:
        say(f"{folder}: {right.size} models, {percent(right.min(), 2)} to {percent(right.max(), 2)} right on held-out "
            f"inputs after {record.manifest['step']:,} steps.")
        return
    if notice := record.history.overfitting("loss", "held_out_loss"):
        say(notice)
    say(f"{folder}: {percent(right[0], 2)} right on held-out inputs after {record.manifest['step']:,} steps. Ask it:\n"
        f"  transformer-lab ask {typed(folder)} \"{example(run)}\"")


def named(recipe: str, seed: int, settings: dict) -> str:
    """What a run is called: recipe and seed, and each setting that was given and is not the recipe's own.

    >>> named("digits", 3, {"seed": 3, "operations": ("Max", "Min"), "steps": 60, "batch": 64})
    'digits-3-operations-Max-Min-steps-60'
    >>> named("rule", 0, {"rule": "lucky7", "seeds": 8})
    'lucky7-0-seeds-8'
    """
    usual, words = usual_run(recipe, settings), f"{settings.get('rule', recipe)}-{seed}"
    sections = {name: getattr(part, name) for part in (usual.task, usual.model, usual.training) for name in vars(part)}
    differing = {name: value for name, value in settings.items()
                 if name not in ("seed", "rule") and value != sections[name]}
    name = "-".join([words, *(spelt(*each) for each in differing.items())])
    return name if len(name) <= LONGEST else f"{words}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def usual_run(recipe: str, settings: dict) -> Run:
    """What is trained where nothing else is said: the recipe, or that of the rule."""
    return rule_recipe(settings["rule"]) if "rule" in settings and recipe == "rule" else RECIPES[recipe]


def spelt(name: str, value) -> str:
    """A setting as a part of a folder's name."""
    words = [name, *(value if isinstance(value, tuple) else [value])]
    return re.sub(r"[^\w.+-]+|_", "-", "-".join(map(str, words)))


def configured(options) -> Run:
    """The recipe with the settings of the command line; short runs warm up shortly, long answers are written."""
    check_choice("TASK", options.recipe, RECIPES)
    recipe, fields = usual_run(options.recipe, given(options)), given(options)
    training = recipe.training
    fields.setdefault("warmup", min(training.warmup, fields.get("steps", training.steps) // 4))
    names = {entry.name for entry in dataclasses.fields(DigitTask)} & set(fields)
    if names and isinstance(recipe.task, Digits):
        expressions = DigitTask(**{entry.name: fields.get(entry.name, getattr(recipe.task, entry.name))
                                   for entry in dataclasses.fields(DigitTask)})
        fields.setdefault("written", recipe.task.written or not expressions.one_token)
    if "weight_decay" not in SETTINGS.get(fields.get("optimizer"), ("weight_decay",)):
        fields.setdefault("weight_decay", 0.0)
    return recipe.replace(**fields)


def example(run: Run) -> str:
    """An expression that the run has not seen, as a reader would type it."""
    unseen = run.task.parts.held_out
    return re.sub(r" (?=[(),])|(?<=\() ", "", spell(tokenize(unseen[len(unseen) // 2])))


# ---- ask ----------------------------------------------------------------------------------------------------

def ask(options) -> None:
    """One expression or beginning of a text, or as many as the reader types."""
    run, record = learned(*read_run(found_folder(options.run)))
    if isinstance(run.task, TextTask):
        replied, such = partial(text_runs.continued, run, record), text_runs.SUCH
    else:
        model, record = opened(options.run)
        replied, such = partial(answer, model, look=options.look), example(model.run)
    if options.expression is not None:
        say(replied(options.expression))
        return
    say(f"{record.path.name} knows {described(run)}. Type such as {such}; an empty line ends it.")
    while (text := asked()) not in ("", "quit", "exit"):
        try:
            say(replied(text))
        except LabError as fault:
            say(fault)


def asked() -> str:
    """The next line that the reader types; an empty one at the end of the input."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""


def answer(model, text: str, look: bool = False) -> str:
    """The five likeliest answers, whether the first is right, and, if asked for, where the heads look."""
    expression = parse(text)
    ranked = model.top(expression)
    truth = answer_text(value(expression))
    verdict = "right" if ranked[0].text == truth else f"wrong: it is {truth}"
    met = "seen" if expression in set(model.run.task.parts.train) else "never seen"
    lines = [f"{spell(tokenize(expression))}  =  {ranked[0].text}   ({verdict}; {met} in training)", ranking(ranked)]
    return "\n".join([*lines, attention(model, expression)] if look else lines)


# ---- evaluate and runs --------------------------------------------------------------------------------------

def evaluate(options) -> None:
    """Right answers on both parts (of a large training part the first 5,000), by operation, next to guessing."""
    run, record = learned(*read_run(found_folder(options.run)))
    if isinstance(run.task, RuleTask):
        say(evaluated(run, record))
        return
    if isinstance(run.task, TextTask):
        say(text_runs.evaluated(run, record))
        return
    model, record = opened(options.run)
    run, weights = model.run, sum(value.size for value in record.weights.values())
    say(f"{record.path.name}: {described(run)}")
    say(f"{weights:,} weights, {record.manifest['step']:,} steps, seed {run.training.seed}\n")
    right = {"held out": model.right(run.task.parts.held_out), "trained on": model.right(run.task.parts.train[:5000])}
    say(table([(part, f"{hits.sum():,}", f"{hits.size:,}", percent(hits.mean(), 2)) for part, hits in right.items()],
                ["", "right", "of", ""]))
    say(f"\ninputs in both parts: {leakage(*run.task.parts[::-1]).shared}\n\nheld out, by operation")
    say(by_operation(run.task.parts.held_out, right["held out"]))
    ties = right["held out"][[tied(x) for x in run.task.parts.held_out]]
    say(f"\nof these with equal numbers: {ties.sum():,} of {ties.size:,} right")
    guesses = baselines(run.task.parts.train, run.task.parts.held_out)
    words = {"chance": "any answer", "majority": "the commonest", "majority by operation": "that of each operation"}
    say("\nguessing: " + ", ".join(f"{text} {percent(float(guesses[name]))}" for name, text in words.items()))
    say(mistakes(model, right["held out"]))


def tied(expression) -> bool:
    """Whether a number comes twice.

    >>> tied(("Max", (5, 8, 5))), tied(("Max", (5, 55, 8)))
    (True, False)
    """
    numbers = re.findall(r"\d+", spell(tokenize(expression)))
    return len(set(numbers)) < len(numbers)


def by_operation(expressions, right) -> str:
    """A bar for each operation."""
    groups: dict[str, list] = {}
    for expression, hit in zip(expressions, right, strict=True):
        groups.setdefault(operation_of(expression), []).append(hit)
    return shares({name: sum(groups[name]) / len(groups[name]) for name in OPERATIONS if name in groups})


def mistakes(model, right, most: int = 10) -> str:
    """Some expressions that the model answers wrong."""
    wrong = [x for x, hit in zip(model.run.task.parts.held_out, right, strict=True) if not hit]
    if not wrong:
        return "no wrong answer"
    said = zip(wrong[:most], model.said(wrong[:most]), strict=True)
    lines = [f"  {spell(tokenize(x))} is {answer_text(value(x))}, not {text}" for x, text in said]
    return f"wrong answers, {len(lines)} of {len(wrong)}:\n" + "\n".join(lines)


def runs(options) -> None:
    """A line for each run, and for each folder that looks like one and is not sound."""
    folders = [Path(options.folder)] if options.folder else homes()
    rows = [summary(path) for path in kept(folders)]
    if not rows:
        say(f"There is no run in {folders[0]} yet. Make one:\n  transformer-lab train digits")
        return
    say(table(rows, ["run", "steps", "held out", "task"], left=(0, 3)))


def summary(path: Path) -> tuple[str, str, str, str]:
    try:
        run, record = read_run(path)
    except LabError as fault:
        return called(path), "", "", " ".join(str(fault).split())
    rows = record.history.rows
    last = rows[-1].get("held_out_accuracy") if rows else None
    share = "" if last is None else percent(float(np.mean(last)), 2)
    return called(path), f"{record.manifest['step']:,}", share, record.manifest["stopped"] or described(run)
