"""The bench's measure of fields between snapshots, on a small vortex."""

import midpoint
import numpy as np
import pytest


def test_marching_between_what_the_solver_makes_is_far_closer_than_a_cubic():
    pytest.importorskip("mpi4py_fft")
    z, y, x = np.meshgrid(*(2.0 * np.pi * np.arange(16) / 16,) * 3, indexing="ij")
    vortex = np.stack([np.sin(x) * np.cos(y) * np.cos(z), -np.cos(x) * np.sin(y) * np.cos(z), 0.0 * x]).astype(np.float32)
    found = midpoint.solved(vortex, 0.02, spans=(1.2,))[1.2]
    assert found["marched"] < 0.05 * found["cubic"]  # the march has errors of the step in time, the cubic one of the time between the ends
