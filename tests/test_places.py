"""Where things lie: a name leads to a place inside, whoever chose it."""

import pytest

from transformer_lab.errors import ArgumentError
from transformer_lab.places import home, runs, shipped


@pytest.mark.parametrize("names", [("../..-0",), ("..", "data"), ("studies", "../../x"), ("/tmp/x",), ("a", "/tmp/x")])
@pytest.mark.parametrize("place", [runs, shipped])
def test_no_name_leads_out(place, names):
    with pytest.raises(ArgumentError, match=r"^names: got .*; allowed is a place in (runs|data)"):
        place(*names)


def test_names_that_only_look_odd_lead_inside(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path / ".." / "x"))
    for name in ("..-0", "a..b", "...", "a/b", "-x"):
        assert runs(name) == home() / "runs" / name
