"""A study whose workers are killed, and one that is killed whole: no result is lost, none is there twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import toy_study
from test_study import check_toy

HERE = Path(__file__).parent


def started(script, *arguments, **environment):
    done = subprocess.run([sys.executable, HERE / script, *map(str, arguments)], capture_output=True, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"} | environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def plain(home):
    """The record of the same study when nothing is killed."""
    subprocess.run([sys.executable, toy_study.__file__], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"TRANSFORMER_LAB_HOME": str(home), "TOY_SECONDS": "0"})
    return json.loads((home / "data" / "studies" / "toy" / "manifest.json").read_text())["content"]


def test_twenty_workers_of_a_dask_cluster_are_killed_and_nothing_is_lost_or_doubled(tmp_path):
    report = started("dask_study.py", TRANSFORMER_LAB_HOME=str(tmp_path), TOY_LOG=str(tmp_path / "log"),
                     TOY_SECONDS="0.05")
    assert report["killed"] == 20
    check_toy(tmp_path)
    assert report["record"] == f"toy sha256:{plain(tmp_path / 'plain')[:12]}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="killing studies needs os.fork")
def test_thirty_kills_lose_nothing(tmp_path):
    report = started("kill_study.py", tmp_path, 30, TOY_SECONDS="0", TOY_UNITS="30")
    assert report["killed"] >= 30 and report["lost"] == 0 and len(report["records"]) == 1, report
