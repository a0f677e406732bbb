"""Stage `discover` from end to end: what it finds, what it is worth, and what it refuses."""

import json
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import done, page_of_stages
from distributed import Client, LocalCluster

from jobs.campaign.stages import model_of
from pipeline.core import campaign, case
from pipeline.core.errors import InputError
from pipeline.discovery.library import default_library
from pipeline.discovery.model import Steps, dt_max_of, responses
from pipeline.stages import discover
from pipeline.stages.discover.prediction import course
from pipeline.store.check import validate
from pipeline.store.reader import Store, read_result
from pipeline.terms.parser import parse_terms
from solvers.core.comm import Serial
from solvers.core.run import run_case

TRUTH = {
    "mesh": {"kind": "box", "length": 32.0, "points": 128},
    "solver": {"kind": "ks", "terms": ["-u*u_x", "-u_xx", "-u_xxxx"]},
    "time": {"end": 32.0, "every": 0.02, "dt": 2e-3},
}
LACKS = ["-u_xx", "-u_xxxx"]  # -u*u_x
SMALL = {"library": ("u", "u*u_x", "u_xx", "u_xxx"), "resamples": 5, "starts": 2, "after": 16.0}


def run(folder: Path, **changes) -> Path:
    folder.mkdir(parents=True)
    run_case(case.parse(case.with_overrides(TRUTH, changes), folder), folder, Serial())
    return folder / "run.h5"


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Path:
    return run(tmp_path_factory.mktemp("runs") / "truth")


@pytest.fixture(scope="module")
def lacking(tmp_path_factory) -> Path:
    return short(tmp_path_factory.mktemp("runs") / "lacking", terms=LACKS)


def short(folder: Path, terms=LACKS, **changes) -> Path:
    return run(folder, **{"solver.terms": terms, "time.end": 0.02, **changes})


@pytest.fixture(scope="module")
def seen(truth, tmp_path_factory) -> Path:
    return observations(truth, tmp_path_factory.mktemp("seen") / "seen.h5")


def observations(truth: Path, path: Path, frames=slice(800, None), noise=0.0, edit=lambda times, u: (times, u)) -> Path:
    """A user's file with frames of a run."""
    with Store(truth) as store:
        times, u = store.times[frames], store.field("u")[frames, 0].compute()
    u = u + noise * u.std() * np.random.default_rng([3]).normal(size=u.shape)
    times, u = edit(times, u)
    with h5py.File(path, "w") as file:
        file["time"], file["u"], file["length"] = times, u, 32.0
    return path


def find(observed, lacking, folder, client=None, **params):
    folder.mkdir(exist_ok=True)
    model = lacking, model_of(lacking, "forecaster")
    return discover.run({"observed": observed, "forecast": model}, discover.Params(**SMALL | params), client, folder)


def test_pairs_of_a_run_name_the_term_and_the_corrected_case_is_the_truth(truth, lacking, tmp_path):
    result = find(truth, lacking, tmp_path, library=())
    assert set(result["coefficients"]) == {"u*u_x"}
    assert result["coefficients"]["u*u_x"]["value"] == pytest.approx(-1.0, rel=1e-6)
    assert result["equation"] == "u_t = -u_xx - u_xxxx - u*u_x"
    assert result["latex"] == r"u_{t} = - u_{xx} - u_{xxxx} - u \, u_{x}"
    assert result["says"].startswith("the model lacks u*u_x -1")
    assert len(result["not_found"]) == len(default_library()) - 1
    assert result["runner_up"]["behind"] > 10.0
    assert result["forecast"]["corrected"]["valid"] == result["forecast"]["longest"]  # to the end of what was held out
    assert result["forecast"]["model"]["valid"] < 0.5 * result["forecast"]["longest"]
    assert result["forecast"]["corrected"]["first_error"]["error"] < 1e-6
    json.dumps(result, allow_nan=False)
    validate(tmp_path / "result.h5")
    tables = read_result(tmp_path / "result.h5")
    assert tables["course"]["corrected"] == pytest.approx(tables["course"]["truth"], abs=1e-3)
    assert discover.describe(result)[1] == result["equation"]


