"""Needs of a case or campaign are looked for before anything is computed, here and at submission."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import HUMP

from jobs.campaign import cluster
from jobs.campaign.catalogue import HERE
from jobs.campaign.execute import execute
from jobs.campaign.stages import do_stages
from pipeline.core import campaign as campaigns
from pipeline.core import data
from pipeline.core.errors import InputError
from pipeline.core.provenance import digest

GAUGE = "[gauges]\nfront = [2.5, 3.0]\n"
OBSERVED = '[observed]\nsource = "me"\ncomparison = "laboratory"\nseries = { file = "gauges.txt", columns = { front = 1 } }\n'
RASTER = HUMP.replace('{ kind = "flat", depth = 1.0 }', '{ kind = "raster", file = "bed.txt" }')
WAVE = HUMP.replace("[time]", 'boundary.west = { kind = "incident", wave = { kind = "series", file = "wave.txt" } }\n[time]')
LINE = '[mesh]\nkind = "box"\nlength = 8.0\npoints = 32\n[solver]\nkind = "ks"\n[time]\nend = 0.1\nevery = 0.1\ndt = 0.1\n'
CAMPAIGN = '[run.a]\ncase = "sub/case.toml"\n[stage.budget]\nkind = "decompose"\nruns = ["a"]\nreference = "observed"\n'
DISCOVER = '[run.a]\ncase = "case.toml"\n[stage.terms]\nkind = "discover"\nobserved = "file"\nfile = "states.h5"\nforecast = "a"\n'


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No data, and no network."""
    monkeypatch.delenv("WAVETRAIN_DATA", raising=False)
    monkeypatch.setattr(data, "_fetch", lambda name: None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("how", [{"dry_run": True}, {}, {"on": "local_slurm", "dry_run": True}, {"on": "local_slurm"}], ids=str)
@pytest.mark.parametrize(
    ("case", "said"),
    [
        (RASTER, "run case: no file 'bed.txt' in"),
        (WAVE, "run case: no file 'wave.txt' in"),
        (HUMP + GAUGE + OBSERVED, "stage validate: no file 'gauges.txt' in"),
        (HUMP + GAUGE + OBSERVED.replace("front", "frnt"), "did you mean 'front'?"),
    ],
    ids=["raster", "wave", "series", "gauge"],
)
def test_what_is_missing_is_refused_by_name_before_anything_is_computed(tmp_path, case, said, how):
    (tmp_path / "case.toml").write_text(case)
    with pytest.raises(InputError) as error:
        execute(Path("case.toml"), quiet=True, **how)
    assert said in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_all_that_is_missing_is_told_and_a_sweep_tells_it_once(tmp_path):
    (tmp_path / "case.toml").write_text(RASTER + GAUGE + OBSERVED)
    (tmp_path / "campaign.toml").write_text(
        CAMPAIGN.replace("sub/", "").replace("[stage", 'sweep = { "mesh.size" = [2.0, 1.0] }\n[stage').replace('["a"]', '"a"')
    )
    with pytest.raises(InputError) as error:
        execute(Path("campaign.toml"), quiet=True, dry_run=True)
    assert "run a-000 and 1 more: no file 'bed.txt'" in str(error.value)
    assert "stage budget: no file 'gauges.txt'" in str(error.value)
    with pytest.raises(InputError) as error:
        execute(Path("campaign.toml"), quiet=True, dry_run=True, only="a-001")
    assert "gauges.txt" not in str(error.value)


@pytest.fixture
def no_workers(monkeypatch):
    """Stages on a client that has none: for those that do not get as far as to ask."""
    monkeypatch.setattr(cluster, "client", lambda say, small: contextlib.nullcontext(SimpleNamespace(status="running")))


def test_observations_that_stand_beside_a_case_serve_a_campaign_that_stands_elsewhere(tmp_path, no_workers):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "case.toml").write_text(HUMP + GAUGE + OBSERVED)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    with pytest.raises(InputError, match=r"stage budget: no file 'gauges\.txt' in .* nor in .*sub"):
        execute(Path("campaign.toml"), quiet=True, dry_run=True)
    times = np.linspace(0.0, 0.5, 11)
    np.savetxt(tmp_path / "sub" / "gauges.txt", np.stack([times, 0.01 * np.sin(6.0 * times)], axis=1))
    execute(Path("campaign.toml"), quiet=True, dry_run=True)
    execute(Path("campaign.toml"), quiet=True)  # the stage finds them too
    assert (tmp_path / "runs" / "campaign" / "budget" / "result.json").exists()


