"""Faults from a file: what is read, when each slips, and what is refused."""

import math

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.core.remarks import collected
from solvers.tsunami.source.core.motion import Motion, Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, Slip, SlipInTurn
from solvers.tsunami.source.faults import Params

FAULT = Rectangle(x=3e3, y=-8e3, depth=10e3, reference="top", length=90e3, width=40e3, strike=35.0, dip=22.0, rake=110.0, slip=4.0)
HEADING = "x,y,depth,length,width,strike,dip,rake,slip"
FAR_OFF = 1e-6 * FAULT.slip  # [m] by which means of far cells differ from those by seven points
CORNERS = np.random.default_rng(2).uniform(-4e5, 4e5, (300, 1, 2)) + np.array([[0.0, 0.0], [2e3, 300.0], [400.0, 3e3]])


def parts():
    """The fault in six, by their middles."""
    for along in (1 / 6, 0.5, 5 / 6):
        for down in (0.25, 0.75):
            depth = FAULT.depth + down * FAULT.width * math.sin(math.radians(FAULT.dip))
            yield [*FAULT.at(along, down), depth, FAULT.length / 3, FAULT.width / 2, FAULT.strike, FAULT.dip, FAULT.rake, FAULT.slip]


def written(path, rows, heading=HEADING):
    path.write_text("\n".join([heading, *(",".join(f"{value:.17g}" for value in row) for row in rows)]) + "\n")
    return path.name


def motion_of(folder, **values):
    return build(Params, {"file": "faults.csv", "reference": "centre", **values}, "source[0]").motion(folder)


@pytest.fixture
def whole():
    return Slip([FAULT], 0.25, Ramp(0.0, 0.0)).means(CORNERS)[0]


def test_a_file_of_a_fault_s_parts_is_the_fault(tmp_path, whole):
    written(tmp_path / "faults.csv", parts())
    found = motion_of(tmp_path)
    assert isinstance(found, Slip)
    assert np.abs(found.weights(0.0) @ found.means(CORNERS) - whole).max() < FAR_OFF


def test_columns_go_by_their_names_and_units(tmp_path, whole):
    rows = [[7, *reversed([1e-3 * v if i in {0, 1, 2, 3, 4} else 1e2 * v if i == 8 else v for i, v in enumerate(row)])] for row in parts()]
    heading = "number, slip(cm), rake, dip(degrees), strike, width(km), length(km), depth(km), y(km), x(km)"
    written(tmp_path / "faults.csv", [*rows, [8, 0.0, *rows[0][2:]]], heading)
    with collected() as notes:
        found = motion_of(tmp_path)
    assert notes == ["faults.csv: columns that are not read: number"]
    assert np.abs(found.weights(0.0) @ found.means(CORNERS) - whole).max() < FAR_OFF


def test_far_cells_are_moved_by_the_displacement_of_their_middle():
    slip = Slip([FAULT], 0.25, Ramp(0.0, 0.0))
    seven, found = Motion.means(slip, CORNERS)[0], slip.means(CORNERS)[0]
    middle = slip.displacement(*CORNERS.mean(axis=1).T)[:, 2]
    far = np.abs(found - middle) < 1e-12
    assert 0.3 < far.mean() < 0.95
    assert np.abs(found - seven)[~far].max() < 1e-12
    assert np.abs(found - seven).max() < FAR_OFF


def test_each_fault_slips_at_its_own_time(tmp_path, whole):
    times = [(10.0 * i, 20.0) for i in range(6)]
    written(tmp_path / "faults.csv", [[*row, *time] for row, time in zip(parts(), times, strict=True)], f"{HEADING},time,rise")
    found = motion_of(tmp_path, time=5.0, moments=29)  # of 70 s: every 2.5 s, the kinks among them
    assert isinstance(found, SlipInTurn)
    shapes = found.means(CORNERS)
    single = np.stack([Slip([Rectangle(*row[:3], "centre", *row[3:])], 0.25, Ramp(0.0, 0.0)).means(CORNERS)[0] for row in parts()])
    for t in (0.0, 5.0, 11.2, 40.0, 63.7, 75.0, 500.0):
        shares = np.array([Ramp(5.0 + begin, rise)(t) for begin, rise in times])
        wanted = shares @ single
        assert np.abs(found.weights(t) @ shapes - wanted).max() < 1e-5 * np.abs(whole).max(), t  # far cells are told apart differently
    assert (found.breaks, found.end) == ((5.0, 75.0), 75.0)


def test_a_rupture_spreads_from_its_hypocentre(tmp_path, whole):
    written(tmp_path / "faults.csv", parts())
    x, y = FAULT.at(1 / 6, 0.25)
    depth = FAULT.depth + 0.25 * FAULT.width * math.sin(math.radians(FAULT.dip))
    found = motion_of(tmp_path, rupture_velocity=2500.0, hypocentre=[x, y, depth], rise=8.0)
    far = math.hypot(2 / 3 * FAULT.length, 0.5 * FAULT.width)
    assert found.breaks == pytest.approx((0.0, far / 2500.0 + 8.0))
    shapes = found.means(CORNERS)
    sizes = [float(np.abs(found.weights(t) @ shapes).sum()) for t in (0.0, 8.0, 16.0, 24.0, 40.0)]
    assert sizes[0] == 0.0
    assert sizes == sorted(sizes)
    assert np.abs(found.weights(99.0) @ shapes - whole).max() < 1e-5 * np.abs(whole).max()


WRONG = {
    "has no column 'strike'; it has x, y, depth, length, width, azimuth": (HEADING.replace("strike", "azimuth"), {}),
    "has two columns 'x'": (HEADING.replace("y", "x"), {}),
    "column 'depth' is in \\[kg\\]": (HEADING.replace("depth", "depth(kg)"), {}),
    "has no heading that names its 9 columns": ("", {}),
    "want each other": (HEADING, {"rupture_velocity": 2000.0}),
    "moments = 1; it must be 2 or more": (HEADING, {"moments": 1}),
    "faults.csv has a column 'rise', and the case has rise": (HEADING.replace("rake", "rake,rise"), {"rise": 3.0}),
    "rectangle 1 has a time of -40 s": (HEADING.replace("rake", "rake,time"), {}),
    "rectangle 1: dip = 122 degrees": (HEADING, {}),
    "no file 'other.csv'": (HEADING, {"file": "other.csv"}),
    "none of its 2 rectangles slips": (HEADING, {}),
    "line 3: there is no dip": (HEADING, {}),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_file_that_can_t_be_is_refused(tmp_path, words):
    heading, values = WRONG[words]
    rows = [list(row) for row in parts()][:2]
    if "rise" in heading or "time" in heading:
        rows = [[*row[:8], -40.0, *row[8:]] for row in rows]
    if "dip = 122" in words:
        rows[0][6] += 100.0
    if "none" in words:
        rows = [[*row[:8], 0.0] for row in rows]
    if "no dip" in words:
        rows[1][6] = math.nan
    written(tmp_path / "faults.csv", rows, heading)
    with pytest.raises(InputError, match=words):
        motion_of(tmp_path, **values)
