"""Stage `friction`: which laws a tsunami model lacks, from fields and gauges of a truth, and what it refuses."""

import json
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import done, page_of_stages, wavetrain

from jobs.campaign.stages import model_of
from jobs.commands.describe import describe
from jobs.local import record
from pipeline.core import campaign as campaigns
from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.stages import discover, friction
from pipeline.store.check import validate
from pipeline.store.reader import Store, read_result
from solvers.core.comm import Serial
from solvers.core.run import run_case

CHANNEL = {
    "mesh": {
        "kind": "rectangle",
        "width": 12.0,
        "height": 0.9,
        "size": 0.4,
        "bathymetry": {"kind": "beach", "depth": 0.3, "slope": 0.08, "toe": 6.0},
    },
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.15, "width": 2.0, "centre": [0.0, 0.3]}},
    "time": {"end": 8.0, "every": 0.25},
    "gauges": {"deep": [3.0, 0.45], "shoal": [8.5, 0.45]},
}
TRUE = 0.03**2  # n^2 of the truth
LAW = "manning**2"
SAME_NUMERICS = 1e-5  # of n^2: the truth's frames are the forecasts' own, and what is left at the fixed point is round-off


def run(folder: Path, **changes) -> Path:
    folder.mkdir(parents=True)
    run_case(case.parse(case.with_overrides(CHANNEL, changes), folder), folder, Serial())
    return folder / "run.h5"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Runs by name: the truth to its end, models only as long as they must be."""
    folder = tmp_path_factory.mktemp("runs")
    known: dict[str, Path] = {}

    def one(name, **changes) -> Path:
        if name not in known:
            known[name] = run(folder / name, **changes)
        return known[name]

    one("truth", **{"solver.manning": 0.03})
    return one


def model(made, name="smooth", **changes) -> Path:
    return made(name, **{"time.end": 0.25} | changes)


def find(observed, forecast, folder, **params):
    folder.mkdir(exist_ok=True)
    inputs = {"observed": observed, "forecast": (forecast, model_of(forecast, "laws"))}
    return friction.run(inputs, friction.Params(**{"resamples": 5} | params), None, folder)


def lacks(result):
    return {key: c["value"] for key, c in result["coefficients"].items()}


@pytest.mark.parametrize("seen", ["all", "fields", "gauges"])
def test_fields_and_gauges_name_mannings_law_and_the_corrected_model_is_the_truth(made, tmp_path, seen):
    result = find(made("truth"), model(made), tmp_path, seen=seen)
    assert lacks(result) == pytest.approx({LAW: TRUE}, rel=SAME_NUMERICS)
    assert result["data"]["seen"] == (["fields", "gauges"] if seen == "all" else [seen])
    assert result["settings"] == pytest.approx({"linear_drag": 0.0, "quadratic_drag": 0.0, "manning": 0.03}, rel=SAME_NUMERICS)
    assert result["says"].startswith("the model lacks manning**2 +0.0009")
    assert result["warnings"] == []
    forecast = result["forecast"]
    assert forecast["begins"] == result["data"]["to"] == 4.0  # frames that are judged were not used
    before, after = forecast["model"], forecast["corrected"]
    assert after["surface_rmse"] < 1e-4 * before["surface_rmse"]
    for gauge in ("deep", "shoal"):
        assert after["gauges"][gauge] < 1e-4 * before["gauges"][gauge]
    json.dumps(result, allow_nan=False)
    validate(tmp_path / "result.h5")


def test_the_corrected_case_is_the_model_with_the_law_and_runs(made, tmp_path):
    result = find(made("truth"), model(made), tmp_path / "friction")
    table = tomllib.loads((tmp_path / "friction" / result["case"]).read_text())
    assert table["solver"]["manning"] == pytest.approx(0.03, rel=SAME_NUMERICS)
    assert set(table["solver"]) == {"kind", "initial", "manning"}  # no law that neither has
    out = done(tmp_path / "friction" / "corrected.toml")
    with Store(out / "run.h5") as corrected, Store(made("truth")) as truth:
        assert corrected.field("depth")[1].compute() == pytest.approx(truth.field("depth")[1].compute(), abs=1e-8)


@pytest.mark.slow
def test_noisy_fields_and_gauges_say_more_together(made, tmp_path):
    """1 % of noise on every value: within four deviations, of 4 % each at most; and two things that were seen say more than the better of
    them, by as much as their deviations promise if they were independent: within a fifth, as each has its own noise."""
    truth = made("longer", **{"time.end": 12.0, "solver.manning": 0.03})
    found = {seen: find(truth, model(made), tmp_path, seen=seen, noise=0.01) for seen in ("fields", "gauges", "all")}
    deviation = {}
    for seen, result in found.items():
        assert set(lacks(result)) == {LAW}
        deviation[seen] = result["coefficients"][LAW]["deviation"]
        assert abs(lacks(result)[LAW] - TRUE) < 4.0 * deviation[seen] < 0.16 * TRUE
        assert result["misfit"] == pytest.approx(1.0, abs=0.15)
    assert deviation["all"] == pytest.approx((deviation["fields"] ** -2 + deviation["gauges"] ** -2) ** -0.5, rel=0.2)


@pytest.mark.parametrize("wrong", [{"solver.manning": 0.05}, {"solver.quadratic_drag": 0.012}], ids=["too much", "another law"])
def test_a_wrong_friction_is_put_right(made, tmp_path, wrong):
    (key,) = wrong
    result = find(made("truth"), model(made, key, **wrong), tmp_path, seen="fields")
    assert result["settings"] == pytest.approx({"linear_drag": 0.0, "quadratic_drag": 0.0, "manning": 0.03}, rel=SAME_NUMERICS)
    table = tomllib.loads((tmp_path / "corrected.toml").read_text())["solver"]
    assert table.get("quadratic_drag", 0.0) == 0.0  # written where the model had it


def test_nothing_can_be_said_of_a_model_that_is_the_truth(made, tmp_path):
    result = find(made("truth"), model(made, "same", **{"solver.manning": 0.03}), tmp_path)
    assert result["says"].startswith("nothing can be said: none of the 3 candidates stands out")
    assert (result["settings"], result["terms"], result["case"], result["forecast"]["corrected"]) == (None, [], None, None)
    assert not (tmp_path / "corrected.toml").exists()


def test_forecasts_know_when_a_wave_comes_in(made, tmp_path):
    """The model's forecasts begin amid the wave, which the boundary lets in at its own time."""
    wave = {"kind": "incident", "wave": {"kind": "solitary", "height": 0.03, "depth": 0.3}}
    table = {"solver.boundary": {"west": wave}, "solver.initial": {"kind": "rest"}}
    truth = made("rough wave", **table, **{"solver.manning": 0.03})
    result = find(truth, model(made, "wave", **table), tmp_path, after=1.0)
    assert lacks(result) == pytest.approx({LAW: TRUE}, rel=SAME_NUMERICS)
    assert result["forecast"]["corrected"]["surface_rmse"] < 1e-4 * result["forecast"]["model"]["surface_rmse"]


