"""The exact solution of a run, as a file like the run's own: the same mesh, the same times, means over the same cells."""

import tomllib
from collections.abc import Callable, Mapping
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
from solvers.tsunami.sides import Exact, Sides, open_edges, refuse_incident

Array = np.ndarray[Any, np.dtype[Any]]

EVEN = 1e-9  # [m] by which an even bed may vary


def write_exact(run: Path, target: Path) -> Path:
    """Write the exact solution of the run in the file ``run`` to ``target``; done before, it is left alone. Returns ``target``.

    It ends with the last of the run's frames before its waves meet a wall, or a periodic side that it does not fit: attributes
    ``exact_until`` [s] and ``exact_ends``, which says why.

    Raises
    ------
    InputError
        The run's initial state has no exact solution, or only on another bed, or none that fits the mesh's sides.
    """
    with Store(run) as store:
        if _is_done(target, run):
            return target
        mesh, times = store.mesh(), store.times
        case = cases.parse(tomllib.loads(str(store.attrs["case"])), run.parent)
        params: Params = build(Params, case.solver.table, "solver")
        solution = exact_solution(params, mesh, float(times[-1]))
        sides = Sides(mesh, open_edges(case, params, mesh), params.level)
        gauges, gauge_times = store.gauges, store.gauge_times
        attrs = {name: store.attrs[name] for name in ("case", "packages", "mesh_hash", "ranks")}
    writer = Writer(target, options={}, lead=True)
    writer.create(
        mesh=mesh,
        fields=FIELDS,
        gauges=list(gauges),
        gauge_places=np.array(list(gauges.values())),
        gauge_fields=GAUGES,
        maxima=[],
        attrs=attrs | {"created": datetime.now(UTC).isoformat(timespec="seconds"), "reference": "exact"},
        shape=(len(mesh["bed"]),),
        real=np.float64,
        chunk=16384,
        frames=len(times),
        compression="none",
    )
    try:
        _write_series(writer, solution, sides, mesh, times, gauges, gauge_times)
        writer.close()
    except InputError:
        writer.close()
        writer.part.unlink()
        raise
    publish(target)
    return target


def _is_done(target: Path, run: Path) -> bool:
    """Whether ``target`` holds the exact solution of ``run``, as far as it holds: files of before went on beyond that."""
    if not target.exists() or target.stat().st_mtime <= run.stat().st_mtime:
        return False
    with Store(target) as found:
        return "exact_until" in found.attrs


def _write_series(
    writer: Writer,
    solution: Exact,
    sides: Sides,
    mesh: dict[str, Array],
    times: Array,
    gauges: Mapping[str, tuple[float, ...]],
    gauge_times: Array,
) -> None:
    """Write the frames, and the gauges' samples, until waves meet a side; `InputError` where a single frame, or none, is before that."""
    corners: Any = np.stack([mesh["node_x"], mesh["node_y"]], axis=-1)[mesh["face_node_connectivity"]]
    x, y = quadrature.places(corners)
    frame_times, gauge_set, series = set(times.tolist()), set(gauge_times.tolist()), []
    px, py = np.array(list(gauges.values())).reshape(-1, 2).T
    near = [_holder(corners, place) for place in gauges.values()]
    until, met = -np.inf, None
    for t in np.union1d(times, gauge_times).tolist():  # rising, as the solutions that are computed want it
        if t in frame_times:
            surface, ux, uy = solution(x, y, t)
            depth = np.maximum(surface - mesh["bed"][:, None], 0.0)
            met = sides.met(solution, t, depth, surface, np.hypot(ux, uy))
            if met:
                break
            h = quadrature.means(depth)
            discharges = {"discharge_x": quadrature.means(depth * ux), "discharge_y": quadrature.means(depth * uy)}
            writer.append(t, 0, len(h), {"free_surface": h + mesh["bed"], "depth": h, **discharges})
            until = t
        if t in gauge_set:
            surface, ux, uy = solution(px, py, t)
            wet = surface > mesh["bed"][near]
            series.append((np.maximum(surface, mesh["bed"][near]), wet * ux, wet * uy))
    if met and writer.frames < 2:
        raise InputError(f"the exact solution does not fit the sides of this mesh: at t = {t:g} s {met}; take a finer run as the reference")
    writer.set_attrs({"exact_until": until, "exact_ends": f"at t = {t:g} s {met}" if met else ""})
    if gauges:
        held = gauge_times[gauge_times <= until] if met else gauge_times
        wanted: Any = np.array(series[: len(held)]).reshape(-1, len(GAUGES), len(gauges))
        writer.append_gauges(held, {field.name: wanted[:, i] for i, field in enumerate(GAUGES)})


def exact_solution(params: Params, mesh: dict[str, Array], end: float) -> Exact:
    """Free surface [m] and velocity [m/s] at places and a time, for the solver's ``params`` on ``mesh`` until ``end`` [s].

    Ask for rising times. `InputError` where the case has no exact solution.
    """
    bed = mesh["bed"]
    start = check_exact(params, lambda: bed)
    deep = float(np.mean(bed))
    if hasattr(start, "spread"):
        spread: Exact = start.spread(mesh["node_x"], mesh["node_y"], params.level, params.wave_gravity, deep, end)
        return spread
    return lambda x, y, t: start.at(x, y, t, params.level, params.wave_gravity, deep)


def check_exact(params: Params, bed: Callable[[], Array | None]) -> Any:
    """The initial state of a run that has an exact solution; ``bed()`` gives the cells' beds [m], None where they are known to be even.

    Raises
    ------
    InputError
        There is no exact solution of this state, or not on this bed.
    """
    if params.source:
        raise InputError("a run whose bed is moved, by [[source]], has no exact solution: take a finer run as the reference")
    if params.manning or params.linear_drag or params.quadratic_drag:
        raise InputError("there are no exact solutions with friction: take a finer run as the reference")
    refuse_incident(params)
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
