"""A run on the ranks of a communicator: case -> mesh -> model -> frames -> files and a summary."""

import contextlib
import functools
import json
import logging
import math
import platform
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from meshes.core.kept import kept_or_built
from meshes.core.mesh import Mesh
from pipeline.core import params, plugin, provenance, remarks
from pipeline.core.case import Case
from pipeline.core.compiling import Watch, watched
from pipeline.core.errors import InputError, RunError, WriteError
from pipeline.core.signals import RECEIVED
from pipeline.store.writer import write_text
from solvers.core.comm import Comm
from solvers.core.driver import Clock, simulate
from solvers.core.model import Model
from solvers.core.record import Recorder

log = logging.getLogger("wavetrain")

EVERY_LINE = 1.0  # [s] between two lines of the log
PACKAGES = ("numpy", "numba", "h5py", "mpi4py", "petsc4py", "scipy")


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run, for display."""

    t: float  # [s] simulated
    end: float  # [s]
    dt: float  # [s]
    step: int
    conservation_error: float  # relative, at the last frame
    wall: float  # [s] since the first step, without what was spent compiling kernels


class CoreTime:
    """Processor time of a run's steps on one rank. The first step loads the kernels: the others stand for it.

    The time of kernels that are compiled later (of a last, shorter step, or of a statistic) does not count.
    """

    def __init__(self, compiled: Watch) -> None:
        self._compiled = compiled
        self._first: tuple[int, float] | None = None
        self._last = (0, 0.0)

    def note_first(self, step: int) -> None:
        """Step number ``step`` is done; only the first that is told counts, for the clock takes as long as a small step."""
        if self._first is None:
            self.note(step)
            self._first = self._last

    def note(self, step: int) -> None:
        """Step number ``step`` is the last that is done so far."""
        self._last = (step, time.process_time() - self._compiled.seconds)

    def seconds(self, steps: int) -> float:
        """Processor time [s] of ``steps`` steps like the steps noted."""
        if self._first is None or self._last[0] == self._first[0]:
            return 0.0
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0]) * steps


class _Said:
    """A line in the log at a frame, `EVERY_LINE` apart."""

    def __init__(self) -> None:
        self._next = -math.inf

    def __call__(self, now: float, clock: Clock, error: float) -> None:
        if now >= self._next:
            self._next = now + EVERY_LINE
            log.info("t = %.6g s, step %d, dt = %.3g s, conservation error %+.1e", clock.t, clock.step, clock.dt, error)


def mesh_of(case: Case) -> Mesh:
    """The mesh of a case; `InputError` where its table is wrong."""
    module = plugin.load("meshes", case.mesh.kind)
    asked = params.build(module.Params, case.mesh.table, "mesh")
    mesh: Mesh = kept_or_built(provenance.key_of_mesh(case), lambda: module.build(asked, folder=case.folder))
    return mesh


@contextlib.contextmanager
def values_blamed() -> Iterator[None]:
    """Let numbers of no possible mesh or state (a size that overflows, more cells than memory) be an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except (ArithmeticError, MemoryError, ValueError) as error:
        log.debug("the mesh, the model or its first state can't be made", exc_info=True)
        reason = (str(error).splitlines() or ["no memory"])[0]
        raise InputError(f"no mesh and first state can be made of the case's values: {type(error).__name__}: {reason}") from error


def _blamed_mesh(case: Case) -> Mesh:
    with values_blamed():
        return mesh_of(case)


def _share(mesh: Mesh, comm: Comm, solver: Any, solver_params: Any) -> Any:
    """This rank's part of the mesh, cut so that each of the solver's groups is shared evenly, where it has groups."""
    groups = solver.groups(mesh, solver_params) if comm.size > 1 and hasattr(solver, "groups") else None
    return mesh.share(comm) if groups is None else mesh.share(comm, groups)


def run_case(case: Case, folder: Path, comm: Comm, progress: Callable[[Progress], None] = lambda p: None) -> dict[str, Any]:
    """Run ``case`` and write its files into ``folder``. It goes on from a checkpoint that is left there.

    Parameters
    ----------
    case
        The case, as `wavetrain.read_case` reads it.
    folder
        Folder, which exists, for ``run.h5``, ``summary.json`` and the log.
    comm
        All ranks that do the run, such as `solvers.core.comm.Serial`.
    progress
        Called after every step on every rank.

    Returns
    -------
    dict[str, Any]
        The summary, as in ``summary.json``; ``status`` is "done" or "stopped" (by SIGTERM, SIGINT or SIGUSR1).

    Raises
    ------
    InputError
        The case is wrong.
    RunError
        The run became unstable; its written frames and the last checkpoint stay.

    Examples
    --------
    >>> from pipeline.core.case import read
    >>> from solvers.core.comm import Serial
    >>> folder = Path("runs/again")
    >>> folder.mkdir()
    >>> summary = run_case(read("runs/ks/case.toml"), folder, Serial())
    >>> summary["status"], summary["steps"]
    ('done', 40)
    """
    started = time.perf_counter()
    if comm.rank > 0:
        log.setLevel(logging.ERROR)  # what all ranks would say, one says
    with watched() as compiled:
        return _run(case, folder, comm, progress, compiled, started)


