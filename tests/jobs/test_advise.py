"""Advice: fits that find the laws they were made from, refusals, and a proof on a real sweep."""

import json

import numpy as np
import pytest
from conftest import wavetrain
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.commands.advise import as_seconds, as_share
from jobs.commands.sweeps import fit, fit_work
from pipeline.core.errors import InputError

HUMP = """
[mesh]
kind = "rectangle"
width = 20.0
height = 20.0
size = 1.0
origin = [-10.0, -10.0]
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 3.0 }
[time]
end = 1.5
every = 0.25
"""
SWEEP = """
[sweep]
"mesh.size" = [1.0, 0.7, 0.5]
[run.hump]
case = "hump.toml"
[stage.error]
kind = "decompose"
runs = "hump"
reference = "exact"
"""
sizes = np.array([1.0, 1.5, 2.0, 4.0])


@given(st.floats(-3.0, 3.0), st.floats(0.01, 100.0))
def test_a_power_law_is_found_exactly(p, a):
    law = fit(sizes, a * sizes**p)
    assert law.p == pytest.approx(p, abs=1e-9)
    assert law.p_error < 1e-6
    assert law(3.0) == pytest.approx(a * 3.0**p, rel=1e-9)
    if abs(p) > 0.1:
        assert law.where(law(3.0)) == pytest.approx(3.0, rel=1e-9)


@given(st.floats(0.0, 10.0), st.floats(0.01, 10.0))
def test_the_cost_of_steps_and_of_cells_is_told_apart(b1, b3):
    work = fit_work(sizes, b1 * sizes + b3 * sizes**3)
    assert (work.b1, work.b3) == pytest.approx((b1, b3), rel=1e-6, abs=1e-9)
    assert 1.0 <= work.slope(2.0) <= 3.0
    assert work.where(work(3.0)) == pytest.approx(3.0, rel=1e-9)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_nine_of_ten_single_runs_lie_in_the_band(seed):
    rng = np.random.default_rng([seed])
    n = np.linspace(1.0, 4.0, 6)
    inside = 0
    for _ in range(400):
        low, high = fit(n, n**-2.0 * np.exp(0.1 * rng.standard_normal(6))).band(5.0)
        inside += low < 5.0**-2.0 * np.exp(0.1 * rng.standard_normal()) < high
    assert 0.85 < inside / 400 < 0.95


def test_shares_and_times_are_read_with_their_units():
    assert as_share("5%") == as_share("0.05") == 0.05
    assert (as_seconds("60s"), as_seconds("2 min"), as_seconds("30")) == (60.0, 120.0, 30.0)
    for wrong in ("x", "0", "-5%"):
        with pytest.raises(InputError, match="write a share"):
            as_share(wrong)
    for wrong in ("5 m", "0s", "soon"):
        with pytest.raises(InputError):
            as_seconds(wrong)


@pytest.mark.slow
def test_what_is_advised_comes_true(tmp_path):
    before_the_walls = HUMP.replace("width = 3.0", "width = 2.0").replace("end = 1.5", "end = 1.0")  # which the exact solution has not
    (tmp_path / "hump.toml").write_text(before_the_walls)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    done = wavetrain("run", "sweep.toml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    proven = wavetrain("advise", "out/error", "--error", "1%", "--prove", cwd=tmp_path)
    assert proven.returncode == 0, proven.stderr
    ratio = next(float(line.split()[-1]) for line in proven.stdout.splitlines() if line.startswith("error [1]"))
    assert ratio == pytest.approx(1.0, abs=0.15)
    assert "mesh.size = " in proven.stdout
    assert "WARNING" not in proven.stdout
    assert "1 rank(s)" in proven.stdout  # a few thousand cells are not worth two
    far = wavetrain("advise", "out/error", "--error", "0.001%", cwd=tmp_path)
    assert "WARNING: this is" in far.stdout
    spent = wavetrain("advise", "out/error", "--budget", "1s", "--ranks", "2", cwd=tmp_path)
    assert "cost 2 core-seconds" in spent.stdout
    for words, said in (
        (["out/error"], "say either --error"),
        (["out/error", "--error", "5%", "--budget", "3s"], "say either --error"),
        (["out/nothing", "--error", "5%"], "no result in"),
        (["out/error", "--error", "five"], "write a share"),
        (["out/error", "--error", "5%", "--ranks", "-1"], "--ranks -1"),
    ):
        refused = wavetrain("advise", *words, cwd=tmp_path)
        assert refused.returncode == 2
        assert said in refused.stderr
    result = json.loads((tmp_path / "out" / "error" / "result.json").read_text())
    del result["runs"]["hump-000"]
    (tmp_path / "out" / "error" / "result.json").write_text(json.dumps(result))
    assert "at 3 resolutions or more" in wavetrain("advise", "out/error", "--error", "5%", cwd=tmp_path).stderr
