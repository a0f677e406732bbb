"""Several rasters of relief, one over the other: the first that has heights at a place gives them.

From its outermost points a raster goes over into the next within one of its own steps, or inside itself within its `blend`, so that no
bed has a cliff that the sea floor has not. The mean over a triangle is that of the shares that the rasters have in it:

    b = sum_k s_k <w_k z_k> / <w_k>,        s_k = min(<w_k>, 1 - s_1 - ... - s_(k-1))

with the weight w_k, bilinear as the heights z_k, 1 where a raster holds and 0 where it has no height, and exact integrals < > over the
triangle. Triangles that more than one raster has a share in are cut in four, `CUTS` times.
"""

# T triangles, L layers

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.mercator import TURN
from meshes.core.placed_raster import DEGREE, Means, PlacedRaster, brought, placed, smoothed
from meshes.core.raster import HeightGrid
from pipeline.core.crs import WGS84, Way, name_of
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

CUTS = 4
NONE = 1e-9  # a share of a triangle that is round-off
BARE = 1e-5  # a share of a triangle without heights that rounded coordinates may leave
OVER = 20.0  # [degrees] that a raster of all longitudes is continued by on either side: wider than any triangle
RIM = 2  # points without weight round a raster: what lies beyond all points counts as the outermost pixels, which have none


@dataclass(frozen=True, slots=True)
class Layer(PlacedRaster):
    """A raster of relief among several."""

    extent: tuple[float, float, float, float] | None = setting(
        "west, south, east and north, in its own coordinates, beyond which it does not count; unset: all of it", default=None
    )
    blend: float = quantity("m", "width inside its rim over which it goes over into the next; 0: one step outside it", default=0.0, low=0.0)

    def __post_init__(self) -> None:
        PlacedRaster.__post_init__(self)
        if self.extent and not (self.extent[0] < self.extent[2] and self.extent[1] < self.extent[3]):
            raise InputError(f"extent = {list(self.extent)}; it must be west, south, east, north, rising")


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A raster with weights that are zero where it has no value, and outside it."""

    weighted: HeightGrid  # values times weights
    weights: HeightGrid
    holds: HeightGrid  # 1 where there is a value
    way: Way | None  # of places of the mesh to it
    offset: Means | None = None

    @classmethod
    def of(cls, grid: HeightGrid, way: Way | None, *, blend: float = 0.0, offset: Means | None = None) -> "Patch":
        """The patch of ``grid``, whose weights rise from 0 to 1 over ``blend`` [m] inside its rim and round its holes."""
        grid = _round_the_globe(grid)
        x, y = (_continued(axis) for axis in (grid.x, grid.y))
        there = np.pad(np.isfinite(grid.z), RIM)
        z = np.pad(np.where(np.isfinite(grid.z), grid.z, 0.0), RIM)
        holds = there.astype(float)
        weights = np.minimum(_to_the_rim(there, grid) / blend, 1.0) if blend else holds
        whole = replace(grid, x=x, y=y, z=holds, inset=0.0)
        return cls(replace(whole, z=z * weights), replace(whole, z=weights), whole, way, offset)

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.holds.name

    def parts(self, corners: Array) -> tuple[Array, Array, Array]:
        """Means over triangles (T, 3, 2) of the mesh: of the weighted values, of the weights, and of where there are values (T,)."""
        from meshes.core.kernels import integrate  # the kernels load only when a mesh needs them

        grid = self.holds
        there = brought(corners, self.way)
        step = np.array([grid.x[-1] - grid.x[0], grid.y[-1] - grid.y[0]]) / (np.array(grid.z.shape) - 1)
        if grid.unit == "degrees":
            away = 0.5 * (grid.x[0] + grid.x[-1]) - there[..., 0].mean(axis=1)
            there = there.copy()
            there[..., 0] += (np.rint(away / TURN) * TURN)[:, None]
        pixels = (there - [grid.x[0], grid.y[0]]) / step
        last = np.array(grid.z.shape) - 1.0
        near = np.flatnonzero(((pixels.max(axis=1) > 0.0) & (pixels.min(axis=1) < last)).all(axis=1))
        found = np.zeros((3, len(corners)))
        own = np.ascontiguousarray(pixels[near])
        for row, one in enumerate((self.weighted, self.weights, self.holds)):
            if row == 2 and one.z is self.weights.z:
                found[row] = found[1]
                continue
            means = np.empty(len(own))
            integrate(own, one.z, means)
            found[row, near] = means
        if self.offset and len(near):
            some = near[found[1, near] > 0.0]
            if len(some):
                found[0, some] += found[1, some] * self.offset(corners[some])
        return found[0], found[1], found[2]


def _continued(axis: Array) -> Array:
    """An even axis with `RIM` more points at either end."""
    step = (axis[-1] - axis[0]) / (len(axis) - 1)
    more = step * np.arange(1, RIM + 1)
    return np.concatenate([axis[0] - more[::-1], axis, axis[-1] + more])


def _round_the_globe(grid: HeightGrid) -> HeightGrid:
    """The grid; one of all longitudes goes on by `OVER` on either side."""
    if grid.unit != "degrees":
        return grid
    step = (grid.x[-1] - grid.x[0]) / (len(grid.x) - 1)
    first = 1 if grid.inset else 0  # without what goes on beyond the middles of cells
    z, own = grid.z[first : len(grid.z) - first], round(TURN / step)
    if abs(own * step - TURN) >= 1e-3 * step or len(z) not in (own, own + 1):
        return grid
    over = int(OVER / step) + 1
    number = np.arange(-over, own + over + 1)
    return replace(grid, x=grid.x[first] + step * number, z=np.ascontiguousarray(z[number % own]), inset=0.0)


def _to_the_rim(there: Array, grid: HeightGrid) -> Array:
    """Distances [m] from points (M, N) to the next one where there is no height; in degrees by the lengths at the grid's middle."""
    from scipy.ndimage import distance_transform_edt  # loads for long

    step = [(axis[-1] - axis[0]) / (len(axis) - 1) for axis in (grid.x, grid.y)]
    if grid.unit == "degrees":
        step = [step[0] * DEGREE * np.cos(np.radians(0.5 * (grid.y[0] + grid.y[-1]))), step[1] * DEGREE]
    return np.asarray(distance_transform_edt(there, sampling=step))


