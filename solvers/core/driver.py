"""The time loop: a generator that knows neither equations nor files. The caller writes what it yields."""

import functools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError, RunError
from solvers.core.comm import Comm
from solvers.core.model import Model

Array = np.ndarray[Any, np.dtype[Any]]

ROUND_OFF = 1e-9  # of an output interval: a last one that is shorter is none
TOO_LONG = 2.0  # times a model's own limit, which is on the safe side: beyond it runs that went on had 1e8 times their energy
SMALLEST_STEP = 1e-10  # of the simulated time to go: below it the run would never end


@dataclass(slots=True)
class Clock:
    """Times and counts of a run: all that a restart needs beside the state."""

    t: float = 0.0  # [s]
    step: int = 0
    frame: int = 0  # output frames yielded so far
    dt: float = math.nan  # [s] of the last step
    dt_min: float = math.inf  # [s]
    begun: float = math.nan  # [s] when this output interval began, where that is no multiple of it: a run went on with another


Step = Callable[[Clock, float, float], tuple[float, float]]  # (clock, goal, the model's limit) to (step, time after it)


@dataclass(frozen=True, slots=True)
class Frame:
    """The state at an output time, or (``whole`` false) where the run was asked to stop between two of them."""

    clock: Clock
    u: Array
    whole: bool


def simulate(
    model: Model,
    comm: Comm,
    *,
    end: float,
    output_interval: float,
    cfl: float,
    dt_max: float | None = None,
    u: Array | None = None,
    clock: Clock | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Clock], None] = lambda clock: None,
) -> Iterator[Frame]:
    """Run ``model`` and yield a frame at every multiple of ``output_interval``, at 0 and at ``end``.

    Parameters
    ----------
    model
        The discretised equation on this rank.
    comm
        All ranks; their least step is taken by all.
    end
        The simulated time at the last frame [s].
    output_interval
        The simulated time between frames [s].
    cfl
        Courant number of the steps [1], at most 1.
    dt_max
        Take even steps of at most this [s], whatever the model's own limit; a model without a limit needs it.
    u
        The state of a restart, of the model's own shape (...); with ``clock``.
    clock
        The clock of a restart; without it the run starts at t = 0.
    stop
        Asked at every step on every rank; when any says yes, all yield a last frame with ``whole`` false and end.
    progress
        Called after every step.

    Yields
    ------
    Frame
        Each frame's state is the array that goes on to change: copy values that shall stay.

    Raises
    ------
    InputError
        The model has no limit of its own, and ``dt_max`` is not given.
    RunError
        The state is no longer finite, the step has become uselessly small, or it is far longer than the model's limit: says where and when.

    Examples
    --------
    The mean of a Kuramoto-Sivashinsky line is conserved:

    >>> from pathlib import Path
    >>> from meshes.core.box import Box
    >>> from solvers.core.comm import Serial
    >>> from solvers.ks import Params, build
    >>> model = build(Box((22.0,), (64,)), None, Serial(), Params(), gauges={}, folder=Path())
    >>> frames = simulate(model, Serial(), end=2.0, output_interval=1.0, cfl=0.9, dt_max=0.05)
    >>> means = [float(model.output(frame.u)["u"].mean()) for frame in frames]
    >>> len(means), max(means) - min(means) < 1e-12
    (3, True)
    """
    model.cfl = cfl
    resumed = clock is not None
    clock = clock or Clock()
    if u is None:
        u = model.initial()
    if not resumed:
        model.observe(clock.t, u)
        clock.frame = 1
        yield Frame(clock, u, whole=True)
    step = functools.partial(_fitted, cfl, model.breaks) if dt_max is None else functools.partial(_even, output_interval, dt_max)
    while clock.t < end:
        goal = clock.frame * output_interval  # assigned, not accumulated: the same times in any run
        if goal > end - ROUND_OFF * output_interval:
            goal = end
        if not (yield from _advance(model, comm, u, clock, goal, step, stop, progress)):
            return
        clock.frame += 1
        clock.begun = math.nan
        yield Frame(clock, u, whole=True)


def _advance(
    model: Model, comm: Comm, u: Array, clock: Clock, goal: float, step: Step, stop: Callable[[], bool], progress: Callable[[Clock], None]
) -> Generator[Frame, None, bool]:
    """Step to ``goal``; returns False (through the generator) where the run was asked to stop before."""
    while clock.t < goal:
        model.t = clock.t
        limit, going = comm.min(np.array([model.max_dt(u), 0.0 if stop() else 1.0]))
        if limit < 0.0:
            raise RunError(_fault_message(model, comm, u, clock))
        if going == 0.0:
            yield Frame(clock, u, whole=False)
            return False
        dt, until = step(clock, goal, float(limit))
        if dt > TOO_LONG * limit:
            raise RunError(
                f"the run became unstable: a step of {dt:.6g} s is {dt / limit:.3g} times the longest that its waves allow, {limit:.6g} s,"
                f" at t = {clock.t:.6g} s (step {clock.step})"
            )
        model.step(clock.t, u, dt)
        clock.t = until
        clock.step += 1
        clock.dt = dt
        clock.dt_min = min(clock.dt_min, dt)
        model.observe(clock.t, u)
        progress(clock)
    model.t = clock.t
    if comm.min(np.array([model.max_dt(u)]))[0] < 0.0:  # a frame that is written is finite
        raise RunError(_fault_message(model, comm, u, clock))
    return True


def _fitted(cfl: float, breaks: Sequence[float], clock: Clock, goal: float, limit: float) -> tuple[float, float]:
    """The step [s] from ``clock`` towards ``goal``, or the next of ``breaks`` before it, that the limit allows, and the time after it."""
    goal = min((t for t in breaks if clock.t < t < goal), default=goal)
    if math.isinf(limit):
        raise InputError("key 'time.dt' is missing [s]: this solver has no time step of its own")
    dt = cfl * limit
    left = goal - clock.t
    if dt < SMALLEST_STEP * left and clock.step > 0:
        raise RunError(f"the time step fell to {dt:.3e} s at t = {clock.t:.6g} s (step {clock.step}): the run would never end")
    if dt >= left:
        return left, goal
    if 2.0 * dt > left:
        dt = 0.5 * left  # two equal steps rather than a long one and a sliver
    return dt, clock.t + dt


def _even(output_interval: float, dt_max: float, clock: Clock, goal: float, limit: float) -> tuple[float, float]:
    """The same for even steps of at most ``dt_max`` [s] between two frames: the same ones after a restart."""
    start = (clock.frame - 1) * output_interval if math.isnan(clock.begun) else clock.begun
    whole = abs(goal - start - output_interval) < ROUND_OFF * output_interval  # all but shorter intervals have the very same step
    span = output_interval if whole else goal - start
    steps = even_steps(span, dt_max)
    done = round((clock.t - start) / span * steps) + 1
    return span / steps, goal if done >= steps else start + done * (span / steps)


def even_steps(span: float, dt_max: float) -> int:
    """Number of even steps of at most ``dt_max`` [s] in a ``span`` [s]."""
    return max(1, math.ceil(span / dt_max - ROUND_OFF))


def _fault_message(model: Model, comm: Comm, u: Array, clock: Clock) -> str:
    found = comm.gather(model.fault(u))
    _, place, what = min(found)
    return f"the run became unstable: {what} at t = {clock.t:.6g} s (step {clock.step}), {place}"
