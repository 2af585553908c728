"""Chapters in Colab and Binder: all addresses come from one setting, ``lab_repository`` in ``_config.yml``.

Without it no page has such a link. ``make online`` makes from the same setting the cell that fetches the book on Colab.
"""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["CELL", "connect", "first_cell", "links", "parsed"]

ADDRESS = re.compile(r"https://github\.com/([\w-]+)/([\w.-]+?)(?:\.git)?(?:/tree/([\w./-]+?))?/?")
CELL = "on-colab"
FETCH = '''# On Colab this fetches the book; elsewhere it does nothing.
import os
import subprocess
import sys

if "google.colab" in sys.modules and not os.path.isdir("chapters"):
    from google.colab import output

    output.enable_custom_widget_manager()      # the explorables
    subprocess.run(["git", "clone", "-q", "--depth", "1", "-b", "{branch}",
                    "{address}", "book-clone"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "./book-clone",
                    "anywidget", "joblib", "matplotlib", "xarray"], check=True)
    os.chdir("book-clone/book")
'''


def connect(app) -> None:
    """Give every page of a chapter its links."""
    app.add_config_value("lab_repository", "", "html")
    app.connect("html-page-context", _compose, priority=910)


def _compose(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    chapter = context.get("sourcename", "").endswith(".ipynb")
    context["lab_online"] = links(app.config.lab_repository, pagename) if chapter else []


def parsed(repository: str) -> tuple[str, str, str]:
    """Owner, name and branch of a repository's address.

    >>> parsed("https://github.com/someone/transformer-lab")
    ('someone', 'transformer-lab', 'main')
    >>> parsed("https://github.com/someone/lab.git/tree/next")
    ('someone', 'lab', 'next')
    """
    found = ADDRESS.fullmatch(repository)
    if not found:
        raise ValueError(f"lab_repository in _config.yml is {repository!r}; it should be the address of a repository, "
                         "such as https://github.com/OWNER/NAME, with /tree/BRANCH where that is not main.")
    return found[1], found[2], found[3] or "main"


def links(repository: str, document: str) -> list[tuple[str, str]]:
    """The name and the address of each service that opens a chapter's notebook.

    >>> [address for _, address in links("https://github.com/someone/lab", "book/01-soft-lookup")]
    ['https://colab.research.google.com/github/someone/lab/blob/main/book/01-soft-lookup.ipynb', \
'https://mybinder.org/v2/gh/someone/lab/main?labpath=book%2F01-soft-lookup.ipynb']
    """
    if not repository:
        return []
    owner, name, branch = parsed(repository)
    notebook = f"{document}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{owner}/{name}/{quote(branch, safe='')}?labpath={quote(notebook, safe='')}"
    return [("Colab", f"https://colab.research.google.com/github/{owner}/{name}/blob/{branch}/{notebook}"),
            ("Binder", binder)]


def first_cell(repository: str) -> dict:
    """The cell that fetches the book where a notebook is opened on Colab, as it stands in a notebook's file."""
    owner, name, branch = parsed(repository)
    code = FETCH.format(branch=branch, address=f"https://github.com/{owner}/{name}").rstrip("\n")
    return {"cell_type": "code", "execution_count": None, "id": CELL, "metadata": {"tags": ["remove-cell"]},
            "outputs": [], "source": code.splitlines(keepends=True)}