@dataclass(frozen=True, slots=True)
class NestedRasters:
    """The bed by several rasters."""

    rasters: tuple[Layer, ...] = setting("those of highest priority first: a place has the heights of the first that has some there")

    def __post_init__(self) -> None:
        if not self.rasters:
            raise InputError("rasters is empty")

    def means(self, folder: Path) -> Means:
        """The means over triangles (T, 3, 2) [m] of a plane in no said system."""
        return self.means_in(folder, "")

    def means_in_degrees(self, folder: Path) -> Means:
        """The same over triangles in longitudes and latitudes [degrees], whole turns counting for nothing."""
        return self.means_in(folder, WGS84)

    def means_in(self, folder: Path, crs: str) -> Means:
        """The same over triangles in the system ``crs``; `InputError` as of `meshes.core.placed_raster.placed`."""
        patches = [_patch(layer, folder, crs) for layer in self.rasters]
        _refuse_unlike(patches, crs)
        unit = "degrees" if crs == WGS84 else "m"
        return lambda corners: _heights(patches, corners, unit)


def _refuse_unlike(patches: Sequence[Patch], crs: str) -> None:
    """Refuse rasters in several systems on a mesh that says none."""
    said = [patch.holds for patch in patches if patch.holds.crs]
    for one in said[1:] if not crs else ():
        if not Way(said[0].crs, one.crs).leads_nowhere:
            raise InputError(
                f"{said[0].name} is in {name_of(said[0].crs)}, {one.name} in {name_of(one.crs)}, and the mesh says no system: "
                f'give it one, such as [mesh] crs = "{name_of(said[0].crs)}"'
            )


def _patch(layer: Layer, folder: Path, crs: str) -> Patch:
    grid, way = placed(layer, folder, crs)
    if layer.extent:
        grid = _cut(grid, layer.extent)
    return Patch.of(smoothed(grid, layer.smooth), way, blend=layer.blend, offset=layer.offset_means(folder, crs))