def test_gauges_of_a_truth_with_another_start_are_left_out_and_said(made, tmp_path):
    other = model(made, "other start", **{"solver.initial.height": 0.1})
    result = find(made("truth"), other, tmp_path)
    assert result["data"]["seen"] == ["fields"]
    assert lacks(result) == pytest.approx({LAW: TRUE}, rel=SAME_NUMERICS)
    assert any("begins with another state" in line for line in result["warnings"])
    with pytest.raises(InputError, match="begins with another state than the model's case"):
        find(made("truth"), other, tmp_path, seen="gauges")


@pytest.mark.parametrize("seen", ["gauges", pytest.param("fields", marks=pytest.mark.slow)])
def test_a_truth_of_another_scheme_gives_no_law_that_does_not_help(made, tmp_path, seen):
    """On so coarse a mesh the schemes differ by more than the runs' own accuracy. Gauges and fields ask for n within 2 %, but the loop
    comes to no end, or to a law that leaves most of the difference. So nothing is said, and what was tried is shown."""
    truth = made("roe", **{"solver.manning": 0.03, "solver.riemann": "roe"})
    result = find(truth, model(made), tmp_path, seen=seen)
    reasons = ("the loop came to no fixed point", "the 3 candidates do not explain what the model misses")
    assert result["says"].removeprefix("nothing can be said: ").startswith(reasons)
    assert result["tried"][LAW]["value"] == pytest.approx(TRUE, rel=0.1)
    assert (result["said"], result["explained"], result["settings"], result["case"]) == (False, False, None, None)
    assert result["forecast"]["corrected"] is None
    assert not (tmp_path / "corrected.toml").exists()


