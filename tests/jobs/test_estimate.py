"""What a run is thought to take, beside what it takes."""

import pytest

from jobs import sites
from jobs.estimate import estimate
from jobs.limits import as_seconds
from jobs.requests import requests
from jobs.slurm import jobs
from pipeline import campaign as campaigns
from pipeline.params import build
from solvers.core.comm import Serial
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
    assert 0.9 < found.steps / summary["steps"] < 1.3  # steps change with the depth, and are cut at frames
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
