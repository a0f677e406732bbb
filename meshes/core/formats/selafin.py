"""TELEMAC's Selafin, read by xarray-selafin where it is installed: no sides, the bed in BOTTOM or FOND."""

import importlib.util
from pathlib import Path

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField
from meshes.core.relief import broken_blamed
from pipeline.core.errors import InputError

TITLE = 80  # [B] of the title, the file's first record
BEDS = ("BOTTOM", "FOND", "B")


def is_one(head: bytes, name: str) -> bool:
    """Whether the first record has the length of a title, in either order of bytes."""
    return any(head[:4] == TITLE.to_bytes(4, order) == head[4 + TITLE : 8 + TITLE] for order in ("big", "little"))


def read(path: Path) -> FileMesh:
    """The mesh of the file, and its values at the first time.

    Raises
    ------
    InputError
        xarray-selafin is not installed, or can't read the file.
    """
    if importlib.util.find_spec("xarray_selafin") is None:
        raise InputError(
            f"{path.name} is Selafin, which needs xarray-selafin: pip install xarray-selafin, or write the mesh as UGRID or .2dm"
        )
    import xarray

    with broken_blamed(path), xarray.open_dataset(path, engine="selafin") as data:
        points = np.stack([np.asarray(data[axis].values, float) for axis in "xy"], axis=1)
        triangles = np.asarray(data.attrs["ikle2"], np.int64).reshape(-1, 3) - 1
        fields = {}
        for name, values in data.data_vars.items():
            first = np.asarray(values.values, float).reshape(-1, len(points))[0]
            if str(name).strip().upper() in BEDS:
                fields[str(name)] = VertexField(first)
    return FileMesh(points, triangles, fields=fields)
