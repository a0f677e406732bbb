"""Points of even quality for Delaunay meshes: a triangular lattice whose spacing follows a wanted size, a little disturbed.

The points of a graded mesh come from a quadtree of lattices: deterministic, and fast in numpy.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from meshes.core import trimesh as tm
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

SHAKE = 0.12  # of the spacing: enough to break the lattice's directions, too little to spoil its angles
INWARD = (0.22, 0.08)  # of the spacing, of a shifted row's first and second point: the least height grows by 40 %
ROUNDS = 5  # in which the points of a map of sizes are moved: the error falls by half, more rounds gain little
QUARTER = 2.0**-0.25  # of an octave
SPACING = float(np.sqrt(2.0) * 0.75**0.25)  # sides of squares with middles over edges of even triangles of the same area
LARGEST = 40_000_000  # cells: what a mesh may have before it is taken for a slip of the keyboard


def lattice(width: float, height: float, size: float) -> tuple[Array, Array]:
    """A triangular lattice on (0, width) x (0, height) with edges of about ``size`` [m]: points (P, 2) and whether each is inside.

    Every second row is shifted by half an edge; all four sides carry points. At the ends of shifted rows the first points stand a
    little further inside, lest triangles of half the width there shorten every time step.
    """
    columns = max(round(width / size), 1)
    rows = max(round(height / (size * np.sqrt(0.75))), 1)
    if columns * rows * 2 > LARGEST:
        raise InputError(f"an edge length of {size:g} m makes more than {LARGEST:,} cells of {width:g} m x {height:g} m")
    dx = width / columns
    points, inside = [], []
    for parity in (0, 1):
        ys = np.linspace(0.0, height, rows + 1)[parity::2]  # ends at the walls to the last bit: a wall's point must not be disturbed
        xs = np.linspace(0.0, width, columns + 1) if parity == 0 else np.concatenate([[0.0], _shifted(columns) * dx, [width]])
        grid = np.stack(np.meshgrid(xs, ys, indexing="xy"), axis=-1).reshape(-1, 2)
        points.append(grid)
        inside.append((grid[:, 0] > 0.0) & (grid[:, 0] < width) & (grid[:, 1] > 0.0) & (grid[:, 1] < height))
    return np.concatenate(points), np.concatenate(inside)


def _shifted(columns: int) -> Array:
    """Places of the ``columns`` points of a shifted row, in edges from its end."""
    places = np.arange(columns) + 0.5
    if columns >= 2 * len(INWARD):
        for j, way in enumerate(INWARD):
            places[j] += way
            places[-1 - j] -= way
    return places


def row(columns: int, *, shifted: bool) -> Array:
    """Places of a row's points in edges from its end, both ends with them, of ``columns`` edges; ``shifted`` by half an edge."""
    return np.concatenate([[0.0], _shifted(columns), [float(columns)]]) if shifted else np.arange(columns + 1.0)


def shaken(points: Array, inside: Array, size: Array | float, seed: int) -> Array:
    """``points``, the ``inside`` of them moved by up to `SHAKE` of ``size`` [m] each way."""
    move = np.random.default_rng([seed]).uniform(-SHAKE, SHAKE, points.shape)
    return np.where(inside[:, None], points + move * np.reshape(size, (-1, 1)), points)


