"""Every case and campaign that comes along, run reduced, gives the numbers that stand beside it (docs/cases.md)."""

import math
import re

import pytest
from reduced import deviation, deviations, expectation, files, missing, shipped, without_theirs, written

from jobs.campaign.catalogue import catalogue, names
from jobs.campaign.execute import execute
from pipeline.core import campaign as campaigns


def marks(name: str) -> list[pytest.MarkDecorator]:
    """Marks of the test of ``name``; without a file of its expected numbers, which the test tells, none."""
    try:
        slow = expectation(name).get("slow", False)
    except AssertionError:
        slow = False
    return [mark for mark, has in ((pytest.mark.slow, slow), (pytest.mark.data, files(name))) if has]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in sorted(shipped())])
def test_it_gives_the_expected_numbers(name, tmp_path, monkeypatch):
    if absent := missing(name):
        pytest.skip(f"missing: {', '.join(absent)} (set WAVETRAIN_DATA)")
    monkeypatch.setenv("WAVETRAIN_WORKERS", "none")
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    execute(written(name, tmp_path), out=tmp_path / "done", quiet=True)
    assert deviations(name, tmp_path / "done") == []


@pytest.mark.parametrize("name", sorted(shipped()))
def test_it_is_smaller_but_otherwise_as_it_comes_along(name, tmp_path):
    """The run is of the shipped text: the same plug-ins and places, where the file of expected numbers does not say otherwise."""
    small, whole = campaigns.read(written(name, tmp_path)), campaigns.read(shipped()[name])
    kinds = [{(run.case.mesh.kind, run.case.solver.kind) for run in one.runs} for one in (small, whole)]
    assert kinds[0] == kinds[1]
    assert small.title == whole.title
    changed = expectation(name).get("reduced", {})
    assert all(key.startswith(("mesh.", "time.")) for key in changed) or name.startswith("campaigns/"), changed
    assert {stage.kind for stage in small.stages} >= {stage.kind for stage in whole.stages}


def test_no_expected_numbers_are_left_of_a_case_that_is_gone_nor_taken_for_one():
    assert without_theirs() == []
    listed = [entry.name for kind in ("cases", "campaigns") for entry in catalogue({})[kind]]
    assert sorted({name.partition("/")[2] for name in shipped()}) == sorted(set(listed))
    assert not [path for path in names().values() if path.parent.name == "expected"]


@pytest.mark.parametrize(("value", "told"), [(1.05, False), (0.95, False), (1.2, True), (0.8, True), (math.nan, True), (math.inf, True)])
def test_a_number_beyond_its_tolerance_is_told(value, told):
    line = deviation("summary.runup", value, {"what": "the run-up", "value": 1.0, "within": 0.1, "why": "round-off"})
    assert bool(line) == told and ("summary.runup" in line) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cases/new has no expected numbers: write "),
        ('[reduced]\n"time.end" = 1.0\n', "has no [expected]"),
        ('[expected."summary.runup"]\nvalue = 1.0\nwithin = 0.1\nwhat = "run-up"\n', "summary.runup needs"),
        ('[expected."summary.runup"]\nvalue = 1.0\nwithin = 0.1\nwhat = "run-up"\nwhy = ""\n', "summary.runup needs"),
    ],
)
def test_a_case_without_expected_numbers_and_their_reasons_fails(text, told, tmp_path, monkeypatch):
    (tmp_path / "expected").mkdir()
    if text is not None:
        (tmp_path / "expected" / "new.toml").write_text(text)
    monkeypatch.setattr("reduced.shipped", lambda: {"cases/new": tmp_path / "new.toml"})
    with pytest.raises(AssertionError, match=re.escape(told)):
        expectation.__wrapped__("cases/new")
