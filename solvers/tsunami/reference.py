"""The exact solution of a run, as a file like the run's own: the same mesh, the same times, means over the same cells."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import quadrature
from pipeline.core import case as cases
from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.core.params import build, choose
from pipeline.store.reader import Store
from pipeline.store.writer import Writer, publish
from solvers.tsunami import initial
from solvers.tsunami.gauges import GAUGES
from solvers.tsunami.model import FIELDS
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]
Exact = Callable[[Array, Array, float], tuple[Array, Array, Array]]  # of places [m] and a rising time [s]

EVEN = 1e-9  # [m] by which an even bed may vary


def write_exact(run: Path, target: Path) -> Path:
    """Write the exact solution of the run in the file ``run`` to ``target``; done before, it is left alone. Returns ``target``.

    Raises
    ------
    InputError
        The run's initial state has no exact solution, or only on another bed.
    """
    with Store(run) as store:
        if target.exists() and target.stat().st_mtime > run.stat().st_mtime:
            return target
        mesh, times = store.mesh(), store.times
        solution = exact_solution(str(store.attrs["case"]), mesh, float(times[-1]))
        corners: Any = np.stack([mesh["node_x"], mesh["node_y"]], axis=-1)[mesh["face_node_connectivity"]]
        gauges, gauge_times = store.gauges, store.gauge(next(iter(store.gauges)))[0].compute() if store.gauges else np.zeros(0)
        attrs = {name: store.attrs[name] for name in ("case", "packages", "mesh_hash", "ranks")}
        arrays = mesh
    writer = Writer(target, options={}, lead=True)
    writer.create(
        mesh=arrays,
        fields=FIELDS,
        gauges=list(gauges),
        gauge_places=np.array(list(gauges.values())),
        gauge_fields=GAUGES,
        maxima=[],
        attrs=attrs | {"created": datetime.now(UTC).isoformat(timespec="seconds"), "reference": "exact"},
        shape=(len(arrays["bed"]),),
        real=np.float64,
        chunk=16384,
        frames=len(times),
        compression="none",
    )
    x, y = quadrature.places(corners)
    frame_times, gauge_set, series = set(times.tolist()), set(gauge_times.tolist()), []
    px, py = np.array(list(gauges.values())).reshape(-1, 2).T
    near = [_holder(corners, place) for place in gauges.values()]
    for t in np.union1d(times, gauge_times).tolist():  # rising, as the solutions that are computed want it
        if t in frame_times:
            surface, ux, uy = solution(x, y, t)
            depth = np.maximum(surface - arrays["bed"][:, None], 0.0)
            h = quadrature.means(depth)
            discharges = {"discharge_x": quadrature.means(depth * ux), "discharge_y": quadrature.means(depth * uy)}
            writer.append(t, 0, len(h), {"free_surface": h + arrays["bed"], "depth": h, **discharges})
        if t in gauge_set:
            surface, ux, uy = solution(px, py, t)
            wet = surface > arrays["bed"][near]
            series.append((np.maximum(surface, arrays["bed"][near]), wet * ux, wet * uy))
    if gauges:
        wanted: Any = np.array(series)
        writer.append_gauges(gauge_times, {field.name: wanted[:, i] for i, field in enumerate(GAUGES)})
    writer.close()
    publish(target)
    return target


def exact_solution(text: str, mesh: dict[str, Array], end: float) -> Exact:
    """Free surface [m] and velocity [m/s] at places and a time, for the case ``text`` on ``mesh`` until ``end`` [s].

    Ask for rising times. `InputError` where the case has no exact solution.
    """
    parsed = cases.parse(tomllib.loads(text), Path())
    params: Params = build(Params, parsed.solver.table, "solver")
    bed = mesh["bed"]
    start = check_exact(params, lambda: bed)
    deep = float(np.mean(bed))
    if hasattr(start, "spread"):
        spread: Exact = start.spread(mesh["node_x"], mesh["node_y"], params.level, params.gravity, deep, end)
        return spread
    return lambda x, y, t: start.at(x, y, t, params.level, params.gravity, deep)


def check_exact(params: Params, bed: Callable[[], Array | None]) -> Any:
    """The initial state of a run that has an exact solution; ``bed()`` gives the cells' beds [m], None where they are known to be even.

    Raises
    ------
    InputError
        There is no exact solution of this state, or not on this bed.
    """
    if params.source:
        raise InputError("a run whose bed is moved, by [[source]], has no exact solution: take a finer run as the reference")
    start = choose(initial.__name__, params.initial, "solver.initial")
    if params.coriolis or params.beta:
        raise InputError("there are no exact solutions with the Coriolis force: take a finer run as the reference")
    kinds = {name: plugin.load(initial.__name__, name).Params for name in plugin.kinds(initial.__name__)}
    known = [name for name, kind in kinds.items() if hasattr(kind, "at") or hasattr(kind, "spread")]
    if params.initial.kind not in known:
        raise InputError(f"the initial state {params.initial.kind!r} has no exact solution; these have: {', '.join(known)}")
    if not getattr(start, "curved_bed", False) and (heights := bed()) is not None and np.ptp(heights) > EVEN:
        raise InputError(f"the exact solution of {params.initial.kind!r} is for an even bed; this one spans {np.ptp(heights):g} m")
    return start


def _holder(corners: Array, place: tuple[float, ...]) -> int:
    """The triangle of ``corners`` (cells, 3, 2) that holds ``place``, or is nearest to doing so."""
    to, along = np.array(place) - corners, np.roll(corners, -1, axis=1) - corners
    return int(np.argmax((along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]).min(axis=1)))
