"""The exact solution of a run, as a file like the run's own: the same mesh, the same times, means over the same cells.

Means are taken with six points a cell, exact for polynomials of degree four (G. R. Cowper, Int. J. Numer. Methods Eng. 7 (1973)
405-408, DOI 10.1002/nme.1620070316).
"""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import case as cases
from pipeline.errors import InputError
from pipeline.layout import part_name
from pipeline.params import build, choose
from pipeline.store import Store
from pipeline.writer import Writer, publish
from solvers.tsunami import Params, initial
from solvers.tsunami.model import FIELDS

Array = np.ndarray[Any, np.dtype[Any]]

A, B = 0.816847572980459, 0.091576213509771  # barycentric coordinates of the points near the corners ...
C, D = 0.108103018168070, 0.445948490915965  # ... and near the middles of the edges
POINTS = np.array([[A, B, B], [B, A, B], [B, B, A], [C, D, D], [D, C, D], [D, D, C]])
WEIGHTS = np.array([0.109951743655322] * 3 + [0.223381589678011] * 3)
EVEN = 1e-9  # [m] by which an even bed may vary


def write_exact(run: Path, target: Path) -> Path:
    """Write the exact solution of the run in the file ``run`` to ``target``; done before, it is left alone. Returns ``target``.

    Raises
    ------
    InputError
        The run's initial state has no exact solution, or its bed is not the one that the solution is for.
    """
    with Store(run) as store:
        if target.exists() and target.stat().st_mtime > run.stat().st_mtime:
            return target
        mesh, times = store.mesh(), store.times
        solution = exact_solution(str(store.attrs["case"]), mesh)
        corners: Any = np.stack([mesh["node_x"], mesh["node_y"]], axis=-1)[mesh["face_node_connectivity"]]
        attrs = {name: store.attrs[name] for name in ("case", "packages", "mesh_hash", "ranks")}
        arrays = mesh
    writer = Writer(target, options={}, lead=True)
    writer.create(
        mesh=arrays,
        fields=FIELDS,
        gauges=[],
        gauge_places=np.zeros((0, 2)),
        gauge_fields=[],
        maxima=[],
        attrs=attrs | {"created": datetime.now(UTC).isoformat(timespec="seconds"), "reference": "exact"},
        cells=len(arrays["bed"]),
        real=np.float64,
        chunk=16384,
        compression="none",
    )
    x, y = (np.einsum("pc,tc->tp", POINTS, corners[..., axis]) for axis in (0, 1))
    for t in times:
        surface, ux, uy = solution(x, y, float(t))
        depth = np.maximum(surface - arrays["bed"][:, None], 0.0)
        h = depth @ WEIGHTS
        values = {
            "free_surface": h + arrays["bed"],
            "depth": h,
            "discharge_x": (depth * ux) @ WEIGHTS,
            "discharge_y": (depth * uy) @ WEIGHTS,
        }
        writer.append(float(t), 0, len(h), values)
    writer.close()
    assert part_name(target).exists()
    publish(target)
    return target


def exact_solution(text: str, mesh: dict[str, Array]) -> Callable[[Array, Array, float], tuple[Array, Array, Array]]:
    """Free surface [m] and velocity [m/s] at places and a time, for the case ``text`` on ``mesh``; `InputError` where it has none."""
    parsed = cases.parse(tomllib.loads(text), Path())
    params: Params = build(Params, parsed.solver.table, "solver")
    start = choose(initial.KINDS, params.initial, "solver.initial")
    if not hasattr(start, "at"):
        known = ", ".join(name for name, kind in initial.KINDS.items() if hasattr(kind, "at"))
        raise InputError(f"the initial state {params.initial.kind!r} has no exact solution; these have: {known}")
    bed = mesh["bed"]
    if not isinstance(start, initial.Thacker) and np.ptp(bed) > EVEN:
        raise InputError(f"the exact solution of {params.initial.kind!r} is for an even bed; this one spans {np.ptp(bed):g} m")
    deep = float(np.mean(bed))
    return lambda x, y, t: start.at(x, y, t, params.level, params.gravity, deep)
