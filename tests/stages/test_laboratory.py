"""The laboratory cases, run as a user runs them: minutes, so `make test-slow`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def result_of(name: str, folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "jobs.cli", "run", name, "--ranks", "2", "--out", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    assert abs(summary["mass_drift"]) < 1e-13 * max(summary["steps"] / 1000, 1)
    return json.loads((folder / "validate" / "result.json").read_text())


def crest_errors(result: dict[str, Any]) -> list[float]:
    return [abs(gauge["first_crest_error"]) for gauge in result["gauges"].values() if gauge["judged"]]


def test_the_conical_island_case_c(tmp_path):
    result = result_of("conical_island", tmp_path)
    errors = crest_errors(result)
    assert len(errors) == 4
    assert sum(errors) / 4 <= 0.15
    assert max(errors) <= 0.25
    assert result["runup"]["mean_error"] <= 0.20


def test_the_conical_island_case_a(tmp_path):
    """Neither its run-up nor the mean of its crests is held to the laboratory's 10 %: the equations miss them (docs/benchmarks.md)."""
    result, fine = (result_of("conical_island_a", tmp_path / size, "--set", f"mesh.size={size}") for size in ("0.3", "0.2"))
    errors = crest_errors(result)
    assert len(errors) == 4
    assert max(errors) <= 0.25
    for name, gauge in result["gauges"].items():
        assert gauge["first_crest"] == pytest.approx(fine["gauges"][name]["first_crest"], rel=0.03)  # the mesh's part of the error


def test_monai_valley(tmp_path, data_file):
    data_file("nthmp/bp7_monai_valley/Benchmark_2_Bathymetry.txt")
    data_file("nthmp/bp7_monai_valley/Benchmark_2_input.txt")
    result = result_of("monai", tmp_path)
    assert set(result["gauges"]) == {"ch5", "ch7", "ch9"}
    for gauge in result["gauges"].values():
        assert gauge["misfit"] <= 0.12
        assert abs(gauge["highest_error"]) <= 0.12
    # Six experiments gave 80 to 100 mm. The equations give more, the more the better they are solved: docs/benchmarks.md.
    assert 0.0 <= result["runup_at"]["gully"]["error"] <= 0.15


def test_the_simple_beach(tmp_path):
    result = result_of("simple_beach", tmp_path)
    assert abs(result["runup_at"]["beach"]["error"]) <= 0.10
