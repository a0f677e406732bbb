"""Two chaotic models over ensembles (members, dofs), for tests and benches: Lorenz-96 by RK4, Kuramoto-Sivashinsky by ETDRK4.

Lorenz-96: dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + 8; E. N. Lorenz, Proc. Seminar on Predictability, ECMWF (1996).
Kuramoto-Sivashinsky: u_t + u u_x + u_xx + u_xxxx = 0; A.-K. Kassam, L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214-1233,
DOI 10.1137/S1064827502410633.
"""

import numpy as np


def lorenz_tendency(x):
    """(..., dofs) at forcing 8."""
    left, left2 = np.roll(x, 1, axis=-1), np.roll(x, 2, axis=-1)
    return (np.roll(x, -1, axis=-1) - left2) * left - x + 8.0


def lorenz_step(x, t, dt):
    """Step by RK4."""
    a = lorenz_tendency(x)
    b = lorenz_tendency(x + 0.5 * dt * a)
    c = lorenz_tendency(x + 0.5 * dt * b)
    d = lorenz_tendency(x + dt * c)
    return x + dt / 6.0 * (a + 2.0 * (b + c) + d)


class KuramotoSivashinsky:
    """Steps of one length on a ring of ``length`` with ``dofs`` points."""

    def __init__(self, length, dofs, dt):
        self.dofs, self.dt = dofs, dt
        k = 2.0 * np.pi / length * np.arange(dofs // 2 + 1)
        linear = dt * (k**2 - k**4)
        k[-1] = 0.0  # of an odd derivative
        self.half_gradient = -0.5j * k
        self.whole, self.half = np.exp(linear), np.exp(0.5 * linear)
        z = linear[:, None] + np.exp(1j * np.pi * (np.arange(32) + 0.5) / 32)  # means over half a circle
        self.q = dt * np.mean((np.exp(0.5 * z) - 1.0) / z, axis=1).real
        self.f1 = dt * np.mean((-4.0 - z + np.exp(z) * (4.0 - 3.0 * z + z**2)) / z**3, axis=1).real
        self.f2 = dt * np.mean((2.0 + z + np.exp(z) * (z - 2.0)) / z**3, axis=1).real
        self.f3 = dt * np.mean((-4.0 - 3.0 * z - z**2 + np.exp(z) * (4.0 - z)) / z**3, axis=1).real

    def advection(self, v):
        return self.half_gradient * np.fft.rfft(np.fft.irfft(v, self.dofs) ** 2)

    def step(self, u, t, dt):
        """Step states (..., dofs); ``dt`` must be the step of the coefficients."""
        assert dt == self.dt
        v = np.fft.rfft(u)
        n = self.advection(v)
        a = self.half * v + self.q * n
        na = self.advection(a)
        b = self.half * v + self.q * na
        nb = self.advection(b)
        c = self.half * a + self.q * (2.0 * nb - n)
        nc = self.advection(c)
        return np.fft.irfft(self.whole * v + self.f1 * n + 2.0 * self.f2 * (na + nb) + self.f3 * nc, self.dofs)


def forecast_by(step, dt):
    """A forecast over t -> t + length in steps of ``dt``, a whole number of them."""

    def forecast(states, t, length):
        for k in range(round(length / dt)):
            states = step(states, t + k * dt, dt)
        return states

    return forecast
