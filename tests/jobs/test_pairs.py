"""Every pair of a stage, or a verb, and a solver: it works, or it is refused in one line before anything is computed."""

import contextlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from distributed import Client, LocalCluster

from jobs.campaign import execute as executing
from jobs.campaign.outlines import outline_of
from jobs.campaign.runs import do_runs
from jobs.commands import sweeps
from jobs.commands.archives import compress_file, decompress_file
from jobs.commands.describe import describe
from jobs.commands.forecast import forecast_file
from jobs.commands.judge import judge_file
from jobs.commands.trace import trace
from pipeline.core import campaign as campaigns
from pipeline.core import case, plugin
from pipeline.core.errors import InputError
from pipeline.core.outline import frame_times
from pipeline.report.page import write_report
from pipeline.stages.compress import Params as Compression
from pipeline.store.check import validate as check_file
from pipeline.store.ensemble import read_header, write_ensemble
from pipeline.store.reader import Store, read_result
from solvers.core.figures import part_of

POND: dict[str, Any] = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 2.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 0.5}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.05, "width": 1.0, "centre": [1.0, 1.0]}}
    | {"boundary": {side: {"kind": "outflow"} for side in ("west", "east", "south", "north")}},  # walls would end its exact solution
    "time": {"end": 1.0, "every": 0.25},
    "gauges": {"a": [2.0, 1.0]},
    "observed": {"source": "me", "comparison": "laboratory", "series": {"file": "a.txt", "columns": {"a": 1}}},
}
LINE: dict[str, Any] = {
    "mesh": {"kind": "box", "length": 8.0, "points": 32},
    "solver": {"kind": "ks", "terms": ["-u*u_x", "0.1*u_xx"], "members": 2},
    "time": {"end": 0.2, "every": 0.02, "dt": 0.01},
}
PLANE: dict[str, Any] = {
    "mesh": {"kind": "box", "length": [8.0, 6.0], "points": [16, 24]},
    "solver": {"kind": "ks", "terms": ["0.1*u_xx", "0.1*u_yy"]},
    "time": {"end": 0.2, "every": 0.02, "dt": 0.01},
}
CUBE: dict[str, Any] = {
    "mesh": {"kind": "box", "length": [6.0, 6.0, 6.0], "points": [8, 8, 8]},
    "solver": {"kind": "turbulence", "viscosity": 0.1},
    "time": {"end": 0.2, "every": 0.1, "dt": 0.05},
}
RUNS = {"tsunami": ["pond"], "ks": ["line", "plane"], "turbulence": ["cube"]}  # by solver
CASES = {"pond": POND, "line": LINE, "plane": PLANE, "cube": CUBE}
FINER: dict[str, dict[str, Any]] = {
    "pond": {"mesh.size": 0.3},
    "line": {"mesh.points": 48},
    "plane": {"mesh.points": [32, 24]},
    "cube": {"mesh.points": [12, 12, 12]},
}
QUICK = {"states": 1, "resamples": 0, "starts": 1}
WORKS: dict[str, dict[str, Any]] = {  # stage and run: its table
    **{f"compress {run}": {"run": run, "bound": "1%", "codec": "zfp"} for run in CASES},
    **{f"decompose {run}": {"runs": [run, f"compress_{run}"], "reference": f"finer_{run}", "resamples": 2} for run in CASES},
    "decompose-exact pond": {"runs": "pond", "reference": "exact", "resamples": 2},
    "decompose-observed pond": {"runs": ["pond", "compress_pond"], "reference": "observed", "resamples": 2},
    "validate pond": {"run": "pond"},
    "validate-archive pond": {"run": "compress_pond"},
    "discover line": {"observed": "line", "forecast": "line", "library": ["u_xx"], **QUICK},
    "discover plane": {"observed": "compress_plane", "forecast": "plane", "library": ["u_xx"], **QUICK},
    "friction pond": {"observed": "pond", "forecast": "pond", "library": ["manning**2"], "resamples": 0},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    **{f"validate {run}": ({"run": run}, "the case observes nothing") for run in ("line", "plane", "cube")},
    **{
        f"decompose-exact {run}": ({"runs": run, "reference": "exact"}, "has no exact solutions: take a finer run")
        for run in ("line", "plane", "cube")
    },
    **{
        f"decompose-observed {run}": ({"runs": run, "reference": "observed"}, "the case observes nothing")
        for run in ("line", "plane", "cube")
    },
    **{f"discover {run}": ({"observed": run, "forecast": "cube"}, "has nothing that can be changed: no forecaster") for run in CASES},
    **{
        f"friction {run}": ({"observed": "pond", "forecast": run}, "has nothing that can be changed: no laws")
        for run in ("line", "plane", "cube")
    },
    "discover pond-line": ({"observed": "pond", "forecast": "line"}, "'line' stands on a mesh of kind line, its observed run 'pond'"),
    "discover cube-plane": ({"observed": "cube", "forecast": "plane"}, "its observed run 'cube' on one of kind cube"),
    "friction line-pond": ({"observed": "line", "forecast": "pond"}, "its observed run 'line' on one of kind line"),
    "decompose-stage pond": ({"runs": "pond", "reference": "validate_pond"}, "a stage 'validate', which makes no run"),
}
for one, other in itertools.permutations(CASES, 2):
    said = f"'{one}' stands on a mesh of kind {{}}, its reference '{other}' on one of kind"
    kinds = {"pond": "triangles"}
    REFUSED[f"decompose {one}-{other}"] = ({"runs": one, "reference": other}, said.format(kinds.get(one, one)))


