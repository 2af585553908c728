"""A small book with one chapter that uses everything a chapter may use, to be built in a temporary folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import nbformat.v4 as nb

ROOT = Path(__file__).resolve().parents[2]
CONTENTS = """format: jb-book
root: book/index
parts:
  - caption: A part
    chapters: [{file: book/02-sample}]
  - caption: Back matter
    chapters: [{file: book/glossary}, {file: book/ledger}, {file: book/notation}, {file: book/references}]
"""
HOSTILE = "</title><script>x()</script>"    # what must stay text wherever it is shown
CARD = f"""# A sample chapter, `{HOSTILE}`

```{{admonition}} At a glance
:class: card
- **Question:** Can one chapter hold everything?
- **In one minute:** It can, if everything is small.
- **You need:** {{term}}`token`
- **Time:** 10 min to read, 1 min to do, 1 min to compute
- **Seeds:** 20
- **Claims:** 1
```

A first paragraph with a sidenote[^aside], a token `A`, a longer token `<end>`{{.token}}, a word about the
[query]{{.query}}, code like `d_model`, a term ({{term}}`token`), Greek (α, β), symbols (✓ ▷ ◆ ● ■ ▲ → ≤ 10⁻¹² xᵀ)
and a citation {{cite}}`vaswani2017`.

[^aside]: What is said in passing, with $x^2$ in it.

```{{margin}} A note
It stands beside the text, where there is room.
```
"""
TEXT = r"""## Puzzle: five letters

Inline $a = \operatorname{softmax}(s)$ and, with a number,

$$
\frac{\partial L}{\partial W_{OV}} = h^\top \delta
$$ (eq-outer)

{eq}`eq-outer` is an outer product, see {numref}`fig-sample` and {ref}`ex-sample`.

| arm | accuracy | seeds |
|:---|---:|---:|
| joint | 0.998 | 20 |
| phases | 0.25 | 20 |

### A third level

> A quotation.
"""
EXERCISE = """## Exercises

```{exercise} Warm up
:label: ex-sample

Show that $1 + 1 = 2$.
```

```{solution} ex-sample
:class: dropdown

Count.
```

```{admonition} Hint
:class: hint dropdown

Use your fingers.
```

```{note}
A note.
```
"""
FIGURE = ('<figure class="lab-fig" role="img" aria-label="A line that rises." style="margin:0">'
          '<svg viewBox="0 0 400 120" width="400" height="120">'
          '<path d="M20 100 380 20" stroke="var(--lab-query,#26528c)" fill="none"/>'
          '<text x="20" y="20">loss, nats</text></svg></figure>')
CLAIM = ('<p class="lab-claim" id="claim-sample-claim"><span class="lab-tick" aria-hidden="true">✓</span> '
         'On every seed 99 % are right. <span class="lab-claim-source">20 seeds</span></p>'
         '<p class="lab-claim" id="claim-hostile-claim">Another.</p>')
STATE = escape('{"id":"sample","question":"Which one?","answers":["this","that"]}')
LAB = f'<div class="lab-static" data-lab="choice" data-state="{STATE}"><p>A question.</p></div>'
LEDGER = [{"id": "sample-claim", "statement": "On every seed 99 % are right.", "sample": "all 5,000 inputs",
           "seeds": 20, "record": "", "bounds": [
               {"name": "share right", "bound": "at least 0.99", "value": "0.992 to 1", "entries": 20,
                "rival": "untrained", "rival_value": "0.1"}]},
          {"id": "hostile-claim", "statement": HOSTILE, "sample": "", "seeds": 1, "record": HOSTILE, "bounds": [
              {"name": "share", "bound": "at least 0", "value": "1", "entries": 1, "rival": "", "rival_value": ""}]}]


def _html(html: str):
    return nb.new_output("display_data", data={"text/html": html, "text/plain": "Shown()"})


def _code(source: str, *outputs, **metadata):
    return nb.new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata)


def chapter() -> dict:
    """The sample chapter as a notebook."""
    stream = nb.new_output("stream", name="stdout", text="loss 3.258\n")
    error = nb.new_output("error", ename="ShapeError", evalue="tokens: got (2,)",
                          traceback=["\x1b[31mShapeError\x1b[0m: tokens"])
    figure = {"mystnb": {"figure": {"name": "fig-sample", "caption": "A line that rises."}}}
    return nb.new_notebook(cells=[
        nb.new_markdown_cell(CARD), nb.new_markdown_cell(TEXT),
        _code("import numpy as np  # the set-up\n", tags=["hide-input"]),
        _code("def loss(p):\n    return -np.log(p)  # nats\n\nprint('loss', loss(0.0385))", stream),
        _code("figure", _html(FIGURE), **figure), _code('claim("sample-claim", ...)', _html(CLAIM)),
        _code("tokens[3]", error, tags=["raises-exception"]), _code("lab", _html(LAB)), nb.new_markdown_cell(EXERCISE),
    ], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def write_book(folder: Path, *, extra: str = "") -> Path:
    """The sources of the sample book; ``extra`` is put at the end of its glossary page."""
    (folder / "book").mkdir(parents=True)
    (folder / "data" / "claims").mkdir(parents=True)
    (folder / "book" / "_ext").symlink_to(ROOT / "book" / "_ext")
    shutil.copy(ROOT / "_config.yml", folder)
    shutil.copy(ROOT / "data" / "favicon.svg", folder / "data")
    for name in ("parts.json", "references.bib", "notation.md", "ledger.md", "references.md"):
        shutil.copy(ROOT / "book" / name, folder / "book")
    (folder / "_toc.yml").write_text(CONTENTS)
    (folder / "book" / "index.md").write_text("# Sample\n\nA first page.\n\n## Map\n\n```{chapter-map}\n```\n")
    glossary = "# Glossary\n\n```{glossary}\ntoken\n  One symbol.\n```\n\n"
    (folder / "book" / "glossary.md").write_text(f"{glossary}{extra}\n")
    (folder / "book" / "02-sample.ipynb").write_text(json.dumps(chapter()))
    (folder / "data" / "claims" / "02-sample.json").write_text(json.dumps(LEDGER))
    return folder


def build(folder: Path) -> subprocess.CompletedProcess:
    """The strict build, as ``make book`` does it."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", str(folder), "-W", "-n", "--keep-going", "-q"]
    return subprocess.run(command, capture_output=True, text=True)
