"""Only samples that both have count: what two series share, and the rows that are made of it."""

import json

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.stages.core.comparison import Comparison, clock_shift, refuse_window
from pipeline.stages.core.observations import Observed, above_still, offset
from pipeline.stages.core.samples import Series, cubic, linear, shared, stretches
from pipeline.stages.decompose.alignment import align
from pipeline.stages.decompose.budget import budget, sentences
from pipeline.stages.decompose.gauges import decompose_series, nothing, together
from pipeline.stages.validate.compared import compared
from pipeline.stages.validate.runup import Places, at_box, refuse_sea

TIMES = np.arange(0.0, 40.0, 0.1)


def wave(t, height=1.0, at=20.0):
    return height * np.exp(-(((t - at) / 3.0) ** 2)) - 0.4 * height * np.exp(-(((t - at - 8.0) / 3.0) ** 2))


def both(measured, *, computed=None, level=0.0, unset="", **observed):
    asked = build(Observed, {"source": "me", "comparison": "field", **observed}, "observed")
    run = Series(TIMES, wave(TIMES)) if computed is None else computed
    return Comparison(asked, level, {"g": run}, {"g": measured} if measured else {}, unset, ())


def row(measured, **named):
    found = compared(both(measured, **named), "g", {})
    json.dumps(found, allow_nan=False)
    assert not any("nan" in note or "inf" in note for note in found["notes"])
    return found


@pytest.mark.parametrize(
    ("times", "lengths"),
    [
        (np.arange(10.0), [10]),
        (np.delete(np.arange(20.0), range(8, 14)), [8, 6]),
        (np.concatenate([np.arange(0.0, 9000.0, 900.0), 8100.0 + np.arange(60.0, 3000.0, 60.0)]), [59]),  # a buoy that wakes up
        (np.array([3.0]), [1]),
    ],
    ids=["even", "gap", "two steps", "single"],
)
def test_a_stretch_ends_where_samples_are_missing_and_not_where_the_step_changes(times, lengths):
    assert [len(part.times) for part in stretches(Series(times, np.ones(len(times))))] == lengths


def test_no_curve_goes_through_a_gap_or_beyond_the_ends():
    series = Series(TIMES, np.where((TIMES > 10.0) & (TIMES < 12.0), np.nan, np.sin(TIMES)))
    asked = np.array([-0.5, 5.05, 9.95, 11.0, 12.05, 39.95])
    for curve, error in ((linear(series), 2e-3), (cubic(series), 1e-5)):
        found = curve(asked)
        assert np.isnan(found).tolist() == [True, False, False, True, False, True]
        assert found[[1, 2, 4]] == pytest.approx(np.sin(asked[[1, 2, 4]]), abs=error)


OBSERVATIONS = {
    "ends before the crest": (TIMES[TIMES < 18.0], None),
    "begins after the crest": (TIMES[TIMES > 24.0], None),
    "without the crest": (TIMES[(TIMES < 17.0) | (TIMES > 23.0)], None),
    "uneven": (np.sort(np.random.default_rng([1]).uniform(0.0, 39.0, 300)), None),
    "sparse": (TIMES[::25], None),
    "with missing samples": (TIMES, np.where((np.arange(400) % 7 == 0) | (np.abs(TIMES - 20.0) < 1.0), np.nan, wave(TIMES))),
    "longer than the run": (np.arange(-50.0, 90.0, 0.1), None),
}


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_a_run_is_right_wherever_it_was_observed(name):
    times, values = OBSERVATIONS[name]
    observed = Series(times, wave(times) if values is None else values)
    found = row(observed)
    assert abs(found["first_crest_error"]) < 2e-3
    assert abs(found["highest_error"]) < 2e-3
    assert found["misfit"] < 2e-3
    assert found["lag"] is None or abs(found["lag"]) < 0.02
    counts = found["samples"]
    assert counts["samples"] == len(times)
    assert counts["compared"] + counts["missing"] + counts["outside"] + counts["in_gaps"] == len(times)
    clock, n, r, _ = together("g", Series(TIMES, wave(TIMES)), observed, None)
    measured, _ = decompose_series(clock, n, r, resamples=10, seed=0)
    assert measured["relative"] < 0.02
    assert measured["lag"]["value"] is None or abs(measured["lag"]["value"]) < 0.05
    json.dumps(measured, allow_nan=False)


