"""Series at a run's gauges as a table (CSV), or as NetCDF by CF's discrete sampling geometries."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]


def write_gauges(path: Path, store: Store, facts: dict[str, str]) -> int:
    """Write all samples at all gauges; returns the number of gauges.

    Parameters
    ----------
    path
        The file, which ends in .csv or .nc.
    store
        The run.
    facts
        Attributes of the file: title, history and source.

    Raises
    ------
    InputError
        Another ending, a run without gauges, or a library that is not installed.
    """
    writers = {".csv": _write_csv, ".nc": _write_netcdf}
    if path.suffix.lower() not in writers:
        raise InputError(f"'--gauges' is {path.name!r}; it must end in .csv or .nc (NetCDF)")
    if not store.gauges:
        raise InputError(f"{store.path} has no gauges")
    try:
        writers[path.suffix.lower()](path, store, facts)
    except ImportError as error:
        raise InputError(f"{path.name} needs {error.name}, which is not installed: pip install 'wavetrain[raster]'") from None
    return len(store.gauges)


def _write_csv(path: Path, store: Store, facts: dict[str, str]) -> None:
    """Columns: time, then the fields of each gauge; numbers as short as they are exact, nan where there is no sample."""
    import csv

    columns: dict[str, Array] = {"time [s]": store.gauge_times}
    samples = {f"{key} [{field.unit}]": store.gauge_samples(key) for key, field in store.gauge_fields.items()}
    for i, name in enumerate(store.gauges):
        columns |= {f"{name} {key}": values[:, i] for key, values in samples.items() if not np.isnan(values[:, i]).all()}
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))


def _write_netcdf(path: Path, store: Store, facts: dict[str, str]) -> None:
    import xarray

    globe = "node_longitude" in store.mesh()
    names = ("lon", "lat") if globe else ("x", "y")
    about = (
        {"standard_name": "longitude", "units": "degrees_east"} if globe else {"standard_name": "projection_x_coordinate", "units": "m"},
        {"standard_name": "latitude", "units": "degrees_north"} if globe else {"standard_name": "projection_y_coordinate", "units": "m"},
    )
    places = np.array(list(store.gauges.values()), float)
    coordinates: dict[str, Any] = {"time": ("time", store.gauge_times, {"units": "s", "long_name": "simulated time"})}
    coordinates |= {name: ("station", places[:, i], about[i]) for i, name in enumerate(names)}
    variables: dict[str, Any] = {"station_name": ("station", list(store.gauges), {"cf_role": "timeseries_id", "long_name": "gauge"})}
    for key, field in store.gauge_fields.items():
        variables[key] = (
            ("station", "time"),
            store.gauge_samples(key).T,
            {"units": field.unit, "long_name": field.long_name, "coordinates": " ".join(names)},
        )
    attributes = {"Conventions": "CF-1.11", "featureType": "timeSeries"} | facts
    xarray.Dataset(variables, coordinates, attributes).to_netcdf(path, engine="h5netcdf")
