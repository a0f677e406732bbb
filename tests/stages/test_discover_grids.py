"""Stage `discover` on other grids than a line that the model takes: states in a plane, thinned ones, and any number of observed points."""

import h5py
import numpy as np
import pytest
from conftest import long

from jobs.campaign.stages import model_of
from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.spectral.grids import seen_at
from pipeline.stages import discover
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case

LINE = {
    "mesh": {"kind": "box", "length": 32.0, "points": 128},
    "solver": {"kind": "ks", "terms": ["-u*u_x", "-u_xx", "-u_xxxx"]},
    "time": {"end": 32.0, "every": 0.02, "dt": 2e-3},
}
GRADIENT = ["-0.5*u_x**2 - 0.5*u_y**2"]
LINEAR = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy"]
PLANE = {
    "mesh": {"kind": "box", "length": [14.0, 12.0], "points": [24, 24]},
    "solver": {"kind": "ks", "terms": LINEAR + GRADIENT, "initial": {"kind": "random", "amplitude": 1.0, "modes": 2}},
    "time": {"end": 28.0, "every": 0.1, "dt": 0.02},
}
SMALL = {"resamples": 5, "starts": 2}
ON_LINE = {"library": ("u", "u*u_x", "u_xx", "u_xxx")}
ON_PLANE = {"library": ("u", "u_x**2", "u_y**2", "u_x*u_y", "u_xx", "u_yy", "u_xxx", "u_xxyy")}
NOISY = {"members": 60, "states": 40}


def run(folder, table, **changes):
    folder.mkdir(parents=True)
    run_case(case.parse(case.with_overrides(table, changes), folder), folder, Serial())
    return folder / "run.h5"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs by name: the truths, and models that lack a term."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        "line": run(folder / "line", LINE),
        "line lacks u*u_x": run(folder / "lacking", LINE, **{"solver.terms": LINE["solver"]["terms"][1:], "time.end": 0.02}),
        "plane": run(folder / "plane", PLANE),
        "plane lacks u_x**2": run(folder / "flat", PLANE, **{"solver.terms": [*LINEAR, "-0.5*u_y**2"], "time.end": 0.1}),
    }


def find(observed, model, folder, **params):
    folder.mkdir(exist_ok=True)
    return discover.run(
        {"observed": observed, "forecast": (model, model_of(model, "forecaster"))}, discover.Params(**SMALL | params), None, folder
    )


def write(path, truth, frames, points, noise=0.0, gaps=0.0):
    """A user's file with frames of a run as seen at other points, and the deviation of its noise."""
    with Store(truth) as store:
        times, u, lengths = store.times[frames], store.field("u")[frames, 0].compute(), store.mesh()["length"]
    u = seen_at(u, points)
    level = noise * u.std()
    rng = np.random.default_rng([5])
    u = u + level * rng.normal(size=u.shape)
    with h5py.File(path, "w") as file:
        file["time"], file["u"], file["length"] = times, np.where(rng.random(u.shape) < gaps, np.nan, u), lengths
    return {"file": str(path), "noise_level": float(level)}


def right(result, key, exact):
    assert set(result["coefficients"]) == {key}
    found = result["coefficients"][key]
    assert abs(found["value"] - exact) < 5.0 * found["deviation"]
    return found["deviation"]


@pytest.mark.parametrize("count", [98, long(101), long(126)])
def test_any_number_of_points_is_as_good_as_the_model_s_without_noise(runs, tmp_path, count):
    seen = write(tmp_path / "seen.h5", runs["line"], slice(800, None), (count,))
    result = find("file", runs["line lacks u*u_x"], tmp_path, **seen, **ON_LINE)
    assert right(result, "u*u_x", -1.0) < 1e-6
    assert result["data"]["points"] == [count]
    assert result["forecast"]["corrected"]["valid"] == result["forecast"]["longest"]


@pytest.mark.parametrize("count", [long(98), 101, long(126)])
def test_any_number_of_points_is_as_good_as_the_model_s_with_noise(runs, tmp_path, count):
    seen = write(tmp_path / "seen.h5", runs["line"], slice(800, None, 10), (count,), 0.01)
    result = find("file", runs["line lacks u*u_x"], tmp_path, **seen, **ON_LINE, **NOISY, step=0.2, points=64)
    assert right(result, "u*u_x", -1.0) < 2e-3
    assert result["warnings"] == []


def test_noise_and_the_default_library_name_one_term_of_24(runs, tmp_path):
    result = find(runs["line"], runs["line lacks u*u_x"], tmp_path, noise=0.01, step=0.2, after=16.0, held_out=0.4, points=64, **NOISY)
    assert right(result, "u*u_x", -1.0) < 2e-3
    assert len(result["not_found"]) == 23
    assert result["warnings"] == []


@pytest.mark.slow
def test_noisy_states_in_a_plane_name_the_term(runs, tmp_path):
    result = find(runs["plane"], runs["plane lacks u_x**2"], tmp_path, noise=0.01, after=18.0, **ON_PLANE, **NOISY)
    assert right(result, "u_x**2", -0.5) < 0.01
    assert result["data"]["kind"] == "trajectory"
    assert result["misfit"] == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / result["data"]["samples"]))
    assert result["forecast"]["model"]["valid"] < result["forecast"]["corrected"]["valid"]


def test_too_few_members_for_the_waves_of_a_plane_are_refused(runs, tmp_path):
    with pytest.raises(
        InputError, match=r"20 members are too few for these states and 8 candidates: .*; set members = (\d+), or give"
    ) as error:
        find(runs["plane"], runs["plane lacks u_x**2"], tmp_path, noise=0.01, states=40, after=18.0, members=20, **ON_PLANE)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_noisy_plane_of_odd_points_with_gaps_is_found_from_and_forecast_from(runs, tmp_path):
    seen = write(tmp_path / "seen.h5", runs["plane"], slice(180, None), (27, 21), 0.01, gaps=0.1)
    result = find("file", runs["plane lacks u_x**2"], tmp_path, **seen, **ON_PLANE, **NOISY)
    assert right(result, "u_x**2", -0.5) < 0.01
    assert 0.08 < result["data"]["not_observed"] / (40 * 27 * 21) < 0.12
    assert result["forecast"]["model"]["valid"] < result["forecast"]["corrected"]["valid"]


@pytest.mark.parametrize("points", [long(None), (26, 27)])
def test_a_plane_is_found_from_without_noise_at_other_points(runs, tmp_path, points):
    """Thinned by two, and at points that the model does not take. The truth's own points resolve it to 3e-5 of its deviation, and a
    third as many to 1e-4 (amplitude of the shortest waves): unless that is said, more remains than the states' accuracy explains."""
    given = {"every": 2} if points is None else write(tmp_path / "seen.h5", runs["plane"], slice(100, None), points)
    given |= {**ON_PLANE, "step": 0.1, "after": 12.0}
    source = "file" if points else runs["plane"]
    result = find(source, runs["plane lacks u_x**2"], tmp_path, **given, accuracy=3e-5 if points else 1e-4)
    assert result["coefficients"]["u_x**2"]["value"] == pytest.approx(-0.5, rel=1e-3)
    unsaid = find(source, runs["plane lacks u_x**2"], tmp_path, **given)
    assert unsaid["tried"]["u_x**2"]["value"] == pytest.approx(-0.5, rel=1e-3)
    assert unsaid["says"].endswith("times the states' own accuracy")
