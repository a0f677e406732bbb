"""An ensemble's forecast: every member integrated by a case's solver on a mesh of its own, members spread over the ranks.

A member is a serial run with its own time steps: the same bits on any number of ranks. An unstable member is written as nan, which
`pipeline.assimilation.cycle` drops.
"""

# M members, C cells, V variables

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core import params, plugin
from pipeline.core.case import Case
from pipeline.core.errors import InputError, RunError
from pipeline.store import ensemble
from solvers.core.blocks import block_bounds
from solvers.core.comm import Comm, Serial
from solvers.core.driver import ROUND_OFF, Clock, simulate
from solvers.core.run import mesh_of

Array = np.ndarray[Any, np.dtype[Any]]

log = logging.getLogger("wavetrain")


def forecast(source: Path, case: Case, until: float, out: Path, comm: Comm) -> int:
    """Integrate the ensemble file ``source`` to time ``until`` [s] and write ``out``; returns how many members became unstable. Collective.

    Raises
    ------
    InputError
        No ensemble, states that do not fit the case, a time that is not after the ensemble's, or more ranks than members.
    """
    header = ensemble.read_header(source)
    if not until > header.time:
        raise InputError(f"--time {until:g} is not after the ensemble's time, {header.time:g} s")
    members = header.shape[0]
    if comm.size > members:
        raise InputError(f"too many ranks for the members: {comm.size} ranks, {members} members")
    run, shape, mesh_hash = member_run(case, header.time, until)
    if header.shape[1:] != shape:
        raise InputError(f"{source} has states of {header.shape[1:]} (cells, variables); those of the case have {shape}")
    first, last = block_bounds(comm.rank, comm.size, members)
    states = ensemble.read_members(source, first, last)
    unstable = 0
    for i, state in enumerate(states):
        try:
            states[i] = run(state)
        except RunError as error:
            log.warning("member %d: %s", first + i, error)
            states[i] = np.nan
            unstable += 1
    if comm.rank == 0:
        ensemble.create(out, ensemble.Header(header.shape, until), {"case": case.text, "mesh_hash": mesh_hash})
    comm.barrier()
    for rank in range(comm.size):  # one after the other: needs no parallel HDF5, and holds no more than a rank's own members
        if comm.rank == rank:
            ensemble.write_members(out, first, states)
        comm.barrier()
    if comm.rank == 0:
        ensemble.finish(out)
    comm.barrier()
    return sum(comm.gather(unstable))


def member_run(case: Case, start: float, until: float) -> tuple[Callable[[Array], Array], tuple[int, ...], str]:
    """A function that integrates a state (C, V) in mesh order; (C, V); and the hash of the mesh."""
    solver = plugin.load("solvers", case.solver.kind)
    mesh = mesh_of(case)
    one = {"members": 1} if "members" in case.solver.table else {}  # the file says how many there are
    solver_params = params.build(solver.Params, {**case.solver.table, **one}, "solver")
    model = solver.build(mesh, mesh.share(Serial()), Serial(), solver_params, gauges={}, folder=case.folder)
    if not hasattr(model, "from_values"):
        raise InputError(f"solver {case.solver.kind!r} forecasts no ensemble: it can't begin with the values of a file")

    def run(state: Array) -> Array:
        if not np.isfinite(state).all():
            raise RunError("its state is not finite")
        u = model.from_values(state)
        _advance(model, case, start, until, u)
        return np.asarray(model.to_values(u))

    return run, model.to_values(model.initial()).shape, mesh.hash


def _advance(model: Any, case: Case, start: float, until: float, u: Array) -> None:
    """Advance from ``start`` to ``until`` [s] in place: by the model's own steps, or by even steps where the case says their length."""
    if case.time.dt is None:
        for _ in simulate(model, Serial(), end=until, output_interval=until, cfl=case.time.cfl, u=u, clock=Clock(t=start, frame=1)):
            pass
        return
    steps = max(1, math.ceil((until - start) / case.time.dt * (1.0 - ROUND_OFF)))
    dt = (until - start) / steps
    for step in range(steps):
        if model.max_dt(u) < 0.0:  # a step may go on from what it made of the state
            raise RunError(f"became unstable before t = {start + step * dt:g} s")
        model.step(start + step * dt, u, dt)
    if model.max_dt(u) < 0.0:
        raise RunError(f"became unstable before t = {until:g} s")
