"""``transformer-lab animate RUN``: five films of how a model of a rule learns."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from ..analysis import views
from ..errors import DataError, RangeError
from ..places import written_whole
from ..training import one_by_one
from ..training.progress import Bar
from .figures import beside, metrics, opened, trained_again
from .show import say
from .targets import made

HELP = """Trains the run again, keeps the model at some of its steps, and writes a film as GIF, and as MP4
where ffmpeg is installed: 1 embeddings, 2 embeddings, queries, keys and values, 3 queries and
keys, 4 these with all scores, 5 what comes next at each point of the plane.

  transformer-lab animate plus_last_even-0 --film 1 5"""


def add_options(verb) -> None:
    verb.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")
    verb.add_argument("--film", nargs="+", type=int, metavar="N", help="which ones (default: all)")
    verb.add_argument("--frames", type=int, default=40, metavar="N", help="how many pictures (default 40)")
    verb.add_argument("--fps", type=float, default=8.0, metavar="X", help="pictures in a second (default 8)")
    verb.add_argument("--seed", type=int, metavar="N", help="which model, where many were trained at once")
    verb.add_argument("--to", metavar="FOLDER", help="where to write (default: beside the run)")


def animate(options) -> None:
    """Draw the films that were asked for, and say where they lie."""
    from .films import FILMS, frames, gif  # matplotlib, which the other commands do not need
    from .view import view_of

    run, record, which = opened(options.run, options.seed)
    views.in_plane(run.model, "A film")
    for argument, value, high in (("--frames", options.frames, 1000), ("--fps", options.fps, 60)):
        if not 1 <= value <= high:
            raise RangeError(argument, str(value), f"1 to {high}", "Choose such a number.")
    for number in options.film or ():
        if number not in FILMS:
            names = ", ".join(f"{each} {name}" for each, (name, _) in FILMS.items())
            raise RangeError("--film", str(number), names, "Choose among these.")
    folder = made(Path(options.to) if options.to else beside(record, run, which, None, "films"))
    steps = moments(run.training.steps, options.frames)
    kept = trained_again(run, steps)
    same = all(np.array_equal(value, kept[run.training.steps][name]) for name, value in record.weights.items())
    seen = [view_of(run, one_by_one(kept[step], run.training.seeds)[which], metrics(record, which)) for step in steps]
    wanted, ffmpeg = sorted(set(options.film or FILMS)), shutil.which("ffmpeg")
    bar = Bar(len(wanted))
    for done, number in enumerate(wanted, 1):
        pictures, path = frames(number, seen, steps), folder / f"{number:02d}-{FILMS[number][0]}"
        with written_whole(path.with_suffix(".gif")) as half:
            half.write_bytes(gif(pictures, 1 / options.fps))
        if ffmpeg:
            mp4(ffmpeg, pictures, path.with_suffix(".mp4"), options.fps)
        bar.show(done, {})
    say(f"{folder}: {len(wanted)} films of {len(steps)} pictures"
        + ("" if ffmpeg else "; no MP4, as there is no ffmpeg")
        + ("" if same else ". They show the training on this machine, which ends in other bytes than the record"))


def moments(steps: int, n: int) -> list[int]:
    """Steps from the first to the last, closer together early on, where more happens.

    >>> moments(100, 5)
    [0, 12, 35, 65, 100]
    """
    return [*map(int, np.unique(np.rint(steps * np.linspace(0, 1, n)**1.5)))] if n > 1 else [steps]


def mp4(ffmpeg: str, pictures: list[bytes], path: Path, fps: float) -> None:
    """Pictures as an MP4 that every player shows: even sizes, and colours as films have them."""
    with written_whole(path) as half:
        told = subprocess.run(
            [ffmpeg, "-y", "-loglevel", "error", "-f", "image2pipe", "-framerate", f"{fps:g}", "-i", "-", "-vf",
             "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-f", "mp4", str(half)],
            input=b"".join(pictures), capture_output=True, check=False)
        if told.returncode:
            words = told.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise DataError(f"ffmpeg could not write {path.name}: {words[-1]}")
