import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import thin_series
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.campaign.catalogue import HERE
from jobs.campaign.cluster import client
from pipeline.core import campaign, case
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.stages import validate
from pipeline.stages.core.measures import arrival, first_crest, misfit
from pipeline.stages.core.observations import Observed, read_series
from pipeline.stages.validate.runup import Places, by_direction
from pipeline.store.reader import read_result
from solvers.core.comm import Serial
from solvers.core.run import run_case

TIMES = np.linspace(0.0, 10.0, 1001)


def crest(at, height, width=0.5):
    return height * np.exp(-(((TIMES - at) / width) ** 2))


@settings(max_examples=50, deadline=None)
@given(st.floats(1.0, 4.0), st.floats(0.3, 1.0), st.floats(6.5, 9.0), st.floats(0.3, 1.0))
def test_the_first_crest_is_the_first_and_not_the_highest(first, low, second, high):
    t, height = first_crest(TIMES, crest(first, low) + crest(second, high))
    assert t == pytest.approx(first, abs=0.02)
    assert height == pytest.approx(low, rel=1e-3)


def test_ripples_are_no_crests():
    ripples = 0.02 * np.sin(40.0 * TIMES)
    assert first_crest(TIMES, crest(5.0, 1.0) + ripples)[0] == pytest.approx(5.0, abs=0.2)


@settings(max_examples=50, deadline=None)
@given(st.floats(-0.9, 0.9), st.floats(0.5, 2.0))
def test_a_shifted_series_arrives_by_the_shift_later(shift, scale):
    one, other = arrival(TIMES, crest(4.0, 1.0)), arrival(TIMES, crest(4.0 + shift, scale))
    assert other - one == pytest.approx(shift, abs=1e-3)


def test_the_misfit_is_normalised_by_the_observed_range():
    observed = np.sin(TIMES)
    assert misfit(observed + 0.1, observed) == pytest.approx(0.1 / np.ptp(observed))
    assert misfit(observed, observed) == 0.0


BEACH = {"kind": "beach", "depth": 0.5, "slope": 0.1, "toe": 12.0}
SEA: dict[str, Any] = {
    "mesh": {
        "kind": "rectangle",
        "width": 20.0,
        "height": 1.0,
        "size": 0.3,
        "bathymetry": {"kind": "beach", "depth": 0.5, "slope": 0.1, "toe": 12.0},
    },
    "solver": {"kind": "tsunami", "boundary": {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.05, "depth": 0.5}}}},
    "time": {"end": 10.0, "every": 1.0},
    "gauges": {"near": [3.0, 0.5], "far": [8.0, 0.5]},
    "observed": {"source": "made by hand", "comparison": "laboratory"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sea")
    run_case(case.parse(SEA, folder), folder, Serial())
    return folder


@pytest.fixture(scope="module")
def dask():
    with client(small=True) as connected:
        yield connected


def judge(run, dask, folder, observed):
    """The stage on the run, as if its case had observed something else."""
    import h5py

    table = {**SEA, "observed": {**SEA["observed"], **observed}}
    with h5py.File(run / "run.h5", "r+") as file:
        file.attrs["case"] = case.to_toml(table)
    return validate.run({"run": run / "run.h5"}, validate.Params(folder=str(run)), dask, folder)


def gauge_series(run):
    from pipeline.store import reader as store

    with store.open(run / "run.h5") as opened:
        return {name: tuple(part.compute() for part in opened.gauge(name)) for name in opened.gauges}


def test_a_run_judged_by_itself_has_no_error_and_the_clock_is_found(run, dask, tmp_path):
    series = gauge_series(run)
    times = series["near"][0]
    table = np.stack([times + 23.4, 100.0 * series["near"][1] + 7.0, 100.0 * series["far"][1] + 7.0], axis=1)  # cm, another zero of all
    np.savetxt(run / "laboratory.txt", table, header="time near far", fmt="%.17g")
    columns = {"near": 1, "far": 2}
    result = judge(
        run,
        dask,
        tmp_path,
        {"series": {"file": "laboratory.txt", "columns": columns, "scale": 0.01, "baseline": [23.4, 23.5]}, "align": ["near"]},
    )
    for gauge in result["gauges"].values():
        assert abs(gauge["misfit"]) < 2e-3  # the water moves a little within the baseline
        assert abs(gauge["first_crest_error"]) < 0.02
        assert abs(gauge["lag"]) < 0.01
    assert result["summary"]["accepted"] == {"mean_first_crest_error": True}
    tables = read_result(tmp_path / "result.h5")
    assert tables["gauges/far"]["observed"].max() == pytest.approx(series["far"][1].max(), abs=2e-3)
    json.dumps(result)


def test_key_figures_serve_where_there_is_no_series_and_a_series_that_is_missing_is_refused(run, dask, tmp_path):
    result = judge(run, dask, tmp_path, {"first_crest": {"near": "10 cm"}})
    assert result["gauges"]["near"]["first_crest_error"] == pytest.approx(-0.5, abs=0.02)  # 5 cm came
    assert "misfit" not in result["gauges"]["near"]
    assert result["summary"]["accepted"] == {"mean_first_crest_error": False}
    with pytest.raises(InputError, match=r"no file 'nowhere\.txt'"):
        judge(run, dask, tmp_path, {"series": {"file": "nowhere.txt", "columns": {"near": 1}}, "first_crest": {"near": "10 cm"}})


def test_the_run_up_is_the_highest_wet_bed(run, dask, tmp_path):
    from pipeline.store import reader as store

    with store.open(run / "run.h5") as opened:
        mesh, depth = opened.mesh(), opened.maximum("depth").compute()
    highest = mesh["bed"][(depth > 1e-3) & (mesh["face_x"] > 12.0)].max()
    result = judge(run, dask, tmp_path, {"runup_at": {"beach": {"box": [12.0, 0.0, 20.0, 1.0], "height": float(highest)}}})
    assert result["runup_at"]["beach"]["error"] == pytest.approx(0.0, abs=1e-12)
    assert highest > 0.02


def test_run_up_by_direction_is_counted_from_south_counterclockwise():
    angles = np.radians([0.0, 90.0, 180.0, 270.0])
    x, y = 2.0 + 3.0 * np.sin(angles), 1.0 - 3.0 * np.cos(angles)
    there = Places(x, y, np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4), 0.0)
    observed = build(
        Observed,
        {
            "source": "s",
            "comparison": "field",
            "runup": {"centre": [2.0, 1.0], "angles": [0, 90, 180, 270], "heights": [1.0, 2.0, 3.0, 2.0]},
        },
        "observed",
    )
    found = by_direction(there, np.ones(4, bool), observed.runup, {})
    assert found["computed"] == [1.0, 2.0, 3.0, 4.0]
    assert found["mean_error"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ({"first_crest": {"nera": 0.1}}, "the gauge 'nera'; did you mean 'near'?"),
        ({"comparison": "lab"}, "observed.comparison"),
        ({"runup": {"centre": [0.0, 0.0], "angles": [0, 90], "heights": [1.0]}}, "2 angles and 1 heights"),
    ],
)
def test_wrong_observations_are_refused_by_name(run, tmp_path, observed, said):
    with pytest.raises(InputError) as error:
        judge(run, SimpleNamespace(), tmp_path, observed)
    assert said in str(error.value)


