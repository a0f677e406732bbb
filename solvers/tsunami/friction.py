"""Laws of bottom friction as terms, among which `pipeline.discovery` finds a model's missing law.

    du/dt = -(r + c |u| / h + g n^2 |u| / h^(4/3)) u

A model's laws are terms that only this solver knows (`pipeline.terms.terms.named`): ``linear_drag`` with the coefficient r [1/s],
``quadratic_drag`` with c, and ``manning**2`` with n^2 [s2/m^(2/3)], in which the equations are linear.
"""

# S states, C cells, G gauges, F frames

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError, RunError
from pipeline.core.plugin import nearest
from pipeline.discovery.measured import Measured
from pipeline.discovery.pairs import ACCURACY
from pipeline.terms.terms import Terms, named
from solvers.core.comm import Serial
from solvers.core.driver import Clock, simulate
from solvers.tsunami.boundary import outside_of
from solvers.tsunami.gauges import GAUGES
from solvers.tsunami.model import Tsunami
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]

LIBRARY: Terms = (named("linear_drag"), named("quadratic_drag"), named("manning", 2))
NO_GAUGES: Mapping[str, tuple[float, ...]] = {}
WET = 0.01  # [m] of water that a cell must have at both times to count
DRAWS = 64


def laws(params: Params) -> Terms:
    """The laws that a case has."""
    found = zip(LIBRARY, (params.linear_drag, params.quadratic_drag, params.manning**2), strict=True)
    return tuple(replace(law, coefficient=coefficient) for law, coefficient in found if coefficient > 0.0)


def with_laws(params: Params, terms: Terms) -> Params:
    """The case's parameters with these laws in place of its own.

    Raises
    ------
    InputError
        A term that is no law of friction, or would drive the water.
    """
    linear, quadratic, n2 = _coefficients(terms)
    for law, coefficient in zip(LIBRARY, (linear, quadratic, n2), strict=True):
        if coefficient < 0.0:
            raise InputError(f"{law.key} = {coefficient:g} would drive the water: no case can have it")
    return replace(params, linear_drag=linear, quadratic_drag=quadratic, manning=math.sqrt(n2))


def _coefficients(terms: Terms) -> tuple[float, ...]:
    known = [law.key for law in LIBRARY]
    for term in terms:
        if term.key not in known:
            raise InputError(f"the tsunami solver has no law {term.key!r}{nearest(term.key, known)}; there are: {', '.join(known)}")
    return tuple(sum(term.coefficient for term in terms if term.key == key) for key in known)


def typical(depth: float, speed: float, gravity: float, span: float) -> dict[str, float]:
    """The coefficient of every law that alone would about halt water of ``depth`` [m] and ``speed`` [m/s] within ``span`` [s]."""
    sizes = (1.0 / span, depth / (speed * span), depth ** (4.0 / 3.0) / (gravity * speed * span))
    return {law.key: size for law, size in zip(LIBRARY, sizes, strict=True)}


