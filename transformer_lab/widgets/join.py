"""Join an ES module and all that it imports into one module without imports.

Neither anywidget nor a page read from disk can follow an import. Each file becomes a function that is called once and
returns its exports, so two files may use the same name for different things. What is understood is what the
explorables use: ``import { a, b as c } from "./file.js"``, ``import data from "./file.json" with { type: "json" }``,
``export { a } from "./file.js"``, ``export default``, and one ``export const`` or ``function`` a name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..errors import ArgumentError, DataError
from ..signatures import checked
from ..wording import written

__all__ = ["join"]

LINK = re.compile(r'^(import|export) ((?:\{[^}]*\}|\w+)) from "(\..+?)"(?: with \{ type: "json" \})?;\n', re.M)
EXPORT = re.compile(r"^export (default|(?:async )?function|const|class) (\w+)?", re.M)


@checked
def join(entry: Path, root: Path) -> str:
    """The text of one module; ``root`` is the folder from which the files are named inside it.

    >>> here = Path(__file__).parent
    >>> join(here / "js" / "choice.js", here).splitlines()[-1]
    'export default $js$choice_js.default;'
    """
    entry, root, parts = entry.resolve(), root.resolve(), {}
    if not (entry.is_relative_to(root) and ordinary(entry)):
        raise ArgumentError("entry", written(entry), f"a file in {root}", "Pass the module, and a folder around it.")
    _add(entry, root, parts)
    return "\n".join(parts.values()) + f"\nexport default {_variable(entry, root)}.default;\n"


def ordinary(path: Path) -> bool:
    """Whether there is a file, and no folder, pipe or device."""
    try:
        return path.is_file()
    except OSError:  # no file can be called so
        return False


def _add(path: Path, root: Path, parts: dict[Path, str]) -> None:
    source = path.read_text("utf-8")
    if path.suffix == ".json":
        value = json.dumps(json.loads(source), separators=(",", ":"))
        parts[path] = f"const {_variable(path, root)} = {{ default: {value} }};"
        return
    for link in LINK.finditer(source):
        if (other := _target(path, link)) not in parts:
            _add(other, root, parts)
    parts[path] = f"const {_variable(path, root)} = (() => {{\n{_body(path, source, root)}}})();"


def _body(path: Path, source: str, root: Path) -> str:
    """The file's text: imports as plain constants, exports as what is returned at the end."""
    returned = [f"{name}: {'exportedDefault' if name == 'default' else name}" for name in _own(source)]
    returned += [f"{name}: {_variable(_target(path, link), root)}.{name}" for link in _passed_on(source)
                 for name in _names(link[2])]
    source = LINK.sub(lambda link: "" if link[1] == "export" else _constants(path, link, root), source)
    source = re.sub(r"^export default ", "const exportedDefault = ", source, flags=re.M)
    source = re.sub(r"^export (?=async |function|const|class)", "", source, flags=re.M)
    return f"{source}return {{ {', '.join(returned)} }};\n"


def _own(source: str) -> list[str]:
    return ["default" if kind == "default" else name for kind, name in EXPORT.findall(source)]


def _passed_on(source: str) -> list[re.Match]:
    return [link for link in LINK.finditer(source) if link[1] == "export"]


def _constants(path: Path, link: re.Match, root: Path) -> str:
    other = _target(path, link)
    wanted = [name.split(" as ") for name in _names(link[2])] if link[2].startswith("{") else [["default", link[2]]]
    missing = {name[0] for name in wanted} - _offered(other)
    if missing:
        raise DataError(f"{path.name}: {other.name} does not export {', '.join(sorted(missing))}.")
    return f"const {{ {', '.join(': '.join(name) for name in wanted)} }} = {_variable(other, root)};\n"


def _offered(path: Path) -> set[str]:
    if path.suffix == ".json":
        return {"default"}
    source = path.read_text("utf-8")
    return {*_own(source), *(name for link in _passed_on(source) for name in _names(link[2]))}


def _names(braces: str) -> list[str]:
    return [name.strip() for name in braces.strip("{}").split(",") if name.strip()]


def _target(path: Path, link: re.Match) -> Path:
    return (path.parent / link[3]).resolve()


def _variable(path: Path, root: Path) -> str:
    return "$" + re.sub(r"[^\w$]", "_", path.relative_to(root).as_posix().replace("/", "$"))
