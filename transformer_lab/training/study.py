"""Studies: declared data that one mechanism trains, resumes, measures, ships and loads.

A study has *arms* (what is varied on purpose), *seeds*, and a *unit*: a function that trains and measures one arm with
one seed, and returns labelled arrays. Each unit's result is a small folder in ``runs/studies/NAME``; all of them side
by side are ``data/studies/NAME``: an ``xarray.Dataset`` with a dimension for each factor of the arms, one for the
seeds, and those of the unit.

Units know nothing of each other. They go to joblib, so that ``joblib.parallel_config(backend="dask")`` moves a study to
a cluster whose machines share the disk. What is done is never done again; a study that was killed goes on.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import places
from ..checks import check_callable, check_choice, check_flag, check_seed, check_type, check_whole
from ..config import Config
from ..errors import ArgumentError, DataError, StudyError, UnknownNameError, installed
from ..wording import written
from .datasets import read_dataset, write_dataset, xarray
from .folders import check_writable, settled
from .gather import merged, side_by_side
from .pool import attempt, delayed, heard, pool
from .progress import Bar
from .seals import check_plain, dumped, sha256

__all__ = ["STUDIES", "Study", "study"]

#: Every study that has been declared, by name.
STUDIES: dict[str, Study] = {}


@dataclass(frozen=True, eq=False)
class Study:
    """A study; declaring one makes it known to :func:`study`.

    Parameters
    ----------
    name : str
        Of its folders: lower-case letters, digits and hyphens.
    unit : callable
        ``unit(**arm, seed=seed)`` returns ``{name: (dims, array)}``, or an ``xarray.Dataset``. A name that is its own
        only dimension becomes a coordinate: ``"step": ("step", [0, 100])``. It is a function of a module (or a partial
        of one), so that other processes find it.
    arms : dict of sequences, or sequence of dicts
        Factors and their values, of which every combination is an arm; or the arms one by one, all with the same
        factors. Values are text, numbers or truth values. Where not every combination is an arm, the others are NaN.
    seeds : sequence of int
        Without any, a unit is an arm.
    together : bool
        A unit trains all seeds of an arm on a leading axis: ``unit(**arm, seeds=seeds)``, and its arrays have a
        dimension ``seed``.
    recipe : Config, optional
    settings : dict
        What else names the study: plain values. A result with another recipe, other settings or another ``version`` is
        never taken for one of this study.
    finish : callable, optional
        ``finish(dataset)`` returns what is shipped of it, or with what it adds.
    version : int
        One more whenever the unit measures something else.

    Examples
    --------
    >>> def toss(coin, seed):
    ...     return {"heads": ("throw", np.random.default_rng(seed).random(8) < coin)}
    >>> coins = Study("coins", toss, arms={"coin": (0.2, 0.5)}, seeds=range(3))
    >>> len(coins.units), coins.units[0]
    (6, {'coin': 0.2, 'seed': 0})
    >>> dict(coins.measured(coins.units[0]).sizes)
    {'throw': 8}
    """

    name: str
    unit: Callable
    arms: Mapping | Sequence = ()
    seeds: Sequence[int] = ()
    together: bool = False
    recipe: Config | None = None
    settings: Mapping = field(default_factory=dict)
    finish: Callable | None = None
    version: int = 1

    def __post_init__(self):
        if not (isinstance(self.name, str) and re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", self.name)):
            raise ArgumentError("name", written(self.name), "1 to 60 lower-case letters, digits and hyphens",
                                "Choose such a name: it becomes a folder.")
        check_callable("unit", self.unit), check_flag("together", self.together)
        check_whole("version", self.version, low=1)
        check_plain("settings", dict(check_type("settings", self.settings, Mapping)))
        if self.recipe is not None:
            check_type("recipe", self.recipe, Config)
        object.__setattr__(self, "arms", checked_arms(self.arms))
        object.__setattr__(self, "seeds", checked_seeds(self.seeds, self.together))
        STUDIES[self.name] = self

    @property
    def units(self) -> list[dict]:
        """What tells each unit from the others: the factors of its arm, and its seed unless they train together."""
        seeds = [{}] if self.together or not self.seeds else [{"seed": seed} for seed in self.seeds]
        return [{**arm, **seed} for arm in self.arms for seed in seeds]

    @property
    def config(self) -> dict:
        """Plain values that name the whole study."""
        return self.of_a_unit({}) | {"arms": [dict(arm) for arm in self.arms], "seeds": list(self.seeds)}

    def of_a_unit(self, unit: dict) -> dict:
        """Plain values that name one unit's result."""
        check_type("unit", unit, dict)
        recipe = {} if self.recipe is None else self.recipe.to_dict()
        seeds = {"seeds": list(self.seeds)} if self.together else {}
        return {"study": self.name, "version": self.version, "recipe": recipe, "settings": dict(self.settings),
                **({"unit": unit} if unit else {}), **seeds}

    def folder(self, unit: dict) -> Path:
        """Where the result of a unit is kept."""
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(map(str, unit.values()))).strip("-.")[:60]
        return places.runs("studies", self.name, f"{readable or 'all'}-{sha256(dumped(unit))[:8]}")

    def missing(self) -> list[dict]:
        """The units that have no result yet."""
        return [unit for unit in self.units if not self.folder(unit).exists()]

    def measured(self, unit: dict):
        """Run one unit, here and now; nothing is kept."""
        if check_type("unit", unit, dict).keys() != (wanted := self.units[0].keys()):
            raise UnknownNameError("unit", written([*unit]), ", ".join(wanted) or "{}", "Take one of study.units.")
        found = self.unit(**unit, **({"seeds": self.seeds} if self.together else {}))
        dataset = found if isinstance(found, xarray().Dataset) else xarray().Dataset(check_type("unit()", found, dict))
        if taken := set(unit) & set(dataset.variables) | set(unit) & set(dataset.sizes):
            raise ArgumentError("unit()", f"something called {', '.join(sorted(taken))}",
                                "names other than those of the factors and the seed", "Rename it.")
        if self.together and dataset.sizes.get("seed") != len(self.seeds):
            raise ArgumentError("unit()", f"{dataset.sizes.get('seed', 'no')} seeds",
                                f"a dimension 'seed' of {len(self.seeds)} where together=True", "Add it.")
        return dataset.assign_coords(seed=list(self.seeds)) if self.together else dataset

    def run(self, *, jobs: int | None = None):
        """Train and measure what is missing, ship the whole, and return it as :meth:`load` does.

        Parameters
        ----------
        jobs : int, optional
            How many units at a time; without it what ``joblib.parallel_config`` says, or one.

        Raises
        ------
        StudyError
            If units failed. It names them; the results of the others are kept.
        DataError
            If a folder cannot be written, or holds something else.
        """
        target = check_writable(places.shipped("studies", self.name))
        check_writable(self.folder({}))
        for unit in self.units:  # what is there must be sound, before hours are spent on the rest
            if self.folder(unit).exists():
                self.result(unit)
        self.train(jobs)
        results = [(unit, self.result(unit)) for unit in self.units]
        dataset = (self.finish or as_it_is)(side_by_side(self.name, results))
        seconds = {name: sum(one.attrs["timing"][name] for _, one in results) for name in ("wall_s", "cpu_s")}
        made_with = merged([one.attrs["versions"] for _, one in results])
        write_dataset(target, dataset, config=self.config, made_with=made_with, replace=True,
                      timing=seconds | {"units": len(results)})
        return self.load()

    def train(self, jobs: int | None = None) -> None:
        """Make the results of all units that have none. Where a pool loses workers, what is left goes another round."""
        faults, left, bar = {}, self.missing(), Bar(len(self.units))
        while left:
            folders, first = [self.folder(unit) for unit in left], len(self.units) - len(left) + 1
            calls = (delayed(attempt)(self, unit, folder) for unit, folder in zip(left, folders, strict=True))
            try:
                for done, (unit, fault) in enumerate(heard(pool(jobs)(calls), folders), first):
                    faults |= {str(self.folder(unit)): (unit, fault)} if fault else {}
                    bar.show(done, {})
            except Exception:
                if len(self.missing()) == len(left):
                    raise
            before, left = left, [unit for unit in self.missing() if str(self.folder(unit)) not in faults]
            if len(left) == len(before):
                raise DataError(f"The units of {self.name} are done, but {self.folder(left[0])} is not there. Let all "
                                "workers share this disk.")
        if faults:
            raise StudyError(self.name, list(faults.values()), len(self.units))

    def result(self, unit: dict):
        """The kept result of a unit."""
        return read_dataset(self.folder(unit), config=self.of_a_unit(unit))

    def load(self):
        """The shipped dataset, its checksums verified; ``attrs["record"]`` is what a claim cites."""
        folder = settled(places.shipped("studies", self.name))
        if not folder.exists():
            raise DataError(f"The study {self.name} is not in {folder}. Make it: transformer-lab study {self.name}")
        return read_dataset(folder, config=self.config)


