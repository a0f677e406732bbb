"""Estimates of a run, beside its costs."""

import copy
import tomllib

import pytest

from jobs.local import record
from jobs.slurm import sites
from jobs.slurm.controller import Partition
from jobs.slurm.estimate import estimate
from jobs.slurm.graph import jobs
from jobs.slurm.limits import as_seconds
from jobs.slurm.requests import check, requests
from pipeline.core import campaign as campaigns
from pipeline.core.errors import InputError
from pipeline.core.params import build
from solvers.core import load
from solvers.core.comm import Serial
from solvers.core.load import load_of
from solvers.core.run import run_case

CASE = {
    "mesh": {"kind": "rectangle", "width": 10.0, "height": 10.0, "size": 1.0, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 3.0, "centre": [5.0, 5.0]}},
    "time": {"end": 4.0, "every": 0.5},
}


def site(**changes) -> sites.Site:
    return build(sites.Site, {"title": "a site", "speed": {"tsunami": 1000.0}, "bytes": {"tsunami": [700, 300]}, **changes}, "site")


@pytest.fixture
def campaign(tmp_path):
    return campaigns.parse({"run": {"sea": {"case": CASE}}}, tmp_path)


def test_cells_and_steps_are_those_of_the_run(campaign, tmp_path):
    found = estimate(campaign.runs[0], 2, site())
    summary = run_case(campaign.runs[0].case, tmp_path, Serial())
    assert found.cells == summary["cells"]
    assert 0.9 < found.steps / summary["steps"] < 1.15  # steps change with the depth
    assert found.seconds == found.cells * summary["stages"] * found.steps / 2000.0


def test_a_limit_is_within_the_sites_and_what_the_user_says_overrides_it(campaign):
    some = jobs(campaign, {"sea"})
    free, told = requests(campaign, some, 2, site(time="10-0"), {})
    assert as_seconds(free["sea"]["time"]) > 300.0
    assert int(free["sea"]["memory"].removesuffix("M")) * 2**20 > 2 * 260e6
    assert "cells" in told[0]
    short, told = requests(campaign, some, 2, site(time="1", warning=30), {})
    assert short["sea"]["time"] == "00:01:00"
    assert "queued again" in told[0]
    assert requests(campaign, some, 2, site(), {"time": "7", "memory": "9G"})[0]["sea"] == {
        "nodes": 1,
        "ranks_per_node": 0,
        "time": "7",
        "memory": "9G",
    }
    assert requests(campaign, some, 2, site(), {"time": "7"})[0]["sea"]["time"] == "7"


@pytest.mark.parametrize("name", sites.known())
def test_the_sites_that_come_along_can_be_read(name):
    assert sites.read(name).title


CUBE = {
    "mesh": {"kind": "box", "length": [6.283185307179586] * 3, "points": [16, 16, 16]},
    "solver": {"kind": "turbulence", "viscosity": 0.01},
    "time": {"end": 2.0, "every": 1.0},
}
LINE = {
    "mesh": {"kind": "box", "length": 22.0, "points": 64},
    "solver": {"kind": "ks", "members": 3},
    "time": {"end": 2.0, "every": 1.0, "dt": 0.05},
}


@pytest.mark.parametrize(("case", "cells", "steps"), [(LINE, 3 * 64, 40), (CUBE, 16**3, None)])
def test_every_solver_has_an_estimate(tmp_path, case, cells, steps):
    run = campaigns.parse({"run": {"one": {"case": case}}}, tmp_path).runs[0]
    kind = case["solver"]["kind"]
    found = estimate(run, 2, site(speed={kind: 1000.0}, bytes={kind: [0, 0, 100]}))
    assert found.cells == cells
    summary = run_case(run.case, tmp_path, Serial())
    assert 0.7 < found.steps / summary["steps"] < 1.5
    assert steps is None or summary["steps"] == steps == found.steps
    assert found.seconds == found.cells * summary["stages"] * found.steps / 2000.0
    assert found.each == 260e6 + 100 * cells / 2