def test_wavetrain_runs_the_corrected_case_as_it_is(truth, lacking, tmp_path):
    result = find(truth, lacking, tmp_path / "terms")
    text = (tmp_path / "terms" / "corrected.toml").read_text()
    assert tomllib.loads(text)["solver"]["terms"] == tomllib.loads(result["toml"])["terms"] == result["terms"]
    out = done(tmp_path / "terms" / "corrected.toml")
    with Store(out / "run.h5") as store, Store(truth) as exact:
        later = exact.field("u")[1].compute()
        assert np.abs(store.field("u")[1].compute() - later).max() < 1e-6 * np.abs(later).max()


def test_noise_asks_for_a_trajectory_and_the_interval_covers_the_coefficient(truth, lacking, tmp_path):
    result = find(truth, lacking, tmp_path, noise=0.01, states=40, step=0.2, members=60, points=64, held_out=0.4)
    assert result["data"]["kind"] == "trajectory"
    (key,) = result["coefficients"]
    assert key == "u*u_x"
    found = result["coefficients"][key]
    assert abs(found["value"] + 1.0) < 5.0 * found["deviation"]
    assert found["deviation"] < 2e-3
    assert result["misfit"] == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / result["data"]["samples"]))
    assert result["warnings"] == []
    assert result["forecast"]["model"]["valid"] < 0.5 * result["forecast"]["longest"] == 0.5 * result["forecast"]["corrected"]["valid"]


@pytest.mark.parametrize(("times", "said"), [(0.5, "more noise"), (2.0, "less noise")])
def test_a_wrong_noise_level_is_warned_of_both_ways(truth, lacking, tmp_path, times, said):
    level = times * 0.01 * 1.28  # the states' deviation is 1.2 to 1.4
    params = {"noise": 0.01, "noise_level": level, "states": 40, "step": 0.2, "members": 60, "points": 64, "held_out": 0.4}
    result = find(truth, lacking, tmp_path, **params)
    assert any(said in line for line in result["warnings"])


def test_nothing_is_said_where_the_term_is_no_candidate_and_what_was_tried_is_shown_as_such(truth, lacking, tmp_path):
    (tmp_path / "corrected.toml").write_text("left by an earlier run")
    result = find(truth, lacking, tmp_path, library=("u", "u**2", "u_x", "u_xxx", "u_xx"))
    assert result["says"].startswith("nothing can be said: the 5 candidates do not explain what the model misses; what remains is ")
    assert result["says"].endswith(" times the states' own accuracy")
    nothing = {
        "said": False,
        "explained": False,
        "coefficients": {},
        "equation": None,
        "latex": None,
        "terms": [],
        "toml": None,
        "case": None,
    }
    assert {key: result[key] for key in nothing} == nothing
    assert result["tried"]
    assert not (tmp_path / "corrected.toml").exists()
    assert result["forecast"]["corrected"] is None
    assert result["forecast"]["tried"]["valid"] >= 0.0
    assert "corrected" not in result["forecast"]["sentence"]
    lines = discover.describe(result)
    assert lines[1].startswith("tried, and not said: ")
    told = discover.answer(result, tmp_path)
    assert told.sentence.startswith("Nothing can be said: the 5 candidates do not explain")
    assert "Tried, and not said: " in told.sentence
    assert (told.equation, told.then) == ("", "See what was tried, and what would have been seen.")
    validate(tmp_path / "result.h5")
    tables = read_result(tmp_path / "result.h5")
    assert {"tried", "error/tried"} <= set(tables)
    assert not {"coefficients", "error/corrected"} & set(tables)
    assert "corrected" not in tables["course"]
    json.dumps(result, allow_nan=False)


