"""Edge lengths with which a run would have the error that is asked for, from the indicators of the runs that were done.

The error of a run, as stage `decompose` measures it, is taken for

    E^2 = kappa^2 * integral of c^2 / signal,    c falling with size^order at each place,

with c the indicator (`pipeline.stages.decompose.indicator`) and the order that of the scheme, 2. The worst of several runs and the last
give kappa, by their distance; of a single run it is 1. Of all meshes with that error the one with the fewest triangles has sizes in
proportion to (size^order / c)^(1 / (order + 1)), by Lagrange's multiplier. A mesh that was refined before is made no coarser anywhere.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.refine import MAP
from pipeline.core.sizes import LETTERS, MOST, PARTS
from pipeline.stages.decompose.indicator import SURFACE, WET, Indicated, indicated
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

ORDER = 2.0  # of the scheme; that which two runs show is 1.4 to 2.6, by chance
COARSEST = 4.0  # times the size of the case: waves too small to be indicated may come by
FINEST = 1.0 / 16.0
GROWTH = 0.25  # [m/m] of the edge length from place to place, as round the discs of a rectangle
SMOOTHED = 1.0  # pixels
FINER = 4.0 / 3.0  # times: means over cells say little of a run whose own cells are as large


@dataclass(frozen=True, slots=True)
class Wanted:
    """Wanted edge lengths, and what they were found from."""

    sizes: Array  # (rows, columns) [m] on even pixels, the southernmost row first
    indicated: float  # error of the last run, as a fraction
    kappa: float
    triangles: int  # expected


@dataclass(frozen=True, slots=True)
class _Raster:
    """Even pixels over a rectangle."""

    low: Array  # (2,) [m]
    step: Array  # (2,) [m]
    shape: tuple[int, int]  # rows, columns

    @property
    def area(self) -> float:
        return float(self.step[0] * self.step[1])

    def pixels(self, places: Array) -> Array:
        """The pixels (P,), counted row by row, that hold ``places`` (P, 2) [m]."""
        column, row = np.clip(((places - self.low) / self.step).astype(int), 0, np.array(self.shape[::-1]) - 1).T
        return np.asarray(row * self.shape[1] + column)

    def mean(self, run: Indicated, values: Array) -> Array:
        """Means (rows, columns) of the cells' ``values`` (T,) by their areas; where no cell has its middle, the nearest cell's."""
        from scipy.spatial import cKDTree

        place, count = self.pixels(run.centroids), self.shape[0] * self.shape[1]
        weight = np.bincount(place, run.areas, count)
        total = np.bincount(place, run.areas * values, count)
        middle = self.low + (np.stack(np.unravel_index(np.arange(count), self.shape)[::-1], axis=1) + 0.5) * self.step
        nearest = values[cKDTree(run.centroids).query(middle)[1]]
        return np.where(weight > 0.0, total / np.where(weight > 0.0, weight, 1.0), nearest).reshape(self.shape)


def wanted_sizes(paths: Sequence[Path], error: float, size: float) -> Wanted:
    """Edge lengths of the mesh with the ``error`` that is asked for.

    Parameters
    ----------
    paths
        Files of runs of the same case on different meshes; that of the last is refined.
    error
        Root mean square error of the free surface over all frames, over its root mean square about its mean; a fraction.
    size
        Edge length [m] of the case: nothing is coarser than `COARSEST` times this, or finer than `FINEST` times.

    Raises
    ------
    InputError
        Runs that say nothing of their error, or an error that takes smaller edges than are allowed.
    """
    runs = [indicated(path) for path in paths]
    fine, worst = runs[-1], max(runs, key=lambda run: run.relative)
    raster = _raster(fine.path, float(fine.sizes.min()))
    kappa = 1.0 if worst is fine else _kappa(worst, fine)
    squares = _smooth(raster.mean(fine, fine.squares))
    before = np.exp(_smooth(raster.mean(fine, np.log(fine.sizes))))
    coarsest = np.minimum(COARSEST * size, before if _is_refined(fine.path) else np.inf)

    def reached(scale: float) -> tuple[float, Array]:
        sizes = _graded(np.clip(scale * shape, FINEST * size, coarsest), raster.step)
        inside = float((squares * (sizes / before) ** (2.0 * ORDER)).sum()) * raster.area
        return kappa * float(np.sqrt(inside / fine.signal)), sizes

    floor = 1e-6 * float(np.sqrt(squares.max()))
    shape = (before**ORDER / np.maximum(np.sqrt(squares), floor)) ** (1.0 / (ORDER + 1.0))
    low, high = FINEST * size / float(shape.max()), COARSEST * size / float(shape.min())
    if reached(low)[0] > error:
        raise InputError(
            f"an error of {error:.3g} takes edges of less than {FINEST * size:.3g} m, a {1.0 / FINEST:.0f}th of the case's: "
            f"{fine.path.parent.name} is {kappa * fine.relative:.3g} wrong; refine from a finer run, or ask for less"
        )
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if reached(middle)[0] <= error else (low, middle)
    sizes = np.minimum(reached(low)[1], reached(low)[1].min() * 2.0 ** ((len(LETTERS) - 1) / PARTS))
    triangles = round(float((raster.area / (np.sqrt(3.0) / 4.0 * sizes**2)).sum()))
    return Wanted(sizes, kappa * fine.relative, kappa, triangles)


def _is_refined(path: Path) -> bool:
    """Whether the mesh of the run in the file ``path`` is of a map of sizes: where it shows little error, its small cells may be why."""
    with Store(path) as store:
        return MAP in tomllib.loads(str(store.attrs["case"]))["mesh"]


def _raster(path: Path, smallest: float) -> _Raster:
    with Store(path) as store:
        mesh = store.mesh("node_x", "node_y")
    places = np.stack([mesh["node_x"], mesh["node_y"]], axis=1)
    low, span = places.min(axis=0), np.ptp(places, axis=0)
    pixel = max(float(span.max()) / MOST, 0.5 * smallest)
    columns, rows = (max(round(float(one) / pixel), 1) for one in span)
    return _Raster(low, span / np.array([columns, rows]), (rows, columns))


def _smooth(values: Array) -> Array:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(values, SMOOTHED, mode="nearest"))


def _graded(sizes: Array, step: Array) -> Array:
    """The largest edge lengths (rows, columns) below ``sizes`` that grow by no more than `GROWTH` from pixel to pixel."""
    while True:
        padded = np.pad(sizes, 1, constant_values=np.inf)
        across = np.minimum(padded[1:-1, :-2], padded[1:-1, 2:]) + GROWTH * step[0]
        along = np.minimum(padded[:-2, 1:-1], padded[2:, 1:-1]) + GROWTH * step[1]
        fewer = np.minimum(sizes, np.minimum(across, along))
        if (fewer >= sizes * (1.0 - 1e-9)).all():
            return fewer
        sizes = fewer


def _kappa(coarse: Indicated, fine: Indicated) -> float:
    """Errors over indicators, from the distance of two runs where the finer one's cells are smaller by `FINER`; 1 where they are nowhere.

    Both errors make up the distance, as if they were independent of each other.
    """
    from pipeline.stages.decompose.pairs import common_times
    from pipeline.stages.decompose.restriction import corners_of, restriction

    with Store(coarse.path) as one, Store(fine.path) as other:
        mesh, finer = one.mesh(), other.mesh()
        between = restriction(corners_of(mesh), corners_of(finer))
        bed, finer_bed = one.highest_bed(), other.highest_bed()
        mine, theirs = common_times(one.times, other.times)
        if len(mine) < 2:
            raise InputError(f"{coarse.path} and {fine.path} have fewer than two frames in common: nothing says how their error falls")
        weight = coarse.areas * (between(fine.sizes) * FINER <= coarse.sizes)
        apart = 0.0
        for i, j in zip(mine, theirs, strict=True):
            a, b = np.asarray(one.source(SURFACE)[(int(i),)], float), np.asarray(other.source(SURFACE)[(int(j),)], float)
            b = between.where(b, b - finer_bed > WET)
            both = (a - bed > WET) & np.isfinite(b)
            apart += float(weight[both] @ (a[both] - b[both]) ** 2) / len(mine)
    left = float(weight @ (coarse.squares + between(fine.squares)))
    return float(np.sqrt(apart / left)) if apart > 0.0 and left > 0.0 else 1.0
