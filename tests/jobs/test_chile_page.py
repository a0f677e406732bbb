"""Chile 2010: docs/chile_2010.md done word by word, and a smaller run. Where the relief is not to be had, an ocean of the same shape is."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, wavetrain
from test_documents import blocks, run_script, script

from pipeline.core.data import find

RELIEF = [f"etopo20/etopo20{name}.gz" for name in ("data", "lons", "lats")]


@pytest.fixture
def data(tmp_path):
    """The folder of the relief, or one with an ocean 4,000 m deep that ends at a straight coast, where Chile's is."""
    whole = find(RELIEF[0])
    if whole is not None:
        return whole.parent.parent
    x, y = np.arange(20.5, 381.0), np.arange(-89.5, 90.0)
    row = np.interp(x, [284.0, 288.0, 290.0, 310.0, 312.0], [-4000.0, -4000.0, 1000.0, 1000.0, -4000.0])
    folder = tmp_path / "data"
    (folder / "etopo20").mkdir(parents=True)
    for name, values in zip(RELIEF, (np.tile(row, (len(y), 1)), x, y), strict=True):
        np.savetxt(folder / name, values, fmt="%.10g")  # packed, by the name
    return folder


def test_the_wave_is_at_the_buoy_in_its_time(tmp_path, data):
    edges = "mesh.by_depth={period='20 min', points=4, finest='60 km'}"
    more = {"WAVETRAIN_DATA": str(data)}
    told = wavetrain("run", "chile_2010", "--set", edges, "--set", "time.end=16000", cwd=tmp_path, more=more)
    assert told.returncode == 0, told.stderr
    result = json.loads((tmp_path / "runs/chile_2010/validate/result.json").read_text())
    (buoy,) = result["gauges"].values()
    assert 0.1 < buoy["first_crest"] < 0.4
    assert abs(buoy["lag"]) < 900.0  # an even ocean is some minutes quicker
    assert result["summary"]["compared"] == 1


@pytest.mark.slow
def test_the_page_does_as_it_says(tmp_path, data):
    path = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])
    env = dict(os.environ) | {"WAVETRAIN_DATA": str(data), "PATH": path}
    run_script(script("docs/chile_2010.md", quick=False), tmp_path, ROOT, env, 1800.0)
    for name in ("chile_2010", "ocean", "pacific_2010"):
        assert (tmp_path / "runs" / name / "report.html").exists(), name
    for name in ("chile_mesh.png", "chile.tif", "buoy.csv"):
        assert (tmp_path / name).exists(), name
    assert {tag for tag, _ in blocks((ROOT / "docs/chile_2010.md").read_text())} == {"sh", "toml"}
