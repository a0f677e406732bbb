"""Conformance: tests that every plug-in passes, Wavetrain's own and other packages'.

A class for each kind of plug-in; an author derives from it and says which plug-in is meant (docs/how_to_add.md)::

    class TestStrip(MeshTests):
        @pytest.fixture
        def asked(self):
            return Spec("strip", {"length": 20.0, "size": 0.5})
"""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("codec", "initial", "mesh", "params", "same", "solver", "stage"))
)  # failures show values
