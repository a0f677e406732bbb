"""Stage `compress` from end to end: tsunami and Kuramoto-Sivashinsky runs, its place in a campaign, its page."""

import json
from pathlib import Path

import numpy as np
import pytest
from any_field import Case, write
from conftest import done, page_of_stages
from distributed import Client, LocalCluster

from pipeline.compression.make import Request
from pipeline.compression.target import Target
from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.stages import compress
from pipeline.stages.compress import Params
from pipeline.store.check import validate
from pipeline.store.reader import Store, read_result
from solvers.core.comm import Serial
from solvers.core.run import run_case

HUMP = {
    "mesh": {"kind": "rectangle", "width": 12.0, "height": 8.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 2.0, "centre": [5.0, 4.0]}},
    "time": {"end": 2.0, "every": 0.1},
    "gauges": {"east": [8.0, 4.0]},
}
CHAOS = {
    "mesh": {"kind": "box", "length": 32.0, "points": 128},
    "solver": {"kind": "ks", "terms": ["-u*u_x", "-u_xx", "-u_xxxx"], "members": 2},
    "time": {"end": 60.0, "every": 0.5, "dt": 0.05},
}
PLANE = {"mesh": {"kind": "box", "length": [32.0, 32.0], "points": [32, 32]}, "time": {"end": 10.0, "every": 0.5, "dt": 0.05}}


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as connected:
        yield connected


def run(folder: Path, table) -> Path:
    folder.mkdir(parents=True)
    run_case(case.parse(table, folder), folder, Serial())
    return folder / "run.h5"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    tables = {
        "triangles": HUMP,
        "line": CHAOS,
        "plane": {"solver": {**CHAOS["solver"], "terms": ["-0.5*u_x**2", "-u_xx", "-u_xxxx"]}, **PLANE},
    }
    return {name: run(folder / name, table) for name, table in tables.items()}


@pytest.mark.parametrize("kind", ["triangles", "line", "plane"])
def test_every_kind_of_mesh_is_compressed_within_its_bound(runs, kind, client, tmp_path):
    result = compress.run({"run": runs[kind]}, Params(bound="0.1%"), client, tmp_path)
    assert validate(tmp_path / "archive.h5") == "wavetrain-archive-2"
    with Store(runs[kind]) as before, Store(tmp_path / "archive.h5") as after:
        assert after.mesh_kind == kind
        for name in before.fields:
            wanted, found = before.field(name).compute(), after.field(name).compute()
            assert found.dtype == wanted.dtype and np.abs(wanted - found).max() <= 1e-3 * np.ptp(wanted)
        if kind == "triangles":
            assert np.array_equal(before.gauge("east")[1].compute(), after.gauge("east")[1].compute())
            assert np.array_equal(before.maximum("arrival").compute(), after.maximum("arrival").compute(), equal_nan=True)
    assert result["ratio"] > 5.0  # smooth in time, in doubles
    assert all(group["frames_in_block"] > 1 for group in result["groups"].values())


def test_the_result_says_why_in_words_and_in_tables(runs, client, tmp_path):
    result = compress.run({"run": runs["line"]}, Params(target_ratio=20.0), client, tmp_path)
    (codec,) = result["groups"]["u"]["codecs"]
    lines = compress.explain(result)
    assert lines[0] == "asked: 20 times smaller" and lines[2].startswith(f"u                {codec}")
    assert any("bits" in line and "codes to no bytes" in line for line in lines)
    assert "20 times smaller" in compress.describe(result)[0] and codec in compress.describe(result)[1]
    table = read_result(tmp_path / "result.h5")[f"trials/u/{codec}"]
    assert table["ratio"][0] >= 20.0 and validate(tmp_path / "result.h5") == "wavetrain-result-1"
    json.dumps(result, allow_nan=False)


def test_parameters_that_make_no_sense_are_refused():
    for said, match in (
        ({}, "no target is given"),
        ({"bound": "1%", "sample": 0}, "sample is 0"),
        ({"bound": "1%", "budget": 1e6}, "2 targets"),
        ({"bound": "1%", "mask": ()}, "mask is an empty list"),
    ):
        with pytest.raises(InputError, match=match):
            Params(**said)


@pytest.mark.parametrize(("said", "kept"), [(True, [2]), (-777, [1, 2]), ([-777.0, 7.5], [0, 1, 2])])
def test_a_mask_may_be_true_a_number_or_a_list(client, tmp_path, said, kept):
    path, special = tmp_path / "run.h5", np.array([7.5, -777.0, np.nan])
    values = np.random.default_rng(0).normal(size=(2, 1, 128))
    values[0, 0, :3] = special
    write(path, Case(values, "line", Request(Target("exact"))))
    params = build(Params, {"bound": "0.01", "codec": "zfp", "mask": said}, "stage.packed")
    compress.run({"run": path}, params, client, tmp_path)
    with Store(tmp_path / "archive.h5") as store:
        found = store.field("q").compute()[0, 0, :3]
    assert [i for i in range(3) if np.array_equal(found[i], special[i], equal_nan=True)] == kept


def test_an_archive_is_decomposed_as_a_run_in_a_campaign_and_shown_on_its_page(tmp_path):
    (tmp_path / "hump.toml").write_text(case.to_toml(HUMP))
    one = '[run.hump]\ncase = "hump.toml"\n'
    packing = '[stage.packed]\nkind = "compress"\nrun = "hump"\ntarget_error = 1e-4\n'
    (tmp_path / "packing.toml").write_text(one + packing)
    (tmp_path / "all.toml").write_text(one + '[stage.error]\nkind = "decompose"\nruns = "packed"\nreference = "hump"\n' + packing)
    out = done(tmp_path / "all.toml")
    result = json.loads((out / "error" / "result.json").read_text())["runs"]["packed"]
    packed = json.loads((out / "packed" / "result.json").read_text())
    assert result["bytes"] == (out / "packed" / "archive.h5").stat().st_size == packed["bytes"]
    mse = packed["groups"]["free_surface"]["nrmse"] ** 2
    with Store(out / "run.h5" if (out / "run.h5").exists() else out / "hump" / "run.h5") as store:
        surface = store.field("free_surface").compute()
    expected = np.sqrt(mse * (surface**2).mean())  # cells differ a little in area, which the stage weighs by
    assert np.sqrt(result["fields"]["mse"]["value"]) == pytest.approx(expected, rel=0.1)
    page = page_of_stages(tmp_path / "packing.toml", out)  # without the other stage, which has tests of its own
    assert "How little of it must be kept?" in page and (out / "packed" / "figures" / "codecs_on_a_sample.png").exists()
    before = (out / "packed" / "archive.h5").stat().st_mtime_ns
    done(tmp_path / "all.toml")
    assert (out / "packed" / "archive.h5").stat().st_mtime_ns == before  # what is done is not done again
