"""Turbulence on one rank: the model for the time loop and the recorder."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import choose
from pipeline.spectral import forcing
from pipeline.spectral.wavenumbers import Dealias, fine, highest
from pipeline.store.layout import Field
from solvers.core.comm import Comm
from solvers.core.model import NOT_FINITE, Model
from solvers.core.subnormal import can_flush, flushing
from solvers.core.writers import Hyperslab
from solvers.turbulence import initial, scalar
from solvers.turbulence.cube import Cube
from solvers.turbulence.equation import Equation
from solvers.turbulence.params import Params, stored
from solvers.turbulence.schemes import SCHEMES
from solvers.turbulence.statistics import Statistics
from solvers.turbulence.waves import waves

Array = np.ndarray[Any, np.dtype[Any]]

log = logging.getLogger("wavetrain")

FIELDS = tuple(Field(name, "1", f"velocity along {axis}") for name, axis in zip("uvw", "xyz", strict=True))
PRIMES = (2, 3, 5, 7)  # of which points may be made
CLEAN_EVERY = 64  # steps


class Flow(Model):
    """See `solvers.core.model.Model`. The state is this rank's waves (3 or 4, lz, ly, lx), as `solvers.turbulence.cube` has them.

    `max_dt` and `observe` compute the rate of change of their state, with which `step` then begins: a state that is
    changed by others between the two must come through `load` or `take`.

    Raises
    ------
    InputError
        The mesh is no cube, its points can't be transformed quickly, there are more ranks than planes, or gauges.
    """

    def __init__(self, mesh: Any, part: None, comm: Comm, params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path) -> None:
        stored(params, mesh.kind)
        if gauges:
            raise InputError("solver 'turbulence' has no gauges: its fields hold every point")
        grid, tops = grid_and_waves(mesh.points, params.dealias)
        self.mesh, self.comm, self.params = mesh, comm, params
        self.shape = mesh.dofs
        self.real = np.dtype(np.float64 if params.precision == "double" else np.float32)
        self.flushes = self.real == np.float32  # where many waves are nearly empty, their products are subnormal
        if self.flushes and not can_flush() and comm.rank == 0:
            log.info("single precision: subnormal numbers are not set to zero on this system; waves that are nearly empty may take long")
        self._start = choose(initial.__name__, params.initial, "solver.initial")
        carried = choose(scalar.__name__, params.scalar, "solver.scalar")
        self._scalar = carried if carried.fields else None
        self.fields = (*FIELDS, *carried.fields)
        fields = len(self.fields)
        named: dict[str, Any] = {"real": self.real, "pencils": params.cut == "pencils"}
        products = Cube(comm, grid, tops, fields=fields + 3, back=3 * (fields - 2), **named)
        self.cube = products if grid == mesh.points else Cube(comm, mesh.points, tops, fields=fields, back=1, **named)
        self.waves = waves(comm, mesh.lengths, tops, products.waves, self.real, sphere=params.truncation == "sphere")
        force = choose(forcing.__name__, params.forcing, "solver.forcing").on(self.waves, tops, params.seed)
        spacings = tuple(length / count for length, count in zip(mesh.lengths, mesh.points, strict=True))
        scheme = SCHEMES[params.scheme]
        self.equation = Equation(products, self.waves, scheme, params.viscosity, force, self._scalar, spacings)
        self.stages = len(scheme.stages)
        shown = max(np.pi * 2.0 * top / count for top, count in zip(tops, mesh.points, strict=True))  # highest wavenumber x spacing
        self._courant = min(1.0, scheme.reach / shown)
        self.statistics = Statistics(self.waves, params.viscosity, scalar=self._scalar is not None)
        self.rows = Hyperslab(self.cube.points, self.shape)
        whole = (2 * tops[2] + 1, 2 * tops[1] + 1, tops[0] + 1)
        every = slice(None)
        self.saved_rows = self._saved = Hyperslab((every, *products.waves, every), (fields, *whole, 2))
        self._points = int(np.prod(grid))
        self._steps, self._t = 0, 0.0
        self._rated: Array | None = None  # the state whose rate the equation holds

    @flushing
    def initial(self) -> Array:
        p = self.params
        u = np.empty((len(self.fields), *self.equation.cube.shape), self.equation.cube.complex)
        u[:3] = initial.velocity(self._start, self.cube, self.waves, self.mesh.points, p.seed)
        if self._scalar:
            u[3:] = self._scalar.start(self.cube, self.waves, p.seed)
        self._rated = None
        return self._clean(u)

    @flushing
    def max_dt(self, u: Array) -> float:
        if not np.isfinite(u.view(self.real).sum(dtype=float)):
            return -1.0
        if self._rated is not u:
            self.equation.rate(u, first=True)
            self._rated = u
        return self._courant / self.equation.fastest if self.equation.fastest > 0.0 else np.inf

    @flushing
    def step(self, t: float, u: Array, dt: float) -> None:
        if self._rated is not u:
            self.equation.rate(u)
        self._rated = None
        self.equation.step(u, dt)
        self._steps += 1
        self.equation.force.advance(self._steps, dt)
        if self._steps % CLEAN_EVERY == 0:  # by round-off mirror images with kx = 0 part, which forcing lets grow, and divergence adds up
            u[:] = self._clean(self.cube.spectrum(self.cube.values(u)))

    @flushing
    def observe(self, t: float, u: Array) -> None:
        self._t = t
        if self._steps % self.params.statistics_every == 0:
            self._sample(t, u)

    def _sample(self, t: float, u: Array) -> None:
        shells = self.equation.budget(u)
        self._rated = u
        moments, divergence = self.equation.moments(u), self.equation.divergence(u)
        self.statistics.note(t, self.statistics.flow(shells, moments, self._points) | {"divergence": divergence})

    def finish(self, t: float, u: Array) -> None:
        """Add nothing: the statistics hold all results."""

    @flushing
    def output(self, u: Array) -> dict[str, Array]:
        if self.statistics.last_time != self._t:
            self._sample(self._t, u)
        return dict(zip((field.name for field in self.fields), self.cube.values(self._clean(u.copy())), strict=True))

    @flushing
    def take(self, values: Array) -> Array:
        """The state of own points ``values`` (fields, planes, rows, nx), without its divergent part. Collective."""
        self._rated = None
        return self._clean(self.cube.spectrum(values.astype(self.real, copy=False)))

    def _clean(self, u: Array) -> Array:
        """``u`` without its divergent part, and without waves that are none of the flow's."""
        initial.project(u[:3], self.waves)
        self.waves.cut(u)
        return u

    def save(self, u: Array) -> dict[str, Array]:
        """Data of a restart, by own waves: the state as pairs of real numbers."""
        return {"state": u.view(self.real).reshape(*u.shape, 2)}

    def common(self) -> dict[str, Array]:
        """Other data of a restart, the same on all ranks."""
        return {"steps": np.array(self._steps), **self.equation.force.save()}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        self._steps = int(saved["steps"])
        self.equation.force.load(saved)
        self._rated = None
        own = np.ascontiguousarray(saved["state"][self._saved.place])
        return own.view(self.equation.cube.complex)[..., 0]

    @flushing
    def mass(self, u: Array) -> tuple[float, float]:
        """The divergence, beside the velocity's slopes, and nothing that came in."""
        return self.equation.divergence(u), 0.0

    def extremes(self) -> dict[str, float | None]:
        """The last sample's energy, dissipation, Reynolds number of Taylor's scale, k_max eta, and divergence."""
        names = ("energy", "dissipation", "taylor_reynolds", "kmax_eta", "divergence")
        return {name: float(self.statistics.last[name]) for name in names}

    def fault(self, u: Array) -> tuple[int, str, str]:
        bad = np.flatnonzero(~np.isfinite(u).all(axis=(0, 1, 3)))
        if not len(bad):
            return 1 << 62, "wave unknown", NOT_FINITE
        number = int(self.waves.numbers[1][bad[0]])
        return abs(number), f"in a wave with number {number} along y", NOT_FINITE


def grid_and_waves(points: tuple[int, ...], dealias: Dealias) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Points of products, and the highest waves kept, along each axis.

    Raises
    ------
    InputError
        A number of points that is odd, or has a prime factor above 7.
    """
    for count in points:
        left = count
        for prime in PRIMES:
            while left % prime == 0:
                left //= prime
        if left > 1 or count % (4 if dealias == "3/2" else 2):
            kind = "multiples of 4" if dealias == "3/2" else "even"
            raise InputError(f"points = {list(points)}; they must be {kind}, without prime factors above {PRIMES[-1]}")
    return tuple(fine(count, dealias) for count in points), tuple(highest(count, dealias) for count in points)
