"""Stage `decompose` from end to end: what it measures of real runs, and what it refuses."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import done, page_of_stages
from distributed import Client, LocalCluster

from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.stages import decompose
from pipeline.stages.decompose import compare as fields
from pipeline.stages.decompose import pairs
from pipeline.store.check import validate
from pipeline.store.layout import field_names
from pipeline.store.reader import Store, read_result
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.tsunami.reference import write_exact

HUMP = {
    "mesh": {"kind": "rectangle", "width": 28.0, "height": 28.0, "size": 1.2, "origin": [-14.0, -14.0]}
    | {"bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 2.5}},
    "time": {"end": 2.0, "every": 0.25},
    "gauges": {"east": [5.0, 0.0]},
}


def run(folder: Path, **changes) -> Path:
    folder.mkdir(parents=True)
    run_case(case.parse(case.with_overrides(HUMP, changes), folder), folder, Serial())
    return folder / "run.h5"


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as connected:
        yield connected


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    sizes = {"coarse": 1.6, "fine": 0.4}
    return {name: run(folder / name, **{"mesh.size": size}) for name, size in sizes.items()}


@pytest.fixture(scope="module")
def exact(runs) -> Path:
    return write_exact(runs["coarse"], runs["coarse"].with_name("exact.h5"))


def compare(runs, reference, client, folder, **params):
    return decompose.run({"runs": runs, "reference": reference}, decompose.Params(**{"resamples": 20} | params), client, folder)


def test_parts_sum_to_the_error_in_every_frame_cell_and_scale(runs, exact, client, tmp_path):
    result = compare([runs["coarse"]], [exact], client, tmp_path)
    tables = read_result(tmp_path / "result.h5")
    frames = tables["runs/coarse/frames"]
    assert frames["bias"] + frames["amplitude"] + frames["phase"] == pytest.approx(frames["mse"], rel=1e-12)
    with h5py.File(runs["coarse"]) as a, h5py.File(exact) as b:
        d = a["fields/free_surface"][...] - b["fields/free_surface"][...]
        area = a["mesh/face_area"][...]
    assert frames["mse"] == pytest.approx((d * d) @ area / area.sum(), rel=1e-10)
    cells = tables["runs/coarse/map"]
    assert cells["bias"] + cells["amplitude"] + cells["phase"] == pytest.approx((d * d).mean(axis=0), rel=1e-9, abs=1e-18)
    spectrum = tables["runs/coarse/frequency"]
    assert (spectrum["amplitude"] + spectrum["phase"]).sum() == pytest.approx((d * d).mean(axis=0) @ area / area.sum(), rel=1e-12)
    gauge = tables["runs/coarse/gauges/east/spectrum"]
    whole = result["runs"]["coarse"]["gauges"]["east"]
    assert (gauge["amplitude"] + gauge["phase"]).sum() == pytest.approx(whole["mse"]["value"], rel=1e-12)
    for part in ("mse", "amplitude", "phase"):
        assert 0.0 <= whole[part]["low"] <= whole[part]["high"]
    validate(tmp_path / "result.h5")
    assert any("coarse" in line for line in decompose.describe(result))


def test_bands_by_scale_stand_about_their_values(runs, exact, client, tmp_path):
    compare([runs["coarse"]], [exact], client, tmp_path, resamples=decompose.Params().resamples)
    tables = read_result(tmp_path / "result.h5")
    for table in ("frequency", "wavenumber", "gauges/east/smooth"):
        columns = tables[f"runs/coarse/{table}"]
        for name in ("amplitude", "phase", "ratio"):
            low, value, high = (columns[key] for key in (f"{name}_low", name, f"{name}_high"))
            known = np.isfinite(value)
            assert (low[known] <= high[known]).all()
            assert ((low <= value) & (value <= high))[known].mean() > 0.8


def test_a_long_series_is_taken_in_pieces_to_the_same_sums(runs, exact, client, tmp_path, monkeypatch):
    with Store(runs["coarse"]) as run, Store(exact) as reference:
        both = pairs.pair("free_surface", run, reference, 0.0)
        whole = fields.in_time(both, client, resamples=5, seed=0)
        monkeypatch.setattr(fields, "BLOCK_BYTES", 8 * 100 * 2)
        monkeypatch.setattr(fields, "LEAST_WIDTH", 100)
        parts = fields.in_time(both, client, resamples=5, seed=0)
        d = run.field("free_surface").compute() - reference.field("free_surface").compute()
    assert len(parts.frequency) < len(whole.frequency)
    for name in ("weight", "mean_d", "dd", "dr"):
        for mine, theirs in ((parts.frames, whole.frames), (parts.cells, whole.cells)):
            assert getattr(mine, name) == pytest.approx(getattr(theirs, name), rel=1e-9, abs=1e-18)
    length = round(1.0 / (parts.frequency[1] * 0.25))
    kept = len(d) // length * length
    mse = (d[:kept] ** 2).mean(axis=0) @ both.mesh["face_area"] / both.mesh["face_area"].sum()
    assert (parts.scales.amplitude + parts.scales.phase).sum() == pytest.approx(mse, rel=1e-12)


def test_a_run_beside_itself_has_no_error(runs, client, tmp_path):
    result = compare([runs["coarse"]], runs["coarse"], client, tmp_path)
    fields = result["runs"]["coarse"]["fields"]
    assert fields["mse"]["value"] == 0.0
    assert result["runs"]["coarse"]["gauges"]["east"]["mse"]["value"] == 0.0


def test_a_finer_run_serves_nearly_as_well_as_the_exact_solution(runs, exact, client, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = compare([runs["coarse"]], [exact], client, tmp_path / "a")["runs"]["coarse"]["fields"]["relative"]["value"]
    other = compare([runs["coarse"]], runs["fine"], client, tmp_path / "b")["runs"]["coarse"]["fields"]["relative"]["value"]
    assert other == pytest.approx(one, rel=0.15)  # the finer run's own error is a sixteenth
    before = (tmp_path / "b" / "coarse-reference.h5").stat().st_mtime_ns
    compare([runs["coarse"]], runs["fine"], client, tmp_path / "b")
    assert (tmp_path / "b" / "coarse-reference.h5").stat().st_mtime_ns == before  # restricted once


def test_dry_land_is_masked_and_counted(client, tmp_path):
    island = {"mesh.bathymetry": {"kind": "bump", "depth": 1.0, "height": 1.5, "width": 3.0}, "solver.initial.centre": [-8.0, 0.0]}
    coarse, fine = run(tmp_path / "coarse", **island), run(tmp_path / "fine", **{"mesh.size": 0.6, **island})
    result = compare([coarse], fine, client, tmp_path)
    assert 0.0 < result["runs"]["coarse"]["fields"]["masked"] < 0.3
    frames = read_result(tmp_path / "result.h5")["runs/coarse/frames"]
    assert np.isfinite(frames["mse"]).all()
    with h5py.File(coarse) as file:
        assert (frames["counted"] < len(file["mesh/bed"])).all()


def test_a_plane_waves_speed_and_damping_are_measured(client, tmp_path):
    wave = {"kind": "plane_wave", "amplitude": 1e-6, "wavelength": 24.0, "depth": 1.0}
    period = 24.0 / np.sqrt(9.81)
    found = []
    loaded = {"solver.gravity": 10.9, "solver.loading": 0.1}  # the same waves
    for i, (size, more) in enumerate(((1.2, {}), (0.6, {}), (1.2, loaded))):
        changes = more | {
            "mesh.periodic": ["x", "y"],
            "mesh.width": 24.0,
            "mesh.height": 6.0,  # it is the same all along y
            "mesh.origin": [-12.0, -3.0],
            "solver.stepping": "ssprk2",  # whose steps give the phase an error of second order; ssprk3 leaves hardly any
            "mesh.size": size,
            "solver.initial": wave,
            "time.end": 2.0 * period,
            "time.every": 0.1 * period,
        }
        found.append(run(tmp_path / f"wave-{i}", **changes))
    exact = [write_exact(path, path.with_name("exact.h5")) for path in found]
    result = compare(found, exact, client, tmp_path, wet=0.0)
    travel = [result["runs"][f"wave-{i}"]["travel"] for i in (0, 1, 2)]
    assert [travel[2][key] for key in ("speed", "kept")] == pytest.approx([travel[0][key] for key in ("speed", "kept")], rel=1e-6)
    assert travel[1]["points"] == pytest.approx(2.0 * travel[0]["points"], rel=0.05)
    assert 0.0 < 1.0 - travel[1]["kept"] < 0.2 * (1.0 - travel[0]["kept"])
    assert 0.0 < travel[1]["speed"] - 1.0 < 0.35 * (travel[0]["speed"] - 1.0)
    equation = next(iter(result["modified_equation"].values()))
    assert equation["order_amplitude"][0] > 2.5
    assert equation["order_phase"][0] > 1.6


def test_what_cannot_be_compared_is_told_in_one_line(runs, client, tmp_path):
    def refused(said, mine, other, **params):
        with pytest.raises(InputError) as error:
            compare([mine], other, client, tmp_path, **params)
        assert said in str(error.value)
        assert "\n" not in str(error.value)

    coarse = runs["coarse"]
    refused("different domains", run(tmp_path / "wide", **{"mesh.width": 30.0}), coarse)
    refused("no fields/elevation", coarse, runs["fine"], field="elevation")
    refused("no overlap in time", coarse, runs["fine"], window=(5.0, 6.0))
    late = tmp_path / "late" / "run.h5"
    late.parent.mkdir()
    shutil.copy(runs["fine"], late)
    with h5py.File(late, "r+") as file:
        file["time"][...] += 100.0
        del file["gauges"]
    refused("no overlap in time", coarse, late)
    odd = tmp_path / "odd" / "run.h5"
    odd.parent.mkdir()
    shutil.copy(coarse, odd)
    with h5py.File(odd, "r+") as file:
        file["fields/free_surface"].attrs["units"] = "ft"
    refused("different units", coarse, odd)
    part = tmp_path / "part" / "run.h5.part"
    part.parent.mkdir()
    shutil.copy(coarse, part)
    with h5py.File(part, "r+") as file:
        file.attrs["complete"] = np.int32(0)
    refused("is not finished", coarse, part)
    single = run(tmp_path / "single", **{"time.every": 2.0, "time.end": 2.0})
    with h5py.File(single, "r+") as file:
        file["time"].resize((1,))
        for data in (file[f"fields/{name}"] for name in field_names(file)):
            data.resize((1, data.shape[1]))
    refused("single frame", single, coarse)
    refused("has no observed series", run(tmp_path / "seen", observed={"source": "me", "comparison": "laboratory"}), "observed")


def test_a_reference_that_does_not_change_is_said_to(client, tmp_path):
    still = run(tmp_path / "still", **{"solver.initial": {"kind": "rest"}})
    result = compare([still], still, client, tmp_path)
    fields, gauge = result["runs"]["still"]["fields"], result["runs"]["still"]["gauges"]["east"]
    assert fields["relative"]["value"] is None
    assert gauge["correlation"]["value"] is None
    assert "does not change" in gauge["note"]
    json.dumps(result, allow_nan=False)
    assert any("undefined" in line for line in decompose.describe(result))


def test_a_sweep_is_compared_from_its_campaign_and_shown_on_its_page(tmp_path):
    (tmp_path / "hump.toml").write_text(case.to_toml(HUMP))
    text = '[sweep]\n"mesh.size" = [2.4, 1.2]\n[run.hump]\ncase = "hump.toml"\n'
    (tmp_path / "all.toml").write_text(text + '[stage.error]\nkind = "decompose"\nruns = "hump"\nreference = "exact"\n')
    out = done(tmp_path / "all.toml")
    result = json.loads((out / "error" / "result.json").read_text())
    assert list(result["runs"]) == ["hump-000", "hump-001"]
    errors = [facts["fields"]["relative"]["value"] for facts in result["runs"].values()]
    assert errors[1] < 0.5 * errors[0]
    assert "The best run, hump-001, is" in page_of_stages(tmp_path / "all.toml", out)
    assert {path.name for path in (out / "error" / "figures").iterdir()} == {
        "taylor_diagram.png",
        "error_map_of_hump-001.png",
        "error_against_cost.png",
    }