def test_the_library_can_be_narrower(made, tmp_path):
    result = find(made("truth"), model(made), tmp_path, seen="gauges", library=("linear_drag", LAW))
    assert set(lacks(result)) == {LAW}
    assert set(result["not_found"]) == {"linear_drag"}


def test_tables_hold_the_profile_and_the_gauges_and_can_be_shown(made, tmp_path, capsys):
    find(made("truth"), model(made), tmp_path, seen="gauges")
    tables = read_result(tmp_path / "result.h5")
    profile = tables["profile"]
    assert (np.diff(profile["place"]) >= 0.0).all()
    assert profile["corrected"] == pytest.approx(profile["truth"], abs=1e-6)
    assert np.abs(profile["model"] - profile["truth"]).max() > 1e-3
    assert tables["gauges/deep"]["truth"][0] == tables["gauges/deep"]["model"][0]  # forecasts begin with the truth
    assert tables["error/model"]["error"][0] == 0.0
    describe(tmp_path / "result.h5")
    assert "deep/" in capsys.readouterr().out


CAMPAIGN = """
[run.truth]
case = "channel.toml"
set = { "solver.manning" = 0.03 }
[run.model]
case = "channel.toml"
set = { "time.end" = 0.25 }
[stage.friction]
kind = "discover"                 # as campaigns of earlier versions have it
observed = "truth"
forecast = "model"
seen = "gauges"
"""


def test_a_campaign_of_an_earlier_version_is_taken_and_said_and_names_the_friction_on_its_page(tmp_path):
    (tmp_path / "channel.toml").write_text(case.to_toml(CHANNEL))
    (tmp_path / "all.toml").write_text(CAMPAIGN)
    told, out = wavetrain("run", "all.toml", "--out", "done", cwd=tmp_path), tmp_path / "done"
    said = 'NOTE: [stage.friction]: kind = "discover" of such a model is kind = "friction" now; taken as such'
    assert [line for line in told.stdout.splitlines() if "NOTE" in line] == [said], told.stderr
    recorded = record.read(out)
    assert [(stage.kind, stage.params.seen) for stage in recorded.stages] == [("friction", "gauges")]
    assert recorded.notes == ()
    page = page_of_stages(tmp_path / "all.toml", out)
    assert "The model lacks manning**2 +0.0009" in page
    assert "<code>manning = 0.03</code>" in page
    assert "h<sup>4/3</sup>" in page
    figures = {path.stem for path in (out / "friction" / "figures").iterdir()}
    assert figures == {"profile", "gauges_held_out", "posteriors", "error_of_the_free_surface"}


BEFORE = {  # a stage as earlier versions recorded it, with all keys
    "file": "", "noise": 0.01, "seed": 0, "after": 0.0, "every": 1, "library": [], "columns": "response", "chance": 0.001,
    "resamples": 50, "held_out": 0.5, "starts": 5, "sought": "model", "seen": "fields", "folder": "/some/where",
}  # fmt: skip


def parsed(**table):
    runs = {name: {"case": CHANNEL} for name in ("truth", "model")}
    runs["line"] = {"case": CHANNEL | {"solver": {"kind": "ks"}}}
    kept = {"kind": "compress", "run": "model", "bound": "exact"}
    entry = {"kind": "discover", "observed": "truth", "forecast": "model"} | table
    return campaigns.parse({"run": runs, "stage": {"one": entry, "kept": kept}}, Path())


