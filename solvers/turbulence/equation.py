"""The right-hand side without viscosity, the steps, and the measures of a state, on one rank's waves."""

from typing import Any

import numpy as np

from pipeline.spectral.forcing.core import Force
from solvers.turbulence import kernels, pairs
from solvers.turbulence.cube import Cube
from solvers.turbulence.schemes import Evaluation, IntegratingFactor
from solvers.turbulence.waves import OwnWaves

Array = np.ndarray[Any, np.dtype[Any]]


class Equation:
    """Navier-Stokes, and the equation of a scalar if any, of waves v (3 or 4, lz, ly, lx).

    Parameters
    ----------
    cube
        Transforms to points that are fine enough for products.
    scalar
        None, or a scalar of `solvers.turbulence.scalar` with fields.
    spacings
        (3,) distance of the mesh's points along x, y, z: for the Courant number.
    """

    def __init__(
        self,
        cube: Cube,
        waves: OwnWaves,
        scheme: IntegratingFactor,
        viscosity: float,
        force: Force,
        scalar: Any,
        spacings: tuple[float, ...],
    ) -> None:
        self.cube, self.waves, self.force = cube, waves, force
        self.fields = 3 if scalar is None else 4
        self.fastest = 0.0  # greatest |u| / dx + |v| / dy + |w| / dz on this rank where `rate` was last asked [1/time]
        self._back = 3 if scalar is None else 6
        self._scheme, self._scalar = scheme, scalar
        self._diffusivities = [viscosity] if scalar is None else [viscosity, scalar.diffusivity]
        self._per = tuple(cube.real.type(1.0 / spacing) for spacing in spacings)
        self._gradient = np.array(scalar.gradient if scalar else (), cube.real)
        self.n = np.empty((self.fields, *cube.shape), cube.complex)
        self._stage, self._total = np.empty_like(self.n), np.empty_like(self.n)
        self._decays: tuple[float, list[Any]] = (np.nan, [])

    def rate(self, v: Array, *, first: bool = False) -> Array:
        """The rate of change of the waves ``v`` without viscosity, in an array that is used again. Collective.

        The ``first`` rate of a step finds how fast it goes: `fastest`.
        """
        n = self.unforced(v, first=first)
        self.force.apply(n[:3], v[:3])
        return n

    def unforced(self, v: Array, *, first: bool) -> Array:
        """`rate` without the forcing. Collective."""
        kernels.spread_rotation(v.view(self.cube.real), *self.waves.k, self.cube.lines.view(self.cube.real))
        if first:
            self.fastest = 0.0
        lines = self.cube.sweep(self._first_products if first else self._products, self._back)
        kernels.rate(lines.view(self.cube.real), *self.waves.k, self.waves.limit, self.cube.scale, self.n[:3].view(self.cube.real))
        if self._scalar:
            kernels.scalar_rate(lines, v, self._gradient, *self.waves.k, self.waves.limit, self.cube.scale, self.n[3])
        return self.n

    def _products(self, points: Array, planes: slice) -> None:
        product = pairs.rotation_and_flux if self._scalar else pairs.rotation
        product(points.view(self.cube.real))

    def _first_products(self, points: Array, planes: slice) -> None:
        self.fastest = max(self.fastest, float(pairs.fastest(points.view(self.cube.real), *self._per)))
        self._products(points, planes)

    def step(self, v: Array, dt: float) -> None:
        """Advance ``v`` in place by ``dt``; `n` holds its rate, forcing included. Collective."""
        last = len(self._scheme.stages) - 1
        for number, stage in enumerate(self._scheme.stages):
            if number:
                self.rate(self._stage)
            kind = 0 if number == 0 else (2 if number == last else 1)
            for part, decays in zip((slice(0, 3), slice(3, 4)), self._powers(dt), strict=False):
                own = (array[part] for array in (v, self._stage, self._total, self.n))
                arrays = (array.view(self.cube.real).reshape(*array.shape[:2], -1) for array in own)
                kernels.advance(*arrays, *decays, *self._numbers(stage, dt), kind)

    def _numbers(self, stage: Evaluation, dt: float) -> tuple[Any, Any]:
        real = self.cube.real.type
        powers = (stage.kept[0], stage.new[0], self._scheme.units, stage.added[0])
        return powers, tuple(map(real, (stage.kept[1], dt * stage.new[1], stage.mixed, dt * stage.added[1])))

    def _powers(self, dt: float) -> list[Any]:
        """Powers 0, 1, ... of each diffusivity's decay over a unit of a step: along z (units + 1, lz), and in a plane of waves along y and
        x (units + 1, ly 2 lx), each twice."""
        if self._decays[0] != dt:
            steps = np.arange(self._scheme.units + 1)[:, None] * (dt / self._scheme.units)
            found = []
            for diffusivity in self._diffusivities:
                z, y, x = (np.exp(-diffusivity * k.astype(float) ** 2 * steps).astype(self.cube.real) for k in self.waves.k)
                found.append((z, (y[:, :, None] * np.repeat(x, 2, axis=1)[:, None]).reshape(len(steps), -1)))
            self._decays = dt, found
        return self._decays[1]

    def budget(self, v: Array) -> dict[str, Array]:
        """Shells (shells,) of energy and of its rates of change, by their names in the statistics; `n` is the rate then. Collective."""
        u, by_shell = v[:3], self.waves.by_shell
        n = self.unforced(v, first=True)[:3]
        transfer = 2.0 * by_shell(u, n)
        self.force.apply(n, u)
        squares = self.waves.squares.astype(self.cube.real)
        enstrophy = by_shell(u, squares * u)
        found = {
            "spectrum": by_shell(u, u),
            "transfer_spectrum": transfer,
            "injection_spectrum": 2.0 * by_shell(u, n) - transfer,
            "enstrophy_spectrum": enstrophy,
            "dissipation_spectrum": 2.0 * self._diffusivities[0] * enstrophy,
        }
        return found | ({} if self._scalar is None else self._scalar_shells(v, squares))

    def _scalar_shells(self, v: Array, squares: Array) -> dict[str, Any]:
        assert self._scalar is not None
        s, by_shell = v[3:], self.waves.by_shell
        spectrum = by_shell(s, s)
        flux = [float(2.0 * by_shell(s, v[axis : axis + 1]).sum()) for axis in range(3)]
        return {
            "scalar_spectrum": spectrum,
            "scalar_variance": float(spectrum[1:].sum()),
            "scalar_dissipation": float(2.0 * self._scalar.diffusivity * by_shell(s, squares * s).sum()),
            "scalar_production": float(-np.dot(self._scalar.gradient, flux)),
        }

    def moments(self, v: Array) -> Array:
        """Sums (2, 3) over the cube's points of squares, cubes and fourth powers of slopes along and across. Collective."""
        found = np.zeros((2, 3))
        kernels.spread_slopes(v, *self.waves.k, self.cube.lines)
        self.cube.sweep(lambda points, planes: pairs.moments(points.view(self.cube.real), found))
        return self.waves.total(found)

    def divergence(self, v: Array) -> float:
        """Root mean square of the divergence over that of the velocity's slopes. Collective."""
        kz, ky, kx = self.waves.k
        along = kx * v[0] + ky[:, None] * v[1] + kz[:, None, None] * v[2]
        squares = self.waves.squares.astype(self.cube.real)
        part, whole = self.waves.by_shell(along[None], along[None]).sum(), self.waves.by_shell(v[:3], squares * v[:3]).sum()
        return float(np.sqrt(part / whole)) if whole > 0.0 else 0.0