def test_terms_that_make_no_forecast_better_are_not_said(truth, lacking, tmp_path, monkeypatch):
    def unhelpful(advance, terms, states, step, steps):
        """The corrected model, tried on what was held out, is as good as a forecast that blows up."""
        after = advance(terms, states, step, steps)
        return (
            after * np.nan
            if len(states) == SMALL["starts"] and any(t.key == "u*u_x" and abs(t.coefficient) > 0.5 for t in terms)
            else after
        )

    model = model_of(lacking, "forecaster")
    model = replace(model, advance=partial(unhelpful, model.advance))
    result = discover.run({"observed": truth, "forecast": (lacking, model)}, discover.Params(**SMALL), None, tmp_path)
    assert result["explained"]
    assert result["says"] == "nothing can be said: with the terms found the forecasts of what was held out are no better"
    assert (result["said"], result["case"], list(result["tried"])) == (False, None, ["u*u_x"])
    assert ", with what was tried for 0.0" in result["forecast"]["sentence"]


def test_the_states_accuracy_can_be_said_and_is_that_of_what_is_stored(truth, lacking, tmp_path):
    def rounded(times, u):
        return times, u.astype(np.float32)

    single = observations(truth, tmp_path / "single.h5", edit=rounded)
    given = {"file": str(single), "after": 0.0}
    result = find("file", lacking, tmp_path, **given)
    assert result["coefficients"]["u*u_x"]["value"] == pytest.approx(-1.0, rel=1e-4)
    assert 6e-8 < result["data"]["accuracy"] < 6e-7
    assert not find("file", lacking, tmp_path, **given, accuracy=1e-8)["said"]


def test_a_source_and_a_constant_are_found_and_their_case_runs(lacking, tmp_path):
    pushed = run(tmp_path / "pushed", **{"solver.terms": [*LACKS, "-u*u_x", "0.3*cos(4*pi*x/L)", "0.1"], "time.end": 6.0, "time.dt": 5e-3})
    model = short(tmp_path / "model", [*LACKS, "-u*u_x"])
    library = ("1", "cos(4*pi*x/L)", "sin(4*pi*x/L)", "sin(u)", "u", "u_xxx")
    result = find(pushed, model, tmp_path / "terms", library=library, after=2.0)
    values = {key: c["value"] for key, c in result["coefficients"].items()}
    assert values == pytest.approx({"1": 0.1, "cos(4*pi*x/L)": 0.3}, rel=1e-4)
    assert result["equation"] == "u_t = -u_xx - u_xxxx - u*u_x + 0.1 + 0.3*cos(4*pi*x/L)"
    done(tmp_path / "terms" / "corrected.toml")
    blind = find(pushed, model, tmp_path / "blind", library=("u", "u**2", "u**3", "u_x"), after=2.0)
    assert (blind["said"], blind["case"]) == (False, None)
    refused("over the period 32", pushed, model, tmp_path, library=("cos(x)",))


def test_nothing_can_be_said_of_a_model_that_is_the_truth(truth, tmp_path):
    (tmp_path / "corrected.toml").write_text("left by an earlier run")
    result = find(truth, short(tmp_path / "same", TRUTH["solver"]["terms"]), tmp_path)
    assert result["says"].startswith("nothing can be said: none of the 4 candidates stands out")
    assert (result["equation"], result["terms"], result["case"], result["runner_up"]) == (None, [], None, None)
    assert not (tmp_path / "corrected.toml").exists()
    assert result["forecast"]["corrected"] is None
    json.dumps(result, allow_nan=False)


@pytest.fixture
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as connected:
        yield connected


def test_workers_change_no_bit(truth, lacking, client, tmp_path):
    model = model_of(lacking, "forecaster")
    with Store(truth) as store:
        states = store.field("u")[800::40, 0].compute()
    alone, spread = Steps(model.advance, 0.005), Steps(model.advance, 0.005, client)
    library = default_library()
    for mine, other in zip(
        responses(alone, model.terms, library, states, 0.02, (32.0,)),
        responses(spread, model.terms, library, states, 0.02, (32.0,)),
        strict=True,
    ):
        assert np.array_equal(mine, other)
    assert np.array_equal(alone(model.terms, states, 0.02), spread(model.terms, states, 0.02))  # one model: states are split
    there, here = (find(truth, lacking, tmp_path / name, workers) for name, workers in (("there", client), ("here", None)))
    assert there["coefficients"] == here["coefficients"] and there["forecast"] == here["forecast"]


