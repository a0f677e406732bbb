"""Statistics of a flow, noted as it runs: sums over shells of wavenumbers, and derived numbers.

With E(k) the energy of a shell, K the energy, e its dissipation, u'^2 = 2 K / 3 (S. B. Pope, Turbulent Flows, Cambridge 2000, DOI
10.1017/CBO9780511840531, sections 6.1 to 6.5):

    integral scale L = pi / (2 u'^2) sum E / k,  Taylor's lambda = u' sqrt(15 nu / e),  Kolmogorov's eta = (nu^3 / e)^(1/4),
    Re_lambda = u' lambda / nu,  skewness <u_x^3> / <u_x^2>^(3/2),  flatness <u_x^4> / <u_x^2>^2,  mean of the three directions.

The spectral budget of a shell is dE/dt = transfer + injection - dissipation.
"""

from typing import Any

import numpy as np

from pipeline.store.layout import Field, StoredSeries
from solvers.turbulence.waves import OwnWaves

Array = np.ndarray[Any, np.dtype[Any]]

ONE = {
    "energy": "kinetic energy per mass",
    "dissipation": "dissipation of kinetic energy per mass and time",
    "injection": "power of the forcing per mass",
    "enstrophy": "half the mean square of the vorticity",
    "integral_scale": "integral length scale",
    "taylor_scale": "Taylor's length scale",
    "kolmogorov_scale": "Kolmogorov's length scale",
    "taylor_reynolds": "Reynolds number of Taylor's scale",
    "kmax_eta": "highest wavenumber that is kept along every axis times Kolmogorov's scale",
    "skewness": "skewness of u_x, v_y, w_z",
    "flatness": "flatness of u_x, v_y, w_z",
    "flatness_across": "flatness of u_y, v_z, w_x",
    "divergence": "root mean square divergence over that of the velocity's slopes",
}
SHELLS = {
    "spectrum": "kinetic energy of each shell",
    "transfer_spectrum": "energy that the nonlinear term brings to each shell per time",
    "injection_spectrum": "energy that the forcing brings to each shell per time",
    "dissipation_spectrum": "dissipation in each shell per time",
}
SCALAR = {
    "scalar_variance": "half the mean square of the scalar's deviations",
    "scalar_dissipation": "dissipation of scalar_variance per time",
    "scalar_production": "production of scalar_variance by the mean gradient per time",
}
SCALAR_SHELLS = {"scalar_spectrum": "scalar_variance of each shell"}


class Statistics:
    """Samples that wait to be written. ``wavenumbers`` (shells,) are the shells' middles."""

    def __init__(self, waves: OwnWaves, viscosity: float, *, scalar: bool) -> None:
        self._waves, self._viscosity = waves, viscosity
        self.wavenumbers = waves.lowest * np.arange(waves.shells)
        one, shells = ONE | (SCALAR if scalar else {}), SHELLS | (SCALAR_SHELLS if scalar else {})
        self.series = tuple(StoredSeries(Field(name, "1", text)) for name, text in one.items())
        self.series += tuple(StoredSeries(Field(name, "1", text), by_shell=True) for name, text in shells.items())
        self._times: list[float] = []
        self._samples: list[dict[str, Any]] = []
        self.last: dict[str, Any] = {}  # sample

    @property
    def last_time(self) -> float:
        return self._times[-1] if self._times else np.nan

    def note(self, t: float, sample: dict[str, Any]) -> None:
        """Add a sample at time ``t``."""
        self._times.append(t)
        self._samples.append(sample)
        self.last = sample

    def take(self) -> tuple[Array, dict[str, Array]]:
        """Times (S,) and samples (S[, shells]) by name since the last call."""
        times = np.array(self._times)
        names = [one.field.name for one in self.series]
        values = {name: np.array([sample[name] for sample in self._samples]) for name in names} if len(times) else {}
        self._times, self._samples = [], []
        return times, values

    def flow(self, shells: dict[str, Array], moments: Array, points: int) -> dict[str, Any]:
        """The sample of a velocity: from `SHELLS` by name, and sums (2, 3) of powers of slopes along and across over ``points``."""
        nu, spectrum = self._viscosity, shells["spectrum"]
        energy, dissipation = float(spectrum.sum()), float(shells["dissipation_spectrum"].sum())
        square = 2.0 / 3.0 * energy
        along, across = moments / (3 * points)  # means over three directions
        integral = float((spectrum[1:] / self.wavenumbers[1:]).sum())
        taylor = np.sqrt(15.0 * nu * square / dissipation) if dissipation > 0.0 else 0.0
        kolmogorov = (nu**3 / dissipation) ** 0.25 if dissipation > 0.0 else 0.0
        return shells | {
            "energy": energy,
            "dissipation": dissipation,
            "injection": float(shells["injection_spectrum"].sum()),
            "enstrophy": float(shells["enstrophy_spectrum"].sum()),
            "integral_scale": np.pi / (2.0 * square) * integral if square > 0.0 else 0.0,
            "taylor_scale": taylor,
            "kolmogorov_scale": kolmogorov,
            "taylor_reynolds": np.sqrt(square) * taylor / nu if nu > 0.0 else 0.0,
            "kmax_eta": self._waves.highest * kolmogorov,
            "skewness": along[1] / along[0] ** 1.5 if along[0] > 0.0 else 0.0,
            "flatness": along[2] / along[0] ** 2 if along[0] > 0.0 else 0.0,
            "flatness_across": across[2] / across[0] ** 2 if across[0] > 0.0 else 0.0,
        }
