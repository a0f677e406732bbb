"""Every solver passes the tests of conformance."""

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

from jobs.conformance.solver import SolverTests
from pipeline.core import plugin
from pipeline.store.reader import Store
from solvers.core.figures import draw

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

    def test_a_run_is_drawn_where_its_solver_draws_none(self, done):
        with Store(done[0] / "run.h5") as store:
            name, times = next(iter(store.fields)), store.times
            pictures = draw(store, [1, 3])
            first = store.field(name)[1].compute()
        maps = pictures.get("maps")
        assert ("space and time" in pictures) is (maps is None)
        if maps:
            *frames, bar = maps.figure.axes
            assert [axis.get_title(loc="left") for axis in frames] == [f"t = {times[i]:.4g}{unit_of(first)}" for i in (1, 3)]
            assert name in bar.get_ylabel()
            drawn = frames[0].collections or frames[0].images
            shown = np.asarray(drawn[0].get_array(), float)
            values = first if first.ndim == 1 else first[0] - first[0].mean()
            assert shown.reshape(values.shape) == pytest.approx(values, abs=1e-12)
        for picture in pictures.values():
            plt.close(picture.figure)


def unit_of(values: np.ndarray) -> str:
    """The unit of time on a map of ``values``: boxes have none."""
    return " s" if values.ndim == 1 else ""


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
