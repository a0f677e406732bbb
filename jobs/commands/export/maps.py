"""Maps of a run on triangles as a grid: a pixel has the value of the cell under its middle, so that no value is made up between cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.locate import locate
from meshes.core.mercator import TURN
from meshes.core.stereographic import Stereographic
from pipeline.core.errors import InputError
from pipeline.drawing.triangle_image import OUTSIDE, Triangles
from pipeline.drawing.whole_globe import middle_of
from pipeline.store.layout import NO_MAXIMA, Field
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

PIXELS = 1000  # along the longer side, where no size is asked for
MOST_PIXELS = 2**28  # of a map: two gigabytes of double precision
SAME_TIME = 1e-9  # of a run's time: a frame's time as a person types it
GLOBE = "EPSG:4326"  # longitude and latitude
WEST_SOUTH = np.array([-0.5 * TURN, -0.25 * TURN])  # corner of a map of the whole globe [degrees]


@dataclass(frozen=True, slots=True)
class MapGrid:
    """Pixels of one size, row by row from the south.

    Attributes
    ----------
    low
        South-west corner: x and y [m], or longitude and latitude [degrees].
    size
        Edge of a pixel in the same unit.
    shape
        Rows and columns.
    globe
        Whether the places are longitudes and latitudes.
    """

    low: tuple[float, float]
    size: float
    shape: tuple[int, int]
    globe: bool

    @property
    def middles(self) -> tuple[Array, Array]:
        """Middles of the columns and of the rows."""
        rows, columns = self.shape
        return self.low[0] + (np.arange(columns) + 0.5) * self.size, self.low[1] + (np.arange(rows) + 0.5) * self.size


def maps(
    store: Store, *, size: float | None, extent: Sequence[float] | None, at: float | None
) -> tuple[MapGrid, dict[str, tuple[Array, Field]]]:
    """Take the maps of a run: the bed, its maxima and arrival times, and the fields of a frame.

    Parameters
    ----------
    store
        The run, on triangles.
    size
        Edge of a pixel [m], on the globe [degrees]; None: a thousandth of the longer side.
    extent
        West, south, east and north; None: the whole mesh.
    at
        Time [s] of the frame; None: no fields.

    Returns
    -------
    tuple[MapGrid, dict[str, tuple[Array, Field]]]
        The grid, and values (rows, columns) by name, nan where there is no cell or no value.

    Raises
    ------
    InputError
        A run that is on no triangles, a grid beyond the mesh or of too many pixels, or no frame at that time.
    """
    if store.mesh_kind != "triangles":
        raise InputError(f"{store.path} is on a mesh of kind {store.mesh_kind!r}; maps are of triangles")
    mesh = store.mesh()
    middle = middle_of(mesh)
    if middle:
        grid = _grid(WEST_SOUTH, -WEST_SOUTH, size, extent, globe=True)
        cells = _cells_on_globe(mesh, middle, grid)
    else:
        x, y, globe = _places(mesh)
        triangles = Triangles((x, y), mesh["face_node_connectivity"])
        grid = _grid(triangles.low, triangles.high, size, extent, globe=globe)
        ends = [(low, low + many * grid.size) for low, many in zip(grid.low, grid.shape[::-1], strict=True)]
        cells = triangles.under(ends[0], ends[1], grid.shape[1], grid.shape[0])
    if (cells == OUTSIDE).all():
        raise InputError(f"no cell of {store.path} lies under a pixel's middle: the extent is beside the mesh, or the pixels are too large")
    values = {"bed": (store.last_bed(), Field("bed", "m", "height of the bed, positive up"))} | _values(store, at)
    return grid, {name: (_sampled(one, cells), field) for name, (one, field) in values.items()}


def _sampled(values: Array, cells: Array) -> Array:
    return np.where(cells == OUTSIDE, np.nan, np.asarray(values, float)[np.maximum(cells, 0)])


def _values(store: Store, at: float | None) -> dict[str, tuple[Array, Field]]:
    """Values of cells by name: maxima, and the fields at the time ``at``."""
    found = {}
    for name, field in store.maxima.items():
        found[name if name in NO_MAXIMA else f"max_{name}"] = store.maximum(name).compute(), field
    if at is None:
        return found
    near = int(np.argmin(np.abs(store.times - at)))
    if abs(store.times[near] - at) > SAME_TIME * max(store.times[-1], 1.0):
        raise InputError(f"{store.path} has no frame at {at:g} s; the nearest is at {store.times[near]:g} s")
    return found | {name: (store.field(name)[near].compute(), field) for name, field in store.fields.items()}


def _places(mesh: Mapping[str, Array]) -> tuple[Array, Array, bool]:
    """The places of the nodes; longitudes rise from a west between -180 and 180 degrees, beyond 180 over the date line."""
    if "node_longitude" not in mesh:
        return mesh["node_x"], mesh["node_y"], False
    longitude = mesh["node_longitude"]
    middle = longitude[np.argmin(np.abs(mesh["node_x"]))]
    rising = middle + (longitude - middle + TURN / 2.0) % TURN - TURN / 2.0
    return rising - TURN * np.floor((rising.min() + TURN / 2.0) / TURN), mesh["node_latitude"], True


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """A mesh's triangles as `locate` asks for them."""

    vertices: Array  # (V, 2) [m]
    triangles: Array  # (T, 3)
    period: tuple[float, float] = (0.0, 0.0)


