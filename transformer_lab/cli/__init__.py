"""The same verbs from a terminal: ``transformer-lab train``, ``ask``, ``evaluate``, ``runs``.

Exit codes: 0 when all went well, 1 with one sentence on stderr when something was not as it must be, 2 when the
command line itself was not understood, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from .. import __version__
from ..errors import LabError
from ..training.trackers import TRACKERS
from . import animate, attention, certify, commands, compare, figures, studies
from .options import add_fields
from .show import say, streams

__all__ = ["main"]

DESCRIPTION = """Train a small transformer to compute, then ask it.

  transformer-lab train digits                trains for some seconds and keeps the run in runs/digits-0
  transformer-lab ask digits-0 "Max(5,8,3)"   what it answers, and how sure it is
  transformer-lab evaluate digits-0           how often it is right on inputs it has never seen
  transformer-lab runs                        what has been trained so far
  transformer-lab train rule plus_last_even --seeds 256     many small models at once
  transformer-lab certify plus_last_even-0-seeds-256        which of them are never wrong, with proof
  transformer-lab figures plus_last_even-0    every part of a model, drawn
  transformer-lab animate plus_last_even-0    films of how it learned
  transformer-lab attention digits-0 "Max(5,8,3)"           where every head looks, drawn
  transformer-lab study                       the studies that the book ships, many runs each

Add --help to a command to see its settings."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    >>> main(["ask", "no-such-run", "Max(5,8,3)"])
    1
    """
    streams()
    try:
        return run(arguments)
    except LabError as fault:
        return ended(1, str(fault))
    except KeyboardInterrupt as stopped:
        return ended(130, f"stopped. {stopped}".rstrip(), before="\n")
    except BrokenPipeError:  # who read us has read enough
        lead_nowhere(sys.stdout)
        return 0
    except MemoryError:
        return ended(1, "this takes more memory than there is. Make the model, the batch or the task smaller.")
    except OSError as fault:
        lead_nowhere(sys.stdout)
        return ended(1, f"{fault.filename or 'the output'}: {fault.strerror or fault}.")


def run(arguments: list[str] | None) -> int:
    try:
        os.getcwd()
    except OSError:
        return ended(1, "the folder that you are in is gone, or may not be read. Go to another one: cd ~")
    top = parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        top.print_help(sys.stderr)
        return 2
    options = top.parse_args(arguments)
    options.command(options)
    sys.stdout.flush()
    return 0


def ended(code: int, sentence: str, before: str = "") -> int:
    try:
        say(f"{before}transformer-lab: {sentence}", file=sys.stderr, flush=True)
    except OSError:
        lead_nowhere(sys.stderr)
    return code


def lead_nowhere(stream) -> None:
    """What cannot be written to a stream is let go; else Python would try once more at its end, and exit with 120."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def parser() -> argparse.ArgumentParser:
    """The commands and their settings."""
    top = Parser(prog="transformer-lab", description=DESCRIPTION, formatter_class=Formatter)
    top.add_argument("--version", action="version", version=f"transformer-lab {__version__}", help="say the version")
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    add_train(verbs)

    ask = verb(verbs, "ask", commands.ask, "type an expression, see the model's five likeliest answers",
               'Without EXPRESSION it asks you, again and again; an empty line ends it.\n\n'
               '  transformer-lab ask digits-0 "Max(5, 8, 3)"')
    ask.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")
    ask.add_argument("expression", metavar="EXPRESSION", nargs="?", help="such as \"Max(5, 8, 3)\", in quotes")
    ask.add_argument("--look", action="store_true", help="show where the last token looks, head by head, too")

    evaluate = verb(verbs, "evaluate", commands.evaluate, "how often a run is right on inputs it has never seen",
                    "Counts right answers on held-out and on trained inputs, by operation, next to plain guessing.")
    evaluate.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")

    runs = verb(verbs, "runs", commands.runs, "list what has been trained", "One line for each run.")
    runs.add_argument("folder", metavar="FOLDER", nargs="?", help="where to look (default: runs, and the book's own)")

    compare.add_options(verb(verbs, "compare", compare.compare, "set runs side by side, and draw their curves",
                             compare.HELP))
    attention.add_options(verb(verbs, "attention", attention.attention, "draw where every head looks, and score heads",
                               attention.HELP))
    certify.add_options(verb(verbs, "certify", certify.certify, "prove that a model of a rule is never wrong",
                             certify.HELP))
    figures.add_options(verb(verbs, "figures", figures.figures, "draw a model of a rule, every part of it",
                             figures.HELP))
    animate.add_options(verb(verbs, "animate", animate.animate, "make films of how a model of a rule learns",
                             animate.HELP))
    studies.add_options(verb(verbs, "study", studies.study, "train, measure and ship a whole study", studies.HELP))
    return top


def add_train(verbs) -> None:
    train = verb(verbs, "train", commands.train, "train a model and keep its run",
                 "The same command gives the same bytes; a run that was stopped goes on.\n\n"
                 "  transformer-lab train digits --seed 3\n"
                 "  transformer-lab train digits --operations Max Min --narrate\n"
                 "  transformer-lab train rule lucky7 --seeds 32\n\nwhat can be trained:\n"
                 + commands.recipes())
    train.add_argument("recipe", metavar="TASK", help="what to learn; see the list below")
    train.add_argument("rule", metavar="RULE", nargs="?", help="which rule, where TASK is rule (plus_last_even)")
    train.add_argument("--to", metavar="FOLDER", help="where to keep the run (default runs/TASK-SEED, "
                       "and what differs from the task's own settings)")
    train.add_argument("--track", metavar="TOOL", choices=[*TRACKERS], help="tell the finished run to tensorboard "
                       "(event files) or wandb (an offline run), in runs/tracked")
    train.add_argument("--narrate", action="store_true", help="tell every step of the training, with its numbers")
    add_fields(train)


def verb(verbs, name, command, summary, description) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=summary, description=f"{summary.capitalize()}.\n\n{description}",
                            formatter_class=Formatter)
    made.set_defaults(command=command)
    return made


class Parser(argparse.ArgumentParser):
    """One that says it when a help cannot be written; argparse keeps silent."""

    def _print_message(self, message, file=None):
        say(message, end="", file=file or sys.stderr, flush=True)


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written, help texts aligned."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=26, width=100)