def graded(
    width: float, height: float, wanted: Callable[[Array, Array], Array], coarsest: float, *, halves: bool = False
) -> tuple[Array, Array, Array]:
    """Points whose spacing follows ``wanted(x, y)`` [m]: points (P, 2), whether each is inside, and the size at each (P,).

    The rectangle's cells are halved until none is wider than wanted at its middle; the corners and middles of these cells
    are the points. Neighbouring cells differ by a factor two, which the Delaunay triangles bridge. With ``halves``, cells that are large
    enough without their middle have none, so that spacings are within a quarter of an octave of those wanted.
    """
    columns, rows = max(round(width / coarsest), 1), max(round(height / coarsest), 1)
    unit = np.array([width / columns, height / rows])
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), axis=-1).reshape(-1, 2)
    levels: list[tuple[int, Array, Array]] = []
    least = QUARTER if halves else 0.75
    level = 0
    while len(cells):
        span = unit / 2**level
        middle = (cells + 0.5) * span
        size = wanted(middle[:, 0], middle[:, 1])
        split = size < least * span.max()
        bare = (size > span.max() / QUARTER) if halves else np.zeros(len(cells), bool)
        levels.append((level, cells[~split], bare[~split]))
        cells = (2 * cells[split][:, None, :] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2)
        level += 1
        if len(cells) > LARGEST // 4:
            raise InputError(f"this grading makes more than {LARGEST:,} cells")
    finest = 2 ** (level + 1)
    found = []
    for depth, kept, bare in levels:
        step = finest // 2**depth
        corners = (kept[:, None, :] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2) * step
        middles = kept[~bare] * step + step // 2
        size = np.full(len(corners) + len(middles), unit.max() / 2**depth)
        found.append((np.concatenate([corners, middles]), size))
    places, sizes = np.concatenate([p for p, _ in found]), np.concatenate([s for _, s in found])
    order = np.lexsort((sizes, places[:, 1], places[:, 0]))  # where cells of two sizes meet, the smaller counts
    places, sizes = places[order], sizes[order]
    fresh = np.concatenate([[True], (np.diff(places, axis=0) != 0).any(axis=1)])
    places, sizes = places[fresh], sizes[fresh]
    inside = (places > 0).all(axis=1) & (places < np.array([columns, rows]) * finest).all(axis=1)
    return places / finest * unit, inside, sizes