def test_time_steps_are_as_short_as_the_accuracy_asks(truth, lacking):
    advance, terms = model_of(lacking, "forecaster").advance, parse_terms(TRUTH["solver"]["terms"])
    with Store(truth) as store:
        states = store.field("u")[800:804, 0].compute()
    fine = advance(terms, states, 0.1, 1024)
    taken = [dt_max_of(advance, terms, states, 0.1, accuracy) for accuracy in (1e-4, 1e-8)]
    assert taken[1] < taken[0]
    errors = [np.abs(advance(terms, states, 0.1, round(0.1 / dt)) - fine).max() for dt in taken]
    assert errors[0] < 1.1e-4 * states.std()
    assert errors[1] < 1.1e-8 * states.std()


def test_a_plane_lacks_its_diffusion_across(tmp_path):
    plane = {"mesh.length": [6.0, 4.0], "mesh.points": [32, 24], "time.end": 1.0, "solver.initial": {"kind": "random", "modes": 3}}
    heat = run(tmp_path / "heat", **plane, **{"solver.terms": ["0.1*u_xx", "0.03*u_yy", "-u*u_x"]})
    model = short(tmp_path / "along", ["0.1*u_xx", "-u*u_x"], **plane | {"time.end": 0.02})
    result = find(heat, model, tmp_path / "terms", library=("u_x", "u_y", "u_xx", "u_yy", "u*u_y"), after=0.0)
    assert {key: c["value"] for key, c in result["coefficients"].items()} == pytest.approx({"u_yy": 0.03}, rel=1e-5)
    tomllib.loads((tmp_path / "terms" / "corrected.toml").read_text())


def test_values_that_were_not_observed_are_masked_and_counted(truth, lacking, tmp_path):
    def holes(times, u):
        u[1::2, 10:30] = np.nan  # a pair has its later state there
        return times, u

    file = observations(truth, tmp_path / "holes.h5", edit=holes)
    result = find("file", lacking, tmp_path, file=str(file), after=0.0)
    assert result["coefficients"]["u*u_x"]["value"] == pytest.approx(-1.0, rel=1e-6)
    assert result["data"]["not_observed"] == 4 * 20
    assert "80 of 1,024 values were not observed, and are left out" in result["warnings"]


def test_a_noisy_file_with_gaps_is_found_from_and_forecast_from(truth, lacking, tmp_path):
    def holes(times, u):
        return times, np.where(np.random.default_rng([4]).random(u.shape) < 0.2, np.nan, u)

    file = observations(truth, tmp_path / "seen.h5", slice(800, None, 10), 0.01, holes)
    with h5py.File(file) as data:
        level = 0.01 * float(np.nanstd(data["u"][...]))
    params = {"file": str(file), "noise_level": level, "states": 40, "members": 60, "points": 64, "after": 0.0, "held_out": 0.4}
    result = find("file", lacking, tmp_path, **params)
    assert set(result["coefficients"]) == {"u*u_x"}
    assert result["data"]["step"] == pytest.approx(0.2)
    assert 0.1 < result["data"]["not_observed"] / (40 * 128) < 0.3
    assert result["forecast"]["model"]["valid"] < 0.5 * result["forecast"]["longest"] == 0.5 * result["forecast"]["corrected"]["valid"]


