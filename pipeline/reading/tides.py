"""Tides taken off a measured series, by which the wave is left: as an observation's ``detide`` asks for it.

polynomial  a least-squares polynomial over the whole record, of degree 3 + pi times its length over the period of M2
highpass    what a Butterworth filter of order 4, forward and backward, lets through of periods above 3 h
utide       the harmonic constituents that the record resolves, by UTide (D. L. Codiga, 2011, technical report 2011-01, Graduate School
            of Oceanography, University of Rhode Island), without nodal corrections, which a short record has no need of
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Detide = Literal["polynomial", "highpass", "utide"]

M2 = 44714.16  # [s] period of the lunar semidiurnal tide
CUTOFF = 10800.0  # [s] period that the filter parts at
LUNAR_DAY = 89428.33  # [s]
DAY = 86400.0  # [s]
LEAST = 8  # samples for each unknown


def without_tide(times: Array, values: Array, how: Detide, name: str) -> tuple[Array, float]:
    """Take the tide, and the mean, off a series.

    Parameters
    ----------
    times
        Rising times (S,) [s].
    values
        Heights (S,) [m], nan where missing.
    how
        One of the ways above.
    name
        The series, for messages.

    Returns
    -------
    tuple[Array, float]
        Heights (S,) [m], nan where missing, and the range of the tide that was taken off [m].

    Raises
    ------
    InputError
        The record is too short for it, or a library is not installed.
    """
    there = np.isfinite(values)
    t, height = times[there], values[there]
    length = float(np.ptp(t)) if len(t) else 0.0
    tide = WAYS[how](t, height, length, name)
    found = values.copy()
    found[there] = height - tide
    return found, float(np.ptp(tide))


def _polynomial(t: Array, height: Array, length: float, name: str) -> Array:
    degree = 3 + math.ceil(math.pi * length / M2)
    if len(t) < LEAST * (degree + 1):
        raise InputError(f'{name}: detide = "polynomial" needs {LEAST * (degree + 1)} samples, of which {len(t)} are there')
    return np.asarray(np.polynomial.Chebyshev.fit(t, height, degree)(t))


def _low_pass(t: Array, height: Array, length: float, name: str) -> Array:
    from scipy import signal

    if length < 2.0 * CUTOFF:
        raise InputError(f'{name}: detide = "highpass" needs a record of {2.0 * CUTOFF:g} s, which has {length:g} s: take "polynomial"')
    step = float(np.median(np.diff(t)))
    if step > CUTOFF / 4.0:
        raise InputError(f'{name}: detide = "highpass" needs samples {CUTOFF / 4.0:g} s apart or closer, which are {step:g} s apart')
    even = t[0] + step * np.arange(round(length / step) + 1)
    sections = signal.butter(4, 1.0 / CUTOFF, fs=1.0 / step, output="sos")
    slow = signal.sosfiltfilt(sections, np.interp(even, t, height), padlen=min(round(2.0 * CUTOFF / step), len(even) - 2))
    return np.asarray(np.interp(t, even, slow))


def _constituents(t: Array, height: Array, length: float, name: str) -> Array:
    if length < LUNAR_DAY:
        raise InputError(f'{name}: detide = "utide" needs a record of a lunar day, {LUNAR_DAY:g} s, which has {length:g} s')
    try:
        import utide
    except ImportError:
        raise InputError(f"{name}: detide = \"utide\" needs utide, which is not installed: pip install 'wavetrain[tides]'") from None
    quiet = {"epoch": "1970-01-01", "verbose": False}
    options = {"nodal": False, "trend": False, "method": "ols", "conf_int": "none", "phase": "raw"}
    found = utide.solve(t / DAY, height, lat=45.0, **options, **quiet)  # the latitude counts in nodal corrections alone
    return np.asarray(utide.reconstruct(t / DAY, found, **quiet).h)


WAYS: dict[str, Callable[[Array, Array, float, str], Array]] = {"polynomial": _polynomial, "highpass": _low_pass, "utide": _constituents}
