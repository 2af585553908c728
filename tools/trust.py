"""Trust the chapters in JupyterLab: those whose bytes are the repository's, and no others.

JupyterLab strips figures and explorables from notebooks that it does not trust. A notebook that was changed since the
last commit, or came from elsewhere, may hold a script in its outputs: it is named, and left as JupyterLab knows it (one
that was trusted, run and saved there stays trusted).
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def committed(name):
    """The bytes of a chapter in the last commit, None where it has none."""
    done = subprocess.run(["git", "show", f"HEAD:book/{name}"], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def is_ours(path):
    """Whether a notebook is byte for byte as in the repository; line ends may be the system's."""
    ours = committed(path.name)
    return ours is not None and ours == path.read_bytes().replace(b"\r\n", b"\n")


def main(names):
    paths = [Path(name) for name in names]
    known = [path for path in paths if is_ours(path)]
    if known:
        subprocess.run([sys.executable, "-m", "jupyter", "trust", *map(str, known)], check=True,
                       stdout=subprocess.DEVNULL)
    others = [os.path.relpath(path) for path in paths if path not in known]
    if others:
        print("Not trusted here, for they are not as the repository has them: " + ", ".join(others)
              + ".\nOne that you trust: .venv/bin/jupyter trust FILE. Any other shows its figures once it has run.")


if __name__ == "__main__":
    main(sys.argv[1:])