def test_uneven_steps_are_used_as_they_are_with_noise_and_paired_without(truth, lacking, tmp_path):
    def uneven(times, u):
        kept = np.sort(np.random.default_rng([6]).permutation(len(times))[: len(times) // 2])
        return times[kept], u[kept]

    file = observations(truth, tmp_path / "uneven.h5", edit=uneven)
    result = find("file", lacking, tmp_path, file=str(file), after=0.0, step=0.02)
    assert result["coefficients"]["u*u_x"]["value"] == pytest.approx(-1.0, rel=1e-6)
    coarse = observations(truth, tmp_path / "coarse.h5", slice(800, None, 5), 0.01, uneven)
    noisy = {"file": str(coarse), "noise_level": 0.0128, "states": 30, "members": 60, "points": 64, "after": 0.0}
    result = find("file", lacking, tmp_path, **noisy)
    assert set(result["coefficients"]) == {"u*u_x"}
    assert any(line.startswith("steps are uneven, 0.1 to ") for line in result["warnings"])


def test_a_state_that_blows_up_is_dropped_counted_and_said(truth, lacking, tmp_path):
    def huge(times, u):
        u[: len(u) // 8] *= 3.0  # of the 4 pairs the first is among them
        return times, u

    file = observations(truth, tmp_path / "huge.h5", edit=huge)
    violent = short(tmp_path / "violent", ["-u_xx", "-u_xxxx", "u^3"])
    result = find("file", violent, tmp_path, file=str(file), after=0.0, library=("u*u_x", "u_xxx"))
    assert result["data"]["dropped"] == [0]
    assert any(line.startswith("1 states were dropped") for line in result["warnings"])


def test_a_forecast_that_blows_up_is_no_longer_valid():
    leads, exact = np.arange(4.0), np.ones((4, 1, 8))

    def doubled(u, gap):
        return np.where(u > 1.5, np.nan, 2.0 * u)

    found = course(doubled, exact[0], leads, exact, 10.0)
    assert found.error[:2, 0] == pytest.approx([0.0, 0.1])
    assert found.valid == pytest.approx([2.0])
    assert found.lost.all()


def refused(said, *arguments, **params):
    with pytest.raises(InputError) as error:
        find(*arguments, **params)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_be_sought_is_told_in_one_line(truth, lacking, tmp_path):
    given = lacking, tmp_path
    refused("no multiple of the frames' spacing 0.02 of 'truth'; the nearest are 0.02 and 0.04", truth, *given, step=0.03)
    refused("'v_x'", truth, *given, library=("v_x",))
    refused("apart from t = 16 to 24; 900 are asked for: ", truth, *given, states=900)
    refused("'truth' has 81 states a member from t = 16 to 24; 100 are asked for: 19 more are needed", truth, *given, noise=0.01)
    refused("has the length 32, the model 30", truth, short(tmp_path / "long", **{"mesh.length": 30.0}), tmp_path)
    refused("has 128 points, the model 64", truth, short(tmp_path / "coarse", **{"mesh.points": 64}), tmp_path)
    refused("every = 3 does not divide the 128 points", truth, *given, every=3)
    wild = replace(model_of(lacking, "forecaster"), terms=parse_terms(["1e9*u^3"]))
    with pytest.raises(InputError, match="blows up from all 4 states"):
        discover.run({"observed": truth, "forecast": (lacking, wild)}, discover.Params(**SMALL), None, tmp_path)
    refused('write observed = "file"', truth, *given, file="seen.h5")
    with pytest.raises(InputError, match="every = 0; it must be at least 1"):
        discover.Params(every=0)


def test_a_file_that_is_no_observation_is_told_in_one_line(truth, lacking, tmp_path, seen):
    def changed(name, edit):
        return str(observations(truth, tmp_path / name, slice(800, 900), edit=edit))

    given = "file", lacking, tmp_path
    refused("needs the parameter file", *given)
    refused("no file", *given, file=str(tmp_path / "none.h5"))
    refused("has no dataset 'time'", *given, file=str(_empty(tmp_path)))
    refused("frame 3 is not later", *given, file=changed("back.h5", lambda t, u: (np.where(np.arange(len(t)) == 3, 0.0, t), u)))
    refused("do not fit", *given, file=changed("shape.h5", lambda t, u: (t[:-1], u)))
    refused("noise is added to a run's states only", *given, file=str(seen), noise=0.01)
    refused(
        "have gaps in the earlier state",
        *given,
        file=changed("gaps.h5", lambda t, u: (t, np.where(np.arange(128) < 5, np.nan, u))),
        after=0.0,
    )
    square = changed("square.h5", lambda t, u: (t, np.sign(u)))  # its cube is itself
    said = refused("are collinear on these data", *given, file=square, library=("u_x", "u", "u**3"), columns="spectral", after=0.0)
    assert "u**3" in said
    wave = changed("wave.h5", lambda t, u: (t, np.exp(0.3 * t)[:, None] * np.sin(6.0 * np.pi * np.arange(128) / 128)))
    said = refused("are collinear on these data", *given, file=wave, library=(), after=0.0)
    assert said.startswith("the candidates u, u_xx; ")
    twice = changed("twice.h5", lambda t, u: (t, np.concatenate([u, u[:, :1]], axis=1)))
    refused("along x the last point of u repeats the first: leave it out", *given, file=twice, after=0.0)
    window = changed("window.h5", lambda t, u: (t, u[:, :90]))
    refused("along x u does not repeat itself: from the last point to the first its differences", *given, file=window, after=0.0)
    tilted = changed("tilted.h5", lambda t, u: (t, u + 0.1 * np.arange(128)))
    refused("does not repeat itself", *given, file=tilted, noise_level=0.01, after=0.0)
    refused("do not vary", *given, file=changed("flat.h5", lambda t, u: (t, 0.0 * u)), after=0.0)


def _empty(folder: Path) -> Path:
    with h5py.File(folder / "empty.h5", "w") as file:
        file["u"] = np.zeros((3, 8))
    return folder / "empty.h5"


def test_a_solver_without_terms_is_refused_by_name(lacking, monkeypatch):
    monkeypatch.delattr("solvers.ks.forecaster")
    with pytest.raises(InputError, match="solver 'ks' has nothing that can be changed: no forecaster; there is one of: no solver"):
        model_of(lacking, "forecaster")


def test_a_campaign_names_the_term_on_its_page(tmp_path):
    (tmp_path / "ks.toml").write_text(case.to_toml(case.with_overrides(TRUTH, {"time.end": 10.0})))
    text = '[run.truth]\ncase = "ks.toml"\n[run.model]\ncase = "ks.toml"\n'
    text += 'set = { "solver.terms" = ["-u_xx", "-u_xxxx"], "time.end" = 0.02 }\n[stage.terms]\nkind = "discover"\n'
    text += 'observed = "truth"\nforecast = "model"\nafter = 7.0\nstarts = 2\nlibrary = ["u", "u*u_x", "u_xxx"]\n[stage.blind]\n'
    text += 'kind = "discover"\nobserved = "truth"\nforecast = "model"\nafter = 7.0\nstarts = 2\nlibrary = ["u", "u_xx", "u_xxx"]\n'
    (tmp_path / "all.toml").write_text(text)
    out = done(tmp_path / "all.toml")
    page = page_of_stages(tmp_path / "all.toml", out)
    assert "The model lacks u*u_x -1" in page
    assert "<i>u</i><sub>xxxx</sub>" in page
    assert {path.name for path in (out / "terms" / "figures").iterdir()} == {
        "truth_and_forecasts.png",
        "posteriors.png",
        "growth_of_the_error.png",
    }
    assert "Nothing can be said: the 3 candidates do not explain what the model misses" in page
    assert "What was tried, and is not said of the model" in page
    assert not (out / "blind" / "corrected.toml").exists()
    assert {path.name for path in (out / "blind" / "figures").iterdir()} == {"truth_and_forecasts.png", "growth_of_the_error.png"}
    before = (out / "terms" / "result.json").stat().st_mtime_ns
    done(tmp_path / "all.toml")
    assert (out / "terms" / "result.json").stat().st_mtime_ns == before


def test_an_observed_file_that_changes_is_read_again(truth, tmp_path):
    observations(truth, tmp_path / "seen.h5", slice(800, 1200))
    (tmp_path / "ks.toml").write_text(case.to_toml(case.with_overrides(TRUTH, {"time.end": 0.02, "solver.terms": LACKS})))
    text = '[run.model]\ncase = "ks.toml"\n[stage.terms]\nkind = "discover"\nobserved = "file"\nfile = "seen.h5"\nforecast = "model"\n'
    (tmp_path / "all.toml").write_text(text + 'starts = 2\nlibrary = ["u", "u*u_x"]\n')
    assert campaign.read(tmp_path / "all.toml").stages[0].words == {"observed": "file"}
    result = done(tmp_path / "all.toml") / "terms" / "result.json"
    first = json.loads(result.read_text())
    observations(truth, tmp_path / "seen.h5", slice(900, 1300))
    done(tmp_path / "all.toml")
    second = json.loads(result.read_text())
    assert first["data"]["from"] != second["data"]["from"]
    assert first["equation"] == second["equation"]