def test_a_file_of_states_is_looked_for(tmp_path):
    (tmp_path / "case.toml").write_text(LINE)
    (tmp_path / "campaign.toml").write_text(DISCOVER)
    with pytest.raises(InputError, match=r"stage terms: no file 'states\.h5'"):
        execute(Path("campaign.toml"), quiet=True, dry_run=True)
    (tmp_path / "states.h5").touch()
    execute(Path("campaign.toml"), quiet=True, dry_run=True)


def test_what_can_be_fetched_is_fetched_as_it_is_looked_for(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="it could not be fetched"):
        execute(Path("monai"), quiet=True, dry_run=True, out=tmp_path / "out")
    asked = []
    (tmp_path / "Benchmark_2_Bathymetry.txt").write_text("0 0 1\n0 4 1\n6 0 -0.2\n6 4 -0.2\n")  # what is fetched is looked into
    (tmp_path / "Benchmark_2_input.txt").write_text("0 0\n22.5 0\n")
    monkeypatch.setattr(data, "_fetch", lambda name: asked.append(name) or tmp_path / Path(name).name)
    execute(Path("monai"), quiet=True, dry_run=True, out=tmp_path / "out")
    assert list(dict.fromkeys(asked)) == [
        "nthmp/bp7_monai_valley/Benchmark_2_Bathymetry.txt",
        "nthmp/bp7_monai_valley/Benchmark_2_input.txt",
    ]


def test_what_is_done_needs_its_files_no_more(tmp_path, monkeypatch):
    (tmp_path / "case.toml").write_text(WAVE)
    np.savetxt(tmp_path / "wave.txt", [[0.0, 0.0], [1.0, 0.01]])
    execute(Path("case.toml"), quiet=True)
    monkeypatch.setitem(data.FETCHABLE, "wave.txt", ("nowhere", digest(tmp_path / "wave.txt")))
    (tmp_path / "wave.txt").unlink()
    execute(Path("case.toml"), quiet=True)
    with pytest.raises(InputError, match=r"no file 'wave\.txt'"):
        execute(Path("case.toml"), quiet=True, force=True)


@pytest.mark.parametrize("name", ["conical_island", "conical_island_a"])
def test_a_copy_of_a_case_finds_the_series_that_come_along(tmp_path, name):
    (tmp_path / "mine.toml").write_text((HERE / "cases" / f"{name}.toml").read_text())
    execute(Path("mine.toml"), quiet=True, dry_run=True)


def test_a_stage_that_fails_is_named(tmp_path, no_workers):
    (tmp_path / "case.toml").write_text(HUMP)
    (tmp_path / "campaign.toml").write_text(
        '[run.a]\ncase = "case.toml"\n[stage.budget]\nkind = "validate"\nrun = "a"\n[stage.other]\nkind = "decompose"\n'
        'runs = "a"\nreference = "exact"\n'
    )
    said: list[str] = []
    campaign = campaigns.read(Path("campaign.toml"))
    failed = do_stages(campaign, campaign.stages, tmp_path, forced=(), say=said.append)  # their run is not there
    for name in ("budget", "other"):
        assert str(failed[name]).startswith(f"stage {name} failed: ")
        assert any(line.startswith(f"FAILED: stage {name} failed: ") for line in said)
        assert "ERROR" in (tmp_path / name / "log.txt").read_text()
