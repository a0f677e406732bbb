"""Displacement above a rectangle that slips: published values, two other programs, and what holds of every fault."""

import ctypes
import importlib.util
import math
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.errors import InputError
from solvers.tsunami.source.core.motion import Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, Slip, check_all

AT_ONCE = Ramp(0.0, 0.0)
FAULT = Rectangle(x=3e3, y=-8e3, depth=10e3, reference="top", length=90e3, width=40e3, strike=35.0, dip=22.0, rake=110.0, slip=4.0)
SEA = np.random.default_rng(5).uniform(-200e3, 200e3, (40, 2))
# Okada 1985, table 2, cases 2 to 4: dip, depth of the lower edge, x, y, rake, then ux, uy, uz of strike-slip and of dip-slip;
# length 3, width 2, slip 1. Case 4 has a dip of -90 degrees from a depth of 4: the same plane, and the slip turned round.
TABLE_2 = [
    (70.0, 4.0, 2.0, 3.0, 0.0, (-8.689e-3, -4.298e-3, -2.747e-3), (-4.682e-3, -3.527e-2, -3.564e-2)),
    (90.0, 4.0, 0.0, 0.0, 0.0, (0.0, 5.253e-3, 0.0), (0.0, 0.0, 0.0)),
    (90.0, 6.0, 0.0, 0.0, 180.0, (0.0, -1.303e-3, 0.0), (0.0, 0.0, 0.0)),
]


def changed(**values):
    known = {name: getattr(FAULT, name) for name in FAULT.__dataclass_fields__}
    return Rectangle(**{**known, **values})


def displaced(*faults, places=SEA, poisson=0.25):
    return Slip(faults, poisson, AT_ONCE).displacement(places[:, 0].copy(), places[:, 1].copy())


def of_table(dip, depth, rake):
    """The fault of a case: his x is eastward where the strike is 90 degrees, from the lower corner."""
    return Rectangle(1.5, 0.0, depth, "bottom", 3.0, 2.0, 90.0, dip, rake, 1.0)


@pytest.mark.parametrize(("dip", "depth", "x", "y", "rake", "strike_slip", "dip_slip"), TABLE_2)
def test_the_values_of_okada_s_table_are_met(dip, depth, x, y, rake, strike_slip, dip_slip):
    for turned, wanted in ((0.0, strike_slip), (90.0, dip_slip)):
        found = displaced(of_table(dip, depth, rake + turned), places=np.array([[x, y]]))[0]
        assert [float(f"{value:.3e}") if abs(value) > 1e-12 else 0.0 for value in found] == list(wanted)  # the table has four digits


def of_a_point(x, y, depth, dip, ratio):
    """Displacements (2, 3, ...) of a point by strike-slip and by dip-slip of potency 1: Okada 1985, eqs. (8) to (10)."""
    sine, cosine = math.sin(math.radians(dip)), math.cos(math.radians(dip))
    p, q = y * cosine + depth * sine, y * sine - depth * cosine
    r = np.sqrt(x**2 + p**2 + q**2)
    twice, thrice = (2.0 * r + depth) / (r**3 * (r + depth) ** 2), (3.0 * r + depth) / (r**3 * (r + depth) ** 3)
    i1 = ratio * y * (1.0 / (r * (r + depth) ** 2) - x**2 * thrice)
    i2 = ratio * x * (1.0 / (r * (r + depth) ** 2) - y**2 * thrice)
    i3, i4 = ratio * x / r**3 - i2, -ratio * x * y * twice
    i5 = ratio * (1.0 / (r * (r + depth)) - x**2 * twice)
    steep, both = 3.0 * q / r**5, sine * cosine
    along = (x * x * steep + i1 * sine, x * y * steep + i2 * sine, x * depth * steep + i4 * sine)
    up = (x * p * steep - i3 * both, y * p * steep - i1 * both, depth * p * steep - i5 * both)
    return np.array([along, up]) / (-2.0 * math.pi)