class Sea:
    """The solver on a mesh, all on one rank, whose laws can be changed from one forecast to the next.

    Raises
    ------
    InputError
        As `solvers.tsunami.model.Tsunami`.
    """

    def __init__(
        self,
        mesh: TriMesh,
        params: Params,
        *,
        cfl: float = 0.9,
        dt_max: float | None = None,
        gauges: Mapping[str, tuple[float, ...]] = NO_GAUGES,
        folder: Path = Path(),
    ) -> None:
        self.mesh, self.params, self._cfl, self._dt_max = mesh, params, cfl, dt_max
        self._model = Tsunami(mesh, mesh.share(Serial()), Serial(), params, gauges=gauges, folder=folder)

    def start(self) -> Array:
        """The case's initial state (C, 3) in mesh order."""
        return self._model.to_values(self._model.initial())

    def run(self, terms: Terms, state: Array, end: float, output_interval: float, begin: float = 0.0) -> Array:
        """States (F, C, 3) at every multiple of ``output_interval`` [s] after ``begin`` [s], itself one, from ``state`` (C, 3) there.

        They are nan from where it became unstable.
        """
        linear, quadratic, n2 = _coefficients(terms)
        self._model.drag = (self.params.gravity * n2, linear, quadratic)
        first = round(begin / output_interval)
        found = np.full((round(end / output_interval) - first, *state.shape), np.nan)
        u = self._model.from_values(state)
        clock = Clock(t=begin, frame=first + 1)
        try:
            for frame in simulate(
                self._model, Serial(), end=end, output_interval=output_interval, cfl=self._cfl, dt_max=self._dt_max, u=u, clock=clock
            ):
                found[frame.clock.frame - first - 2] = self._model.to_values(frame.u)
            self._model.finish(end, u)
        except RunError:
            pass  # the nan say so
        return found

    def forecast(self, terms: Terms, states: Array, step: float, output_interval: float | None = None, first: float = 0.0) -> Array:
        """States (S, C, 3) a ``step`` [s] later, as a run with frames ``output_interval`` [s] has them (None: a step).

        State number i is at ``first`` + i ``step`` [s], which matters to incoming waves.
        """
        output_interval = output_interval or step
        start, stride = round(first / output_interval), round(step / output_interval)
        begins = [start + i * stride for i in range(len(states))]
        runs = (
            self.run(terms, u, (k + stride) * output_interval, output_interval, k * output_interval)[-1]
            for k, u in zip(begins, states, strict=True)
        )
        return np.stack(list(runs))

    def series(self, terms: Terms, state: Array, end: float, output_interval: float, begin: float = 0.0) -> Array:
        """Free surface [m] and velocity [m/s] (G, F, 3) at the gauges, every ``output_interval`` [s] from ``begin`` to ``end``."""
        return self.course(terms, state, end, output_interval, begin)[1]

    def course(self, terms: Terms, state: Array, end: float, output_interval: float, begin: float = 0.0) -> tuple[Array, Array]:
        """The states of `run`, and the series of `series` beside them."""
        self._model.gauges.take()
        states = self.run(terms, state, end, output_interval, begin)
        times, values = self._model.gauges.take()
        goals = np.append(np.arange(round(begin / output_interval), round(end / output_interval)) * output_interval, end)
        places = np.searchsorted(times, goals)
        if not np.isfinite(states).all() or not np.array_equal(times[np.minimum(places, len(times) - 1)], goals):
            return states, np.full((len(self._model.gauges.names), len(goals), len(GAUGES)), np.nan)
        return states, values[places].swapaxes(0, 1)

    def output(self, states: Array) -> dict[str, Array]:
        """The stored fields (F, C) of states (F, C, 3)."""
        found = [self._model.output(self._model.from_values(state)) for state in states]
        own = self._model.part.cells[: self._model.part.owned]
        return {name: np.stack([values[name][np.argsort(own)] for values in found]) for name in found[0]}


def fields(
    sea: Sea,
    states: Array,
    step: float,
    *,
    noise: tuple[float, float, float] = (0.0, 0.0, 0.0),
    wet: float = WET,
    seed: int = 0,
    output_interval: float | None = None,
    first: float | None = None,
) -> Measured:
    """States ``step`` [s] apart, each forecast to the next: S - 1 groups, numbers weighted by the cells' areas.

    Parameters
    ----------
    states
        (S, C, 3), depth [m] and discharges [m2/s] in mesh order.
    noise
        Standard deviations of the noise on depth and discharges of wet cells; they are never less than the states' own accuracy.
    wet
        [m]; cells with less water do not count, and have no noise.
    seed
        Seed of the DRAWS of noise that show how forecasts carry it.
    output_interval
        [s] between the frames of the states' run, at which its time steps ended; None: the states are all of its frames.
    first
        [s], when the first state was, a multiple of ``output_interval``; None where it is not known.

    Raises
    ------
    InputError
        Shapes other than the mesh's, fewer than two states, a state that is not whole, water coming in by the boundary (a forecast
        must know when its state was), or no flow at all.
    """
    if states.ndim != 3 or len(states) < 2 or states.shape[1:] != (len(sea.mesh.triangles), 3):
        raise InputError(f"the states have the shape {states.shape}; it must be (2 or more, {len(sea.mesh.triangles)} cells, 3)")
    if not np.isfinite(states).all():
        raise InputError("a state is not whole: a forecast needs all its cells")
    for side in sea.params.boundary:
        if first is None and outside_of(sea.params.boundary, side).changes:
            raise InputError(f"a wave comes in at side {side!r}, and a forecast from a state does not know its time: use gauges")
    water = states[..., 0] > wet
    wetted = water[:-1] & water[1:]
    least = _least(noise, states[water])
    depth, speed = _sizes(states[water])

    def forecast(terms: Terms, earlier: Array) -> Array:
        return sea.forecast(terms, earlier, step, output_interval, first or 0.0)

    draws = _carried(forecast, laws(sea.params), states, np.where(water[..., None], noise, 0.0), seed) if any(noise) else None
    return Measured(
        observed=np.where(wetted[..., None], states[1:], np.nan),
        deviation=math.sqrt(2.0) * least / np.sqrt(sea.mesh.areas / sea.mesh.areas.mean())[:, None],  # both states have noise
        span=step,
        typical=typical(depth, speed, sea.params.gravity, step),
        predict=lru_cache(1)(lambda terms: forecast(terms, states[:-1])),  # a model that is foreseen is linearised next
        least=0.0,  # no law drives the water
        draws=draws,
        noise_known=bool(any(noise)),
    )


