"""Finite-fault models of agencies: what is read, where it lies, and what is refused."""

import math

import numpy as np
import pytest

from meshes.core.mercator import RADIUS, Mercator
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, build
from pipeline.core.remarks import collected
from solvers.tsunami.source import motions
from solvers.tsunami.source.core.fault_table import read_faults
from solvers.tsunami.source.core.motion import Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, Slip, check_all
from solvers.tsunami.source.core.rupture import rupture_times
from solvers.tsunami.source.faults import Params

CHART = Mercator(-72.0)
KM = math.degrees(1e3 / RADIUS)  # a kilometre along a meridian [degrees]
PARTS = [  # two rows of three: longitude, latitude, depth [km], slip [m], rake, time [s]
    (-72.5 + 0.15 * down, -35.5 + 20.0 * KM * along, 12.0 + 4.0 * down, 1.5 + along, 100.0 + down, 7.0 * (3 * down + along))
    for down in (0, 1)
    for along in (0, 1, 2)
]
ANGLES = (16.0, 14.0)
PARAM = """#Total number of fault_segments=     1
#Fault_segment =   1 nx(Along-strike)=   3 Dx= 20.00km ny(downdip)=   2 Dy= 16.50km
#Boundary of Fault_segment     1. EQ in cell 2,1. Lon: -72.4 Lat: -35.4
#Lon.  Lat.  Depth
       -72.55      -35.60        10.0
       -72.55      -35.20        10.0
       -72.20      -35.20        18.0
       -72.20      -35.60        18.0
       -72.55      -35.60        10.0
#Lat. Lon. depth slip rake strike dip t_rup t_ris t_fal mo
"""
FSP = """% ------------------  FINITE-SOURCE RUPTURE MODEL  ------------------
%
% Event : Nowhere 01/01/2001
% Loc  : LAT  =  -35.400      LON = -72.400     DEP = 12.00
% Size : LEN  =  60.00 km     WID =  33.00 km    Mw = 7.96   Mo = 9.92e+020 Nm
% Mech : STRK =  16           DIP =  14          RAKE = 999  Htop = 10.00 km
% Invs :   Nx  =    3         Nz  =    2        Fmin = 0.00 Hz
% Invs :   Dx  = 20.00 km     Dz  = 16.50 km
% Coordinates are given for center of each subfault or segment: |'|
%       LAT       LON      X==EW   Y==NS        Z       SLIP     RAKE     TRUP     RISE
% -----------------------------------------------------------------------------
"""


def param(folder, heading=PARAM, parts=PARTS):
    rows = [f"{y} {x} {z} {100 * slip} {rake} {ANGLES[0]} {ANGLES[1]} {time} 3.0 5.0 2.1e+26" for x, y, z, slip, rake, time in parts]
    (folder / "basic_inversion.param").write_text(heading + "\n".join(rows) + "\n")
    return folder / "basic_inversion.param"


def fsp(folder, heading=FSP, parts=PARTS, rise="8.0"):
    rows = [f"  {y}  {x}   1.0  2.0  {z}  {slip}  {rake}  {time}  {rise}" for x, y, z, slip, rake, time in parts]
    (folder / "model.fsp").write_text(heading + "\n".join(rows) + "\n")
    return folder / "model.fsp"


def wanted():
    return [Rectangle(x, y, 1e3 * z, "centre", 20e3, 16.5e3, *ANGLES, rake, slip) for x, y, z, slip, rake, _ in PARTS]


@pytest.mark.parametrize("write", [param, fsp])
def test_a_model_is_its_rectangles_at_their_times(tmp_path, write):
    found = read_faults(write(tmp_path), "centre")
    assert found.degrees
    for one, other in zip(found.rectangles, wanted(), strict=True):
        assert one.reference == "centre"
        assert [getattr(one, name) for name in ("x", "y", "depth", "length", "width", "strike", "dip", "rake", "slip")] == pytest.approx(
            [getattr(other, name) for name in ("x", "y", "depth", "length", "width", "strike", "dip", "rake", "slip")], rel=1e-14
        )
    assert list(found.times["time"]) == [part[5] for part in PARTS]
    assert list(found.times["rise"]) == [8.0] * len(PARTS)


def test_a_model_moves_the_globe_s_bed_as_its_rectangles_do(tmp_path):
    param(tmp_path)
    (found,) = motions([Spec("faults", {"file": "basic_inversion.param", "reference": "centre"})], tmp_path, CHART)
    places = CHART.plane(np.random.default_rng(5).uniform((-73.5, -36.5), (-71.0, -34.5), (200, 2)))
    after = found.weights(1e3) @ found.shapes(*places.T)
    whole = Slip(wanted(), 0.25, Ramp(0.0, 0.0), chart=CHART).shapes(*places.T)[0]
    assert np.abs(whole).max() > 0.1
    assert np.abs(after - whole).max() < 1e-12
    assert found.end == max(part[5] for part in PARTS) + 8.0


def test_an_older_file_has_no_time_of_falling_and_its_moment_is_none(tmp_path):
    heading = PARAM.replace("t_ris t_fal mo", "t_rise mo").replace("Dx= 20.00km", "Dx = 20.00 km")
    rows = "\n".join(f"{y} {x} {z} {100 * slip} {rake} 16. 14. {time} 3.0 2.1E+26" for x, y, z, slip, rake, time in PARTS)
    (tmp_path / "old.param").write_text(heading + rows)
    assert list(read_faults(tmp_path / "old.param", "centre").times["rise"]) == [3.0] * len(PARTS)


