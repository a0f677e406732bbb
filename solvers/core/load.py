"""Work of a run: its cells, the stages of a step, and the length of the first step, which stands for all."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.core import params, plugin
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from solvers.core.comm import Serial
from solvers.core.run import mesh_of, values_blamed

MOST_POINTS = 2**18  # of a box whose first step is tried: that of a finer one follows from its spacing
FACTORS = (2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class Load:
    """Work of a case."""

    cells: int  # whose values are stored; all members of an ensemble
    stages: int  # of a step
    dt: float  # [s] of the first step, of a cell on average


def load_of(case: Case) -> Load:
    """The load of ``case``: as its solver says it, or from its mesh and its first state, which are built.

    Raises
    ------
    InputError
        The case is wrong.
    """
    solver = plugin.load("solvers", case.solver.kind)
    wanted = params.build(solver.Params, case.solver.table, "solver")
    own: Callable[..., Load] | None = getattr(solver, "load", None)
    with values_blamed():
        found = own(mesh_of(case), wanted, case) if own else tried(solver, mesh_of(case), wanted, case)
    if math.isinf(found.dt):
        raise InputError("key 'time.dt' is missing [s]: this solver has no time step of its own")
    return found


def tried(solver: Any, mesh: Any, wanted: Any, case: Case) -> Load:
    """The load by the model of ``case`` on ``mesh``, built and asked for its first step."""
    comm = Serial()
    model = solver.build(mesh, mesh.share(comm), comm, wanted, gauges=case.gauges, folder=case.folder)
    dt = case.time.cfl * float(model.max_dt(model.initial())) if case.time.dt is None else case.time.dt
    return Load(math.prod(model.shape), model.stages, dt / model.steps_inside)


def tried_on_fewer(solver: Any, mesh: Any, wanted: Any, case: Case) -> Load:
    """Load by `tried` of a box, whose points may be more than fit here: on fewer, with a step that goes with their spacing."""
    points = fewer(mesh.points, MOST_POINTS)
    found = tried(solver, replace(mesh, points=points), wanted, case)
    grown = math.prod(mesh.points) // math.prod(points)
    finer = max(np.divide(mesh.points, points))
    return Load(found.cells * grown, found.stages, found.dt if case.time.dt is not None else found.dt / finer)


def fewer(points: tuple[int, ...], most: int) -> tuple[int, ...]:
    """``points`` over small factors of theirs, until there are at most ``most`` in all, or no axis has more of them."""
    while math.prod(points) > most:
        longest = sorted(range(len(points)), key=lambda axis: -points[axis])
        thinned = next(((axis, factor) for axis in longest for factor in FACTORS if points[axis] % factor == 0 and points[axis] > 16), None)
        if thinned is None:
            break
        axis, factor = thinned
        points = tuple(count // factor if i == axis else count for i, count in enumerate(points))
    return points
