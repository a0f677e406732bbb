"""Every mesh passes the tests of conformance."""

from typing import Any

import pytest

from jobs.conformance.mesh import MeshTests
from pipeline.core import plugin
from pipeline.core.params import Spec

TABLES: dict[str, dict[str, Any]] = {
    "box": {"length": [3.0, 2.0], "points": [12, 10]},
    "file": {"file": "harbour.msh", "bathymetry": {"kind": "vertices"}},
    "globe": {"size": 9e5, "hole": {"radius": 1.5e6}},
    "island": {"size": 4.0, "island": 2.0},
    "lonlat": {"west": 160.0, "east": -150.0, "south": -40.0, "north": 30.0, "size": 8e5},
    "rectangle": {"width": 4.0, "height": 3.0, "size": 0.5, "bathymetry": {"kind": "bowl", "depth": 0.5, "radius": 2.0}},
}


class TestMeshes(MeshTests):
    @pytest.fixture(params=plugin.kinds("meshes"))
    def asked(self, request: pytest.FixtureRequest) -> Spec:
        return Spec(request.param, TABLES.get(request.param, {}))


class TestPeriodicRectangle(MeshTests):
    @pytest.fixture(params=[["x"], ["x", "y"]], ids="".join)
    def asked(self, request: pytest.FixtureRequest) -> Spec:
        return Spec("rectangle", {"width": 3.0, "height": 2.0, "size": 0.4, "periodic": request.param})


class TestRoundTheGlobe(MeshTests):
    @pytest.fixture
    def asked(self) -> Spec:
        return Spec("lonlat", {"west": -180.0, "east": 180.0, "south": -60.0, "north": 60.0, "size": 1.5e6})


class TestCube(MeshTests):
    @pytest.fixture
    def asked(self) -> Spec:
        return Spec("box", {"length": [3.0, 2.0, 1.0], "points": [8, 10, 12]})
