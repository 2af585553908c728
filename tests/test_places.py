"""Where things lie: a name leads to a place inside, whoever chose it; a text is looked at before it is read."""

import os
from pathlib import Path

import pytest

from transformer_lab.errors import ArgumentError, LabError
from transformer_lab.places import home, runs, shipped
from transformer_lab.tasks import text


@pytest.mark.parametrize("names", [("../..-0",), ("..", "data"), ("studies", "../../x"), ("/tmp/x",), ("a", "/tmp/x")])
@pytest.mark.parametrize("place", [runs, shipped])
def test_no_name_leads_out(place, names):
    with pytest.raises(ArgumentError, match=r"^names: got .*; allowed is a place in (runs|data)"):
        place(*names)


def test_names_that_only_look_odd_lead_inside(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path / ".." / "x"))
    for name in ("..-0", "a..b", "...", "a/b", "-x"):
        assert runs(name) == home() / "runs" / name


def test_a_text_that_is_no_text_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(text.urllib.request, "urlopen", lambda *arguments, **given: pytest.fail("it asked the network"))
    monkeypatch.setenv("TRANSFORMER_LAB_DATA", "n" * 300)
    with pytest.raises(LabError, match="is not there"):
        text.corpus.__wrapped__()
    monkeypatch.setenv("TRANSFORMER_LAB_DATA", str(tmp_path))
    (tmp_path / text.NAME).touch()
    os.truncate(tmp_path / text.NAME, 40 * 2**30)
    with pytest.raises(LabError, match="is not the text that is meant"):
        text.corpus.__wrapped__()
    monkeypatch.setattr(Path, "open", lambda *arguments, **given: (_ for _ in ()).throw(PermissionError(13, "Denied")))
    with pytest.raises(LabError, match=r"cannot be read: Denied\. Mend that"):
        text.corpus.__wrapped__()


def test_where_a_text_is_kept_is_looked_at_before_it_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(text.urllib.request, "urlopen", lambda *arguments, **given: pytest.fail("it asked the network"))
    monkeypatch.delenv("TRANSFORMER_LAB_DATA", raising=False)
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    (tmp_path / "data").write_text("mine")
    with pytest.raises(LabError, match=r"downloads cannot be made: Not a directory\. Put the text"):
        text.corpus.__wrapped__()
