"""States of a periodic line as a few real Fourier modes.

The mode numbers are ``x = [a_0, sqrt(2) Re c_1, sqrt(2) Im c_1, sqrt(2) Re c_2, ...]`` with ``c = rfft(u) / points``: the mean of their
squares' sum is the mean square of u, and white noise of deviation s at P points has the deviation s / sqrt(P) in each.
"""

from typing import Any

import numpy as np

from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


def to_modes(states: Array, waves: int) -> Array:
    """Numbers (..., 2 waves + 1) of states (..., points) up to wave ``waves``, which must be below half the points."""
    points = states.shape[-1]
    with np.errstate(invalid="ignore"):  # a state that blew up stays nan
        c = np.fft.rfft(states, axis=-1)[..., : waves + 1] / points
    found = np.empty((*states.shape[:-1], 2 * waves + 1))
    found[..., 0] = c[..., 0].real
    found[..., 1::2] = np.sqrt(2.0) * c[..., 1:].real
    found[..., 2::2] = np.sqrt(2.0) * c[..., 1:].imag
    return found


def from_modes(numbers: Array, points: int) -> Array:
    """States (..., points) of ``numbers`` (..., 2 waves + 1)."""
    c = np.zeros((*numbers.shape[:-1], points // 2 + 1), complex)
    waves = numbers.shape[-1] // 2
    c[..., 0] = numbers[..., 0]
    c[..., 1 : waves + 1] = (numbers[..., 1::2] + 1j * numbers[..., 2::2]) / np.sqrt(2.0)
    return np.asarray(np.fft.irfft(c * points, points, axis=-1))


def fitted(observed: Array, waves: int) -> tuple[Array, Array]:
    """Numbers (M, n) fitted to observed states (M, points) by least squares, nan where not observed, and their covariances.

    The covariances (M, n, n) are those for noise of deviation 1 at every point.

    Raises
    ------
    InputError
        A state with fewer observed points than numbers.
    """
    n = 2 * waves + 1
    points = observed.shape[1]
    basis = from_modes(np.eye(n), points).T  # (points, n)
    seen = np.isfinite(observed)
    if seen.all():
        return to_modes(observed, waves), np.broadcast_to(np.eye(n) / points, (len(observed), n, n))
    numbers, covariances = np.empty((len(observed), n)), np.empty((len(observed), n, n))
    for k, there in enumerate(seen):
        if there.sum() < n:
            raise InputError(f"state {k} is observed at {there.sum()} points, too few for {n} numbers: {n - there.sum()} more are needed")
        normal = basis[there].T @ basis[there]
        covariances[k] = np.linalg.inv(normal)
        numbers[k] = covariances[k] @ (basis[there].T @ observed[k, there])
    return numbers, covariances