def checked_arms(arms) -> tuple[dict, ...]:
    """The arms one by one, all of the same factors, each once."""
    if isinstance(arms, Mapping):
        arms = [dict(zip(arms, values, strict=True)) for values in itertools.product(*arms.values())]
    arms = tuple(dict(check_type("arms", arm, Mapping)) for arm in check_type("arms", arms, Sequence)) or ({},)
    for arm in arms:
        if list(arm) != list(arms[0]) or {"seed", "seeds", "unit"} & set(arm):
            raise ArgumentError("arms", f"the factors {', '.join(map(str, arm))}",
                                "the same factors in every arm, none called seed, seeds or unit", "Rename them.")
        for name, value in arm.items():
            if not isinstance(value, (str, int, float, np.integer, np.floating)):
                raise ArgumentError("arms", f"{name}={value!r}"[:80], "text, numbers or truth values", "Name it.")
    arms = tuple({name: getattr(value, "item", lambda value=value: value)() for name, value in arm.items()}
                 for arm in arms)
    for arm in arms:
        check_plain("arms", arm)
    if len({tuple(arm.items()) for arm in arms}) < len(arms):
        raise ArgumentError("arms", "the same arm twice", "arms that differ in a factor", "Take one of them out.")
    return arms


def checked_seeds(seeds, together: bool) -> tuple[int, ...]:
    seeds = tuple(check_seed("seeds", seed) for seed in check_type("seeds", seeds, Sequence))
    if len(set(seeds)) < len(seeds) or (together and not seeds):
        raise ArgumentError("seeds", str(seeds)[:80], "seeds that differ, one at least where together=True", "Mend it.")
    return seeds


def as_it_is(dataset):
    return dataset


def declared() -> dict[str, Study]:
    """All studies, those of the book's chapters included where the book is there."""
    book = places.home() / "book"
    if (book / "chapters").is_dir() and str(book) not in sys.path:
        sys.path.append(str(book))
    for path in sorted((book / "chapters").glob("ch*/study.py")):
        installed(f"chapters.{path.parent.name}.study", "The studies of the book")
    return STUDIES


def study(name: str) -> Study:
    """A study by its name.

    >>> len(study("in-the-plane").seeds)
    256
    >>> study("no-such-study")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    transformer_lab.errors.UnknownNameError: name: got 'no-such-study'; allowed is one of ...
    """
    known = STUDIES if (name := check_type("name", name, str)) in STUDIES else declared()
    return known[check_choice("name", name, known)]
