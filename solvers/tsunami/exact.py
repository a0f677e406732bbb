"""Exact solutions of the shallow-water equations: arrays in, arrays out.

Each returns the free surface [m] and the velocity [m/s] at given places and time.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Fields = tuple[Array, Array, Array]


def thacker_planar(x: Array, y: Array, t: float, *, g: float, depth: float, radius: float, shift: float) -> Fields:
    """A plane surface that turns round in the bowl b = -depth (1 - r^2 / radius^2).

    W. C. Thacker, J. Fluid Mech. 107 (1981) 499-508, DOI 10.1017/S0022112081001882, section 3. ``depth``, ``radius`` of the
    still water and ``shift`` of the water's centre [m]; valid where the water is deeper than zero.
    """
    omega = np.sqrt(2.0 * g * depth) / radius
    cosine, sine = np.cos(omega * t), np.sin(omega * t)
    surface = shift * depth / radius**2 * (2.0 * x * cosine + 2.0 * y * sine - shift)
    return surface, np.full_like(x, -shift * omega * sine), np.full_like(x, shift * omega * cosine)


def thacker_curved(x: Array, y: Array, t: float, *, g: float, depth: float, radius: float, swing: float) -> Fields:
    """A parabolic surface that rises and falls in the bowl b = -depth (1 - r^2 / radius^2).

    Thacker (1981), section 4; ``swing`` in (0, 1) is his A: the centre stands highest, depth (sqrt((1 + A) / (1 - A)) - 1)
    above the still level, at t = 0.
    """
    omega = np.sqrt(8.0 * g * depth) / radius
    pulse = 1.0 - swing * np.cos(omega * t)
    r2 = (x * x + y * y) / radius**2
    surface = depth * (np.sqrt(1.0 - swing**2) / pulse - 1.0 - r2 * ((1.0 - swing**2) / pulse**2 - 1.0))
    rate = 0.5 * omega * swing * np.sin(omega * t) / pulse
    return surface, rate * x, rate * y


def solitary_wave(phase: Array, *, g: float, depth: float, height: float) -> Array:
    """Free surface [m] of a solitary wave of ``height`` [m] on water ``depth`` [m] deep, at ``phase`` [s] after its crest.

    Boussinesq's profile with Rayleigh's speed, as in C. E. Synolakis, J. Fluid Mech. 185 (1987) 523-545,
    DOI 10.1017/S002211208700329X, eq. (2.3).
    """
    speed = np.sqrt(g * (depth + height))
    number = np.sqrt(0.75 * height / depth**3)
    return np.asarray(height / np.cosh(np.clip(number * speed * phase, -300.0, 300.0)) ** 2)


def solitary_duration(*, g: float, depth: float, height: float, share: float = 0.01) -> float:
    """Time [s] from where a solitary wave first exceeds ``share`` of its height to its crest."""
    number = np.sqrt(0.75 * height / depth**3)
    return float(np.arccosh(np.sqrt(1.0 / share)) / (number * np.sqrt(g * (depth + height))))