@pytest.mark.parametrize(("dip", "depth", "x", "y", "rake"), [row[:5] for row in TABLE_2])
def test_a_rectangle_is_the_integral_of_its_points(dip, depth, x, y, rake):
    """The table's cases in all digits, by formulas that have nothing in common with those of a rectangle."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    along, up = 1.5 + 1.5 * nodes[:, None], 1.0 + nodes[None, :]
    sine, cosine = math.sin(math.radians(dip)), math.cos(math.radians(dip))
    points = of_a_point(x - along, y - up * cosine, depth - up * sine, dip, 0.5)
    wanted = 1.5 * np.einsum("kcij,i,j->kc", points, weights, weights)
    for turned, one in zip((0.0, 90.0), wanted, strict=True):
        found = displaced(of_table(dip, depth, rake + turned), places=np.array([[x, y]]))[0]
        assert np.abs(found - math.cos(math.radians(rake)) * one).max() < 1e-12 * max(np.abs(one).max(), 1e-2)


def random_faults(count):
    numbers = np.random.default_rng(3)
    for top in np.resize([0.0, 5e3, 30e3], count):
        length, width = numbers.uniform(10e3, 400e3, 2)
        strike, dip, rake = numbers.uniform((0.0, 5.0, -180.0), (360.0, 89.0, 180.0))
        yield Rectangle(0.0, 0.0, top, "top", length, width, strike, dip, rake, 1.0)


def along_and_across(fault):
    """Places seen along the strike and to its left [km]."""
    sine, cosine = math.sin(math.radians(fault.strike)), math.cos(math.radians(fault.strike))
    turn = np.array([[sine, -cosine], [cosine, sine]])
    return SEA / 1e3 @ turn, turn


def test_okada_wrapper_agrees():
    """With Okada's own Fortran of 1992."""
    dc3d = pytest.importorskip("okada_wrapper").dc3dwrapper
    for fault in random_faults(12):
        places, turn = along_and_across(fault)
        rake, half = math.radians(fault.rake), 0.5e-3 * fault.length
        slip = [math.cos(rake), math.sin(rake), 0.0]
        size = ([-half, half], [-1e-3 * fault.width, 0.0])
        for (x, y), ours in zip(places, displaced(fault), strict=True):
            fault_free, theirs, _ = dc3d(2.0 / 3.0, [x, y, 0.0], 1e-3 * fault.depth, fault.dip, *size, slip)
            assert fault_free == 0
            assert np.abs(turn @ theirs[:2] - ours[:2]).max() < 1e-7  # it has constants in single precision
            assert abs(theirs[2] - ours[2]) < 1e-7


def test_okada_agrees():
    """With the package's library in C: to be imported, the package wants GMT."""
    package = importlib.util.find_spec("okada")
    name = f"libokada{sysconfig.get_config_var('EXT_SUFFIX')}"
    library = Path(package.origin).parent / "core" / "src" / name if package and package.origin else Path(name)
    if not library.exists():
        pytest.skip("the package okada is not installed")
    compute = ctypes.CDLL(str(library)).compute_okada_displacement
    x, y = (np.ascontiguousarray(SEA[:, i] / 1e3) for i in (0, 1))
    pointers, count = [x.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p)], ctypes.c_int(len(x))
    for fault in random_faults(12):
        rake, below = math.radians(fault.rake), math.sin(math.radians(fault.dip)) * fault.width
        ends = [1e-3 * value for along in (0.0, 1.0) for value in fault.at(along, 0.0)]
        row = np.array([*ends, 100.0, -math.cos(rake), math.sin(rake), fault.dip, 1e-3 * fault.depth, 1e-3 * (fault.depth + below)])
        theirs = np.zeros((len(x), 12))
        compute(
            *pointers,
            count,
            row.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(1),
            ctypes.c_double(1.0),
            ctypes.c_double(0.25),
            ctypes.c_double(0.0),
            theirs.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(1),
        )
        assert np.abs(theirs[:, :3] - displaced(fault)).max() < 1e-8