def table_of(stages: dict[str, dict[str, Any]], **runs: dict[str, Any]) -> dict[str, Any]:
    """A campaign of all runs, and those in ``runs``, with ``stages`` by the names of `WORKS`."""
    every = {name: {"case": CASES[name]} for name in CASES}
    every |= {f"finer_{name}": {"case": CASES[name], "set": FINER[name]} for name in CASES}
    named = {name.replace(" ", "_"): {"kind": name.split(" ")[0].split("-")[0], **table} for name, table in stages.items()}
    return {"run": every | {name: {"case": made} for name, made in runs.items()}, "stage": named}


def write(folder: Path, table: dict[str, Any]) -> Path:
    times = np.arange(0.0, 1.0, 0.05)
    np.savetxt(folder / "a.txt", np.stack([times, 0.01 * np.sin(times)], axis=1))
    path = folder / "campaign.toml"
    path.write_text(case.to_toml(table))
    return path


@pytest.fixture(scope="module", autouse=True)
def one_worker() -> Any:
    """Let one worker in this process serve all stages and verbs."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as client:

        @contextlib.contextmanager
        def here(**named: Any) -> Any:
            yield client

        with pytest.MonkeyPatch.context() as patch:
            for place in ("jobs.campaign.cluster.client", "jobs.commands.archives.client"):
                patch.setattr(place, here)
            yield


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, one_worker: Any) -> Path:
    """All that works, done once by the command's own way, one run after the other."""
    folder = tmp_path_factory.mktemp("pairs")

    def in_turn(runs: Any, folder: Path, comm: Any, ranks: int, at_once: int, **named: Any) -> Any:
        return do_runs(runs, folder, comm, ranks, 1, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executing, "do_runs", in_turn)
        patch.setattr(executing, "draw_page", lambda campaign, folder: folder)  # a page of so many figures takes longer than all the rest
        executing.execute(write(folder, table_of(WORKS)), out=folder / "out", quiet=True)
    return folder / "out"


def result(done: Path, stage: str) -> Any:
    return json.loads((done / stage / "result.json").read_text())


def test_no_pair_of_stage_and_solver_is_left_out():
    asked = {tuple(name.split(" ")) for name in (*WORKS, *REFUSED)}
    for stage, solver in itertools.product(plugin.kinds("pipeline.stages"), plugin.kinds("solvers")):
        for run in RUNS[solver]:
            assert any(name.split("-")[0] == stage and run in what.split("-") for name, what in asked), (stage, solver)


def test_what_is_not_refused_works_and_its_files_are_whole(done):
    for name in WORKS:
        stage = done / name.replace(" ", "_")
        assert not re.search(r"\b(NaN|Infinity)\b", (stage / "result.json").read_text()), name
        check_file(stage / "result.h5")


