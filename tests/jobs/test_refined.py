"""Meshes that a campaign refines where the error of other runs is: what is reached, done again, refused, and given to SLURM."""

import functools
import json
import shutil

import numpy as np
import pytest
from conftest import HUMP

from jobs.campaign.execute import execute
from jobs.campaign.refined import KEPT
from jobs.campaign.status import status
from jobs.local import record
from jobs.slurm import graph
from pipeline.core import campaign as campaigns
from pipeline.core.errors import InputError
from pipeline.stages.decompose.indicator import indicated
from pipeline.store.reader import Store
from solvers.tsunami.reference import write_exact

CASE = (
    HUMP.replace("10.0", "60.0")
    .replace("width = 1.2, centre = [5.0, 5.0]", "width = 3.0, centre = [22.0, 30.0]")
    .replace("end = 0.5", "end = 2.0")
    .replace("every = 0.25", "every = 0.5")
)
ASKED = 0.01
CAMPAIGN = f"""
[run.coarse]
case = "hump.toml"
set = {{ "mesh.size" = 2.0 }}
[run.first]
refine = {{ run = "coarse", error = "3%" }}
[run.fine]
refine = {{ run = "first", error = "{ASKED:%}" }}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder of the campaign that was run."""
    folder = tmp_path_factory.mktemp("refined")
    (folder / "hump.toml").write_text(CASE)
    (folder / "campaign.toml").write_text(CAMPAIGN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAVETRAIN_PAGE", "no")
        execute(folder / "campaign.toml", out=folder / "out", quiet=True)
    return folder


@functools.cache
def error_of(run):
    """Error of the free surface over all frames, as stage `decompose` has it, and the number of cells."""
    with Store(run) as store, Store(write_exact(run, run.with_name("exact.h5"))) as exact:
        areas = store.mesh()["face_area"]
        n, r = (one.field("free_surface").compute() for one in (store, exact))
    mean = r @ areas / areas.sum()
    return float(np.sqrt((((n - r) ** 2) @ areas).sum() / (((r - mean[:, None]) ** 2) @ areas).sum())), len(areas)


def cells_of(run):
    with Store(run) as store:
        return len(store.mesh()["face_area"])


def test_the_error_that_is_asked_for_is_reached_with_fewer_triangles(done):
    coarse, cells = error_of(done / "out" / "coarse" / "run.h5")
    reached, few = error_of(done / "out" / "fine" / "run.h5")
    uniform = cells * coarse / ASKED  # of second order: as the error falls, the triangles grow
    assert ASKED / 1.3 / 1.3 < reached < 1.3 * ASKED < 0.6 * coarse
    assert few < uniform / 3.0


def test_the_indicator_is_between_the_error_and_two_and_a_half_times_it_on_coarse_and_refined_meshes(done):
    ratios = [
        error_of(path)[0] / indicated(path).relative for path in (done / "out" / name / "run.h5" for name in ("coarse", "first", "fine"))
    ]
    assert 0.4 < min(ratios) <= max(ratios) < 1.0  # never less than the error


def test_the_case_of_a_refined_run_stands_for_itself(done, tmp_path):
    execute(done / "out" / "fine" / "case.toml", out=tmp_path / "again", quiet=True)
    with Store(tmp_path / "again" / "run.h5") as again, Store(done / "out" / "fine" / "run.h5") as before:
        assert again.field("free_surface").compute().tobytes() == before.field("free_surface").compute().tobytes()


def test_what_is_done_stays_and_other_sizes_are_done_again(done, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    place, out = done / "campaign.toml", tmp_path / "out"
    shutil.copytree(done / "out", out)  # which other tests look at
    before = (out / "fine" / "run.h5").stat().st_mtime_ns
    execute(place, out=out)
    assert (out / "fine" / "run.h5").stat().st_mtime_ns == before
    assert "refined from" not in capsys.readouterr().out
    (done / "other.toml").write_text(CAMPAIGN.replace(f"{ASKED:%}", "2%"))
    execute(done / "other.toml", out=out, quiet=True)
    assert json.loads((out / "fine" / KEPT).read_text())["error"] == 0.02
    assert cells_of(out / "fine" / "run.h5") < cells_of(out / "coarse" / "run.h5") * 3


def test_status_and_slurm_have_the_runs_in_their_order(done):
    found = status(done / "out")
    assert [step.state for step in found.steps] == ["done", "done", "done"]
    read = record.read(done / "out")
    assert [run.needs for run in read.runs] == [(), ("coarse",), ("coarse", "first")]
    jobs = graph.jobs(read, {"first", "fine"}, page=False)
    assert [(job.name, job.needs) for job in jobs] == [("first", ("coarse",)), ("fine", ("coarse", "first"))]
    assert read.after(["coarse"]) == {"coarse", "first", "fine"}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('refine = { run = "corse", error = "2%" }', "'run.fine.refine.run' names 'corse'; did you mean 'coarse'?"),
        ('refine = { run = "coarse" }', "key 'run.fine.refine.error' is missing"),
        ('refine = { run = "coarse", error = "2" }', "'run.fine.refine.error' is '2'; it must be a fraction"),
        ('refine = { run = "coarse", error = 2.0 }', "it must be a fraction between 0 and 1"),
        ("refine = { run = [], error = 0.02 }", "must be the name of a run or a sweep"),
        ('refine = { runs = "coarse", error = 0.02 }', "unknown key 'run.fine.refine.runs'; did you mean 'run'?"),
        ('case = "hump.toml"\nrefine = { run = "coarse", error = 0.02 }', "'run.fine.case' beside 'run.fine.refine'"),
        ('refine = { run = "fine", error = 0.02 }', "wait for each other: fine -> fine"),
        ('refine = { run = "line", error = 0.02 }', "whose mesh 'box' takes no map of edge lengths"),
        ('refine = { run = "round", error = 0.02 }', "sizes and periodic do not go together"),
        ('refine = { run = ["coarse", "late"], error = 0.02 }', "'coarse' and 'late', which differ in more than the size"),
    ],
)
def test_what_can_not_be_refined_is_refused_by_name(entry, told, tmp_path):
    (tmp_path / "hump.toml").write_text(CASE)
    text = f"""
[run.coarse]
case = "hump.toml"
[run.late]
case = "hump.toml"
set = {{ "time.end" = 3.0 }}
[run.round]
case = "hump.toml"
set = {{ "mesh.periodic" = ["x"] }}
[run.line]
case = {{ mesh = {{ kind = "box", points = [8], length = [1.0] }}, solver = {{ kind = "ks" }}, time = {{ end = 1.0, every = 1.0 }} }}
[run.fine]
{entry}
"""
    (tmp_path / "campaign.toml").write_text(text)
    with pytest.raises(InputError) as error:
        campaigns.read(tmp_path / "campaign.toml")
    assert told in str(error.value)


def test_an_error_beyond_the_finest_edges_is_refused_and_only_a_run_that_can_be_done_is_begun(done, tmp_path, monkeypatch):
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    (done / "tiny.toml").write_text(CAMPAIGN.replace(f"{ASKED:%}", "0.0001%"))
    with pytest.raises(InputError, match=r"run fine: an error of 1e-06 takes edges of less than 0.125 m, a 16th of the case's"):
        execute(done / "tiny.toml", out=done / "out", quiet=True)
    with pytest.raises(InputError, match="--only fine: it reads coarse, first, not done yet"):
        execute(done / "campaign.toml", out=tmp_path / "new", only="fine", quiet=True)