def test_a_box_that_may_not_fit_here_is_tried_on_fewer_points(tmp_path, monkeypatch):
    whole = load_of(campaigns.parse({"run": {"one": {"case": CUBE}}}, tmp_path).runs[0].case)
    monkeypatch.setattr(load, "MOST_POINTS", 16**3 // 8)
    fewer = load_of(campaigns.parse({"run": {"one": {"case": CUBE}}}, tmp_path).runs[0].case)
    assert (fewer.cells, fewer.stages) == (whole.cells, whole.stages)
    assert fewer.dt == pytest.approx(whole.dt, rel=0.2)  # the vortices are as fast at other points


def test_a_case_without_a_time_step_is_refused_before_it_is_queued(tmp_path):
    case = LINE | {"time": {"end": 2.0, "every": 1.0}}
    with pytest.raises(InputError, match=r"time\.dt"):
        load_of(campaigns.parse({"run": {"one": {"case": case}}}, tmp_path).runs[0].case)


STAGES = {
    "run": {"sea": {"case": CASE, "time": "00:30:00"}, "fine": {"case": CASE, "memory": 900}},
    "stage": {
        "error": {"kind": "decompose", "runs": ["sea"], "reference": "fine"},
        "small": {"kind": "compress", "run": "sea", "bound": "1%", "time": "3:00:00", "memory": "7G"},
    },
}


def test_a_stages_work_is_all_that_it_reads_and_its_own_limits_count_first(tmp_path):
    campaign = campaigns.parse(STAGES, tmp_path)
    some = jobs(campaign, {step.name for step in campaign.steps})
    measured = site(speed={"decompose": 10.0, "compress": 10.0}, bytes={"decompose": [0, 1000]}, time="10-0", cores=4)
    found, _ = requests(campaign, some, 2, measured, {"memory": "5G"})
    cells = estimate(campaign.runs[0], 2, measured).cells
    assert as_seconds(found["error"]["time"]) == pytest.approx(300.0 + 2.0 * 2 * cells * 9 / (10.0 * 4), abs=60.0)
    mebibytes = 1.5 * (4 + 2) * (260e6 + 1000 * cells) / 2**20
    assert int(found["error"]["memory"].removesuffix("M")) == pytest.approx(mebibytes, abs=1.0)
    assert (found["small"]["time"], found["small"]["memory"]) == ("3:00:00", "7G")
    assert (found["sea"]["time"], found["sea"]["memory"], found["fine"]["memory"]) == ("00:30:00", "5G", "5G")
    assert requests(campaign, some, 2, measured, {})[0]["fine"]["memory"] == "900"
    again = campaigns.parse(tomllib.loads(record.as_toml(campaign)), tmp_path)
    assert [dict(step.limits) for step in again.steps] == [dict(step.limits) for step in campaign.steps]


def test_memory_is_asked_for_where_slurm_knows_its_nodes(tmp_path):
    campaign = campaigns.parse(STAGES, tmp_path)
    some = jobs(campaign, {"sea", "error"})
    plain = sites.Site(title="says nothing")
    assert all("memory" not in one for one in requests(campaign, some, 2, plain, {})[0].values())
    found, _ = requests(campaign, some, 2, plain, {}, Partition(4, 1e9, 2000.0))
    assert all(int(one["memory"].removesuffix("M")) <= 2000 for one in found.values())
    assert set(found) == {"sea", "error", "page"}
    with pytest.raises(InputError, match=r"stage\.small\.memory = '7G' is more than a node has for a job: 2000 MiB"):
        requests(campaign, jobs(campaign, {"small"}), 2, plain, {}, Partition(4, 1e9, 2000.0))


@pytest.mark.parametrize("where", ["run.sea", "stage.error"])
def test_a_limit_in_the_campaign_is_refused_by_its_key(tmp_path, where):
    table = copy.deepcopy(STAGES)
    section, name = where.split(".")
    table[section][name]["time"] = "1"
    with pytest.raises(InputError, match=rf"{where}\.time = '1' is 60 s"):
        check({}, campaigns.parse(table, tmp_path), site())
    table[section][name]["time"] = True
    with pytest.raises(InputError, match=rf"'{where}\.time' is True"):
        campaigns.parse(table, tmp_path)
