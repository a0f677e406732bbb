"""Runs as CF-1.11 wants them, where compliance-checker is installed: it is no dependency."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import HUMP

from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.run import run_case

KS = {"mesh": {"kind": "box", "length": 22.0, "points": 32}, "solver": {"kind": "ks"}, "time": {"end": 0.5, "every": 0.25, "dt": 0.05}}
CUBE = {
    "mesh": {"kind": "box", "length": [6.0] * 3, "points": [16] * 3},
    "solver": {"kind": "turbulence", "viscosity": 0.1, "initial": {"kind": "taylor_green"}},
    "time": {"end": 0.1, "every": 0.05},
}
WISHES = ('must end with ".nc"', "global attribute title", "global attribute history")  # which a run does not fulfil
CHECK = """
import sys
from compliance_checker.runner import CheckSuite, ComplianceChecker
CheckSuite.load_all_available_checkers()
ComplianceChecker.run_checker(sys.argv[1], ["cf:1.11"], 0, "normal", output_filename=sys.argv[2], output_format="json")
"""


@pytest.mark.skipif(find_spec("compliance_checker") is None, reason="missing: compliance-checker")
@pytest.mark.parametrize("text", [HUMP, case.to_toml(KS), case.to_toml(CUBE)], ids=["triangles", "line", "cube"])
def test_a_run_is_as_cf_wants_it(tmp_path, text):
    (tmp_path / "case.toml").write_text(text)
    run_case(case.read(tmp_path / "case.toml"), tmp_path, Serial())
    told = tmp_path / "told.json"  # by a process of its own: its netCDF4 brings another HDF5 than ours
    subprocess.run([sys.executable, "-c", CHECK, tmp_path / "run.h5", told], check=True, capture_output=True)
    found = json.loads(told.read_text(encoding="utf-8"))["cf:1.11"]
    rows = [row for level in ("high_priorities", "medium_priorities", "low_priorities") for row in found[level]]
    assert [word for row in rows for word in row["msgs"] if not any(wish in word for wish in WISHES)] == []