def test_a_page_shows_errors_on_boxes(done):
    names = ("decompose_line", "decompose_cube")
    stages = tuple(stage for stage in campaigns.parse(table_of(WORKS), done.parent).stages if stage.name in names)
    page = write_report(campaigns.Campaign("boxes", stages), done, part_of).read_text()
    for name in names:
        run = result(done, name)["runs"]
        best = min(run, key=lambda one: run[one]["fields"]["relative"]["value"])
        assert f"Error map of {best}" in page
        assert (done / name / "figures" / f"error_map_of_{best}.png").exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_refused_before_anything_is_computed(name, tmp_path):
    table, said = REFUSED[name]
    stage = {"validate pond": WORKS["validate pond"]} | {f"{name.split(' ')[0]} asked": table}
    path = write(tmp_path, table_of(stage))
    with pytest.raises(InputError) as error:
        executing.execute(path, out=tmp_path / "out", quiet=True)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.h5*"))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({**LINE, "mesh": POND["mesh"]}, "solver 'ks' needs a mesh of kind \"box\", not triangles"),
        ({**LINE, "mesh": CUBE["mesh"]}, "solver 'ks' needs a line or a plane"),
        ({**CUBE, "mesh": POND["mesh"]}, "solver 'turbulence' needs a mesh of kind \"box\" with three lengths, not triangles"),
        ({**POND, "mesh": LINE["mesh"]}, "solver 'tsunami' needs a mesh of triangles, such as kind \"rectangle\", not a line"),
        ({**LINE, "gauges": {"a": [1.0]}}, "'ks' has no gauges"),
        ({**CUBE, "gauges": {"a": [1.0, 1.0, 1.0]}}, "'turbulence' has no gauges"),
    ],
)
def test_a_solver_on_a_mesh_of_another_kind_is_refused_before_all_runs(made, said, tmp_path):
    with pytest.raises(InputError) as error:
        executing.execute(write(tmp_path, table_of({}, wrong=made)), out=tmp_path / "out", dry_run=True, quiet=True)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "stage", "said"),
    [
        ({"mesh.length": 9.0}, {"runs": "line", "reference": "other"}, "on different domains: lengths [8.0] and [9.0]"),
        ({"solver.members": 3}, {"runs": "line", "reference": "other"}, "'line' has 2 members, its reference 'other' 3"),
        ({"time.every": 0.03}, {"runs": "line", "reference": "other", "field": "v"}, "'line' will have no field 'v'; there are: u"),
        ({"time.every": 0.19, "time.end": 0.19}, {"runs": "line", "reference": "other"}, "have a single frame in common, at t = 0"),
        ({}, {"runs": "line", "reference": "other", "window": [1.0, 2.0]}, "0 to 0.2 s"),
    ],
)
def test_runs_that_do_not_fit_each_other_are_refused(changes, stage, said, tmp_path):
    other = case.with_overrides(LINE, changes)
    with pytest.raises(InputError) as error:
        executing.execute(
            write(tmp_path, table_of({"decompose asked": stage}, other=other)), out=tmp_path / "out", dry_run=True, quiet=True
        )
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"solver.initial": {"kind": "rest"}}, "the initial state 'rest'"),
        ({"mesh.bathymetry": {"kind": "beach", "depth": 0.5, "slope": 0.1}}, "even bed"),
        ({"observed": {"runup_at": {"b": {"box": [0.0, 0.0, 4.0, 2.0], "height": 0.1}}}}, "'observed.runup_at.b.box', (0, 0) to (4, 2) m,"),
        ({"observed": {"runup_at": {"b": {"box": [5.0, 0.0, 9.0, 2.0], "height": 0.1}}}}, "holds no cell of the mesh"),
        ({"observed": {"window": [2.0, 3.0]}}, "'observed.window' is [2.0, 3.0] s"),
    ],
)
def test_what_a_case_can_not_be_judged_by_is_refused_before_it_runs(changes, said, tmp_path):
    asked = case.with_overrides(POND, {key: value for key, value in changes.items() if key != "observed"})
    asked["observed"] = {**asked["observed"], **changes.get("observed", {})}
    stages = {"validate asked": {"run": "other"}, "decompose asked": {"runs": "other", "reference": "exact"}}
    with pytest.raises(InputError) as error:
        executing.execute(write(tmp_path, table_of(stages, other=asked)), out=tmp_path / "out", dry_run=True, quiet=True)
    assert said in str(error.value)


