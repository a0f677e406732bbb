"""Maps of values on triangles, sampled at pixels: the cell under each pixel is found once for all maps of a mesh, whatever its size."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.transforms import Affine2D

from pipeline.drawing.whole_globe import DEGREES, middle_of, on_disc

Array = np.ndarray[Any, np.dtype[Any]]

CORNERS = ("node_x", "node_y", "face_node_connectivity")  # UGRID names of what a map needs of a mesh
ON_EDGE = 1e-9  # of an edge, in pixels: what lies so little outside is on it
MOST_PAIRS = 1 << 21  # of a triangle and a pixel that are looked at together
OUTSIDE = -1


class Triangles:
    """A mesh's triangles, with the cells under the pixels of its latest map."""

    def __init__(self, nodes: tuple[Array, Array], triangles: Array) -> None:
        """Take ``nodes``, x and y (V,) [m], and the three nodes of each of ``triangles`` (cells, 3)."""
        self._nodes, self._triangles = nodes, np.ascontiguousarray(triangles.T)
        ends = [(float(along[self._triangles].min()), float(along[self._triangles].max())) for along in nodes]
        self.low, self.high = np.array(ends).T
        self._latest: tuple[Any, Array] | None = None

    @property
    def places(self) -> Array:
        """The nodes' places (V, 2) on the map."""
        return np.stack(self._nodes, axis=-1)

    def under(self, x: tuple[float, float], y: tuple[float, float], width: int, height: int) -> Array:
        """The cell (height, width) under the middle of each pixel of a map from ``x[0]`` to ``x[1]``, upwards; `OUTSIDE` where none is."""
        asked = (x, y, width, height)
        if self._latest is None or self._latest[0] != asked:
            view = zip(self._nodes, (x, y), (width, height), strict=True)
            i, j = ((along - low) * (many / (high - low)) - 0.5 for along, (low, high), many in view)
            self._latest = asked, cells_under(i, j, self._triangles, width, height)
        return self._latest[1]


def triangles_of(mesh: Mapping[str, Array]) -> Triangles:
    """The triangles of a ``mesh`` by its UGRID names; of the whole globe, those on a disc (`pipeline.drawing.whole_globe`)."""
    x, y, triangles = (mesh[name] for name in CORNERS)
    middle = middle_of(mesh)
    return Triangles(on_disc(mesh[DEGREES[0]], mesh[DEGREES[1]], middle) if middle else (x, y), triangles)


def cells_under(i: Array, j: Array, triangles: Array, width: int, height: int) -> Array:
    """The cell (height, width) that holds each point of a grid, on an edge the first, of ``triangles`` (3, cells) of nodes at ``i``, ``j``.

    Cells are looked at where points lie in the box round them: of small ones most have none, whose corners then are not asked for. A row
    of points lies in a triangle from one column to another.
    """
    found = np.full(height * width, OUTSIDE, np.int32)
    (left, across), (low, up) = _boxes(i, triangles, width), _boxes(j, triangles, height)
    pairs = across * up
    cells = np.flatnonzero(pairs)[::-1]  # what is assigned last stays
    ends = np.cumsum(pairs[cells])
    begin = 0
    while begin < len(cells):
        before = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, before + MOST_PAIRS, side="right")), begin + 1)
        some = cells[begin:end]
        row = _counted(low[some], up[some])
        corners = triangles[:, some]
        first, many = _columns(i[corners], j[corners], left[some], across[some], up[some], row)
        found[_counted(row * width + first, many)] = np.repeat(np.repeat(some, up[some]), many)
        begin = end
    return found.reshape(height, width)


def _counted(first: Array, many: Array) -> Array:
    """Each of ``first`` (N,) and the numbers that follow it, ``many`` (N,) of them, one after the other."""
    return np.arange(many.sum()) + np.repeat(first - (np.cumsum(many) - many), many)


def _boxes(places: Array, triangles: Array, many: int) -> tuple[Array, Array]:
    """The first of ``many`` points that lie along an axis within each triangle's box, and their number, both (cells,)."""
    first = np.clip(np.ceil(places - ON_EDGE), 0, many).astype(np.int32)
    last = np.clip(np.floor(places + ON_EDGE), -1, many - 1).astype(np.int32)
    a, b, c = triangles
    start = np.minimum(np.minimum(first[a], first[b]), first[c])
    end = np.maximum(np.maximum(last[a], last[b]), last[c])
    return start, np.maximum(end - start + 1, 0)


