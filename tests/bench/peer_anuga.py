"""The dam break of ``bench_tsunami`` in ANUGA, on the same mesh: ``python peer_anuga.py MESH.npz END``; run with ANUGA's Python.

Its default scheme (DE1: second order, rk2), one thread; the faster of its two compute modes counts.
"""

import json
import sys
import time
from contextlib import redirect_stdout
from io import StringIO

import anuga
import numpy as np

STAGES = 2  # of rk2


def main() -> None:
    mesh = np.load(sys.argv[1])
    end = float(sys.argv[2])
    with redirect_stdout(StringIO()):
        rates = [rate(mesh, end, mode) for mode in (1, 2)]
    print(json.dumps({"updates_per_core_s": max(rates), "modes": rates}))


def domain_on(mesh, mode):
    """The mesh in ANUGA between walls on an even bed at height 0, for compute mode ``mode``."""
    domain = anuga.Domain(mesh["vertices"], mesh["triangles"].astype(int))
    domain.set_store(False)
    domain.set_flow_algorithm("DE1")
    domain.set_multiprocessor_mode(mode)
    domain.set_quantity("elevation", 0.0)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    return domain


def rate(mesh, end, mode):
    """Triangle-stage updates per second in compute mode ``mode``."""
    domain = domain_on(mesh, mode)
    domain.set_quantity("stage", lambda x, y: np.where(np.hypot(x, y) < 11.0, 10.0, 1.0))
    steps = 0
    begun = time.perf_counter()
    for _ in domain.evolve(yieldstep=end / 2, finaltime=end):
        if domain.get_time() == 0.0:
            begun = time.perf_counter()  # what comes before the first step is set-up
        else:
            steps += domain.number_of_steps
    return len(mesh["triangles"]) * STAGES * steps / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