def test_the_error_on_a_box_is_that_of_its_points(done):
    """Against plain arithmetic on the files; finer points that are some of the run's own are taken as they stand."""
    for name, pick in (("plane", np.s_[:, :, :, ::2]), ("cube", None)):
        facts = result(done, f"decompose_{name}")["runs"][name]
        with h5py.File(done / name / "run.h5") as file, h5py.File(done / f"finer_{name}" / "run.h5") as finer:
            n, r = file["fields/u"][...], finer["fields/u"][...]
        if pick is not None:
            d, frames = n - r[pick], read_result(done / f"decompose_{name}" / "result.h5")[f"runs/{name}/frames"]
            assert frames["mse"] == pytest.approx((d**2).reshape(len(d), -1).mean(axis=1), rel=1e-9, abs=1e-30)
            assert frames["counted"].tolist() == [d[0].size] * len(d)
        assert facts["fields"]["missing"] == 0
        assert facts["fields"]["masked"] == 0.0


def test_an_archive_is_as_wrong_as_its_run_and_what_was_lost(done):
    for name in CASES:
        runs = result(done, f"decompose_{name}")["runs"]
        own, archive = (runs[one]["fields"]["mse"]["value"] for one in (name, f"compress_{name}"))
        assert own < 1.01 * archive  # by chance, what is lost may cancel a little of the run's own error
        assert archive < 1e-3 * runs[name]["fields"]["variance"]["value"] + 4.0 * own  # a hundredth of the range at most


def test_outlines_are_what_runs_hold(done):
    for run in campaigns.parse(table_of({}), done).runs:
        outline = outline_of(run)
        with Store(done / run.name / "run.h5") as store:
            assert outline.mesh == store.mesh_kind
            assert sorted(outline.stored.fields) == sorted(store.fields)
            assert frame_times(run.case.time) == pytest.approx(store.times, rel=1e-12)
            assert outline.stored.gauges == bool(store.gauges)
            members = store.field(next(iter(store.fields))).shape[1] if outline.stored.members else 0
            assert members == outline.stored.members


VERBS = {
    "judge": lambda file, folder: judge_file(file, None),
    "advise": lambda file, folder: sweeps.read_sweeps(folder / f"decompose_{file.parent.name}"),
    "compress": lambda file, folder: compress_file(
        file, file.with_name("small.h5"), Compression(bound="1%", codec="zfp"), force=True, explain=False
    ),
    "decompress": lambda file, folder: decompress_file(
        folder / f"compress_{file.parent.name}" / "archive.h5", file.with_name("again.h5"), force=True, salvage=False, interpolate=0
    ),
    "show": lambda file, folder: describe(file),
    "provenance": lambda file, folder: list(trace(file)),
}
SAID = {"judge": "u, v, w in a periodic cube are needed", "advise": "has no errors of one scheme at 3 resolutions or more"}


@pytest.mark.parametrize("run", CASES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_every_run_or_says_that_it_does_not(verb, run, done, capsys):
    file = done / run / "run.h5"
    if verb in SAID and (verb, run) != ("judge", "cube"):
        with pytest.raises(InputError) as error:
            VERBS[verb](file, done)
        assert SAID[verb] in str(error.value)
        assert "\n" not in str(error.value)
    else:
        VERBS[verb](file, done)


@pytest.mark.parametrize("run", CASES)
def test_forecasts_are_of_every_solver_that_has_members(run, done, tmp_path):
    with Store(done / run / "run.h5") as store:
        depth = "depth" in store.fields
        first = np.asarray(store.field("depth" if depth else "u")[0].compute())
    states = np.stack([first, 0.0 * first, 0.0 * first], axis=-1)[None] if depth else first.reshape(-1, first[0].size, 1)
    states = np.concatenate([states, states])  # two members are the least
    write_ensemble(tmp_path / "ensemble.h5", states.reshape(len(states), -1, states.shape[-1]), 0.0)
    (tmp_path / "case.toml").write_text(case.to_toml({key: value for key, value in CASES[run].items() if key != "observed"}))
    asked = (tmp_path / "ensemble.h5", tmp_path / "case.toml", 0.1, 1, tmp_path / "later.h5")
    if run == "cube":
        with pytest.raises(InputError, match="solver 'turbulence' forecasts no ensemble"):
            forecast_file(*asked)
    else:
        forecast_file(*asked)
        assert read_header(tmp_path / "later.h5").time == 0.1
