"""make kernels: the chapters and the numeric tests under other processors' kernels, on one thread and on two.

Another kernel of OpenBLAS adds in another order, so that the last bits differ: what then fails leans on rounding.
The table names each claim, output and test that does. Kernels that this processor cannot run are left out, and said.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import nbformat

ROOT = Path(__file__).resolve().parents[1]
OWN = "own"  # the kernel that OpenBLAS picks by itself
KERNELS = (OWN, "Haswell", "SkylakeX", "Prescott", "Nehalem")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
NUMERIC = ("tests/analysis", "tests/byhand", "tests/chapters", "tests/tasks", "tests/training")
ASK = """import numpy, threadpoolctl
print(next(library["architecture"] for library in threadpoolctl.threadpool_info() if "architecture" in library))"""
KEPT = 160  # letters of a failure's first line


@dataclass(frozen=True)
class Fault:
    """What failed: a notebook's cell or a test, and its first line."""

    where: str
    words: str


def environment(kernel: str, threads: int) -> dict[str, str]:
    """This process's environment, with another kernel and number of threads."""
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    named = {} if kernel == OWN else {"OPENBLAS_CORETYPE": kernel}
    return {**plain, **named, **dict.fromkeys(THREADS, str(threads))}


def kernel_name(kernel: str) -> str:
    """The kernel that OpenBLAS takes when it is asked for this one; empty where the processor cannot run it."""
    done = subprocess.run([sys.executable, "-c", ASK], env=environment(kernel, 1), capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()


def faults(part: str, kernel: str, threads: int) -> list[Fault]:
    """Run a notebook, or a folder of tests, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        report, is_notebook = Path(folder, "report.xml"), part.endswith(".ipynb")
        command = [sys.executable, "-m", "pytest", part, "-p", "no:cacheprovider", f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, env=environment(kernel, threads), capture_output=True, text=True,
                              check=False)
        if not report.exists():
            return [Fault(part, (done.stdout + done.stderr).strip()[-KEPT:])]
        cells = code_cells(ROOT / part) if is_notebook else []
        return [fault(case, cells) for case in ElementTree.parse(report).iter("testcase")
                if case.find("failure") is not None or case.find("error") is not None]


def code_cells(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def fault(case, cells) -> Fault:
    """A failed test case of the report, as words."""
    text = next(child.text or "" for child in case if child.tag in ("failure", "error"))
    lines = [re.sub(r"#x1B\[[\d;]*m", "", line).strip() for line in text.splitlines()]
    telling = [line for line in lines if re.match(r"E  |mismatch |[\w.]*Error: ", line)] or lines
    if not cells:
        return Fault(f"{case.get('classname')}::{case.get('name')}", telling[0][:KEPT])
    number = int(case.get("name").split()[-1])
    return Fault(f"cell {number} '{cells[number].id}'", telling[-1][:KEPT])


def parts(chosen: list[str]) -> list[str]:
    """The notebooks, one by one, and the numeric tests."""
    notebooks = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "book").glob("[0-9]*.ipynb"))
    everything = [*notebooks, *NUMERIC]
    return [part for part in everything if not chosen or part.startswith(tuple(chosen))]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make kernels", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=(), help="as book, book/05 or tests/byhand; all without any")
    parser.add_argument("--kernels", nargs="+", default=KERNELS, help="kernels of OpenBLAS, or 'own'")
    parser.add_argument("--threads", nargs="+", type=int, default=(1, 2))
    options = parser.parse_args(arguments)
    names = {kernel: kernel_name(kernel) for kernel in options.kernels}
    jobs = [(part, kernel, threads) for kernel in options.kernels if names[kernel] for threads in options.threads
            for part in parts(options.parts)]
    for kernel in options.kernels:
        print(f"{kernel:10}{names[kernel] or 'cannot run on this processor'}", flush=True)
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // max(options.threads))) as pool:
        return report(jobs, pool.map(lambda job: faults(*job), jobs))


def report(jobs, found) -> int:
    """One line for each fault as it is found; at the end the number of parts that ran."""
    total = 0
    for (part, kernel, threads), here in zip(jobs, found, strict=True):
        for one in here:
            print(f"{kernel:10}{threads} thread{'s' * (threads > 1):2}{part}: {one.where}: {one.words}", flush=True)
        total += len(here)
    print(f"{len(jobs)} parts under these kernels: {total} failed" if total else f"{len(jobs)} parts: all passed")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
