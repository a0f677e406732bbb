"""Every stage passes the tests of conformance."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.conformance.stage import StageTests
from pipeline.core import plugin

POND: dict[str, Any] = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 2.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 0.5}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.05, "width": 0.4, "centre": [1.0, 1.0]}},
    "time": {"end": 0.5, "every": 0.25},
    "gauges": {"a": [2.0, 1.0]},
    "observed": {"source": "me", "comparison": "laboratory", "series": {"file": "a.txt", "columns": {"a": 1}}},
}
LINE: dict[str, Any] = {
    "mesh": {"kind": "box", "length": 8.0, "points": 32},
    "solver": {"kind": "ks", "terms": ["-u*u_x", "0.1*u_xx"], "members": 2},
    "time": {"end": 0.2, "every": 0.02, "dt": 0.01},
}
FINER = {"mesh.points": 48}
CAMPAIGNS: dict[str, dict[str, Any]] = {
    "compress": {"run": {"line": {"case": LINE}}, "stage": {"kept": {"run": "line", "bound": "1%", "codec": "zfp"}}},
    "decompose": {
        "run": {"line": {"case": LINE}, "finer": {"case": LINE, "set": FINER}},
        "stage": {"parts": {"runs": "line", "reference": "finer", "resamples": 2}},
    },
    "discover": {
        "run": {"truth": {"case": LINE}, "model": {"case": LINE, "set": {"solver.terms": ["-u*u_x"]}}},
        "stage": {"found": {"observed": "truth", "forecast": "model", "library": ["u_xx"], "states": 1, "resamples": 0, "starts": 1}},
    },
    "validate": {"run": {"pond": {"case": POND}}, "stage": {"judged": {"run": "pond"}}},
}


class TestStages(StageTests):
    @pytest.fixture(params=plugin.kinds(StageTests.package))
    def tables(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        made = CAMPAIGNS.get(request.param, {"stage": {"one": {}}})
        return {**made, "stage": {name: {"kind": request.param, **table} for name, table in made["stage"].items()}}

    def files(self, folder: Path) -> None:
        times = np.arange(0.0, 1.0, 0.05)
        np.savetxt(folder / "a.txt", np.stack([times, 0.01 * np.sin(times)], axis=1))
