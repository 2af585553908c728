"""Write requirements/*.txt anew: every package of every extra, for every platform, with the hashes of its files.

Needs uv (`.venv/bin/pip install uv`), which asks pip's usual index. What is pinned stays pinned; delete a line of
requirements/*.txt first to let that package move. PyTorch is kept apart: its wheel for processors, which only an index
of PyTorch's own has, is asked for first, and what its wheel for GPUs asks for has a file of its own.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
TORCH, CPU = "torch==2.13.0", "torch==2.13.0+cpu"
#: PyTorch's own wheel for processors: Linux, x86-64, Python 3.11.
CPU_WHEELS = ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"]
TORCH_NEEDS = ["filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"]


def pinned():
    """What is pinned today, without hashes; PyTorch, of which there are two, is asked for by itself."""
    return [line.rstrip(" \\") for path in sorted(FOLDER.glob("*.txt"))
            for line in path.read_text("utf-8").splitlines() if re.match(r"(?!torch==)[\w.-]+==", line)]


def compiled(folder, pins, needs, *options):
    """Name and marker of each package that is needed → its lines in a file for pip."""
    (folder / "needs.in").write_text("\n".join(needs), "utf-8")
    (folder / "pins.txt").write_text("\n".join(pins), "utf-8")
    command = ["uv", "pip", "compile", "needs.in", "--universal", "--generate-hashes", "--python-version", "3.11",
               "--constraint", "pins.txt", "--no-header", "--no-annotate", "--quiet", *options]
    text = subprocess.run(command, cwd=folder, check=True, text=True, capture_output=True).stdout
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {block.splitlines()[0].rstrip(" \\"): block for block in blocks}


def write(name, blocks, first=()):
    text = "\n".join([*first, *(blocks[each] for each in sorted(blocks))]) + "\n"
    (FOLDER / f"{name}.txt").write_text(text, "utf-8")
    print(f"requirements/{name}.txt: {len(blocks)} packages")


def main():
    with tempfile.TemporaryDirectory() as made:
        folder, pins, seen, before = Path(made), pinned(), {}, None
        (folder / "never.txt").write_text(TORCH + " ; sys_platform == 'never'\n", "utf-8")
        for extra in ("site", "book", "test"):
            needs = [f"-e {ROOT}[{extra}]", "wheel"] + TORCH_NEEDS * (extra != "site")
            found = compiled(folder, pins, needs, "--override", "never.txt", "--no-emit-package", "transformer-lab")
            own = {name: block for name, block in found.items() if name not in seen and not name.startswith("torch==")}
            write(extra, own, [f"-r {before}.txt"] if before else [])
            seen, before = seen | own, extra
        torch = compiled(folder, pins, [TORCH])
        write("torch", {TORCH: torch.pop(TORCH)})
        write("torch-cpu", {CPU: CPU + "".join(f" \\\n    --hash=sha256:{digest}" for digest in CPU_WHEELS)})
        names = {name.partition("==")[0] for name in seen}
        write("torch-gpu", {name: block for name, block in torch.items() if name.partition("==")[0] not in names})


if __name__ == "__main__":
    sys.exit(main())