def _cells_on_globe(mesh: Mapping[str, Array], middle: tuple[float, float], grid: MapGrid) -> Array:
    """The cell (rows, columns) under the middle of each pixel, of a mesh on the stereographic map about ``middle`` [degrees]."""
    plane = _Plane(np.stack([mesh["node_x"], mesh["node_y"]], axis=-1), mesh["face_node_connectivity"])
    places = np.stack(np.meshgrid(*grid.middles), axis=-1).reshape(-1, 2)
    return locate(plane, Stereographic(*middle).plane(places))[0].reshape(grid.shape)


def _grid(least: Array, most: Array, size: float | None, extent: Sequence[float] | None, *, globe: bool) -> MapGrid:
    """Pixels of a mesh from ``least`` to ``most`` (2,), or of the ``extent`` that is asked for."""
    unit = "degrees" if globe else "m"
    low, high = (least, most) if extent is None else (np.array(extent[:2]), np.array(extent[2:]))
    if globe and extent is not None:
        west, east = low[0], high[0] + (TURN if high[0] <= low[0] else 0.0)  # over the date line
        turns = TURN * np.round((least[0] + most[0] - west - east) / 2.0 / TURN)  # to the mesh's longitudes
        low[0], high[0] = west + turns, east + turns
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise InputError(f"extent {low.tolist()} to {high.tolist()}: west and south come first, and are less than east and north")
    size = float((high - low).max() / PIXELS) if size is None else size
    if not 0.0 < size < np.inf:
        raise InputError(f"a pixel of {size:g} {unit}: it must be above 0")
    columns, rows = (max(int(np.ceil(length / size * (1.0 - 1e-12))), 1) for length in high - low)
    if columns * rows > MOST_PIXELS:
        raise InputError(f"{columns:,} by {rows:,} pixels of {size:g} {unit} are more than {MOST_PIXELS:,}: take larger pixels or a part")
    return MapGrid((float(low[0]), float(low[1])), size, (rows, columns), globe)


def write_maps(path: Path, grid: MapGrid, found: Mapping[str, tuple[Array, Field]], facts: Mapping[str, str], crs: str) -> None:
    """Write maps as GeoTIFF (.tif), a band a map, or as NetCDF (.nc) by CF-1.11.

    Parameters
    ----------
    path
        The file.
    grid
        Where the pixels are.
    found
        Values (rows, columns) by name.
    facts
        Attributes of the file: title, history and source.
    crs
        Coordinate reference system of a mesh in metres, such as ``EPSG:32719``; empty: unknown. On the globe it is WGS 84's.

    Raises
    ------
    InputError
        Another ending, a system that is not known, or a library that is not installed.
    """
    writers = {".tif": _write_geotiff, ".tiff": _write_geotiff, ".nc": _write_netcdf}
    if path.suffix.lower() not in writers:
        raise InputError(f"'--maps' is {path.name!r}; it must end in .tif (GeoTIFF) or .nc (NetCDF)")
    if grid.globe and crs:
        raise InputError("--crs is for meshes in metres; this one is in longitudes and latitudes")
    try:
        from rasterio.crs import CRS
        from rasterio.errors import CRSError

        try:
            system = CRS.from_user_input(GLOBE if grid.globe else crs) if grid.globe or crs else None
        except CRSError:
            raise InputError(f"no coordinate reference system {crs!r}; take such as EPSG:32719") from None
        writers[path.suffix.lower()](path, grid, found, facts, system)
    except ImportError as error:
        raise InputError(f"{path.name} needs {error.name}, which is not installed: pip install 'wavetrain[raster]'") from None


def _write_geotiff(path: Path, grid: MapGrid, found: Mapping[str, tuple[Array, Field]], facts: Mapping[str, str], system: Any) -> None:
    import rasterio
    from rasterio.transform import from_origin

    rows, columns = grid.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": len(found), "dtype": "float64", "nodata": np.nan}
    profile |= {"transform": from_origin(grid.low[0], grid.low[1] + rows * grid.size, grid.size, grid.size)}
    with rasterio.open(path, "w", **profile, crs=system, compress="deflate", predictor=3, tiled=True, bigtiff="if_safer") as file:
        file.update_tags(**facts)
        for band, (name, (values, field)) in enumerate(found.items(), 1):
            file.write(values[::-1], band)
            file.set_band_description(band, name)
            file.set_band_unit(band, field.unit)
            file.update_tags(band, long_name=field.long_name)


def _write_netcdf(path: Path, grid: MapGrid, found: Mapping[str, tuple[Array, Field]], facts: Mapping[str, str], system: Any) -> None:
    import xarray

    across, up = grid.middles
    names = ("lat", "lon") if grid.globe else ("y", "x")
    about = (
        {"standard_name": "latitude", "units": "degrees_north"}
        if grid.globe
        else {"standard_name": "projection_y_coordinate", "units": "m"},
        {"standard_name": "longitude", "units": "degrees_east"}
        if grid.globe
        else {"standard_name": "projection_x_coordinate", "units": "m"},
    )
    coordinates = {names[0]: (names[0], up, about[0]), names[1]: (names[1], across, about[1])}
    variables: dict[str, Any] = {}
    for name, (values, field) in found.items():
        attributes = {"units": field.unit, "long_name": field.long_name} | ({"grid_mapping": "crs"} if system else {})
        variables[name] = (names, values, attributes)
    if system:
        mapping = {"grid_mapping_name": "latitude_longitude"} if grid.globe else {}
        variables["crs"] = ((), np.int32(0), mapping | {"crs_wkt": system.to_wkt(version="WKT2_2019")})
    data = xarray.Dataset(variables, coordinates, {"Conventions": "CF-1.11"} | dict(facts))
    packed = {name: {"zlib": True, "complevel": 4, "_FillValue": np.nan} for name in found}
    data.to_netcdf(path, engine="h5netcdf", encoding=packed)