def _columns(x: Array, y: Array, left: Array, across: Array, up: Array, row: Array) -> tuple[Array, Array]:
    """The first column in each of N triangles of either direction, of corners ``x`` and ``y`` (3, N), in each of its rows; their number.

    Of each triangle, columns from ``left`` on, ``across`` of them, are looked at, in ``up`` rows, one after the other in ``row``.
    """
    start, end = (np.repeat(ends, up).astype(float) for ends in (left, left + across - 1))
    along, high = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    ahead = high * np.where(along[0] * high[1] >= along[1] * high[0], 1.0, -1.0)  # above 0 on a triangle's right
    level = high == 0.0  # the rows end there
    lean = np.divide(along, high, out=np.zeros_like(x), where=~level)
    slack = np.divide(ON_EDGE * (1.0 + np.abs(along) + np.abs(high)), ahead, out=np.zeros_like(x), where=~level)
    for k in range(3):
        place = np.repeat(x[k] - lean[k] * y[k] + slack[k], up) + np.repeat(lean[k], up) * row
        np.minimum(end, place, out=end, where=np.repeat(ahead[k] > 0.0, up))
        np.maximum(start, place, out=start, where=np.repeat(ahead[k] < 0.0, up))
    first = np.ceil(start).astype(np.int64)
    return first, np.maximum(np.floor(end).astype(np.int64) - first + 1, 0)


class TriangleImage(AxesImage):
    """An image of values on triangles, a colour a pixel; cells of ``land`` have their own colours."""

    def __init__(self, axes: Axes, triangles: Triangles, values: Array, land: Array | None = None, **style: Any) -> None:
        """Show ``values`` (cells,) on ``axes``, whose limits become the mesh's.

        Parameters
        ----------
        axes
            Where it is drawn.
        triangles
            The mesh.
        values
            A value for each cell; none where masked.
        land
            Red, green and blue (cells, 3), from 0 to 1; NaN where a cell's value has the colour.
        style
            ``cmap``, ``clim`` and others of an image.
        """
        limits = style.pop("clim", (None, None))
        super().__init__(axes, **style)
        self._triangles, self._land = triangles, land
        self.set_array(values)
        self.set_clim(*limits)
        axes.add_image(self)
        (left, bottom), (right, top) = triangles.low, triangles.high
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")

    def set_data(self, A: Any) -> None:
        """Take values (cells,)."""
        self._A = np.ma.asarray(A)
        self.stale = True

    def set_array(self, A: Any) -> None:
        """Take values (cells,)."""
        self.set_data(A)

    def get_extent(self) -> tuple[float, float, float, float]:
        """The mesh's ends: left, right, bottom, top."""
        (left, bottom), (right, top) = self._triangles.low.tolist(), self._triangles.high.tolist()
        return left, right, bottom, top

    def make_image(self, renderer: Any, magnification: float = 1.0, unsampled: bool = False) -> tuple[Array, float, float, Affine2D]:
        """The colours of all pixels of the axes, and where they stand."""
        box = self.axes.bbox
        width, height = (max(round(size * magnification), 1) for size in (box.width, box.height))
        cells = self._triangles.under(self.axes.get_xlim(), self.axes.get_ylim(), width, height)
        seen = np.zeros(len(self._A) - OUTSIDE, bool)
        seen[cells] = True
        shown = np.flatnonzero(seen[:OUTSIDE])
        colours = np.zeros((len(seen), 4), np.uint8)  # that of no cell is the last
        colours[shown] = self.to_rgba(self._A[shown], bytes=True)
        if self._land is not None:
            dry = shown[~np.isnan(self._land[shown, 0])]
            colours[dry, :3], colours[dry, 3] = np.rint(255.0 * self._land[dry]), 255
        pixels = colours.view(np.uint32)[cells].view(np.uint8)
        return pixels, box.x0, box.y0, Affine2D()
