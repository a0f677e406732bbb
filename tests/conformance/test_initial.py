"""Every initial state passes the tests of conformance."""

from typing import Any

import pytest

from jobs.campaign.catalogue import groups
from jobs.conformance.initial import InitialTests, KsInitialTests, TsunamiInitialTests, TurbulenceInitialTests
from pipeline.core import plugin
from pipeline.core.params import Spec

BOWL = {"kind": "bowl", "depth": 0.1, "radius": 1.0}
POND = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 4.0, "size": 0.5, "origin": [-2.0, -2.0], "bathymetry": BOWL},
    "solver": {"kind": "tsunami"},
    "time": {"end": 1.0, "every": 0.5},
}
LINE = {"mesh": {"kind": "box", "length": 20.0, "points": 32}, "solver": {"kind": "ks"}, "time": {"end": 1.0, "every": 0.5, "dt": 0.1}}
CUBE = {
    "mesh": {"kind": "box", "length": [6.0, 6.0, 6.0], "points": [12, 8, 16]},
    "solver": {"kind": "turbulence", "viscosity": 0.1},
    "time": {"end": 1.0, "every": 0.5},
}
TABLES: dict[str, dict[str, Any]] = {
    "dam_break": {"high": 0.2, "low": 0.1},
    "hump": {"height": 0.05, "width": 0.4},
    "plane_wave": {"amplitude": 0.001, "wavelength": 4.0, "depth": 0.1},
    "standing_wave": {"amplitude": 0.001, "wavelength": 4.0, "depth": 0.1},
    "thacker": {"depth": 0.1, "radius": 1.0, "shift": 0.5},
    "waves": {"waves": [[1, 1.0, 0.0], [3, 0.5, 1.0]], "noise": 0.1},
}


def of(test: type[InitialTests]) -> Any:
    """A fixture of all initial states that ``test`` is for."""

    @pytest.fixture(params=plugin.kinds(test.package))
    def asked(self: Any, request: pytest.FixtureRequest) -> Spec:
        return Spec(request.param, TABLES.get(request.param, {}))

    return asked


class TestTsunami(TsunamiInitialTests):
    asked = of(TsunamiInitialTests)

    @pytest.fixture
    def tables(self) -> dict[str, Any]:
        return POND


class TestKs(KsInitialTests):
    asked = of(KsInitialTests)

    @pytest.fixture
    def tables(self) -> dict[str, Any]:
        return LINE


class TestTurbulence(TurbulenceInitialTests):
    asked = of(TurbulenceInitialTests)

    @pytest.fixture
    def tables(self) -> dict[str, Any]:
        return CUBE


def test_the_initial_states_of_all_solvers_are_tested():
    tested = {test.package for test in (TsunamiInitialTests, KsInitialTests, TurbulenceInitialTests)}
    assert {group.package for name, group in groups().items() if name.endswith(".initial")} == tested
