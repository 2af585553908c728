"""The sample book, built once."""

from pathlib import Path

import pytest
from sample_book import build, write_book


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory) -> Path:
    """The built pages of a small book whose one chapter uses everything; its strict build must pass."""
    folder = write_book(tmp_path_factory.mktemp("sample") / "book")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"
