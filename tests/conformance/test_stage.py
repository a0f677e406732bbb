"""Every stage passes the tests of conformance."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_pairs import LINE, POND

from jobs.conformance.stage import StageTests
from pipeline.core import plugin

SHORT = POND | {"time": {"end": 0.5, "every": 0.25}}
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
    "friction": {
        "run": {"truth": {"case": SHORT, "set": {"solver.linear_drag": 0.1}}, "model": {"case": SHORT}},
        "stage": {"found": {"observed": "truth", "forecast": "model", "library": ["linear_drag"], "resamples": 0}},
    },
    "validate": {"run": {"pond": {"case": SHORT}}, "stage": {"judged": {"run": "pond"}}},
}


class TestStages(StageTests):
    @pytest.fixture(params=plugin.kinds(StageTests.package))
    def tables(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        made = CAMPAIGNS.get(request.param, {"stage": {"one": {}}})
        return {**made, "stage": {name: {"kind": request.param, **table} for name, table in made["stage"].items()}}

    def files(self, folder: Path) -> None:
        times = np.arange(0.0, 1.0, 0.05)
        np.savetxt(folder / "a.txt", np.stack([times, 0.01 * np.sin(times)], axis=1))