def _cut(grid: HeightGrid, extent: tuple[float, float, float, float]) -> HeightGrid:
    """The grid's points within ``extent``, which may be whole turns away in degrees."""
    west, south, east, north = extent
    if grid.unit == "degrees":
        turn = TURN * np.rint((0.5 * (grid.x[0] + grid.x[-1]) - 0.5 * (west + east)) / TURN)
        west, east = west + turn, east + turn
    inside = []
    for axis, low, high in ((grid.x, west, east), (grid.y, south, north)):
        slack = 1e-6 * (axis[1] - axis[0])
        inside.append(np.flatnonzero((axis >= low - slack) & (axis <= high + slack)))
        if len(inside[-1]) < 2:
            raise InputError(
                f"{grid.name}: extent = {list(extent)} holds no two of its points; it covers ({grid.x[0]:g}, {grid.y[0]:g}) "
                f"to ({grid.x[-1]:g}, {grid.y[-1]:g}) {grid.unit}"
            )
    i, j = inside
    return replace(grid, x=grid.x[i], y=grid.y[j], z=grid.z[np.ix_(i, j)], inset=0.0)


def _heights(patches: Sequence[Patch], corners: Array, unit: str) -> Array:
    """Means over triangles (T, 3, 2) of the mesh in ``unit``, and a remark on which raster gave how many."""
    heights, shares, bare = compose(patches, corners, CUTS)
    missing = bare > BARE
    if missing.any():
        x, y = corners[int(np.argmax(missing))].mean(axis=0)
        raise InputError(
            f"{int(missing.sum())} of {len(corners)} cells lie where none of the rasters has heights, or partly, the first at "
            f"({x:.6g}, {y:.6g}) {unit}: give one more that covers them, after {patches[-1].name}"
        )
    most, several = shares.argmax(axis=0), int(((shares > NONE).sum(axis=0) > 1).sum())
    counts = ", ".join(f"{patch.name} {int((most == k).sum()):,}" for k, patch in enumerate(patches))
    remark(f"relief by cells: {counts}; {several:,} of them have a share in more than one")
    return heights


def compose(patches: Sequence[Patch], corners: Array, cuts: int) -> tuple[Array, Array, Array]:
    """Means of the first of ``patches`` that has values, over triangles (T, 3, 2) of the mesh.

    Returns the means (T,), nan where there is nothing; the share (L, T) that each patch has in them; and that (T,) where there is no value.
    Triangles with several shares are cut in four, ``cuts`` times.
    """
    total, shares = np.zeros(len(corners)), np.zeros((len(patches), len(corners)))
    left, bare = np.ones(len(corners)), np.ones(len(corners))
    mixed = np.zeros(len(corners), bool)
    for k, patch in enumerate(patches):
        at = np.flatnonzero(left > NONE)
        if not len(at):
            break
        weighted, weight, holds = patch.parts(corners[at])
        some = weight > NONE
        mixed[at] |= some & (weight < 1.0 - NONE)
        took = np.where(some, np.minimum(weight, left[at]), 0.0)
        total[at] += weighted * np.where(weight > left[at] + NONE, took / np.where(some, weight, 1.0), some)
        shares[k, at] = took
        left[at] -= took
        bare[at] -= holds
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(mixed, total / shares.sum(axis=0), np.where(left < 1.0, total, np.nan))
    again = np.flatnonzero(mixed) if cuts else np.zeros(0, int)
    if len(again):
        quarters = _quarters(corners[again])
        of_quarters, shares_of_quarters, bare_of_quarters = compose(patches, quarters.reshape(-1, 3, 2), cuts - 1)
        means[again] = of_quarters.reshape(-1, 4).mean(axis=1)
        shares[:, again] = shares_of_quarters.reshape(len(patches), -1, 4).mean(axis=2)
        bare[again] = bare_of_quarters.reshape(-1, 4).mean(axis=1)
    return means, shares, np.maximum(bare, 0.0)


def _quarters(corners: Array) -> Array:
    """Four triangles (T, 4, 3, 2) of equal area that each of (T, 3, 2) is cut in, by the middles of its sides."""
    a, b, c = (corners[:, k] for k in range(3))
    ab, bc, ca = 0.5 * (a + b), 0.5 * (b + c), 0.5 * (c + a)
    return np.stack([np.stack(one, axis=1) for one in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))], axis=1)