def _carried(forecast: Callable[[Terms, Array], Array], terms: Terms, states: Array, deviation: Array, seed: int) -> Array:
    """Draws (L, S - 1, C, 3) of the noise of each state less the noise that the forecast carries over from the state before it.

    By the sea's own laws: others hardly change a forecast's effect on noise.
    """
    clean = forecast(terms, states[:-1])
    found = np.empty((DRAWS, *clean.shape))
    for i, draw in enumerate(found):
        noise = deviation * np.random.default_rng([seed, i]).normal(size=states.shape)
        noise[..., 0] = np.maximum(noise[..., 0], -states[..., 0])  # no depth is below zero
        draw[:] = noise[1:] - (forecast(terms, states[:-1] + noise[:-1]) - clean)
    return found


def gauges(
    sea: Sea, start: Array, series: Array, output_interval: float, *, noise: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Measured:
    """Series at the sea's gauges over a window from a known start: G groups.

    Parameters
    ----------
    start
        (C, 3), the state at 0 s in mesh order.
    series
        (G, F + 1, 3), free surface [m] and velocities [m/s] at 0 and at F multiples of ``output_interval`` [s]; nan where not
        measured.
    noise
        Standard deviations of the noise on each.

    Raises
    ------
    InputError
        A series of another shape, or gauges without any flow.
    """
    frames = series.shape[1] - 1
    if series.ndim != 3 or frames < 1 or series.shape[2] != len(GAUGES):
        raise InputError(f"the series have the shape {series.shape}; it must be (gauges, times, {len(GAUGES)}), with two times at least")
    span = frames * output_interval
    flow = series[np.isfinite(series).all(axis=2)]
    states = start[start[:, 0] > WET]
    speed = float(np.sqrt(np.mean(flow[:, 1] ** 2 + flow[:, 2] ** 2)))
    if not speed > 0.0:
        raise InputError("there is no flow at the gauges: friction can't be seen")
    return Measured(
        observed=series,
        deviation=_least(noise, flow),
        span=span,
        typical=typical(float(states[:, 0].mean()), speed, sea.params.gravity, span),
        least=0.0,  # no law drives the water
        noise_known=bool(any(noise)),
        predict=lru_cache(1)(lambda terms: sea.series(terms, start, span, output_interval)),
    )


def _least(noise: tuple[float, ...], values: Array) -> Array:
    """Deviations (3,) of the noise, or of the accuracy of ``values`` (N, 3) where they are less; still water across a channel has none."""
    speed = float(np.hypot(values[:, 1], values[:, 2]).std())
    return np.maximum(noise, ACCURACY * np.array([values[:, 0].std(), speed, speed]))


def _sizes(states: Array) -> tuple[float, float]:
    """Mean depth [m] and rms speed [m/s] of wet cells (N, 3)."""
    speed = float(np.sqrt(np.mean((states[:, 1] ** 2 + states[:, 2] ** 2) / states[:, 0] ** 2))) if len(states) else 0.0
    if not speed > 0.0:
        raise InputError("there is no flow in the states: friction can't be seen")
    return float(states[:, 0].mean()), speed
