"""Small flows of the turbulence solver for tests and benches."""

from pathlib import Path

import numpy as np

from meshes import box
from pipeline.core.params import build
from solvers import turbulence
from solvers.core.comm import Serial
from solvers.core.driver import simulate

PERIOD = 2.0 * np.pi
REFERENCE = "tgv1600/spectral_Re1600_512.gdiag"  # time, energy, its fall by forward differences, enstrophy


def flow(points, comm=None, lengths=(PERIOD,) * 3, **solver):
    """A `Flow` on ``points`` along x, y, z, or as many along each axis."""
    counts = [points] * 3 if isinstance(points, int) else list(points)
    mesh = box.build(build(box.Params, {"length": list(lengths), "points": counts}, "mesh"), folder=Path())
    comm = comm or Serial()
    return turbulence.build(mesh, mesh.share(comm), comm, build(turbulence.Params, solver, "solver"), gauges={}, folder=Path())


def run(model, end, **named):
    """The waves at time ``end``; ``cfl`` or ``dt_max`` chooses the steps."""
    *_, last = simulate(model, model.comm, end=end, output_interval=named.pop("output_interval", end), cfl=named.pop("cfl", 0.5), **named)
    model.output(last.u)  # a last sample of the statistics
    return last.u


def reference(path):
    """The Taylor-Green vortex at Reynolds number 1600, 512^3 points: time, energy, dissipation 2 nu x enstrophy."""
    time, energy, _, enstrophy = np.loadtxt(path).T
    return time, energy, 2.0 / 1600.0 * enstrophy
