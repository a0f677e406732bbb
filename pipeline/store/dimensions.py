"""Give ``/gauges`` and ``/statistics`` of a run's file dimensions of their own, and fields on triangles their coordinates.

So readers of netCDF-4 such as xarray open each group by itself.

``sample`` and ``gauge`` or ``shell`` stand in the group itself: its times are none of the frames'. They are added when a file is whole, by
one process: nothing that grows has to keep them.
"""

import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from pipeline.store.layout import FACE_COORDINATES, FACE_COORDINATES_ON_THE_SPHERE, field_names, series_names

Attrs = Mapping[str, Any]
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:10d}"  # as netCDF-4 names a dimension without coordinates
PLACES: tuple[tuple[str, Attrs], ...] = (
    ("x", {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "x of each gauge"}),
    ("y", {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "y of each gauge"}),
)
PLACES_ON_THE_SPHERE: tuple[tuple[str, Attrs], ...] = (
    ("x", {"units": "degrees_east", "standard_name": "longitude", "long_name": "longitude of each gauge"}),
    ("y", {"units": "degrees_north", "standard_name": "latitude", "long_name": "latitude of each gauge"}),
)


def add(file: h5py.File) -> None:
    """Add them to an open file; dimensions that are there are kept, and as long as their series."""
    if "gauges" in file:
        _gauges(file["gauges"], PLACES_ON_THE_SPHERE if _on_the_sphere(file) else PLACES)
    add_places(file)
    if "statistics" in file:
        group = file["statistics"]
        if "wavenumber" in group:
            _dimension(group, "shell", len(group["wavenumber"]))
            _attach(group["wavenumber"], group, ("shell",))
        _series(group, ("sample", "shell"), "time", "time wavenumber")


def add_places(file: h5py.File) -> None:
    """Give fields on triangles x and y, the centroids in ``/mesh``, by a second name of the same arrays; in degrees on the sphere."""
    fields = file.get("fields", {})
    if not len(fields) or any(f"mesh/{place}" not in file for place in FACE_COORDINATES.values()):
        return
    for name in field_names(file):
        fields[name].attrs["coordinates"] = " ".join(FACE_COORDINATES)
    places = FACE_COORDINATES_ON_THE_SPHERE if _on_the_sphere(file) else FACE_COORDINATES
    for axis, place in places.items():
        if axis not in fields:
            fields[axis] = file[f"mesh/{place}"]


def _on_the_sphere(file: Any) -> bool:
    """Whether an open file's mesh is in longitudes and latitudes."""
    return "mesh/face_longitude" in file


def _gauges(group: Any, places: tuple[tuple[str, Attrs], ...]) -> None:
    names = [name.encode() for name in json.loads(group.attrs["names"])]
    _dimension(group, "gauge", len(names))
    _dimension(group, "letter", max(1, *map(len, names)))
    _dimension(group, "component", group["place"].shape[1])
    _attach(group["place"], group, ("gauge", "component"))
    letters = np.array([list(name.ljust(len(group["letter"]), b"\0")) for name in names], np.uint8).view("S1")
    _variable(group, "name", letters, {"cf_role": "timeseries_id", "long_name": "name of each gauge", "_Encoding": "utf-8"})
    _attach(group["name"], group, ("gauge", "letter"))
    for i, (name, attrs) in enumerate(places):
        _variable(group, name, group["place"][:, i], attrs)
        _attach(group[name], group, ("gauge",))
    _series(group, ("sample", "gauge"), "time", "time name x y")


def _series(group: Any, dims: tuple[str, str], alone: str, both: str) -> None:
    """Dimensions of the series that grow with the samples, and their coordinates."""
    _dimension(group, "sample", len(group["time"]))
    for name in series_names(group):
        _attach(group[name], group, dims[: group[name].ndim])
        if name != "time":
            group[name].attrs["coordinates"] = alone if group[name].ndim == 1 else both


def _dimension(group: Any, name: str, size: int) -> None:
    if name in group:
        if len(group[name]) != size:  # a run that was completed before, and went on
            group[name].resize((size,))
        return
    group.create_dataset(name, (size,), ">f4", maxshape=(None,), chunks=(1024,)).make_scale(NO_VARIABLE.format(size))


def _variable(group: Any, name: str, values: Any, attrs: Attrs) -> None:
    if name not in group:
        group.create_dataset(name, data=values).attrs.update(attrs)


def _attach(data: Any, group: Any, dims: tuple[str, ...]) -> None:
    if "DIMENSION_LIST" not in data.attrs:
        for i, dim in enumerate(dims):
            data.dims[i].attach_scale(group[dim])