def relaxed(points: Array, inside: Array, wanted: Callable[[Array, Array], Array], rounds: int) -> Array:
    """``points``, the ``inside`` of them moved ``rounds`` times to the middles of the triangles round them, weighted by 1 / ``wanted``^2.

    Triangles become more even, and follow ``wanted(x, y)`` [m] more closely. S. P. Lloyd, IEEE Trans. Inf. Theory 28 (1982) 129-137,
    DOI 10.1109/TIT.1982.1056489, with the triangles in place of the cells of points.
    """
    for _ in range(rounds):
        triangles = triangulate(points)
        corners = points[triangles]
        middles = corners.mean(axis=1)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        weight = np.repeat((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / wanted(middles[:, 0], middles[:, 1]) ** 2, 3)
        around, count = triangles.ravel(), len(points)
        total = np.bincount(around, weight, count)
        sums = np.stack([np.bincount(around, weight * np.repeat(middles[:, axis], 3), count) for axis in (0, 1)], axis=1)
        points = np.where(inside[:, None], sums / np.maximum(total, np.finfo(float).tiny)[:, None], points)
    return points


def following(
    width: float,
    height: float,
    wanted: Callable[[Array, Array], Array],
    coarsest: float,
    seed: int,
    *,
    spacing: float,
    halves: bool = False,
) -> tuple[Array, Array]:
    """Vertices (V, 2) and triangles (T, 3) whose edges follow ``wanted(x, y)`` [m], none longer than ``coarsest`` [m].

    ``spacing`` is the side of the squares of `graded`, which has ``halves``, over an edge.
    """
    places, inside, size = graded(width, height, lambda x, y: wanted(x, y) * spacing, coarsest * spacing, halves=halves)
    vertices = relaxed(shaken(places, inside, 0.6 * size, seed), inside, wanted, ROUNDS)
    return vertices, triangulate(vertices)


def triangulate(points: Array) -> Array:
    """Delaunay triangles (T, 3), counterclockwise, of ``points`` (P, 2); slivers on the hull are left out."""
    from scipy.spatial import Delaunay  # loads for long, and only ranks make meshes

    triangles = Delaunay(points).simplices
    corners = points[triangles]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    longest = (np.diff(corners, axis=1, append=corners[:, :1]) ** 2).sum(axis=2).max(axis=1)
    whole = np.abs(area) > 1e3 * tm.FLAT * longest
    triangles, area = triangles[whole], area[whole]
    return np.where((area < 0.0)[:, None], triangles[:, ::-1], triangles)


def repeating(width: float, height: float, size: float, period: tuple[float, float], seed: int) -> tuple[Array, Array]:
    """Vertices (V, 2) and Delaunay triangles (T, 3) of a disturbed lattice that repeats itself after ``period`` [m] (0: it does not).

    Copies of the lattice stand round it; of the triangles that are copies of each other the one stays whose corner with the
    smallest number is no copy. So some corners lie beyond a periodic side, whose edge is jagged.
    """
    columns, rows = max(round(width / size), 3), max(round(height / (size * np.sqrt(0.75))), 3)
    rows += rows % 2 if period[1] else 0
    if columns * rows * 2 > LARGEST:
        raise InputError(f"an edge length of {size:g} m makes more than {LARGEST:,} cells of {width:g} m x {height:g} m")
    step = np.array([width / columns, height / rows])
    i, j = np.meshgrid(np.arange(columns if period[0] else columns + 1), np.arange(rows if period[1] else rows + 1), indexing="ij")
    shift = np.full(columns, 0.5) if period[0] else np.append(_shifted(columns) - np.arange(columns), 0.0)
    half = (j % 2) * shift[i]
    ends = (j % 2 == 1) & (i == 0)
    grid = np.stack([i + half, j], axis=-1).reshape(-1, 2) * step
    if not period[0]:  # rows that are shifted by half an edge have points at both ends too
        grid = np.concatenate([grid, np.stack([0.0 * j[ends], j[ends]], axis=-1) * step])
    wall = np.zeros(len(grid), bool)
    for axis, extent in enumerate((width, height)):
        if not period[axis]:
            wall |= (grid[:, axis] < 1e-9 * extent) | (grid[:, axis] > extent * (1.0 - 1e-9))
    grid = shaken(grid, ~wall, size, seed)
    shifts = [(a, b) for a in ((0, -1, 1) if period[0] else (0,)) for b in ((0, -1, 1) if period[1] else (0,))]
    base = np.tile(np.arange(len(grid)), len(shifts))
    copies = np.concatenate([grid + np.array(shift) * period for shift in shifts])
    margin = 5.0 * size
    near = np.all((copies > -margin) & (copies < np.array([width, height]) + margin), axis=1)
    near[: len(grid)] = True
    copies, base, original = copies[near], base[near], (np.arange(len(near)) < len(grid))[near]
    triangles = triangulate(copies)
    first = np.argmin(base[triangles], axis=1)
    triangles = triangles[original[np.take_along_axis(triangles, first[:, None], axis=1)[:, 0]]]
    used, place = np.unique(triangles, return_inverse=True)
    return copies[used], place.reshape(-1, 3)


def periodic_images(vertices: Array, period: tuple[float, float]) -> Array:
    """The vertex (V,) that each of ``vertices`` (V, 2) [m] is the same as, whole ``period``s [m] away (0: none)."""
    lengths = np.array([length or np.inf for length in period])
    grain = 1e-7 * min(length for length in period if length)
    away = np.floor((vertices + grain) / lengths) * np.array(period)
    _, first, same = np.unique(np.round((vertices - away) / grain), axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[same.ravel()])


def rectangle_side(
    origin: tuple[float, float], width: float, height: float, sides: Sequence[int] = (0, 1, 2, 3)
) -> Callable[[Array], Array]:
    """The function that gives the number in ``sides`` (of 0 west, 1 east, 2 south, 3 north) of boundary edges with their middles at (B, 2).

    A rectangle that repeats itself has no other sides, and edges across the others' ends lie on these.
    """

    def side(middles: Array) -> Array:
        if not len(middles):
            return np.zeros(0, np.int8)
        x, y = (middles - origin).T
        distances = np.stack([np.abs(x), np.abs(x - width), np.abs(y), np.abs(y - height)])
        return np.argmin(distances[list(sides)], axis=0).astype(np.int8)

    return side


SIDES = ("west", "east", "south", "north")