def test_the_keys_that_a_stage_had_before_are_read_and_those_of_terms_refused():
    for campaign in (parsed(**BEFORE), parsed(**BEFORE, forecast="kept")):
        (one,) = (stage for stage in campaign.stages if stage.name == "one")
        assert (one.kind, one.params) == ("friction", friction.Params(noise=0.01, seen="fields"))
        assert len(campaign.notes) == 1
    again = parsed(kind="friction", noise=0.01, seen="fields")
    assert (again.stages, again.notes) == (parsed(**BEFORE).stages, ())
    for key, value in (("noise_level", 0.1), ("sought", "scheme"), ("file", "seen.h5")):
        with pytest.raises(InputError, match=rf"unknown key 'stage\.one\.{key}'"):
            parsed(**{key: value})
    with pytest.raises(
        InputError, match=r"names 'file'; there are: .*; \[stage\.one\]: kind = \"discover\" of such a model is kind = \"friction\" now"
    ):
        parsed(observed="file")
    for recorded in ({}, {"seen": "all"}):
        line = parsed(forecast="line", **recorded)
        assert ([stage.kind for stage in line.stages if stage.name == "one"], line.notes) == (["discover"], ())
    with pytest.raises(InputError, match=r"unknown key 'stage\.one\.seen'"):
        parsed(forecast="line", seen="gauges")


def refused(said, observed, forecast, folder, **params):
    with pytest.raises(InputError) as error:
        find(observed, forecast, folder, **params)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_cannot_be_sought_is_told_in_one_line(made, tmp_path):
    truth, smooth = made("truth"), model(made)
    given = truth, smooth, tmp_path
    refused("there is no law 'maning**2'; did you mean 'manning**2'?; there are: linear_drag, quad", *given, library=("maning**2",))
    refused("the law 'linear_drag' is given twice", *given, library=("linear_drag", "linear_drag"))
    deaf = model(made, "deaf", **{"gauges": {}})
    refused("no gauge is in both; 'truth' has deep, shoal, the model none", truth, deaf, tmp_path, seen="gauges")
    moved = model(made, "moved", **{"gauges.deep": [4.0, 0.45]})
    refused("gauge 'deep' stands at (3.0, 0.45) m in 'truth' and at (4.0, 0.45) m in the model", truth, moved, tmp_path)
    coarse = model(made, "coarse", **{"mesh.size": 0.6})
    refused("observed and model stand on different meshes", truth, coarse, tmp_path)
    refused("step = 0.3 is no multiple of the time 0.25 s between the frames", *given, step=0.3)
    refused("states = 90: 'truth' has 9 frames 0.5 s apart", *given, states=90, step=0.5)
    refused("states = 1: ", *given, states=1, step=0.5)
    refused("has 1 frames after t = 8 s; at least 2 are needed", *given, after=8.0)
    for key, low in (("states", 1), ("resamples", 0), ("seed", 0)):
        with pytest.raises(InputError, match=f"{key} = -1; it must be at least {low}"):
            friction.Params(**{key: -1})
    with pytest.raises(InputError, match=r"held_out = 1\.0; it must be below 1"):
        friction.Params(held_out=1.0)


def test_truth_and_model_of_two_solvers_are_refused(made, tmp_path):
    box = {"mesh": {"kind": "box", "length": 32.0, "points": 16}, "solver": {"kind": "ks"}}
    box |= {"time": {"end": 0.2, "every": 0.1, "dt": 0.1}}
    (tmp_path / "line").mkdir()
    run_case(case.parse(box, tmp_path), tmp_path / "line", Serial())
    line = tmp_path / "line" / "run.h5"
    refused("the observed run 'line' stands on a line, the model on triangles", line, model(made), tmp_path)
    with pytest.raises(InputError, match="solver 'ks' has nothing that can be changed: no laws; there is one of: tsunami"):
        model_of(line, "laws")
    with pytest.raises(InputError, match="the observed run 'truth' stands on triangles; terms are sought on a line"):
        discover.run({"observed": made("truth"), "forecast": (line, model_of(line, "forecaster"))}, discover.Params(), None, tmp_path)


def test_an_unfinished_truth_is_refused(made, tmp_path):
    (tmp_path / "half").mkdir()
    path = tmp_path / "half" / "run.h5"
    path.write_bytes(made("truth").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["complete"] = np.int32(0)
    refused("is not finished", path, model(made), tmp_path)
