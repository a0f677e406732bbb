"""Numbers side by side: as many as a processor's registers hold, with the same bits."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

CODE = """
import sys
import llvmlite.binding
own = llvmlite.binding.get_host_cpu_features
llvmlite.binding.get_host_cpu_features = lambda: {"avx512f": sys.argv[1] == "8"}
from solvers.ks.vector.lanes import LANES
llvmlite.binding.get_host_cpu_features = own  # numba compiles for the processor that there is
import numpy as np
from pipeline.terms.parser import parse_terms
from solvers.ks.spectral import Integrator
assert LANES == int(sys.argv[1])
found = []
for points in (40, 96, 128):
    integrator = Integrator(parse_terms(["-u*u_x", "-u_xx", "-u_xxxx", "0.02*u**2*u_x", "0.01"]), 30.0, points, 0.001)
    found.append(integrator.advance(np.random.default_rng(3).normal(size=(11, points)), 20).ravel())
np.save(sys.argv[2], np.concatenate(found))
"""


@pytest.mark.slow
def test_four_and_eight_have_the_same_bits(tmp_path):
    """Compiles the kernels of both: a minute each."""
    for lanes in ("4", "8"):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / lanes)}
        subprocess.run(
            [sys.executable, "-c", CODE, lanes, str(tmp_path / f"{lanes}.npy")], check=True, cwd=ROOT, env=environment, timeout=900
        )
    four, eight = (np.load(tmp_path / f"{lanes}.npy") for lanes in ("4", "8"))
    assert np.isfinite(four).all()
    assert np.array_equal(four, eight)