def _run(case: Case, folder: Path, comm: Comm, progress: Callable[[Progress], None], compiled: Watch, started: float) -> dict[str, Any]:
    """Do as `run_case`, with the ``compiled`` kernels watched, since ``started`` on the clock of `time.perf_counter`."""
    solver = plugin.load("solvers", case.solver.kind)
    solver_params = params.build(solver.Params, case.solver.table, "solver")
    with remarks.collected() as notes:
        mesh = comm.once_a_node(lambda: _blamed_mesh(case))
        with values_blamed():
            part = _share(mesh, comm, solver, solver_params)
            model = solver.build(mesh, part, comm, solver_params, gauges=case.gauges, folder=case.folder)
        if comm.size > 1 and model.on_one_rank:
            raise InputError(f"solver {case.solver.kind!r} runs on one rank")
        for line in model.remarks(case.time.end):
            remarks.remark(line)
    made_from = comm.broadcast(provenance.of_run(case) if comm.rank == 0 else None)
    facts = _facts(mesh, comm) | {"provenance": json.dumps(made_from)}
    recorder = Recorder(case, mesh, model, comm, folder, facts)
    log.info("%d cells, %d rank(s), mesh %s", recorder.cells, comm.size, mesh.hash[:12])
    try:
        summary = _simulate(case, model, comm, recorder, progress, compiled)
    except WriteError:  # a collective close would wait for ever
        raise
    except RunError:  # all ranks are here
        recorder.close()
        raise
    recorder.close()
    log.info("%s at t = %.6g s after %d steps", summary["status"], summary["t_end"], summary["steps"])
    compile_s = float(comm.max(np.array([compiled.seconds]))[0])
    notes += [f"went on at t = {one['t']:g} s with {', '.join(one['changed'])} changed" for one in recorder.changes]
    summary |= model.extremes() | {
        "cells": recorder.cells,
        "ranks": comm.size,
        "total_s": time.perf_counter() - started,
        "compiling_s": compile_s,
        "mesh_hash": mesh.hash,
        "versions": versions(),
        "key": made_from["key"],
        "notes": notes,
    }
    if comm.rank == 0:
        write_text(folder / "summary.json", json.dumps(summary, indent=1) + "\n")
    comm.barrier()
    return summary


def _simulate(
    case: Case, model: Model, comm: Comm, recorder: Recorder, progress: Callable[[Progress], None], compiled: Watch
) -> dict[str, Any]:
    """The time loop with all that is noted on the way."""
    saved = recorder.start()
    state, clock = saved if saved else (None, None)
    first_step = clock.step if clock else 0
    error_of = _conservation_error(model)
    error = 0.0 if state is None else error_of(state)
    begun, before = _clock(compiled), compiled.seconds
    core = CoreTime(compiled)
    writing, whole, said = 0.0, True, _Said()

    def report(now: Clock) -> None:
        core.note_first(now.step)
        progress(Progress(now.t, case.time.end, now.dt, now.step, error, _clock(compiled) - begun))

    with stop_signals() as asked:
        frames = simulate(
            model,
            comm,
            end=case.time.end,
            output_interval=case.time.every,
            cfl=case.time.cfl,
            dt_max=case.time.dt,
            u=state,
            clock=clock,
            stop=lambda: bool(asked),
            progress=report,
        )
        for frame in frames:
            core.note(frame.clock.step)
            pause = _clock(compiled)
            error = error_of(frame.u)
            state, clock, whole = frame.u, frame.clock, frame.whole
            said(pause, clock, error)
            if whole:
                recorder.frame(state, clock)
            else:
                recorder.checkpoint(state, clock, last=True)
            writing += _clock(compiled) - pause
    assert state is not None and clock is not None
    here = compiled.seconds - before
    waited = float(comm.max(np.array([here]))[0]) - here  # [s] for ranks that compiled for longer
    wall = max(_clock(compiled) - begun - writing - waited, 0.0)
    steps = clock.step - first_step
    if whole:
        recorder.finish(state, clock)
    return {
        "status": "done" if whole else "stopped",
        "wall_s": wall,
        "writing_s": writing,
        "core_s": sum(comm.gather(core.seconds(steps))),
        "steps": clock.step,
        "stages": model.stages,
        "updates_per_core_s": _rate(_updates(model, comm, recorder.cells, steps), wall * comm.size),
        "mass_drift": error,  # the key of files made before too
        "t_end": clock.t,
        "dt_min": clock.dt_min,
    }


def _rate(count: int, seconds: float) -> float:
    """``count`` a second; zero where no time was measured. The sum over ranks is made before, for one rank's clock may say so alone."""
    return count / seconds if seconds > 0.0 else 0.0


def _updates(model: Model, comm: Comm, cells: int, steps: int) -> int:
    """Updates of cells by stages in ``steps``. Collective."""
    return cells * model.stages * steps if model.updates is None else int(comm.sum(np.array([model.updates]))[0])


def _conservation_error(model: Model) -> Callable[[Any], float]:
    """The conservation error as a function of a state of ``model``: its mass less that at the start and the inflow since. Collective."""
    with values_blamed():
        start = model.mass(model.initial())[0]
    scale = start if model.conservation_is_relative else 1.0

    def error_of(state: Any) -> float:
        volume, came_in = model.mass(state)
        return (volume - start - came_in) / scale if scale else 0.0

    return error_of


def _clock(compiled: Watch) -> float:
    """[s] on a clock that stands still while kernels are compiled."""
    return time.perf_counter() - compiled.seconds


def _facts(mesh: Mesh, comm: Comm) -> dict[str, Any]:
    """Attributes of the file that say how it was made."""
    created = comm.broadcast(datetime.now(UTC).isoformat(timespec="seconds"))
    return {"created": created, "packages": json.dumps(versions()), "ranks": np.int32(comm.size), "mesh_hash": mesh.hash}


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Wavetrain, Python and the packages whose numbers go into a run."""
    found = {"python": platform.python_version()}
    for package in ("wavetrain", *PACKAGES):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collect SIGTERM, SIGINT and SIGUSR1 instead of dying of them; a list that is not empty asks the run to stop."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        RECEIVED.append(number)
        log.warning("signal %d: stopping after this step", number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    except ValueError:  # not the main thread: leave signals to the caller
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
