"""A grid of displacements over time: linear between its points and its times, nothing outside it."""

from typing import Any

import numpy as np

from meshes.core.chart import Chart
from meshes.core.mercator import check_degrees
from pipeline.core.errors import InputError
from pipeline.core.remarks import remark
from solvers.tsunami.source.core.motion import Motion, weights_between, without_negligible

Array = np.ndarray[Any, np.dtype[Any]]

CUT, TOLD = 0.2, 0.01  # of the largest displacement: more at the grid's edge is refused, or told


class MovingGrid(Motion):
    """Displacements on a grid.

    Parameters
    ----------
    name
        That of the file, for messages.
    times
        Rising times (K,) [s]; before the first nothing has moved.
    x
        Rising places eastward (I,) [m].
    y
        Rising places northward (J,) [m].
    values
        Displacements up (K, J, I) [m].
    negligible
        Displacements no larger than this are zero [m].
    chart
        The map of a mesh on the sphere; ``x`` and ``y`` are longitudes and latitudes.

    Raises
    ------
    InputError
        Times or places do not rise, are no longitudes and latitudes with a map, a value is missing, or the grid's edge cuts through
        what moves.
    """

    def __init__(
        self, name: str, times: Array, x: Array, y: Array, values: Array, *, negligible: float = 0.0, chart: Chart | None = None
    ) -> None:
        for what, numbers in (("times", times), ("x", x), ("y", y)):
            if np.any(np.diff(numbers) <= 0.0):
                raise InputError(f"{name}: its {what} do not rise")
        if len(x) < 2 or len(y) < 2:
            raise InputError(f"{name}: {len(x)} by {len(y)} points are no grid")
        if not np.isfinite(values).all():
            k, j, i = np.argwhere(~np.isfinite(values))[0]
            unit = "degrees" if chart else "m"
            raise InputError(f"{name}: there is no displacement at ({x[i]:g}, {y[j]:g}) {unit} at t = {times[k]:g} s")
        self._times, self._x, self._y, self._values, self._negligible = times, x, y, values, negligible
        self.end, self.breaks = float(times[-1]), tuple(times.tolist()) if len(times) <= 2 else (float(times[0]), float(times[-1]))
        self._chart = chart
        if chart:
            for end in (0, -1):
                check_degrees(x[end], y[end])
        largest = float(np.abs(values).max())
        edge = max(float(np.abs(values[:, side]).max()) for side in (0, -1))
        edge = max(edge, *(float(np.abs(values[:, :, side]).max()) for side in (0, -1)))
        if edge > CUT * largest:
            raise InputError(f"{name} does not cover what moves: at its edge the bed moves by up to {edge:.3g} m, of {largest:.3g} m")
        if edge > TOLD * largest:
            remark(f"{name}: at its edge the bed moves by up to {edge:.3g} m, of {largest:.3g} m; outside it does not move")

    @property
    def places(self) -> Array:
        moved = np.abs(self._values).max(axis=0)
        j, i = np.nonzero(moved >= 0.1 * moved.max())
        found = np.stack([self._x[i], self._y[j]], axis=1)
        return self._chart.plane(found) if self._chart else found

    def shapes(self, x: Array, y: Array) -> Array:
        if self._chart:
            x, y = self._chart.degrees(np.stack([x, y], axis=-1)).T
            x = self._x[0] + (x - self._x[0]) % 360.0
        i = np.clip(np.searchsorted(self._x, x, "right") - 1, 0, len(self._x) - 2)
        j = np.clip(np.searchsorted(self._y, y, "right") - 1, 0, len(self._y) - 2)
        a = (x - self._x[i]) / (self._x[i + 1] - self._x[i])
        b = (y - self._y[j]) / (self._y[j + 1] - self._y[j])
        inside = (a >= 0.0) & (a <= 1.0) & (b >= 0.0) & (b <= 1.0)
        south = (1.0 - a) * self._values[:, j, i] + a * self._values[:, j, i + 1]
        north = (1.0 - a) * self._values[:, j + 1, i] + a * self._values[:, j + 1, i + 1]
        return np.where(inside, (1.0 - b) * south + b * north, 0.0)

    def means(self, corners: Array) -> Array:
        return without_negligible(super().means(corners), self._negligible)

    def weights(self, t: float) -> Array:
        return weights_between(self._times, t)
