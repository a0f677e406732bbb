"""Copy the data of a run's file beside its fields, with attributes and dimensions, into another file."""

from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np

from pipeline.store.checksums import walk

DIMENSION_ATTRS = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "DIMENSION_LABELS"}
LARGE = 4096  # [B]: arrays of more are packed without loss


def copy_all(source: h5py.File, target: h5py.File, skip: Callable[[str], bool], packed: Mapping[str, Any]) -> None:
    """Copy groups, datasets, attributes and dimension scales, except those whose names ``skip`` takes; large arrays ``packed``."""
    found = [name for name, _ in walk(source)]
    for name in found:
        if skip(name):
            continue
        item = source[name]
        if isinstance(item, h5py.Group):
            target.require_group(name)
        else:
            copy_dataset(item, target, name, packed)
        copy_attrs(item, target[name])
    attach(source, target, [name for name in found if name in target])


def copy_dataset(item: Any, target: h5py.File, name: str, packed: Mapping[str, Any]) -> None:
    """Copy the values of ``item``; a dimension that is no variable has none."""
    if is_dimension(item):
        target.create_dataset(name, item.shape, item.dtype)
        return
    options = dict(packed) if item.nbytes > LARGE and item.shape else {}
    values = item[...]
    target.create_dataset(name, data=values, dtype=item.dtype, **({"chunks": item.shape} | options if options else {}))


def copy_attrs(source: Any, target: Any) -> None:
    """Copy attributes, except those by which HDF5 keeps dimensions."""
    for key, value in source.attrs.items():
        if key not in DIMENSION_ATTRS:
            target.attrs.create(key, value, dtype=source.attrs.get_id(key).dtype if not isinstance(value, h5py.Empty | str) else None)


def attach(source: h5py.File, target: h5py.File, names: list[str]) -> None:
    """Make the same dimension scales and attach them to the same dimensions."""
    for name in names:
        if isinstance(source[name], h5py.Dataset) and is_scale(source[name]):
            target[name].make_scale(str(_text(source[name].attrs.get("NAME", ""))))
    for name in names:
        if not isinstance(source[name], h5py.Dataset) or "DIMENSION_LIST" not in source[name].attrs:
            continue
        for i, dim in enumerate(source[name].dims):
            for scale in dim.values():
                known = str(scale.name)
                if known in target:
                    target[name].dims[i].attach_scale(target[known])


def is_scale(item: Any) -> bool:
    """Whether a dataset is a dimension scale."""
    return bool(h5py.h5ds.is_scale(item.id))


def is_dimension(item: Any) -> bool:
    """Whether a dataset is a dimension that is no variable, and so has no values."""
    return is_scale(item) and str(_text(item.attrs.get("NAME"))).startswith("This is a netCDF dimension")


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes | np.bytes_) else value
