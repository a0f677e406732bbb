"""Every solver passes the tests of conformance."""

from typing import Any

import pytest

from jobs.conformance.solver import SolverTests
from pipeline import plugin

CASES: dict[str, dict[str, Any]] = {
    "ks": {
        "mesh": {"kind": "box", "length": 20.0, "points": 32},
        "solver": {"kind": "ks", "members": 2, "initial": {"kind": "random", "amplitude": 0.1}},
        "time": {"end": 0.3, "every": 0.1, "dt": 0.05},
    },
    "tsunami": {
        "mesh": {"kind": "rectangle", "width": 4.0, "height": 2.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 0.5}},
        "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.05, "width": 0.4, "centre": [1.0, 1.0]}},
        "time": {"end": 0.3, "every": 0.1},
        "gauges": {"a": [2.0, 1.0]},
    },
    "turbulence": {
        "mesh": {"kind": "box", "length": [6.0, 6.0, 6.0], "points": [8, 8, 8]},
        "solver": {
            "kind": "turbulence",
            "viscosity": 0.1,
            "forcing": {"kind": "stochastic", "strength": 0.1, "time": 0.3, "high": 1.5},
            "scalar": {"kind": "passive", "diffusivity": 0.1, "variance": 0.1, "peak": 1.0},
        },
        "time": {"end": 0.3, "every": 0.1, "dt": 0.05},
    },
}


class TestSolvers(SolverTests):
    @pytest.fixture(params=plugin.kinds("solvers"))
    def tables(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return CASES.get(request.param, {"solver": {"kind": request.param}})


@pytest.mark.slow  # a line and a cube stay
class TestPlane(SolverTests):
    @pytest.fixture
    def tables(self) -> dict[str, Any]:
        return {
            "mesh": {"kind": "box", "length": [20.0, 15.0], "points": [16, 12]},
            "solver": {
                "kind": "ks",
                "terms": ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-u*u_x"],
                "scheme": "cnab2",
                "initial": {"kind": "random", "modes": 2},
            },
            "time": {"end": 0.3, "every": 0.1, "dt": 0.05},
        }
