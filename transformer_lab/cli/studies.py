"""``transformer-lab study``: what studies there are, and the making of one."""

from __future__ import annotations

from .. import places
from ..analysis import plane_models  # noqa: F401 (declares its studies)
from ..checks import check_whole
from ..training.study import declared
from ..training.study import study as find
from .show import say, table

HELP = """Without NAME: all studies, how much of each is done, and whether it is shipped.
With NAME: what is missing is trained in runs/studies/NAME, and the whole goes to data/studies/NAME.
The same command goes on with a study that was stopped; what is done is not done again.

  transformer-lab study optimizers --jobs 2"""


def add_options(verb) -> None:
    verb.add_argument("name", metavar="NAME", nargs="?", help="which study; without it they are listed")
    verb.add_argument("--jobs", type=int, metavar="N", default=1, help="units at a time, a process each (default 1)")


def study(options) -> None:
    """List the studies, or make one."""
    if options.name is None:
        say(table([summary(one) for one in declared().values()], ["study", "units", "done", "shipped"], left=(0, 3)))
        return
    jobs, chosen = check_whole("--jobs", options.jobs, low=1), find(options.name)
    dataset = chosen.run(jobs=jobs)
    sizes = ", ".join(f"{size} {name}" for name, size in dataset.sizes.items())
    say(f"{places.shipped('studies', chosen.name)}: {dataset.attrs['record']}\n{sizes}")


def summary(one) -> tuple[str, ...]:
    units = len(one.units)
    shipped = "yes" if places.shipped("studies", one.name).is_dir() else "no"
    return one.name, str(units), str(units - len(one.missing())), shipped