def test_it_is_the_same_fault_by_its_top_centre_or_bottom():
    sine = math.sin(math.radians(FAULT.dip))
    for reference, share in (("centre", 0.5), ("bottom", 1.0)):
        x, y = FAULT.at(0.5, share)
        other = changed(x=x, y=y, depth=FAULT.depth + share * FAULT.width * sine, reference=reference)
        assert np.abs(displaced(other) - displaced(FAULT)).max() < 1e-12
    assert FAULT.at(0.5, 0.0) == pytest.approx((FAULT.x, FAULT.y))


def test_the_bed_turns_with_the_strike():
    turned = np.array([[0.0, 1.0], [-1.0, 0.0]])  # by 90 degrees clockwise, as from north to east
    there = (SEA - [FAULT.x, FAULT.y]) @ turned.T + [FAULT.x, FAULT.y]
    before, after = displaced(FAULT), displaced(changed(strike=FAULT.strike + 90.0), places=there)
    assert np.abs(before[:, :2] @ turned.T - after[:, :2]).max() < 1e-12
    assert np.abs(before[:, 2] - after[:, 2]).max() < 1e-12


def test_a_fault_is_the_sum_of_its_parts():
    parts = []
    for along in (1 / 6, 0.5, 5 / 6):
        for down in (0.25, 0.75):
            x, y = FAULT.at(along, down)
            depth = FAULT.depth + down * FAULT.width * math.sin(math.radians(FAULT.dip))
            parts.append(changed(x=x, y=y, depth=depth, reference="centre", length=FAULT.length / 3, width=FAULT.width / 2))
    assert np.abs(displaced(*parts) - displaced(FAULT)).max() < 1e-12


def test_a_thrust_lifts_the_side_above_it_and_its_dip_leads_down_to_the_right():
    thrust = changed(x=0.0, y=0.0, strike=0.0, rake=90.0, depth=0.0)
    above, beyond, before = displaced(thrust, places=np.array([[10e3, 0.0], [60e3, 0.0], [-60e3, 0.0]]))[:, 2]
    assert above > 0.5
    assert beyond < -0.1  # behind the lower edge, which lies 37 km to the east
    assert abs(before) < 0.1


def test_an_upright_fault_is_the_limit_of_steep_ones():
    upright, steep = displaced(changed(dip=90.0)), displaced(changed(dip=89.999))
    assert np.abs(upright - steep).max() < 1e-4 * np.abs(upright).max()  # the dip differs by 1.7e-5
    assert np.isfinite(displaced(changed(dip=0.0))).all()


WRONG = {
    "dip = 120 degrees; it must be from 0 to 90": {"dip": 120.0},
    "strike = 400 degrees; it must be": {"strike": 400.0},
    "look like radians: 0.38 radians are 21.8 degrees": {"strike": 0.6, "dip": 0.38, "rake": 1.9},
    "is depth = 10 in km": {"depth": 10.0},
    "stands 2492.13 m above the ground": {"depth": 5e3, "reference": "centre"},
    "are length and width in km": {"length": 90.0, "width": 40.0, "depth": 10e3},
    "or the slip in cm": {"slip": 140.0, "length": 30e3, "width": 20e3},
    "slip = 400 m; it must be from 0 to 150 m": {"slip": 400.0},
    "length = 9e+07 m; it must be": {"length": 9e7},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_fault_that_can_t_be_is_refused(words):
    with pytest.raises(InputError) as refused:
        check_all([changed(**WRONG[words])], unusual=False)
    assert words in str(refused.value)


def test_a_fault_among_others_is_named_by_its_number():
    with pytest.raises(InputError, match="rectangle 2: dip = 91 degrees"):
        check_all([FAULT, changed(dip=91.0)], unusual=False)


def test_an_unusual_fault_may_be_let_pass():
    check_all([changed(strike=0.6, dip=0.38, rake=1.9, depth=0.0)], unusual=True)
    check_all([FAULT], unusual=False)