LABORATORY = {"conical_island": "briggs_1995_case_c", "conical_island_a": "briggs_1995_case_a", "monai": "matsuyama_tanaka_2001"}


def observed_of(name):
    read = campaign.read(HERE / "cases" / f"{name}.toml").runs[0].case
    return read, build(Observed, read.observed, "observed")


@pytest.mark.parametrize("name", LABORATORY)
def test_key_figures_of_a_case_are_those_of_its_series(name):
    read, observed = observed_of(name)
    clock, series = read_series(observed.series, read.folder)
    if name == "monai":  # its clock is the run's
        series = {gauge: values[clock <= read.time.end] for gauge, values in series.items()}
    heights = {gauge: first_crest(clock[: len(values)], values)[1] for gauge, values in series.items()}
    assert set(observed.judge or series) <= set(observed.first_crest)
    for gauge, height in observed.first_crest.items():
        assert heights[gauge] == pytest.approx(height, abs=1.1e-4)  # both are given to a tenth of a millimetre


@pytest.mark.parametrize("name", LABORATORY)
def test_a_series_that_comes_along_is_small_even_and_says_where_it_is_from(name):
    read, observed = observed_of(name)
    text = (HERE / "cases" / observed.series.file).read_text()
    assert len(text) < 20_000
    assert text.startswith("# Source: ")
    assert "# Thinned from github.com/" in text
    clock, series = read_series(observed.series, read.folder)
    assert np.diff(clock).max() <= 0.1 + 1e-9
    assert all(np.allclose(values * 1e4, np.round(values * 1e4), atol=1e-6) for values in series.values())  # tenths of a millimetre


@pytest.mark.parametrize("name", LABORATORY)
def test_a_series_that_comes_along_is_the_whole_one_thinned(name, data_file):
    asked = thin_series.SERIES[LABORATORY[name]]
    data_file(asked.file)
    read, observed = observed_of(name)
    assert (HERE / "cases" / observed.series.file).read_text() == thin_series.thinned(asked)
    times, heights = thin_series.whole(asked)
    clock, series = read_series(observed.series, read.folder)
    for gauge, whole in zip(asked.gauges, heights.T, strict=True):
        inside = slice(None) if name != "monai" else times <= read.time.end
        some = slice(None) if name != "monai" else clock <= read.time.end
        first, there = first_crest(clock[some], series[gauge][some]), first_crest(times[inside], whole[inside])
        assert abs(first[1] - there[1]) <= 0.051e-3  # the rounding
        assert abs(first[0] - there[0]) <= 0.05 + 1e-9  # a flat crest may have its highest sample beside it
        assert abs(series[gauge].max() - whole.max()) <= 0.051e-3
        assert abs(arrival(clock, series[gauge]) - arrival(times, whole)) < 0.01