def test_samples_missing_in_the_run_take_out_themselves_alone():
    computed = Series(TIMES, np.where(np.abs(TIMES - 5.0) < 1.01, np.nan, wave(TIMES)))
    found = row(Series(TIMES, wave(TIMES)), computed=computed)
    assert found["samples"]["in_gaps"] == 21
    assert found["misfit"] == 0.0
    assert "21 of 400 samples are in gaps of the run: left out" in found["notes"]
    _, n, r, notes = together("g", computed, Series(TIMES, wave(TIMES)), None)
    assert np.isnan(n).sum() == np.isnan(r).sum() == 21
    assert "21 of 400 samples of the run are not finite: left out" in notes


def test_what_is_left_out_is_counted_and_the_time_that_both_have_is_said():
    times = TIMES[(TIMES < 29.95) & ((TIMES < 9.95) | (TIMES > 14.05))]
    found = shared(Series(TIMES, wave(TIMES)), Series(times, np.where(times == times[3], np.nan, wave(times))), -np.inf, np.inf)
    assert found.counts == {"samples": 259, "compared": 258, "missing": 1, "outside": 0, "in_gaps": 0, "gaps": 1}
    assert "1 gap of the observation not bridged" in found.notes
    assert "compared from t = 0 to 29.9 s, which is all that both have" in found.notes


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Series(TIMES, np.full(400, np.nan)), "nothing to compare: all of its 400 samples are missing"),
        (Series(TIMES + 100.0, wave(TIMES)), "nothing to compare: the observation has t = 100 to 139.9 s, the run 0 to 39.9 s"),
        (Series(TIMES, np.zeros(400)), "no relative error of the first crest: the observed value is 0, and does not change"),
        (Series(TIMES, np.full(400, 0.3)), "no relative errors: the observed series does not change"),
        (Series(TIMES, -np.abs(wave(TIMES))), "no arrival: the observed series never rises above the still level"),
    ],
    ids=["all missing", "another time", "zero", "flat", "never rises"],
)
def test_nothing_to_compare_is_a_row_that_says_so(measured, said):
    found = row(measured)
    assert said in found["notes"]
    assert found["lag"] is None
    if "never rises" not in said:
        assert found["misfit"] is None
        assert found["first_crest_error"] is None


def test_a_run_that_does_not_move_has_its_whole_error_and_no_arrival():
    found = row(Series(TIMES, wave(TIMES)), computed=Series(TIMES, np.zeros(400)))
    assert found["first_crest_error"] == found["highest_error"] == -1.0
    assert found["lag"] is None
    assert "no arrival: the computed series never rises above the still level" in found["notes"]


def test_a_key_figure_of_zero_has_no_relative_error():
    found = row(None, first_crest={"g": 0.0})
    assert found["first_crest_error"] is None
    assert "no relative error of the first crest: the observed value is 0" in found["notes"]
    assert row(None, first_crest={"g": 0.5})["first_crest_error"] == pytest.approx(1.0, abs=1e-3)


def test_gauges_without_an_arrival_do_not_set_the_clocks():
    asked = build(Observed, {"source": "me", "comparison": "field", "align": ["a", "b"]}, "observed")
    run = {"a": Series(TIMES, wave(TIMES)), "b": Series(TIMES, wave(TIMES))}
    late, none = Series(TIMES + 7.0, wave(TIMES)), Series(TIMES, np.full(400, np.nan))
    assert clock_shift(asked, run, {"a": none, "b": late}) == pytest.approx(7.0)
    assert clock_shift(asked, run, {"a": none}) is None
    found = row(late, unset="the clocks can't be set equal")
    assert found["notes"] == ["nothing to compare: the clocks can't be set equal"]


def test_observed_heights_are_brought_to_the_still_level():
    assert offset("still", 1.5) == 0.0
    assert offset("zero", 1.5) == -1.5
    assert offset(0.25, 1.5) == -1.25
    table = {"source": "me", "comparison": "field", "datum": 0.25, "first_crest": {"g": 2.0}}
    box = {"runup_at": {"b": {"box": [0.0, 0.0, 1.0, 1.0], "height": 2.0}}}
    observed = above_still(build(Observed, table | box, "observed"), 1.5)
    assert observed.first_crest["g"] == observed.runup_at["b"].height == 0.75
    with pytest.raises(InputError, match=r"'observed\.datum' is 'mean sea'"):
        build(Observed, table | {"datum": "mean sea"}, "observed")


