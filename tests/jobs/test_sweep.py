"""Sweeps: many runs of one case, several at a time."""

import json
import os
from pathlib import Path

import pytest
from conftest import wait_for, wavetrain
from running import begun

from jobs.campaign.page import write_page
from jobs.local import record
from pipeline.report import page as report

CASE = """
[mesh]
kind = "rectangle"
width = 4.0
height = 4.0
size = 0.5
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 1.0, centre = [2.0, 2.0] }
[time]
end = 1.0
every = 0.5
"""


@pytest.fixture
def campaign(tmp_path):
    (tmp_path / "case.toml").write_text(CASE)

    def write(sweep: str) -> Path:
        (tmp_path / "sweep.toml").write_text(f'[run.sea]\ncase = "case.toml"\n[sweep]\n{sweep}\n')
        return tmp_path

    return write


def test_a_sweep_runs_and_is_not_run_again_and_its_page_draws_some_and_lists_all(campaign, monkeypatch):
    folder = campaign('"mesh.size" = [0.5, 0.25]\n"solver.order" = [1, 2]')
    done = wavetrain("run", "sweep.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    cells = [json.loads((folder / "out" / f"sea-{i:03d}" / "summary.json").read_text())["cells"] for i in range(4)]
    assert cells[0] == cells[1] < cells[2] == cells[3]
    again = wavetrain("run", "sweep.toml", "--out", "out", cwd=folder)
    assert again.stdout.count("done before, unchanged") == 4
    monkeypatch.setattr(report, "MOST_DRAWN", 2)
    page = write_page(record.read(folder / "out"), folder / "out").read_text()
    assert page.count("<img") == 2
    assert all(page.count(f"<td>sea-{i:03d}</td>") == 1 for i in range(4))


def test_what_fails_does_not_stop_the_others(campaign):
    folder = campaign('"solver.boundary" = [{ nowhere = { kind = "wall" } }, {}]')
    done = wavetrain("run", "sweep.toml", "--out", "out", cwd=folder)
    assert done.returncode == 2
    assert "error: sea-000: no side 'nowhere'" in done.stderr
    assert (folder / "out" / "sea-001" / "run.h5").exists()


def test_a_sweep_that_is_stopped_goes_on_with_the_same_command(campaign):
    folder = campaign('"mesh.size" = [0.06, 0.061, 0.062]')
    with begun("run", "sweep.toml", "--out", "out", cwd=folder) as process:
        for i in range(min(2, os.cpu_count() or 1)):
            wait_for(folder / "out" / f"sea-{i:03d}" / "progress.json")
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "goes on" in said
    done = wavetrain("run", "sweep.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert all((folder / "out" / f"sea-{i:03d}" / "run.h5").exists() for i in range(3))