def test_upper_edges_at_the_ground_are_there_in_spite_of_rounded_depths(tmp_path):
    half = 8.25 * math.sin(math.radians(ANGLES[1]))
    rounded = [(*part[:2], round(half + off, 2), *part[3:]) for part, off in zip(PARTS, (-0.05, -0.01, 0.0, 0.03, 0.2, 4.0), strict=True)]
    with collected() as notes:
        found = read_faults(param(tmp_path, parts=rounded), "centre").rectangles
    assert [one.top for one in found[:4]] == pytest.approx([0.0] * 4, abs=1e-9)
    assert [one.top for one in found[4:]] == pytest.approx([200.0, 4000.0], abs=6.0)
    assert notes == ["basic_inversion.param: the upper edges of 4 rectangles, within 100 m of the ground, reach it"]
    check_all(found, unusual=False)


def test_segments_have_angles_and_counts_of_their_own(tmp_path):
    segment = "% SEGMENT # {}: STRIKE = {} deg DIP = {} deg\n% Nsbfs = 3 subfaults\n% LAT LON X==EW Y==NS Z SLIP RAKE TRUP RISE\n"
    first, second = PARTS[:3], PARTS[3:]
    path = fsp(tmp_path, FSP + segment.format(1, 10.0, 20.0), first)
    whole = path.read_text()
    whole += segment.format(2, 30.0, 40.0) + fsp(tmp_path, "", second).read_text()
    path.write_text(whole)
    found = read_faults(path, "centre").rectangles
    assert [(one.strike, one.dip) for one in found] == [(10.0, 20.0)] * 3 + [(30.0, 40.0)] * 3
    path.write_text(whole.replace("Nsbfs = 3", "Nsbfs = 4", 1))
    with pytest.raises(InputError, match="segment 1 has 3 rectangles, and announces 4"):
        read_faults(path, "centre")


def test_times_that_are_not_known_are_none(tmp_path):
    assert set(read_faults(fsp(tmp_path, rise="999.0"), "centre").times) == {"time"}
    bare = FSP.replace("TRUP     RISE", "")
    rows = "\n".join(f"{y} {x} 0 0 {z} {slip} {rake}" for x, y, z, slip, rake, _ in PARTS)
    (tmp_path / "bare.fsp").write_text(bare + rows)
    assert read_faults(tmp_path / "bare.fsp", "centre").times == {}


def refused(path, words, reference="centre"):
    with pytest.raises(InputError, match=words) as caught:
        read_faults(path, reference)
    assert path.name in str(caught.value)


def test_what_a_model_does_not_say_is_refused(tmp_path):
    refused(param(tmp_path), 'gives places of the centre of its rectangles: reference = "centre"', "top")
    refused(fsp(tmp_path, FSP.replace("for center", "for top-center")), 'reference = "top"')
    refused(param(tmp_path, parts=PARTS[:5]), "segment 1 has 5 rectangles, and announces 6")
    refused(param(tmp_path, PARAM.replace("Dx= 20.00km", "")), "segment 1 does not say its length")
    refused(param(tmp_path, parts=[]), "has no rectangles")
    refused(fsp(tmp_path, FSP.replace("STRK =  16", "STRK = 999")), "segment 1 does not say its strike")
    refused(fsp(tmp_path, FSP.replace(" Z ", " H ")), "segment 1 does not say its depth")
    refused(fsp(tmp_path, FSP.replace("LAT       LON", "PLACE")), "line 12: no line '% LAT LON ... SLIP' before it")
    path = param(tmp_path)
    path.write_text(path.read_text().replace("3.0 5.0", "3.0 *****", 1))
    refused(path, r"line 11: .* is not 11 numbers")
    refused(param(tmp_path, parts=[(*part[:3], 0.0, *part[4:]) for part in PARTS]), "none of its 6 rectangles slips")


def test_degrees_on_a_mesh_in_metres_are_refused(tmp_path):
    param(tmp_path)
    asked = [Spec("faults", {"file": "basic_inversion.param", "reference": "centre"})]
    with pytest.raises(InputError, match=r"source\[0\]: basic_inversion\.param has its places in degrees, and the mesh is in metres"):
        motions(asked, tmp_path, None)


def test_a_rupture_spreads_along_great_circles_on_the_globe(tmp_path):
    heading = "x,y,depth,length,width,strike,dip,rake,slip"
    places = [(179.0, 60.0), (-179.5, 60.0), (179.0, 62.0)]
    rows = [f"{x},{y},20e3,20e3,16e3,30,15,90,2" for x, y in places]
    (tmp_path / "faults.csv").write_text("\n".join([heading, *rows]))
    values = {"file": "faults.csv", "reference": "centre", "rupture_velocity": 2000.0, "hypocentre": [179.0, 60.0, 20e3], "moments": 9}
    found = build(Params, values, "source[0]").motion(tmp_path, Mercator(180.0))
    across = 2.0 * RADIUS * math.asin(math.cos(math.radians(60.0)) * math.sin(math.radians(0.75)))
    times = rupture_times(read_faults(tmp_path / "faults.csv", "centre").rectangles, (179.0, 60.0, 20e3), 2000.0, Mercator(180.0))
    assert times == pytest.approx([0.0, across / 2000.0, RADIUS * math.radians(2.0) / 2000.0], rel=1e-9)
    assert found.end == pytest.approx(RADIUS * math.radians(2.0) / 2000.0)
    values["hypocentre"] = [4e5, 60.0, 20e3]
    with pytest.raises(InputError, match="no longitude and latitude"):
        build(Params, values, "source[0]").motion(tmp_path, Mercator(180.0))