def test_a_shift_is_not_judged_by_what_stands_in_a_gap():
    t = np.arange(600.0)

    def pulse(t):
        return np.exp(-(((t - 300.0) / 20.0) ** 2)) - 0.4 * np.exp(-(((t - 350.0) / 25.0) ** 2))

    late = np.where(np.abs(t - 305.0) < 30.0, np.nan, pulse(t - 4.3))
    found = align(late, pulse(t), 1.0)
    assert found.lag == pytest.approx(4.3, abs=1e-3)
    assert found.removed > 0.999
    bridged = np.interp(t, t[np.isfinite(late)], late[np.isfinite(late)])
    assert abs(align(bridged, pulse(t), 1.0).lag - 4.3) > 0.1  # what the straight line would have said


def test_the_budget_leaves_out_what_is_missing_and_what_does_not_change():
    runs = [wave(TIMES, height) for height in (1.4, 1.2, 1.1)]
    whole = budget(runs, [3.0, 2.0, 1.0], wave(TIMES))
    gappy = np.where(np.abs(TIMES - 5.0) < 2.0, np.nan, wave(TIMES))
    some = budget(runs, [3.0, 2.0, 1.0], gappy)
    assert whole is not None
    assert some is not None
    assert some["misfit"] == pytest.approx(whole["misfit"], rel=0.1)
    assert budget(runs, [3.0, 2.0, 1.0], np.zeros(400)) is None
    assert budget(runs, [3.0, 2.0, 1.0], np.full(400, np.nan)) is None
    same = budget([wave(TIMES)] * 3, [3.0, 2.0, 1.0], wave(TIMES))
    assert same is not None
    assert "no misfit" in sentences({"g": same}, 1.0)[0]


def test_rows_without_samples_have_all_keys_of_rows_with_some():
    found, _ = decompose_series(TIMES, wave(TIMES), wave(TIMES), resamples=5, seed=0)
    assert set(nothing("why")) - {"notes"} == set(found)


def beach(step, level=0.0):
    x = np.arange(-20.0, 20.0) * step / 0.1
    return Places(x, np.zeros(40), 0.1 * x - 0.0, np.full(40, step), level)


@pytest.mark.parametrize(("step", "resolved"), [(0.05, True), (0.4, False)])
def test_run_up_of_two_cells_height_is_not_resolved(step, resolved):
    there = beach(step)
    asked = build(Observed, {"source": "s", "comparison": "field", "runup_at": {"b": {"box": [-99, -1, 99, 1], "height": 0.9}}}, "observed")
    found = at_box(there, there.height <= 0.85, asked.runup_at["b"])
    assert found["resolved"] is resolved
    assert any("not resolved" in note for note in found["notes"]) is not resolved
    assert found["computed"] == pytest.approx(0.8)


def test_run_up_beside_zero_and_on_land_that_stays_dry():
    there = beach(0.05)

    def judged(height, flooded):
        box = {"b": {"box": [-99, -1, 99, 1], "height": height}}
        asked = build(Observed, {"source": "s", "comparison": "field", "runup_at": box}, "observed")
        return at_box(there, there.height < flooded, asked.runup_at["b"])

    assert judged(0.0, 0.5)["error"] is None
    assert "no relative error: the observed value is 0" in judged(0.0, 0.5)["notes"]
    dry = judged(0.5, 0.0)
    assert dry["error"] == -1.0
    assert dry["computed"] == 0.0
    assert "no land was flooded there" in dry["notes"]


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ({"runup_at": {"b": {"box": [-99, -1, -1, 1], "height": 0.9}}}, "lies in open sea: its highest bed of 20 cells is 0.1 m below"),
        ({"runup_at": {"b": {"box": [50, -1, 99, 1], "height": 0.9}}}, "'observed.runup_at.b.box', (50, -1) to (99, 1) m, holds no cell"),
        ({"runup_at": {"b": {"box": [5, -1, 0, 1], "height": 0.9}}}, "is empty: it wants west, south, east, north"),
        ({"runup": {"centre": [-0.5, 0.0], "angles": [270], "heights": [1.0]}}, "the sector of 'observed.runup' at 270 degree"),
    ],
)
def test_run_up_in_the_sea_or_off_the_mesh_is_refused(observed, said):
    with pytest.raises(InputError) as error:
        refuse_sea(build(Observed, {"source": "s", "comparison": "field", **observed}, "observed"), beach(0.1))
    assert said in str(error.value)


@pytest.mark.parametrize("window", [(5.0, 6.0), (-2.0, 0.0), (1.0, 1.0)])
def test_a_window_beside_the_run_is_refused(window):
    with pytest.raises(InputError, match="0 to 2 s"):
        refuse_window(window, 2.0, "observed.window")
