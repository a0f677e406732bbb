"""Integrate u_t = sum of terms on a periodic plane: ETDRK4 and Fourier, as `solvers.ks.spectral`, member by member.

    u_t = -u_xx - u_yy - u_xxxx - 2 u_xxyy - u_yyyy - |grad u|^2 / 2

is the Kuramoto-Sivashinsky equation there: ``terms = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"]``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import fft

from pipeline.errors import InputError
from pipeline.terms import Derivative, Term
from solvers.ks.schemes import SCHEMES

Array = np.ndarray[Any, np.dtype[Any]]


class PlaneIntegrator:
    """As `solvers.ks.spectral.Integrator`; u is (members, ny, nx), a state (members, 1, ny, nx / 2 + 1).

    Dealiasing "2/3" keeps wavenumbers below a third of the points along each axis; "none" leaves aliases.

    Raises
    ------
    InputError
        An odd number of points, or another scheme or dealiasing.
    """

    dtype = np.dtype(np.complex128)

    def __init__(
        self, terms: Sequence[Term], lengths: tuple[float, ...], points: tuple[int, ...], dt: float, *, scheme: str, dealias: str
    ) -> None:
        if scheme != "etdrk4" or dealias not in ("none", "2/3"):
            raise InputError(f'a plane has scheme "etdrk4" and dealias "none" or "2/3", not {scheme!r} and {dealias!r}')
        if any(count % 2 for count in points):
            raise InputError(f"points = {list(points)}; they must be even")
        self.shape = points[::-1]
        self.stages = SCHEMES[scheme].stages
        whole_x, whole_y = np.arange(points[0] // 2 + 1), np.rint(np.fft.fftfreq(points[1], 1.0 / points[1]))
        third = [count / 3 if dealias == "2/3" else count for count in points]
        self._kept = (np.abs(whole_y)[:, None] < third[1]) & (whole_x < third[0])
        waves = [2.0 * np.pi / length * whole for length, whole in zip(lengths, (whole_x, whole_y), strict=True)]
        tops = [2 * np.abs(whole) == count for whole, count in zip((whole_x, whole_y), points, strict=True)]
        self._axes = [(wave, top) for wave, top in zip(waves, tops, strict=True)]
        linear = np.zeros(self._kept.shape, complex)
        for term in terms:
            if term.linear:
                linear += term.coefficient * self._derivative(term.derivatives[0][0])
        self._rest = [term for term in terms if not term.linear]
        used = {derivative for term in self._rest for derivative, _ in term.derivatives} | {(0, 0)}
        self._factors = {derivative: self._derivative(derivative) for derivative in used}
        with np.errstate(over="ignore", invalid="ignore"):
            found = SCHEMES[scheme].coefficients(linear.ravel(), dt)
        self._coefficients = np.where(self._kept, found.reshape(-1, *linear.shape), 0.0)

    def _derivative(self, derivative: Derivative) -> Array:
        """(i kx)^a (i ky)^b where waves are kept, else 0; of odd derivatives the highest wave has none."""
        factors = [
            np.where(top & (order % 2 == 1), 0.0, (1j * wave) ** order) for (wave, top), order in zip(self._axes, derivative, strict=True)
        ]
        return np.where(self._kept, factors[1][:, None] * factors[0], 0.0)

    def state_of(self, u: Array) -> Array:
        """The state of points ``u`` (members, ny, nx)."""
        return np.stack([fft.rfft2(member) * self._kept for member in u])[:, None]

    def values(self, state: Array) -> Array:
        """Points (members, ny, nx) of a state."""
        return np.stack([fft.irfft2(member[0], s=self.shape) for member in state])

    def means(self, state: Array) -> Array:
        """The mean (members,) of each member."""
        return np.asarray(state[:, 0, 0, 0].real / np.prod(self.shape))

    def run(self, state: Array, steps: int) -> None:
        """Advance ``state`` in place, member by member: so the bits do not depend on how many there are."""
        e, e2, q, f1, f2, f3 = self._coefficients
        for member in state:
            v = member[0]
            for _ in range(steps):
                n = self._products(v)
                half = e2 * v
                a = half + q * n
                na = self._products(a)
                nb = self._products(half + q * na)
                nc = self._products(e2 * a + q * (2.0 * nb - n))
                v = e * v + f1 * n + f2 * (na + nb) + f3 * nc
            member[0] = v

    def _products(self, v: Array) -> Array:
        """The spectrum of the nonlinear terms at the spectrum ``v``."""
        values = {derivative: fft.irfft2(factor * v, s=self.shape) for derivative, factor in self._factors.items()}
        return np.asarray(fft.rfft2(sum((term.evaluate(values) for term in self._rest), np.zeros(self.shape))) * self._kept)
