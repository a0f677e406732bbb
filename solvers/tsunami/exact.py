"""Exact solutions of the shallow-water equations: arrays in, arrays out.

Each returns the free surface [m] above the still level and the velocity [m/s] at given places and time. Waves on a slope and
round humps, which need a calculation of their own, stand in ``slope`` and ``radial``.
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


def plane_wave(x: Array, y: Array, t: float, *, g: float, depth: float, amplitude: float, wavelength: float, angle: float) -> Fields:
    """A sine wave of linear theory that travels at ``angle`` [radian] counterclockwise from east.

    H. Lamb, Hydrodynamics, 6th ed., Cambridge 1932, art. 170; exact as amplitude / depth goes to zero.
    """
    cosine, sine = np.cos(angle), np.sin(angle)
    wave = amplitude * np.sin(2.0 * np.pi / wavelength * (x * cosine + y * sine - np.sqrt(g * depth) * t))
    speed = np.sqrt(g / depth) * wave
    return wave, speed * cosine, speed * sine


def standing_wave(x: Array, y: Array, t: float, *, g: float, depth: float, amplitude: float, wavelength: float, angle: float) -> Fields:
    """Two waves of linear theory, each of half the amplitude, that travel against each other: crests stand at the origin.

    Lamb (1932), art. 170.
    """
    cosine, sine = np.cos(angle), np.sin(angle)
    k = 2.0 * np.pi / wavelength
    along, turn = k * (x * cosine + y * sine), k * np.sqrt(g * depth) * t
    speed = amplitude * np.sqrt(g / depth) * np.sin(along) * np.sin(turn)
    return amplitude * np.cos(along) * np.cos(turn), speed * cosine, speed * sine


def ritter(x: Array, t: float, *, g: float, high: float) -> tuple[Array, Array]:
    """Depth [m] and velocity [m/s] of a dam of height ``high`` [m] at x = 0 that breaks on dry land at t = 0.

    A. Ritter, Zeitschrift des Vereines Deutscher Ingenieure 36 (1892) 947-954; as in O. Delestre et al., Int. J. Numer.
    Methods Fluids 72 (2013) 269-300, DOI 10.1002/fld.3741, section 4.1.2.
    """
    c0 = np.sqrt(g * high)
    pace = np.clip(x / t if t > 0.0 else np.where(x < 0.0, -np.inf, np.inf), -c0, 2.0 * c0)
    depth = (2.0 * c0 - pace) ** 2 / (9.0 * g)
    return depth, np.where(depth > 0.0, 2.0 / 3.0 * (c0 + pace), 0.0)


def stoker(x: Array, t: float, *, g: float, high: float, low: float) -> tuple[Array, Array]:
    """Depth [m] and velocity [m/s] of a dam at x = 0, ``high`` on its west and ``low`` > 0 [m] on its east, that breaks at t = 0.

    J. J. Stoker, Water Waves, Interscience 1957, section 10.8; as in Delestre et al. (2013), section 4.1.1.
    """
    from scipy.optimize import brentq  # loads for long, and few cases need it

    c_high = np.sqrt(g * high)

    def excess(middle: float) -> float:
        """Speed of the water behind the bore less that in the tail of the rarefaction."""
        return (middle - low) * np.sqrt(0.5 * g * (middle + low) / (middle * low)) - 2.0 * (c_high - np.sqrt(g * middle))

    middle = brentq(excess, low, high, xtol=1e-15 * high)
    u_middle = 2.0 * (c_high - np.sqrt(g * middle))
    bore = middle * u_middle / (middle - low)
    pace = x / t if t > 0.0 else np.where(x < 0.0, -np.inf, np.inf)
    fan = np.clip(pace, -c_high, u_middle - np.sqrt(g * middle))
    behind = pace < bore
    depth = np.where(behind, (2.0 * c_high - fan) ** 2 / (9.0 * g), low)
    return depth, np.where(behind, 2.0 / 3.0 * (c_high + fan), 0.0)


def solitary(x: Array, t: float, *, g: float, depth: float, height: float, crest: float) -> tuple[Array, Array]:
    """Free surface and velocity of a solitary wave that travels eastward without change, its crest at x = ``crest`` [m] at t = 0.

    See `solitary_wave`. It solves the Boussinesq equations, not the shallow-water equations, under which it steepens. Exact
    are the form of the surface and the conservation of water, u = speed * surface / (depth + surface).
    """
    speed = np.sqrt(g * (depth + height))
    surface = solitary_wave((x - crest) / speed - t, g=g, depth=depth, height=height)
    return surface, speed * surface / (depth + surface)


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


def above(level: float, fields: Fields) -> Fields:
    """``fields`` whose free surface is a height above the still ``level`` [m], as heights."""
    surface, ux, uy = fields
    return level + surface, ux, uy
