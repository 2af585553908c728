"""Each planted bug of tools/mutants.toml still finds its place, so that `make mutants` can start."""

import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text("utf-8"))["mutant"]


def test_each_stands_in_one_place_of_its_file_and_changes_it():
    astray = [f"{one['file']}: {one['why']}" for one in MUTANTS
              if (ROOT / one["file"]).read_text("utf-8").count(one["old"]) != 1 or one["old"] == one["new"]]
    assert not astray, astray


def test_none_is_planted_twice():
    assert max(Counter((one["file"], one["old"], one["new"]) for one in MUTANTS).values()) == 1
